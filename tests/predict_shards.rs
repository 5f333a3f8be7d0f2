//! Maps that several tasks make in one folder: whatever ends when, and in what order, the folder becomes that of one task alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A made-up data set of a task with its configuration's name and settings that keep the network small.
struct Sample {
    folder: tempfile::TempDir,
    config: &'static str,
    sets: &'static [&'static str],
}

impl Sample {
    fn new(synth: &[&str], config: &'static str, sets: &'static [&'static str]) -> Sample {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("d");
        let made = Command::new(env!("CARGO_BIN_EXE_meltcore")).args(["synth", "-q", "--out"]).arg(&out).args(synth).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let sample = Sample { folder, config, sets };
        let checkpoints = format!("path_checkpoints={}", sample.path("run").display());
        let trained =
            sample.command("train", &["--set", "epochs=1", "--set", "periodical_evaluation=false", "--set", &checkpoints]).output();
        assert!(trained.as_ref().unwrap().status.success(), "{trained:?}");
        sample
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, name: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
        command.args([name, "--device", "host", "--config"]).arg(self.path("d").join(self.config));
        for set in self.sets {
            command.args(["--set", set]);
        }
        command.args(more).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn predict(&self, out: &str, more: &[&str]) -> Command {
        let mut command = self.command("predict", &["--split", "all", "--weights"]);
        command.arg(self.path("run/best.safetensors")).arg("--out").arg(self.path(out)).args(more);
        command
    }

    fn predicted(&self, out: &str, more: &[&str]) -> String {
        let output = self.predict(out, more).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Waits for so many maps of a process that makes them.
    fn wait_for_maps(&self, out: &str, count: usize) {
        let begun = Instant::now();
        while files(&self.path(out)).keys().filter(|name| is_map(name)).count() < count {
            assert!(begun.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn is_map(name: &str) -> bool {
    name.ends_with(".tif") && !name.starts_with('.')
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, fs::read(entry.path()).ok()?))).collect()
}

fn refused(output: &Output, status: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{said}");
    words.iter().for_each(|word| assert!(said.contains(word), "`{word}` is missing: {said}"));
}

const MELT: &[&str] = &["in_keys=[pmw, mar_wa1]", "img_size=[32, 32]", "base_channels=2", "batch_size=4", "prediction_stride=8"];

#[test]
fn three_parts_and_a_plain_run_are_one_run() {
    let sample = Sample::new(&["--size", "96x64", "--days", "18"], "config.yaml", MELT);
    sample.predicted("one", &[]);
    let wanted = files(&sample.path("one"));
    assert_eq!(wanted.keys().filter(|name| is_map(name)).count(), 18);

    // One part is killed on its way, while another goes on.
    let mut first = sample.predict("parts", &["--shard", "0/3"]).spawn().unwrap();
    let second = sample.predict("parts", &["--shard", "1/3"]).spawn().unwrap();
    sample.wait_for_maps("parts", 2);
    first.kill().unwrap();
    first.wait().unwrap();
    let second = second.wait_with_output().unwrap();
    assert!(second.status.success(), "{second:?}");
    // Started again it makes what is missing; the third is task 12 of an array 10 to 12.
    sample.predicted("parts", &["--shard", "0/3"]);
    let array = [("SLURM_ARRAY_TASK_ID", "12"), ("SLURM_ARRAY_TASK_MIN", "10"), ("SLURM_ARRAY_TASK_COUNT", "3")];
    let third = sample.predict("parts", &["--shard", "slurm"]).envs(array).output().unwrap();
    assert!(third.status.success(), "{third:?}");
    assert!(sample.predicted("parts", &["--shard", "0/3"]).contains("6 of 6 maps are finished"));
    let said = sample.predicted("parts", &[]);
    assert!(said.contains("18 of 18 maps are finished"), "{said}");
    let found = files(&sample.path("parts"));
    assert_eq!(found.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
    for (name, bytes) in &wanted {
        assert!(found[name] == *bytes, "{name}");
    }

    // What a part left undone a plain run does.
    sample.predicted("half", &["--shard", "1/2"]);
    assert!(sample.predicted("half", &[]).contains("9 of 18 maps are finished"));
    assert!(files(&sample.path("half")) == wanted);
    // More parts than days are no harm.
    sample.predicted("many", &["--shard", "20/21"]);
}

#[test]
fn parts_keep_to_themselves() {
    let sample = Sample::new(&["--size", "64x64", "--days", "18"], "config.yaml", MELT);
    sample.predicted("maps", &["--shard", "0/2"]);
    // Other settings are refused by a part, and made anew by a run alone.
    let other = ["--blend", "gaussian"];
    refused(
        &sample.predict("maps", &[&["--shard", "1/2"], &other[..]].concat()).output().unwrap(),
        2,
        &["other settings (options)", "--out"],
    );
    let lock = |name: &str| fs::File::options().create(true).append(true).open(sample.path("maps").join(name)).unwrap();
    let held = lock(".maps.0-of-2.lock");
    held.lock().unwrap();
    refused(&sample.predict("maps", &["--shard", "0/2"]).output().unwrap(), 4, &["makes this part"]);
    drop(held);
    let held = lock(".maps.lock");
    held.lock().unwrap();
    refused(&sample.predict("maps", &["--shard", "0/2"]).output().unwrap(), 4, &["a process without --shard"]);
    drop(held);
    let held = lock(".maps.lock");
    held.lock_shared().unwrap();
    refused(&sample.predict("maps", &[]).output().unwrap(), 4, &["another process writes maps"]);
    drop(held);
    assert!(sample.predicted("maps", &other).contains("other settings (options)"));
    for (arguments, word) in [
        (&["--shard", "2/2"][..], "0 to N − 1"),
        (&["--shard", "half"], "give I/N"),
        (&["--shard", "slurm"], "no task of a job array"),
        (&["--shard", "0/2", "--netcdf", "x.nc"], "cannot be used with"),
        (&["--shard", "0/2", "--outlines"], "cannot be used with"),
    ] {
        refused(&sample.predict("maps", arguments).env_remove("SLURM_ARRAY_TASK_ID").output().unwrap(), 2, &[word]);
    }
}

#[test]
fn maps_of_classes_and_of_zones_are_shared_as_well() {
    let glacier = (&["--task", "glacier", "--size", "64x64", "--scenes", "8"][..], "unet.yaml");
    let calving = (&["--task", "calving", "--size", "128x128", "--scenes", "8", "--unlabelled", "0"][..], "unet.yaml");
    for (synth, config) in [glacier, calving] {
        let sample = Sample::new(
            synth,
            config,
            &["img_size=[64, 64]", "base_channels=2", "batch_size=2", "crops_per_epoch=4", "prediction_stride=32"],
        );
        sample.predicted("one", &[]);
        for part in ["1/2", "0/2"] {
            sample.predicted("parts", &["--shard", part]);
        }
        sample.predicted("parts", &[]);
        let (one, parts) = (files(&sample.path("one")), files(&sample.path("parts")));
        assert!(one.len() > 8 && one == parts, "{synth:?}");
    }
}
