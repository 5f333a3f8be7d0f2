//! The georeference of a raster: GeoTIFF tags kept byte for byte, and the affine transform they mean.
//!
//! Source: OGC GeoTIFF 1.1, sections 7.1 (keys) and 8 (raster to model transformation).

use super::crs::Crs;
use super::tags::{GEO_ASCII_PARAMS, GEO_DOUBLE_PARAMS, GEO_KEY_DIRECTORY, MODEL_PIXEL_SCALE, MODEL_TIEPOINT, MODEL_TRANSFORMATION};

/// The tags that are carried from an input to the outputs made of it.
pub const CARRIED_TAGS: [u16; 6] =
    [MODEL_PIXEL_SCALE, MODEL_TIEPOINT, MODEL_TRANSFORMATION, GEO_KEY_DIRECTORY, GEO_DOUBLE_PARAMS, GEO_ASCII_PARAMS];

/// Key of the directory that says whether a tie point names a pixel's corner or its centre.
const RASTER_TYPE_KEY: u16 = 1025;
const PIXEL_IS_POINT: u16 = 2;

/// One TIFF tag with its value as little-endian bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeoTag {
    /// Tag number.
    pub tag: u16,
    /// TIFF field type (2 ASCII, 3 SHORT, 12 DOUBLE).
    pub kind: u16,
    /// Number of values.
    pub count: u64,
    /// The values, little-endian whatever the byte order of the source.
    pub bytes: Vec<u8>,
}

/// The georeference tags of one raster, in ascending order of tag number; empty where the raster has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GeoTags {
    /// The tags as read.
    pub tags: Vec<GeoTag>,
}

/// Affine map from (col, row) in pixels to map coordinates of the corner of a pixel.
///
/// `x = origin_x + col·col_x + row·row_x`, `y = origin_y + col·col_y + row·row_y`, in the unit of the CRS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeoTransform {
    /// x of the first pixel's outer corner.
    pub origin_x: f64,
    /// y of the first pixel's outer corner.
    pub origin_y: f64,
    /// Change of x along a row, from one column to the next.
    pub col_x: f64,
    /// Change of x from one row to the next.
    pub row_x: f64,
    /// Change of y from one column to the next.
    pub col_y: f64,
    /// Change of y from one row to the next (negative where north is up).
    pub row_y: f64,
}

impl GeoTransform {
    /// Map coordinates (x, y) at a fractional position; (0, 0) is the first pixel's corner.
    pub fn at(&self, row: f64, col: f64) -> (f64, f64) {
        (self.origin_x + col * self.col_x + row * self.row_x, self.origin_y + col * self.col_y + row * self.row_y)
    }

    /// Map coordinates (x, y) of a pixel's centre.
    pub fn pixel_centre(&self, row: usize, col: usize) -> (f64, f64) {
        self.at(row as f64 + 0.5, col as f64 + 0.5)
    }

    /// The fractional position (column, row) of map coordinates, the inverse of [`GeoTransform::at`]; pixels must have an area.
    pub fn position(&self, x: f64, y: f64) -> (f64, f64) {
        let (x, y) = (x - self.origin_x, y - self.origin_y);
        let area = self.col_x * self.row_y - self.row_x * self.col_y;
        ((self.row_y * x - self.row_x * y) / area, (self.col_x * y - self.col_y * x) / area)
    }

    /// Whether all numbers are finite and the pixels have an area.
    pub fn is_usable(&self) -> bool {
        let GeoTransform { origin_x, origin_y, col_x, row_x, col_y, row_y } = *self;
        [origin_x, origin_y, col_x, row_x, col_y, row_y].iter().all(|v| v.is_finite()) && col_x * row_y - row_x * col_y != 0.0
    }
}

impl GeoTag {
    /// A tag of DOUBLE values.
    pub fn of_doubles(tag: u16, values: &[f64]) -> GeoTag {
        GeoTag { tag, kind: 12, count: values.len() as u64, bytes: values.iter().flat_map(|value| value.to_le_bytes()).collect() }
    }

    /// A tag of ASCII; control characters, of which a zero would end the text, become spaces but for ends of lines.
    pub fn of_text(tag: u16, text: &str) -> GeoTag {
        let mut bytes = text.replace(|c: char| c.is_control() && c != '\n', " ").into_bytes();
        bytes.push(0);
        GeoTag { tag, kind: 2, count: bytes.len() as u64, bytes }
    }

    /// A tag of SHORT values.
    pub fn of_shorts(tag: u16, values: &[u16]) -> GeoTag {
        GeoTag { tag, kind: 3, count: values.len() as u64, bytes: values.iter().flat_map(|value| value.to_le_bytes()).collect() }
    }
}

impl GeoTags {
    /// The values of a DOUBLE tag.
    pub(super) fn doubles(&self, tag: u16) -> Option<Vec<f64>> {
        let found = self.tags.iter().find(|t| t.tag == tag && t.kind == 12)?;
        Some(found.bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect())
    }

