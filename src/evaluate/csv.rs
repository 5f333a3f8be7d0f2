//! Scores as CSV: of scenes, of groups and of reliabilities.

use super::groups::GroupBy;
use super::table::{Evaluation, ModelScores};
use crate::data::csv::field;

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
                    let (scenes, means) = (group.scored().count(), numbers(&group.weighted_mean()));
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

    /// One line per model and bin of [`ModelScores::reliabilities`], under a header; means of empty bins are empty.
    pub fn reliability_to_csv(&self) -> String {
        let mut csv = String::from("model,from,to,valid_px,mean_prediction,mean_target\n");
        for (name, reliability) in self.models.iter().flat_map(ModelScores::reliabilities) {
            for bin in reliability.means() {
                let [prediction, target] = [bin.mean_prediction, bin.mean_target].map(|mean| mean.map_or(String::new(), |x| x.to_string()));
                csv.push_str(&format!("{},{},{},{},{prediction},{target}\n", field(&name), bin.from, bin.to, bin.valid_px));
            }
        }
        csv
    }
}

/// Scores as CSV fields, empty ones of a scene without a valid pixel.
fn numbers(scores: &[f64]) -> String {
    let field = |score: &f64| if score.is_nan() { String::new() } else { score.to_string() };
    scores.iter().map(field).collect::<Vec<_>>().join(",")
}
