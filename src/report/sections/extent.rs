//! Counted day by day: one chart a season's year, and the months over all years.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use crate::data::day::Day;
use crate::report::colours::Colours;
use crate::report::extent::{Counted, Extents};
use crate::report::html::{Key, charts, missing};
use crate::report::plot::{Axis, Mark, Plot, Series};
use crate::report::season::Season;

/// Days of a model's curve further apart than this are not joined.
const JOINED_DAYS: f64 = 20.0;
/// An observed map shows the extent where it covers this share of the land.
const WHOLE: f64 = 0.9;

/// The charts, and how they were counted.
pub fn section(extents: &Extents, words: &crate::tasks::Extent, season: Season, colours: &Colours) -> Markup {
    let years = by_year(extents, season, colours);
    if years.is_empty() {
        return missing("The folders hold no maps named YYYY_MM_DD.tif.");
    }
    html! {
        (colours.legend_and(&[("observed", Key::Dot), ("observed days", Key::Rug)]))
        (charts(&[years, vec![by_month(extents, season, colours)]].concat()))
        p.note { (words.by_year) }
        p.note { (words.by_month) }
    }
}

/// What the extents of a scene are given in, and the factor from pixels to it.
fn scale(extents: &Extents) -> (&'static str, f64) {
    let Some(pixel) = extents.pixel_km2 else { return ("% of the land", 100.0 / extents.land.max(1) as f64) };
    let most = extents.models.iter().flat_map(|(_, days)| days.values()).map(|extent| extent.covered).max().unwrap_or(0);
    if most as f64 * pixel > 20_000.0 { ("1000 km²", pixel / 1000.0) } else { ("km²", pixel) }
}

/// One chart a year that has maps.
fn by_year(extents: &Extents, season: Season, colours: &Colours) -> Vec<Plot> {
    let all = || extents.models.iter().flat_map(|(_, days)| days.keys());
    let years: BTreeSet<u16> = all().map(|day| season.year(day)).collect();
    let places = all().map(|day| season.place(day));
    let (first, last) = places.fold((f64::INFINITY, 0.0f64), |(first, last), place| (first.min(place), last.max(place)));
    let range = [(first - 4.0).max(-2.0), last + 4.0];
    let months: Vec<(f64, String)> =
        season.months().map(|month| season.month(month)).filter(|(place, _)| in_range(*place, range)).collect();
    let (unit, factor) = scale(extents);
    let value = |extent: &Counted| extent.covered as f64 * factor;
    let whole = |extent: &&Counted| extent.seen as f64 >= WHOLE * extents.land as f64;
    let observed: BTreeMap<&Day, &Counted> = extents.observed.iter().filter(|(_, extent)| whole(extent)).collect();
    let values = extents.models.iter().flat_map(|(_, days)| days.values()).chain(observed.values().copied()).map(value);
    let y = Axis::linear(unit, values, true);
    let chart = |year: u16| {
        let of_year = |day: &Day| season.year(day) == year;
        let mut series: Vec<Series> = Vec::new();
        for (name, days) in &extents.models {
            let points: Vec<[f64; 2]> = days.iter().filter(|(day, _)| of_year(day)).map(|(day, e)| [season.place(day), value(e)]).collect();
            // Few days would be lost as a line.
            let mark = if points.len() > 45 { Mark::Line(JOINED_DAYS) } else { Mark::Both(JOINED_DAYS) };
            series.push(Series { radii: vec![1.8; points.len()], ..Series::new(Some(colours.number(name)), mark, points) });
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

/// Share of the land that is covered, by month over all years: of the maps, and of what was observed.
fn by_month(extents: &Extents, season: Season, colours: &Colours) -> Plot {
    let by_month = |days: &BTreeMap<Day, Counted>| {
        let mut months: BTreeMap<usize, Counted> = BTreeMap::new();
        for (day, extent) in days {
            let month = months.entry(season.month_number(day.month)).or_default();
            month.covered += extent.covered;
            month.seen += extent.seen;
        }
        let share = |(month, extent): (usize, Counted)| [month as f64, 100.0 * extent.covered as f64 / extent.seen.max(1) as f64];
        months.into_iter().map(share).collect::<Vec<_>>()
    };
    let of_model = |(name, days): &(String, _)| Series::new(Some(colours.number(name)), Mark::Both(1.5), by_month(days));
    let mut series: Vec<Series> = extents.models.iter().map(of_model).collect();
    series.push(Series { radii: vec![3.2; 12], ..Series::new(None, Mark::Both(1.5), by_month(&extents.observed)) });
    let places = || series.iter().flat_map(|series| &series.points).map(|point| point[0]);
    let (first, last) = places().fold((11.0f64, 0.0f64), |(first, last), place| (first.min(place), last.max(place)));
    let ticks = season.months().enumerate().map(|(i, month)| (i as f64, season.month(month).1));
    let range = [first.min(last) - 0.4, last + 0.4];
    let x = Axis::fixed("", range, ticks.filter(|(place, _)| in_range(*place, range)).collect());
    let y = Axis::linear("% of the land", series.iter().flat_map(|series| &series.points).map(|point| point[1]), true);
    Plot { title: "By month, all years".into(), x, y, series, rug: Vec::new() }
}