    /// The values of a SHORT tag.
    pub(super) fn shorts(&self, tag: u16) -> Option<Vec<u16>> {
        let found = self.tags.iter().find(|t| t.tag == tag && t.kind == 3)?;
        Some(found.bytes.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)).collect())
    }

    /// The text of an ASCII tag.
    pub(super) fn text(&self, tag: u16) -> Option<&str> {
        std::str::from_utf8(&self.tags.iter().find(|t| t.tag == tag && t.kind == 2)?.bytes).ok()
    }

    /// Whether tie points name pixel centres (`GTRasterTypeGeoKey` = PixelIsPoint).
    fn pixel_is_point(&self) -> bool {
        let Some(shorts) = self.shorts(GEO_KEY_DIRECTORY) else { return false };
        let keys = shorts.as_chunks::<4>().0;
        // Each key is (id, location, count, value); location 0 means that the value stands in the directory itself.
        keys.iter().skip(1).any(|k| k[0] == RASTER_TYPE_KEY && k[1] == 0 && k[3] == PIXEL_IS_POINT)
    }

    /// The tags that hold the coordinate system: key directory and its parameters.
    fn crs_tags(&self) -> impl Iterator<Item = &GeoTag> {
        self.tags.iter().filter(|tag| (GEO_KEY_DIRECTORY..=GEO_ASCII_PARAMS).contains(&tag.tag))
    }

    /// Whether both name the same coordinate system; `None` where that cannot be told from the tags alone.
    ///
    /// A raster without a system is taken to have the other's. Words do not count: programs name one system in many ways.
    pub fn same_crs(&self, other: &GeoTags) -> Option<bool> {
        if self.crs_tags().eq(other.crs_tags()) {
            return Some(true);
        }
        match (Crs::of_tags(self), Crs::of_tags(other)) {
            (Some(a), Some(b)) => a.is_same(&b),
            _ => Some(true),
        }
    }

    /// Replaces the coordinate system by one as WKT or `EPSG:n`.
    ///
    /// A system without an EPSG code stands in the citation, behind the words that ESRI's programs and GDAL know it by.
    pub(super) fn set_crs(&mut self, definition: &str) {
        // The keys say, too, whether tie points name centres of pixels: the place must not move with them.
        let transform = self.transform();
        self.tags.retain(|tag| !(GEO_KEY_DIRECTORY..=GEO_ASCII_PARAMS).contains(&tag.tag));
        self.tags.extend(Crs::of_definition(definition).to_tags(definition));
        self.tags.sort_by_key(|tag| tag.tag);
        if let Some(transform) = transform {
            self.set_transform(transform);
        }
    }

    /// Tags of a place; `None` where the system is not understood.
    pub fn of(crs: &Crs, transform: GeoTransform) -> Option<GeoTags> {
        let mut tags = GeoTags { tags: crs.tags()? };
        tags.set_transform(transform);
        Some(tags)
    }

    /// Replaces the place of the pixels.
    pub(super) fn set_transform(&mut self, transform: GeoTransform) {
        self.tags.retain(|tag| ![MODEL_PIXEL_SCALE, MODEL_TIEPOINT, MODEL_TRANSFORMATION].contains(&tag.tag));
        let GeoTransform { col_x, row_x, col_y, row_y, .. } = transform;
        // Tags of points give the place of the first pixel's centre.
        let half = if self.pixel_is_point() { 0.5 } else { 0.0 };
        let (x, y) = transform.at(half, half);
        if row_x == 0.0 && col_y == 0.0 && col_x > 0.0 && row_y < 0.0 {
            self.tags.push(GeoTag::of_doubles(MODEL_PIXEL_SCALE, &[col_x, -row_y, 0.0]));
            self.tags.push(GeoTag::of_doubles(MODEL_TIEPOINT, &[0.0, 0.0, 0.0, x, y, 0.0]));
        } else {
            let matrix = [col_x, row_x, 0.0, x, col_y, row_y, 0.0, y, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
            self.tags.push(GeoTag::of_doubles(MODEL_TRANSFORMATION, &matrix));
        }
        self.tags.sort_by_key(|tag| tag.tag);
    }

    /// Number of ground control points: tie points without an affine transform. A single one of zeros only says nothing.
    pub(super) fn control_points(&self) -> usize {
        let points = self.doubles(MODEL_TIEPOINT).filter(|_| self.transform().is_none()).unwrap_or_default();
        if points.iter().all(|number| *number == 0.0) { 0 } else { points.len() / 6 }
    }

    /// The affine transform, or `None` where the tags hold none that is finite.
    pub fn transform(&self) -> Option<GeoTransform> {
        let mut transform = match (self.doubles(MODEL_PIXEL_SCALE), self.doubles(MODEL_TIEPOINT)) {
            (Some(scale), Some(tie)) if scale.len() >= 2 && tie.len() >= 6 => GeoTransform {
                origin_x: tie[3] - tie[0] * scale[0],
                // A negative scale of y is a slip of some writers; other readers take north to be up then, too.
                origin_y: tie[4] + tie[1] * scale[1].abs(),
                col_x: scale[0],
                row_x: 0.0,
                col_y: 0.0,
                row_y: -scale[1].abs(),
            },
            _ => {
                let m = self.doubles(MODEL_TRANSFORMATION).filter(|m| m.len() >= 8)?;
                GeoTransform { origin_x: m[3], origin_y: m[7], col_x: m[0], row_x: m[1], col_y: m[4], row_y: m[5] }
            }
        };
        if self.pixel_is_point() {
            (transform.origin_x, transform.origin_y) = transform.at(-0.5, -0.5);
        }
        transform.is_usable().then_some(transform)
    }

    /// The largest distance, in pixels, between the corners of two scenes of `rows` × `cols` pixels.
    ///
    /// `None` where one of them is not georeferenced, so that nothing can be said.
    pub fn misalignment(&self, other: &GeoTags, rows: usize, cols: usize) -> Option<f64> {
        let (a, b) = (self.transform()?, other.transform()?);
        let pixel = a.col_x.hypot(a.col_y).min(a.row_x.hypot(a.row_y));
        let corners = [(0.0, 0.0), (0.0, cols as f64), (rows as f64, 0.0), (rows as f64, cols as f64)];
        let apart = corners.iter().map(|&(row, col)| {
            let ((ax, ay), (bx, by)) = (a.at(row, col), b.at(row, col));
            (ax - bx).hypot(ay - by) / pixel
        });
        Some(apart.fold(0.0, f64::max))
    }
}
