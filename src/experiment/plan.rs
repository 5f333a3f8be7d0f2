//! The runs of an experiment: every variant, with every part left out, with every seed, in this order.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::file::{Experiment, Variant};
use super::folds::{Area, Days, Fold, folds, share};
use crate::config::{Config, IGNORE, ModelKey};
use crate::data::day::{Split, read_split_csv};
use crate::error::{Error, Result};

/// One run: a configuration, its days, and its folder.
#[derive(Debug, Clone)]
pub struct Run {
    /// The name of its folder.
    pub name: String,
    /// The variant that it is of.
    pub variant: String,
    /// What is left out of training.
    pub fold: Option<String>,
    /// Its seed, where the experiment names seeds.
    pub seed: Option<u64>,
    /// The values that a sweep tries.
    pub parameters: Map<String, Value>,
    /// Days of a list of its own.
    pub days: Option<Days>,
    /// What is scored.
    pub split: Split,
    /// How many days are trained on, validated with, and scored.
    pub counts: [usize; 3],
    /// Whether it has weights to train.
    pub trains: bool,
    pub(super) area: Option<Area>,
    place: String,
    keys: Map<String, Value>,
}

/// An experiment with its runs.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What the file says.
    pub experiment: Experiment,
    /// All runs.
    pub runs: Vec<Run>,
}

impl Plan {
    /// The runs of an experiment, each with a configuration that loads; nothing is written.
    ///
    /// # Errors
    /// Those of loading a configuration, and of the lists of days; [`Error::Usage`] where two runs would have one name.
    pub fn of(experiment: Experiment) -> Result<Plan> {
        let base = experiment.base()?;
        let parts = experiment.leave_out.as_ref().map(|leave_out| folds(&base, leave_out)).transpose()?;
        let parts: Vec<Option<Fold>> = parts.map_or_else(|| vec![None], |parts| parts.into_iter().map(Some).collect());
        let mut plan = Plan { experiment, runs: Vec::new() };
        for variant in &plan.experiment.variants {
            for fold in &parts {
                let mut seeds: Vec<Option<u64>> = plan.experiment.seeds.iter().copied().map(Some).collect();
                let first = plan.run(variant, fold.as_ref(), seeds.first().copied().flatten())?;
                if seeds.is_empty() || !first.trains {
                    // Nothing is drawn where nothing is trained.
                    seeds = vec![if first.trains { first.seed } else { None }];
                }
                for seed in seeds {
                    plan.runs.push(plan.run(variant, fold.as_ref(), seed)?);
                }
            }
        }
        let mut names = BTreeSet::new();
        match plan.runs.iter().find(|run| !names.insert(run.name.clone())) {
            None => Ok(plan),
            Some(run) => Err(Error::Usage(format!("two runs would have the folder `{}`; rename a variant or a region", run.name))),
        }
    }

