//! `loss_function`: what training minimises, one term or a sum of several.

use serde::{Serialize, Serializer};

use super::choices::words;
use super::reader::{Reader, shown};
use super::synonyms;
use super::{Config, TaskKey};
use crate::error::Result;
use crate::kernels::masked_loss::LossKind;
use crate::kernels::masked_ssim::ssim_frame;

words! {
/// A term of a loss.
LossTerm {
    /// The mean absolute error over valid pixels.
    L1 = "l1",
    /// The mean squared error over valid pixels.
    Mse = "mse",
    /// Half the squared error up to `huber_delta`, and linear beyond.
    Huber = "huber",
    /// The mean absolute error, each weighted by a power of itself.
    FocalL1 = "focal_l1",
    /// The mean absolute error, and one minus the structural similarity.
    L1Ssim = "l1_ssim",
    /// The cost of quantiles, `quantiles`, one a channel of the output.
    Pinball = "pinball",
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
            TaskKey::MeltFraction => &["l1", "mse", "huber", "focal_l1", "l1_ssim", "pinball"],
            TaskKey::Regression => &["l1", "mse", "huber", "focal_l1", "l1_ssim"],
            TaskKey::CalvingFront | TaskKey::Segmentation => &["focal", "cross_entropy", "dice"],
        }
    }
}

/// A sum of terms, at least one and each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LossFunction(pub Vec<LossTerm>);

/// Structural similarity as a term of a loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimilarityTerm {
    /// Weight of one minus the similarity.
    pub weight: f64,
    /// Standard deviation of the window, pixels.
    pub sigma: f64,
}

impl Config {
    /// What the error of a pixel costs; the absolute error where the loss is of classes.
    pub fn loss_kind(&self) -> LossKind {
        match self.loss_function.0.as_slice() {
            [LossTerm::Mse] => LossKind::Mse,
            [LossTerm::Huber] => LossKind::Huber(self.huber_delta),
            [LossTerm::FocalL1] => LossKind::FocalL1(self.focal_gamma),
            _ => LossKind::L1,
        }
    }

    /// What is added to that for the structure of maps.
    pub fn similarity_term(&self) -> Option<SimilarityTerm> {
        let term = SimilarityTerm { weight: self.ssim_weight, sigma: self.ssim_sigma };
        self.loss_function.0.contains(&LossTerm::L1Ssim).then_some(term)
    }

    /// Refuses levels without the loss that learns them, and the other way round.
    pub(super) fn check_quantiles(&self, r: &Reader) -> Result<()> {
        let learns = self.loss_function.0.contains(&LossTerm::Pinball);
        match (learns, self.quantiles.is_empty()) {
            (true, true) => {
                let message = "is missing, and `loss_function: pinball` learns quantiles; list their levels, for example [0.1, 0.5, 0.9]";
                Err(r.error("quantiles", message))
            }
            (false, false) => Err(r.error("quantiles", "is learnt by `loss_function: pinball` alone; set that, or remove the line")),
            _ => Ok(()),
        }
    }

    /// Refuses crops in which no window of the similarity has room.
    pub(super) fn check_similarity(&self, r: &Reader) -> Result<()> {
        let (frame, least) = (ssim_frame(self.ssim_sigma), self.img_size[0].min(self.img_size[1]));
        if self.similarity_term().is_none() || least > frame.saturating_mul(2) {
            return Ok(());
        }
        let message = format!(
            "is {}, whose window leaves out a frame of {frame} pixels, and nothing remains of crops of {} × {} (`img_size`); give a smaller one",
            self.ssim_sigma, self.img_size[0], self.img_size[1]
        );
        Err(r.error("ssim_sigma", message))
    }
}

impl Serialize for LossFunction {
    /// As in a configuration: terms joined by `+`.
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.iter().map(|term| term.name()).collect::<Vec<_>>().join("+"))
    }
}

impl Reader {
    /// Ascending levels of quantiles, the median among them; absence, null and an empty list are none.
    pub(super) fn quantiles(&self, key: &str) -> Result<Vec<f64>> {
        let Some(value) = self.optional(key) else { return Ok(Vec::new()) };
        let number = |item: &serde_json::Value| item.as_f64().filter(|level| 0.0 < *level && *level < 1.0);
        let levels: Option<Vec<f64>> = value.as_array().and_then(|items| items.iter().map(number).collect());
        let is_whole = |levels: &Vec<f64>| levels.is_empty() || levels.contains(&0.5) && levels.windows(2).all(|pair| pair[0] < pair[1]);
        let wanted = "a list of ascending levels between 0 and 1 with 0.5, the median that maps show, for example [0.1, 0.5, 0.9]";
        levels.filter(is_whole).ok_or_else(|| self.wrong(key, value, wanted))
    }

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
