//! Lines as GeoJSON, written and read without GDAL.
//!
//! Coordinates are those of the scene's own system, which the member `crs` names, as GDAL, QGIS and geopandas read it, and not longitude
//! and latitude as RFC 7946 wants. Of scenes without a place they are columns and rows of pixels, the outer corner of the first pixel being
//! (0, 0) and rows counting downwards, and `crs` is null. Sources: RFC 7946; the GeoJSON format specification of 2008, section 3.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::crs::Crs;
use super::geotags::GeoTags;
use super::lines::{LineFeature, LineLayer};
use crate::error::{Error, Result};
use crate::files::write_atomically;

/// The longitude and latitude of WGS 84 in this order, which `EPSG:4326` does not promise.
const LONGITUDE_LATITUDE: &str = "urn:ogc:def:crs:OGC:1.3:CRS84";

/// Writes lines; the file appears whole or not at all.
///
/// # Errors
/// Those of [`LineLayer::geo`]; [`Error::Output`] for a coordinate system that has no short name, and where the file cannot be written.
pub fn write_geojson(path: &Path, layer: &LineLayer) -> Result<()> {
    let geo = layer.geo()?;
    let words = system(&geo).ok_or_else(|| {
        Error::output(
            path,
            "cannot name the scene's coordinate system, which has neither a code nor a known projection; write a GeoPackage",
        )
    })?;
    let crs = if words.is_empty() { Value::Null } else { json!({ "type": "name", "properties": { "name": words } }) };
    let of = |text: &str| Value::from(text).to_string();
    // A feature a line, so that people can read it.
    let features: Vec<String> = layer.features.iter().map(|of| feature(layer, of).to_string()).collect();
    let text = format!(
        "{{\n\"type\": \"FeatureCollection\",\n\"name\": {},\n\"software\": {},\n\"crs\": {crs},\n\"features\": [\n{}\n]\n}}\n",
        of(&layer.name),
        of(&layer.software),
        features.join(",\n")
    );
    write_atomically(path, |file| file.write_all(text.as_bytes()))
}

/// The name of a system; empty where there is none, and none where it has no name.
fn system(geo: &GeoTags) -> Option<String> {
    let Some(crs) = Crs::of_tags(geo).filter(|_| geo.transform().is_some()) else { return Some(String::new()) };
    let words = crs.words();
    match words.strip_prefix("EPSG:") {
        Some("4326") => Some(LONGITUDE_LATITUDE.to_owned()),
        Some(code) => Some(format!("urn:ogc:def:crs:EPSG::{code}")),
        None => Some(words).filter(|words| !words.is_empty()),
    }
}

fn feature(layer: &LineLayer, of: &LineFeature) -> Value {
    let properties: serde_json::Map<String, Value> = layer.fields.iter().map(|field| field.to_string()).zip(of.values.clone()).collect();
    let lines: Vec<Vec<[f64; 2]>> = of.places().into_iter().map(|line| line.into_iter().map(|(x, y)| [x, y]).collect()).collect();
    let geometry = if lines.is_empty() { Value::Null } else { json!({ "type": "MultiLineString", "coordinates": lines }) };
    json!({ "type": "Feature", "properties": properties, "geometry": geometry })
}

/// A line that somebody drew.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnLine {
    /// x and y of its points.
    pub points: Vec<(f64, f64)>,
    /// The coordinate system that the file names.
    pub crs: Option<Crs>,
}

/// Reads the only line of a GeoJSON file.
///
/// # Errors
/// [`Error::Input`] for a file that is missing, no GeoJSON, or has no line or several.
pub fn read_line(path: &Path) -> Result<DrawnLine> {
    let text = std::fs::read(path)
        .map_err(|e| Error::input(path, format!("cannot be opened ({e}); check the path and its permissions")).because(e))?;
    let json: Value = serde_json::from_slice(&text).map_err(|e| Error::input(path, format!("is no JSON ({e})")).because(e))?;
    let mut lines = Vec::new();
    collect(&json, &mut lines, 0);
    let message = |count: usize| format!("has {count} lines where one is wanted; leave one LineString in it, of at least two points");
    let [line] = &lines[..] else { return Err(Error::input(path, message(lines.len()))) };
    let point = |point: &Value| Some((point.get(0)?.as_f64()?, point.get(1)?.as_f64()?));
    let points: Option<Vec<(f64, f64)>> = line.as_array().map(|points| points.iter().map(point).collect()).unwrap_or_default();
    let points =
        points.filter(|points| points.len() > 1).ok_or_else(|| Error::input(path, "its line is no list of at least two points"))?;
    let name = json.pointer("/crs/properties/name").and_then(Value::as_str);
    let of_name = |name: &str| if name.to_ascii_uppercase().contains("CRS84") { "EPSG:4326".to_owned() } else { name.to_owned() };
    Ok(DrawnLine { points, crs: name.map(|name| Crs::of_definition(&of_name(name))) })
}

