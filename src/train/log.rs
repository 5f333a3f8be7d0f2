//! `log.jsonl` of a run: a first line with the configuration, then one line an epoch.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::files::write_atomically;

/// Name of the log beside the checkpoints.
pub const LOG_FILE: &str = "log.jsonl";

/// The first line.
#[derive(Debug, Clone, Serialize)]
pub struct Header {
    /// Version of the program.
    pub meltcore: &'static str,
    /// Name of the device.
    pub device: String,
    /// Trainable values.
    pub parameters: usize,
    /// Days of the train split.
    pub train_days: usize,
    /// Days of the val split, 0 without one.
    pub val_days: usize,
    /// Every key in force.
    pub config: Map<String, Value>,
}

/// An epoch's line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// Number of the epoch.
    pub epoch: usize,
    /// Optimizer steps since the start of the run.
    pub step: u64,
    /// Mean loss over the epoch's batches, each before its update.
    pub train_loss: f64,
    /// Mean loss over the batches of the val split; absent without one.
    pub val_loss: Option<f64>,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Duration of the epoch with its validation.
    pub seconds: f64,
    /// Crops a second, training alone.
    pub crops_per_s: f64,
    /// Share of the training's time spent waiting for data.
    #[serde(default)]
    pub wait_share: f64,
    /// Most bytes in use on the device since the start of the process.
    #[serde(default)]
    pub device_bytes: u64,
    /// Mean absolute error on one fixed scene of the val split; absent without one.
    pub val_mae: Option<f64>,
    /// F1 of melt on that scene.
    pub val_f1: Option<f64>,
}

/// The open log.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Starts the log over, with the lines of an earlier one up to `resumed_epoch`, so that it tells of one run only.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn start(path: &Path, header: &Header, resumed_epoch: Option<usize>) -> Result<Log> {
        let earlier = resumed_epoch.and_then(|_| fs::read_to_string(path).ok()).unwrap_or_default();
        let belongs = |line: &&str| serde_json::from_str::<Entry>(line).is_ok_and(|entry| Some(entry.epoch) <= resumed_epoch);
        write_atomically(path, |out| {
            writeln!(out, "{}", serde_json::to_string(header)?)?;
            earlier.lines().filter(belongs).try_for_each(|line| writeln!(out, "{line}"))
        })?;
        let file = File::options().append(true).open(path).map_err(|e| unwritable(path, &e))?;
        Ok(Log { path: path.to_owned(), file })
    }

    /// Adds an epoch.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn append(&mut self, entry: &Entry) -> Result<()> {
        // One write a line, so that only the last line can be a part, and `start` drops such a one.
        let line = serde_json::to_string(entry).map_err(std::io::Error::from).map_err(|e| unwritable(&self.path, &e))?;
        self.file.write_all(format!("{line}\n").as_bytes()).map_err(|e| unwritable(&self.path, &e))
    }
}

fn unwritable(path: &Path, e: &std::io::Error) -> Error {
    Error::output(path, format!("the log cannot be written ({e}); check the free space and the permissions of its folder"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_past_the_resumed_epoch_and_torn_lines_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOG_FILE);
        let header = Header { meltcore: "0", device: "d".into(), parameters: 1, train_days: 2, val_days: 0, config: Map::new() };
        let entry = |epoch| Entry {
            epoch,
            step: 3,
            train_loss: 0.5,
            val_loss: None,
            learning_rate: 0.1,
            seconds: 1.0,
            crops_per_s: 2.0,
            wait_share: 0.0,
            device_bytes: 7,
            val_mae: None,
            val_f1: Some(0.5),
        };
        let mut log = Log::start(&path, &header, None).unwrap();
        for epoch in 1..=3 {
            log.append(&entry(epoch)).unwrap();
        }
        // As versions before these fields wrote it.
        let line = r#"{"epoch":2,"step":3,"train_loss":0.5,"val_loss":null,"learning_rate":0.1,"seconds":1.0,"crops_per_s":2.0}"#;
        assert_eq!(serde_json::from_str::<Entry>(line).unwrap().wait_share, 0.0);
        log.file.write_all(b"{\"epoch\":4,\"st").unwrap();
        drop(log);
        let mut log = Log::start(&path, &header, Some(2)).unwrap();
        log.append(&entry(3)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let epochs: Vec<_> = text.lines().skip(1).map(|line| serde_json::from_str::<Entry>(line).unwrap().epoch).collect();
        assert_eq!((epochs, text.lines().count()), (vec![1, 2, 3], 4));
        drop(log);
        Log::start(&path, &header, None).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
    }
}
