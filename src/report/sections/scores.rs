//! The scores of all models, and the page's first sentence.

use maud::{Markup, html};

use crate::evaluate::score_file::{ScoreFile, Scores, WrittenScores, score};
use crate::report::html::{score_text, turning_table};
use crate::tasks::{Better, Column, Task};

/// A column of the table.
struct Shown {
    /// Which of a model's scores it shows.
    of: fn(&WrittenScores) -> &Scores,
    /// Their spread over the days, where it has one.
    spread: Option<fn(&WrittenScores) -> &Scores>,
    /// Name in the scores.
    name: &'static str,
    head: &'static str,
    more_is_better: bool,
}

impl Shown {
    fn mean(Column { name, title, better, .. }: &Column) -> Shown {
        let more_is_better = *better == Better::More;
        Shown { of: |model| &model.weighted_mean, spread: Some(|model| &model.weighted_std), name, head: title, more_is_better }
    }

    fn pooled(task: &dyn Task, (name, head): (&'static str, &'static str)) -> Shown {
        let more_is_better = task.column(name).is_none_or(|column| column.better == Better::More);
        Shown { of: |model| &model.pooled, spread: None, name, head, more_is_better }
    }

    fn best(&self, models: &[(String, WrittenScores)]) -> Option<f64> {
        let better = if self.more_is_better { f64::max } else { f64::min };
        models.iter().filter_map(|(_, model)| score((self.of)(model), self.name)).reduce(better)
    }
}

/// The table of all models' scores.
pub fn section(scores: &ScoreFile, task: &dyn Task) -> Markup {
    let models = &scores.models.0;
    let means = task.table().iter().filter_map(|name| task.column(name)).filter(|column| column.better != Better::Neither).map(Shown::mean);
    let columns: Vec<Shown> = means.chain(task.words().pooled.iter().map(|named| Shown::pooled(task, *named))).collect();
    let is_best = |column: &Shown, model: &WrittenScores| {
        let value = score((column.of)(model), column.name);
        models.len() > 1 && value.is_some() && value == column.best(models)
    };
    let spread =
        |column: &Shown, model: &WrittenScores| column.spread.map(|of| format!("±\u{202f}{}", score_text(task, of(model), column.name)));
    html! {
        (turning_table(&html! {
            thead { tr { th { "Model" } @for column in &columns { th.n { (column.head) } } } }
            tbody {
                @for (name, model) in models {
                    tr {
                        td { (name) }
                        @for column in &columns {
                            td.n {
                                span.best[is_best(column, model)] { (score_text(task, (column.of)(model), column.name)) }
                                @if let Some(spread) = spread(column, model) { small { (spread) } }
                            }
                        }
                    }
                }
            }
        }))
        p.note { (task.words().scores) }
    }
}

/// The page's first sentences: how many days were scored, and the best model where there are several.
pub fn lead(scores: &ScoreFile, task: &dyn Task) -> String {
    let models = &scores.models.0;
    let (words, foremost) = (task.words(), task.headline()[0]);
    let scenes = models.first().map_or(0, |(_, model)| model.scenes.0.iter().filter(|(_, of)| score(of, foremost).is_some()).count());
    let values = models.iter().filter_map(|(name, model)| Some((name, score(&model.weighted_mean, foremost)?)));
    let more = task.column(foremost).is_some_and(|column| column.better == Better::More);
    let order = |a: &(&String, f64), b: &(&String, f64)| if more { b.1.total_cmp(&a.1) } else { a.1.total_cmp(&b.1) };
    let best = values.min_by(order).filter(|_| models.len() > 1).map_or(String::new(), |(name, value)| {
        let ([score, unit], which) = (words.first_score, if more { "highest" } else { "lowest" });
        let unit = if unit.is_empty() { String::new() } else { format!(" in {unit}") };
        format!(" {score} of {name}: {value:.4}{unit}, the {which} of {}.", models.len())
    });
    let days = words.of.names[usize::from(scenes != 1)];
    format!("{} against observed ones on {scenes} {days} of the split {}.{best}", words.maps, scores.split)
}
