//! How far fronts are from the true ones: by model and group, how many distances are how long, and where fronts were over time.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::domains::SceneName;
use crate::evaluate::WrittenFronts;
use crate::evaluate::front_scores::DistanceBin;
use crate::evaluate::score_file::ScoreFile;
use crate::fronts::scores::FrontScores;
use crate::fronts::series::date_of;
use crate::report::colours::Colours;
use crate::report::html::{Key, charts, table};
use crate::report::plot::{Axis, Mark, Plot, Series};

/// Dated scenes of a glacier from which on its front is drawn over time.
const ENOUGH: usize = 3;
/// Years between scenes that a line still joins.
const JOINED: f64 = 3.0;
const DAYS_OF_YEAR: f64 = 365.25;

/// Whether the scores know fronts.
pub fn is_there(scores: &ScoreFile) -> bool {
    models(scores).next().is_some()
}

fn models(scores: &ScoreFile) -> impl Iterator<Item = (&String, &WrittenFronts)> + Clone {
    scores.models.0.iter().filter_map(|(name, model)| Some((name, model.fronts.as_ref()?)))
}

/// The section.
pub fn section(scores: &ScoreFile, colours: &Colours) -> Markup {
    let groups = |of: &WrittenFronts| -> Vec<(String, FrontScores)> {
        // Groups by two properties are in the files.
        of.groups.0.iter().filter(|(by, _)| !by.contains('_')).flat_map(|(_, groups)| groups.0.clone()).collect()
    };
    let moved: Vec<Plot> = glaciers(scores).iter().filter_map(|glacier| over_time(scores, glacier, colours)).collect();
    html! {
        (table(&html! {
            thead { tr {
                th { "model" } th { "fronts" }
                @for head in ["scenes", "missing", "mean distance", "± std", "mean over scenes", "by length"] { th.n { (head) } }
            } }
            tbody {
                @for (name, of) in models(scores) {
                    (row(name, "all", &of.all))
                    @for (label, scores) in groups(of) { (row("", &label, &scores)) }
                }
            }
        }))
        p.note {
            "Distances from each pixel of a map's front to the nearest of the true one and back, all scenes pooled, so that long and finely "
            "resolved fronts weigh more; then the mean over scenes of each one's mean, and that weighted by the true front's pixels. A scene "
            "without either front is missing and in no mean. Summer is April to August in the north, the other months in the south."
        }
        (colours.legend_and(&[]))
        (charts(&[histogram(scores, colours)]))
        p.note { "Each dot is the share of the distances between the two marks beside it, the last of those beyond." }
        (zones(scores))
        @if !moved.is_empty() {
            (colours.legend_and(&[("true front", Key::Dot)]))
            (charts(&moved))
            p.note {
                "Mean place of the fronts' pixels, along the mean direction in which the fronts look, from the least of the true ones: larger is "
                "nearer to the ocean. Where a front was only partly seen, its mean place moves, too."
            }
        }
    }
}

fn row(model: &str, label: &str, scores: &FrontScores) -> Markup {
    let metres = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.0} m"));
    html! {
        tr {
            th { (model) } td { (label) } td.n { (scores.images) } td.n { (scores.missing) }
            @for value in [scores.mde, scores.mde_std, scores.mde_per_image, scores.mde_by_length] { td.n { (metres(value)) } }
        }
    }
}

/// The share of all distances in each bin.
fn histogram(scores: &ScoreFile, colours: &Colours) -> Plot {
    let mut labels: Vec<(f64, String)> = Vec::new();
    let mut series = Vec::new();
    // Between 0 and a pixel's side there is no distance: bins that are empty for every model belong to the ones before.
    let is_empty = |at: usize| at > 0 && models(scores).all(|(_, of)| of.distances.get(at).is_none_or(|bin| bin.pixels == 0));
    for (name, of) in models(scores) {
        let all: usize = of.distances.iter().map(|bin| bin.pixels).sum();
        let share = |pixels: usize| pixels as f64 / all.max(1) as f64;
        let bins: Vec<&DistanceBin> = of.distances.iter().enumerate().filter(|(at, _)| !is_empty(*at)).map(|(_, bin)| bin).collect();
        let points = bins.iter().enumerate().map(|(at, bin)| [at as f64 + 0.5, share(bin.pixels)]).collect();
        series.push(Series::new(Some(colours.number(name)), Mark::Both(2.0), points));
        labels = bins.iter().enumerate().map(|(at, bin)| (at as f64, format!("{:.0}", bin.from_m))).collect();
    }
    let most = series.iter().flat_map(|series| series.points.iter().map(|point| point[1]));
    let y = Axis::linear("share of front pixels", most, true);
    let x = Axis::fixed("distance to the other front, m", [0.0, labels.len() as f64], labels);
    Plot { title: "How far fronts are from the true ones".into(), x, y, series, rug: Vec::new() }
}

