//! Training on radar scenes: the same bits however it is interrupted, and the maps of the val split that choose the best weights.

use std::path::Path;

use serde_json::Value;

use super::{SCENES, done, folder, meltcore};

const CHANGES: [&str; 14] = [
    "optimizer=sgd",
    "momentum=0.9",
    "learning_rate=0.05",
    "augment_flip=true",
    "augment_turn=true",
    "augment_zoom=[0.33, 2.83]",
    "augment_mixup_ocean=0.3",
    "augment_speckle=0.2",
    "augment_brightness=[0.6, 1.4]",
    "augment_gamma=[0.7, 1.3]",
    "crops_per_epoch=20",
    "lr_scheduler=constant",
    "weight_decay=1.0e-4",
    "front_resolution=100",
];

fn log(root: &Path, run: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(root.join(run).join("log.jsonl")).unwrap();
    text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn runs_go_on_to_the_same_bits_and_maps_choose_the_weights() {
    let folder = folder();
    let root = folder.path();
    let train = |run: &str, epochs: usize, arguments: &[&str], more: &[&str]| {
        let (folder, epochs) = (format!("path_checkpoints={}", root.join(run).display()), format!("epochs={epochs}"));
        done(root, "train", arguments, &[&CHANGES[..], &[&folder, &epochs], more].concat());
    };
    train("whole", 3, &[], &["best_by=mde"]);
    train("parts", 1, &["--threads", "1"], &["best_by=mde"]);
    train("parts", 3, &["--resume", "auto"], &["best_by=mde"]);
    let model = |run: &str, file: &str| std::fs::read(root.join(run).join(file)).unwrap();
    for file in ["last/model.safetensors", "last/optimizer.safetensors", "best.safetensors"] {
        assert!(model("whole", file) == model("parts", file), "{file}");
    }
    let lines = log(root, "whole");
    assert_eq!(lines.len(), 3);
    for line in &lines {
        for name in ["val_maps_iou", "val_maps_f1", "val_iou_img"] {
            assert!((0.0..=1.0).contains(&line[name].as_f64().unwrap()), "{name}: {line}");
        }
        let missing = line["val_missing"].as_f64().unwrap();
        assert!(missing <= 2.0 && (missing == 2.0) == line["val_mde"].is_null(), "{line}");
    }
    let state: Value = serde_json::from_slice(&model("whole", "last/state.json")).unwrap();
    assert_eq!(state["best"]["criterion"], "val_mde");
    // Without a front in any map it is the published program's distance.
    train("published", 1, &[], &["reference_windows=true", "learning_rate=1.0e-9"]);
    let line = &log(root, "published")[0];
    assert!(line["val_missing"] != 2.0 || line["val_mde"] == 7777.0, "{line}");
    train("loss", 3, &[], &["epochs_between_validation_maps=2"]);
    assert!(log(root, "loss")[1]["val_maps_iou"].is_null() && log(root, "loss")[2]["val_maps_iou"].is_number());
}

/// A small network learns these zones by their greys; a pixel is 100 m.
#[test]
fn fronts_of_maps_come_near_the_drawn_ones() {
    let folder = folder();
    let root = folder.path();
    let run = format!("path_checkpoints={}", root.join("run").display());
    let set = ["base_channels=4", "crops_per_epoch=40", "epochs=8", "best_by=mde"];
    done(root, "train", &[], &[&set[..], &[&run]].concat());
    let lines = log(root, "run");
    let distances: Vec<f64> = lines.iter().filter_map(|line| line["val_mde"].as_f64()).collect();
    let nearest = distances.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(nearest < 40.0 && lines[7]["val_missing"] == 0.0, "{distances:?}");
    let state: Value = serde_json::from_slice(&std::fs::read(root.join("run/last/state.json")).unwrap()).unwrap();
    let best = state["best"]["epoch"].as_u64().unwrap() as usize;
    assert_eq!((state["best"]["loss"].as_f64(), lines[best - 1]["val_mde"].as_f64()), (Some(nearest), Some(nearest)));
}

/// Every change makes other batches, and so other weights.
#[test]
fn each_change_of_crops_acts_by_itself() {
    let folder = folder();
    let root = folder.path();
    let mut seen: Vec<(String, Vec<u8>)> = Vec::new();
    let keys = ["", "augment_zoom=[0.33, 2.83]", "augment_mixup_ocean=1", "augment_speckle=1", "augment_brightness=[0.6, 1.4]"];
    let more = ["augment_gamma=[0.7, 1.3]", "border=zeros", "crops_of_scenes=drawn", "reference_windows=true", "centre_weight=0"];
    for (number, key) in keys.into_iter().chain(more).enumerate() {
        let run = format!("path_checkpoints={}", root.join(number.to_string()).display());
        let mut set = vec![run.as_str(), "epochs=1", "epochs_between_validation_maps=0", "augment_turn=true"];
        set.extend(["augment_brightness_probability=1", "augment_gamma_probability=1"]);
        set.extend(Some(key).filter(|key| !key.is_empty()));
        done(root, "train", &[], &set);
        let weights = std::fs::read(root.join(number.to_string()).join("last/optimizer.safetensors")).unwrap();
        let same = seen.iter().find(|(_, other)| *other == weights);
        assert!(same.is_none(), "{key} changes nothing beside {:?}", same.map(|(key, _)| key));
        seen.push((key.to_owned(), weights));
    }
}

#[test]
fn scenes_without_a_drawn_front_are_named() {
    let folder = folder();
    let root = folder.path();
    std::fs::remove_file(root.join(format!("fronts/test/{}_front.png", SCENES[3].0))).unwrap();
    let output = meltcore(root, "train", &[], &[&format!("path_checkpoints={}", root.join("run").display())]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && error.contains("holds no front of") && error.contains(SCENES[3].0), "{error}");
}
