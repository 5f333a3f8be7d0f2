//! The scores of all models, and the page's first sentence.

use maud::{Markup, html};

use crate::report::html::table;
use crate::report::score_file::{ModelScores, ScoreFile, Scores, score, score_text};

/// A column of the table.
struct Column {
    /// Which of a model's scores it shows.
    of: fn(&ModelScores) -> &Scores,
    /// Their spread over the days, where it has one.
    spread: Option<fn(&ModelScores) -> &Scores>,
    /// Name in the scores.
    name: &'static str,
    head: &'static str,
    more_is_better: bool,
}

impl Column {
    const fn mean(name: &'static str, head: &'static str, more_is_better: bool) -> Column {
        Column { of: |model| &model.weighted_mean, spread: Some(|model| &model.weighted_std), name, head, more_is_better }
    }

    fn best(&self, models: &[(String, ModelScores)]) -> Option<f64> {
        let better = if self.more_is_better { f64::max } else { f64::min };
        models.iter().filter_map(|(_, model)| score((self.of)(model), self.name)).reduce(better)
    }
}

/// The columns; the first five are the benchmark's paper's.
const COLUMNS: [Column; 10] = [
    Column::mean("mae", "MAE", false),
    Column::mean("mse", "MSE", false),
    Column::mean("accuracy", "Accuracy", true),
    Column::mean("f1", "F1", true),
    Column::mean("ssim", "SSIM", true),
    Column::mean("rmse", "RMSE", false),
    Column::mean("r2", "R²", true),
    Column::mean("precision", "Precision", true),
    Column::mean("recall", "Recall", true),
    Column { of: |model| &model.pooled, spread: None, name: "f1", head: "pooled F1", more_is_better: true },
];

/// The table of all models' scores.
pub fn section(scores: &ScoreFile) -> Markup {
    let models = &scores.models.0;
    let is_best = |column: &Column, model: &ModelScores| {
        let value = score((column.of)(model), column.name);
        models.len() > 1 && value.is_some() && value == column.best(models)
    };
    html! {
        (table(&html! {
            thead { tr { th { "Model" } @for column in &COLUMNS { th.n { (column.head) } } } }
            tbody {
                @for (name, model) in models {
                    tr {
                        td { (name) }
                        @for column in &COLUMNS { td.n.best[is_best(column, model)] { (score_text((column.of)(model), column.name)) } }
                    }
                    tr {
                        td.dim { "± over days" }
                        @for column in &COLUMNS { td.n.dim { @if let Some(of) = column.spread { (score_text(of(model), column.name)) } } }
                    }
                }
            }
        }))
        p.note {
            "Means over the days, weighted by the observed pixels on land, and the standard deviation over the days below. "
            "Accuracy, F1, precision and recall: melt is a fraction above 0.1. Pooled F1: all pixels of all days at once. "
            "SSIM: structural similarity with a Gaussian window of 10 pixels."
        }
    }
}

/// The page's first sentences: how many days were scored, and the model with the least error where there are several.
pub fn lead(scores: &ScoreFile) -> String {
    let models = &scores.models.0;
    let scenes = models.first().map_or(0, |(_, model)| model.scenes.0.len());
    let errors = models.iter().filter_map(|(name, model)| Some((name, score(&model.weighted_mean, "mae")?)));
    let best = errors.min_by(|a, b| a.1.total_cmp(&b.1)).filter(|_| models.len() > 1);
    let best = best.map_or(String::new(), |(name, mae)| {
        format!(" Mean absolute error of {name}: {mae:.4} in melt fraction, the lowest of {}.", models.len())
    });
    format!("Daily melt maps against observed ones on {scenes} days of the split {}.{best}", scores.split)
}