    fn run(&self, variant: &Variant, fold: Option<&Fold>, seed: Option<u64>) -> Result<Run> {
        let config = self.experiment.config(&[("set", &self.experiment.set), (&variant.place, &variant.keys)])?;
        config.require_model_key()?;
        if config.is_pretraining() {
            let message = "is what `meltcore pretrain --objective` sets, and experiments learn from targets; remove the line";
            return Err(config.key_error("objective", message));
        }
        config.inputs()?;
        if fold.is_some_and(|fold| fold.area.is_some()) && config.variable_paths.contains_key(IGNORE) {
            let message = "names masks, and the part that is left out would take their place; remove the line, or leave out seasons";
            return Err(config.key_error("path_ignore", message));
        }
        let days = match (fold, variant.share) {
            (Some(fold), _) => Some(fold.days.clone()),
            (None, Some(part)) => Some(share(&config, part, seed.unwrap_or(config.seed))?),
            (None, None) => None,
        };
        let split = if fold.is_some() { Split::Eval } else { self.experiment.split };
        let count =
            |split: Split| -> Result<usize> { Ok(read_split_csv(config.require_split_csv(split.name())?, config.domain().unit)?.len()) };
        let trains = !matches!(config.model_key, ModelKey::TimeInterpolateSar | ModelKey::InterpolateMar | ModelKey::ThresholdPmw);
        let counts = match &days {
            Some(days) if fold.is_some() => [days.train.len(), days.val.len(), days.held_out.len()],
            Some(days) => [days.train.len(), days.val.len(), count(split)?],
            None => {
                let val = if config.split_csv.contains_key("val") { count(Split::Val)? } else { 0 };
                [count(Split::Train)?, val, count(split)?]
            }
        };
        let part = fold.map(|fold| fold.days.folder.as_str());
        let name =
            [Some(variant.name.as_str()), part].into_iter().flatten().map(str::to_owned).chain(seed.map(|seed| format!("seed-{seed}")));
        let is_swept = self.experiment.metric.is_some() || variant.place.ends_with("parameters");
        Ok(Run {
            name: name.collect::<Vec<_>>().join("-"),
            variant: variant.name.clone(),
            fold: fold.map(|fold| fold.name.clone()),
            seed,
            parameters: if is_swept { variant.keys.clone() } else { Map::new() },
            days,
            split,
            counts,
            trains,
            area: fold.and_then(|fold| fold.area.clone()),
            place: variant.place.clone(),
            keys: variant.keys.clone(),
        })
    }

    /// The folder of all that is written.
    pub fn out(&self) -> &Path {
        &self.experiment.out
    }

    /// The folder of a run.
    pub fn folder(&self, run: &Run) -> PathBuf {
        self.experiment.out.join("runs").join(&run.name)
    }

    /// The folder of the lists and masks of all runs.
    pub(super) fn folds(&self) -> PathBuf {
        self.experiment.out.join("folds")
    }

    /// The configuration of a run, with all paths from the root of the file system, so that its file loads from everywhere.
    ///
    /// # Errors
    /// Those of loading it.
    pub(super) fn config(&self, run: &Run) -> Result<Config> {
        let (folder, mut own) = (absolute(&self.folder(run))?, Map::new());
        if let Some(days) = &run.days {
            // A list that would be empty is none.
            own.insert("path_val_split_csv".into(), Value::Null);
            let files = days.files(&absolute(&self.folds())?).collect::<Vec<_>>();
            own.extend(files.iter().map(|(split, file, _)| (format!("path_{split}_split_csv"), json!(file.display().to_string()))));
            if run.area.is_some() {
                let [part, _] = Area::files(&absolute(&self.folds().join(&days.folder))?);
                own.insert(format!("path_{IGNORE}"), json!(part.display().to_string()));
            }
        }
        own.extend(run.seed.map(|seed| ("seed".to_owned(), json!(seed))));
        // Its maps would be drawn of days that are to be unseen, after every epoch.
        own.insert("periodical_evaluation".into(), json!(false));
        for (key, name) in [("path_checkpoints", "checkpoints"), ("path_predictions", "predictions")] {
            own.insert(key.into(), json!(folder.join(name).display().to_string()));
        }
        let mut config = self.experiment.config(&[("set", &self.experiment.set), (&run.place, &run.keys), ("", &own)])?;
        place(&mut config)?;
        Ok(config)
    }
}

/// Makes every path of a configuration one from the root.
fn place(config: &mut Config) -> Result<()> {
    let outputs = [&mut config.path_checkpoints, &mut config.path_predictions, &mut config.path_deploy, &mut config.path_eval];
    let single = outputs.into_iter().chain([&mut config.path_regions]).flatten();
    let named = config.variable_paths.values_mut().chain(config.split_csv.values_mut());
    for path in single.chain(named).chain([&mut config.data_root]) {
        *path = absolute(path)?;
    }
    if let Some(weights) = config.encoder_weights.as_mut().filter(|weights| PathBuf::from(weights.as_str()).is_file()) {
        *weights = absolute(&PathBuf::from(weights.as_str()))?.display().to_string();
    }
    config.beside.clear();
    Ok(())
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|e| Error::input(path, format!("has no place ({e}); give a path that is not empty")).because(e))
}
