//! The location of a scene of an unknown region, found without labels: the mixture of regions under which a network is surest.
//!
//! location = softmax(z), one logit z a region and one for unknown ones, all 1 at first. Minimised is the mean over pixels of
//! −Σ_c p_c ln(p_c + 1e-6) / ln classes, p the network's probabilities, over windows drawn at random within the scene, by Adam
//! ([`EpsMode::Keras`], 1e-7); the network stays as it is, and its norms evaluate. An epoch has about as many windows as fit side by side.
//! The search ends after 100 epochs, or once Σ (Δz)² over an epoch stayed below 1e-8 for five. Source: Maslov et al. 2025,
//! doi 10.1038/s41467-024-54956-x, who call it bias optimisation.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, json};

use crate::autograd::Tape;
use crate::config::{Config, LocationKey, UNKNOWN};
use crate::data::Window;
use crate::data::framed::Framed;
use crate::data::loader::Batch;
use crate::data::tiles::Crop;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::files::{fnv1a, write_atomically};
use crate::models::Model;
use crate::models::glavitu::LOCATION;
use crate::nn::Mode;
use crate::ops;
use crate::optim::{EpsMode, Optimizer, OptimizerKind, OptimizerSettings};
use crate::preprocess::Preprocessor;
use crate::random::{Draw, Purpose};
use crate::tensor::Tensor;

/// Windows whose gradients make an update.
const WINDOWS: usize = 8;
const MOST_EPOCHS: usize = 100;
/// The search ends once Σ (Δz)² over an epoch stayed below `LEAST_CHANGE` for so many of them.
const PATIENCE: usize = 5;
const LEAST_CHANGE: f64 = 1e-8;
/// Added to probabilities under the logarithm.
const LEAST_PROBABILITY: f64 = 1e-6;

/// How a location is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LocationSearch {
    /// Seed of the windows' places; those of a scene depend on its name, too, and on no other scene.
    pub seed: u64,
    /// Adam's learning rate, which is about as far as an update moves a logit; published: 1e-4.
    pub rate: f64,
}

/// A location that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundLocation {
    /// Share of each region, the last of unknown ones; their sum is 1.
    pub shares: Vec<f32>,
    /// Epochs that it took.
    pub epochs: usize,
    /// Mean entropy, of ln classes, over the windows of the first and of the last epoch.
    pub entropy: [f64; 2],
}

/// What a search goes through.
pub(super) struct Search<'a> {
    pub(super) model: &'a dyn Model,
    pub(super) preprocessor: &'a Preprocessor,
    /// Scenes that hold a tile each.
    pub(super) framed: &'a Framed,
    /// Rows and columns of a tile.
    pub(super) tile: [usize; 2],
    /// Numbers of a location.
    pub(super) numbers: usize,
    /// Windows that go through the network at once.
    pub(super) batch_size: usize,
    pub(super) recompute: bool,
    pub(super) stop: &'a dyn Fn() -> Option<i32>,
}

impl Search<'_> {
    /// Looks for the location of a scene.
    ///
    /// # Errors
    /// Those of reading and of the network; [`Error::Interrupted`] after a signal.
    pub(super) fn find(&self, settings: &LocationSearch, day: usize, observe: &mut dyn FnMut(Event)) -> Result<FoundLocation> {
        let (gpu, frame) = (self.preprocessor.gpu(), self.framed.frame(day));
        let name = self.framed.dataset().days().get(day).map(|day| day.file_name()).unwrap_or_default();
        let mut draw = Draw::new(settings.seed, Purpose::Location, fnv1a(name.bytes()) as i64);
        let logits = Tensor::full(gpu, [1, self.numbers], 1.0)?;
        let mut rule = OptimizerSettings::new(OptimizerKind::Adam, settings.rate);
        (rule.coefficients.eps, rule.coefficients.eps_mode) = (1e-7, EpsMode::Keras);
        let mut optimizer = Optimizer::new(rule);
        let mut found = FoundLocation { shares: Vec::new(), epochs: 0, entropy: [f64::NAN; 2] };
        let (updates, mut calm) = (updates(frame.scene, self.tile), 0);
        observe(Event::Start { label: "locate", total: MOST_EPOCHS, unit: "epochs" });
        while found.epochs < MOST_EPOCHS && calm < PATIENCE {
            let (before, mut entropy) = (logits.to_vec()?, 0.0);
            for _ in 0..updates {
                let tape = Tape::recording();
                tape.watch(&logits);
                let shares = ops::softmax(&tape, &logits, 1)?;
                let (of_windows, gradient) = self.over_windows(&shares.to_vec()?, day, &mut draw)?;
                entropy += of_windows / updates as f64;
                let gradients = tape.backward(&[(&shares, Tensor::from_slice(gpu, [1, self.numbers], &gradient)?)])?;
                optimizer.step(&[("logits".into(), logits.clone())], &gradients)?;
            }
            let change: f64 = logits.to_vec()?.iter().zip(&before).map(|(now, before)| f64::from(now - before).powi(2)).sum();
            calm = if change < LEAST_CHANGE { calm + 1 } else { 0 };
            found.epochs += 1;
            observe(Event::Message(format!("entropy {entropy:.5}")));
            observe(Event::Done(1));
            found.entropy = [if found.epochs == 1 { entropy } else { found.entropy[0] }, entropy];
        }
        found.shares = ops::softmax(&Tape::off(), &logits, 1)?.to_vec()?;
        Ok(found)
    }

    /// The mean entropy over some windows, and its gradient by the shares.
    fn over_windows(&self, shares: &[f32], day: usize, draw: &mut Draw) -> Result<(f64, Vec<f32>)> {
        let ([rows, cols], [height, width]) = (self.framed.frame(day).size, self.tile);
        let place = |number| {
            let (row, col) = (draw.below(rows - height + 1), draw.below(cols - width + 1));
            Crop { day, window: Window { row, col, height, width }, number }
        };
        let crops: Vec<Crop> = (0..WINDOWS).map(place).collect();
        let (mut entropy, mut gradient) = (0.0, vec![0.0; self.numbers]);
        for crops in crops.chunks(self.batch_size) {
            if let Some(signal) = (self.stop)() {
                return Err(Error::Interrupted(signal));
            }
            let channels = self.framed.dataset().inputs().len();
            let mut batch = Batch::of(channels, crops, |crop, sample| self.framed.read(crop, sample))?;
            batch.location = shares.repeat(crops.len());
            entropy += self.add(&batch, &mut gradient)?;
        }
        Ok((entropy, gradient.into_iter().map(|sum| sum as f32).collect()))
    }

    /// The part of some windows in the mean entropy; adds their part of the gradient.
    fn add(&self, batch: &Batch, gradient: &mut [f64]) -> Result<f64> {
        let tape = if self.recompute { Tape::recomputing() } else { Tape::recording() };
        let inputs = self.preprocessor.inputs(batch)?;
        let location = inputs.get(LOCATION)?;
        tape.watch(location);
        let map = self.model.forward(&tape, &inputs, Mode::Eval)?.map;
        let probabilities = ops::softmax(&tape, &map, 1)?;
        let (values, [n, classes, ..]) = (probabilities.to_vec()?, probabilities.nchw("location")?);
        let per_value = 1.0 / ((WINDOWS * values.len() / (n * classes)) as f64 * (classes as f64).ln());
        let (mut entropy, mut upstream) = (0.0, Vec::with_capacity(values.len()));
        for value in &values {
            let (p, log) = (f64::from(*value), (f64::from(*value) + LEAST_PROBABILITY).ln());
            entropy -= p * log;
            upstream.push((-per_value * (log + p / (p + LEAST_PROBABILITY))) as f32);
        }
        let upstream = Tensor::from_slice(map.gpu(), probabilities.shape(), &upstream)?;
        let gradients = tape.backward(&[(&probabilities, upstream)])?;
        let of_location =
            gradients.get(location).ok_or_else(|| Error::shape("location", "the network does not look at where a tile lies"))?;
        for of_window in of_location.to_vec()?.chunks_exact(self.numbers) {
            gradient.iter_mut().zip(of_window).for_each(|(sum, part)| *sum += f64::from(*part));
        }
        Ok(entropy * per_value)
    }
}

