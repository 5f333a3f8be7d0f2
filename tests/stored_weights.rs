//! `weights/`: each network maps the day that `weights/README.md` names, and its scores are those written there.

mod trials;

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// How far scores may lie from the written ones, whose last digit is the fourth: devices round differently, and of the 6302 pixels of an
/// Antarctic day some 800 melt, so that one of them across the threshold moves F1 by a thousandth.
const TOLERANCES: [(&str, f64); 3] = [("mae", 1e-4), ("f1", 1.2e-3), ("ssim", 1.5e-4)];

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Those of a scene with a front: IoU of glacier and of ocean, and the mean distance of its front in pixels of which one in a thousand may
/// change its zone.
const FRONT_TOLERANCES: [f64; 3] = [1e-3, 1e-3, 0.1];

/// A row of the tables of files.
struct Stored {
    file: String,
    sha256: String,
    day: String,
    /// MAE, F1 and SSIM of the day; of a scene IoU of glacier, of ocean, and pixels between mapped and drawn front.
    scores: [f64; 3],
}

/// The tables in `weights/README.md` whose rows begin with a file or a folder in quotes and end with numbers.
fn table() -> Vec<Stored> {
    let text = std::fs::read_to_string(root("weights/README.md")).unwrap();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect::<Vec<_>>();
    let row = |line| match cells(line).as_slice() {
        [_, file, sha256, day, first, second, third, _] if file.ends_with(".safetensors") || file.ends_with('/') => {
            let scores = [first, second, third].map(|cell| cell.parse().unwrap());
            Some(Stored { file: file.clone(), sha256: sha256.clone(), day: day.clone(), scores })
        }
        _ => None,
    };
    text.lines().filter_map(row).collect()
}

/// What a folder holds, in order.
fn names(folder: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(root(folder)).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn stored(file: &str) -> Stored {
    table().into_iter().find(|row| row.file == file).unwrap()
}

fn meltcore(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_meltcore")).args(arguments).current_dir(folder).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Maps the day of a stored network, first the running mean that is one of its inputs, and compares the scores.
fn map_and_score(row: &Stored, config: &Path, set: &[String]) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("day.csv"), format!("{}\n", row.day)).unwrap();
    let mut common = vec!["--config", config.to_str().unwrap(), "-q"];
    let mean = format!("path_time_interpolate_sar={}", folder.path().join("mean").display());
    let sets = [set, &["path_test_split_csv=day.csv".to_owned(), mean]].concat();
    sets.iter().for_each(|set| common.extend(["--set", set]));
    let run = |words: &[&str]| meltcore(folder.path(), &[words, &common].concat());
    run(&["baseline", "time-interpolate-sar", "--split", "test", "--out", "mean", "--no-png"]);
    let weights = root("weights").join(&row.file);
    run(&["predict", "--split", "test", "--out", "maps", "--no-png", "--weights", weights.to_str().unwrap()]);
    let scores: Value = serde_json::from_str(&run(&["eval", "--split", "test", "--pred", "net=maps", "--json"])).unwrap();
    for ((name, tolerance), wanted) in TOLERANCES.into_iter().zip(row.scores) {
        let got = scores["models"]["net"]["scenes"][&row.day][name].as_f64().unwrap();
        assert!((got - wanted).abs() <= tolerance, "{} on {}: {name} {got}, {wanted} in weights/README.md", row.file, row.day);
    }
}

fn the_files_are_those_of_the_table() {
    let mut files = names("weights");
    files.retain(|name| !name.ends_with(".md"));
    let rows = table();
    assert_eq!(files, rows.iter().map(|row| row.file.trim_end_matches('/').to_owned()).collect::<Vec<_>>());
    for row in rows {
        // Of a folder those of all members, one after the other.
        let members = if row.file.ends_with('/') { names(&format!("weights/{}", row.file)) } else { vec![String::new()] };
        let path = |member: &String| root(&format!("weights/{}{member}", row.file));
        let bytes: Vec<u8> = members.iter().flat_map(|member| std::fs::read(path(member)).unwrap()).collect();
        let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(sha256, row.sha256, "{}", row.file);
        let most = if row.file.starts_with("tyrion") || members.len() > 1 { 8_000_000 } else { 1_100_000 };
        assert!(bytes.len() < most, "{}: {} bytes", row.file, bytes.len());
    }
}

