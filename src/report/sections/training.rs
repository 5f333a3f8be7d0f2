//! The curves of trainings.

use maud::{Markup, html};

use crate::event::duration;
use crate::report::html::{Key, charts, legend, missing};
use crate::report::plot::{Axis, Mark, Plot, Series};
use crate::report::run_log::RunLog;
use crate::tasks::Task;

/// The curves of every log.
pub fn section(logs: &[RunLog], task: &dyn Task) -> Markup {
    if logs.is_empty() {
        return missing("No training log was found beside the checkpoints (log.jsonl); --log FILE names one.");
    }
    html! {
        (legend([("training", Some(0), Key::Line), ("validation", Some(1), Key::Line)]))
        @for log in logs {
            p.note { (log.path.display()) ": " (sentence(log)) }
            (charts(&curves(log, task)))
        }
    }
}

/// How long it took, and the best epoch.
fn sentence(log: &RunLog) -> String {
    let (epochs, time) = (log.epochs.len(), duration(log.total("seconds")));
    let best = log.curve("val_loss").into_iter().min_by(|a, b| a[1].total_cmp(&b[1]));
    let best = best.map_or(String::new(), |[epoch, loss]| format!(" Best validation loss {loss:.4} in epoch {epoch}."));
    format!("{epochs} {} in {time}.{best}", if epochs == 1 { "epoch" } else { "epochs" })
}

/// Loss, learning rate and validation scores of a run.
fn curves(log: &RunLog, task: &dyn Task) -> Vec<Plot> {
    let curve = |key: &str, colour: usize| Series::new(Some(colour), Mark::Line(f64::INFINITY), log.curve(key));
    let plot = |title: String, series: Vec<Series>, y: fn(&str, Vec<f64>) -> Axis, unit: &str| {
        let coordinates = |axis: usize| series.iter().flat_map(|series| &series.points).map(|point| point[axis]).collect::<Vec<_>>();
        let x = Axis::whole("epoch", coordinates(0).into_iter());
        let y = y(unit, coordinates(1));
        Plot { title, x, y, series, rug: Vec::new() }
    };
    let logarithmic = |label: &str, values: Vec<f64>| Axis::logarithmic(label, values.into_iter());
    let linear = |label: &str, values: Vec<f64>| Axis::linear(label, values.into_iter(), true);
    let mut plots = vec![
        plot("Loss".into(), vec![curve("train_loss", 0), curve("val_loss", 1)], logarithmic, "mean of the epoch"),
        plot("Learning rate".into(), vec![curve("learning_rate", 2)], linear, ""),
    ];
    for name in log.validation_scores() {
        let score = name.trim_start_matches("val_");
        let score = task.column(score).map_or_else(|| score.to_uppercase(), |column| column.title.to_owned());
        plots.push(plot(format!("Validation {score}"), vec![curve(&name, 1)], linear, ""));
    }
    plots.retain(|plot| plot.series.iter().any(|series| !series.points.is_empty()));
    plots
}
