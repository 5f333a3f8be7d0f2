//! What is finished of an experiment: a row a run, and means and standard deviations over seeds and over parts that were left out.

use std::cmp::Ordering;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use super::plan::{Plan, Run};
use super::run::scores_file;
use crate::data::csv::field;
use crate::error::{Error, Result};
use crate::evaluate::ScoreFile;
use crate::evaluate::score_file::{Pairs, WrittenScores};
use crate::tasks::{self, Better, Task};
use crate::train::checkpoint::{Best, Criterion, State};
use crate::train::folder::LAST;

/// What stands before the name of a score over all pixels at once.
const POOLED: &str = "pooled_";
/// Scores of scenes in summaries at most.
const SHOWN: usize = 4;
/// The name of what chose the best weights, among scores.
const VAL_LOSS: &str = "val_loss";
/// What a row over all parts is called.
const ALL_PARTS: &str = "all";

/// A finished run.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its name.
    pub run: String,
    /// The variant that it is of.
    pub variant: String,
    /// What was left out of training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    /// Its seed, where the experiment names seeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The values that a sweep tried.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
    /// The epoch of its weights, by what it was chosen, and that value; none of maps without weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<BestEpoch>,
    /// Means over scenes weighted by valid pixels, then scores over all pixels at once.
    pub scores: Pairs<Option<f64>>,
}

/// The epoch whose weights made the maps.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct BestEpoch {
    /// Its number.
    pub epoch: usize,
    /// What chose it.
    pub by: Criterion,
    /// Its value.
    pub value: f64,
}

/// Runs of one variant, with one part left out, or means over all parts.
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// The variant.
    pub variant: String,
    /// What was left out of training; `all` over the means of all parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    /// The values that a sweep tried.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
    /// Finished runs, or parts.
    pub count: usize,
    /// Mean and standard deviation of each score.
    pub scores: Pairs<Spread>,
}

/// A mean, and how far numbers are apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Their mean; none without any.
    pub mean: Option<f64>,
    /// Their standard deviation, with n − 1; none of fewer than two.
    pub std: Option<f64>,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Spread {
        let values: Vec<f64> = values.collect();
        let n = values.len() as f64;
        let mean = (n > 0.0).then(|| values.iter().sum::<f64>() / n);
        let std = mean.filter(|_| n > 1.0).map(|mean| (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt());
        Spread { mean, std }
    }

    /// `0.8000 ± 0.0100`; empty without a mean.
    fn text(self) -> String {
        match (self.mean, self.std) {
            (Some(mean), Some(std)) => format!("{mean:.4} ± {std:.4}"),
            (Some(mean), None) => format!("{mean:.4}"),
            (None, _) => String::new(),
        }
    }
}

/// What is finished.
#[derive(Debug, Clone, Serialize)]
pub struct Results {
    /// How many runs there are, and how many of them are finished.
    pub runs_in_all: usize,
    /// The finished runs, in the order of the plan.
    pub runs: Vec<Row>,
    /// Means of them; of a sweep the best first.
    pub summary: Vec<Group>,
    /// The scores that summaries show.
    #[serde(skip)]
    shown: Vec<String>,
}

impl Results {
    /// Reads what is finished.
    ///
    /// # Errors
    /// [`Error::Input`] for scores or checkpoints that cannot be read; [`Error::Usage`] for runs under another configuration;
    /// [`Error::Config`] for a metric that there is not.
    pub fn read(plan: &Plan) -> Result<Results> {
        let read = |run: &Run| Row::read(run, &scores_file(plan, run), &plan.folder(run).join("checkpoints").join(LAST));
        let runs: Vec<Row> = plan.finished()?.into_iter().map(read).collect::<Result<_>>()?;
        let task = tasks::of(&plan.experiment.base()?);
        let mut summary = Vec::new();
        let mut variants: Vec<&str> = plan.runs.iter().map(|run| run.variant.as_str()).collect();
        variants.dedup();
        for variant in variants {
            let of_variant: Vec<&Row> = runs.iter().filter(|row| row.variant == variant).collect();
            let mut parts: Vec<&Option<String>> = of_variant.iter().map(|row| &row.left_out).collect();
            parts.dedup();
            let of_part = |part: &Option<String>| {
                let rows: Vec<&Row> = of_variant.iter().filter(|row| row.left_out == *part).copied().collect();
                Group::of(rows[0], part.clone(), rows.len(), |name| Spread::of(rows.iter().filter_map(|row| row.value(name))))
            };
            let groups: Vec<Group> = parts.into_iter().map(of_part).collect();
            let over_parts = of_variant.first().filter(|row| row.left_out.is_some()).map(|first| {
                let means = |name: &str| Spread::of(groups.iter().filter_map(|group| group.scores.get(name)?.mean));
                Group::of(first, Some(ALL_PARTS.into()), groups.len(), means)
            });
            summary.extend(groups);
            summary.extend(over_parts);
        }
        let mut results = Results { runs_in_all: plan.runs.len(), runs, summary, shown: Vec::new() };
        results.shown = results.shown_of(task.as_ref());
        results.sort(plan, task.as_ref())?;
        Ok(results)
    }

