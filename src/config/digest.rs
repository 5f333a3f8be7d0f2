//! The configuration as JSON and as YAML, and a digest of the keys that determine a training run's bits.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::Config;
use super::keys::Key;
use super::table::KEYS;
use crate::files::fnv1a;

impl Config {
    /// All keys in force with their values, defaults included, under the names of the YAML file.
    ///
    /// Written as YAML it loads again to the same configuration (but for the keys that no file may hold).
    pub fn to_json(&self) -> Map<String, Value> {
        let mut map = Map::new();
        KEYS.iter().for_each(|key| key.write(self, &mut map));
        // As they are in the file.
        for (variable, path) in &self.variable_paths {
            let relative = path.strip_prefix(&self.data_root).unwrap_or(path);
            map.insert(format!("path_{variable}"), json!(relative.display().to_string()));
        }
        // A run is the same whatever directory it is started from.
        map.extend(self.beside.iter().map(|(key, written)| (key.clone(), json!(written))));
        map
    }

    /// The same as a YAML file in the order of the table; what nobody gave is marked as a default.
    pub fn to_yaml(&self) -> String {
        let (map, mut text) = (self.to_json(), String::new());
        for (group, keys) in Key::groups() {
            let _ = writeln!(text, "{}# {group}", if text.is_empty() { "" } else { "\n" });
            for name in keys.iter().flat_map(|key| self.names_of(key)) {
                let Some(value) = map.get(&name) else { continue };
                let mark = if self.given.contains(&name) { "" } else { "  # default" };
                let _ = writeln!(text, "{name}: {value}{mark}");
            }
        }
        text
    }

    /// The part of [`Config::to_json`] that determines the bits of a training run of given length.
    ///
    /// Paths of the variables are taken relative to `data_root`, so that a data set may move as a whole; the lists of days
    /// are files of their own and not part of it. Channel lists are sorted, because their order has no effect.
    pub fn training_keys(&self) -> Map<String, Value> {
        let mut map = self.to_json();
        map.retain(|name, _| self.key(name).is_some_and(|key| key.acts.weights));
        for key in ["in_keys", "in_keys_static", "in_keys_aux"] {
            if let Some(Value::Array(names)) = map.get_mut(key) {
                names.sort_by_key(|name| name.to_string());
            }
        }
        map
    }

    /// The part of [`Config::to_json`] that maps made from given weights depend on.
    pub fn map_keys(&self) -> Map<String, Value> {
        let mut map = self.to_json();
        map.retain(|name, _| self.key(name).is_some_and(|key| key.acts.maps));
        map
    }

    /// Sixteen hexadecimal digits that agree where [`Config::training_keys`] agree: [`fnv1a`] over lines `key=JSON` in the
    /// order of the keys' bytes.
    pub fn digest(&self) -> String {
        let mut lines: Vec<String> = self.training_keys().iter().map(|(key, value)| format!("{key}={value}\n")).collect();
        lines.sort();
        format!("{:016x}", fnv1a(lines.concat().bytes()))
    }
}
