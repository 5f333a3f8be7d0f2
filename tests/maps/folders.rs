//! Where maps may go: never over rasters that meltcore did not make, always into a folder that it knows.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use meltcore::synth::{SynthOptions, write_dataset};

/// A command on the test days of the data set in `root/data`.
fn run(root: &Path, command: &[&str], more: &[&str]) -> (Option<i32>, String) {
    let all = [command, &["--config", "data/config.yaml", "--split", "test"], more].concat();
    let done: Output = Command::new(env!("CARGO_BIN_EXE_meltcore")).current_dir(root).args(all).output().unwrap();
    (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
}

const PMW: &[&str] = &["baseline", "threshold-pmw"];
const MEAN: &[&str] = &["baseline", "time-interpolate-sar"];

fn data(root: &Path) {
    write_dataset(&root.join("data"), &SynthOptions { rows: 64, cols: 64, days: 12, ..SynthOptions::default() }, |_, _| {}).unwrap();
}

/// What `predict` needs beside the data set: the running mean among the inputs, and weights of a small network.
fn network(root: &Path) {
    assert_eq!(run(root, MEAN, &["--out", "data/time_interpolate_sar"]).0, Some(0));
    let init = ["weights", "init", "--config", "data/config.yaml", "--set", "base_channels=2", "--out", "w.safetensors"];
    assert!(Command::new(env!("CARGO_BIN_EXE_meltcore")).current_dir(root).args(init).status().unwrap().success());
}

/// Every file of a folder with its bytes, the program's own hidden ones aside.
fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> = entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect();
    files.retain(|(name, _)| !name.starts_with('.'));
    files.sort();
    files
}

#[test]
fn no_map_goes_over_an_input() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    data(root);
    let before = content(&root.join("data/melt"));
    let mut ways = vec!["data/melt", "data/../data/melt", "data/pmw", "data/mar_wa1"];
    if cfg!(unix) {
        #[cfg(unix)]
        std::os::unix::fs::symlink(root.join("data/melt"), root.join("link")).unwrap();
        ways.push("link");
    }
    for out in ways {
        // By force neither: an input is not a folder of maps.
        for more in [&["--out", out][..], &["--out", out, "--force"]] {
            let (status, said) = run(root, PMW, more);
            assert_eq!(status, Some(2), "{out}: {said}");
            assert!(said.contains("it is the folder of path_") && said.contains("--out"), "{said}");
        }
    }
    assert_eq!(content(&root.join("data/melt")), before);
    assert!(!root.join("data/melt/.maps.lock").exists());
    // The one input that is made of maps, and only by the baseline that makes it.
    let mean = root.join("data/time_interpolate_sar");
    fs::create_dir_all(&mean).unwrap();
    assert_eq!(run(root, PMW, &["--out", "data/time_interpolate_sar"]).0, Some(2));
    assert_eq!(run(root, MEAN, &["--out", "data/time_interpolate_sar"]).0, Some(0));
    assert!(mean.join("maps.json").is_file());
}

#[test]
fn unknown_files_are_replaced_by_force_only() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    data(root);
    assert_eq!(run(root, PMW, &["--out", "maps"]).0, Some(0));
    let wanted = content(&root.join("maps"));
    let times = || {
        let files = content(&root.join("maps")).into_iter().filter(|(name, _)| name.ends_with(".tif"));
        files.map(|(name, _)| fs::metadata(root.join("maps").join(name)).unwrap().modified().unwrap()).collect::<Vec<_>>()
    };
    let made = times();
    assert_eq!(run(root, PMW, &["--out", "maps"]).0, Some(0), "its own maps are known");
    assert_eq!(times(), made, "maps of the same bytes are the same files to whoever was trained on them");
    let first = wanted.iter().find(|(name, _)| name.ends_with(".tif")).unwrap().0.clone();

    // Killed after the list and before the maps: the folder is known.
    let (map, picture) = (root.join("maps").join(&first), root.join("maps").join(&first).with_extension("png"));
    fs::remove_file(&map).unwrap();
    assert_eq!(run(root, PMW, &["--out", "maps"]).0, Some(0));
    assert_eq!(content(&root.join("maps")), wanted);

    // Of an older version, which left no list.
    fs::remove_file(root.join("maps/maps.json")).unwrap();
    let (status, said) = run(root, PMW, &["--out", "maps"]);
    assert!(status == Some(2) && said.contains(&first) && said.contains("--force"), "{said}");
    assert_eq!(run(root, PMW, &["--out", "maps", "--force"]).0, Some(0));
    assert_eq!(content(&root.join("maps")), wanted);

    // Someone's raster, and someone's picture.
    for (file, more) in [(&map, None), (&picture, None), (&picture, Some("--no-png"))] {
        fs::remove_dir_all(root.join("maps")).unwrap();
        fs::create_dir_all(root.join("maps")).unwrap();
        fs::write(file, "mine").unwrap();
        let arguments: Vec<&str> = ["--out", "maps"].into_iter().chain(more).collect();
        let (status, said) = run(root, PMW, &arguments);
        // A picture is in nobody's way where none is written.
        assert_eq!(status, Some(if more.is_some() { 0 } else { 2 }), "{said}");
        assert_eq!(fs::read(file).unwrap(), b"mine");
    }

    // A list that cannot be read knows nothing.
    assert_eq!(run(root, PMW, &["--out", "again"]).0, Some(0));
    fs::write(root.join("again/maps.json"), "{\"days\": 7").unwrap();
    assert_eq!(run(root, PMW, &["--out", "again"]).0, Some(2));
}

