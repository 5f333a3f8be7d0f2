//! Where the errors are: reliability, and the scores by gap, month and year, of scenes by region.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::evaluate::score_file::{Pairs, ScoreFile, Scores, WrittenScores, score};
use crate::report::colours::Colours;
use crate::report::html::{charts, missing, score_text, table};
use crate::report::plot::{Axis, Mark, Plot, Series};
use crate::report::season::Season;
use crate::report::sections::reliability;
use crate::tasks::{Column, Task};

/// A way to group the scenes.
struct Grouping {
    title: &'static str,
    of: fn(&WrittenScores) -> &Pairs<Scores>,
    by_month: bool,
    /// Regions have no order that a line could follow.
    mark: Mark,
    /// What it takes.
    needs: &'static str,
}

const BY_GAP: Grouping = Grouping {
    title: "By days to the nearest other train day",
    of: |model| &model.by_gap,
    by_month: false,
    mark: Mark::Both(f64::INFINITY),
    needs: "the days of the train split and a recent `meltcore eval`",
};
/// How days are grouped, and scenes.
const OF_DAYS: [Grouping; 3] = [
    BY_GAP,
    Grouping { title: "By month", of: |model| &model.by_month, by_month: true, ..BY_GAP },
    Grouping { title: "By year", of: |model| &model.by_year, ..BY_GAP },
];
const OF_SCENES: [Grouping; 1] = [Grouping {
    title: "By region",
    of: |model| &model.by_region,
    mark: Mark::Dots,
    needs: "names of scenes that begin with their region, as ALP-1 does",
    ..BY_GAP
}];

/// A group's label in the scores, and what the page calls it.
struct Group {
    label: String,
    name: String,
}

type Models = [(String, WrittenScores)];

/// Charts of reliability and of the error by group, and a table a grouping.
pub fn section(scores: &ScoreFile, task: &dyn Task, season: Season, colours: &Colours) -> Markup {
    let models = &scores.models.0;
    let groupings: &[Grouping] = if task.words().of.dated { &OF_DAYS } else { &OF_SCENES };
    let groupings: Vec<(Vec<Group>, &Grouping)> = groupings.iter().map(|grouping| (grouping.groups(models, season), grouping)).collect();
    let binned = task.is_fraction() && models.iter().any(|(_, model)| !model.reliability.is_empty());
    let by_group = groupings.iter().filter(|(groups, _)| groups.len() > 1).map(|(groups, by)| by.chart(models, task, groups, colours));
    let reliability = || {
        let labels = [&*format!("predicted {}", task.bands()[0].quantity), "mean fraction observed"];
        reliability::chart("Reliability", labels, models.iter().map(|(name, model)| (name, model.reliability.as_slice())), colours)
    };
    let plots: Vec<Plot> = binned.then(reliability).into_iter().chain(by_group).collect();
    html! {
        @if !plots.is_empty() { (colours.legend_and(if binned { &[reliability::DIAGONAL] } else { &[] })) }
        (charts(&plots))
        @if binned {
            p.note {
                "Reliability: pixels sorted into ten bins by predicted fraction, the mean prediction of each against the mean "
                "observed there; the area of a dot is the bin's share of the pixels."
            }
        }
        @for (groups, by) in &groupings {
            @if groups.is_empty() {
                (missing(&format!("{}: these scores do not have it; it needs {}.", by.title, by.needs)))
            } @else {
                h3 { (by.title) }
                (by.table(models, task, groups))
            }
        }
    }
}

impl Grouping {
    /// The groups in their order: months as the season's year has them, all others by their labels.
    fn groups(&self, models: &Models, season: Season) -> Vec<Group> {
        let labels: BTreeSet<&String> = models.iter().flat_map(|(_, model)| (self.of)(model).0.iter().map(|(label, _)| label)).collect();
        let group = |label: &String| {
            let (order, name) = match label.parse::<u8>() {
                Ok(month @ 1..=12) if self.by_month => (season.month_number(month), season.month(month).1),
                _ => (0, label.replace('-', "–")),
            };
            (order, Group { label: label.clone(), name })
        };
        let mut groups: Vec<(usize, Group)> = labels.into_iter().map(group).collect();
        groups.sort_by_key(|(order, _)| *order);
        groups.into_iter().map(|(_, group)| group).collect()
    }

    /// The task's foremost score over the groups.
    fn chart(&self, models: &Models, task: &dyn Task, groups: &[Group], colours: &Colours) -> Plot {
        let foremost = task.headline()[0];
        let title = task.column(foremost).map_or(foremost, |column| column.title);
        let points = |model: &WrittenScores| -> Vec<[f64; 2]> {
            let value = |(place, group): (usize, &Group)| Some([place as f64, score((self.of)(model).get(&group.label)?, foremost)?]);
            groups.iter().enumerate().filter_map(value).collect()
        };
        let of_model = |(name, model): &(String, _)| Series::new(Some(colours.number(name)), self.mark, points(model));
        let series: Vec<Series> = models.iter().map(of_model).collect();
        let ticks = groups.iter().enumerate().map(|(place, group)| (place as f64, group.name.clone())).collect();
        let x = Axis::fixed("", [-0.4, groups.len().max(1) as f64 - 0.6], ticks);
        let y = Axis::linear(title, series.iter().flat_map(|series| &series.points).map(|point| point[1]), true);
        Plot { title: format!("{title} {}", self.title.to_lowercase()), x, y, series, rug: Vec::new() }
    }

    /// The task's summary scores of every model, one row a group.
    fn table(&self, models: &Models, task: &dyn Task, groups: &[Group]) -> Markup {
        let shown: Vec<&Column> = task.summary().iter().filter_map(|name| task.column(name)).collect();
        let of = |model: &WrittenScores, group: &Group| (self.of)(model).get(&group.label).cloned().unwrap_or_default();
        let scenes = |group: &Group| models.iter().find_map(|(_, model)| score(&of(model, group), "scenes"));
        table(&html! {
            thead {
                tr { th {} th {} @for (name, _) in models { th.over colspan=(shown.len()) { (name) } } }
                tr { th {} th.n { "scenes" } @for _ in models { @for column in &shown { th.n { (column.title) } } } }
            }
            tbody {
                @for group in groups {
                    tr {
                        td { (group.name) }
                        td.n { (scenes(group).map_or("–".into(), |scenes| format!("{scenes:.0}"))) }
                        @for (_, model) in models { @for column in &shown { td.n { (score_text(task, &of(model, group), column.name)) } } }
                    }
                }
            }
        })
    }
}
