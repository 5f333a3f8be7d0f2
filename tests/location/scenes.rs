//! Scenes of noise, and a network that was trained on them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;

use meltcore::data::geotags::{GeoTag, GeoTags};
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;

use crate::on_device::noise;

/// A georeference on UTM 24 north of which 522426.1956, 7353439.1514 is 38.5° W, 66.3° N, that being `rows`, `cols` pixels of 30 m from the
/// first corner.
pub fn utm([rows, cols]: [f64; 2]) -> GeoTags {
    let (x, y) = (522426.1956 - 30.0 * cols, 7353439.1514 + 30.0 * rows);
    let tie = GeoTag::of_doubles(33922, &[0.0, 0.0, 0.0, x, y, 0.0]);
    let keys = GeoTag::of_shorts(34735, &[1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32624]);
    GeoTags { tags: vec![GeoTag::of_doubles(33550, &[30.0, 30.0, 0.0]), tie, keys] }
}

/// A georeference in degrees, north up.
pub fn degrees(longitude: f64, latitude: f64, step: f64) -> GeoTags {
    let tie = GeoTag::of_doubles(33922, &[0.0, 0.0, 0.0, longitude, latitude, 0.0]);
    let keys = GeoTag::of_shorts(34735, &[1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326]);
    GeoTags { tags: vec![GeoTag::of_doubles(33550, &[step, step, 0.0]), tie, keys] }
}

/// Scenes of noise with `class` everywhere, by name, and the lists of splits.
pub fn write_scenes(folder: &Path, scenes: &[(&str, [usize; 2], f32, GeoTags)], lists: &[(&str, &str)]) {
    for name in ["optical", "classes"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    for (index, (name, [rows, cols], class, geo)) in scenes.iter().enumerate() {
        let file = |of: &str| folder.join(of).join(format!("{name}.tif"));
        write_geotiff(file("optical"), *rows, *cols, &noise(index as u64, rows * cols), geo).unwrap();
        write_geotiff(file("classes"), *rows, *cols, &vec![*class; rows * cols], geo).unwrap();
    }
    for (split, list) in lists {
        fs::write(folder.join(format!("{split}.csv")), list).unwrap();
    }
    let text = "task: segmentation\nclasses: [rock, glacier]\nmodel_key: glavitu\nwidth: 4\nhidden: 8\nheads: 2\nblocks: 1\npatch: 8\n\
                resunet_steps: 1\nimg_size: [16, 16]\nbatch_size: 8\ncrops_per_epoch: 64\nepochs: 4\nlearning_rate: 0.003\n\
                loss_function: cross_entropy\nin_keys: [optical]\npath_optical: optical\npath_classes: classes\nmean_optical: 0\n\
                std_optical: 1\npath_train_split_csv: train.csv\npath_val_split_csv: val.csv\npath_test_split_csv: test.csv\n\
                prediction_batch_size: 4\ntensorboard: false\npath_checkpoints: run\n";
    fs::write(folder.join("config.yaml"), text).unwrap();
}

/// Scenes of which nothing but the region says what is there: all glacier in `A`, none in `B`.
pub fn write_regions(folder: &Path) {
    let scene = |name: &'static str, class: f32| (name, [20, 24], class, GeoTags::default());
    let scenes = [
        scene("A1-1", 1.0),
        scene("A2-2", 1.0),
        scene("B-1", 0.0),
        scene("B-2", 0.0),
        scene("A-3", 1.0),
        scene("B-3", 0.0),
        scene("A-4", 1.0),
        scene("B-4", 0.0),
        scene("X-5", 1.0),
    ];
    let lists = [("train", "A1-1\nA2-2.tif\nB-1\nB-2\n"), ("val", "A-3\nB-3\n"), ("test", "A-4\nB-4\nX-5\n")];
    write_scenes(folder, &scenes, &lists);
}

/// The program, run in a folder.
pub fn call(folder: &Path, command: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_meltcore")).current_dir(folder).arg(command).args(arguments).output().unwrap()
}

/// What it says where it has to succeed.
pub fn answer(folder: &Path, command: &str, arguments: &[&str]) -> String {
    let done = call(folder, command, arguments);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{command} {arguments:?}: {said}");
    said
}

/// The error that it ends with, status 2.
pub fn refusal(folder: &Path, command: &str, arguments: &[&str]) -> String {
    let done = call(folder, command, arguments);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(2), "{command} {arguments:?}: {said}");
    said.lines().find(|line| line.starts_with("error: ")).unwrap_or_else(|| panic!("{said}")).to_owned()
}

pub const REGION: [&str; 6] = ["--config", "config.yaml", "--set", "location=region", "--set", "augment_unknown_region=0.2"];

/// A folder with those scenes and a network that was trained on them, which tests only read.
pub fn trained() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        write_regions(folder.path());
        let said = answer(folder.path(), "train", &[&REGION[..], &["--set", "epochs=80", "--set", "augment_noise=1.0"]].concat());
        assert!(said.contains("regions: A, B") && said.contains("unknown region with probability 0.2"), "{said}");
        folder
    });
    folder.path()
}

/// Predicts the test scenes into a folder, and gives what was said.
pub fn predict(folder: &Path, out: &str, more: &[&str]) -> String {
    let weights = trained().join("run/best.safetensors");
    let fixed = ["--weights", weights.to_str().unwrap(), "--split", "test", "--no-png", "--out", out];
    answer(folder, "predict", &[&REGION[..], &fixed, more].concat())
}

/// Share of glacier in a map, and its mean confidence.
pub fn looked_at(maps: &Path, name: &str) -> [f64; 2] {
    let mean = |values: Vec<f32>| values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64;
    let file = format!("{name}.tif");
    let map = mean(Raster::open(maps.join(&file)).unwrap().read_all().unwrap());
    [map, mean(Raster::open_band(maps.join("probability").join(&file), 2).unwrap().read_all().unwrap())]
}
