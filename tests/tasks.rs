//! Every task keeps its own word: the names that it gives are names of its scores, and its scores are those that it promises.

mod on_device;

use std::path::Path;
use std::process::Command;

use meltcore::autograd::Tape;
use meltcore::config::TaskKey;
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use meltcore::models::Outputs;
use meltcore::tasks::{self, Better, Holds, Mean, Targets, Task};
use meltcore::tensor::Tensor;
use on_device::{gpu, noise};

const SIZE: [usize; 2] = [90, 83];

/// A scene's targets with gaps and ocean, what a network may give for it, and the settled and finished map of that.
fn scene(task: &dyn Task, seed: u64) -> (Targets, Tensor, Tensor) {
    let (gpu, [rows, cols]) = (gpu(), SIZE);
    let pixels = rows * cols;
    let positive = |seed| noise(seed, pixels).into_iter().map(|value| 0.5 * (value + 1.0)).collect::<Vec<f32>>();
    // Numbers of classes, where targets are those.
    let seen = |value: f32| task.one_hot().map_or(value, |classes| (value * classes as f32).floor().min(classes as f32 - 1.0));
    let target: Vec<f32> = positive(seed).into_iter().map(|value| if value < 0.1 { f32::NAN } else { seen(value) }).collect();
    assert_eq!(task.refuse(&target), Ok(()));
    let ocean: Vec<f32> = positive(seed + 1).into_iter().map(|value| f32::from(value > 0.8)).collect();
    let (values, mask) = task.masked(&target, &ocean);
    assert!(values.iter().all(|value| value.is_finite()) && mask.contains(&0.0) && mask.contains(&1.0));
    let mut output: Vec<f32> = noise(seed + 2, task.heads() * pixels).into_iter().map(|value| 1.5 * value).collect();
    let raw = Tensor::from_slice(&gpu, [1, task.heads(), rows, cols], &output).unwrap();
    task.settle(&mut output, pixels);
    let mut map = task.finish(output, pixels);
    assert_eq!(map.len(), (task.bands().len() + task.beside().len()) * pixels);
    map.truncate(task.bands().len() * pixels);
    let targets = Targets::new(&gpu, [1, 1, rows, cols], &values, &mask).unwrap();
    (targets, raw, Tensor::from_slice(&gpu, [1, task.bands().len(), rows, cols], &map).unwrap())
}

#[test]
fn names_are_those_of_columns() {
    for &key in TaskKey::ALL {
        let task = tasks::by_key(key, None);
        assert_eq!(task.key(), key);
        let known: Vec<&str> = task.columns().iter().map(|column| column.name).collect();
        let roots = task.columns().iter().filter_map(|column| match column.mean {
            Mean::RootOf(other) => Some(other),
            Mean::Weighted => None,
        });
        let pooled = task.words().pooled.iter().map(|(name, _)| *name);
        let lists = [task.table(), task.headline(), task.summary(), task.watched()].into_iter().flatten().copied();
        for name in lists.chain(roots).chain(pooled) {
            assert!(known.contains(&name), "{key:?}: `{name}` is no column of src/tasks; columns are {known:?}");
        }
        assert!(!task.headline().is_empty() && !task.bands().is_empty());
        let (seen, (least, most)) = ([0.0, 0.3, 1.0], task.bands()[0].range);
        let pictured = task.pictured(&seen);
        assert!(pictured.len() == 3 && pictured.iter().all(|value| (least..=most).contains(value)), "{key:?}: pictures show {pictured:?}");
        assert!(
            !task.is_fraction() || pictured[..] == seen,
            "{key:?}: its first band is the target's fraction, pictures show {pictured:?}"
        );
        assert_eq!(known.last(), Some(&"valid_px"), "{key:?}: the report chooses scenes by their valid pixels");
        let mut twice = known.clone();
        twice.sort_unstable();
        twice.dedup();
        assert_eq!(twice.len(), known.len(), "{key:?}: a column is there twice");
    }
}

