//! Which classes are taken for which: scores of each class over all pixels, and the confusion matrix.

use maud::{Markup, html};

use crate::evaluate::score_file::{ScoreFile, WrittenScores};
use crate::report::html::turning_table;
use crate::tasks::ClassScores;

/// Whether the scores are of classes.
pub fn is_there(scores: &ScoreFile) -> bool {
    scores.models.0.iter().any(|(_, model)| !model.classes.is_empty())
}

/// The section.
pub fn section(scores: &ScoreFile) -> Markup {
    html! {
        @for (name, model) in &scores.models.0 {
            h3 { (name) }
            (of_classes(model))
            (confusion(model))
        }
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{value:.3}"))
}

fn of_classes(model: &WrittenScores) -> Markup {
    html! {
        (turning_table(&html! {
            thead { tr { th { "class" } @for title in ["IoU", "F1", "precision", "recall"] { th.n { (title) } } } }
            tbody {
                @for (class, ClassScores { iou, f1, precision, recall }) in &model.classes.0 {
                    tr { th { (class) } @for value in [iou, f1, precision, recall] { td.n { (number(*value)) } } }
                }
            }
        }))
    }
}

fn confusion(model: &WrittenScores) -> Markup {
    let names = || model.classes.0.iter().map(|(name, _)| name);
    let share = |row: &[u64], count: u64| format!("{:.1} %", 100.0 * count as f64 / row.iter().sum::<u64>().max(1) as f64);
    html! {
        p.note { "What the pixels of each class are mapped as:" }
        (turning_table(&html! {
            thead { tr { th { "observed" } @for name in names() { th.n { "mapped as " (name) } } th.n { "pixels" } } }
            tbody {
                @for (name, row) in names().zip(&model.confusion) {
                    tr { th { (name) } @for count in row { td.n { (share(row, *count)) } } td.n { (row.iter().sum::<u64>()) } }
                }
            }
        }))
    }
}
