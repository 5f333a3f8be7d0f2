//! Typed reading of the maps in a file, with errors that name the file and the key.

use serde_json::{Map, Value};

use crate::config::{nearest, shown};
use crate::error::{Error, Result};

/// One map of a file.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    file: String,
    /// The keys above it, each with a dot behind.
    within: String,
    map: Map<String, Value>,
}

impl Fields {
    /// The map at the top of a file.
    pub fn new(file: &str, map: Map<String, Value>) -> Fields {
        Fields { file: file.to_owned(), within: String::new(), map }
    }

    /// Refuses keys that are none of these.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first one and the nearest of those that there are.
    pub fn require_known(&self, known: &[&str]) -> Result<()> {
        let Some(key) = self.map.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
        let advice = match nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are {}.", known.join(", ")),
        };
        Err(self.error(key, format!("is not a known key; {advice} Correct it, or remove the line")))
    }

    /// An error about a key.
    pub fn error(&self, key: &str, message: impl Into<String>) -> Error {
        Error::Config { file: self.file.clone(), key: format!("{}{key}", self.within), message: message.into() }
    }

    /// An error about a value that is not what it should be.
    pub fn wrong(&self, key: &str, value: &Value, allowed: &str) -> Error {
        self.error(key, format!("must be {allowed}, but {} was given", shown(value)))
    }

    /// The value of a key; null is none.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// The names of all keys.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.map.keys().map(String::as_str)
    }

    /// The map itself.
    pub fn into_map(self) -> Map<String, Value> {
        self.map
    }

    /// What `read` makes of the value of a key; none where the key is not there.
    pub fn read<T>(&self, key: &str, allowed: &str, read: impl FnOnce(&Value) -> Option<T>) -> Result<Option<T>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| self.wrong(key, value, allowed))
    }

    /// Text that is not empty.
    pub fn text(&self, key: &str) -> Result<Option<String>> {
        self.read(key, "text that is not empty", |value| value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned))
    }

    /// One of some words.
    pub fn word<'w>(&self, key: &str, words: &[&'w str]) -> Result<Option<&'w str>> {
        let allowed = format!("one of {}", words.join(", "));
        self.read(key, &allowed, |value| words.iter().copied().find(|word| value.as_str() == Some(word)))
    }

    /// A whole number of at least `least`.
    pub fn whole(&self, key: &str, least: u64) -> Result<Option<u64>> {
        self.read(key, &format!("a whole number, {least} or above"), |value| value.as_u64().filter(|number| *number >= least))
    }

    /// A finite number.
    pub fn number(&self, key: &str) -> Result<Option<f64>> {
        self.read(key, "a finite number", |value| value.as_f64().filter(|number| number.is_finite()))
    }

    /// Items of a list that is not empty, each as `item` reads it; `allowed` says of the list what it must be.
    pub fn list<T>(&self, key: &str, allowed: &str, item: impl Fn(&Value) -> Option<T>) -> Result<Option<Vec<T>>> {
        self.read(key, allowed, |value| value.as_array().filter(|list| !list.is_empty())?.iter().map(item).collect())
    }

    /// The map under a key, which must not be empty where `filled` says so.
    pub fn map(&self, key: &str, filled: bool, allowed: &str) -> Result<Option<Fields>> {
        let map = self.read(key, allowed, |value| value.as_object().filter(|map| !filled || !map.is_empty()).cloned())?;
        Ok(map.map(|map| Fields { file: self.file.clone(), within: format!("{}{key}.", self.within), map }))
    }
}
