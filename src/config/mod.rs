//! A run's configuration: the flat YAML keys of the reference, their defaults, checks and "did you mean".
//!
//! A key is one line of `table`; the rest is read from there.
//! What a command cannot do without is asked for by that command through the `require_…` functions, so that a
//! baseline's configuration need not carry the keys of a network.

mod beside;
mod calving;
mod carried;
mod choices;
mod classes;
mod declared;
mod digest;
mod gaps;
mod keys;
mod loss;
mod pretraining;
mod reader;
mod regions;
mod require;
mod rules;
mod scale;
mod synonyms;
mod table;
mod together;
mod variables;

pub use carried::Difference;
pub use choices::{
    BestBy, BorderKey, CropsOfClasses, CropsOfScenes, Freeze, LocationKey, ModelKey, Objective, Precision, PretrainingSplit, TaskKey,
};
pub use keys::{Acts, BOUNDING_BOXES, Carried, FRONTS, IGNORE, Key, SPLITS, TWIN};
pub(crate) use keys::{canonical, nearest};
pub use loss::{LossFunction, LossTerm, SimilarityTerm};
pub(crate) use reader::shown;
pub use regions::UNKNOWN;
pub use table::{Config, KEYS};

use crate::error::{Error, Result};
use keys::KeyUse;
use reader::Reader;
use serde_json::{Map, Value};
use std::path::Path;

impl Config {
    /// Reads the YAML file `file` and then applies `overrides`, each of them `key=value` with a YAML value.
    ///
    /// Relative paths that lead nowhere from the current directory are taken from the folder of the file; [`Config::beside`] names them.
    ///
    /// # Errors
    /// An unreadable file, text that is not one YAML map, an unknown or refused key, a value that is not allowed.
    pub fn load(file: &Path, overrides: &[String]) -> Result<Config> {
        let text = std::fs::read_to_string(file).map_err(|e| {
            Error::input(file, format!("the configuration cannot be read ({e}); give --config the path of a YAML file")).because(e)
        })?;
        Config::from_text(&text, &file.display().to_string(), overrides, file.parent().filter(|folder| !folder.as_os_str().is_empty()))
    }

    /// As [`Config::load`], from text already in memory; `file` is the name for error messages.
    pub fn from_yaml(text: &str, file: &str, overrides: &[String]) -> Result<Config> {
        Config::from_text(text, file, overrides, None)
    }

    /// As [`Config::from_yaml`] of a file in `folder`, from which paths may be meant.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_text(text: &str, file: &str, overrides: &[String], folder: Option<&Path>) -> Result<Config> {
        Config::from_keys(keys_of(text, file)?, file, overrides, folder)
    }

    /// As [`Config::from_text`], from keys that are values already.
    ///
    /// # Errors
    /// Those of [`Config::load`] but for what is wrong with a file's text.
    pub fn from_keys(keys: Map<String, Value>, file: &str, overrides: &[String], folder: Option<&Path>) -> Result<Config> {
        let mut reader = Reader { file: file.to_owned(), ..Reader::default() };
        for (key, value) in keys {
            let name = keys::canonical(&key).to_owned();
            if reader.keys.insert(name.clone(), value).is_some() {
                let message = format!("is given twice, once under its other name `{name}`; keep one of the two");
                return Err(reader.error(&key, message));
            }
        }
        for text in overrides {
            let (key, value) = parse_override(text)?;
            reader.overridden.insert(key.clone());
            reader.keys.insert(key, value);
        }
        Config::from_reader(reader, false, folder)
    }

    /// The configuration of a numerical fixture's attributes; unlike a file's they may contradict what training asks for.
    ///
    /// # Errors
    /// As [`Config::load`]; keys that are no configuration keys must have been removed.
    pub fn from_json(attributes: &Map<String, Value>) -> Result<Config> {
        let keys = attributes.iter().map(|(key, value)| (keys::canonical(key).to_owned(), value.clone())).collect();
        Config::from_reader(Reader { file: together::FIXTURE.into(), keys, ..Reader::default() }, true, None)
    }

    /// Sorts the keys into those in force and the ignored ones, then builds the fields.
    fn from_reader(mut reader: Reader, fixture: bool, folder: Option<&Path>) -> Result<Config> {
        let mut ignored = Vec::new();
        reader.task = word_of(&reader.keys, "task").unwrap_or_default();
        reader.domain = word_of(&reader.keys, "domain").unwrap_or(reader.task.domain());
        reader.declared = declared::declared(&reader.keys, reader.domain.domain());
        for (key, value) in &reader.keys {
            match keys::classify(key, reader.domain.domain(), &reader.declared) {
                KeyUse::InForce => {
                    if let Some(reason) = keys::refusal(key, value) {
                        return Err(reader.error(key, format!("{} is refused: {reason}", reader::shown(value))));
                    }
                }
                KeyUse::Ignored => ignored.push(key.clone()),
                KeyUse::Unknown(advice) => return Err(reader.error(key, format!("is not a known key; {advice}"))),
            }
        }
        reader.keys.retain(|key, _| !ignored.contains(key));
        let mut config = Config::read(&reader, ignored)?;
        config.table = config.table_of(&reader)?;
        config.check_together(&reader)?;
        if !fixture {
            config.check_of_files(&reader)?;
        }
        if let Some(folder) = folder {
            config.take_beside(folder, &reader);
        }
        config.find_regions()?;
        Ok(config)
    }
}

