//! The scores as `meltcore eval` writes them (`--json`, or `scores.json` of `--out`), read back with the order of models and groups kept.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::config::TaskKey;
use crate::error::{Error, Result};
use crate::evaluate::Evaluation;
use crate::evaluate::reliability::BinMeans;
use crate::tasks::{Better, Task};

/// Scores by name.
pub type Scores = BTreeMap<String, Option<f64>>;

/// All scores of a split.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct ScoreFile {
    /// Name of the split.
    pub split: String,
    /// What was scored.
    #[serde(default)]
    pub task: TaskKey,
    /// The models in the order they were given.
    pub models: Pairs<WrittenScores>,
}

/// The scores of one model; groups and reliability are empty in files of versions that did not write them.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct WrittenScores {
    /// By file name.
    pub scenes: Pairs<Scores>,
    /// Weighted by valid pixels.
    pub weighted_mean: Scores,
    /// Weighted by valid pixels.
    pub weighted_std: Scores,
    /// Over all pixels at once.
    pub pooled: Scores,
    /// By month, `01` to `12`.
    #[serde(default)]
    pub by_month: Pairs<Scores>,
    /// By year.
    #[serde(default)]
    pub by_year: Pairs<Scores>,
    /// By days to the nearest other train day.
    #[serde(default)]
    pub by_gap: Pairs<Scores>,
    /// Bins of predicted fractions.
    #[serde(default)]
    pub reliability: Vec<BinMeans>,
}

/// A JSON object in the order of its text.
#[derive(Debug, Clone)]
pub struct Pairs<V>(pub Vec<(String, V)>);

impl<V> Default for Pairs<V> {
    fn default() -> Self {
        Pairs(Vec::new())
    }
}

impl<V> Pairs<V> {
    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<&V> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct InOrder<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for InOrder<V> {
            type Value = Pairs<V>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Pairs<V>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(InOrder(PhantomData))
    }
}

impl ScoreFile {
    /// Reads the file, or `scores.json` of a folder that `eval --out` wrote.
    ///
    /// # Errors
    /// [`Error::Input`] where it cannot be read or is something else.
    pub fn read(path: &Path) -> Result<ScoreFile> {
        let path = if path.is_dir() { path.join("scores.json") } else { path.to_owned() };
        let unusable =
            |what: String| Error::input(&path, format!("{what}; give the JSON of `meltcore eval --json`, or the folder of its --out"));
        let text = std::fs::read_to_string(&path).map_err(|e| unusable(format!("the scores cannot be read ({e})")))?;
        let scores: ScoreFile = serde_json::from_str(&text).map_err(|e| unusable(format!("these are no scores ({e})")))?;
        if scores.models.0.is_empty() { Err(unusable("holds no model".into())) } else { Ok(scores) }
    }

    /// The scores of an evaluation just done.
    ///
    /// # Errors
    /// [`Error::Encoding`] where they have no JSON form.
    pub fn of(evaluation: &Evaluation) -> Result<ScoreFile> {
        let read_back = serde_json::to_string(evaluation).and_then(|text| serde_json::from_str(&text));
        read_back.map_err(|e| Error::Encoding(format!("the scores have no JSON form ({e}); run `meltcore eval` to see them")).because(e))
    }
}

/// The score of this name, where there is one.
pub fn score(scores: &Scores, name: &str) -> Option<f64> {
    scores.get(name).copied().flatten()
}

/// The score of this name as the page shows it: errors with four decimals, all others with three.
pub fn score_text(task: &dyn Task, scores: &Scores, name: &str) -> String {
    let decimals = if task.column(name).is_some_and(|column| column.better == Better::Less) { 4 } else { 3 };
    score(scores, name).map_or("–".into(), |value| format!("{value:.decimals$}").replace('-', "−"))
}
