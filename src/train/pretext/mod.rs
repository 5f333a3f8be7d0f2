//! What a network learns in a pretraining, from data without targets: to say what is hidden from it ([`masked`]), or what an optical
//! satellite sees of a radar scene's place ([`paired`]).
//!
//! The loss is the mean absolute error over what the network is asked for. What is hidden, and how windows are cut, depends on the seed,
//! the epoch and the number of a sample in it alone. The network is the configured one but for its last layer, which has as many channels
//! as there is to say; tyrion has the heads of its own program on optical scenes. A training that begins at its weights takes all else.

mod cubic;
mod masked;
mod paired;
mod tokens;
mod twins;

use std::sync::Arc;

use self::masked::Masked;
use self::paired::Paired;
use crate::config::{Config, Objective};
use crate::data::framed::Framed;
use crate::data::loader::Batch;
use crate::data::tiles::Crop;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::models::{self, Inputs, Model, OPTICAL_BANDS};
use crate::preprocess::Preprocessor;
use crate::random::Purpose;
use crate::tasks::Targets;

/// What is learned in place of a task.
pub(super) enum Pretext {
    /// Inputs where they are hidden.
    Masked(Masked),
    /// Optical bands of a radar scene's place.
    Paired(Arc<Paired>),
}

impl Pretext {
    /// What a configuration asks for; none where it asks for a training.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`] for keys that do not fit; those of reading the optical scenes.
    pub(super) fn of(config: &Config, train: &Framed, val: Option<&Framed>, crop: [usize; 2]) -> Result<Option<Pretext>> {
        Ok(match config.objective {
            Objective::None => None,
            Objective::Masked => Some(Pretext::Masked(Masked::of(config, train, crop)?)),
            Objective::OptTranslator | Objective::OptSimMim => Some(Pretext::Paired(Arc::new(Paired::of(config, train, val, crop)?))),
        })
    }

    /// The network with initial values drawn from the seed.
    ///
    /// # Errors
    /// Those of [`models::unpretrained`].
    pub(super) fn model(&self, gpu: &Gpu, config: &Config) -> Result<Box<dyn Model>> {
        let channels = match self {
            Pretext::Masked(masked) => masked.channels(),
            Pretext::Paired(_) => OPTICAL_BANDS,
        };
        models::unpretrained(gpu, config, channels)
    }

    /// In words.
    pub(super) fn describe(&self) -> String {
        match self {
            Pretext::Masked(masked) => masked.describe(),
            Pretext::Paired(paired) => paired.describe(),
        }
    }

    /// The crops of an epoch, where they are not those of a training.
    pub(super) fn crops(&self, seed: u64, epoch: u64, purpose: Purpose, count: usize) -> Option<Vec<Crop>> {
        match self {
            Pretext::Masked(_) => None,
            Pretext::Paired(paired) => Some(paired.crops(seed, epoch, purpose, count)),
        }
    }

    /// Crops of a validation, where they are not those of a training.
    pub(super) fn val_count(&self) -> Option<usize> {
        match self {
            Pretext::Masked(_) => None,
            Pretext::Paired(paired) => Some(paired.val_count()),
        }
    }

    /// How an epoch's crops are read, where that is not as in a training.
    pub(super) fn reading(&self, epoch: usize, purpose: Purpose) -> Option<impl Fn(&[Crop]) -> Result<Batch> + Send + Sync + 'static> {
        match self {
            Pretext::Masked(_) => None,
            Pretext::Paired(paired) => {
                let paired = paired.clone();
                Some(move |crops: &[Crop]| paired.read(epoch, purpose, crops))
            }
        }
    }

    /// Hides what an epoch hides of each sample.
    pub(super) fn hide(&self, epoch: usize, batch: &mut Batch) {
        match self {
            Pretext::Masked(masked) => masked.hide(epoch, batch),
            Pretext::Paired(paired) => paired.hide(epoch, batch),
        }
    }

    /// A batch of `n` samples without data, of crops of this size.
    pub(super) fn widen(&self, batch: &mut Batch) {
        let values = batch.n * batch.height * batch.width;
        match self {
            Pretext::Masked(_) => batch.hidden = vec![0.0; values],
            Pretext::Paired(paired) => {
                batch.target = vec![0.0; OPTICAL_BANDS * values];
                batch.hidden = vec![0.0; batch.n * paired.tokens()];
            }
        }
    }

    /// What the network sees of a batch, and what it is to say.
    ///
    /// # Errors
    /// Those of [`Preprocessor::inputs`].
    pub(super) fn inputs_and_targets(&self, preprocessor: &Preprocessor, batch: &Batch) -> Result<(Inputs, Targets)> {
        match self {
            Pretext::Masked(masked) => masked.inputs_and_targets(preprocessor, batch),
            Pretext::Paired(paired) => paired.inputs_and_targets(preprocessor, batch),
        }
    }
}