/// The choice under a key on which the meaning of others depends; a word that is none is refused later.
fn word_of<T: serde::de::DeserializeOwned>(keys: &Map<String, Value>, key: &str) -> Option<T> {
    serde_json::from_value(keys.get(key)?.clone()).ok()
}

/// A key that has no effect here, with the option of commands that says it instead, where there is one.
pub fn without_effect(key: &str) -> String {
    synonyms::option(key).map_or_else(|| key.to_owned(), |option| format!("{key} (see {option})"))
}

/// The keys of a YAML text that is one map; `file` is its name for error messages.
///
/// # Errors
/// [`Error::Input`] for another text.
pub(crate) fn keys_of(text: &str, file: &str) -> Result<Map<String, Value>> {
    let unusable = |message: String| Error::input(file, message);
    match parse_yaml(text).map_err(|e| unusable(format!("not usable as YAML: {e}")))? {
        Value::Object(map) => Ok(map),
        Value::Null => Err(unusable("holds no keys; a configuration is a list of `key: value` lines".into())),
        _ => Err(unusable("must be a flat map of `key: value` lines at its top level".into())),
    }
}

/// Parses one YAML document; NaN and infinities become text, so that the key that holds them can be named.
pub(crate) fn parse_yaml<T: serde::de::DeserializeOwned>(text: &str) -> std::result::Result<T, String> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|e| match &e {
        serde_saphyr::Error::DuplicateMappingKey { key, location } => {
            let name = key.as_deref().map(|k| format!("`{k}`")).unwrap_or_default();
            format!("the key {name} is given twice, again in line {}; keep one of the two", location.line())
        }
        serde_saphyr::Error::MultipleDocuments { location, .. } => format!(
            "a second document begins in line {} (behind `---`), and a configuration is a single one; keep one of them",
            location.line()
        ),
        // An error stays one paragraph whatever the parser's layout.
        other => other.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
    })
}

/// Splits `key=value` and parses the value.
fn parse_override(text: &str) -> Result<(String, Value)> {
    let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.trim().is_empty()) else {
        return Err(Error::Usage(format!("--set {text}: must have the form key=value, for example --set batch_size=4")));
    };
    let key = keys::canonical(key.trim()).to_owned();
    match parse_yaml(value) {
        Ok(value) => Ok((key, value)),
        Err(message) => {
            let message = format!("the value is not usable as YAML: {message}; text with special characters needs quotes");
            Err(Error::Config { file: "--set".into(), key, message })
        }
    }
}
