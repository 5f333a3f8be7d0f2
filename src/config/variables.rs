//! What a configuration says of the variables of its domain.

use super::Config;
use crate::domains::{Domain, Variable};
use crate::error::Result;

impl Config {
    /// The table of variables that the configuration speaks of.
    pub fn domain(&self) -> &'static Domain {
        self.table
    }

    /// The inputs that `in_keys`, `in_keys_static` and `in_keys_aux` name, in the order of the network's channels.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) for an unknown or repeated name, or one of a pair without the other.
    pub fn inputs(&self) -> Result<Vec<&'static Variable>> {
        let mut named: Vec<&str> = Vec::new();
        for (key, names) in [("in_keys", &self.in_keys), ("in_keys_static", &self.in_keys_static), ("in_keys_aux", &self.in_keys_aux)] {
            for name in names {
                if named.contains(&name.as_str()) {
                    return Err(self.key_error(key, format!("`{name}` is named twice; remove one of them")));
                }
                named.push(name);
            }
        }
        let all = self.domain().inputs.iter();
        let inputs: Vec<&Variable> =
            all.filter(|variable| [variable.name, variable.files_of()].iter().any(|n| named.contains(n))).collect();
        let lacks = |name: &&&str| !inputs.iter().any(|variable| [variable.name, variable.files_of()].contains(*name));
        if let Some(name) = named.iter().find(lacks) {
            let known = self.domain().inputs.iter().map(|variable| variable.name).collect::<Vec<_>>().join(", ");
            return Err(self.key_error("in_keys", format!("`{name}` is no input channel; known are {known}")));
        }
        for Variable { name, pair, .. } in &inputs {
            if let Some(other) = pair.filter(|other| !named.contains(other)) {
                return Err(self.key_error("in_keys_aux", format!("names {name} without {other}; both are needed, or neither")));
            }
        }
        Ok(inputs)
    }
}
