//! The page's charts from its data: melt extent by year, climatology, reliability, errors by gap, curves of a training.

use std::collections::{BTreeMap, BTreeSet};

use super::extent::{Extent, Extents};
use super::plot::{Axis, Mark, Plot, Series};
use super::run_log::RunLog;
use super::score_file::{ModelScores, Pairs, Scores, score};
use super::season::Season;
use crate::data::day::Day;

/// Days of a model's curve further apart than this are not joined.
const JOINED_DAYS: f64 = 20.0;
/// An observed map shows the extent where it covers this share of the land.
const WHOLE: f64 = 0.9;
/// Largest radius of a dot that stands for many pixels.
const LARGEST_DOT: f64 = 7.0;

/// What the extents of a scene are given in.
struct Scale {
    label: String,
    /// Of one pixel.
    factor: f64,
}

impl Scale {
    fn of(extents: &Extents) -> Scale {
        match extents.pixel_km2 {
            Some(pixel) => {
                let most = extents.models.iter().flat_map(|(_, days)| days.values()).map(|extent| extent.melting).max().unwrap_or(0);
                let thousands = most as f64 * pixel > 20_000.0;
                let (label, factor) = if thousands { ("1000 km²", pixel / 1000.0) } else { ("km²", pixel) };
                Scale { label: label.into(), factor }
            }
            None => Scale { label: "% of the land".into(), factor: 100.0 / extents.land.max(1) as f64 },
        }
    }
}

/// One chart a melt year that has maps.
pub fn extents_by_year(extents: &Extents, season: Season, colour: impl Fn(&str) -> usize) -> Vec<Plot> {
    let all = || extents.models.iter().flat_map(|(_, days)| days.keys());
    let years: BTreeSet<u16> = all().map(|day| season.year(day)).collect();
    let places = all().map(|day| season.place(day));
    let (first, last) = places.fold((f64::INFINITY, 0.0f64), |(first, last), place| (first.min(place), last.max(place)));
    let range = [(first - 4.0).max(-2.0), last + 4.0];
    let months: Vec<(f64, String)> =
        season.months().map(|month| season.month(month)).filter(|(place, _)| in_range(*place, range)).collect();
    let scale = Scale::of(extents);
    let value = |extent: &Extent| extent.melting as f64 * scale.factor;
    let whole = |extent: &&Extent| extent.seen as f64 >= WHOLE * extents.land as f64;
    let observed: BTreeMap<&Day, &Extent> = extents.observed.iter().filter(|(_, extent)| whole(extent)).collect();
    let values = extents.models.iter().flat_map(|(_, days)| days.values()).chain(observed.values().copied()).map(value);
    let y = Axis::linear(&scale.label, values, true);
    let chart = |year: u16| {
        let of_year = |day: &Day| season.year(day) == year;
        let mut series: Vec<Series> = Vec::new();
        for (name, days) in &extents.models {
            let points: Vec<[f64; 2]> = days.iter().filter(|(day, _)| of_year(day)).map(|(day, e)| [season.place(day), value(e)]).collect();
            // Few days would be lost as a line.
            let mark = if points.len() > 45 { Mark::Line(JOINED_DAYS) } else { Mark::Both(JOINED_DAYS) };
            series.push(Series { radii: vec![1.8; points.len()], ..Series::new(Some(colour(name)), mark, points) });
        }
        let points: Vec<[f64; 2]> = observed.iter().filter(|(day, _)| of_year(day)).map(|(day, e)| [season.place(day), value(e)]).collect();
        series.push(Series::new(None, Mark::Dots, points));
        let rug = extents.sar_days.iter().filter(|day| of_year(day)).map(|day| season.place(day)).filter(|x| in_range(*x, range)).collect();
        Plot { title: season.name(year), x: Axis::fixed("", range, months.clone()), y: y.clone(), series, rug }
    };
    years.into_iter().map(chart).collect()
}

fn in_range(value: f64, range: [f64; 2]) -> bool {
    (range[0]..=range[1]).contains(&value)
}

/// Share of the land that melts, by month over all years: of the maps, and of what was observed.
pub fn climatology(extents: &Extents, season: Season, colour: impl Fn(&str) -> usize) -> Plot {
    let by_month = |days: &BTreeMap<Day, Extent>| {
        let mut months: BTreeMap<usize, Extent> = BTreeMap::new();
        for (day, extent) in days {
            let month = months.entry(season.month_number(day.month)).or_default();
            month.melting += extent.melting;
            month.seen += extent.seen;
        }
        let share = |(month, extent): (usize, Extent)| [month as f64, 100.0 * extent.melting as f64 / extent.seen.max(1) as f64];
        months.into_iter().map(share).collect::<Vec<_>>()
    };
    let mut series: Vec<Series> =
        extents.models.iter().map(|(name, days)| Series::new(Some(colour(name)), Mark::Both(1.5), by_month(days))).collect();
    series.push(Series { radii: vec![3.2; 12], ..Series::new(None, Mark::Both(1.5), by_month(&extents.observed)) });
    let places = || series.iter().flat_map(|series| &series.points).map(|point| point[0]);
    let (first, last) = places().fold((11.0f64, 0.0f64), |(first, last), place| (first.min(place), last.max(place)));
    let ticks = season.months().enumerate().map(|(i, month)| (i as f64, season.month(month).1));
    let range = [first.min(last) - 0.4, last + 0.4];
    let x = Axis::fixed("", range, ticks.filter(|(place, _)| in_range(*place, range)).collect());
    let y = Axis::linear("% of the land", series.iter().flat_map(|series| &series.points).map(|point| point[1]), true);
    Plot { title: "By month, all years".into(), x, y, series, rug: Vec::new() }
}