#[test]
fn scores_are_those_that_are_promised() {
    for &key in TaskKey::ALL {
        let task = tasks::by_key(key, None);
        let (targets, _, map) = scene(task.as_ref(), 1);
        let scored = task.score(&map, &targets).unwrap();
        assert_eq!(scored.values.len(), task.columns().len(), "{key:?}");
        let valid = targets.mask.to_vec().unwrap().iter().filter(|mask| **mask == 0.0).count() as u64;
        assert_eq!(scored.valid, valid);
        let value = |name: &str| {
            let place = task.columns().iter().position(|column| column.name == name).unwrap();
            scored.values[place]
        };
        let watched = task.watch(&map, &targets).unwrap();
        assert_eq!(watched, task.watched().iter().map(|name| value(name)).collect::<Vec<_>>(), "{key:?}");
        for (column, score) in task.columns().iter().zip(&scored.values) {
            assert!(score.is_finite() && (column.better != Better::Neither || score.fract() == 0.0), "{key:?}: {} {score}", column.name);
        }
        // Over one scene pooled scores are the scene's; over two copies nothing changes.
        let mut twice = scored.tally.clone();
        twice.add(&scored.tally);
        let (once, twice) = (task.pooled(&scored.tally), task.pooled(&twice));
        for (name, of_scene) in &once {
            assert!((of_scene - value(name)).abs() < 1e-12, "{key:?}: pooled {name}");
        }
        assert_eq!(once, twice);
    }
}

#[test]
fn a_loss_is_zero_for_what_was_seen_and_falls_nowhere_below() {
    for &key in TaskKey::ALL {
        let task = tasks::by_key(key, None);
        let (targets, raw, _) = scene(task.as_ref(), 7);
        let tape = Tape::off();
        let loss = |map: Tensor| task.loss(&tape, &Outputs::from(map), &targets).unwrap().to_vec().unwrap()[0];
        let far = loss(raw);
        assert!(far.is_finite() && far > 0.0, "{key:?}: {far}");
        // `train` goes through a step on a device that only counts, before it computes one: a loss reads no values back.
        let planner = gpu().planner();
        let zeros = |channels| Tensor::full(&planner, [2, channels, SIZE[0], SIZE[1]], 0.0).unwrap();
        let targets_there = Targets { values: zeros(1), mask: zeros(1), one_hot: None, any_valid: true };
        let planned = task.loss(&tape, &Outputs::from(zeros(task.heads())), &targets_there);
        assert_eq!(planned.unwrap().shape().dims(), [0; 0], "{key:?}");
        if task.is_fraction() {
            assert_eq!(loss(targets.values.clone()), 0.0, "{key:?}");
        }
    }
}

#[test]
fn maps_of_other_classes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let task = tasks::by_key(TaskKey::Segmentation, None);
    let mut holds = Holds::of(task.as_ref());
    assert_eq!(holds.classes, ["background", "foreground"]);
    let mut refused = |classes: &[&str]| {
        holds.classes = classes.iter().map(|class| (*class).to_owned()).collect();
        std::fs::write(folder.path().join(tasks::MAPS_FILE), serde_json::to_string(&holds).unwrap()).unwrap();
        Holds::refuse_other(task.as_ref(), "net", folder.path()).err().map(|error| error.to_string())
    };
    assert_eq!(refused(&["background", "foreground"]), None);
    assert_eq!(refused(&[]), None, "maps of a version that did not say");
    let said = refused(&["background", "foreground", "debris"]).unwrap();
    assert!(said.contains("of background, foreground, debris"), "{said}");
}

