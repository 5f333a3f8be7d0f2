//! One run: its configuration as a file, training, maps and scores, each from where an earlier call stopped.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::folds::Area;
use super::plan::{Plan, Run};
use crate::baselines::time_interpolate_sar::Unseen;
use crate::baselines::{interpolate_mar, threshold_pmw, time_interpolate_sar};
use crate::config::{Config, IGNORE, ModelKey};
use crate::data::dataset::Dataset;
use crate::error::{Error, Result};
use crate::evaluate::{ScoreFile, evaluate};
use crate::event::Event;
use crate::files::{FolderLock, write_atomically};
use crate::gpu::Gpu;
use crate::predict::{Calibrating, Destination, Options, Request, Shard, Tiling, write_maps};
use crate::train::{ChangedData, Start, Training, Watcher};

/// The configuration of a run, in its folder.
const CONFIG: &str = "config.yaml";
/// Its scores, which are written last.
const SCORES: &str = "scores.json";
const LOCK: &str = ".lock";

/// The file of a run's scores.
pub(super) fn scores_file(plan: &Plan, run: &Run) -> PathBuf {
    plan.folder(run).join(SCORES)
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is there.
    Missing,
    /// Something is there.
    Begun,
    /// Its scores are there.
    Finished,
}

impl Progress {
    /// That of a run.
    pub fn of(plan: &Plan, run: &Run) -> Progress {
        match (scores_file(plan, run).is_file(), plan.folder(run).join(CONFIG).is_file()) {
            (true, true) => Progress::Finished,
            (false, false) => Progress::Missing,
            _ => Progress::Begun,
        }
    }

    /// A word for tables.
    pub fn word(self) -> &'static str {
        match self {
            Progress::Missing => "missing",
            Progress::Begun => "begun",
            Progress::Finished => "finished",
        }
    }
}

impl Plan {
    /// The runs of a part of the experiment that are not finished; their lists of days are written, and nothing else.
    ///
    /// # Errors
    /// [`Error::Usage`] for a folder whose run was begun under another configuration; those of the configurations and of writing.
    pub fn pending(&self, shard: Option<Shard>) -> Result<Vec<&Run>> {
        let own = self.runs.iter().enumerate().filter(|(position, _)| shard.is_none_or(|shard| shard.has(*position)));
        let mut pending = Vec::new();
        for (_, run) in own {
            if let Some(days) = &run.days {
                days.write(&self.folds())?;
                run.area.as_ref().map_or(Ok(()), |area| area.write(&self.experiment.base()?, &self.folds().join(&days.folder)))?;
            }
            self.require_same(run, &self.config(run)?)?;
            if Progress::of(self, run) != Progress::Finished {
                pending.push(run);
            }
        }
        Ok(pending)
    }

    /// The finished runs, in the order of the plan.
    ///
    /// # Errors
    /// [`Error::Usage`] for one that was done under another configuration, or by other lists of days.
    pub(super) fn finished(&self) -> Result<Vec<&Run>> {
        let finished: Vec<&Run> = self.runs.iter().filter(|run| Progress::of(self, run) == Progress::Finished).collect();
        for run in &finished {
            run.days.as_ref().map_or(Ok(Vec::new()), |days| days.lacking(&self.folds()))?;
            self.require_same(run, &self.config(run)?)?;
        }
        Ok(finished)
    }

    /// Refuses a folder whose run was begun under another configuration.
    fn require_same(&self, run: &Run, config: &Config) -> Result<()> {
        let folder = self.folder(run);
        let file = folder.join(CONFIG);
        if !file.is_file() {
            return Ok(());
        }
        let (then, now) = (compared(run, &Config::load(&file, &[])?), compared(run, config));
        let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
        let shown = |value: Option<&Value>| value.map_or("absent".to_owned(), Value::to_string);
        let differing = names.into_iter().filter(|name| then.get(*name) != now.get(*name));
        let list: Vec<String> =
            differing.map(|name| format!("`{name}` ({} there, {} now)", shown(then.get(name)), shown(now.get(name)))).collect();
        if list.is_empty() {
            return Ok(());
        }
        Err(Error::Usage(format!(
            "{}: this run was begun under another configuration: {}. Set these back, give another --out, or remove the folder",
            folder.display(),
            list.join(", ")
        )))
    }