    /// The first scores of the task's tables, those over all pixels, and what is sorted by.
    fn shown_of(&self, task: &dyn Task) -> Vec<String> {
        let is_score = |name: &&&str| task.column(name).is_some_and(|column| column.better != Better::Neither);
        let mut shown: Vec<String> = task.table().iter().filter(is_score).take(SHOWN).map(|name| (*name).to_owned()).collect();
        let names = self.summary.first().into_iter().flat_map(|group| &group.scores.0).map(|(name, _)| name);
        shown.extend(names.filter(|name| name.starts_with(POOLED) || *name == "mde").cloned());
        shown
    }

    /// Sorts a sweep by its metric, the best first; equal ones stay in the order of the plan.
    fn sort(&mut self, plan: &Plan, task: &dyn Task) -> Result<()> {
        if plan.runs.iter().all(|run| run.parameters.is_empty()) {
            return Ok(());
        }
        let metric = plan.experiment.metric.as_ref();
        let name = metric.map_or(VAL_LOSS, |metric| metric.name.as_str()).to_owned();
        let column = name.strip_prefix(POOLED).unwrap_or(&name);
        let known = self.summary.first().is_none_or(|group| group.scores.get(&name).is_some());
        if !known {
            let names: Vec<&str> = self.summary[0].scores.0.iter().map(|(name, _)| name.as_str()).collect();
            let message = format!("is `{name}`, and the scores are {}; name one of them", names.join(", "));
            return Err(Error::Config { file: plan.experiment.file.clone(), key: "metric.name".into(), message });
        }
        let is_large = task.column(column).is_some_and(|column| column.better == Better::More);
        let maximize = metric.and_then(|metric| metric.maximize).unwrap_or(is_large);
        let mean = |group: &Group| group.scores.get(&name).and_then(|spread| spread.mean);
        self.summary.sort_by(|a, b| match (mean(a), mean(b)) {
            (Some(a), Some(b)) if maximize => b.total_cmp(&a),
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()).then(Ordering::Equal),
        });
        if !self.shown.contains(&name) {
            self.shown.insert(0, name);
        }
        Ok(())
    }

    /// Names of the values that a sweep tried.
    fn parameters(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for row in &self.runs {
            names.extend(row.parameters.keys().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
        }
        names
    }

    /// A line a finished run.
    pub fn to_csv(&self) -> String {
        let parameters = self.parameters();
        let mut scores: Vec<&str> = Vec::new();
        for row in &self.runs {
            let names: Vec<&str> = row.scores.0.iter().map(|(name, _)| name.as_str()).filter(|name| !scores.contains(name)).collect();
            scores.extend(names);
        }
        let heads = ["run", "variant", "left_out", "seed"].into_iter().chain(parameters.iter().map(String::as_str));
        let heads: Vec<&str> = heads.chain(["best_epoch", "best_by", "best_value"]).chain(scores.iter().copied()).collect();
        let mut text = format!("{}\n", heads.join(","));
        for row in &self.runs {
            let seed = row.seed.map(|seed| seed.to_string()).unwrap_or_default();
            let mut cells = vec![field(&row.run), field(&row.variant), field(row.left_out.as_deref().unwrap_or_default()), seed];
            cells.extend(parameters.iter().map(|name| field(&shown(row.parameters.get(name)))));
            let [epoch, by, value] = row.best.map_or_else(Default::default, |best| {
                [best.epoch.to_string(), shown(serde_json::to_value(best.by).ok().as_ref()), best.value.to_string()]
            });
            cells.extend([epoch, by, value]);
            cells.extend(scores.iter().map(|name| row.value(name).map(|score| score.to_string()).unwrap_or_default()));
            text.push_str(&format!("{}\n", cells.join(",")));
        }
        text
    }

    /// The heads and cells of the summary.
    pub fn cells(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let parameters = self.parameters();
        let has_parts = self.summary.iter().any(|group| group.left_out.is_some());
        let first = ["variant".to_owned()].into_iter().chain(has_parts.then(|| "left out".to_owned())).chain(parameters.clone());
        let heads = first.chain(["n".to_owned()]).chain(self.shown.clone()).collect();
        let row = |group: &Group| {
            let part = has_parts.then(|| group.left_out.clone().unwrap_or_default());
            let tried = parameters.iter().map(|name| shown(group.parameters.get(name)));
            let scores = self.shown.iter().map(|name| group.scores.get(name).map(|spread| spread.text()).unwrap_or_default());
            [group.variant.clone()].into_iter().chain(part).chain(tried).chain([group.count.to_string()]).chain(scores).collect()
        };
        (heads, self.summary.iter().map(row).collect())
    }

    /// The summary as a table in Markdown.
    pub fn to_markdown(&self) -> String {
        let (heads, rows) = self.cells();
        let line =
            |cells: &[String]| format!("| {} |\n", cells.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>().join(" | "));
        let rule = vec!["---".to_owned(); heads.len()];
        [heads, rule].iter().chain(&rows).map(|cells| line(cells)).chain([format!("\n{}\n", self.words())]).collect()
    }

    /// What the numbers are.
    pub fn words(&self) -> String {
        let finished = format!("{} of {} runs are finished", self.runs.len(), self.runs_in_all);
        format!(
            "{finished}. Scores are means ± standard deviations over the n runs of a row (seeds), in rows `{ALL_PARTS}` over the n parts that \
             were left out; {POOLED} scores are of all pixels at once, the others means over scenes."
        )
    }
}