/// What the program answers; it must succeed.
fn answer(folder: &Path, arguments: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_meltcore")).current_dir(folder).args(arguments).arg("--quiet").output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Named scenes of their own sizes, with classes that follow from what a network sees, and the configuration `s/config.yaml`.
fn write_scenes(folder: &Path, classes: &[&str]) {
    let [optical, maps] = ["s/optical", "s/classes"].map(|name| folder.join(name));
    [&optical, &maps].into_iter().for_each(|folder| std::fs::create_dir_all(folder).unwrap());
    for (index, (name, rows, cols)) in [("A-1", 70, 90), ("A-2", 64, 64), ("B-1", 50, 100), ("B-2", 81, 70)].into_iter().enumerate() {
        let values: Vec<f32> = noise(index as u64, rows * cols);
        let class = |value: &f32| if *value > 0.9 { f32::NAN } else { f32::from(*value > 0.0) };
        write_geotiff(optical.join(format!("{name}.tif")), rows, cols, &values, &Default::default()).unwrap();
        let of_pixels: Vec<f32> = values.iter().map(class).collect();
        write_geotiff(maps.join(format!("{name}.tif")), rows, cols, &of_pixels, &Default::default()).unwrap();
    }
    for (split, list) in [("train", "A-1\nB-2.tif\n"), ("val", "A-2"), ("test", "B-1\nA-2\n")] {
        std::fs::write(folder.join(format!("s/{split}.csv")), list).unwrap();
    }
    let text = format!(
        "model_key: unet\nclasses: [{}]\npath_optical: s/optical\npath_classes: s/classes\nmean_optical: 0\nstd_optical: 1\nbatch_size: 4\n\
         path_train_split_csv: s/train.csv\npath_val_split_csv: s/val.csv\npath_test_split_csv: s/test.csv\n",
        classes.join(", ")
    );
    std::fs::write(folder.join("s/config.yaml"), text).unwrap();
}

#[test]
fn every_task_is_trained_mapped_and_scored() {
    let folder = tempfile::tempdir().unwrap();
    answer(folder.path(), &["synth", "--out", "d", "--size", "96x96", "--days", "16"]);
    for &key in TaskKey::ALL {
        let task = tasks::by_key(key, None);
        let name = serde_json::to_value(key).unwrap().as_str().unwrap().to_owned();
        let set = [
            format!("task={name}"),
            format!("out_channels={}", task.heads()),
            format!("path_checkpoints=d/{name}/checkpoints"),
            "epochs=1".into(),
            "base_channels=2".into(),
            "img_size=[64, 64]".into(),
            format!("in_keys={}", if task.classes().is_some() { "[optical]" } else { "[pmw, mar_wa1]" }),
        ];
        task.classes().into_iter().for_each(|classes| write_scenes(folder.path(), classes));
        let mut config = vec!["--config", if task.classes().is_some() { "s/config.yaml" } else { "d/config.yaml" }];
        set.iter().for_each(|set| config.extend(["--set", set.as_str()]));
        let with = |command: &[&str], more: &[&str]| answer(folder.path(), &[command, config.as_slice(), more].concat());
        with(&["train"], &[]);
        let (weights, maps) = (format!("d/{name}/checkpoints/best.safetensors"), format!("d/{name}/maps"));
        with(&["predict"], &["--weights", &weights, "--split", "test", "--out", &maps]);
        let map = std::fs::read_dir(folder.path().join(&maps)).unwrap().map(|entry| entry.unwrap().path());
        let map = map.filter(|path| path.extension().is_some_and(|extension| extension == "tif")).min().expect("a map");
        for band in 0..task.bands().len() {
            let values = Raster::open_band(&map, band).unwrap().read_all().unwrap();
            assert!(values.iter().all(|value| value.is_finite()), "{name}: band {band}");
        }
        assert!(Raster::open_band(&map, task.bands().len()).is_err(), "{name}: more bands than it says");
        let scores = with(&["eval"], &["--split", "test", "--json", "--pred", &format!("net={maps}")]);
        let scores: serde_json::Value = serde_json::from_str(&scores).unwrap();
        for column in task.columns() {
            assert!(scores["models"]["net"]["weighted_mean"][column.name].is_number(), "{name}: no score `{}`", column.name);
        }
        let log = std::fs::read_to_string(folder.path().join(format!("d/{name}/checkpoints/log.jsonl"))).unwrap();
        let last: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
        for watched in task.watched() {
            assert!(last[format!("val_{watched}")].is_number(), "{name}: `val_{watched}` is not in the log");
        }
        with(&["report"], &["--pred", &format!("net={maps}"), "--out", &format!("d/{name}/report.html")]);
        let page = std::fs::read_to_string(folder.path().join(format!("d/{name}/report.html"))).unwrap();
        assert!(page.contains(task.words().maps), "{name}: the report does not use its words");
    }
}
