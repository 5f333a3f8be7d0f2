//! The file of an experiment: which configuration, which of its keys are changed, what is left out, and how often.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::fields::Fields;
use super::sweep::{Metric, Sweep};
use crate::config::{Config, canonical, keys_of, nearest, parse_yaml};
use crate::data::day::Split;
use crate::error::{Error, Result};
use crate::evaluate::score_file::Pairs;

/// All keys of the file.
const KEYS: [&str; 14] = [
    "config",
    "out",
    "set",
    "seeds",
    "split",
    "leave_out",
    "season_start",
    "boxes",
    "masks",
    "held_out_from",
    "inputs",
    "learning_curve",
    "variants",
    "sweep",
];
/// Those of which at most one makes variants.
const VARYING: [&str; 4] = ["inputs", "learning_curve", "variants", "sweep"];
/// Keys of a configuration that an experiment sets itself.
const OUTPUTS: [&str; 2] = ["path_checkpoints", "path_predictions"];
/// Those that follow from what is left out.
const LISTS: [&str; 3] = ["path_train_split_csv", "path_val_split_csv", "path_eval_split_csv"];

/// An experiment as its file says it.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// The file, for messages.
    pub(super) file: String,
    /// The configuration of all runs.
    pub(super) config_file: PathBuf,
    /// Its keys.
    pub(super) keys: Map<String, Value>,
    /// Changes of all runs.
    pub(super) set: Map<String, Value>,
    /// The folder of all that is written.
    pub(super) out: PathBuf,
    /// The seeds; none: that of the configuration.
    pub(super) seeds: Vec<u64>,
    /// What is scored where nothing is left out.
    pub(super) split: Split,
    /// What is left out of training.
    pub(super) leave_out: Option<LeaveOut>,
    /// What runs differ in, at least one.
    pub(super) variants: Vec<Variant>,
    /// What sweeps are sorted by.
    pub(super) metric: Option<Metric>,
    /// What was said that has no effect.
    pub notes: Vec<String>,
}

/// Runs that differ from others in some keys, or in the days that they learn from.
#[derive(Debug, Clone)]
pub(super) struct Variant {
    /// Its name.
    pub name: String,
    /// Where the file speaks of it.
    pub place: String,
    /// Its keys.
    pub keys: Map<String, Value>,
    /// The share of the train days that it learns from.
    pub share: Option<f64>,
}

/// What is left out of training, one part after the other.
#[derive(Debug, Clone)]
pub(super) struct LeaveOut {
    /// The parts.
    pub parts: Parts,
    /// The lists whose days of a part are scored.
    pub from: Vec<Split>,
}

/// The parts of a data set.
#[derive(Debug, Clone)]
pub(super) enum Parts {
    /// A year of days from this month and day on.
    Seasons(u8, u8),
    /// The scenes of a region.
    Regions,
    /// Rows and columns of a grid that all days share, by name: first and behind the last.
    Boxes(Vec<(String, [usize; 4])>),
    /// Pixels that are not 0 in a raster, by name.
    Masks(Vec<(String, PathBuf)>),
}

/// The order of names in the file, which the values do not keep.
#[derive(Deserialize, Default)]
struct Order {
    #[serde(default)]
    variants: Pairs<IgnoredAny>,
    #[serde(default)]
    inputs: Pairs<IgnoredAny>,
    #[serde(default)]
    boxes: Pairs<IgnoredAny>,
    #[serde(default)]
    masks: Pairs<IgnoredAny>,
}

