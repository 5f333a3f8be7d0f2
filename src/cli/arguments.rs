//! Arguments that several commands share.

use super::Globals;
use crate::config::{Config, SPLITS, without_effect};
use crate::error::Result;
use std::path::{Path, PathBuf};

/// The configuration and its overrides.
#[derive(Debug, Clone, clap::Args)]
pub struct ConfigArgs {
    /// YAML configuration
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Override one key of the configuration, the value as YAML; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl ConfigArgs {
    /// Loads the configuration and notes the ignored keys in one line.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load(&self, globals: &Globals) -> Result<Config> {
        let config = Config::load(&self.config, &self.set)?;
        if !config.ignored.is_empty() {
            let keys: Vec<String> = config.ignored.iter().map(|key| without_effect(key)).collect();
            globals.note(&format!("{}: keys without effect here: {}", config.file, keys.join(", ")));
        }
        let keys = config.beside.keys().cloned().collect::<Vec<_>>().join(", ");
        let from = if keys.is_empty() { "relative paths are" } else { "taken from the folder of the file:" };
        let rest = if keys.is_empty() { "taken from the current directory".to_owned() } else { keys };
        globals.detail(&format!("{}: {from} {rest}", config.file));
        Ok(config)
    }
}

/// Parser of `--split`: the names of the splits.
pub fn split_names() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(SPLITS)
}

/// Folder for the maps of a split: `--out` where it is given, else that of the configuration.
///
/// # Errors
/// Neither is given.
pub fn map_folder(out: Option<&Path>, config: &Config, split: &str) -> Result<PathBuf> {
    match out {
        Some(folder) => Ok(folder.to_owned()),
        None => config.require_map_folder(split).map(Path::to_owned),
    }
}

/// Parses a finite number above 0.
pub fn positive(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x.is_finite() && x > 0.0 => Ok(x),
        _ => Err("must be a finite number above 0".into()),
    }
}

/// Parses a finite number of at least 0.
pub fn at_least_0(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x.is_finite() && x >= 0.0 => Ok(x),
        _ => Err("must be a finite number, 0 or above".into()),
    }
}
