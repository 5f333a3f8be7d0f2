//! From maps of classes to outlines, and what scores of outlines say: small scenes with areas and distances that were computed by hand;
//! masks of pixels that count nowhere; scenes in another unit than that of the training.

use std::fs;
use std::path::Path;
use std::process::Command;

use meltcore::config::Config;
use meltcore::data::Window;
use meltcore::data::about::{About, BandAbout};
use meltcore::data::class_map::{NO_CLASS, read_class_map, write_class_map};
use meltcore::data::crs::Crs;
use meltcore::data::dataset::{Dataset, HostSample};
use meltcore::data::day::{Day, Split};
use meltcore::data::geotags::{GeoTags, GeoTransform};
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use meltcore::evaluate::glaciers::{Compared, Truth};
use meltcore::evaluate::{GlacierScores, ScoreFile};
use meltcore::tasks::segmentation::Segmentation;

/// A place with square pixels of a size in the unit of a coordinate system.
fn place(crs: &str, [x, y]: [f64; 2], pixel: f64) -> GeoTags {
    let transform = GeoTransform { origin_x: x, origin_y: y, col_x: pixel, row_x: 0.0, col_y: 0.0, row_y: -pixel };
    GeoTags::of(&Crs::of_definition(crs), transform).unwrap()
}

fn utm() -> GeoTags {
    place("EPSG:32645", [480_000.0, 3_100_000.0], 30.0)
}

/// Classes drawn with a character a pixel; `?` has none.
fn drawn(lines: &[&str]) -> (Vec<f32>, [usize; 2]) {
    let of = |byte: u8| if byte == b'?' { f32::NAN } else { f32::from(byte - b'0') };
    (lines.iter().flat_map(|line| line.bytes().map(of)).collect(), [lines.len(), lines[0].len()])
}

/// A map beside the truth, of two classes.
fn compared(truth: &[&str], map: &[&str], geo: &GeoTags) -> Compared {
    let ((target, size), (map, _)) = (drawn(truth), drawn(map));
    let sample = HostSample { ocean: vec![0.0; target.len()], target, channels: Vec::new() };
    let mut truth = Truth::of(&Segmentation::default(), &sample, size, geo).unwrap();
    let mut classes = truth.compare(&map);
    assert_eq!(classes.len(), 1, "each class but the first");
    classes.remove(0)
}

/// Two glaciers of six and two pixels; the map draws the first a column further right, none of the second, and one that is not there.
const TRUTH: [&str; 8] = [
    "0000000000", //
    "0111000000",
    "0111000000",
    "0000000000",
    "0000000000",
    "0000000000",
    "0000000110",
    "0000000000",
];
const MAP: [&str; 8] = [
    "0000000000", //
    "0011100000",
    "0011100000",
    "0000000000",
    "0000000000",
    "0000000000",
    "1000000000",
    "0000000000",
];

#[test]
fn areas_and_distances_are_those_computed_by_hand() {
    let found = compared(&TRUTH, &MAP, &utm());
    let areas: Vec<(f64, f64)> = found.glaciers.iter().map(|glacier| (glacier.area, glacier.mapped)).collect();
    assert_eq!(areas, [(6.0 * 900.0, 6.0 * 900.0), (2.0 * 900.0, 0.0)]);
    assert_eq!((found.glaciers[1].first, found.glaciers[1].place), ([6, 7], Some((480_225.0, 3_099_805.0))));
    assert_eq!((found.false_regions, found.false_area), (1, 900.0));
    // Of the second glacier 4 rows up and 3 or 4 columns left to the first one's map.
    let wanted = [30.0, 0.0, 0.0, 30.0, 0.0, 0.0, 150.0, 30.0 * 32f32.sqrt()];
    assert_eq!(found.to_map, wanted);
    // Of the false region 4 rows up and 1 column right.
    assert_eq!(found.to_truth, [0.0, 0.0, 30.0, 0.0, 0.0, 30.0, 30.0 * 17f32.sqrt()]);
    let scores = GlacierScores::of([&found, &found].into_iter());
    assert_eq!((scores.glaciers, scores.missed, scores.false_regions), (4, 2, 2));
    assert_eq!((scores.area_m2, scores.map_area_m2, scores.false_area_m2), (14_400.0, 12_600.0, 1800.0));
    assert_eq!((scores.area_deviation, scores.median_deviation, scores.median_abs_deviation), (Some(-0.125), Some(-0.5), Some(0.5)));
    let mean: f32 = wanted.iter().sum::<f32>() / 8.0;
    assert!((scores.to_map.mean_m.unwrap() - f64::from(mean)).abs() < 1e-4 && scores.to_map.median_m == Some(15.0), "{scores:?}");
}

