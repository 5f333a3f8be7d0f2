//! Lines with what is known of them, one feature a scene, as GeoJSON ([`geojson`](super::geojson)) or as GeoPackage.
//!
//! Without the cargo feature `gdal` the functions for GeoPackages are there and say what is missing.

use std::path::Path;

use serde_json::Value;

use super::geotags::GeoTags;
use crate::error::{Error, Result};

/// A scene's lines.
#[derive(Debug, Clone)]
pub struct LineFeature {
    /// Where it comes from, for messages.
    pub name: String,
    /// Rows and columns of the points of each line, (0, 0) being the outer corner of the first pixel; none where the scene has no line.
    pub lines: Vec<Vec<(f64, f64)>>,
    /// What is known of it, in the order of [`LineLayer::fields`]: a text, a number, or null.
    pub values: Vec<Value>,
    /// Where its scene lies.
    pub geo: GeoTags,
}

/// The lines of one file.
#[derive(Debug, Clone)]
pub struct LineLayer {
    /// The layer's name.
    pub name: String,
    /// The program that made it, with its version.
    pub software: String,
    /// Names of what is known of each feature.
    pub fields: Vec<&'static str>,
    /// One a scene.
    pub features: Vec<LineFeature>,
}

impl LineFeature {
    /// Its lines in map coordinates (x, y), or as columns and rows of pixels where its scene has no place.
    pub fn places(&self) -> Vec<Vec<(f64, f64)>> {
        let transform = self.geo.transform();
        let place = |&(row, col): &(f64, f64)| transform.map_or((col, row), |transform| transform.at(row, col));
        self.lines.iter().map(|line| line.iter().map(place).collect()).collect()
    }
}

impl LineLayer {
    /// The georeference that all features share; empty where they are in pixels.
    ///
    /// # Errors
    /// [`Error::Usage`] where features have different coordinate systems, or only some of them have a place.
    pub fn geo(&self) -> Result<GeoTags> {
        let Some(first) = self.features.first() else { return Ok(GeoTags::default()) };
        let differs = |other: &&LineFeature| {
            other.geo.transform().is_some() != first.geo.transform().is_some() || first.geo.same_crs(&other.geo) == Some(false)
        };
        match self.features.iter().find(differs) {
            Some(other) => Err(Error::Usage(format!(
                "{} and {} are not in one coordinate system, and a file of lines has only one; write a file for each scene (--out DIR with \
                 --format)",
                first.name, other.name
            ))),
            None => Ok(first.geo.clone()),
        }
    }
}

/// Whether this build can write GeoPackages.
///
/// # Errors
/// [`Error::Usage`] where it was built without GDAL.
pub fn check_available() -> Result<()> {
    #[cfg(not(feature = "gdal"))]
    return Err(Error::Usage(format!("lines in GeoPackages take GDAL, which this build lacks (GeoJSON does not): {}", super::GET_GDAL)));
    #[cfg(feature = "gdal")]
    Ok(())
}

/// Fails: this build lacks GDAL.
///
/// # Errors
/// Always [`Error::Usage`].
#[cfg(not(feature = "gdal"))]
pub fn write_geopackage(_path: &Path, _layer: &LineLayer) -> Result<()> {
    check_available()
}

/// Writes lines into a GeoPackage, which appears whole or not at all.
///
/// # Errors
/// Those of [`LineLayer::geo`]; [`Error::Output`] where the file cannot be written.
#[cfg(feature = "gdal")]
pub fn write_geopackage(path: &Path, layer: &LineLayer) -> Result<()> {
    with_gdal::write(path, layer)
}

#[cfg(feature = "gdal")]
mod with_gdal {
    use std::path::Path;

    use gdal::DriverManager;
    use gdal::errors::Result as Gdal;
    use gdal::spatial_ref::SpatialRef;
    use gdal::vector::{Feature, FieldDefn, Geometry, LayerAccess, LayerOptions, OGRFieldType, OGRwkbGeometryType};
    use serde_json::Value;

    use super::{LineFeature, LineLayer};
    use crate::data::gdal_library::{crs_of_tags, write_vectors};
    use crate::error::Result;

    pub(super) fn write(path: &Path, layer: &LineLayer) -> Result<()> {
        let crs = crs_of_tags(&layer.geo()?);
        write_vectors(path, |temporary| make(temporary, layer, crs.as_ref()))
    }

