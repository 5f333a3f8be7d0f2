//! A network told by the names and shapes of its state dict.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

/// A model told by its state dict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recognised {
    /// `model_key`, or the name of an encoder alone.
    pub model: &'static str,
    /// Input channels.
    pub in_channels: usize,
    /// Configuration keys that names and shapes show. Activations, atrous rates and channel names leave no trace in a file.
    pub config: Map<String, Value>,
}

impl Recognised {
    /// A model with the keys that are known of it.
    pub(super) fn new<const N: usize>(model: &'static str, in_channels: usize, keys: [(&str, Value); N]) -> Recognised {
        let config = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        Recognised { model, in_channels, config }
    }
}

/// The shapes of a state dict by name.
pub struct Shapes<'a>(pub BTreeMap<&'a str, &'a [usize]>);

impl Shapes<'_> {
    /// Whether there is a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The size of an axis of a tensor.
    pub fn axis(&self, name: &str, axis: usize) -> Option<usize> {
        self.0.get(name)?.get(axis).copied()
    }

    /// Modules of a list: those whose index begins a name behind `list.`.
    pub fn modules(&self, list: &str) -> usize {
        let indices = self.0.keys().filter_map(|name| name.strip_prefix(list)?.split('.').nth(1)?.parse::<usize>().ok());
        indices.max().map_or(0, |last| last.saturating_add(1))
    }
}
