//! `scale_<input>`: the two values that a network sees as 0 and 1, another way to say mean and standard deviation.

use std::collections::BTreeMap;

use super::reader::{Numbers, Reader};
use super::{Config, TaskKey};
use crate::error::Result;

/// Grey values of 8 bits.
const GREY: [f64; 2] = [0.0, 255.0];

impl Reader {
    /// The mean of each variable, the lower end of its scale where that is given.
    pub(super) fn means(&self, pattern: &str) -> Result<BTreeMap<String, f64>> {
        self.scaled(self.numbers(pattern, Numbers::Finite)?, |[low, _]| low)
    }

    /// The standard deviation of each variable, the length of its scale where that is given.
    pub(super) fn deviations(&self, pattern: &str) -> Result<BTreeMap<String, f64>> {
        self.scaled(self.numbers(pattern, Numbers::Positive)?, |[low, high]| high - low)
    }

    fn scaled(&self, mut numbers: BTreeMap<String, f64>, of: fn([f64; 2]) -> f64) -> Result<BTreeMap<String, f64>> {
        let scales = self.ranges("scale_<input>")?;
        for name in &self.declared {
            let files = name.rsplit_once("_b").map_or(name.as_str(), |(files, _)| files);
            let moments = ["mean", "std"].map(|moment| format!("{moment}_{name}"));
            let given = moments.iter().find(|key| self.keys.contains_key(*key));
            match (super::declared::either(&scales, name, Some(files)), given) {
                (Some(_), Some(key)) if scales.contains_key(name) => {
                    let message = format!("stands beside `{key}`, and both say what a network sees of `{name}`; keep one of them");
                    return Err(self.error(&format!("scale_{name}"), message));
                }
                (Some(scale), None) => drop(numbers.insert(name.clone(), of(*scale))),
                (None, None) if self.is_grey(name) && self.is_grey(files) => drop(numbers.insert(name.clone(), of(GREY))),
                _ => {}
            }
        }
        Ok(numbers)
    }

    /// Whether nothing is said of an input's values, which are greys then.
    fn is_grey(&self, name: &str) -> bool {
        let says = |key: &str| self.keys.contains_key(&format!("{key}_{name}"));
        self.task == TaskKey::CalvingFront && !["max", "log", "log10"].into_iter().any(says)
    }
}

impl Config {
    /// Whether an input's values are taken for greys of 8 bits because the configuration says nothing of them.
    pub fn is_taken_for_grey(&self, name: &str, files: &str) -> bool {
        let says =
            |name: &str| ["mean", "std", "scale", "max", "log", "log10"].iter().any(|key| self.given.contains(&format!("{key}_{name}")));
        self.task == TaskKey::CalvingFront && self.mean.contains_key(name) && !says(name) && !says(files)
    }
}
