//! What `meltcore eval` says of fronts.

use super::output::Table;
use crate::evaluate::Evaluation;
use crate::fronts::scores::FrontScores;

/// One row a model, and one for each group of scenes by a single property: mean distances between fronts, and how many are missing.
pub fn front_table(evaluation: &Evaluation) -> Table {
    let mut table = Table::new(&["model", "fronts", "scenes", "missing", "mde_m", "std_m", "mean_of_scenes_m", "by_length_m"]);
    for model in &evaluation.models {
        let Some(scores) = evaluation.front_scores(model) else { continue };
        let mut row = |label: &str, scores: &FrontScores| {
            table.row([model.name.clone()].into_iter().chain(score_cells(label, scores)));
        };
        row("all", &scores.all);
        for (by, groups) in &scores.groups.0 {
            // Groups by two properties are in the files.
            if !by.contains('_') {
                groups.0.iter().for_each(|(group, scores)| row(group, scores));
            }
        }
    }
    table
}

/// The cells of some scores behind their name; `meltcore front` shows them, too.
pub fn score_cells(label: &str, scores: &FrontScores) -> Vec<String> {
    let metres = [scores.mde, scores.mde_std, scores.mde_per_image, scores.mde_by_length];
    let metres = metres.map(|value| value.map_or("–".to_owned(), |value| format!("{value:.1}")));
    let counts = [scores.images, scores.missing].map(|count| count.to_string());
    [label.to_owned()].into_iter().chain(counts).chain(metres).collect()
}

/// One row a model and zone, and one for their mean: means over the scenes, each counting the same.
pub fn zone_table(evaluation: &Evaluation) -> Table {
    let mut table = Table::new(&["model", "zone", "iou", "precision", "recall", "f1"]);
    for model in &evaluation.models {
        for (zone, of) in evaluation.front_scores(model).iter().flat_map(|scores| &scores.zones.0) {
            let numbers = [of.iou, of.precision, of.recall, of.f1];
            let numbers = numbers.map(|value| value.map_or("–".to_owned(), |value| format!("{value:.4}")));
            table.row([model.name.clone(), zone.clone()].into_iter().chain(numbers));
        }
    }
    table
}
