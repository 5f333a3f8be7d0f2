//! What a run's `log.jsonl` says: a first line about the run, then one line an epoch.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::axis::grouped;
use crate::error::{Error, Result};

/// A run's log.
#[derive(Debug, Clone)]
pub struct RunLog {
    /// Where it was read.
    pub path: PathBuf,
    /// The first line: device, version, parameters, configuration.
    pub header: Map<String, Value>,
    /// One entry an epoch.
    pub epochs: Vec<Map<String, Value>>,
}

impl RunLog {
    /// Reads a log; torn, damaged and foreign lines are passed over.
    ///
    /// # Errors
    /// [`Error::Input`] where it cannot be read or has no epoch.
    pub fn read(path: &Path) -> Result<RunLog> {
        let bytes = std::fs::read(path).map_err(|e| {
            Error::input(path, format!("the training log cannot be read ({e}); give --log the log.jsonl of a run")).because(e)
        })?;
        let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Map<String, Value>>(line).ok());
        let (epochs, others): (Vec<_>, Vec<_>) = lines.partition(|line| line.contains_key("epoch"));
        if epochs.is_empty() {
            return Err(Error::input(path, "holds no epoch yet; give --log the log.jsonl of a run that has finished one"));
        }
        Ok(RunLog {
            path: path.to_owned(),
            header: others.into_iter().find(|line| line.contains_key("config")).unwrap_or_default(),
            epochs,
        })
    }

    /// (epoch, value) of a number that epochs have.
    pub fn curve(&self, key: &str) -> Vec<[f64; 2]> {
        let point = |epoch: &Map<String, Value>| Some([epoch.get("epoch")?.as_f64()?, epoch.get(key)?.as_f64()?]);
        self.epochs.iter().filter_map(point).collect()
    }

    /// The names of further validation scores, such as `val_f1`, in the order of the alphabet.
    pub fn validation_scores(&self) -> Vec<String> {
        let mut names: Vec<String> = self.epochs.iter().flat_map(Map::keys).filter(|key| key.starts_with("val_")).cloned().collect();
        names.retain(|name| name != "val_loss");
        names.sort();
        names.dedup();
        names
    }

    /// Sum of a number over the epochs.
    pub fn total(&self, key: &str) -> f64 {
        self.curve(key).iter().map(|point| point[1]).sum()
    }

    /// A text or number of the first line.
    pub fn said(&self, key: &str) -> Option<String> {
        match self.header.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(grouped(&number.to_string())),
            _ => None,
        }
    }
}
