//! The classes of a segmentation: their names, weights, and the settings whose defaults follow from them.

use super::reader::{Numbers, Reader, WIDTH};
use super::{Config, IGNORE, LossTerm, TaskKey};
use crate::domains::ZONES;
use crate::error::Result;
use crate::kernels::activation::Activation;
use crate::kernels::segmentation_scores::MOST_CLASSES;

impl Reader {
    /// Names of classes, by their numbers from 0; two or more, each once.
    pub(super) fn classes(&self, key: &str) -> Result<Vec<String>> {
        let is_empty = |value: &&serde_json::Value| value.as_array().is_some_and(Vec::is_empty);
        let default = if self.task == TaskKey::CalvingFront { &ZONES[..] } else { &[] };
        let Some(value) = self.optional(key).filter(|value| !is_empty(value)) else {
            return Ok(default.iter().map(|name| (*name).to_owned()).collect());
        };
        let wanted = "a list of two or more names by their numbers from 0, for example [background, glacier]";
        let names: Option<Vec<String>> =
            value.as_array().and_then(|items| items.iter().map(|item| item.as_str().map(|name| name.trim().to_owned())).collect());
        let names = names.filter(|names| (2..=MOST_CLASSES).contains(&names.len()) && !names.iter().any(String::is_empty));
        let names = names.ok_or_else(|| self.wrong(key, value, wanted))?;
        match names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)) {
            Some((_, name)) => Err(self.error(key, format!("names {name} twice; every class has a name of its own"))),
            None => Ok(names),
        }
    }

    /// A weight above 0 for each class; absence and null are none.
    pub(super) fn class_weights(&self, key: &str) -> Result<Vec<f64>> {
        let Some(value) = self.optional(key) else { return Ok(Vec::new()) };
        let number = |item: &serde_json::Value| item.as_f64().filter(|x| x.is_finite() && *x > 0.0);
        let weights: Option<Vec<f64>> = value.as_array().and_then(|items| items.iter().map(number).collect());
        weights.ok_or_else(|| self.wrong(key, value, "a list of numbers above 0, one a class, for example [1, 3]"))
    }

    /// Channels of the network's output: as many as there are classes or quantiles, otherwise one.
    pub(super) fn out_channels(&self, key: &str) -> Result<usize> {
        let default = match self.task {
            task if task.has_classes() => self.classes("classes")?.len().max(1) as u64,
            _ => self.quantiles("quantiles")?.len().max(1) as u64,
        };
        self.integer(key, default, WIDTH)
    }

    /// Activation of the output: none where classes follow from it.
    pub(super) fn out_activation(&self, key: &str) -> Result<Activation> {
        if !self.task.has_classes() {
            return self.choice(key, Activation::Sigmoid, &["sigmoid", "tanhshelf", "sigmoidcutoff", "linear"]);
        }
        self.choice(key, Activation::None, &["linear"])
    }

    /// A share that a target loses to the other classes.
    pub(super) fn smoothing(&self, key: &str) -> Result<f64> {
        let share = self.number(key, 0.0, Numbers::Share)?;
        if share < 1.0 { Ok(share) } else { Err(self.error(key, "is 1, so that targets say nothing; give less, 0.1 for example")) }
    }
}

impl Config {
    /// Refuses what contradicts the classes.
    pub(super) fn check_classes(&self, r: &Reader) -> Result<()> {
        if !self.task.has_classes() {
            return Ok(());
        }
        let classes = self.classes.len();
        if classes == 0 {
            return Err(r.error("classes", "is missing, and the task segmentation needs it; name the classes, [background, glacier]"));
        }
        self.check_zones(r)?;
        if self.out_channels != classes {
            let message = format!("is {}, and there are {classes} classes; remove the line", self.out_channels);
            return Err(r.error("out_channels", message));
        }
        if self.ignore_index < classes {
            let message =
                format!("is {}, the number of the class {}; give another one", self.ignore_index, self.classes[self.ignore_index]);
            return Err(r.error("ignore_index", message));
        }
        if self.reference_labels && self.variable_paths.contains_key(IGNORE) {
            let message = "is true, which makes every pixel count, and `path_ignore` takes pixels out; remove one of the two";
            return Err(r.error("reference_labels", message));
        }
        if self.label_smoothing > 0.0 && self.label_smoothing_others > 0.0 {
            let message = format!(
                "is {}, and `label_smoothing` is {}; a target is smoothed one way: set one of them to 0",
                self.label_smoothing_others, self.label_smoothing
            );
            return Err(r.error("label_smoothing_others", message));
        }
        let is_smoothed = self.loss_function.0.contains(&LossTerm::CrossEntropy) || !self.given.contains("label_smoothing_others");
        if self.label_smoothing_others > 0.0 && !is_smoothed {
            return Err(r.error("label_smoothing_others", "acts on cross_entropy, which `loss_function` does not add; remove the line"));
        }
        if !self.class_weights.is_empty() && self.class_weights.len() != classes {
            let message = format!("holds {} numbers, and there are {classes} classes; give one for each", self.class_weights.len());
            return Err(r.error("class_weights", message));
        }
        Ok(())
    }
}