#[test]
fn mapped_pixels_go_to_the_nearest_glacier_of_those_that_their_region_meets() {
    // One region over both glaciers and beyond; a pixel in the middle is as near to both, and the left one has it.
    let found = compared(&["00100000100", "00100000100"], &["11111111111", "00000000000"], &utm());
    let mapped: Vec<f64> = found.glaciers.iter().map(|glacier| glacier.mapped / 900.0).collect();
    assert_eq!((mapped, found.false_regions), (vec![6.0, 5.0], 0));
    let found = compared(&["0010010"], &["0010110"], &utm());
    assert_eq!(found.glaciers.iter().map(|glacier| glacier.mapped / 900.0).collect::<Vec<_>>(), [1.0, 2.0]);
    // Everything counted once: glaciers and false regions are all that is mapped.
    let found = compared(&["0110000", "0000000", "0000001"], &["1101101", "0001001", "1100001"], &utm());
    let all: f64 = found.glaciers.iter().map(|glacier| glacier.mapped).sum::<f64>() + found.false_area;
    assert_eq!((all, found.false_regions), (10.0 * 900.0, 2));
}

#[test]
fn what_has_no_class_counts_nowhere_and_makes_no_boundary() {
    let found = compared(&["??1100", "??1100"], &["111100", "111100"], &utm());
    assert_eq!((found.glaciers[0].area, found.glaciers[0].mapped), (3600.0, 3600.0));
    // The side to what nobody knows is no boundary, and neither is the edge of the scene.
    assert_eq!((found.to_map, found.to_truth), (vec![0.0; 2], vec![0.0; 2]));
    let found = compared(&["11", "11"], &["01", "11"], &utm());
    assert_eq!((found.to_map.len(), found.to_truth.len()), (0, 0), "the truth has no boundary, and the map's leads nowhere");
    let none = GlacierScores::of([&compared(&["00"], &["01"], &utm())].into_iter());
    assert_eq!((none.glaciers, none.area_deviation, none.median_deviation, none.to_map.mean_m), (0, None, None, None));
    assert_eq!((none.false_regions, none.map_area_m2), (1, 900.0));
}

#[test]
fn on_longitude_and_latitude_metres_are_those_of_the_rows() {
    // At 60° N a thousandth of a degree is 111.4 m from south to north and 55.8 m from west to east (Snyder 1987, table 5: 111 412 m and
    // 55 800 m a degree on Clarke 1866, of which WGS 84 differs by some 10 m).
    let geo = place("EPSG:4326", [7.0, 60.0005], 0.001);
    let found = compared(&["0100000", "0000000"], &["0010000", "0000000"], &geo);
    assert!((found.to_map[0] - 55.8).abs() < 0.05, "{:?}", found.to_map);
    let (area, wanted) = (found.glaciers[0].area, 111.412 * 55.8);
    assert!((area / wanted - 1.0).abs() < 1e-3, "{area}");
    // Three columns are further than one row.
    let down = compared(&["0100000", "0000000"], &["0000100", "0100000"], &geo);
    assert!((down.to_map[0] - 111.41).abs() < 0.05, "{:?}", down.to_map);
    let unplaced = compared(&TRUTH, &MAP, &GeoTags::default());
    assert_eq!((unplaced.glaciers[0].area, unplaced.glaciers[0].place, unplaced.to_map[0]), (6.0, None, 1.0));
}

/// What the program says, and its exit status.
fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_meltcore")).current_dir(folder).args(arguments).output().unwrap();
    (done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr))
}

/// As [`run`]; it must succeed.
fn done(folder: &Path, arguments: &[&str]) -> String {
    let (status, said) = run(folder, arguments);
    assert_eq!(status, Some(0), "{arguments:?}: {said}");
    said
}

fn class_map(path: &Path, (classes, size): (Vec<f32>, [usize; 2])) {
    let classes: Vec<u8> = classes.iter().map(|class| if class.is_nan() { NO_CLASS } else { *class as u8 }).collect();
    let bands = vec![BandAbout { description: "class".into(), unit: String::new() }];
    let about = About { software: "meltcore 0".into(), day: Day::UNDATED, bands, items: vec![] };
    write_class_map(path, size, &classes, &utm(), &["rock", "ice"], &about).unwrap();
}

