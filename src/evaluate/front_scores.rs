//! Distances between fronts ([`fronts`](super::fronts)), summed up over the scenes of a split: for tables, CSV and JSON.

use serde::{Deserialize, Serialize};

use super::fronts::SceneFronts;
use super::score_file::Pairs;
use super::table::{Evaluation, ModelScores};
use crate::data::csv::field;
use crate::fronts::csv::{GROUP_COLUMNS, SCENE_COLUMNS, group_line, scene_line};
use crate::fronts::distances::Compared;
use crate::fronts::groups::{FrontGroup, grouped};
use crate::fronts::scores::FrontScores;
use crate::tasks::ClassScores;

/// Where the bins of distances end, metres; the last one has no end.
const BIN_ENDS: [f64; 8] = [25.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0, 3200.0];

/// What a model's fronts are worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WrittenFronts {
    /// Of all scenes.
    #[serde(flatten)]
    pub all: FrontScores,
    /// Of each scene, by file name.
    pub fronts: Pairs<WrittenFront>,
    /// By what names of scenes say, and there by group.
    pub groups: Pairs<Pairs<FrontScores>>,
    /// Means over scenes of each zone's scores, and of those of all zones as `mean`.
    pub zones: Pairs<ClassScores>,
    /// How many distances are how long.
    pub distances: Vec<DistanceBin>,
}

/// The front of one scene.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WrittenFront {
    /// Whether the map or the truth has none.
    pub missing: bool,
    /// Pixels of the map's front.
    pub predicted_px: usize,
    /// Pixels of the true one.
    pub observed_px: usize,
    /// Mean of the distances, metres.
    pub mean_distance_m: Option<f64>,
    /// Metres of the map's front.
    pub length_m: f64,
    /// Mean place of the map's front, metres to the right and down, or x and −y of the map.
    pub centre_m: Option<[f64; 2]>,
    /// Mean place of the true front.
    pub observed_centre_m: Option<[f64; 2]>,
    /// Where the map's front looks: to the right, and down.
    pub seaward: [f64; 2],
}

/// Distances of a range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DistanceBin {
    /// The shortest, metres.
    pub from_m: f64,
    /// Where it ends, metres; none of the last bin.
    pub to_m: Option<f64>,
    /// How many, both ways together.
    pub pixels: usize,
}

impl WrittenFront {
    fn of(scene: &SceneFronts) -> WrittenFront {
        let [centre_m, observed_centre_m] = scene.centres;
        WrittenFront {
            missing: scene.compared.is_missing(),
            predicted_px: scene.compared.predicted,
            observed_px: scene.compared.observed,
            mean_distance_m: scene.compared.mean(),
            length_m: scene.length,
            centre_m,
            observed_centre_m,
            seaward: scene.seaward,
        }
    }
}

/// The distances of scenes, sorted into bins.
fn bins<'a>(scenes: impl Iterator<Item = &'a Compared>) -> Vec<DistanceBin> {
    let starts = std::iter::once(0.0).chain(BIN_ENDS);
    let ends = BIN_ENDS.into_iter().map(Some).chain([None]);
    let mut bins: Vec<DistanceBin> = starts.zip(ends).map(|(from_m, to_m)| DistanceBin { from_m, to_m, pixels: 0 }).collect();
    for distance in scenes.flat_map(Compared::all) {
        let bin = BIN_ENDS.iter().position(|end| distance < *end).unwrap_or(BIN_ENDS.len());
        bins[bin].pixels += 1;
    }
    bins
}

/// Names of scenes with their fronts beside the true ones.
fn compared(model: &ModelScores) -> impl Iterator<Item = (&str, &Compared)> + Clone {
    model.fronts.iter().map(|(file, scene)| (file.strip_suffix(".tif").unwrap_or(file), &scene.compared))
}