/// Means of the zones' scores over scenes.
fn zones(scores: &ScoreFile) -> Markup {
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3}"));
    html! {
        (table(&html! {
            thead { tr { th { "model" } th { "zone" } @for head in ["IoU", "precision", "recall", "F1"] { th.n { (head) } } } }
            tbody {
                @for (name, of) in models(scores) {
                    @for (place, (zone, of)) in of.zones.0.iter().enumerate() {
                        tr {
                            th { @if place == 0 { (name) } } td { (zone) }
                            @for value in [of.iou, of.precision, of.recall, of.f1] { td.n { (number(value)) } }
                        }
                    }
                }
            }
        }))
        p.note { "Zones: means over scenes, each counting the same; a zone that a scene and its map both lack scores 0 there." }
    }
}

/// The glacier of a scene's file; empty where its name says none.
fn glacier_of(file: &str) -> String {
    SceneName::parse(scene_of(file)).map_or_else(String::new, |name| name.glacier)
}

fn scene_of(file: &str) -> &str {
    file.strip_suffix(".tif").unwrap_or(file)
}

/// The glaciers of which enough dated scenes are there.
fn glaciers(scores: &ScoreFile) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    if let Some((_, of)) = models(scores).next() {
        let dated = of.fronts.0.iter().filter(|(file, _)| date_of(scene_of(file)).is_some());
        dated.for_each(|(file, _)| *counts.entry(glacier_of(file)).or_default() += 1);
    }
    counts.into_iter().filter(|(_, count)| *count >= ENOUGH).map(|(glacier, _)| glacier).collect()
}

/// Where a glacier's fronts were over time; none where no front looks anywhere.
fn over_time(scores: &ScoreFile, glacier: &str, colours: &Colours) -> Option<Plot> {
    let fronts = |of: &'_ WrittenFronts| {
        let of_glacier = of.fronts.0.iter().filter(|(file, _)| glacier_of(file) == glacier);
        let mut dated: Vec<_> = of_glacier.filter_map(|(file, front)| Some((date_of(scene_of(file))?, front.clone()))).collect();
        dated.sort_by_key(|(date, _)| *date);
        dated
    };
    let all: Vec<_> = models(scores).flat_map(|(_, of)| fronts(of)).collect();
    let (x, y) = all.iter().fold((0.0, 0.0), |sum, (_, front)| (sum.0 + front.seaward[0], sum.1 + front.seaward[1]));
    let length = f64::hypot(x, y);
    if length == 0.0 {
        return None;
    }
    let along = |centre: [f64; 2]| (centre[0] * x + centre[1] * y) / length;
    let year = |date: crate::data::day::Day| 1970.0 + date.number() as f64 / DAYS_OF_YEAR;
    let least = all.iter().filter_map(|(_, front)| Some(along(front.observed_centre_m?))).min_by(f64::total_cmp)?;
    let mut series = Vec::new();
    if let Some((_, of)) = models(scores).next() {
        let observed = fronts(of).into_iter().filter_map(|(date, front)| Some([year(date), along(front.observed_centre_m?) - least]));
        series.push(Series::new(None, Mark::Both(JOINED), observed.collect()));
    }
    for (name, of) in models(scores) {
        let mapped = fronts(of).into_iter().filter_map(|(date, front)| Some([year(date), along(front.centre_m?) - least]));
        series.push(Series::new(Some(colours.number(name)), Mark::Dots, mapped.collect()));
    }
    let points = || series.iter().flat_map(|series| series.points.iter());
    let title = if glacier.is_empty() { "Fronts over time".to_owned() } else { format!("{glacier}: fronts over time") };
    Some(Plot {
        title,
        x: Axis::linear("year", points().map(|point| point[0]), false),
        y: Axis::linear("m towards the ocean", points().map(|point| point[1]), false),
        series,
        rug: Vec::new(),
    })
}