impl Experiment {
    /// Reads an experiment, or a sweep file of W&B, which needs `config`.
    ///
    /// # Errors
    /// [`Error::Input`] for a file that cannot be read; [`Error::Config`] for unknown keys and values that cannot be used;
    /// [`Error::Usage`] where `config` or `out` is given twice, or not at all.
    pub fn read(path: &Path, config: Option<&Path>, out: Option<&Path>) -> Result<Experiment> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::input(path, format!("the experiment cannot be read ({e}); give the path of a YAML file")).because(e))?;
        let keys = keys_of(&text, &file)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if Sweep::is_file(&keys) {
            let sweep = Sweep::of_file(&Fields::new(&file, keys))?;
            let needed =
                |option: &str| Error::Usage(format!("{file} is a sweep file, and names no configuration and no folder; give {option}"));
            let config_file = config.ok_or_else(|| needed("--config FILE"))?.to_owned();
            let out = out.ok_or_else(|| needed("--out DIR"))?.to_owned();
            let experiment = Experiment::plain(file, config_file, out)?;
            return experiment.swept(sweep, "parameters");
        }
        let fields = Fields::new(&file, keys);
        fields.require_known(&KEYS)?;
        if config.is_some() {
            return Err(Error::Usage(format!("--config belongs to a sweep file, and {file} names a configuration itself; leave it out")));
        }
        let missing = |key: &str, value: &str| fields.error(key, format!("is missing; add a line `{key}: {value}`"));
        let config_file = fields.text("config")?.ok_or_else(|| missing("config", "run.yaml"))?;
        let out = match (out, fields.text("out")?) {
            (Some(out), _) => out.to_owned(),
            (None, Some(out)) => out.into(),
            (None, None) => return Err(missing("out", "runs/experiments/name")),
        };
        let mut experiment = Experiment::plain(file.clone(), folder.join(config_file), out)?;
        experiment.set = fields
            .map("set", false, "a map of keys of the configuration, for example {epochs: 60}")?
            .map(Fields::into_map)
            .unwrap_or_default();
        experiment.seeds = fields.list("seeds", "a list of whole numbers, for example [1, 2, 3]", Value::as_u64)?.unwrap_or_default();
        if let Some((_, seed)) = experiment.seeds.iter().enumerate().find(|(index, seed)| experiment.seeds[..*index].contains(seed)) {
            return Err(fields.error("seeds", format!("names {seed} twice; a run of it is done once")));
        }
        let order: Order = parse_yaml(&text).unwrap_or_default();
        experiment.leave_out = leave_out(&fields, &order, folder)?;
        let splits: Vec<&str> = Split::ALL.iter().filter(|split| **split != Split::Deploy).map(|split| split.name()).collect();
        if let Some(split) = fields.word("split", &splits)? {
            if experiment.leave_out.is_some() {
                return Err(
                    fields.error("split", "says what is scored where nothing is left out, and `leave_out` is there; remove one of the two")
                );
            }
            experiment.split = split.parse()?;
        }
        experiment.refuse_own("set", &experiment.set)?;
        experiment.vary(&fields, &order)
    }

    /// One run of a configuration as it is.
    fn plain(file: String, config_file: PathBuf, out: PathBuf) -> Result<Experiment> {
        let text = std::fs::read_to_string(&config_file).map_err(|e| {
            Error::Config {
                file: file.clone(),
                key: "config".into(),
                message: format!("{} cannot be read ({e}); name a YAML file", config_file.display()),
            }
            .because(e)
        })?;
        let keys = keys_of(&text, &config_file.display().to_string())?;
        let base = Variant { name: "base".into(), place: String::new(), keys: Map::new(), share: None };
        let (seeds, leave_out, metric) = (Vec::new(), None, None);
        let (set, variants, notes) = (Map::new(), vec![base], Vec::new());
        Ok(Experiment { file, config_file, keys, set, out, seeds, split: Split::Val, leave_out, variants, metric, notes })
    }

    /// Takes what runs differ in from the file.
    fn vary(mut self, fields: &Fields, order: &Order) -> Result<Experiment> {
        let given: Vec<&str> = VARYING.into_iter().filter(|key| fields.get(key).is_some()).collect();
        if let [first, second, ..] = given[..] {
            return Err(
                fields.error(second, format!("stands beside `{first}`, and runs differ in one of the two; make two experiments of them"))
            );
        }
        if let Some(key) = given.iter().find(|key| self.leave_out.is_some() && **key != "variants") {
            return Err(fields.error(
                key,
                "stands beside `leave_out`, which goes with `variants` only; write each as a variant, or remove one of the two",
            ));
        }
        if let Some(named) =
            fields.map("variants", true, "a map of names, each with a map of keys, for example {base: {}, wide: {base_channels: 16}}")?
        {
            self.variants.clear();
            for name in in_order(&named, &order.variants) {
                let keys = named
                    .map(&name, false, "a map of keys of the configuration; `{}` changes none")?
                    .map(Fields::into_map)
                    .unwrap_or_default();
                self.add(fields, "variants", Variant { place: format!("variants.{name}"), keys, share: None, name })?;
            }
        }
        if let Some(named) =
            fields.map("inputs", true, "a map of names, each with a list of inputs, for example {all: [pmw, dem], no_dem: [pmw]}")?
        {
            self.variants.clear();
            let config = self.base()?;
            for name in in_order(&named, &order.inputs) {
                let allowed = "a list of inputs, for example [pmw, dem]";
                let inputs = named.list(&name, allowed, |input| input.as_str().map(str::to_owned))?;
                let inputs = inputs.ok_or_else(|| named.error(&name, format!("must be {allowed}")))?;
                let keys = inputs_by_list(&config, &inputs).map_err(|message| named.error(&name, message))?;
                self.add(fields, "inputs", Variant { place: format!("inputs.{name}"), keys, share: None, name })?;
            }
        }
        let share = |value: &Value| value.as_f64().filter(|share| *share > 0.0 && *share <= 1.0);
        if let Some(shares) = fields.list("learning_curve", "a list of shares above 0 and up to 1, for example [0.25, 0.5, 1]", share)? {
            self.variants.clear();
            for share in shares {
                let variant =
                    Variant { name: format!("share-{share}"), place: "learning_curve".into(), keys: Map::new(), share: Some(share) };
                self.add(fields, "learning_curve", variant)?;
            }
        }
        if let Some(sweep) = fields.map("sweep", true, "a map, for example {method: random, runs: 20, parameters: {…}}")? {
            return self.swept(Sweep::of_experiment(&sweep)?, "sweep.parameters");
        }
        Ok(self)
    }

    /// A run a set of values.
    fn swept(mut self, sweep: Sweep, place: &str) -> Result<Experiment> {
        let digits = sweep.points.len().to_string().len().max(3);
        let variant = |(index, keys)| Variant { name: format!("sweep-{:0digits$}", index + 1), place: place.to_owned(), keys, share: None };
        self.variants = sweep.points.into_iter().enumerate().map(variant).collect();
        self.variants.iter().try_for_each(|variant| self.refuse_own(place, &variant.keys))?;
        (self.metric, self.notes) = (sweep.metric, sweep.notes);
        Ok(self)
    }

    fn add(&mut self, fields: &Fields, key: &str, variant: Variant) -> Result<()> {
        require_name(fields, key, &variant.name)?;
        if self.variants.iter().any(|other| other.name == variant.name) {
            return Err(fields.error(key, format!("has {} twice; remove one of the two", variant.name)));
        }
        self.refuse_own(&variant.place, &variant.keys)?;
        self.variants.push(variant);
        Ok(())
    }

    /// Refuses keys that an experiment sets itself.
    fn refuse_own(&self, place: &str, keys: &Map<String, Value>) -> Result<()> {
        let is_own = |key: &str| {
            let of_lists = (self.leave_out.is_some() || place == "learning_curve") && LISTS.contains(&key);
            OUTPUTS.contains(&key) || of_lists || (key == "seed" && !self.seeds.is_empty())
        };
        match keys.keys().find(|key| is_own(canonical(key))) {
            None => Ok(()),
            Some(key) => {
                let message = "is set by the experiment itself for each of its runs; remove it";
                Err(Error::Config { file: self.file.clone(), key: format!("{place}.{key}"), message: message.into() })
            }
        }
    }

    /// The configuration with the changes of all runs.
    pub(super) fn base(&self) -> Result<Config> {
        self.config(&[("set", &self.set)])
    }

    /// The configuration with these changes, each map under the place where the file has it.
    ///
    /// # Errors
    /// Those of [`Config::load`]; of a change they name the experiment's file and the place.
    pub(super) fn config(&self, changes: &[(&str, &Map<String, Value>)]) -> Result<Config> {
        let overrides: Vec<String> =
            changes.iter().flat_map(|(_, keys)| keys.iter().map(|(key, value)| format!("{key}={value}"))).collect();
        let folder = self.config_file.parent().filter(|folder| !folder.as_os_str().is_empty());
        Config::from_keys(self.keys.clone(), &self.config_file.display().to_string(), &overrides, folder).map_err(|error| match error {
            Error::Config { file, key, message } if file == "--set" => {
                let of = |(place, keys): &&(&str, &Map<String, Value>)| !place.is_empty() && keys.keys().any(|name| canonical(name) == key);
                let place = changes.iter().rev().find(of).map_or_else(String::new, |(place, _)| format!("{place}."));
                Error::Config { file: self.file.clone(), key: format!("{place}{key}"), message }
            }
            other => other,
        })
    }
}

