//! Training as a whole: the same bits again, resumed and after a kill; what stops a run, and what is on disk then.

mod runs;

use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use runs::{FILES, Run, dataset, text};

#[test]
fn same_bits_again_and_resumed() {
    let straight = Run::new(&[]);
    let said = straight.trained(&[]);
    for words in ["parameters", "val days", "epoch 4/4", "MiB on the device", "best epoch", "meltcore predict --config"] {
        assert!(said.contains(words), "`{words}` is missing: {said}");
    }
    assert_eq!(straight.logged(), [1, 2, 3, 4]);
    for kept in ["epoch_0001", "epoch_0003", "epoch_0004"] {
        assert!(straight.checkpoints().join(kept).join("state.json").is_file(), "{kept}");
    }
    assert!(!straight.checkpoints().join("epoch_0002").exists());

    let again = Run::new(&[]);
    again.trained(&[]);
    let halves = Run::new(&[]);
    halves.trained(&["--set", "epochs=2"]);
    let said = halves.trained(&["--resume", "auto"]);
    assert!(said.contains("after epoch 2"), "{said}");
    assert_eq!(halves.logged(), [1, 2, 3, 4]);
    for file in FILES {
        assert!(straight.bytes(file) == again.bytes(file), "{file}, again");
        assert!(straight.bytes(file) == halves.bytes(file), "{file}, resumed");
    }

    // From a kept checkpoint, in its own folder: the log and everything after it are written anew.
    let third = halves.checkpoints().join("epoch_0003");
    halves.trained(&["--resume", third.to_str().unwrap()]);
    assert_eq!(halves.logged(), [1, 2, 3, 4]);
    assert!(straight.bytes(FILES[0]) == halves.bytes(FILES[0]));
    assert!(halves.trained(&["--resume", "auto"]).contains("all 4 epochs are done"));

    // From a checkpoint of another folder.
    let elsewhere = Run::new(&[]);
    elsewhere.trained(&["--resume", third.to_str().unwrap()]);
    assert_eq!(elsewhere.logged(), [4]);
    assert!(straight.bytes(FILES[0]) == elsewhere.bytes(FILES[0]));

    // A new run never overwrites an old one, and another configuration is no continuation.
    halves.refused(&[], 2, &["earlier run", "--resume auto"]);
    halves.refused(&["--resume", "auto", "--set", "learning_rate=0.5", "--set", "epochs=9"], 2, &["`learning_rate`", "0.5"]);

    // Weights of a run start another one, whose width must agree.
    let weights = straight.checkpoints().join("best.safetensors");
    Run::new(&["epochs=1"]).trained(&["--weights", weights.to_str().unwrap()]);
    Run::new(&["base_channels=3"]).refused(&["--weights", weights.to_str().unwrap()], 2, &["best.safetensors", "shape"]);
}

/// Settings of a run that is stopped on its way.
const STOPPED: [&str; 4] = ["epochs=8", "lr_scheduler=ReduceLROnPlateau", "lr_patience=1", "optimizer=rmsprop"];

/// Goes on with a run that was stopped, to the same bits as one that was not.
fn goes_on_as_if_never_stopped(broken: &Run) {
    static STRAIGHT: OnceLock<Run> = OnceLock::new();
    let straight = STRAIGHT.get_or_init(|| {
        let run = Run::new(&STOPPED);
        run.trained(&[]);
        run
    });
    broken.trained(&["--resume", "auto"]);
    assert_eq!(broken.logged(), (1..=8).collect::<Vec<_>>());
    for file in FILES {
        assert!(straight.bytes(file) == broken.bytes(file), "{file}");
    }
}

#[test]
fn killed_and_locked() {
    let broken = Run::new(&STOPPED);
    let mut child = broken.command(&[]).spawn().unwrap();
    broken.wait_for_epochs(&mut child, 1);
    broken.refused(&["--resume", "auto"], 4, &["another process"]);
    broken.wait_for_epochs(&mut child, 2);
    // SIGKILL on Unix.
    child.kill().unwrap();
    child.wait().unwrap();
    goes_on_as_if_never_stopped(&broken);
}

#[cfg_attr(not(unix), ignore = "needs a POSIX shell to signal another process; tests/cli.rs raises signals within one")]
#[test]
fn interrupted() {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let broken = Run::new(&STOPPED);
    for (arguments, signal, status, epochs) in [(&[][..], SIGINT, 130, 2), (&["--resume", "auto"], SIGTERM, 143, 5)] {
        let mut child = broken.command(arguments).spawn().unwrap();
        broken.wait_for_epochs(&mut child, epochs);
        // The shell's own: a bare system has no program of that name.
        let kill = format!("kill -{signal} {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{}", text(&output));
        assert!(text(&output).contains("--resume auto goes on from the end of epoch"), "{}", text(&output));
    }
    goes_on_as_if_never_stopped(&broken);
}