    fn make(file: &Path, of: &LineLayer, crs: Option<&SpatialRef>) -> Gdal<()> {
        let mut dataset = DriverManager::get_driver_by_name("GPKG")?.create_vector_only(file)?;
        let mut transaction = dataset.start_transaction()?;
        {
            let ty = OGRwkbGeometryType::wkbMultiLineString;
            let layer = transaction.create_layer(LayerOptions { name: &of.name, srs: crs, ty, ..LayerOptions::default() })?;
            for (index, field) in of.fields.iter().enumerate() {
                FieldDefn::new(field, kind(of.features.iter().map(|feature| feature.values.get(index))))?.add_to_layer(&layer)?;
            }
            for of in &of.features {
                let mut feature = Feature::new(layer.defn())?;
                if !of.lines.is_empty() {
                    feature.set_geometry(geometry(of)?)?;
                }
                for (index, value) in of.values.iter().enumerate() {
                    match value {
                        Value::String(text) => feature.set_field_string(index, text)?,
                        Value::Bool(is) => feature.set_field_integer(index, i32::from(*is))?,
                        Value::Number(number) => match number.as_i64() {
                            Some(whole) => feature.set_field_integer64(index, whole)?,
                            None => feature.set_field_double(index, number.as_f64().unwrap_or(f64::NAN))?,
                        },
                        _ => {}
                    }
                }
                feature.create(&layer)?;
            }
        }
        transaction.commit()?;
        dataset.close()
    }

    /// What a field holds: text where any feature has one, real numbers where any has one.
    fn kind<'a>(values: impl Iterator<Item = Option<&'a Value>>) -> OGRFieldType::Type {
        let of = |value: &Value| match value {
            Value::String(_) => OGRFieldType::OFTString,
            Value::Number(number) if number.as_i64().is_none() => OGRFieldType::OFTReal,
            Value::Number(_) => OGRFieldType::OFTInteger64,
            _ => OGRFieldType::OFTInteger,
        };
        let kinds: Vec<OGRFieldType::Type> = values.flatten().filter(|value| !value.is_null()).map(of).collect();
        let order = [OGRFieldType::OFTString, OGRFieldType::OFTReal, OGRFieldType::OFTInteger64, OGRFieldType::OFTInteger];
        order.into_iter().find(|kind| kinds.contains(kind)).unwrap_or(OGRFieldType::OFTString)
    }

    fn geometry(of: &LineFeature) -> Gdal<Geometry> {
        let mut all = Geometry::empty(OGRwkbGeometryType::wkbMultiLineString)?;
        for points in of.places() {
            let mut line = Geometry::empty(OGRwkbGeometryType::wkbLineString)?;
            points.into_iter().for_each(|point| line.add_point_2d(point));
            all.add_geometry(line)?;
        }
        Ok(all)
    }
}

#[cfg(all(test, feature = "gdal"))]
mod tests {
    use gdal::vector::LayerAccess;
    use serde_json::json;

    use super::*;
    use crate::data::crs::Crs;
    use crate::data::geotags::GeoTransform;

    #[test]
    fn a_geopackage_holds_a_feature_a_scene() {
        let place = GeoTransform { origin_x: 1000.0, origin_y: 2000.0, col_x: 10.0, row_x: 0.0, col_y: 0.0, row_y: -10.0 };
        let geo = GeoTags::of(&Crs::of_definition("EPSG:3413"), place).unwrap();
        let lines = vec![vec![(0.5, 1.5), (1.5, 1.5), (2.5, 2.5)], vec![(8.0, 8.0), (9.0, 8.0)]];
        let front = LineFeature { name: "a".into(), lines, values: vec![json!("a"), json!(2.5), json!(7)], geo: geo.clone() };
        let none = LineFeature { name: "b".into(), lines: Vec::new(), values: vec![json!("b"), Value::Null, json!(0)], geo };
        let (name, software, fields) = ("fronts".into(), "meltcore 0".into(), vec!["scene", "length_m", "pixels"]);
        let layer = LineLayer { name, software, fields, features: vec![front, none] };
        let folder = tempfile::tempdir().unwrap();
        let [path, again] = ["fronts.gpkg", "again.gpkg"].map(|name| folder.path().join(name));
        write_geopackage(&path, &layer).unwrap();
        let options = gdal::DatasetOptions { open_flags: gdal::GdalOpenFlags::GDAL_OF_VECTOR, ..Default::default() };
        let dataset = gdal::Dataset::open_ex(&path, options).unwrap();
        let mut stored = dataset.layer(0).unwrap();
        assert_eq!((stored.name(), stored.feature_count(), stored.spatial_ref().unwrap().auth_code().unwrap()), ("fronts".into(), 2, 3413));
        let features: Vec<_> = stored.features().collect();
        let geometry = features[0].geometry().unwrap();
        assert_eq!((geometry.geometry_count(), geometry.get_geometry(0).get_point(0)), (2, (1015.0, 1995.0, 0.0)));
        let field = |at: usize, name: usize| features[at].field_as_double(name).unwrap();
        assert_eq!((field(0, 1), field(0, 2), field(1, 1), field(1, 2)), (Some(2.5), Some(7.0), None, Some(0.0)));
        drop(features);
        // What has no geometry is nowhere.
        stored.set_spatial_filter_rect(-1e9, -1e9, 1e9, 1e9);
        assert_eq!(stored.feature_count(), 1);
        write_geopackage(&again, &layer).unwrap();
        assert!(std::fs::read(&path).unwrap() == std::fs::read(&again).unwrap());
    }
}