/// The coordinates of all lines in a geometry, a feature or a collection.
fn collect<'a>(of: &'a Value, lines: &mut Vec<&'a Value>, depth: usize) {
    // Collections within collections: nobody writes more.
    if depth > 8 {
        return;
    }
    let members = |name: &str| of.get(name).and_then(Value::as_array).into_iter().flatten();
    match of.get("type").and_then(Value::as_str) {
        Some("FeatureCollection") => members("features").for_each(|feature| collect(feature, lines, depth + 1)),
        Some("GeometryCollection") => members("geometries").for_each(|geometry| collect(geometry, lines, depth + 1)),
        Some("Feature") => of.get("geometry").into_iter().for_each(|geometry| collect(geometry, lines, depth + 1)),
        Some("LineString") => lines.extend(of.get("coordinates")),
        Some("MultiLineString") => lines.extend(members("coordinates")),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::geotags::GeoTransform;

    fn layer(definition: &str) -> LineLayer {
        let place = GeoTransform { origin_x: 1000.0, origin_y: 2000.0, col_x: 10.0, row_x: 0.0, col_y: 0.0, row_y: -10.0 };
        let geo = if definition.is_empty() { GeoTags::default() } else { GeoTags::of(&Crs::of_definition(definition), place).unwrap() };
        let feature = LineFeature {
            name: "a.tif".into(),
            lines: vec![vec![(0.5, 1.5), (1.5, 1.5), (2.5, 2.5)]],
            values: vec![json!("a"), json!(2.5), Value::Null],
            geo: geo.clone(),
        };
        let missing = LineFeature { name: "b.tif".into(), lines: Vec::new(), values: vec![json!("b")], geo };
        LineLayer {
            name: "fronts".into(),
            software: "meltcore 0".into(),
            fields: vec!["scene", "length_m", "date"],
            features: vec![feature, missing],
        }
    }

    #[test]
    fn lines_are_written_in_the_scenes_own_system() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fronts.geojson");
        for (definition, name) in
            [("EPSG:3413", json!("urn:ogc:def:crs:EPSG::3413")), ("EPSG:4326", json!("urn:ogc:def:crs:OGC:1.3:CRS84")), ("", Value::Null)]
        {
            write_geojson(&path, &layer(definition)).unwrap();
            let json: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            assert_eq!(json.pointer("/crs/properties/name").cloned().unwrap_or_default(), name);
            let first = if definition.is_empty() { json!([1.5, 0.5]) } else { json!([1015.0, 1995.0]) };
            assert_eq!(json.pointer("/features/0/geometry/coordinates/0/0"), Some(&first));
            assert_eq!(json.pointer("/features/0/properties"), Some(&json!({ "scene": "a", "length_m": 2.5, "date": null })));
            assert_eq!(json.pointer("/features/1/geometry"), Some(&Value::Null));
            let read = read_line(&path).unwrap();
            assert_eq!((read.points.len(), read.crs.is_some()), (3, !definition.is_empty()));
        }
        let mut mixed = layer("EPSG:3413");
        mixed.features[1].geo = layer("EPSG:3031").features[1].geo.clone();
        let refused = write_geojson(&path, &mixed).unwrap_err().to_string();
        assert!(refused.contains("a.tif and b.tif are not in one coordinate system"), "{refused}");
        mixed.features[1].geo = GeoTags::default();
        assert!(write_geojson(&path, &mixed).is_err());
    }

    #[cfg(feature = "gdal")]
    #[test]
    fn another_reader_understands_the_system() {
        use gdal::vector::LayerAccess;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fronts.geojson");
        for definition in ["EPSG:3413", "EPSG:4326", "+proj=aea +lat_0=70 +lon_0=-45 +lat_1=60 +lat_2=80 +datum=WGS84 +units=m"] {
            write_geojson(&path, &layer(definition)).unwrap();
            let options = gdal::DatasetOptions { open_flags: gdal::GdalOpenFlags::GDAL_OF_VECTOR, ..Default::default() };
            let dataset = gdal::Dataset::open_ex(&path, options).unwrap();
            let mut stored = dataset.layer(0).unwrap();
            let words = stored.spatial_ref().unwrap().to_wkt().unwrap();
            assert_eq!(Crs::of_definition(&words).is_same(&Crs::of_definition(definition)), Some(true), "{words}");
            let feature = stored.features().next().unwrap();
            assert_eq!(feature.geometry().unwrap().get_geometry(0).get_point(0), (1015.0, 1995.0, 0.0));
        }
    }

    #[test]
    fn one_line_is_read_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("line.geojson");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read_line(&path).map(|line| line.points).map_err(|e| e.to_string())
        };
        let line = r#"{"type": "LineString", "coordinates": [[1, 2], [3.5, 4, 100]]}"#;
        let feature = format!(r#"{{"type": "Feature", "geometry": {line}}}"#);
        let collection = |of: &str| format!(r#"{{"type": "FeatureCollection", "features": [{of}]}}"#);
        for text in [line, &feature, &collection(&feature), r#"{"type": "MultiLineString", "coordinates": [[[1, 2], [3.5, 4]]]}"#] {
            assert_eq!(read(text).unwrap(), [(1.0, 2.0), (3.5, 4.0)], "{text}");
        }
        assert!(read(&collection(&format!("{feature}, {feature}"))).unwrap_err().contains("has 2 lines where one is wanted"));
        assert!(read("{}").unwrap_err().contains("has 0 lines"));
        assert!(read("x,y").unwrap_err().contains("line.geojson: is no JSON"));
        assert!(read(r#"{"type": "LineString", "coordinates": [[1, 2]]}"#).unwrap_err().contains("at least two points"));
        assert!(read(r#"{"type": "LineString", "coordinates": [[1, 2], ["a", 3]]}"#).unwrap_err().contains("at least two points"));
    }
}
