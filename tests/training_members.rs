//! `meltcore train --members`: each is a plain run of its seed, whatever stopped them and whoever trained which.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const SETS: [&str; 7] = [
    "in_keys=[pmw, mar_wa1]",
    "img_size=[32, 32]",
    "prediction_stride=24",
    "base_channels=2",
    "batch_size=4",
    "epochs=3",
    "periodical_evaluation=false",
];

struct Place(tempfile::TempDir);

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
        command.args(arguments).current_dir(self.0.path()).env("MELTCORE_DEVICE", "host").stderr(Stdio::piped()).stdout(Stdio::null());
        command
    }

    fn train(&self, folder: &str, more: &[&str]) -> Command {
        let mut command = self.command(&["train", "--config", "d/config.yaml", "--set", &format!("path_checkpoints={folder}")]);
        command.args(SETS.iter().flat_map(|set| ["--set", set])).args(more);
        command
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

/// What a command that must succeed says.
fn done(output: Output) -> String {
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    said
}

fn refused(output: Output, words: &[&str]) {
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    words.iter().for_each(|word| assert!(said.contains(word), "`{word}` is missing: {said}"));
}

fn wait_for(file: &Path) {
    let start = Instant::now();
    while !file.exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "{}", file.display());
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn members_are_plain_runs_of_their_seeds() {
    let place = Place(tempfile::tempdir().unwrap());
    done(place.command(&["synth", "--out", "d", "--size", "64x64", "--days", "18", "-q"]).output().unwrap());
    for seed in ["42", "43"] {
        done(place.train(&format!("plain-{seed}"), &["-q", "--set", &format!("seed={seed}")]).output().unwrap());
    }
    assert_ne!(place.bytes("plain-42/best.safetensors"), place.bytes("plain-43/best.safetensors"));

    // Stopped in the first member and in the second one.
    for (file, signal) in [("run/seed-42/last", 15), ("run/seed-43/last", 9)] {
        let process = place.train("run", &["--members", "2", "--resume", "auto"]).spawn().unwrap();
        wait_for(&place.path(file));
        Command::new("kill").args([format!("-{signal}"), process.id().to_string()]).status().unwrap();
        let code = process.wait_with_output().unwrap().status.code();
        assert!(code.is_none_or(|code| code == 128 + signal || code == 0), "{code:?}");
    }
    let said = done(place.train("run", &["--members", "2", "--resume", "auto"]).output().unwrap());
    assert!(said.contains("2 of 2 members are in run/members") && said.contains("--weights run/members --split test"), "{said}");
    let part = |part: &str| done(place.train("parts", &["--members", "2", "--shard", part]).output().unwrap());
    assert!(part("1/2").contains("1 of 2 members are in parts/members"));
    part("0/2");
    // Two ranks of one computer.
    done(place.train("ranks", &["--members", "2", "--devices", "host,host", "--set", "accumulate_steps=2"]).output().unwrap());
    for seed in [42, 43] {
        let plain = place.bytes(&format!("plain-{seed}/best.safetensors"));
        for folder in ["run", "parts"] {
            assert!(place.bytes(&format!("{folder}/members/seed-{seed}.safetensors")) == plain, "{folder}: {seed}");
            assert!(place.bytes(&format!("{folder}/seed-{seed}/best.safetensors")) == plain, "{folder}: {seed}");
        }
        let ranks = place.bytes(&format!("ranks/seed-{seed}/best.safetensors"));
        assert!(place.bytes(&format!("ranks/members/seed-{seed}.safetensors")) == ranks);
    }

    // Maps are means over them.
    let mut predict =
        place.command(&["predict", "--config", "d/config.yaml", "--weights", "run/members", "--split", "test", "--out", "maps"]);
    predict.args(SETS.iter().flat_map(|set| ["--set", set]));
    let said = done(predict.output().unwrap());
    assert!(said.contains("run/members/seed-42.safetensors, run/members/seed-43.safetensors"), "{said}");

    refused(place.train("run", &["--members", "2"]).output().unwrap(), &["run/seed-42", "earlier run"]);
    refused(place.train("run", &["--members", "2", "--resume", "run/seed-42/last"]).output().unwrap(), &["--members", "--resume auto"]);
    refused(place.train("run", &["--members", "0"]).output().unwrap(), &["1..=1000"]);
    refused(place.train("run", &["--shard", "0/2"]).output().unwrap(), &["--members"]);
    refused(place.train("run", &["--members", "2", "--mpi"]).output().unwrap(), &["cannot be used with"]);
    let largest = format!("seed={}", u64::MAX);
    refused(place.train("new", &["--members", "2", "--set", &largest]).output().unwrap(), &["key `seed`", "too large"]);
}
