//! Training: one step, the loop around it, checkpoints and logs.
//!
//! Reading order: [`Step`] → `session` and `epoch` (`share`, `exchange` and `replica` where ranks work together; [`plan`]) → `prepare` and
//! `run` ([`Training`]: what is checked, and what is written when) → [`augment`] (crops changed at random), `pretext` (what is learned
//! without targets), [`checkpoint`], [`folder`], [`inputs`], `freeze`, `resume`, `journal` ([`log`], [`tensorboard`]).
//!
//! A run that was stopped at any moment and resumed ends with the same bits as one that was not: crops and what changes them depend on the
//! seed and the epoch alone, and a checkpoint holds weights, running statistics, the optimizer's state and the schedule.
//!
//! # Training on arrays
//!
//! Without files, a [`Batch`](crate::data::loader::Batch) holds the raw values of some crops, and a step is one call:
//!
//! ```
//! use meltcore::{config::Config, data::loader::Batch, error::Result, gpu::Gpu, models, predict::Trained, weights};
//! use meltcore::{preprocess::Preprocessor, tasks::{self, Targets}, train::{optimizer, training_step}};
//!
//! # fn main() -> Result<()> {
//! let gpu = Gpu::open(None)?; // the best GPU, else the processor
//! let keys = "{model_key: unet, base_channels: 2, img_size: [16, 16], learning_rate: 0.02, in_keys: [pmw], in_keys_static: [dem],
//!     mean_pmw: 200, std_pmw: 30, mean_dem: 1000, std_dem: 800}";
//! let config = Config::from_yaml(keys, "the keys above", &[])?;
//! let model = models::untrained(&gpu, &config)?; // initial weights, drawn from the seed
//! let preprocessor = Preprocessor::new(&gpu, &config, &config.inputs()?, &models::inputs(&config)?)?;
//! let (task, mut optimizer) = (tasks::of(&config), optimizer(&config));
//!
//! // Two crops: microwaves and elevation, in the order of `config.inputs()`; melt where the microwaves are warm.
//! let warmth: Vec<f32> = (0..2 * 256).map(|i| 150.0 + (i % 100) as f32).collect();
//! let melt = warmth.iter().map(|kelvin| if *kelvin > 200.0 { 0.9 } else { 0.1 }).collect();
//! let channels = vec![warmth.clone(), vec![700.0; 512]];
//! let batch = Batch { n: 2, height: 16, width: 16, channels, target: melt, ocean: vec![0.0; 512], ..Batch::default() };
//! let (inputs, targets) = (preprocessor.inputs(&batch)?, Targets::of(task.as_ref(), &gpu, &batch)?);
//! let mut losses = Vec::new();
//! for step in 0..20 {
//!     let loss = training_step(model.as_ref(), &mut optimizer, step, &inputs, &|tape, outputs| task.loss(tape, outputs, &targets))?;
//!     losses.push(loss.to_vec()?[0]);
//! }
//! assert!(losses[19] < 0.7 * losses[0], "{losses:?}");
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let file = folder.path().join("melt.safetensors");
//! weights::save(model.parameters(), &file, &config)?; // as PyTorch reads it, too
//! let trained = Trained::open(&gpu, &file)?;
//! let map = trained.map(&[("pmw", &warmth[..256]), ("dem", &[700.0; 256])], [16, 16])?;
//! assert_eq!(map.len(), 256);
//! # Ok(())
//! # }
//! ```

pub mod augment;
pub mod checkpoint;
mod crops;
mod epoch;
mod exchange;
pub mod folder;
mod freeze;
pub mod inputs;
mod journal;
pub mod log;
mod losses;
mod memory;
mod periodical_maps;
mod plan;
mod prepare;
mod pretext;
mod replica;
mod resume;
mod run;
mod session;
mod share;
mod state;
mod step;
mod target_range;
pub mod tensorboard;
mod tree;
mod valid;
mod validation_maps;
mod watched_scene;

use std::path::PathBuf;

pub use memory::{Least, fitting_batch_size, least_memory, rehearse};
pub use plan::{Elsewhere, Measured, Planned, plan, planned};
pub use prepare::Training;
pub use session::Watcher;
pub use step::{LossOf, Step, loss_scale, masked_loss, optimizer, schedule, training_step};

use checkpoint::Best;

/// Where a run begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// At initial weights drawn from the seed.
    Fresh,
    /// At the weights of this file or checkpoint folder, with a new optimizer.
    Weights(PathBuf),
    /// Where the newest checkpoint under `path_checkpoints` stands; at the beginning where there is none.
    Newest,
    /// Where this checkpoint stands.
    Checkpoint(PathBuf),
}

/// What a resumed run does where its lists of days or its files are not those that it was trained on so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangedData {
    /// It is refused, and the difference named.
    Refuse,
    /// It goes on, and the next checkpoints speak of the new ones.
    Accept,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The epoch whose weights are in `best_weights`, if any was finished.
    pub best: Option<Best>,
    /// `best.safetensors`.
    pub best_weights: PathBuf,
    /// Epochs done now.
    pub epochs: usize,
}