    /// Does a run: trains, maps and scores, as far as that is not done yet.
    ///
    /// # Errors
    /// [`Error::Output`] where another process works on it; those of [`Plan::pending`], of training, of maps and of scores;
    /// [`Error::Interrupted`] after a signal.
    pub fn execute(&self, run: &Run, gpu: &Gpu, watcher: &mut Watcher) -> Result<()> {
        let folder = self.folder(run);
        let busy = "another process works on this run; wait for it, or share the runs with --shard";
        let lock = FolderLock::take(&folder, LOCK, busy, "give another --out")?;
        lock.note().into_iter().for_each(|note| (watcher.observe)(Event::Note(note.to_owned())));
        let (file, config) = (folder.join(CONFIG), self.config(run)?);
        self.require_same(run, &config)?;
        if Progress::of(self, run) == Progress::Finished {
            return Ok(());
        }
        // Written anew where the data moved.
        let text = config.to_yaml();
        if std::fs::read_to_string(&file).ok().as_ref() != Some(&text) {
            write_atomically(&file, |out| out.write_all(text.as_bytes()))?;
        }
        // What `meltcore train --config` of this file reads.
        let config = Config::load(&file, &[])?;
        // Before hours of training.
        let wanted = Dataset::open(&config, run.split)?;
        if run.trains {
            Tiling::of(&config, Options::of(&config).blend, wanted.scene(0))?.0.check(&wanted)?;
        }
        let weights = match run.trains {
            true => Some(Training::prepare(&config, &Start::Newest, ChangedData::Refuse)?.run(gpu, watcher)?.best_weights),
            false => None,
        };
        go_on(watcher)?;
        let maps = config.require_path("path_predictions")?.to_owned();
        let [mut mapped, mut scored] = [config.clone(), config];
        if let (Some(_), Some(days)) = (&run.area, &run.days) {
            let [_, rest] = Area::files(&self.folds().join(&days.folder));
            mapped.variable_paths.remove(IGNORE);
            scored.variable_paths.insert(IGNORE.into(), rest);
        }
        write_run_maps(run, gpu, &mapped, weights.as_deref(), &maps, watcher.observe)?;
        go_on(watcher)?;
        let evaluation = evaluate(gpu, &scored, run.split, &[(run.variant.clone(), maps)], watcher.observe)?;
        let text = serde_json::to_string_pretty(&ScoreFile::of(&evaluation))
            .map_err(|e| Error::Encoding(format!("the scores of {} have no JSON form ({e})", run.name)).because(e))?;
        write_atomically(scores_file(self, run), |out| writeln!(out, "{text}"))
    }
}

/// What is compared of two configurations of a run: all keys but where its own files are, with paths from `data_root`.
fn compared(run: &Run, config: &Config) -> Map<String, Value> {
    let mut keys = config.to_json();
    let is_own_list = |name: &str| run.days.is_some() && (name.ends_with("_split_csv") || name == "path_ignore");
    let is_output = |name: &str| ["data_root", "path_checkpoints", "path_predictions", "path_deploy", "path_eval"].contains(&name);
    keys.retain(|name, _| !is_output(name) && !is_own_list(name));
    for (_, value) in keys.iter_mut().filter(|(name, _)| name.starts_with("path_")) {
        if let Some(relative) = value.as_str().and_then(|path| Path::new(path).strip_prefix(&config.data_root).ok()) {
            *value = relative.display().to_string().into();
        }
    }
    keys
}

fn go_on(watcher: &Watcher) -> Result<()> {
    (watcher.stop)().map_or(Ok(()), |signal| Err(Error::Interrupted(signal)))
}

/// Writes the maps of a run; those that are finished stay.
fn write_run_maps(
    run: &Run,
    gpu: &Gpu,
    config: &Config,
    weights: Option<&Path>,
    folder: &Path,
    observe: &mut dyn FnMut(Event),
) -> Result<()> {
    let (split, destination) = (run.split, Destination { folder, pictures: false, replace: false });
    match (config.model_key, weights) {
        (ModelKey::TimeInterpolateSar, _) => time_interpolate_sar::write_maps(config, split, Unseen::Zero, destination, observe),
        (ModelKey::ThresholdPmw, _) => threshold_pmw::write_maps(config, split, destination, observe),
        (ModelKey::InterpolateMar, _) => interpolate_mar::write_maps(gpu, config, split, destination, observe),
        (_, None) => Err(Error::Usage(format!("{}: there are no weights to make maps with", run.name))),
        (_, Some(weights)) => {
            let request = Request {
                split,
                days: None,
                shard: None,
                weights,
                others: &[],
                options: Options::of(config),
                outlines: None,
                overwrite: false,
                accept_changed_config: false,
                calibrating: Calibrating::Off,
            };
            write_maps(gpu, config, &request, destination, observe).map(drop)
        }
    }
}