/// A value without quotes; empty without one.
fn shown(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

impl Row {
    fn read(run: &Run, file: &Path, checkpoint: &Path) -> Result<Row> {
        let scores = ScoreFile::read(file)?;
        let best = if run.trains { State::read(checkpoint)?.best } else { None };
        let best = best.map(|Best { epoch, loss, criterion, .. }| BestEpoch { epoch, by: criterion, value: loss });
        let mut row = Row {
            run: run.name.clone(),
            variant: run.variant.clone(),
            left_out: run.fold.clone(),
            seed: run.seed,
            parameters: run.parameters.clone(),
            best,
            scores: Pairs::default(),
        };
        if let Some((_, written)) = scores.models.0.first() {
            row.scores = all_scores(written);
        }
        Ok(row)
    }

    /// A score, or the value that chose the weights.
    fn value(&self, name: &str) -> Option<f64> {
        match name {
            VAL_LOSS => self.best.filter(|best| best.by == Criterion::ValLoss).map(|best| best.value),
            _ => self.scores.get(name).copied().flatten(),
        }
    }
}

/// Means over scenes, those over all pixels under longer names, and distances of fronts.
fn all_scores(written: &WrittenScores) -> Pairs<Option<f64>> {
    let number = |score: &Option<serde_json::Number>| score.as_ref().and_then(serde_json::Number::as_f64);
    let means = written.weighted_mean.0.iter().map(|(name, score)| (name.clone(), number(score)));
    let pooled = written.pooled.0.iter().map(|(name, score)| (format!("{POOLED}{name}"), number(score)));
    let fronts = written
        .fronts
        .iter()
        .flat_map(|fronts| [("mde".to_owned(), fronts.all.mde), ("missing".to_owned(), Some(fronts.all.missing as f64))]);
    Pairs(means.chain(pooled).chain(fronts).collect())
}

impl Group {
    fn of(first: &Row, left_out: Option<String>, count: usize, spread: impl Fn(&str) -> Spread) -> Group {
        let names = first.scores.0.iter().map(|(name, _)| name.as_str()).chain([VAL_LOSS]);
        let scores = Pairs(names.map(|name| (name.to_owned(), spread(name))).collect());
        Group { variant: first.variant.clone(), left_out, parameters: first.parameters.clone(), count, scores }
    }
}
