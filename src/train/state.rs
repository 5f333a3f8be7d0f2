//! `state.json` of a checkpoint: what a run needs beside tensors to go on to the bit, and the digests that guard the other files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::freeze::Frozen;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::optim::{LossScale, Schedule};
use crate::weights::guard::{self, FileMark, GUARDED, MODEL_FILE, STATE_FILE, UNGUARDED};

/// Metres beyond all distances, of maps without any front.
pub(super) const NO_FRONT: f64 = 1e9;

/// What chooses the best weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// Mean loss over the crops of the val split.
    ValLoss,
    /// Mean loss over the epoch's training batches, where there is no val split.
    TrainLoss,
    /// One less the mean over val scenes of their maps' mean intersection over union.
    ValIou,
    /// The mean distance of the fronts of val maps to drawn ones, metres.
    ValMde,
}

impl Criterion {
    /// What a value is, in words.
    pub fn words(self, value: f64) -> String {
        match self {
            Criterion::ValLoss | Criterion::TrainLoss => format!("a loss of {value:.5}"),
            Criterion::ValIou => format!("a mean IoU of {:.4} over val maps", 1.0 - value),
            Criterion::ValMde if value >= NO_FRONT => "no front in any val map".into(),
            Criterion::ValMde => format!("fronts of val maps {value:.1} m from the drawn ones"),
        }
    }
}

/// The best epoch so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Number of the epoch.
    pub epoch: usize,
    /// Its loss, or what else is to be small by the criterion.
    pub loss: f64,
    /// Which loss that is.
    pub criterion: Criterion,
    /// What `best.safetensors` is; absent in checkpoints of versions before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileMark>,
}

/// How random numbers are drawn; there is no hidden state beyond this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rng {
    /// The generator, keyed by seed, epoch and purpose.
    pub generator: String,
    /// The configuration's seed.
    pub seed: u64,
}

/// What a run needs beside tensors to go on to the bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Format of the folder.
    pub format: String,
    /// Version that wrote it.
    pub meltcore: String,
    /// [`Capabilities::identity`](crate::gpu::Capabilities::identity) of the device that computed it; `None` before versions said so.
    #[serde(default)]
    pub device: Option<String>,
    /// Last finished epoch; one less than the first epoch's number before any.
    pub epoch: usize,
    /// Optimizer steps since the start of the run.
    pub step: u64,
    /// Random numbers.
    pub rng: Rng,
    /// The learning-rate schedule where it stands.
    pub schedule: Schedule,
    /// The loss scale where it stands, in mixed precision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_scale: Option<LossScale>,
    /// The epoch whose weights are in `best.safetensors`.
    pub best: Option<Best>,
    /// [`Config::digest`] of the run.
    pub config_digest: String,
    /// [`Config::training_keys`] of the run.
    pub config: Map<String, Value>,
    /// What stays for the first epochs, where the configuration asks for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Frozen>,
    /// What the other files of the folder are; none in checkpoints of versions before.
    #[serde(default)]
    pub files: BTreeMap<String, FileMark>,
}

impl State {
    /// The state of a run of this configuration after `epoch`.
    pub fn new(config: &Config, device: String, epoch: usize, step: u64, schedule: Schedule, best: Option<Best>) -> State {
        State {
            format: GUARDED.into(),
            meltcore: env!("CARGO_PKG_VERSION").into(),
            device: Some(device),
            epoch,
            step,
            rng: Rng { generator: "chacha8".into(), seed: config.seed },
            schedule,
            loss_scale: None,
            best,
            config_digest: config.digest(),
            config: config.training_keys(),
            frozen: None,
            files: BTreeMap::new(),
        }
    }

    /// Reads the state of a checkpoint folder, and checks it against its own digest.
    ///
    /// # Errors
    /// [`Error::Input`] where the folder is no complete checkpoint of a format that this version reads, or the state is damaged.
    pub fn read(folder: &Path) -> Result<State> {
        let advice = "name a folder such as `last` or `epoch_0010` under path_checkpoints, or use --resume auto";
        let unusable = |fault: String| Error::input(folder, format!("is no complete checkpoint: its {fault}; {advice}"));
        let text = guard::read_state(folder).map_err(unusable)?;
        let file = folder.join(STATE_FILE);
        let state: State = serde_json::from_str(&text).map_err(|e| {
            Error::input(&file, format!("is not the state of a checkpoint that this version reads ({e}); resume from another checkpoint"))
                .because(e)
        })?;
        if ![GUARDED, UNGUARDED].contains(&state.format.as_str()) {
            let message = format!("has the format `{}`, this version reads {GUARDED}; resume with the version that wrote it", state.format);
            return Err(Error::input(file, message));
        }
        Ok(state)
    }

    /// Its text in the file, with its digest.
    ///
    /// # Errors
    /// [`Error::Output`] where it has no such form; `folder` is for messages.
    pub fn sealed(&self, folder: &Path) -> Result<String> {
        let text = serde_json::to_string_pretty(self);
        text.map(|text| guard::seal(&text))
            .map_err(|e| Error::output(folder.join(STATE_FILE), format!("cannot be encoded ({e})")).because(e))
    }

    /// Whether digests guard the checkpoint.
    pub fn is_guarded(&self) -> bool {
        self.format == GUARDED
    }

    /// Refuses a configuration that would train otherwise than the one that the checkpoint was written under.
    ///
    /// Keys that the other version did not know, and that the configuration leaves at their defaults, are no difference.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the keys that differ with both values.
    pub fn refuse_other_config(&self, folder: &Path, config: &Config) -> Result<()> {
        let now = config.training_keys();
        if self.config_digest == config.digest() {
            return Ok(());
        }
        let differing = |key: &&String| match (self.config.get(*key), now.get(*key)) {
            (None, _) => config.given.contains(*key),
            (then, now) => then != now,
        };
        let keys: BTreeSet<&String> = self.config.keys().chain(now.keys()).filter(differing).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let shown = |value: Option<&Value>| value.map_or("absent".to_owned(), Value::to_string);
        let list: Vec<String> =
            keys.iter().map(|key| format!("`{key}` ({} there, {} now)", shown(self.config.get(*key)), shown(now.get(*key)))).collect();
        Err(Error::Usage(format!(
            "{}: this checkpoint was written under another configuration, so that going on would not continue its run. Different: {}. Set \
             these back, or start a new run from its weights with --weights {} and another path_checkpoints",
            folder.display(),
            list.join(", "),
            folder.join(MODEL_FILE).display()
        )))
    }
}
