//! Scores as files: JSON with everything, CSV of scenes, of groups and of reliabilities.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::groups::GroupBy;
use super::table::{Evaluation, ModelScores};
use crate::config::TaskKey;
use crate::tasks::{Better, Column};

impl Evaluation {
    /// One line per model and scene with all scores, under a header.
    pub fn to_csv(&self) -> String {
        let mut csv = format!("model,scene,{}\n", self.names());
        for model in &self.models {
            let name = field(&model.name);
            for (file, scene) in &model.scenes {
                csv.push_str(&format!("{name},{file},{}\n", numbers(&scene.scored.values)));
            }
        }
        csv
    }

    /// One line per model and group (by month, year and gap) with its scenes and the weighted means of all scores, under a header.
    pub fn groups_to_csv(&self) -> String {
        let mut csv = format!("model,by,group,scenes,{}\n", self.names());
        for model in &self.models {
            let name = field(&model.name);
            for by in GroupBy::ALL {
                for (label, group) in self.grouped(model, by) {
                    let (scenes, means) = (group.scenes.len(), numbers(&group.weighted_mean()));
                    csv.push_str(&format!("{name},{},{label},{scenes},{means}\n", by.name()));
                }
            }
        }
        csv
    }

    /// The columns' names as CSV fields.
    fn names(&self) -> String {
        self.task.columns().iter().map(|column| column.name).collect::<Vec<_>>().join(",")
    }

    /// One line per model and bin of predicted fractions, under a header; means of empty bins are empty.
    pub fn reliability_to_csv(&self) -> String {
        let mut csv = String::from("model,from,to,valid_px,mean_prediction,mean_target\n");
        for model in &self.models {
            for bin in model.reliability.means() {
                let [prediction, target] = [bin.mean_prediction, bin.mean_target].map(|mean| mean.map_or(String::new(), |x| x.to_string()));
                csv.push_str(&format!("{},{},{},{},{prediction},{target}\n", field(&model.name), bin.from, bin.to, bin.valid_px));
            }
        }
        csv
    }
}

/// A text as a CSV field.
fn field(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// Scores as CSV fields.
fn numbers(scores: &[f64]) -> String {
    scores.iter().map(f64::to_string).collect::<Vec<_>>().join(",")
}

/// Pairs as a JSON object that keeps their order.
struct Object<K, V>(Vec<(K, V)>);

impl<K: Serialize, V: Serialize> Serialize for Object<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// Scores as an object; pixel counts of scenes are whole numbers.
fn object(columns: &[Column], values: &[f64]) -> Object<&'static str, serde_json::Value> {
    let number = |(column, x): (&Column, &f64)| match column.better {
        Better::Neither if x.fract() == 0.0 => (column.name, serde_json::Value::from(*x as u64)),
        _ => (column.name, serde_json::Value::from(*x)),
    };
    Object(columns.iter().zip(values).map(number).collect())
}

/// A group's object: the number of its scenes, then the weighted means.
fn group_object(group: &ModelScores) -> Object<&'static str, serde_json::Value> {
    let Object(means) = object(group.columns, &group.weighted_mean());
    Object([("scenes", serde_json::Value::from(group.scenes.len()))].into_iter().chain(means).collect())
}

/// One model of an evaluation.
struct Model<'a>(&'a Evaluation, &'a ModelScores);

impl Serialize for Model<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Model(evaluation, model) = self;
        let scenes = Object(model.scenes.iter().map(|(file, scene)| (file, object(model.columns, &scene.scored.values))).collect());
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("scenes", &scenes)?;
        map.serialize_entry("weighted_mean", &object(model.columns, &model.weighted_mean()))?;
        map.serialize_entry("weighted_std", &object(model.columns, &model.weighted_std()))?;
        map.serialize_entry("pooled", &Object(evaluation.pooled(model)))?;
        for by in GroupBy::ALL {
            let groups = evaluation.grouped(model, by);
            let groups = Object(groups.iter().map(|(label, group)| (label, group_object(group))).collect());
            map.serialize_entry(&format!("by_{}", by.name()), &groups)?;
        }
        map.serialize_entry("reliability", &model.reliability.means())?;
        map.end()
    }
}

impl Serialize for Evaluation {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let models = Object(self.models.iter().map(|model| (&model.name, Model(self, model))).collect());
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("split", self.split.name())?;
        let task = self.task.key();
        if task != TaskKey::default() {
            map.serialize_entry("task", &task)?;
        }
        map.serialize_entry("models", &models)?;
        map.end()
    }
}
