//! The georeference of a raster: GeoTIFF tags kept byte for byte, and the affine transform they mean.
//!
//! Source: OGC GeoTIFF 1.1, sections 7.1 (keys) and 8 (raster to model transformation).

const MODEL_PIXEL_SCALE: u16 = 33550;
const MODEL_TIEPOINT: u16 = 33922;
const MODEL_TRANSFORMATION: u16 = 34264;
const GEO_KEY_DIRECTORY: u16 = 34735;
const GEO_DOUBLE_PARAMS: u16 = 34736;
const GEO_ASCII_PARAMS: u16 = 34737;

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
}

impl GeoTags {
    /// The values of a DOUBLE tag.
    fn doubles(&self, tag: u16) -> Option<Vec<f64>> {
        let found = self.tags.iter().find(|t| t.tag == tag && t.kind == 12)?;
        Some(found.bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect())
    }

    /// Whether tie points name pixel centres (`GTRasterTypeGeoKey` = PixelIsPoint).
    fn pixel_is_point(&self) -> bool {
        let Some(directory) = self.tags.iter().find(|t| t.tag == GEO_KEY_DIRECTORY && t.kind == 3) else { return false };
        let shorts: Vec<u16> = directory.bytes.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
        let keys = shorts.as_chunks::<4>().0;
        // Each key is (id, location, count, value); location 0 means that the value stands in the directory itself.
        keys.iter().skip(1).any(|k| k[0] == RASTER_TYPE_KEY && k[1] == 0 && k[3] == PIXEL_IS_POINT)
    }

    /// The tags that hold the coordinate system: key directory and its parameters.
    fn crs_tags(&self) -> impl Iterator<Item = &GeoTag> {
        self.tags.iter().filter(|tag| (GEO_KEY_DIRECTORY..=GEO_ASCII_PARAMS).contains(&tag.tag))
    }

    /// The EPSG code of the projected (3072) or else the geographic (2048) system, where it has one.
    fn epsg(&self) -> Option<u16> {
        let directory = self.tags.iter().find(|t| t.tag == GEO_KEY_DIRECTORY && t.kind == 3)?;
        let shorts: Vec<u16> = directory.bytes.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
        let keys = shorts.as_chunks::<4>().0;
        let code = |id: u16| keys.iter().skip(1).find(|k| k[0] == id && k[1] == 0).map(|k| k[3]);
        // 32767 says that the system is spelt out in other keys.
        code(3072).or_else(|| code(2048)).filter(|code| *code > 0 && *code < 32767)
    }

    /// Whether both name the same coordinate system; `None` where that cannot be told from the tags alone.
    ///
    /// A raster without a system is taken to have the other's.
    pub fn same_crs(&self, other: &GeoTags) -> Option<bool> {
        let none = self.crs_tags().next().is_none() || other.crs_tags().next().is_none();
        if none || self.crs_tags().eq(other.crs_tags()) {
            return Some(true);
        }
        match (self.epsg(), other.epsg()) {
            (Some(a), Some(b)) if a != b => Some(false),
            _ => None,
        }
    }

    /// The affine transform, or `None` where the tags hold none that is finite.
    pub fn transform(&self) -> Option<GeoTransform> {
        let mut transform = match (self.doubles(MODEL_PIXEL_SCALE), self.doubles(MODEL_TIEPOINT)) {
            (Some(scale), Some(tie)) if scale.len() >= 2 && tie.len() >= 6 => GeoTransform {
                origin_x: tie[3] - tie[0] * scale[0],
                origin_y: tie[4] + tie[1] * scale[1],
                col_x: scale[0],
                row_x: 0.0,
                col_y: 0.0,
                row_y: -scale[1],
            },
            _ => {
                let m = self.doubles(MODEL_TRANSFORMATION).filter(|m| m.len() >= 8)?;
                GeoTransform { origin_x: m[3], origin_y: m[7], col_x: m[0], row_x: m[1], col_y: m[4], row_y: m[5] }
            }
        };
        if self.pixel_is_point() {
            (transform.origin_x, transform.origin_y) = transform.at(-0.5, -0.5);
        }
        let GeoTransform { origin_x, origin_y, col_x, row_x, col_y, row_y } = transform;
        let finite = [origin_x, origin_y, col_x, row_x, col_y, row_y].iter().all(|v| v.is_finite());
        (finite && col_x * row_y - row_x * col_y != 0.0).then_some(transform)
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
