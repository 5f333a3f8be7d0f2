//! Polygons of a class map, as a GeoPackage that any GIS opens: along the edges of pixels, without smoothing, holes kept.
//!
//! A polygon is what hangs together by the sides of pixels of one class above 0 ([`components`](super::components)); its attributes are
//! `id`, `class`, `class_name`, `area_m2`, `confidence` (the mean over its pixels) and `source`. Areas are those of the
//! pixels, on grids of longitude and latitude by the latitude of their rows. Without the cargo feature `gdal` the functions are there and
//! say what is missing.

use std::path::Path;

use super::geotags::GeoTags;
use crate::error::Result;

/// What polygons are made of.
#[derive(Debug, Clone)]
pub struct PolygonSource<'a> {
    /// Rows and columns.
    pub scene: [usize; 2],
    /// The class of each pixel, row after row; 0 and [`NO_CLASS`](super::class_map::NO_CLASS) make no polygons.
    pub classes: &'a [u8],
    /// Names of the classes by number; of one without a name the attribute stays empty.
    pub names: &'a [&'a str],
    /// How sure each pixel's class is, NaN where nobody knows; none: the attribute stays empty.
    pub confidence: Option<&'a [f32]>,
    /// Where they lie.
    pub geo: &'a GeoTags,
    /// What they come from, in words: the attribute `source`.
    pub source: &'a str,
    /// Smaller ones are left out, square metres.
    pub smallest_area: f64,
}

/// Whether this build can write polygons.
///
/// # Errors
/// [`Error::Usage`](crate::error::Error::Usage) where it was built without GDAL.
pub fn check_available() -> Result<()> {
    #[cfg(not(feature = "gdal"))]
    return Err(missing());
    #[cfg(feature = "gdal")]
    Ok(())
}

#[cfg(not(feature = "gdal"))]
fn missing() -> crate::error::Error {
    crate::error::Error::Usage(format!("polygons in GeoPackages take GDAL, which this build lacks: {}", super::GET_GDAL))
}

/// Fails: this build lacks GDAL.
///
/// # Errors
/// Always [`Error::Usage`](crate::error::Error::Usage).
#[cfg(not(feature = "gdal"))]
pub fn write_polygons(_path: &Path, _of: &PolygonSource) -> Result<usize> {
    Err(missing())
}

/// Writes the polygons of a class map into a GeoPackage, which appears whole or not at all; returns how many they are.
///
/// # Errors
/// [`Error::Shape`](crate::error::Error::Shape) where the numbers of pixels do not fit; [`Error::Input`](crate::error::Error::Input) for a
/// map without a place, or on a coordinate system that GDAL does not understand; [`Error::Output`](crate::error::Error::Output) where the
/// file cannot be written.
#[cfg(feature = "gdal")]
pub fn write_polygons(path: &Path, of: &PolygonSource) -> Result<usize> {
    with_gdal::write(path, of)
}

#[cfg(feature = "gdal")]
mod with_gdal {
    use std::path::Path;

    use gdal::DriverManager;
    use gdal::errors::Result as Gdal;
    use gdal::vector::{Feature, FieldDefn, Geometry, LayerAccess, LayerOptions, OGRFieldType, OGRwkbGeometryType};

    use super::PolygonSource;
    use crate::data::cells::Cells;
    use crate::data::components::{Component, Corner, components, outlines};
    use crate::data::gdal_library::{crs_of_tags, write_vectors};
    use crate::data::geotags::GeoTransform;
    use crate::error::{Error, Result};

    /// Fields in their order.
    const FIELDS: [(&str, OGRFieldType::Type); 6] = [
        ("id", OGRFieldType::OFTInteger64),
        ("class", OGRFieldType::OFTInteger),
        ("class_name", OGRFieldType::OFTString),
        ("area_m2", OGRFieldType::OFTReal),
        ("confidence", OGRFieldType::OFTReal),
        ("source", OGRFieldType::OFTString),
    ];

