//! `loss_function`: what training minimises, one term or a sum of several.

use serde::{Serialize, Serializer};

use super::TaskKey;
use super::choices::words;
use super::reader::{Reader, shown};
use super::synonyms;
use crate::error::Result;
use crate::kernels::masked_loss::LossKind;

words! {
/// A term of a loss.
LossTerm {
    /// The mean absolute error over valid pixels.
    L1 = "l1",
    /// The mean squared error over valid pixels.
    Mse = "mse",
    /// The focal loss of class probabilities.
    Focal = "focal",
    /// The cross entropy of classes.
    CrossEntropy = "cross_entropy",
    /// One minus the Dice coefficient, averaged over the classes.
    Dice = "dice",
}
}

impl TaskKey {
    /// The terms that its loss may have.
    fn terms(self) -> &'static [&'static str] {
        match self {
            TaskKey::MeltFraction | TaskKey::Regression => &["l1", "mse"],
            TaskKey::CalvingFront | TaskKey::Segmentation => &["focal", "cross_entropy", "dice"],
        }
    }
}

/// A sum of terms, at least one and each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LossFunction(pub Vec<LossTerm>);

impl LossFunction {
    /// The error of pixels where it is one; the absolute error of a loss that is none.
    pub fn kind(&self) -> LossKind {
        match self.0.as_slice() {
            [LossTerm::Mse] => LossKind::Mse,
            _ => LossKind::L1,
        }
    }
}

impl Serialize for LossFunction {
    /// As in a configuration: terms joined by `+`.
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.iter().map(|term| term.name()).collect::<Vec<_>>().join("+"))
    }
}

impl Reader {
    /// Terms of the task's loss, joined by `+` where a task adds several.
    pub(super) fn loss_function(&self, key: &str) -> Result<LossFunction> {
        let words = self.task.terms();
        if !self.task.has_classes() {
            return Ok(LossFunction(vec![self.choice(key, LossTerm::L1, words)?]));
        }
        let Some(value) = self.optional(key) else {
            let terms: &[LossTerm] = match self.task {
                TaskKey::CalvingFront => &[LossTerm::CrossEntropy, LossTerm::Dice],
                _ => &[LossTerm::CrossEntropy],
            };
            return Ok(LossFunction(terms.to_vec()));
        };
        let mut terms: Vec<LossTerm> = Vec::new();
        for word in value.as_str().unwrap_or_default().split('+').map(str::trim) {
            let term = LossTerm::ALL.iter().find(|term| term.name() == word && words.contains(&word));
            match term {
                Some(term) if !terms.contains(term) => terms.push(*term),
                Some(_) => return Err(self.error(key, format!("adds {word} twice; remove one of them"))),
                None => {
                    let allowed = format!("one of {} or a sum such as cross_entropy+dice", words.join(", "));
                    let hint = synonyms::hint(key, word, words);
                    return Err(self.error(key, format!("must be {allowed}, but {} was given{hint}", shown(value))));
                }
            }
        }
        Ok(LossFunction(terms))
    }
}