fn the_demo_network_maps_its_day() {
    let folder = tempfile::tempdir().unwrap();
    meltcore(folder.path(), &["synth", "--out", "demo", "-q"]);
    let data = folder.path().join("demo");
    let set = [format!("data_root={}", data.display()), format!("path_train_split_csv={}", data.join("splits/train.csv").display())];
    map_and_score(&stored("demo.safetensors"), &data.join("config.yaml"), &set);
}

/// The stored file, or folder of members, maps its day under its configuration.
fn the_antarctic_network_maps_its_day(data: &Path, file: &str, config: &str) {
    let config = root("tools/configs").join(config);
    let moved = [("path_melt", "melt"), ("path_mar_wa1", "coarse"), ("path_dem", "dem.tif"), ("path_landmask", "landmask.tif")];
    let lists = [("path_train_split_csv", "splits/train.csv")];
    let set: Vec<String> = moved.iter().chain(&lists).map(|(key, name)| format!("{key}={}", data.join(name).display())).collect();
    map_and_score(&stored(file), &config, &set);
}

fn the_front_network_maps_its_scene(data: &Path) {
    let row = stored("tyrion-small-caffe256.safetensors");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("scene.txt"), format!("{}\n", row.day)).unwrap();
    let config = root("tools/configs/caffe256.yaml");
    let list = |name: &str| data.join(name).display().to_string();
    let sets = [
        format!("data_root={}", data.display()),
        format!("path_train_split_csv={}", list("train.txt")),
        format!("path_val_split_csv={}", list("val.txt")),
        "path_test_split_csv=scene.txt".to_owned(),
    ];
    let mut common = vec!["--config", config.to_str().unwrap(), "-q"];
    sets.iter().for_each(|set| common.extend(["--set", set]));
    let run = |words: &[&str]| meltcore(folder.path(), &[words, &common].concat());
    let weights = root("weights").join(&row.file);
    run(&["predict", "--split", "test", "--out", "maps", "--no-png", "--weights", weights.to_str().unwrap()]);
    let scores: Value = serde_json::from_str(&run(&["eval", "--split", "test", "--pred", "net=maps", "--json"])).unwrap();
    let net = &scores["models"]["net"];
    // The configuration calls a pixel 100 m.
    let pixels = net["mde"].as_f64().unwrap() / 100.0;
    let zones = ["iou_glacier", "iou_ocean"].map(|name| net["weighted_mean"][name].as_f64().unwrap());
    for ((got, tolerance), wanted) in [zones[0], zones[1], pixels].into_iter().zip(FRONT_TOLERANCES).zip(row.scores) {
        assert!((got - wanted).abs() <= tolerance, "{} on {}: {got}, {wanted} in weights/README.md", row.file, row.day);
    }
}

fn main() -> ExitCode {
    let mut trials = trials::trials![the_files_are_those_of_the_table, the_demo_network_maps_its_day];
    let antarctic = "data/antarctic-melt";
    trials.push(trials::needing_data("the_antarctic_network_maps_its_day", antarctic, |data: &Path| {
        the_antarctic_network_maps_its_day(data, "antarctic-melt.safetensors", "antarctic-melt.yaml");
    }));
    trials.push(trials::needing_data("the_antarctic_ensemble_maps_its_day", antarctic, |data: &Path| {
        the_antarctic_network_maps_its_day(data, "antarctic-melt-best/", "antarctic-melt-best.yaml");
    }));
    trials.push(trials::needing_data("the_front_network_maps_its_scene", "data/caffe256", the_front_network_maps_its_scene));
    trials::run(trials)
}
