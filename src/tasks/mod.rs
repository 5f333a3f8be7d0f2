//! What networks are trained for. A task owns its targets, its loss, the bands of its maps and its scores; training, prediction, scoring
//! and the report know none by name. [`by_key`] has one line for each.
//!
//! # Adding a task
//!
//! | step | file | forgotten, this fails |
//! | --- | --- | --- |
//! | the task: targets, loss, bands, scores, words of the report | `src/tasks/<name>/mod.rs` | the trait does not compile |
//! | its arm in [`by_key`] and `mod <name>;` | `src/tasks/mod.rs` | the `match` does not compile |
//! | its line of `TaskKey` | `src/config/choices.rs` | the arm does not compile |
//! | its keys, if it has any, a line each | `src/config/table.rs` | an unknown key is refused |
//!
//! `tests/tasks.rs` trains, maps, scores and reports every task of `TaskKey::ALL`, and checks what each promises: nothing is to be added
//! there.
//!
//! # A loss of your own
//!
//! A loss is made of ops, which bring their gradients along; what they lack is an op of its own ([`crate::ops`] says how one is added):
//!
//! ```
//! use meltcore::{autograd::Tape, error::Result, gpu::Gpu, models::{self, Inputs, Outputs}, ops, tasks::Targets, tensor::Tensor};
//! use meltcore::{config::Config, ops::{LossKind, Reduction}, train::{optimizer, training_step}};
//!
//! /// |e| + e², e = map − target: large errors count more, and small ones still count. Pixels under the mask count nowhere.
//! fn absolute_and_squared(tape: &Tape, outputs: &Outputs, targets: &Targets) -> Result<Tensor> {
//!     let of = |kind| ops::masked_loss(tape, &outputs.map, &targets.values, &targets.mask, kind, Reduction::Mean);
//!     ops::add(tape, &of(LossKind::L1)?, &of(LossKind::Mse)?)
//! }
//!
//! # fn main() -> Result<()> {
//! let gpu = Gpu::open(None)?;
//! let config = Config::from_yaml("{model_key: unet, base_channels: 2, learning_rate: 0.02}", "the keys above", &[])?;
//! let model = models::untrained_for(&gpu, &config, 1)?; // one input channel
//! let mut optimizer = optimizer(&config);
//! let ramp: Vec<f32> = (0..512).map(|i| i as f32 / 511.0).collect();
//! let inputs = Inputs::from(&Tensor::from_slice(&gpu, [2, 1, 16, 16], &ramp)?);
//! let targets = Targets::new(&gpu, [2, 1, 16, 16], &ramp, &[0.0; 512])?;
//! let mut losses = Vec::new();
//! for step in 0..20 {
//!     let loss = |tape: &Tape, outputs: &Outputs| absolute_and_squared(tape, outputs, &targets);
//!     losses.push(training_step(model.as_ref(), &mut optimizer, step, &inputs, &loss)?.to_vec()?[0]);
//! }
//! assert!(losses[19] < 0.7 * losses[0], "{losses:?}");
//! # Ok(())
//! # }
//! ```
//!
//! In a task of your own it is the body of [`Task::loss`].
//!
//! A task with several bands is configured with `out_channels` = [`Task::heads`]; `train` refuses another number.

mod band;
pub mod calving_front;
mod confusion;
mod holds;
pub mod melt_fraction;
mod pixel_loss;
pub mod regression;
mod scores;
pub mod segmentation;
mod words;

pub use crate::kernels::segmentation_scores::Confusion;
pub use band::Band;
pub use confusion::ClassScores;
pub use holds::{Holds, MAPS_FILE};
pub use scores::{Better, Column, Mean, Scored, Tally, only};
pub use words::{Extent, Subject, Sure, Words};

use crate::autograd::Tape;
use crate::calibrate::Curve;
use crate::config::{Config, TaskKey};
use crate::data::loader::Batch;
use crate::error::Result;
use crate::fronts::drawing::Labels;
use crate::gpu::Gpu;
use crate::models::Outputs;
use crate::tensor::Tensor;
use std::borrow::Cow;

/// What a network is trained for.
pub trait Task {
    /// Its name in configurations.
    fn key(&self) -> TaskKey;

    /// What the values of targets are and which pixels count; by default NaN and the mask do not.
    ///
    /// # Shapes
    /// `target`, `ocean`: as long as each other; so are the values returned and the mask, which is 1 where a pixel does not count.
    fn masked(&self, target: &[f32], ocean: &[f32]) -> (Vec<f32>, Vec<f32>) {
        masked(target, ocean)
    }

    /// Refuses targets that have no meaning here, NaN where there is none, with what to do about it.
    ///
    /// # Errors
    /// What is wrong, in words that a file's name goes before.
    fn refuse(&self, _target: &[f32]) -> std::result::Result<(), String> {
        Ok(())
    }