#[test]
fn scores_pictures_and_pages_replace_their_own_kind_only() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    data(root);
    assert_eq!(run(root, MEAN, &["--out", "data/time_interpolate_sar"]).0, Some(0));
    assert_eq!(run(root, PMW, &["--out", "maps"]).0, Some(0));
    let eval = |more: &[&str]| run(root, &["eval", "--pred", "pmw=maps"], more);
    let report = |more: &[&str]| run(root, &["report", "--pred", "pmw=maps"], more);
    let day = fs::read_to_string(root.join("data/splits/test.csv")).unwrap().lines().next().unwrap().replace(".tif", ".png");
    for _ in 0..2 {
        // What they wrote themselves they write again.
        assert_eq!(eval(&["--out", "scores", "--csv", "table.csv"]).0, Some(0));
        assert_eq!(report(&["--out", "page.html"]).0, Some(0));
    }
    fs::write(root.join("mine.csv"), "station,melt\n1,2\n").unwrap();
    fs::create_dir_all(root.join("mine/panels")).unwrap();
    fs::write(root.join("mine/scores.json"), "{\"mine\": 1}").unwrap();
    fs::create_dir_all(root.join("pictures")).unwrap();
    fs::write(root.join("pictures").join(&day), b"\x89PNG\r\n\x1a\nmine").unwrap();
    for (name, arguments) in [
        ("mine.csv", ["--csv", "mine.csv"]),
        ("scores.json", ["--out", "mine"]),
        (&*day, ["--panels", "pictures"]),
        ("a folder of maps", ["--panels", "maps"]),
        ("path_melt", ["--panels", "data/melt"]),
    ] {
        let (status, said) = eval(&arguments);
        assert!(status == Some(2) && said.contains(name), "{arguments:?}: {said}");
    }
    assert_eq!(fs::read(root.join("mine.csv")).unwrap(), b"station,melt\n1,2\n");
    let before = fs::read(root.join("data/config.yaml")).unwrap();
    let (status, said) = report(&["--out", "data/config.yaml"]);
    assert!(status == Some(2) && said.contains("no report"), "{said}");
    assert_eq!(fs::read(root.join("data/config.yaml")).unwrap(), before);
    assert_eq!(report(&["--out", "mine.csv", "--force"]).0, Some(0));
}

#[test]
fn lists_of_days_replace_lists_only() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    data(root);
    let split = |file: &str| {
        let set = format!("path_val_split_csv={file}");
        let all = ["split", "--config", "data/config.yaml", "--force", "--set", "split_cfg=day", "--set", &set];
        let done = Command::new(env!("CARGO_BIN_EXE_meltcore")).current_dir(root).args(all).output().unwrap();
        (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    let before = fs::read(root.join("data/config.yaml")).unwrap();
    let lists = content(&root.join("data/splits"));
    // Not even by force, which is for lists of other days.
    for file in ["data/config.yaml", "data/dem.tif"] {
        let (status, said) = split(file);
        assert!(status == Some(2) && said.contains(file) && said.contains("no list of days"), "{said}");
    }
    assert_eq!(fs::read(root.join("data/config.yaml")).unwrap(), before);
    assert_eq!(content(&root.join("data/splits")), lists);
    fs::write(root.join("empty.csv"), "").unwrap();
    for file in ["data/splits/val.csv", "empty.csv"] {
        assert_eq!(split(file).0, Some(0), "{file}");
    }
}

#[test]
#[cfg_attr(not(feature = "gdal"), ignore = "this build lacks the cargo feature gdal, which writes stacks")]
fn stacks_replace_stacks_only_and_no_map() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    data(root);
    network(root);
    let predict = |file: &str| {
        let to = ["--weights", "w.safetensors", "--set", "base_channels=2", "--out", "maps", "--no-png", "--netcdf", file];
        run(root, &["predict"], &to)
    };
    let before = fs::read(root.join("data/config.yaml")).unwrap();
    let day = fs::read_to_string(root.join("data/splits/test.csv")).unwrap().lines().next().unwrap().to_owned();
    // The configuration that `synth` writes names meltcore, as a stack does.
    for (file, words) in [
        ("data/config.yaml", "no time stack"),
        (&*format!("maps/{day}"), "the name of a file of the maps"),
        ("./maps/maps.json", "the name of a file of the maps"),
    ] {
        let (status, said) = predict(file);
        assert!(status == Some(2) && said.contains(words), "{file}: {said}");
    }
    assert_eq!(fs::read(root.join("data/config.yaml")).unwrap(), before);
    for _ in 0..2 {
        assert_eq!(predict("maps.nc").0, Some(0));
    }
    // The stack names task, model and weights.
    let list: serde_json::Value = serde_json::from_slice(&fs::read(root.join("maps/maps.json")).unwrap()).unwrap();
    let stack = fs::read(root.join("maps.nc")).unwrap();
    let holds = |text: &str| stack.windows(text.len()).any(|window| window == text.as_bytes());
    for text in ["weights_sha256", "task", "melt_fraction", "model", list["weights"].as_str().unwrap()] {
        assert!(holds(text), "{text}");
    }
}

/// A land mask is an input of a map, and the states of inputs are those from before the map was made.
#[test]
fn maps_of_another_land_mask_are_stale() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    data(root);
    network(root);
    let predict = || {
        let (status, said) = run(root, &["predict"], &["--weights", "w.safetensors", "--set", "base_channels=2", "--out", "maps"]);
        assert_eq!(status, Some(0), "{said}");
        said.contains("are finished already")
    };
    assert!(!predict());
    assert!(predict());
    fs::copy(root.join("data/dem.tif"), root.join("data/landmask.tif")).unwrap();
    assert!(!predict());
    assert!(predict());
}
