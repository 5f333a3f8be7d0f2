//! How well the area and the outlines of what hangs together are drawn.

use maud::{Markup, html};

use crate::evaluate::GlacierScores;
use crate::evaluate::score_file::ScoreFile;
use crate::report::html::turning_table;

const SQUARE_METRES_IN_SQUARE_KILOMETRE: f64 = 1e6;

/// Whether the scores know areas and outlines.
pub fn is_there(scores: &ScoreFile) -> bool {
    scores.models.0.iter().any(|(_, model)| !model.glaciers.is_empty())
}

/// The section.
pub fn section(scores: &ScoreFile) -> Markup {
    let classes: usize = scores.models.0.iter().map(|(_, model)| model.glaciers.0.len()).max().unwrap_or_default();
    let rows = scores.models.0.iter().flat_map(|(name, model)| model.glaciers.0.iter().map(move |(class, scores)| (name, class, scores)));
    let heads =
        ["true area", "mapped area", "deviation", "median deviation", "its absolute value", "true outline to map", "map's to truth"];
    html! {
        (turning_table(&html! {
            thead {
                tr {
                    th { "model" }
                    @if classes > 1 { th { "class" } }
                    @for head in ["glaciers", "missed", "false regions"].into_iter().chain(heads) { th.n { (head) } }
                }
            }
            tbody {
                @for (name, class, scores) in rows {
                    tr {
                        th { (name) }
                        @if classes > 1 { td { (class) } }
                        @for count in [scores.glaciers, scores.missed, scores.false_regions] { td.n { (count) } }
                        @for cell in cells(scores) { td.n { (cell) } }
                    }
                }
            }
        }))
        p.note {
            "A glacier is what hangs together in the truth. A mapped pixel is counted to the nearest one, if what it hangs together with "
            "in the map overlaps any; what overlaps none is a false region. Deviation: (mapped − true) / true area, of all together and as "
            "median over the glaciers, large and small ones alike. Outlines: mean distance from one to the other, the median in brackets."
        }
    }
}

/// Areas, deviations and distances as the page shows them.
fn cells(scores: &GlacierScores) -> [String; 7] {
    let area = |square_metres: f64| format!("{:.3} km²", square_metres / SQUARE_METRES_IN_SQUARE_KILOMETRE);
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "–".into());
    let share = |value: Option<f64>| or_none(value.map(|value| format!("{:+.1} %", 100.0 * value).replace('-', "−")));
    let absolute = or_none(scores.median_abs_deviation.map(|value| format!("{:.1} %", 100.0 * value)));
    let [to_map, to_truth] = [scores.to_map, scores.to_truth]
        .map(|distances| or_none(distances.mean_m.zip(distances.median_m).map(|(mean, median)| format!("{mean:.0} m ({median:.0} m)"))));
    [
        area(scores.area_m2),
        area(scores.map_area_m2),
        share(scores.area_deviation),
        share(scores.median_deviation),
        absolute,
        to_map,
        to_truth,
    ]
}
