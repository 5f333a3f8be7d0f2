//! What a configuration says of the variables of its domain.

use super::Config;
use crate::domains::{Domain, Variable};
use crate::error::Result;

impl Config {
    /// The table of variables that the configuration speaks of.
    pub fn domain(&self) -> &'static Domain {
        self.domain.domain()
    }

    /// The inputs that `in_keys`, `in_keys_static` and `in_keys_aux` name, in the order of the network's channels.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) for an unknown or repeated name, or one of a pair without the other.
    pub fn inputs(&self) -> Result<Vec<&'static Variable>> {
        let lists = [("in_keys", &self.in_keys), ("in_keys_static", &self.in_keys_static), ("in_keys_aux", &self.in_keys_aux)];
        let mut named: Vec<&str> = Vec::new();
        for (key, names) in lists {
            for name in names {
                if self.domain().input(name).is_none() {
                    let known = self.domain().inputs.iter().map(|variable| variable.name).collect::<Vec<_>>().join(", ");
                    return Err(self.key_error(key, format!("`{name}` is no input channel; known are {known}")));
                }
                if named.contains(&name.as_str()) {
                    return Err(self.key_error(key, format!("`{name}` is named twice; remove one of them")));
                }
                named.push(name);
            }
        }
        let inputs: Vec<&Variable> = self.domain().inputs.iter().filter(|variable| named.contains(&variable.name)).collect();
        for Variable { name, pair, .. } in &inputs {
            if let Some(other) = pair.filter(|other| !named.contains(other)) {
                return Err(self.key_error("in_keys_aux", format!("names {name} without {other}; both are needed, or neither")));
            }
        }
        Ok(inputs)
    }

    /// What the raw values of a variable are divided by.
    pub fn divisor(&self, variable: &Variable) -> f64 {
        match variable.divisor {
            Some("max_mar_wa1") => self.max_mar_wa1,
            Some("max_modis") => self.max_modis,
            _ => 1.0,
        }
    }
}