    /// Of targets that are numbers of classes, how many of these there are, so that [`Targets::one_hot`] is made.
    fn one_hot(&self) -> Option<usize> {
        None
    }

    /// The loss to minimise, shape `[]`, auxiliary outputs with their weights included.
    ///
    /// Made of ops alone: memory is planned on a device that computes nothing, where [`Tensor::to_vec`] is an error. Targets of several
    /// classes come of [`Targets::values`] by ops, too.
    ///
    /// # Errors
    /// Outputs that do not fit the targets; out of memory.
    fn loss(&self, tape: &Tape, outputs: &Outputs, targets: &Targets) -> Result<Tensor>;

    /// The bands of a map, at least one; the first is what pictures show.
    fn bands(&self) -> &[Band];

    /// Further bands, in a file of their own beside a map's.
    fn beside(&self) -> &[Band] {
        &[]
    }

    /// Bands beside that say how likely the first band is right, or what it means is there, by their titles: as the network says it, and
    /// calibrated.
    fn certainty(&self) -> Option<[&'static str; 2]> {
        None
    }

    /// Whether it is: 1 or 0; only of tasks that have a [`certainty`](Task::certainty).
    ///
    /// # Shapes
    /// All as long as each other; `target` as [`Task::masked`] gives it.
    fn right(&self, map: &[f32], _target: &[f32]) -> Vec<f32> {
        vec![0.0; map.len()]
    }

    /// Has maps say by a curve how likely they are right, in a further band beside; a task without a [`certainty`](Task::certainty) stays
    /// as it is.
    fn calibrate(&mut self, _curve: &Curve) {}

    /// Has maps say in further bands beside how likely they are right, and what else a network says of that, where this is not what the
    /// task always does.
    fn say_certainty(&mut self) {}

    /// Has maps of so many networks give what each says, in ascending order, in further bands beside, last of all, which
    /// [`finish`](Task::finish) does not give; a task without such bands, or whose certainty nobody asked for, stays as it is.
    fn give_members(&mut self, _networks: usize) {}

    /// Brings what is averaged to the values of the first band, where each is one by itself.
    fn as_mapped(&self, _averages: &mut [f32]) {}

    /// Has maps that are means of several say how far these are apart, in further bands beside, one a head, which [`finish`](Task::finish)
    /// does not give; a task without such bands stays as it is.
    fn spread(&mut self) {}

    /// Names of the classes by their numbers, where the first band of a map is a class.
    fn classes(&self) -> Option<&'static [&'static str]> {
        None
    }

    /// What pixels of targets are told apart by where crops are drawn about each kind alike, by the numbers of
    /// [`kind`](Task::kind); none of a task without kinds.
    fn kinds(&self) -> Option<&'static [&'static str]> {
        self.classes()
    }

    /// The number of the kind of a pixel that counts, by its value.
    fn kind(&self, value: f32) -> usize {
        value as usize
    }

    /// Of maps of zones that a front divides, which classes do: fronts are drawn, and scored, between them.
    fn fronts(&self) -> Option<Labels> {
        None
    }

    /// What the first band shows where the map is right: pictures compare it with that band.
    ///
    /// # Shapes
    /// `target`: pixels of the raster, NaN where there is none; as many are returned, and NaN may stay.
    fn pictured<'a>(&self, target: &'a [f32]) -> Cow<'a, [f32]>;

    /// Channels that the network's output has.
    fn heads(&self) -> usize {
        self.bands().len()
    }

    /// Turns a network's output for one tile into what is averaged over overlapping tiles.
    ///
    /// # Shapes
    /// heads × pixels, in place.
    fn settle(&self, _tile: &mut [f32], _pixels: usize) {}

    /// Whether what is averaged over a tile's symmetries is settled first, too.
    fn averages_settled(&self) -> bool {
        false
    }

    /// Turns the averages of a whole scene into its map, bands and those beside.
    ///
    /// # Shapes
    /// heads × pixels in, (bands + bands beside) × pixels out.
    fn finish(&self, averages: Vec<f32>, _pixels: usize) -> Vec<f32> {
        averages
    }

    /// The scores of a map, in the order of files.
    fn columns(&self) -> &'static [Column];

    /// The columns of tables, by name, in their order; those that come first are also what ablation shows.
    fn table(&self) -> &'static [&'static str];

    /// The scores that a headline has room for, by name, at least one; the first is what scenes are sorted by.
    fn headline(&self) -> &'static [&'static str];

    /// The scores that a narrow table has room for, by name.
    fn summary(&self) -> &'static [&'static str];

    /// The scores that are looked at after every epoch on one scene, by name: `val_<name>` in the log.
    fn watched(&self) -> &'static [&'static str];

    /// Those scores, in their order.
    ///
    /// # Shapes
    /// `map` `[1, bands, h, w]`.
    ///
    /// # Errors
    /// Shapes that do not fit; out of memory.
    fn watch(&self, map: &Tensor, targets: &Targets) -> Result<Vec<f64>>;

    /// All scores of a map.
    ///
    /// # Shapes
    /// `map` `[1, bands, h, w]`.
    ///
    /// # Errors
    /// Shapes that do not fit; out of memory.
    fn score(&self, map: &Tensor, targets: &Targets) -> Result<Scored>;

    /// Scores over all pixels of several maps at once, by name.
    fn pooled(&self, tally: &Tally) -> Vec<(&'static str, f64)>;

    /// The confusion matrix in the sums of one or several maps, where the task has one.
    fn confusion(&self, _tally: &Tally) -> Option<Confusion> {
        None
    }

    /// What the report says.
    fn words(&self) -> &'static Words;

    /// The column of this name.
    fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns().iter().find(|column| column.name == name)
    }

    /// Whether the first band is a fraction of what the target is on average, so that its reliability says something.
    fn is_fraction(&self) -> bool {
        false
    }

    /// What to warn of before scenes of this size (rows, columns) are scored.
    fn warning(&self, _scene: [usize; 2]) -> Option<String> {
        None
    }
}

