//! What a command cannot do without: accessors whose error names the missing key and how to give it.

use super::{Config, ModelKey, SPLITS, synonyms};
use crate::error::{Error, Result};
use std::path::Path;

impl Config {
    /// The path under `key`: `path_checkpoints`, `path_predictions`, `path_deploy`, `path_eval`, `path_<variable>` or
    /// `path_<split>_split_csv`.
    ///
    /// # Errors
    /// The key is absent; the message names it.
    pub fn require_path(&self, key: &str) -> Result<&Path> {
        let path = match key {
            "path_checkpoints" => self.path_checkpoints.as_ref(),
            "path_predictions" => self.path_predictions.as_ref(),
            "path_deploy" => self.path_deploy.as_ref(),
            "path_eval" => self.path_eval.as_ref(),
            _ => {
                let name = key.strip_prefix("path_").unwrap_or(key);
                match name.strip_suffix("_split_csv") {
                    Some(split) => self.split_csv.get(split),
                    None => self.variable_paths.get(name),
                }
            }
        };
        path.map(|p| p.as_path()).ok_or_else(|| self.missing(key, "PATH"))
    }

    /// The CSV of the split `name`: train, val, test, eval, all or deploy.
    pub fn require_split_csv(&self, name: &str) -> Result<&Path> {
        if !SPLITS.contains(&name) {
            let hint = synonyms::hint("split", name, &SPLITS);
            return Err(Error::Usage(format!("split {name} is not one of {}{hint}", SPLITS.join(", "))));
        }
        self.require_path(&format!("path_{name}_split_csv"))
    }

    /// The folder (or file) of a data variable, joined to `data_root`.
    pub fn require_variable(&self, variable: &str) -> Result<&Path> {
        self.require_path(&format!("path_{variable}"))
    }

    /// Where maps of the split `name` go without `--out`: `path_deploy` for deploy, else `path_predictions`.
    pub fn require_map_folder(&self, name: &str) -> Result<&Path> {
        self.require_path(if name == "deploy" { "path_deploy" } else { "path_predictions" })
    }

    /// Mean and standard deviation of a variable, in its unit.
    pub fn require_mean_std(&self, variable: &str) -> Result<(f64, f64)> {
        let std = || self.std.get(variable).copied().ok_or_else(|| self.missing(&format!("std_{variable}"), "NUMBER"));
        Ok((self.require_mean(variable)?, std()?))
    }

    /// Mean of a variable, in its unit.
    pub fn require_mean(&self, variable: &str) -> Result<f64> {
        self.mean.get(variable).copied().ok_or_else(|| self.missing(&format!("mean_{variable}"), "NUMBER"))
    }

    /// The model, where the configuration has to name it.
    pub fn require_model_key(&self) -> Result<ModelKey> {
        self.require_given("model_key")?;
        Ok(self.model_key)
    }

    /// Insists that `key` was given and did not fall back on its default.
    pub fn require_given(&self, key: &str) -> Result<()> {
        if self.given.contains(key) { Ok(()) } else { Err(self.missing(key, "VALUE")) }
    }

    /// An error about `key` found after loading, for example a path that leads nowhere.
    pub fn key_error(&self, key: &str, message: impl Into<String>) -> Error {
        Error::Config { file: self.file.clone(), key: key.to_owned(), message: message.into() }
    }

    fn missing(&self, key: &str, value: &str) -> Error {
        self.key_error(key, format!("is missing and this command needs it; add a line `{key}: {value}` or give --set {key}={value}"))
    }
}
