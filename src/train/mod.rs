//! Training: one step, the loop around it, checkpoints and logs.
//!
//! Reading order: [`Step`] → `session` (an epoch) → `prepare` and `run` ([`Training`]: what is checked, and what is written when) →
//! [`augment`] (crops changed at random), [`checkpoint`], [`folder`], [`inputs`], `freeze`, `resume`, `journal` ([`log`],
//! [`tensorboard`]).
//!
//! A run that was stopped at any moment and resumed ends with the same bits as one that was not: crops and what changes them depend on the
//! seed and the epoch alone, and a checkpoint holds weights, running statistics, the optimizer's state and the schedule.

pub mod augment;
pub mod checkpoint;
pub mod folder;
mod freeze;
pub mod inputs;
mod journal;
pub mod log;
mod losses;
mod memory;
mod periodical_maps;
mod prepare;
mod resume;
mod run;
mod session;
mod state;
mod step;
mod target_range;
pub mod tensorboard;
mod tree;
mod valid;
mod watched_scene;

use std::path::PathBuf;

pub use memory::fitting_batch_size;
pub use prepare::Training;
pub use session::Watcher;
pub use step::{LossOf, Step, masked_loss, optimizer, training_step};

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
