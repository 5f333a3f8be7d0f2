//! From maps of classes to outlines, and what scores of outlines say: small scenes with areas and distances that were computed by hand;
//! masks of pixels that count nowhere; scenes of single files, in another unit than that of the training or on another grid.

mod areas;
mod drawn;
mod masks;
mod scenes;

use std::fs;
use std::path::Path;
use std::process::Command;

use meltcore::data::about::{About, BandAbout};
use meltcore::data::class_map::{NO_CLASS, write_class_map};
use meltcore::data::crs::Crs;
use meltcore::data::day::Day;
use meltcore::data::geotags::{GeoTags, GeoTransform};
use meltcore::data::writer::write_geotiff;

/// A place with square pixels of a size in the unit of a coordinate system.
pub fn place(crs: &str, [x, y]: [f64; 2], pixel: f64) -> GeoTags {
    let transform = GeoTransform { origin_x: x, origin_y: y, col_x: pixel, row_x: 0.0, col_y: 0.0, row_y: -pixel };
    GeoTags::of(&Crs::of_definition(crs), transform).unwrap()
}

pub fn utm() -> GeoTags {
    place("EPSG:32645", [480_000.0, 3_100_000.0], 30.0)
}

/// Classes drawn with a character a pixel; `?` has none.
pub fn drawn(lines: &[&str]) -> (Vec<f32>, [usize; 2]) {
    let of = |byte: u8| if byte == b'?' { f32::NAN } else { f32::from(byte - b'0') };
    (lines.iter().flat_map(|line| line.bytes().map(of)).collect(), [lines.len(), lines[0].len()])
}

/// Two glaciers of six and two pixels; the map draws the first a column further right, none of the second, and one that is not there.
pub const TRUTH: [&str; 8] = [
    "0000000000", //
    "0111000000",
    "0111000000",
    "0000000000",
    "0000000000",
    "0000000000",
    "0000000110",
    "0000000000",
];
pub const MAP: [&str; 8] = [
    "0000000000", //
    "0011100000",
    "0011100000",
    "0000000000",
    "0000000000",
    "0000000000",
    "1000000000",
    "0000000000",
];

/// What the program says, and its exit status.
pub fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_meltcore")).current_dir(folder).args(arguments).output().unwrap();
    (done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr))
}

/// As [`run`]; it must succeed.
pub fn done(folder: &Path, arguments: &[&str]) -> String {
    let (status, said) = run(folder, arguments);
    assert_eq!(status, Some(0), "{arguments:?}: {said}");
    said
}

pub fn class_map(path: &Path, (classes, size): (Vec<f32>, [usize; 2])) {
    let classes: Vec<u8> = classes.iter().map(|class| if class.is_nan() { NO_CLASS } else { *class as u8 }).collect();
    let bands = vec![BandAbout { description: "class".into(), unit: String::new() }];
    let about = About { software: "meltcore 0".into(), day: Day::UNDATED, bands, items: vec![] };
    write_class_map(path, size, &classes, &utm(), &["rock", "ice"], &about).unwrap();
}

/// Truth, maps and masks of two scenes, and their configuration.
pub fn scored_scenes(root: &Path) {
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

/// A network that learns something in a second.
pub const SMALL: [&str; 8] =
    ["--set", "base_channels=4", "--set", "img_size=[32, 32]", "--set", "learning_rate=0.01", "--set", "fill_optical=mean"];

/// Invented scenes and a small network that was trained on them.
pub fn trained(root: &Path) {
    done(root, &["synth", "--task", "glacier", "--out", "g", "--scenes", "8", "--size", "64x80"]);
    done(root, &[&["train", "--config", "g/unet.yaml", "--set", "epochs=4", "--set", "crops_per_epoch=32"], &SMALL[..]].concat());
}

pub const WEIGHTS: &str = "g/runs/unet/checkpoints/best.safetensors";

pub fn scene_of(root: &Path) -> String {
    let list = fs::read_to_string(root.join("g/splits/test.csv")).unwrap();
    list.lines().next().unwrap().trim_end_matches(".tif").to_owned()
}
