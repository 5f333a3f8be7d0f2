//! What weights carry of the configuration that they were trained under: what it says of its inputs, of the target and of the network,
//! under the names of the YAML file; and how another configuration differs from that.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Config;
use super::keys::{Carried, Key};
use super::table::KEYS;
use crate::error::Result;

/// Keys of what is learnt about an input's values, which only normalised inputs have.
const STATISTICS: [&str; 2] = ["mean_<variable>", "std_<variable>"];
/// The key of a blur's window.
const WINDOW: &str = "<variable>_GaussianBlur_kernel_size";

/// A key that two configurations give other values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub key: String,
    /// What the difference means.
    pub carried: Carried,
    /// Its value under which the weights were trained; `None` where it was absent.
    pub then: Option<Value>,
    /// Its value now.
    pub now: Option<Value>,
}

impl Difference {
    /// `key` (value there, value now).
    pub fn words(&self) -> String {
        let shown = |value: &Option<Value>| value.as_ref().map_or("absent".to_owned(), Value::to_string);
        format!("`{}` ({} there, {} now)", self.key, shown(&self.then), shown(&self.now))
    }
}

impl Config {
    /// The part of [`Config::to_json`] that weights trained under it carry: what maps made with them depend on, paths aside, and how they
    /// are shown. Keys of variables that are neither inputs nor the target are left out, and choices that nobody made; lists of inputs are
    /// sorted.
    ///
    /// # Errors
    /// Those of [`Config::inputs`].
    pub fn carried_keys(&self) -> Result<Map<String, Value>> {
        let of_variables = self.carried_names()?;
        let inputs = self.inputs()?;
        let divisors: Vec<&str> = inputs.iter().filter_map(|input| input.divisor).collect();
        let all_divisors: Vec<&str> = self.domain().inputs.iter().filter_map(|input| input.divisor).collect();
        let mut keys = self.to_json();
        keys.retain(|name, _| match self.key(name) {
            Some(key) if key.is_family() => of_variables.contains(name),
            Some(key) if all_divisors.contains(&key.name) => divisors.contains(&key.name),
            Some(key) => match key.acts.carried {
                Carried::Not => false,
                // A default may mean something else than the same value that somebody gave.
                Carried::Choice => self.given.contains(name),
                Carried::Told | Carried::Binding => true,
            },
            None => false,
        });
        for list in ["in_keys", "in_keys_static", "in_keys_aux"] {
            if let Some(Value::Array(names)) = keys.get_mut(list) {
                names.sort_by_key(|name| name.to_string());
            }
        }
        Ok(keys)
    }

    /// The names of keys of single variables that are carried.
    fn carried_names(&self) -> Result<BTreeSet<String>> {
        let carried = || KEYS.iter().filter(|key| key.acts.carried != Carried::Not);
        let mut names: BTreeSet<String> = BTreeSet::new();
        let mut add = |variable: &str, wanted: &dyn Fn(&Key) -> bool| {
            names.extend(carried().filter(|key| wanted(key)).filter_map(|key| key.names_for(variable)));
        };
        add(self.domain().target.name, &|key| !STATISTICS.contains(&key.name));
        for input in self.inputs()? {
            let is_normalised = input.normalised && self.normalize_inputs;
            let wanted = |key: &Key| is_normalised || !STATISTICS.contains(&key.name);
            [input.name, input.files_of()].into_iter().for_each(|name| add(name, &wanted));
            // The window of a batched blur is that of another variable.
            if let Some(name) = input.blur_like.filter(|_| self.use_batch_blur) {
                add(name, &|key| key.name == WINDOW);
            }
        }
        Ok(names)
    }

    /// How this configuration differs from the one whose [`Config::carried_keys`] are given, choices aside.
    ///
    /// A key that the version which wrote them did not know is no difference where it is at its default.
    ///
    /// # Errors
    /// Those of [`Config::inputs`].
    pub fn differences(&self, then: &Map<String, Value>) -> Result<Vec<Difference>> {
        let now = self.carried_keys()?;
        let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
        let mut found = Vec::new();
        for name in names {
            // A variable that is no longer there, or a key of another version, which binds, too.
            let key = self.key(name).or_else(|| KEYS.iter().find(|key| key.is_form_of(name)));
            let (carried, default) = key.map_or((Carried::Binding, Value::Null), |key| (key.acts.carried, key.default()));
            let is_same = match (then.get(name), now.get(name)) {
                (None, Some(now)) => *now == default,
                (then, now) => then == now,
            };
            if !is_same && matches!(carried, Carried::Told | Carried::Binding) {
                found.push(Difference { key: name.clone(), carried, then: then.get(name).cloned(), now: now.get(name).cloned() });
            }
        }
        // The network first, then the lists of inputs, then what is said of each.
        found.sort_by_key(|difference| self.key(&difference.key).is_none_or(Key::is_family));
        Ok(found)
    }
}