/// Updates of an epoch: as many as make its windows cover the scene about once, at least one.
fn updates(scene: [usize; 2], tile: [usize; 2]) -> usize {
    let windows = (scene[0] * scene[1]) as f64 / (tile[0] * tile[1]).max(1) as f64;
    ((windows / WINDOWS as f64 + 0.5).floor() as usize).max(1)
}

impl LocationSearch {
    /// Refuses a search under a configuration whose network has no region to look for, or no classes to be sure of.
    ///
    /// # Errors
    /// [`Error::Usage`] that says why.
    pub fn check(&self, config: &Config) -> Result<()> {
        let why = match (config.location, config.classes.is_empty()) {
            (LocationKey::Region, false) => None,
            (LocationKey::Region, true) => Some("its maps have no classes that it could be sure of".to_owned()),
            (other, _) => Some(format!("this network sees no region (`location: {}`)", other.name())),
        };
        if let Some(why) = why {
            return Err(Error::Usage(format!("--optimise-location looks for the region of a scene, and {why}; leave it out")));
        }
        match self.rate.is_finite() && self.rate > 0.0 {
            true => Ok(()),
            false => Err(Error::Usage(format!("--location-rate {} is no learning rate; give a number above 0, such as 1e-4", self.rate))),
        }
    }
}

impl FoundLocation {
    /// The shares by the names of regions.
    fn named<'a>(&'a self, config: &'a Config) -> impl Iterator<Item = (&'a str, f32)> {
        config.regions.iter().map(String::as_str).chain([UNKNOWN]).zip(self.shares.iter().copied())
    }

    /// In words: the largest share, and how the entropy fell.
    pub fn words(&self, config: &Config) -> String {
        let largest = self.named(config).fold(("", 0.0), |most, one| if one.1 > most.1 { one } else { most });
        let [first, last] = self.entropy;
        format!("most of {} ({:.4}), entropy {first:.5} to {last:.5}, {} epochs", largest.0, largest.1, self.epochs)
    }

    /// Writes it beside a map.
    ///
    /// # Errors
    /// [`Error::Output`] where it cannot be written.
    pub fn write(&self, config: &Config, map: &Path) -> Result<()> {
        let shares: Map<_, _> = self.named(config).map(|(region, share)| (region.to_owned(), json!(share))).collect();
        let text = json!({ "regions": shares, "epochs": self.epochs, "entropy": self.entropy });
        write_atomically(location_file(map), |file| Ok(writeln!(file, "{}", serde_json::to_string_pretty(&text)?)?))
    }
}

/// The file of the location beside a map.
pub fn location_file(map: &Path) -> PathBuf {
    map.with_extension("location.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_covers_the_scene_about_once() {
        // 24.5 windows of the published size in the published demonstration, and less than one in small scenes.
        assert_eq!(updates([1808, 2001], [384, 384]), 3);
        assert_eq!(updates([100, 100], [384, 384]), 1);
        assert_eq!(updates([64, 64], [16, 16]), 2);
    }

    #[test]
    fn names_of_scenes_may_have_dots() {
        assert_eq!(location_file(Path::new("maps/ALP-1.5.tif")), Path::new("maps/ALP-1.5.location.json"));
    }
}
