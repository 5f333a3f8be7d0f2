//! A scene of single files under weights that carry their configuration.

use std::fs;

use meltcore::data::about::{About, BandAbout};
use meltcore::data::class_map::{NO_CLASS, read_class_map};
use meltcore::data::crs::Crs;
use meltcore::data::day::Day;
use meltcore::data::geotags::{GeoTags, GeoTransform};
use meltcore::data::median::median_filter;
use meltcore::data::raster::Raster;
use meltcore::data::writer::{write_geotiff, write_map};

use super::{WEIGHTS, done, run, scene_of, trained};

#[test]
fn a_median_filter_changes_classes_alone_and_scenes_in_another_unit_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    trained(root);
    let name = scene_of(root);
    let [optical, dem] = ["optical", "dem"].map(|variable| format!("{variable}=g/{variable}/{name}.tif"));
    let predict = |more: &[&str]| run(root, &[&["predict", "--weights", WEIGHTS, &optical, &dem, "--no-png"], more].concat());
    let (status, said) = predict(&["--out", "plain"]);
    assert!(status == Some(0) && !said.contains("does not look like"), "{said}");
    let (status, said) = predict(&["--out", "filtered", "--median", "3"]);
    assert_eq!(status, Some(0), "{said}");
    let read = |folder: &str| read_class_map(&root.join(folder).join("map.tif"), 2).unwrap();
    let (plain, filtered) = (read("plain"), read("filtered"));
    let wanted = median_filter(&plain.classes, [plain.rows, plain.cols], 3).unwrap();
    assert!(filtered.classes == wanted && wanted != plain.classes);
    let beside = |folder: &str| fs::read(root.join(folder).join("probability/map.tif")).unwrap();
    assert!(beside("plain") == beside("filtered"));
    let options = |folder: &str| {
        let list = fs::read_to_string(root.join(folder).join("maps.json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&list).unwrap()["settings"]["options"]["median"].clone()
    };
    assert_eq!((options("plain"), options("filtered")), (serde_json::Value::Null, 3.into()));
    for size in ["2", "0", "101"] {
        let (status, said) = predict(&["--out", "never", "--median", size]);
        assert!(status == Some(2) && said.contains("must be an odd number of pixels from 1 to 99"), "{said}");
    }
    // A map in the folder of the inputs could take the place of one, also where replacing is allowed.
    let before = fs::read_dir(root.join("g/optical")).unwrap().count();
    let (status, said) = predict(&["--out", "g/optical", "--force"]);
    assert!(status == Some(2) && said.contains("the input optical (./g/optical/") && said.contains("choose another with --out"), "{said}");
    assert_eq!(fs::read_dir(root.join("g/optical")).unwrap().count(), before);
    // Scenes of many grids are no stack of days.
    for stack in ["--netcdf", "--zarr"] {
        let split = ["predict", "--config", "g/unet.yaml", "--weights", WEIGHTS, "--split", "test", "--out", "never", stack, "stack"];
        let (status, said) = run(root, &split);
        assert!(status == Some(2) && said.contains("these are scenes, each on a grid of its own"), "{said}");
    }
    // The same scene in ten thousandths.
    let raster = root.join(format!("g/optical/{name}.tif"));
    let image: Vec<f32> = (0..6).flat_map(|band| Raster::open_band(&raster, band).unwrap().read_all().unwrap()).collect();
    let write = |name: &str, values: &[f32]| {
        let bands = vec![BandAbout { description: "x".into(), unit: String::new() }; 6];
        let about = About { software: "meltcore 0".into(), day: Day::UNDATED, bands, items: vec![] };
        let first = Raster::open_band(&raster, 0).unwrap();
        write_map(&root.join(name), [first.rows(), first.cols()], values, first.geo(), &about).unwrap();
    };
    write("dn.tif", &image.iter().map(|value| 1e4 * value).collect::<Vec<f32>>());
    let (status, said) = run(root, &["predict", "--weights", WEIGHTS, "optical=dn.tif", &dem, "--out", "dn", "--no-png"]);
    assert_eq!(status, Some(0), "{said}");
    let told: Vec<&str> = said.lines().filter(|line| line.contains("does not look like what the weights were trained on")).collect();
    assert!(
        told.len() == 1
            && told[0].contains("optical_b1")
            && told[0].contains("--scale 0.0001 ")
            && told[0].contains("dn.tif` multiplies them"),
        "{said}"
    );
    // A corner without a value in any band, and a pixel that lacks one of them.
    let (mut holed, cols, pixels) = (image, plain.cols, plain.rows * plain.cols);
    for band in 0..6 {
        (0..4).for_each(|row| holed[band * pixels + row * cols..][..5].fill(f32::NAN));
    }
    holed[10 * cols + 10] = f32::NAN;
    write("holed.tif", &holed);
    let unknown = |out: &str, more: &[&str]| {
        let (status, said) =
            run(root, &[&["predict", "--weights", WEIGHTS, "optical=holed.tif", &dem, "--out", out, "--no-png"], more].concat());
        assert_eq!(status, Some(0), "{said}");
        (0..pixels).filter(|pixel| read(out).classes[*pixel] == NO_CLASS).collect::<Vec<usize>>()
    };
    assert_eq!(unknown("holed", &[]), (0..4).flat_map(|row| row * cols..row * cols + 5).collect::<Vec<usize>>());
    for (out, set) in [("nearest", "fill_optical=nearest"), ("optional", "optional_optical=true")] {
        assert!(unknown(out, &["--set", set, "--accept-changed-config"]).is_empty(), "{set}");
    }
    // An elevation model without its slope, and one on another grid.
    let reference = Raster::open_band(&raster, 0).unwrap();
    let elevation = Raster::open_band(root.join(format!("g/dem/{name}.tif")), 0).unwrap().read_all().unwrap();
    write_geotiff(root.join("bare.tif"), plain.rows, plain.cols, &elevation, reference.geo()).unwrap();
    let half: Vec<f32> = elevation.chunks_exact(cols).step_by(2).flat_map(|row| row.iter().step_by(2).copied()).collect();
    write_geotiff(root.join("half.tif"), plain.rows / 2, cols / 2, &half, &coarser(reference.geo())).unwrap();
    for (dem, words) in [
        ("bare.tif", "bare.tif: has 1 band(s), and the weights take 2 of dem"),
        ("half.tif", "half.tif: has 1 band(s), and the weights take 2 of dem"),
    ] {
        let given = ["predict", "--weights", WEIGHTS, &optical, &format!("dem={dem}"), "--out", "never", "--no-png"];
        let (status, said) = run(root, &given);
        assert!(status == Some(2) && said.contains(words), "{said}");
        // As the error says, word by word.
        let command = said.split('`').nth(1).unwrap();
        let arguments: Vec<&str> = command.split_whitespace().skip(1).collect();
        assert!(arguments.contains(&"--slope"), "{command}");
        done(root, &arguments);
        let packed = said.split("give that as ").nth(1).unwrap().split_whitespace().next().unwrap();
        done(root, &["predict", "--weights", WEIGHTS, &optical, packed, "--out", &format!("of-{dem}"), "--no-png"]);
    }
    let bands = vec![BandAbout { description: "x".into(), unit: String::new() }; 2];
    let about = About { software: "meltcore 0".into(), day: Day::UNDATED, bands, items: vec![] };
    write_map(&root.join("both.tif"), [plain.rows / 2, cols / 2], &[&half[..], &half].concat(), &coarser(reference.geo()), &about).unwrap();
    let given = ["predict", "--weights", WEIGHTS, &optical, "dem=both.tif", "--out", "never", "--no-png"];
    let (status, said) = run(root, &given);
    assert!(status == Some(2) && said.contains("does not lie on the grid of") && !said.contains("--slope"), "{said}");
}

/// The same place with pixels twice as large.
fn coarser(geo: &GeoTags) -> GeoTags {
    let place = geo.transform().unwrap();
    let transform = GeoTransform { col_x: 2.0 * place.col_x, row_y: 2.0 * place.row_y, ..place };
    GeoTags::of(&Crs::of_tags(geo).unwrap(), transform).unwrap()
}
