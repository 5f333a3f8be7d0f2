//! Reliability: charts of what was observed against what was predicted, and how sure maps of classes are.

use maud::{Markup, html};

use crate::calibrate::BinMeans;
use crate::evaluate::certainty::{WrittenCertainty, WrittenReliability};
use crate::evaluate::score_file::ScoreFile;
use crate::report::colours::Colours;
use crate::report::html::{Key, charts, table};
use crate::report::plot::{Axis, Mark, Plot, Series};
use crate::tasks::Sure;

/// Largest radius of a dot that stands for many pixels.
const LARGEST_DOT: f64 = 7.0;

/// In a legend: the line on which everything would lie.
pub const DIAGONAL: (&str, Key) = ("as predicted, so observed", Key::Dash);

/// What was observed, on average, where something was predicted, of models by name; the area of a dot is its share of the pixels. `labels`:
/// of the axes.
pub fn chart<'a>(title: &str, labels: [&str; 2], models: impl Iterator<Item = (&'a String, &'a [BinMeans])>, colours: &Colours) -> Plot {
    let mut series = vec![Series::new(None, Mark::Dashed(2.0), vec![[0.0, 0.0], [1.0, 1.0]])];
    for (name, bins) in models {
        let bins = || bins.iter().filter_map(|bin| Some((bin.mean_prediction?, bin.mean_target?, bin.valid_px as f64)));
        let all: f64 = bins().map(|bin| bin.2).sum();
        let radii = bins().map(|bin| (LARGEST_DOT * (bin.2 / all.max(1.0)).sqrt()).max(1.5)).collect();
        let points = bins().map(|(prediction, target, _)| [prediction, target]).collect();
        series.push(Series { radii, ..Series::new(Some(colours.number(name)), Mark::Both(2.0), points) });
    }
    let tenths = || (0..=5).map(|i| (f64::from(i) / 5.0, format!("{:.1}", f64::from(i) / 5.0))).collect::<Vec<_>>();
    let [x, y] = labels.map(|label| Axis::fixed(label, [0.0, 1.0], tenths()));
    Plot { title: title.into(), x, y, series, rug: Vec::new() }
}

/// Whether the maps of any model say how sure they are.
pub fn is_there(scores: &ScoreFile) -> bool {
    scores.models.0.iter().any(|(_, model)| model.certainty.is_some())
}

/// How often maps are right where they say how sure they are, before and after calibration.
pub fn section(scores: &ScoreFile, words: &Sure, colours: &Colours) -> Markup {
    type Of = fn(&WrittenCertainty) -> Option<&WrittenReliability>;
    let said: Of = |certainty| certainty.said.as_ref();
    let calibrated: Of = |certainty| certainty.calibrated.as_ref();
    let models = || scores.models.0.iter().filter_map(|(name, model)| Some((name, model.certainty.as_ref()?)));
    let plot = |title: &str, x: &str, of: Of| {
        let bins = models().filter_map(|(name, certainty)| Some((name, of(certainty)?.bins.as_slice())));
        chart(title, [x, words.seen], bins, colours)
    };
    let is_calibrated = models().any(|(_, certainty)| certainty.calibrated.is_some());
    let mut plots = vec![plot("As the network says it", words.said[0], said)];
    plots.extend(is_calibrated.then(|| plot("Calibrated", words.said[1], calibrated)));
    let number = |value: Option<f64>| value.map_or("–".into(), |value| format!("{value:.4}"));
    let of = |reliability: Option<&WrittenReliability>| {
        let error = reliability.and_then(|reliability| reliability.expected_calibration_error);
        [error, reliability.and_then(|reliability| reliability.brier)].map(number)
    };
    let has_quantiles = models().any(|(_, certainty)| certainty.crps.is_some());
    html! {
        (colours.legend_and(&[DIAGONAL]))
        (charts(&plots))
        p.note {
            (words.note) "; the area of a dot is the bin's share of the pixels. The expected calibration error is the mean distance between "
            "the two, in a hundred bins; the Brier score the mean square of what is said less 1 where it is so and 0 where it is not."
            @if has_quantiles {
                " CRPS: the continuous ranked probability score of the quantiles beside the maps, which of a map alone is its mean absolute "
                "error."
            }
            @if !is_calibrated { " None is calibrated: " code { "meltcore calibrate" } " fits a curve that later maps say it by." }
        }
        (table(&html! {
            thead { tr {
                th { "" } th.n { "expected calibration error" } th.n { "calibrated" } th.n { "Brier score" } th.n { "calibrated" }
                @if has_quantiles { th.n { "CRPS" } }
            } }
            tbody {
                @for (name, certainty) in models() {
                    @let ([error, brier], [error_calibrated, brier_calibrated]) = (of(certainty.said.as_ref()), of(certainty.calibrated.as_ref()));
                    tr {
                        th { (name) } td.n { (error) } td.n { (error_calibrated) } td.n { (brier) } td.n { (brier_calibrated) }
                        @if has_quantiles { td.n { (number(certainty.crps)) } }
                    }
                }
            }
        }))
    }
}