/// The names of a map as they stand in the file.
fn in_order(named: &Fields, order: &Pairs<IgnoredAny>) -> Vec<String> {
    let mut names: Vec<String> =
        order.0.iter().map(|(name, _)| name.clone()).filter(|name| named.names().any(|known| known == name)).collect();
    let rest: Vec<String> = named.names().filter(|name| !names.iter().any(|known| known == name)).map(str::to_owned).collect();
    names.extend(rest);
    names
}

/// Refuses what can be no part of a folder's name.
fn require_name(fields: &Fields, key: &str, name: &str) -> Result<()> {
    let is_plain = |letter: char| letter.is_alphanumeric() || ['_', '-', '.', '+'].contains(&letter);
    if !name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain) {
        return Ok(());
    }
    Err(fields.error(key, format!("has the name `{name}`, which is to be part of a folder's; take letters, digits, `_`, `-`, `+` and `.`")))
}

/// The lists of a configuration that name these inputs.
fn inputs_by_list(config: &Config, inputs: &[String]) -> Result<Map<String, Value>, String> {
    let mut lists = [("in_keys", Vec::new()), ("in_keys_static", Vec::new()), ("in_keys_aux", Vec::new())];
    let known = &config.domain().inputs;
    for name in inputs {
        let Some(input) = known.iter().find(|input| [input.name, input.files_of()].contains(&name.as_str())) else {
            let names: Vec<&str> = known.iter().map(|input| input.name).collect();
            let near = nearest(name, names.iter().copied()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(format!("names `{name}`, which is no input; known are {}{near}", names.join(", ")));
        };
        lists.iter_mut().filter(|(list, _)| *list == input.list()).for_each(|(_, names)| names.push(name.clone()));
    }
    Ok(lists.into_iter().map(|(list, names)| (list.to_owned(), json!(names))).collect())
}

/// What is left out.
fn leave_out(fields: &Fields, order: &Order, folder: &Path) -> Result<Option<LeaveOut>> {
    let kind = fields.word("leave_out", &["season", "region"])?;
    for (key, of) in [("season_start", "season"), ("boxes", "region"), ("masks", "region")] {
        if fields.get(key).is_some() && kind != Some(of) {
            return Err(fields.error(key, format!("belongs to `leave_out: {of}`; add that line, or remove this one")));
        }
    }
    let lists = "a list of train, val and test";
    let split = |value: &Value| [Split::Train, Split::Val, Split::Test].into_iter().find(|split| value.as_str() == Some(split.name()));
    let from = fields.list("held_out_from", lists, split)?;
    let Some(kind) = kind else {
        return match from {
            None => Ok(None),
            Some(_) => Err(fields.error("held_out_from", "belongs to `leave_out`; add that line, or remove this one")),
        };
    };
    let parts = match kind {
        "season" => {
            let date = |value: &Value| {
                let (month, day) = value.as_str()?.split_once('-')?;
                let (month, day) = (month.parse::<u8>().ok()?, day.parse::<u8>().ok()?);
                // Of a year without a 29 February.
                crate::data::day::Day::new(2001, month, day).map(|_| (month, day))
            };
            let (month, day) = fields.read("season_start", "a month and day as MM-DD, for example 07-01", date)?.unwrap_or((7, 1));
            Parts::Seasons(month, day)
        }
        _ => regions(fields, order, folder)?,
    };
    Ok(Some(LeaveOut { parts, from: from.unwrap_or_else(|| vec![Split::Train, Split::Val]) }))
}

/// The regions that are left out.
fn regions(fields: &Fields, order: &Order, folder: &Path) -> Result<Parts> {
    let boxes = fields.map("boxes", true, "a map of names, each with [row0, column0, row1, column1] in pixels")?;
    let masks = fields.map("masks", true, "a map of names, each with a raster that is not 0 in the region")?;
    match (boxes, masks) {
        (None, None) => Ok(Parts::Regions),
        (Some(_), Some(_)) => Err(fields.error("masks", "stands beside `boxes`, and regions are given in one of the two ways; remove one")),
        (Some(boxes), None) => {
            let allowed = "[row0, column0, row1, column1] in pixels, the last ones not included, for example [0, 0, 100, 200]";
            let corners = |value: &Value| {
                let numbers: Vec<usize> = value.as_array()?.iter().map(|number| Some(number.as_u64()? as usize)).collect::<Option<_>>()?;
                let corners = <[usize; 4]>::try_from(numbers).ok()?;
                (corners[0] < corners[2] && corners[1] < corners[3]).then_some(corners)
            };
            let of = |name: String| {
                require_name(fields, "boxes", &name)?;
                let corners = boxes.read(&name, allowed, corners)?.ok_or_else(|| boxes.error(&name, format!("must be {allowed}")))?;
                Ok((name, corners))
            };
            Ok(Parts::Boxes(in_order(&boxes, &order.boxes).into_iter().map(of).collect::<Result<_>>()?))
        }
        (None, Some(masks)) => {
            let of = |name: String| {
                require_name(fields, "masks", &name)?;
                let file = masks.text(&name)?.ok_or_else(|| masks.error(&name, "must be the path of a raster"))?;
                Ok((name, folder.join(file)))
            };
            Ok(Parts::Masks(in_order(&masks, &order.masks).into_iter().map(of).collect::<Result<_>>()?))
        }
    }
}
