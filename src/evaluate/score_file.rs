//! The scores as JSON, written by `meltcore eval` (`--json`, or `scores.json` of `--out`) and read back with the order of models, groups
//! and scores kept.

use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Number;

use super::certainty::WrittenCertainty;
use super::front_scores::WrittenFronts;
use super::glacier_scores::GlacierScores;
use super::groups::GroupBy;
use super::table::{Evaluation, ModelScores};
use crate::calibrate::BinMeans;
use crate::config::TaskKey;
use crate::error::{Error, Result};
use crate::tasks::{Better, ClassScores, Column, Confusion};

/// Scores by name, in the task's order; null where a score is no number.
pub type Scores = Pairs<Option<Number>>;

/// All scores of a split.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct ScoreFile {
    /// Name of the split.
    pub split: String,
    /// What was scored; files of the default task do not name it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub task: TaskKey,
    /// The models in the order they were given.
    pub models: Pairs<WrittenScores>,
}

/// The scores of one model; groups and reliability are empty in files of versions that did not write them.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
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
    /// By region.
    #[serde(default, skip_serializing_if = "Pairs::is_empty")]
    pub by_region: Pairs<Scores>,
    /// Bins of predicted fractions.
    #[serde(default)]
    pub reliability: Vec<BinMeans>,
    /// How sure maps are, of tasks whose maps say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certainty: Option<WrittenCertainty>,
    /// Scores of each class over all pixels at once, of tasks that have classes.
    #[serde(default, skip_serializing_if = "Pairs::is_empty")]
    pub classes: Pairs<ClassScores>,
    /// Areas and outlines of each class but the first, of tasks that have classes.
    #[serde(default, skip_serializing_if = "Pairs::is_empty")]
    pub glaciers: Pairs<GlacierScores>,
    /// Distances between fronts, of tasks that have some.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub fronts: Option<WrittenFronts>,
    /// Pixels by class, rows those of the target, columns those of the map.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confusion: Vec<Vec<u64>>,
}

/// A JSON object in the order of its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs<V>(pub Vec<(String, V)>);

impl<V> Default for Pairs<V> {
    fn default() -> Self {
        Pairs(Vec::new())
    }
}

impl<V> Pairs<V> {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<&V> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }
}

impl<V: Serialize> Serialize for Pairs<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
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

    /// The scores of an evaluation.
    pub fn of(evaluation: &Evaluation) -> ScoreFile {
        let models = evaluation.models.iter().map(|model| (model.name.clone(), WrittenScores::of(evaluation, model)));
        ScoreFile { split: evaluation.split.name().to_owned(), task: evaluation.task.key(), models: Pairs(models.collect()) }
    }
}

impl WrittenScores {
    fn of(evaluation: &Evaluation, model: &ModelScores) -> WrittenScores {
        let columns = model.columns;
        let by = |by: GroupBy| {
            let of_group = |group: ModelScores| {
                let mut means = by_name(columns, &group.weighted_mean());
                means.0.insert(0, ("scenes".to_owned(), Some(group.scored().count().into())));
                means
            };
            Pairs(evaluation.grouped(model, by).into_iter().map(|(label, group)| (label, of_group(group))).collect())
        };
        let (names, confusion) = (evaluation.task.classes().unwrap_or_default(), evaluation.task.confusion(&model.tally()));
        let of_classes = |confusion: &Confusion| {
            names.iter().enumerate().map(|(class, name)| ((*name).to_owned(), ClassScores::of(confusion, class))).collect()
        };
        let pooled = evaluation.pooled(model).into_iter().map(|(name, value)| (name.to_owned(), Number::from_f64(value)));
        WrittenScores {
            scenes: Pairs(model.scenes.iter().map(|(file, scene)| (file.clone(), by_name(columns, &scene.scored.values))).collect()),
            weighted_mean: by_name(columns, &model.weighted_mean()),
            weighted_std: by_name(columns, &model.weighted_std()),
            pooled: Pairs(pooled.collect()),
            by_month: by(GroupBy::Month),
            by_year: by(GroupBy::Year),
            by_gap: by(GroupBy::Gap),
            by_region: by(GroupBy::Region),
            reliability: model.reliability.means(),
            certainty: model.certainty.written(),
            classes: Pairs(confusion.as_ref().map(of_classes).unwrap_or_default()),
            glaciers: Pairs(evaluation.glacier_scores(model).into_iter().map(|(class, scores)| (class.to_owned(), scores)).collect()),
            fronts: evaluation.front_scores(model),
            confusion: confusion.map(|confusion| confusion.counts).unwrap_or_default(),
        }
    }
}

fn is_default(task: &TaskKey) -> bool {
    *task == TaskKey::default()
}

/// Scores under the names of their columns; pixel counts of scenes are whole numbers, and what has no score is null.
fn by_name(columns: &[Column], values: &[f64]) -> Scores {
    let number = |(column, x): (&Column, &f64)| match column.better {
        Better::Neither if x.fract() == 0.0 => (column.name.to_owned(), Some(Number::from(*x as u64))),
        _ => (column.name.to_owned(), Number::from_f64(*x)),
    };
    Pairs(columns.iter().zip(values).map(number).collect())
}

/// The score of this name, where there is one.
pub fn score(scores: &Scores, name: &str) -> Option<f64> {
    scores.get(name)?.as_ref()?.as_f64()
}