/// What was seen, on average, where a fraction was predicted; the area of a dot is its share of the pixels.
pub fn reliability(models: &[(String, ModelScores)], colour: impl Fn(&str) -> usize) -> Plot {
    let mut series = vec![Series::new(None, Mark::Dashed(2.0), vec![[0.0, 0.0], [1.0, 1.0]])];
    for (name, model) in models {
        let bins = || model.reliability.iter().filter_map(|bin| Some((bin.mean_prediction?, bin.mean_target?, bin.valid_px as f64)));
        let all: f64 = bins().map(|bin| bin.2).sum();
        let radius = |count: f64| (LARGEST_DOT * (count / all.max(1.0)).sqrt()).max(1.5);
        let points = bins().map(|(prediction, target, _)| [prediction, target]).collect();
        series
            .push(Series { radii: bins().map(|bin| radius(bin.2)).collect(), ..Series::new(Some(colour(name)), Mark::Both(2.0), points) });
    }
    let tenths = || (0..=5).map(|i| (f64::from(i) / 5.0, format!("{:.1}", f64::from(i) / 5.0))).collect::<Vec<_>>();
    Plot {
        title: "Reliability".into(),
        x: Axis::fixed("predicted melt fraction", [0.0, 1.0], tenths()),
        y: Axis::fixed("mean fraction observed", [0.0, 1.0], tenths()),
        series,
        rug: Vec::new(),
    }
}

/// How groups are named, and in which order they stand: months as the melt year has them, all others by their labels.
pub fn group_names(models: &[(String, ModelScores)], groups: fn(&ModelScores) -> &Pairs<Scores>, season: Option<Season>) -> Vec<GroupName> {
    let labels: BTreeSet<&String> = models.iter().flat_map(|(_, model)| groups(model).0.iter().map(|(label, _)| label)).collect();
    let name = |label: &String| match (season, label.parse::<u8>()) {
        (Some(season), Ok(month @ 1..=12)) => (season.month_number(month), season.month(month).1),
        _ => (0, label.replace('-', "–")),
    };
    let mut names: Vec<(usize, GroupName)> =
        labels.into_iter().map(|label| (name(label).0, GroupName { label: label.clone(), name: name(label).1 })).collect();
    names.sort_by_key(|(order, _)| *order);
    names.into_iter().map(|(_, name)| name).collect()
}

/// A group's label in the scores, and what the page calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupName {
    /// In the scores.
    pub label: String,
    /// On the page.
    pub name: String,
}

/// The mean absolute error over groups, as lines with dots.
pub fn by_group(
    title: &str,
    models: &[(String, ModelScores)],
    names: &[GroupName],
    groups: fn(&ModelScores) -> &Pairs<Scores>,
    colour: impl Fn(&str) -> usize,
) -> Plot {
    let points = |model: &ModelScores| -> Vec<[f64; 2]> {
        let value = |(place, name): (usize, &GroupName)| Some([place as f64, score(groups(model).get(&name.label)?, "mae")?]);
        names.iter().enumerate().filter_map(value).collect()
    };
    let series: Vec<Series> =
        models.iter().map(|(model, scores)| Series::new(Some(colour(model)), Mark::Both(f64::INFINITY), points(scores))).collect();
    let ticks = names.iter().enumerate().map(|(place, name)| (place as f64, name.name.clone())).collect();
    let y = Axis::linear("MAE", series.iter().flat_map(|series| &series.points).map(|point| point[1]), true);
    Plot { title: title.into(), x: Axis::fixed("", [-0.4, names.len().max(1) as f64 - 0.6], ticks), y, series, rug: Vec::new() }
}

/// Loss, learning rate and validation scores of a run.
pub fn training(log: &RunLog) -> Vec<Plot> {
    let curve = |key: &str, colour: usize| Series::new(Some(colour), Mark::Line(f64::INFINITY), log.curve(key));
    let plot = |title: &str, series: Vec<Series>, y: fn(&str, Vec<f64>) -> Axis, unit: &str| {
        let coordinates = |axis: usize| series.iter().flat_map(|series| &series.points).map(|point| point[axis]).collect::<Vec<_>>();
        let x = Axis::whole("epoch", coordinates(0).into_iter());
        let y = y(unit, coordinates(1));
        Plot { title: title.into(), x, y, series, rug: Vec::new() }
    };
    let logarithmic = |label: &str, values: Vec<f64>| Axis::logarithmic(label, values.into_iter());
    let linear = |label: &str, values: Vec<f64>| Axis::linear(label, values.into_iter(), true);
    let mut plots = vec![
        plot("Loss", vec![curve("train_loss", 0), curve("val_loss", 1)], logarithmic, "mean of the epoch"),
        plot("Learning rate", vec![curve("learning_rate", 2)], linear, ""),
    ];
    for name in log.validation_scores() {
        let score = name.trim_start_matches("val_").to_uppercase();
        plots.push(plot(&format!("Validation {score}"), vec![curve(&name, 1)], linear, ""));
    }
    plots.retain(|plot| plot.series.iter().any(|series| !series.points.is_empty()));
    plots
}
