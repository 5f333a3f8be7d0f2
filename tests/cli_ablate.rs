//! `meltcore ablate` as a process: its scores are those of maps that `predict` draws with the input held at its mean.

use std::path::Path;
use std::process::{Command, Output};

use approx::assert_abs_diff_eq;
use meltcore::data::raster::Raster;
use serde_json::Value;

const CONFIG: &str = "sample/config.yaml";
const BEST: &str = "run/best.safetensors";

fn meltcore(root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    command.args(arguments);
    if !["synth", "baseline"].contains(&arguments[0]) {
        for set in [
            "in_keys=[pmw, mar_wa1, time_interpolate_sar]",
            "in_keys_static=[landmask]",
            "in_keys_aux=[time_sin, time_cos]",
            "img_size=[48, 48]",
            "prediction_stride=32",
            "base_channels=2",
            "epochs=2",
            "periodical_evaluation=false",
            "path_checkpoints=run",
        ] {
            command.args(["--set", set]);
        }
    }
    command.current_dir(root).output().unwrap()
}

/// Runs what must succeed.
fn done(root: &Path, arguments: &[&str]) -> (String, String) {
    let output = meltcore(root, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    (String::from_utf8(output.stdout).unwrap(), said)
}

fn ablate(root: &Path, more: &[&str]) -> (Value, String) {
    let (json, said) = done(root, &[&["ablate", "--config", CONFIG, "--weights", BEST, "--split", "test", "--json"], more].concat());
    (serde_json::from_str(&json).unwrap(), said)
}

/// The weighted means of maps that `predict` draws.
fn scores(root: &Path, weights: &str, constants: &str) -> Value {
    let set = format!("constant_inputs={constants}");
    let maps = ["--weights", weights, "--split", "test", "--out", "maps", "--no-png", "--overwrite", "-q", "--set", &set];
    done(root, &[&["predict", "--config", CONFIG], &maps[..]].concat());
    let (json, _) = done(root, &["eval", "--config", CONFIG, "--split", "test", "--pred", "unet=maps", "--json", "-q"]);
    serde_json::from_str::<Value>(&json).unwrap()["models"]["unet"]["weighted_mean"].clone()
}

/// Fails unless all scores of an ablation are among those of `eval`.
fn assert_same(got: &Value, wanted: &Value) {
    let got = got.as_object().unwrap();
    assert_eq!(got.len(), 9);
    got.iter().for_each(|(name, score)| assert_eq!(score, &wanted[name], "{name}"));
}

/// Mean over the train days of what `take` makes of a day's file of a folder.
fn train_mean(root: &Path, folder: &str, take: impl Fn(f32) -> f64) -> f64 {
    let days = std::fs::read_to_string(root.join("sample/splits/train.csv")).unwrap();
    let of_day = |day: &str| Raster::open(root.join("sample").join(folder).join(day)).unwrap().read_all().unwrap();
    let values: Vec<f64> = days.lines().flat_map(of_day).map(take).collect();
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn inputs_are_replaced_by_their_means_in_evaluation_and_in_training() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    done(root, &["synth", "--out", "sample", "--size", "80x64", "--days", "14", "-q"]);
    let running_means = ["--config", CONFIG, "--split", "all", "--out", "sample/time_interpolate_sar", "--no-png", "-q"];
    done(root, &[&["baseline", "time-interpolate-sar"], &running_means[..]].concat());
    done(root, &["train", "--config", CONFIG, "-q"]);

    let (ablation, _) = ablate(root, &["-q"]);
    assert_eq!((&ablation["split"], &ablation["retrained"]), (&"test".into(), &false.into()));
    let without = ablation["without"].as_array().unwrap();
    let names: Vec<&str> = without.iter().map(|one| one["inputs"].as_str().unwrap()).collect();
    assert_eq!(names, ["pmw", "mar_wa1", "time_interpolate_sar", "landmask", "time_sin+time_cos"]);
    let value = |set: usize, name: &str| without[set]["values"][name].as_f64().unwrap();
    let config = std::fs::read_to_string(root.join(CONFIG)).unwrap();
    let mean_pmw: f64 = config.lines().find_map(|line| line.strip_prefix("mean_pmw: ")).unwrap().parse().unwrap();
    assert_eq!(value(0, "pmw"), mean_pmw);
    let running_mean = train_mean(root, "time_interpolate_sar", |value| if value.is_nan() { 0.0 } else { f64::from(value) });
    assert_abs_diff_eq!(value(2, "time_interpolate_sar"), running_mean, epsilon = 1e-9);
    assert!((0.05..0.5).contains(&value(3, "landmask")) && value(4, "time_cos") < 0.0);

    let all = scores(root, BEST, "{}");
    assert_same(&ablation["all"], &all);
    for set in [0, 2, 4] {
        let one = scores(root, BEST, &without[set]["values"].to_string());
        assert_same(&without[set]["scores"], &one);
        let change =
            |name: &str| without[set]["change"][name].as_f64().unwrap() - (one[name].as_f64().unwrap() - all[name].as_f64().unwrap());
        assert!(["mae", "mse", "accuracy", "f1", "ssim"].iter().all(|name| change(name).abs() < 1e-12));
    }

    // Trained without; the second call finds the run done.
    let (retrained, said) = ablate(root, &["--keys", "pmw+mar_wa1", "--retrain"]);
    assert!(said.contains("without pmw+mar_wa1 (1 of 1)") && said.contains("epoch 2/2"), "{said}");
    let best = "run/ablate/pmw+mar_wa1/best.safetensors";
    let bytes = std::fs::read(root.join(best)).unwrap();
    assert_same(&retrained["without"][0]["scores"], &scores(root, best, &retrained["without"][0]["values"].to_string()));
    let (again, said) = ablate(root, &["--keys", "pmw+mar_wa1", "--retrain"]);
    assert!(again == retrained && said.contains("all 2 epochs are done") && bytes == std::fs::read(root.join(best)).unwrap(), "{said}");

    let (table, _) = done(root, &["ablate", "--config", CONFIG, "--weights", BEST, "--split", "test", "--keys", "pmw", "-q"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines.len() == 3 && lines[0].contains("mae") && lines[1].starts_with("all inputs") && lines[2].starts_with("without pmw"),
        "{table}"
    );

    for (more, words) in [
        (&["--split", "test", "--keys", "pmw,mar"][..], &["`mar`", "mar_wa1"][..]),
        (&["--split", "deploy"], &["deploy split has no targets"]),
        (&["--split", "test", "--set", "path_train_split_csv=gone.csv"], &["gone.csv"]),
        (&["--split", "test", "--set", "constant_inputs={dem: 0}"], &["constant_inputs", "dem"]),
    ] {
        let refused = meltcore(root, &[&["ablate", "--config", CONFIG, "--weights", BEST], more].concat());
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        words.iter().for_each(|word| assert!(said.contains(word), "{word}: {said}"));
    }
}