#[test]
fn ends_where_no_epoch_is_better() {
    // No step is large enough to change a weight; running statistics settle.
    let run = Run::new(&["epochs=40", "early_stopping=3", "learning_rate=1e-30", "lr_scheduler=constant"]);
    let said = run.trained(&[]);
    let log = std::fs::read_to_string(run.checkpoints().join("log.jsonl")).unwrap();
    let losses: Vec<f64> =
        log.lines().skip(1).map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["val_loss"].as_f64().unwrap()).collect();
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let best = 1 + losses.iter().position(|loss| *loss == least).unwrap() as u64;
    let until = |last: u64| (1..=last).collect::<Vec<_>>();
    assert!(run.logged() == until(best + 3) && best + 3 < 40, "{losses:?}");
    let words = format!("no epoch was better than epoch {best} for 3, so that the run ends after epoch {} (early_stopping)", best + 3);
    assert!(said.contains(&words), "{said}");
    let said = run.trained(&["--resume", "auto"]);
    assert!(said.contains("set a larger `early_stopping`, or 0, to go on") && run.logged() == until(best + 3), "{said}");
    run.trained(&["--resume", "auto", "--set", "early_stopping=0", "--set", &format!("epochs={}", best + 5)]);
    assert_eq!(run.logged(), until(best + 5));
}

#[test]
fn what_cannot_be_trained_is_refused_with_a_status() {
    let refused = |overrides: &[&str], status: i32, words: &[&str]| Run::new(overrides).refused(&[], status, words);
    refused(&["starting_epoch=5"], 2, &["starting_epoch"]);
    refused(&["path_pmw=nowhere"], 2, &["nowhere"]);
    refused(&["model_key=threshold_pmw"], 2, &["model_key"]);
    refused(&["model_key=deeplabv3", "batch_size=1"], 2, &["batch_size", "pooling branch"]);
    refused(&["model_key=deeplabv3", "img_size=[32, 21]"], 2, &["img_size", "[32, 24]"]);

    let folder = tempfile::tempdir().unwrap();
    let split = folder.path().join("train.csv");
    fs::write(&split, "2017_04_31.tif\n").unwrap();
    let unknown_day = format!("path_train_split_csv={}", split.display());
    refused(&[&unknown_day], 2, &["train.csv", "2017_04_31"]);
    fs::write(&split, "2011_04_30.tif\n").unwrap();
    refused(&[&unknown_day], 2, &["2011_04_30"]);
    let unwritable = format!("path_checkpoints={}", split.join("checkpoints").display());
    refused(&[&unwritable], 4, &["train.csv", "path_checkpoints"]);

    let run = Run::new(&[]);
    run.refused(&["--resume", folder.path().to_str().unwrap()], 2, &["no complete checkpoint", "--resume auto"]);
    fs::create_dir(folder.path().join("damaged")).unwrap();
    fs::write(folder.path().join("damaged/state.json"), "{").unwrap();
    run.refused(&["--resume", folder.path().join("damaged").to_str().unwrap()], 2, &["state.json"]);
    run.refused(&["--weights", "nowhere.safetensors"], 2, &["nowhere.safetensors"]);
}