/// Truth, maps and masks of two scenes, and their configuration.
fn scored_scenes(root: &Path) {
    ["classes", "maps", "clouds"].iter().for_each(|name| fs::create_dir_all(root.join(name)).unwrap());
    for name in ["A-1", "B-1"] {
        class_map(&root.join(format!("classes/{name}.tif")), drawn(&TRUTH));
        class_map(&root.join(format!("maps/{name}.tif")), drawn(&MAP));
    }
    // 2 takes the second glacier out, 7 the false region.
    let mut clouds = vec![0.0; 80];
    (clouds[60], clouds[67], clouds[68]) = (7.0, 2.0, 2.0);
    write_geotiff(root.join("clouds/A-1.tif"), 8, 10, &clouds, &utm()).unwrap();
    fs::write(root.join("test.csv"), "A-1\nB-1\n").unwrap();
    let text = "task: segmentation\nclasses: [rock, ice]\nmodel_key: unet\npath_classes: classes\npath_test_split_csv: test.csv\n";
    fs::write(root.join("run.yaml"), text).unwrap();
}

#[test]
fn scores_know_glaciers_and_write_them_down() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    scored_scenes(root);
    let said = done(root, &["eval", "--config", "run.yaml", "--split", "test", "--pred", "net=maps", "--out", "scores"]);
    let line = said.lines().find(|line| line.contains("ice") && line.contains("-0.1250")).expect("a line of glaciers");
    let cells: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(cells[..8], ["net", "ice", "4", "2", "2", "-0.1250", "-0.5000", "0.5000"], "{said}");
    let csv = fs::read_to_string(root.join("scores/glaciers.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[0], "model,scene,class,glacier,row,col,x,y,area_m2,map_area_m2,deviation");
    assert_eq!(lines[2], "net,A-1.tif,ice,2,6,7,480225,3099805,1800,0,-1");
    let scores = ScoreFile::read(&root.join("scores")).unwrap();
    let (class, glaciers) = &scores.models.0[0].1.glaciers.0[0];
    assert_eq!((class.as_str(), glaciers.glaciers, glaciers.false_area_m2, glaciers.to_map.median_m), ("ice", 4, 1800.0, Some(15.0)));
    done(root, &["report", "--config", "run.yaml", "--split", "test", "--pred", "net=maps", "--scores", "scores", "--out", "page.html"]);
    let page = fs::read_to_string(root.join("page.html")).unwrap();
    assert!(page.contains("Areas and outlines") && page.contains("−12.5 %"));
}

#[test]
fn ignored_pixels_count_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    scored_scenes(root);
    let eval = |more: &[&str]| {
        let given = ["eval", "--config", "run.yaml", "--split", "test", "--pred", "net=maps", "--json"];
        let (status, said) = run(root, &[&given, more].concat());
        assert_eq!(status, Some(0), "{said}");
        said
    };
    let value = |said: &str| serde_json::from_str::<serde_json::Value>(&said[said.find('{').unwrap()..=said.rfind('}').unwrap()]).unwrap();
    // 4 of 11 pixels in both, once the false region and the second glacier are taken out 4 of 8.
    let scene = |said: &str, name: &str| value(said)["models"]["net"]["scenes"][name].clone();
    let plain = eval(&[]);
    assert_eq!(scene(&plain, "A-1.tif")["iou_ice"], 4.0 / 11.0);
    let masked = eval(&["--set", "path_ignore=clouds"]);
    assert_eq!((scene(&masked, "A-1.tif")["iou_ice"].as_f64(), scene(&masked, "A-1.tif")["valid_px"].as_u64()), (Some(0.5), Some(77)));
    assert_eq!(scene(&masked, "B-1.tif"), scene(&plain, "B-1.tif"));
    assert!(masked.contains("1 of 2 scenes of the split test have no file in clouds (path_ignore) and count everywhere"), "{masked}");
    assert_eq!(value(&masked)["models"]["net"]["glaciers"]["ice"]["glaciers"], 3);
    let some = eval(&["--set", "path_ignore=clouds", "--set", "ignore_values=[2, 3]"]);
    assert_eq!((scene(&some, "A-1.tif")["iou_ice"].as_f64(), scene(&some, "A-1.tif")["valid_px"].as_u64()), (Some(4.0 / 9.0), Some(78)));
    // Training reads the same.
    let set = |text: &str| text.to_owned();
    let sets = [format!("data_root={}", root.display()), format!("path_test_split_csv={}", root.join("test.csv").display())];
    let sets = [&sets[..], &[set("path_ignore=clouds"), set("check_for_invalid_entries=false")]].concat();
    let config = Config::load(&root.join("run.yaml"), &sets).unwrap();
    let dataset = Dataset::open_targets(&config, Split::Test).unwrap();
    let mut sample = HostSample::default();
    dataset.read(0, Window { row: 6, col: 5, height: 1, width: 4 }, &mut sample).unwrap();
    assert_eq!((&sample.target[..2], &sample.ocean[..]), (&[0.0, 0.0][..], &[0.0, 0.0, 1.0, 1.0][..]));
    assert!(sample.target[2..].iter().all(|value| value.is_nan()) && dataset.files().contains_key("ignore/A-1.tif"));
    assert!(dataset.ocean(0).unwrap().iter().all(|ocean| *ocean == 0.0), "maps are not masked");
    let masking = Config::load(&root.join("run.yaml"), &[&sets[..], &[set("mask_outputs=true")]].concat()).unwrap();
    let ocean = Dataset::open_targets(&masking, Split::Test).unwrap().ocean(0).unwrap();
    assert_eq!(ocean.iter().sum::<f32>(), 3.0, "maps have no value there");
    // What cannot be meant.
    for (sets, words) in [
        (["path_ignore=nowhere", "seed=1"], "nowhere: is no folder, and `path_ignore` names one"),
        (["ignore_values=[3]", "seed=1"], "`path_ignore`, the folder of the masks, is missing"),
        (["path_ignore=clouds", "reference_labels=true"], "`path_ignore` takes pixels out"),
    ] {
        let given = ["eval", "--config", "run.yaml", "--split", "test", "--pred", "net=maps", "--set", sets[0], "--set", sets[1]];
        let (status, said) = run(root, &given);
        assert!(status == Some(2) && said.contains(words), "{said}");
    }
    write_geotiff(root.join("clouds/B-1.tif"), 4, 10, &[0.0; 40], &utm()).unwrap();
    let given = ["eval", "--config", "run.yaml", "--split", "test", "--pred", "net=maps", "--set", "path_ignore=clouds"];
    let (status, said) = run(root, &given);
    assert!(status == Some(2) && said.contains("B-1.tif: has 4 rows"), "{said}");
}

