//! Polygons beside maps.

#[cfg(feature = "gdal")]
use std::fs;
#[cfg(feature = "gdal")]
use std::path::Path;

use super::run;
#[cfg(feature = "gdal")]
use super::{SMALL, WEIGHTS, scene_of, trained};
#[cfg(feature = "gdal")]
use meltcore::data::class_map::read_class_map;

#[test]
#[cfg_attr(feature = "gdal", ignore = "this build has the cargo feature gdal, which writes outlines")]
fn without_gdal_outlines_are_refused_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let (status, said) = run(folder.path(), &["predict", "--weights", "w.safetensors", "x=y.tif", "--out", "maps", "--outlines"]);
    assert!(status == Some(2) && said.contains("GDAL") && !folder.path().join("maps").exists(), "{said}");
}

#[cfg(not(feature = "gdal"))]
#[test]
#[ignore = "this build lacks the cargo feature gdal, which writes outlines"]
fn outlines_are_those_of_the_maps_beside_them() {}

#[cfg(feature = "gdal")]
#[test]
fn outlines_are_those_of_the_maps_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    trained(root);
    let given = ["predict", "--config", "g/unet.yaml", "--weights", WEIGHTS, "--split", "test", "--out", "maps", "--no-png", "--outlines"];
    let predict = |more: &[&str]| run(root, &[&given[..], &SMALL, more].concat());
    let file = root.join(format!("maps/{}.gpkg", scene_of(root)));
    let modified = || fs::metadata(&file).unwrap().modified().unwrap();
    let (status, said) = predict(&["--median", "3"]);
    assert!(status == Some(0) && said.contains("polygon(s) are in"), "{said}");
    // As many square metres as the map has pixels of 30 m, each feature with its class, its name and where it comes from.
    let map = read_class_map(&file.with_extension("tif"), 2).unwrap();
    let pixels = map.classes.iter().filter(|class| **class == 1).count();
    let polygons = polygons(&file);
    let area: f64 = polygons.iter().map(|polygon| polygon.area).sum();
    assert!(pixels > 0 && (area - pixels as f64 * 900.0).abs() < 1e-3, "{area} m2 of {pixels} pixels");
    let source = format!("{}: unet, weights ", scene_of(root));
    for polygon in &polygons {
        assert_eq!((polygon.class, polygon.name.as_str()), (1, "glacier"));
        assert!((0.0..=1.0).contains(&polygon.confidence) && polygon.source.starts_with(&source), "{polygon:?}");
    }
    // Finished ones stay; missing ones, and those of other options, are made.
    let before = modified();
    let (_, said) = predict(&["--median", "3"]);
    assert!(modified() == before && said.contains("are finished already"), "{said}");
    let whole = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    predict(&["--median", "3"]);
    assert!(fs::read(&file).unwrap() == whole, "the same bytes again");
    let largest = polygons.iter().map(|polygon| polygon.area).fold(0.0, f64::max);
    // Maps without outlines may leave those of earlier maps behind, which is said.
    let without: Vec<&str> = given.iter().copied().filter(|word| *word != "--outlines").chain(SMALL).chain(["--median", "5"]).collect();
    let (status, said) = run(root, &without);
    assert!(status == Some(0) && said.contains("gpkg is of earlier maps: --outlines draws those of these"), "{said}");
    let (status, said) = predict(&["--median", "3", "--smallest-area", &largest.to_string()]);
    assert_eq!(status, Some(0), "{said}");
    assert!(self::polygons(&file).iter().all(|polygon| polygon.area >= largest) && !self::polygons(&file).is_empty());
    assert!(read_class_map(&file.with_extension("tif"), 2).unwrap().classes == map.classes, "the map keeps what is small");
    // Somebody was stopped between a file and its line in the list.
    let list = root.join("maps/outlines.json");
    let mut lines: serde_json::Value = serde_json::from_slice(&fs::read(&list).unwrap()).unwrap();
    for (_, line) in lines.as_object_mut().unwrap() {
        line.as_object_mut().unwrap().remove("outlines").unwrap();
    }
    fs::write(&list, lines.to_string()).unwrap();
    fs::write(&file, "half").unwrap();
    assert_eq!(predict(&["--median", "3"]).0, Some(0));
    assert!(fs::read(&file).unwrap() == whole);
    // What was corrected by hand stays, and is replaced only where that is said.
    let corrected = [&whole[..], b"by hand"].concat();
    fs::write(&file, &corrected).unwrap();
    let (status, said) = predict(&["--median", "3"]);
    assert!(
        status == Some(0) && said.contains("was changed since it was written and stays") && fs::read(&file).unwrap() == corrected,
        "{said}"
    );
    for more in [&["--median", "3", "--smallest-area", "1"][..], &["--median", "5"], &["--median", "3", "--overwrite"]] {
        let (status, said) = predict(more);
        assert!(status == Some(2) && said.contains("--force") && fs::read(&file).unwrap() == corrected, "{more:?}: {said}");
    }
    assert_eq!(predict(&["--median", "3", "--overwrite", "--force"]).0, Some(0));
    assert!(fs::read(&file).unwrap() == whole);
    // What is not of meltcore, and what is open elsewhere.
    fs::remove_file(&list).unwrap();
    let (status, said) = predict(&["--median", "3"]);
    assert!(status == Some(2) && said.contains("meltcore did not write it"), "{said}");
    let log = root.join(format!("maps/{}.gpkg-wal", scene_of(root)));
    fs::write(&log, "").unwrap();
    let (status, said) = predict(&["--median", "3", "--force"]);
    assert!(status == Some(2) && said.contains("open in another program"), "{said}");
    fs::remove_file(&log).unwrap();
    assert_eq!(predict(&["--median", "3", "--force"]).0, Some(0));
    let left = fs::read_dir(root.join("maps")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(left.into_iter().all(|name| !name.ends_with(".part")));
}

/// A feature of a GeoPackage.
#[cfg(feature = "gdal")]
#[derive(Debug)]
struct Polygon {
    class: i32,
    name: String,
    area: f64,
    confidence: f64,
    source: String,
}

#[cfg(feature = "gdal")]
fn polygons(file: &Path) -> Vec<Polygon> {
    use gdal::vector::LayerAccess;
    let dataset = gdal::Dataset::open(file).unwrap();
    let mut layer = dataset.layer(0).unwrap();
    let field = |feature: &gdal::vector::Feature, name: &str| feature.field_index(name).unwrap();
    let of = |feature: gdal::vector::Feature| {
        let number = |name: &str| feature.field_as_double(field(&feature, name)).unwrap().unwrap();
        let text = |name: &str| feature.field_as_string(field(&feature, name)).unwrap().unwrap();
        let geometry = feature.geometry().unwrap();
        assert!(geometry.is_valid() && (geometry.area() - number("area_m2")).abs() < 1e-3);
        Polygon {
            class: feature.field_as_integer(field(&feature, "class")).unwrap().unwrap(),
            name: text("class_name"),
            area: number("area_m2"),
            confidence: number("confidence"),
            source: text("source"),
        }
    };
    layer.features().map(of).collect()
}
