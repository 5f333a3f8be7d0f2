//! Deviations of areas and distances of outlines ([`glaciers`](super::glaciers)), summed up over the scenes of a split.

use serde::{Deserialize, Serialize};

use super::glaciers::{Compared, Glacier};
use super::table::{Evaluation, ModelScores};
use crate::data::csv::field;

/// What a model's maps of a class make of its glaciers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GlacierScores {
    /// True glaciers.
    pub glaciers: usize,
    /// Those to which no mapped pixel is counted.
    pub missed: usize,
    /// Regions of maps that overlap none.
    pub false_regions: usize,
    /// True area, m².
    pub area_m2: f64,
    /// Mapped area, m²: that of all glaciers and false regions.
    pub map_area_m2: f64,
    /// Area of the false regions, m².
    pub false_area_m2: f64,
    /// (mapped − true) / true area of all together; none without a glacier, as are the next two.
    pub area_deviation: Option<f64>,
    /// Median over the glaciers of (mapped − true) / true.
    pub median_deviation: Option<f64>,
    /// Median of its absolute values.
    pub median_abs_deviation: Option<f64>,
    /// From pixels of the true boundaries to the maps', m; scenes in which either has none are left out.
    pub to_map: Distances,
    /// From pixels of the maps' boundaries to the true ones, m.
    pub to_truth: Distances,
}

/// Distances of boundary pixels; none where there are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Distances {
    /// Their mean, m.
    pub mean_m: Option<f64>,
    /// Their median, m.
    pub median_m: Option<f64>,
}

impl Distances {
    fn of<'a>(scenes: impl Iterator<Item = &'a Vec<f32>>) -> Distances {
        let all: Vec<f64> = scenes.flatten().map(|distance| f64::from(*distance)).collect();
        let mean_m = (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64);
        Distances { mean_m, median_m: median(all) }
    }
}

impl GlacierScores {
    /// Of the scenes of a split.
    pub fn of<'a>(scenes: impl Iterator<Item = &'a Compared> + Clone) -> GlacierScores {
        let glaciers: Vec<&Glacier> = scenes.clone().flat_map(|scene| &scene.glaciers).collect();
        let area: f64 = glaciers.iter().map(|glacier| glacier.area).sum();
        let false_area: f64 = scenes.clone().map(|scene| scene.false_area).sum();
        let mapped = glaciers.iter().map(|glacier| glacier.mapped).sum::<f64>() + false_area;
        let deviations: Vec<f64> = glaciers.iter().map(|glacier| glacier.deviation()).collect();
        GlacierScores {
            glaciers: glaciers.len(),
            missed: glaciers.iter().filter(|glacier| glacier.mapped == 0.0).count(),
            false_regions: scenes.clone().map(|scene| scene.false_regions).sum(),
            area_m2: area,
            map_area_m2: mapped,
            false_area_m2: false_area,
            area_deviation: (area > 0.0).then(|| (mapped - area) / area),
            median_abs_deviation: median(deviations.iter().map(|deviation| deviation.abs()).collect()),
            median_deviation: median(deviations),
            to_map: Distances::of(scenes.clone().map(|scene| &scene.to_map)),
            to_truth: Distances::of(scenes.map(|scene| &scene.to_truth)),
        }
    }
}

/// The middle of some numbers, between two the mean of both; none of nothing.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = |index: usize| values.get(index).copied();
    Some(0.5 * (middle((values.len().max(1) - 1) / 2)? + middle(values.len() / 2)?))
}

impl Evaluation {
    /// Of each class but the first, what a model makes of its glaciers; nothing where they were not looked at, as of tasks without classes
    /// or with fronts.
    pub fn glacier_scores(&self, model: &ModelScores) -> Vec<(&'static str, GlacierScores)> {
        if model.glaciers.is_empty() {
            return Vec::new();
        }
        let of = |index: usize| GlacierScores::of(model.glaciers.iter().filter_map(move |(_, classes)| classes.get(index)));
        self.task.classes().unwrap_or_default().iter().skip(1).enumerate().map(|(index, class)| (*class, of(index))).collect()
    }

    /// One line per model and true glacier, under a header; coordinates are those of its first pixel, empty without a georeference.
    pub fn glaciers_to_csv(&self) -> String {
        let mut csv = String::from("model,scene,class,glacier,row,col,x,y,area_m2,map_area_m2,deviation\n");
        let names = self.task.classes().unwrap_or_default();
        for model in &self.models {
            for (scene, classes) in &model.glaciers {
                for (class, compared) in names.iter().skip(1).zip(classes) {
                    for (number, glacier) in (1..).zip(&compared.glaciers) {
                        let Glacier { first: [row, col], place, area, mapped } = glacier;
                        let (x, y) = place.map_or_else(Default::default, |(x, y)| (x.to_string(), y.to_string()));
                        let (name, class, deviation) = (field(&model.name), field(class), glacier.deviation());
                        csv.push_str(&format!("{name},{scene},{class},{number},{row},{col},{x},{y},{area},{mapped},{deviation}\n"));
                    }
                }
            }
        }
        csv
    }
}