/// The task of a configuration.
pub fn of(config: &Config) -> Box<dyn Task> {
    by_key(config.task, Some(config))
}

/// A task by its name; without a configuration it scores and shows maps, but has its own default settings.
pub fn by_key(key: TaskKey, config: Option<&Config>) -> Box<dyn Task> {
    match key {
        TaskKey::CalvingFront => Box::new(config.map_or_else(calving_front::untrained, calving_front::of)),
        TaskKey::MeltFraction => Box::new(config.map_or_else(Default::default, melt_fraction::MeltFraction::new)),
        TaskKey::Segmentation => Box::new(config.map_or_else(Default::default, segmentation::Segmentation::new)),
        TaskKey::Regression => Box::new(config.map_or_else(Default::default, regression::Regression::new)),
    }
}

/// Targets of a batch on the device.
pub struct Targets {
    /// `[n, 1, h, w]`, 0 where there is none.
    pub values: Tensor,
    /// As `values`: 1 where a pixel does not count, else 0.
    pub mask: Tensor,
    /// `[n, classes, h, w]`, 1 in the channel of a pixel's class, of tasks whose targets are classes.
    pub one_hot: Option<Tensor>,
    /// Whether any pixel counts.
    pub any_valid: bool,
}

impl Targets {
    /// The targets of a batch, as the task sees them.
    ///
    /// # Errors
    /// Out of memory.
    pub fn of(task: &dyn Task, gpu: &Gpu, batch: &Batch) -> Result<Targets> {
        let (values, mask) = task.masked(&batch.target, &batch.ocean);
        let targets = Targets::new(gpu, [batch.n, 1, batch.height, batch.width], &values, &mask)?;
        match task.one_hot() {
            None => Ok(targets),
            Some(classes) => targets.with_classes(classes, &values),
        }
    }

    /// With the channel of each pixel's class, of `values` that these targets were made of; a pixel of none of them has 0 in all.
    ///
    /// # Errors
    /// Out of memory.
    pub fn with_classes(self, classes: usize, values: &[f32]) -> Result<Targets> {
        let mut shape = self.values.nchw("targets")?;
        shape[1] = classes;
        let gpu = self.values.gpu();
        if gpu.is_planner() {
            return Ok(Targets { one_hot: Some(Tensor::empty(gpu, shape)?), ..self });
        }
        let of_class = |image: &[f32], class: usize| image.iter().map(|value| f32::from(*value == class as f32)).collect::<Vec<f32>>();
        let images = values.chunks_exact((shape[2] * shape[3]).max(1));
        let channels: Vec<f32> = images.flat_map(|image| (0..classes).flat_map(move |class| of_class(image, class))).collect();
        Ok(Targets { one_hot: Some(Tensor::from_slice(gpu, shape, &channels)?), ..self })
    }

    /// Targets that are known already.
    ///
    /// # Errors
    /// Values that do not fill the shape; out of memory.
    pub fn new(gpu: &Gpu, shape: [usize; 4], values: &[f32], mask: &[f32]) -> Result<Targets> {
        let any_valid = mask.contains(&0.0);
        let (values, mask) = (Tensor::from_slice(gpu, shape, values)?, Tensor::from_slice(gpu, shape, mask)?);
        Ok(Targets { values, mask, one_hot: None, any_valid })
    }
}

/// The target with 0 for NaN, and the mask with 1 for NaN and ocean.
pub fn masked(target: &[f32], ocean: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let pixel = |(&target, &ocean): (&f32, &f32)| match target.is_nan() {
        true => (0.0, 1.0),
        false => (target, ocean),
    };
    target.iter().zip(ocean).map(pixel).unzip()
}