/// Invented scenes and a small network that was trained on them for an epoch.
fn trained(root: &Path) {
    done(root, &["synth", "--task", "glacier", "--out", "g", "--scenes", "8", "--size", "64x80"]);
    let small = ["--set", "base_channels=2", "--set", "epochs=2", "--set", "img_size=[32, 32]", "--set", "crops_per_epoch=8"];
    done(root, &[&["train", "--config", "g/unet.yaml"], &small[..]].concat());
}

const WEIGHTS: &str = "g/runs/unet/checkpoints/best.safetensors";

fn scene_of(root: &Path) -> String {
    let list = fs::read_to_string(root.join("g/splits/test.csv")).unwrap();
    list.lines().next().unwrap().trim_end_matches(".tif").to_owned()
}

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
    let wanted = meltcore::data::median::median_filter(&plain.classes, [plain.rows, plain.cols], 3).unwrap();
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
    // The same scene in ten thousandths.
    let raster = root.join(format!("g/optical/{name}.tif"));
    let first = Raster::open_band(&raster, 0).unwrap();
    let times = |band: usize| Raster::open_band(&raster, band).unwrap().read_all().unwrap().into_iter().map(|value| 1e4 * value);
    let values: Vec<f32> = (0..6).flat_map(times).collect();
    let bands = vec![BandAbout { description: "x".into(), unit: String::new() }; 6];
    let about = About { software: "meltcore 0".into(), day: Day::UNDATED, bands, items: vec![] };
    meltcore::data::writer::write_map(&root.join("dn.tif"), [first.rows(), first.cols()], &values, first.geo(), &about).unwrap();
    let (status, said) = run(root, &["predict", "--weights", WEIGHTS, "optical=dn.tif", &dem, "--out", "dn", "--no-png"]);
    assert_eq!(status, Some(0), "{said}");
    let told: Vec<&str> = said.lines().filter(|line| line.contains("does not look like what the weights were trained on")).collect();
    assert!(told.len() == 1 && told[0].contains("optical_b1") && told[0].contains("--scale 0.0001 dn.tif"), "{said}");
}

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
    let given = ["predict", "--config", "g/unet.yaml", "--set", "base_channels=2", "--set", "img_size=[32, 32]", "--weights", WEIGHTS];
    let predict = |more: &[&str]| run(root, &[&given[..], &["--split", "test", "--out", "maps", "--no-png", "--outlines"], more].concat());
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
