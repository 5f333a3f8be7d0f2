//! What a weight file says of where it comes from: the version that trained it, and the part of the configuration that maps depend on
//! ([`Config::carried_keys`]).
//!
//! It is the note `meltcore` in the file's header, beside the tensors, so that PyTorch reads the file as any other.

use std::collections::{BTreeMap, HashMap};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::config::{Carried, Config, Difference};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::nn::notes;

/// Name of the note.
const NOTE: &str = "meltcore";
/// So many differences are named in a message, the others are counted.
const NAMED: usize = 8;

/// Of a file without a note, in front of what to do about it.
const SAYS_NOTHING: &str = "says nothing of the configuration of its training (it is of PyTorch, or of a version before)";

/// Where weights come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version that trained them.
    pub version: String,
    /// [`Config::carried_keys`] of their training.
    pub config: Map<String, Value>,
}

impl Provenance {
    /// Of weights that this version trains under a configuration.
    ///
    /// # Errors
    /// Those of [`Config::carried_keys`].
    pub fn of(config: &Config) -> Result<Provenance> {
        Ok(Provenance { version: env!("CARGO_PKG_VERSION").into(), config: config.carried_keys()? })
    }

    /// The notes of a weight file of this provenance.
    pub fn metadata(&self) -> HashMap<String, String> {
        // Keys are text, so that there is such a form.
        let text = serde_json::to_string(self).unwrap_or_default();
        HashMap::from([("format".to_owned(), "pt".to_owned()), (NOTE.to_owned(), text)])
    }

    /// What the notes of a file say; `None` where they say nothing, as those of PyTorch and of versions before.
    ///
    /// # Errors
    /// [`Error::Weights`] where this version cannot read what they say.
    pub fn in_notes(file: &Path, notes: &BTreeMap<String, String>) -> Result<Option<Provenance>> {
        let Some(text) = notes.get(NOTE) else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|e| {
            let message = format!(
                "its note `{NOTE}`, the configuration of its training, cannot be read ({e}); take the file of the training, or the version \
                 that wrote it"
            );
            Error::Weights { path: file.to_owned(), message }.because(e)
        })
    }

    /// As [`Provenance::in_notes`], of a file of which the header is read. A file without one has no notes: loading it tells.
    ///
    /// # Errors
    /// Those of [`Provenance::in_notes`]; a file that cannot be read.
    pub fn read(file: &Path) -> Result<Option<Provenance>> {
        let notes = match notes::read(file) {
            Ok(notes) => notes,
            Err(e) if matches!(e.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) => BTreeMap::new(),
            Err(e) => {
                let message = format!("the weights cannot be read ({e}); check the path");
                return Err(Error::Weights { path: file.to_owned(), message }.because(e));
            }
        };
        Provenance::in_notes(file, &notes)
    }

    /// As [`Provenance::read`], of a file that has to have one; `cure` says what to do where it has none.
    ///
    /// # Errors
    /// [`Error::Weights`] for a file without one; those of [`Provenance::read`].
    pub fn needed(file: &Path, cure: &str) -> Result<Provenance> {
        Provenance::read(file)?.ok_or_else(|| Error::Weights { path: file.to_owned(), message: format!("{SAYS_NOTHING}: {cure}") })
    }

    /// The configuration as far as it is known, with the paths of its variables; `file` is for messages. Choices of `overrides` apply.
    ///
    /// # Errors
    /// [`Error::Config`] where this version does not take it.
    pub fn config(&self, file: &Path, paths: &BTreeMap<String, PathBuf>, overrides: &[String]) -> Result<Config> {
        let mut keys = self.config.clone();
        // By its path a variable of its own is declared.
        let lists = ["in_keys", "in_keys_static", "target"].into_iter().filter_map(|key| self.config.get(key));
        for name in lists.flat_map(names) {
            keys.insert(format!("path_{name}"), json!("unknown"));
        }
        keys.extend(paths.iter().map(|(name, path)| (format!("path_{name}"), json!(path.display().to_string()))));
        let mut config = Config::from_keys(keys, &file.display().to_string(), overrides, None)?;
        config.variable_paths.retain(|name, _| paths.contains_key(name));
        Ok(config)
    }
}

/// The names in a list, or the only one.
fn names(value: &Value) -> Vec<&str> {
    let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    items.iter().filter_map(Value::as_str).collect()
}

/// Refuses weights that were trained under another configuration, unless that is accepted; says what there is to tell.
///
/// # Errors
/// [`Error::Usage`] naming what differs with both values; those of [`Provenance::in_notes`].
pub fn require_same(file: &Path, config: &Config, accept: bool) -> Result<Vec<Event>> {
    let Some(provenance) = Provenance::read(file)? else {
        let text = format!("{} {SAYS_NOTHING}: whether that is {} is not checked", file.display(), config.file);
        return Ok(vec![Event::Detail(text)]);
    };
    let (binding, told): (Vec<Difference>, Vec<Difference>) =
        config.differences(&provenance.config)?.into_iter().partition(|difference| difference.carried == Carried::Binding);
    let mut events = Vec::new();
    if !binding.is_empty() {
        let list = listed(&binding);
        if !accept {
            // Where there is no other configuration than the file's own, an override made it another.
            let other = if Path::new(&config.file) == file { "--set makes of it" } else { &config.file };
            return Err(Error::Usage(format!(
                "{}: these weights were trained under another configuration than {other}, and mean something else under this one: {list}. Set \
                 back what differs (`meltcore weights info {0}` shows all), or go on with --accept-changed-config (of predict, calibrate and ablate)",
                file.display()
            )));
        }
        events.push(Event::Note(format!("going on although the weights were trained under another configuration: {list}")));
    }
    if !told.is_empty() {
        events.push(Event::Note(format!("other than in the training of {}: {}", file.display(), listed(&told))));
    }
    Ok(events)
}

/// The first differences in words, and how many more there are.
pub(super) fn listed(differences: &[Difference]) -> String {
    let named: Vec<String> = differences.iter().take(NAMED).map(Difference::words).collect();
    match differences.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