    /// What is said of a polygon beside its class.
    #[derive(Clone, Copy, Default)]
    struct About {
        area: f64,
        confidence: f64,
        /// Pixels with a confidence.
        sure: usize,
    }

    pub(super) fn write(path: &Path, of: &PolygonSource) -> Result<usize> {
        let [rows, cols] = of.scene;
        if of.classes.len() != rows * cols || of.confidence.is_some_and(|confidence| confidence.len() != rows * cols) {
            let sure = of.confidence.map_or(String::new(), |confidence| format!(" and {} of confidence", confidence.len()));
            return Err(Error::shape("polygons", format!("{} pixels{sure} of {rows} rows × {cols} columns", of.classes.len())));
        }
        let placed = Cells::of(of.geo).zip(of.geo.transform());
        let (cells, transform) = placed.ok_or_else(|| {
            Error::input(path, "cannot be made: the map has no georeference; give its inputs one (gdal_translate -a_ullr -a_srs)")
        })?;
        let (numbers, count) = components(of.classes, of.scene);
        let mut abouts = vec![About::default(); count];
        for (pixel, number) in numbers.iter().enumerate().filter(|(_, number)| **number > 0) {
            let about = &mut abouts[*number as usize - 1];
            about.area += cells.area(pixel / cols);
            if let Some(confidence) = of.confidence.map(|confidence| confidence[pixel]).filter(|confidence| !confidence.is_nan()) {
                about.confidence += f64::from(confidence);
                about.sure += 1;
            }
        }
        let found = outlines(of.classes, &numbers, of.scene, count, |number| abouts[number - 1].area >= of.smallest_area);
        let kept: Vec<(Component, About)> = found.into_iter().zip(abouts).filter(|(component, _)| !component.rings.is_empty()).collect();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        write_vectors(path, |temporary| make(temporary, &name, &kept, of, &transform))?;
        Ok(kept.len())
    }

    fn make(file: &Path, name: &str, polygons: &[(Component, About)], of: &PolygonSource, place: &GeoTransform) -> Gdal<()> {
        let mut dataset = DriverManager::get_driver_by_name("GPKG")?.create_vector_only(file)?;
        let crs = crs_of_tags(of.geo);
        let mut transaction = dataset.start_transaction()?;
        {
            let ty = OGRwkbGeometryType::wkbPolygon;
            let layer = transaction.create_layer(LayerOptions { name, srs: crs.as_ref(), ty, ..LayerOptions::default() })?;
            for (field, kind) in FIELDS {
                FieldDefn::new(field, kind)?.add_to_layer(&layer)?;
            }
            for (id, (component, about)) in (1..).zip(polygons) {
                let mut feature = Feature::new(layer.defn())?;
                feature.set_geometry(polygon(&component.rings, place)?)?;
                feature.set_field_integer64(0, id)?;
                feature.set_field_integer(1, i32::from(component.class))?;
                if let Some(name) = of.names.get(usize::from(component.class)) {
                    feature.set_field_string(2, name)?;
                }
                feature.set_field_double(3, about.area)?;
                if about.sure > 0 {
                    feature.set_field_double(4, about.confidence / about.sure as f64)?;
                }
                feature.set_field_string(5, of.source)?;
                feature.create(&layer)?;
            }
        }
        transaction.commit()?;
        dataset.close()
    }

    /// A polygon in map coordinates.
    fn polygon(rings: &[Vec<Corner>], place: &GeoTransform) -> Gdal<Geometry> {
        let mut polygon = Geometry::empty(OGRwkbGeometryType::wkbPolygon)?;
        for ring in rings {
            let mut line = Geometry::empty(OGRwkbGeometryType::wkbLinearRing)?;
            // Counterclockwise outside where north is up, as GeoPackages want it; the first corner again at the end.
            for (row, col) in ring.iter().rev().chain(ring.last()) {
                line.add_point_2d(place.at(*row as f64, *col as f64));
            }
            polygon.add_geometry(line)?;
        }
        Ok(polygon)
    }
}
