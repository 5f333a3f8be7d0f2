//! Runs of `meltcore train` as processes, on a small dataset.

// Each test file compiles this for itself and uses a part of it.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use meltcore::synth::{SynthOptions, write_dataset};

/// A dataset of 64 × 64 pixels that tests of a file share and only read.
pub fn dataset() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        write_data(folder.path());
        folder
    });
    folder.path()
}

/// Writes that dataset.
pub fn write_data(folder: &Path) {
    let options = SynthOptions { rows: 64, cols: 64, days: 18, ..SynthOptions::default() };
    write_dataset(folder, &options, |_, _| {}).unwrap();
}

/// One run's folder and how `train` is called on it. The model's shape is the same everywhere, since shaders compile slowly.
pub struct Run {
    pub folder: tempfile::TempDir,
    data: PathBuf,
    overrides: Vec<String>,
}

impl Run {
    pub fn new(overrides: &[&str]) -> Run {
        Run::on(dataset(), overrides)
    }

    pub fn on(data: &Path, overrides: &[&str]) -> Run {
        let overrides = overrides.iter().map(|text| text.to_string()).collect();
        Run { folder: tempfile::tempdir().unwrap(), data: data.to_owned(), overrides }
    }

    /// A run that stands where this one does, in a folder of its own.
    pub fn copied(&self) -> Run {
        let copy = Run { folder: tempfile::tempdir().unwrap(), data: self.data.clone(), overrides: self.overrides.clone() };
        copy_folder(self.folder.path(), copy.folder.path());
        copy
    }

    pub fn checkpoints(&self) -> PathBuf {
        self.folder.path().join("checkpoints")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of("train", arguments)
    }

    /// Of `train`, or of another command that takes what it takes.
    pub fn command_of(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
        command.args([name, "--config"]).arg(self.data.join("config.yaml"));
        let mut set = |text: String| {
            command.args(["--set", &text]);
        };
        for fixed in [
            "in_keys=[pmw, mar_wa1]",
            "img_size=[32, 32]",
            "base_channels=2",
            "batch_size=4",
            "epochs=4",
            "epochs_between_checkpoint_save=2",
            "periodical_evaluation=false",
        ] {
            set(fixed.into());
        }
        set(format!("path_checkpoints={}", self.checkpoints().display()));
        self.overrides.iter().for_each(|text| set(text.clone()));
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    pub fn train(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Trains and insists on success; returns what was said.
    pub fn trained(&self, arguments: &[&str]) -> String {
        let output = self.train(arguments);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        said
    }

    /// Expects a failure with this status whose message holds these words.
    pub fn refused(&self, arguments: &[&str], status: i32, words: &[&str]) {
        let output = self.train(arguments);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
        let error = said.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        words.iter().for_each(|word| assert!(error.contains(word), "`{word}` is missing: {said}"));
    }

    pub fn bytes(&self, file: &str) -> Vec<u8> {
        fs::read(self.checkpoints().join(file)).unwrap()
    }

    /// Epochs in the log.
    pub fn logged(&self) -> Vec<u64> {
        let log = fs::read_to_string(self.checkpoints().join("log.jsonl")).unwrap_or_default();
        let lines = log.lines().skip(1).filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        lines.filter_map(|line| line["epoch"].as_u64()).collect()
    }

    /// Waits until this many epochs are in the log of a running process.
    pub fn wait_for_epochs(&self, child: &mut Child, count: usize) {
        let start = Instant::now();
        while self.logged().len() < count {
            assert_eq!(child.try_wait().unwrap().map(|status| status.code()), None, "ended too early");
            assert!(start.elapsed() < Duration::from_secs(120), "no epoch {count} within two minutes");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Copies a folder with all that is in it.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target)
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What an unbroken run and one that was stopped have in common to the last byte.
pub const FILES: [&str; 4] = ["last/model.safetensors", "last/optimizer.safetensors", "last/state.json", "best.safetensors"];