impl Evaluation {
    /// What a model's fronts are worth; none of tasks without fronts.
    pub fn front_scores(&self, model: &ModelScores) -> Option<WrittenFronts> {
        self.task.fronts()?;
        let scenes = || compared(model);
        let of_groups = |by: FrontGroup| (by.name().to_owned(), Pairs(grouped(scenes(), by)));
        Some(WrittenFronts {
            all: FrontScores::of(scenes().map(|(_, compared)| compared)),
            fronts: Pairs(model.fronts.iter().map(|(file, scene)| (file.clone(), WrittenFront::of(scene))).collect()),
            groups: Pairs(FrontGroup::ALL.into_iter().map(of_groups).collect()),
            zones: self.zone_means(model),
            distances: bins(scenes().map(|(_, compared)| compared)),
        })
    }

    /// Means over scenes, each counting the same, of the scores of each class and of all together.
    fn zone_means(&self, model: &ModelScores) -> Pairs<ClassScores> {
        let mean = |name: &str| {
            let (place, count) = (model.place(name)?, model.scored().count());
            Some(model.scored().map(|(_, scene)| scene.scored.values[place]).sum::<f64>() / count as f64)
        };
        let scores = |ending: &str| {
            let [iou, precision, recall, f1] = ["iou", "precision", "recall", "f1"].map(|name| mean(&format!("{name}{ending}")));
            ClassScores { iou, precision, recall, f1 }
        };
        let zones = self.task.classes().unwrap_or_default().iter().map(|zone| ((*zone).to_owned(), scores(&format!("_{zone}"))));
        Pairs(zones.chain([("mean".to_owned(), scores(""))]).collect())
    }

    /// One line per model and scene with its fronts, under a header.
    pub fn fronts_to_csv(&self) -> String {
        let mut csv = format!("model,scene,{SCENE_COLUMNS}\n");
        for model in &self.models {
            for (file, scene) in &model.fronts {
                let name = file.strip_suffix(".tif").unwrap_or(file);
                csv.push_str(&format!("{},{},{}\n", field(&model.name), field(name), scene_line(&scene.compared, scene.length)));
            }
        }
        csv
    }

    /// One line per model and group of scenes, all of them first, under a header.
    pub fn front_groups_to_csv(&self) -> String {
        let mut csv = format!("model,by,group,{GROUP_COLUMNS}\n");
        for model in &self.models {
            let name = field(&model.name);
            let all = FrontScores::of(compared(model).map(|(_, compared)| compared));
            csv.push_str(&format!("{name},all,all,{}\n", group_line(&all)));
            for by in FrontGroup::ALL {
                for (group, scores) in grouped(compared(model), by) {
                    csv.push_str(&format!("{name},{},{},{}\n", by.name(), field(&group), group_line(&scores)));
                }
            }
        }
        csv
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_counted_in_bins() {
        let scene = Compared { to_observed: vec![0.0, 24.9, 25.0, 3199.0], to_predicted: vec![3200.0, 1e9], ..Compared::default() };
        let counted: Vec<usize> = bins([scene].iter()).iter().map(|bin| bin.pixels).collect();
        assert_eq!(counted, [2, 1, 0, 0, 0, 0, 0, 1, 2]);
    }

    #[test]
    fn scores_are_read_as_they_were_written() {
        let front = WrittenFront {
            missing: true,
            predicted_px: 0,
            observed_px: 7,
            mean_distance_m: None,
            length_m: 0.0,
            centre_m: None,
            observed_centre_m: Some([1.5, -2.25]),
            seaward: [0.0, 0.0],
        };
        let written = WrittenFronts {
            all: FrontScores { images: 1, missing: 1, ..FrontScores::default() },
            fronts: Pairs(vec![("a.tif".into(), front)]),
            groups: Pairs(vec![("glacier".into(), Pairs(vec![("COL".into(), FrontScores::default())]))]),
            zones: Pairs(vec![("ocean".into(), ClassScores { iou: Some(0.25), precision: None, recall: None, f1: None })]),
            distances: bins([].iter()),
        };
        let text = serde_json::to_string(&written).unwrap();
        assert!(text.starts_with("{\"images\":1,\"missing\":1,\"pixels\":0,\"mde\":null,"), "{text}");
        assert_eq!(serde_json::from_str::<WrittenFronts>(&text).unwrap(), written);
    }
}