#[test]
fn linear_dem_trains_and_draws_maps() {
    let run = Run::new(&[
        "model_key=linear_dem",
        "in_keys=[]",
        "in_keys_static=[dem]",
        "in_keys_aux=[time_month_idx]",
        "out_activation=tanhshelf",
        "activation=linear",
        "learning_rate=0.3",
        "loss_function=mse",
    ]);
    run.trained(&[]);
    let log = fs::read_to_string(run.checkpoints().join("log.jsonl")).unwrap();
    let losses: Vec<f64> = log
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok().and_then(|entry| entry["train_loss"].as_f64()))
        .collect();
    assert!(losses.len() == 4 && losses[3] < losses[0], "{losses:?}");
    let maps = run.folder.path().join("maps");
    let of_training = run.command(&["--set", "prediction_stride=24"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    command.arg("predict").args(of_training.get_args().skip(1)).args(["--split", "test", "--weights"]);
    command.arg(run.checkpoints()).arg("--out").arg(&maps);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(fs::read_dir(&maps).unwrap().count() > 0);
}

#[test]
fn values_that_are_not_finite_stop_the_run() {
    let run = Run::new(&["learning_rate=1e36", "gradient_clipping=1e30", "optimizer=sgd", "epochs=3", "loss_function=mse"]);
    run.refused(&[], 5, &["epoch 1", "last"]);
    let state = fs::read_to_string(run.checkpoints().join("last/state.json")).unwrap();
    assert!(state.contains("\"epoch\": 0"), "{state}");
    // Nothing was learned yet, so a new start loses nothing.
    assert!(!run.checkpoints().join("best.safetensors").exists());
    run.refused(&[], 5, &["epoch 1"]);
    // Values that overflow on the way in show in the loss, which names the days.
    Run::new(&["std_pmw=1e-38"]).refused(&[], 5, &["epoch 1, training: the loss of batch 1 is", "days 2017_"]);
}

#[test]
fn without_a_val_split_and_with_few_days() {
    let folder = tempfile::tempdir().unwrap();
    let config = fs::read_to_string(dataset().join("config.yaml")).unwrap();
    let kept: Vec<&str> = config.lines().filter(|line| !line.starts_with("path_val_split_csv")).collect();
    let file = folder.path().join("config.yaml");
    fs::write(&file, kept.join("\n")).unwrap();
    let checkpoints = folder.path().join("checkpoints");
    let output = Command::new(env!("CARGO_BIN_EXE_meltcore"))
        .args(["train", "--config", file.to_str().unwrap(), "--set", "in_keys=[pmw, mar_wa1]", "--set", "img_size=[32, 32]"])
        .args(["--set", "base_channels=2", "--set", "epochs=1", "--set", "batch_size=64", "--set", "prediction_stride=16"])
        .args(["--set", &format!("path_checkpoints={}", checkpoints.display())])
        .args(["--set", &format!("path_eval={}", folder.path().join("eval").display())])
        .output()
        .unwrap();
    let said = text(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("no val split") && said.contains("training loss chooses") && said.contains("one batch of"), "{said}");
    assert!(checkpoints.join("best.safetensors").is_file());
    // The configuration asks for periodical evaluation.
    let maps: Vec<_> = fs::read_dir(folder.path().join("eval/epoch_0001")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let count = |extension: &str| maps.iter().filter(|path| path.extension().is_some_and(|found| found == extension)).count();
    assert!(count("tif") > 0 && count("tif") == count("png"), "{maps:?}");
}

#[test]
fn accumulated_steps_resume_to_the_same_bits_and_recomputing_changes_none() {
    // Batches of two crops, three to a step; the last step of an epoch takes those that are left.
    let overrides = ["batch_size=2", "accumulate_steps=3", "lr_scheduler=CosineAnnealingWarmRestarts", "T_0=3"];
    let straight = Run::new(&overrides);
    let said = straight.trained(&[]);
    let words = said.split_once(" batches, ").map(|(before, after)| (before.rsplit(' ').next().unwrap(), after.split(' ').next().unwrap()));
    let (batches, steps) = words.map(|(batches, steps)| (batches.parse::<u64>().unwrap(), steps.parse::<u64>().unwrap())).unwrap();
    assert_eq!(steps, batches.div_ceil(3), "{said}");
    let state: serde_json::Value = serde_json::from_slice(&straight.bytes("last/state.json")).unwrap();
    assert_eq!(state["step"], 4 * steps, "{said}");

    let halves = Run::new(&overrides);
    halves.trained(&["--set", "epochs=2"]);
    // Recomputing is no part of what is trained, so that a run may take it up on the way.
    halves.trained(&["--resume", "auto", "--set", "recompute=true"]);
    for file in FILES {
        assert!(straight.bytes(file) == halves.bytes(file), "{file}");
    }
    halves.refused(&["--resume", "auto", "--set", "accumulate_steps=1"], 2, &["`accumulate_steps`"]);
}

#[test]
fn a_schedule_by_update_resumes_to_the_same_bits() {
    let overrides =
        ["lr_scheduler=CosineRestartsAt", "restarts_at=[1, 3, 4]", "optimizer=adamw", "weight_decay=0.1", "eps_mode=keras", "eps=1e-7"];
    let (straight, halves) = (Run::new(&overrides), Run::new(&overrides));
    straight.trained(&[]);
    // Within the second course of the rate.
    halves.trained(&["--set", "epochs=2"]);
    halves.trained(&["--resume", "auto"]);
    for file in FILES {
        assert!(straight.bytes(file) == halves.bytes(file), "{file}");
    }
    let state: serde_json::Value = serde_json::from_slice(&straight.bytes("last/state.json")).unwrap();
    let (steps, schedule) = (state["step"].as_u64().unwrap(), &state["schedule"]["CosineRestartsAt"]);
    assert_eq!(schedule["update"], steps);
    assert_eq!(schedule["restarts"], serde_json::json!([steps / 4, 3 * steps / 4, steps]));
    halves.refused(&["--resume", "auto", "--set", "restarts_at=[1, 4]"], 2, &["`restarts_at`"]);
}

/// A network wide enough that every kernel of it shares its work out.
const WIDE: [&str; 4] = ["base_channels=8", "img_size=[64, 64]", "batch_size=3", "epochs=2"];

#[test]
fn the_number_of_threads_changes_no_bit() {
    let [one, two, three] = ["1", "2", "3"].map(|threads| {
        let run = Run::new(&WIDE);
        run.trained(&["--device", "host", "--threads", threads]);
        run
    });
    let mixed = Run::new(&WIDE);
    mixed.trained(&["--device", "host", "--threads", "3", "--set", "epochs=1"]);
    mixed.trained(&["--device", "host", "--threads", "1", "--resume", "auto"]);
    for file in FILES {
        for (run, what) in [(&two, "two threads"), (&three, "three"), (&mixed, "three, resumed with one")] {
            assert!(one.bytes(file) == run.bytes(file), "{file}: {what}");
        }
    }
    Run::new(&[]).refused(&["--threads", "0"], 2, &["--threads"]);
}

/// The host with another instruction set is another device.
#[cfg_attr(not(target_arch = "x86_64"), ignore = "this kind of processor has one instruction set")]
#[test]
fn a_resume_on_another_device_says_so_once() {
    let lesser = meltcore::host::instruction_sets().nth(1).expect("a second instruction set");
    let run = Run::new(&["epochs=2"]);
    let same = |said: &str| assert!(!said.contains("checkpoint is of the device"), "{said}");
    same(&run.trained(&["--device", "host", "--set", "epochs=1"]));
    let output = run.command(&["--device", "host", "--resume", "auto"]).env("MELTCORE_ISA", lesser).output().unwrap();
    let said = text(&output);
    assert!(output.status.success() && said.matches("the checkpoint is of the device host").count() == 1, "{said}");
    let output = run.command(&["--device", "host", "--resume", "auto", "--set", "epochs=3"]).env("MELTCORE_ISA", lesser).output().unwrap();
    same(&text(&output));
}

/// The number of MiB before these words.
fn mebibytes(said: &str, words: &str) -> f64 {
    let (before, _) = said.split_once(&format!(" MiB {words}")).unwrap_or_else(|| panic!("no `{words}`: {said}"));
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn memory_is_predicted_and_too_little_is_refused_with_a_remedy() {
    // Three epochs of one step: until the pool has seen a third step it may hold less than was predicted.
    let large = ["base_channels=8", "img_size=[64, 64]", "batch_size=8", "epochs=3"];
    let accumulated = [["batch_size=2", "accumulate_steps=4"], ["batch_size=1", "accumulate_steps=7"]];
    for overrides in [&[][..], &["recompute=true"], &accumulated[0], &accumulated[1]] {
        let said = Run::new(&[&large, overrides].concat()).trained(&[]);
        for (predicted, measured) in [("of it in use at once", "on the device in use"), ("predicted", "held")] {
            let (predicted, measured) = (mebibytes(&said, predicted), mebibytes(&said, measured));
            assert!((predicted / measured - 1.0).abs() < 0.01, "{overrides:?}: {predicted} predicted, {measured} measured: {said}");
        }
        assert!(said.contains("the device has"), "{said}");
    }

    let run = Run::new(&large);
    let needed = mebibytes(&run.trained(&["--memory", "2"]), "predicted");
    let tight = |share: f64| format!("{:.5}", needed * share / 1024.0);
    let run = Run::new(&large);
    run.refused(&["--memory", &tight(0.9)], 3, &["training would need", "`recompute: true`", "`batch_size: 4` with `accumulate_steps: 2`"]);
    run.refused(&["--memory", &tight(0.01)], 3, &["Even batch_size 1 with recompute"]);
    run.refused(&["--memory", "much"], 2, &["8 or 7.5"]);
    // Refused before anything was written.
    assert!(!run.checkpoints().join("last").exists() && !run.checkpoints().join("log.jsonl").exists());
    // What the message proposes fits.
    for proposed in [&["recompute=true"][..], &["batch_size=4", "accumulate_steps=2"]] {
        Run::new(&[&large, proposed].concat()).trained(&["--memory", &tight(0.9)]);
    }
}
