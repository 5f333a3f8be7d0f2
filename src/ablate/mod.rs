//! What each input is worth to a network: scores with the input's mean in its place, against those with all inputs.
//!
//! Either the trained network is scored as it is, which shows what it relies on, or one network a set of inputs is trained without them,
//! which shows what the others cannot make up for. The channel keeps its place, so that weights fit; see [`means()`] for the value.
//! Every replacement is the key `constant_inputs` of a configuration, so that `predict` draws the maps of an ablated network, too.

mod means;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

pub use means::{means, sets};

use crate::config::Config;
use crate::data::Window;
use crate::data::dataset::{Dataset, HostSample};
use crate::data::day::Split;
use crate::domains::Variable;
use crate::error::{Error, Result};
use crate::evaluate::table::nothing_valid;
use crate::evaluate::{ModelScores, SceneScorer};
use crate::event::Event;
use crate::gpu::Gpu;
use crate::models::Model;
use crate::predict::{Options, Predictor};
use crate::tasks::{self, Better, Task};
use crate::train::{ChangedData, Start, Training, Watcher};
use crate::weights::provenance::require_same;
use crate::weights::{self, intact_weight_file};

/// What to leave out of what.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The days to score on.
    pub split: Split,
    /// The network with all inputs: a safetensors file or a folder with one.
    pub weights: &'a Path,
    /// The sets of inputs to leave out, one after the other.
    pub sets: &'a [Vec<&'static Variable>],
    /// Whether a network is trained without each set, into `path_checkpoints/ablate/<set>`; runs that are there go on.
    pub retrain: bool,
    /// Go on although the weights say that they were trained under another configuration.
    pub accept_changed_config: bool,
}

/// Scores by name, means over the scenes weighted by their valid pixels.
pub type Scores = BTreeMap<&'static str, f64>;

/// The scores of a network with all inputs and without some.
#[derive(Debug, Clone, Serialize)]
pub struct Ablation {
    /// The split's name.
    pub split: &'static str,
    /// Whether networks were trained without the inputs.
    pub retrained: bool,
    /// The scores with all inputs.
    pub all: Scores,
    /// What came of leaving out each set.
    pub without: Vec<Without>,
}

/// The scores without a set of inputs.
#[derive(Debug, Clone, Serialize)]
pub struct Without {
    /// The inputs' names, joined by `+`.
    pub inputs: String,
    /// What took the place of each.
    pub values: BTreeMap<String, f64>,
    /// The scores.
    pub scores: Scores,
    /// These scores minus those with all inputs.
    pub change: Scores,
}

/// Scores a network with all inputs and without each set of them.
///
/// # Errors
/// Those of [`Predictor`] and [`Training`], and of scoring; [`Error::Usage`] for the deploy split; [`Error::Interrupted`] after a signal.
pub fn ablate(gpu: &Gpu, config: &Config, request: &Request, watcher: &mut Watcher) -> Result<Ablation> {
    let split = request.split;
    if split == Split::Deploy {
        return Err(Error::Usage("the deploy split has no targets to score against; choose one of train, val, test, eval, all".into()));
    }
    let file = intact_weight_file(request.weights)?;
    require_same(&file, config, request.accept_changed_config)?.into_iter().for_each(&mut *watcher.observe);
    let scoring = Scoring {
        gpu,
        inputs: Arc::new(Dataset::open(config, split)?),
        targets: Dataset::open_targets(config, split)?,
        task: tasks::of(config),
    };
    let means = means(config, &request.sets.concat(), watcher.observe)?;
    // Everything is checked before the first of many hours.
    let without: Vec<(String, Config)> =
        request.sets.iter().map(|set| without(config, set, &means, request.retrain)).collect::<Result<_>>()?;
    let mut model = weights::open(gpu, request.weights, config)?;
    if let Some(warning) = scoring.task.warning(scoring.targets.smallest_scene()) {
        (watcher.observe)(Event::Note(warning));
    }
    let all = scoring.scores(config, model.as_ref(), watcher)?;
    let mut ablation = Ablation { split: split.name(), retrained: request.retrain, all, without: Vec::new() };
    for (index, (inputs, config)) in without.iter().enumerate() {
        (watcher.observe)(Event::Note(format!("without {inputs} ({} of {})", index + 1, without.len())));
        if request.retrain {
            model = weights::open(gpu, &trained(gpu, config, watcher)?, config)?;
        }
        let scores = scoring.scores(config, model.as_ref(), watcher)?;
        let change = scores.iter().filter_map(|(name, score)| Some((*name, score - ablation.all.get(name)?))).collect();
        ablation.without.push(Without { inputs: inputs.clone(), values: config.constant_inputs.clone(), scores, change });
    }
    Ok(ablation)
}

/// The name of a set and the configuration without it.
fn without(config: &Config, set: &[&Variable], means: &BTreeMap<String, f64>, retrain: bool) -> Result<(String, Config)> {
    let name = set.iter().map(|input| input.name).collect::<Vec<_>>().join("+");
    let mut config = config.clone();
    let mean = |input: &&Variable| Some((input.name.to_owned(), *means.get(input.name)?));
    config.constant_inputs = set.iter().filter_map(mean).collect();
    config.given.insert("constant_inputs".into());
    if retrain {
        config.path_checkpoints = Some(config.require_path("path_checkpoints")?.join("ablate").join(&name));
        // Its maps would take the place of those of the network with all inputs.
        config.periodical_evaluation = false;
    }
    Ok((name, config))
}

/// The best weights of a network trained under a configuration, from where an earlier run stopped.
fn trained(gpu: &Gpu, config: &Config, watcher: &mut Watcher) -> Result<PathBuf> {
    Ok(Training::prepare(config, &Start::Newest, ChangedData::Refuse)?.run(gpu, watcher)?.best_weights)
}

/// Maps days and scores the maps at once, so that no file is written.
struct Scoring<'a> {
    gpu: &'a Gpu,
    inputs: Arc<Dataset>,
    targets: Dataset,
    task: Box<dyn Task>,
}

impl Scoring<'_> {
    fn scorer(&self) -> SceneScorer<'_> {
        SceneScorer::new(self.gpu, self.task.as_ref())
    }

    fn scores(&self, config: &Config, model: &dyn Model, watcher: &mut Watcher) -> Result<Scores> {
        let Watcher { stop, observe } = watcher;
        let mut predictor = Predictor::new(self.gpu, config, model, self.inputs.clone(), Options::default(), observe)?;
        let (scorer, mut scored, mut sample) = (self.scorer(), ModelScores::new("network", self.task.columns()), HostSample::default());
        let days: Vec<usize> = (0..self.inputs.days().len()).collect();
        predictor.maps(&days, observe, &mut |day, mut map| {
            if let Some(signal) = stop() {
                return Err(Error::Interrupted(signal));
            }
            let file = self.targets.days()[day].file_name();
            let size = self.targets.scene(day);
            map.truncate(self.task.bands().len() * size[0] * size[1]);
            self.targets.read(day, Window::whole(size[0], size[1]), &mut sample)?;
            let scores = scorer.scene(&sample, size)?.score(map, Path::new(&file), &mut scored.reliability)?;
            scored.push(file, scores);
            self.inputs.release(day);
            self.targets.release(day);
            Ok(())
        })?;
        if scored.weight() == 0.0 {
            return Err(nothing_valid(config, self.targets.split(), "score"));
        }
        let scores = self.task.columns().iter().zip(scored.weighted_mean()).filter(|(column, _)| column.better != Better::Neither);
        Ok(scores.map(|(column, score)| (column.name, score)).collect())
    }
}
