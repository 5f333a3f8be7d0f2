//! Scenes by month, by year, by the time to the nearest other day of the train split, and by region, each group scored like a split of its
//! own.

use std::collections::BTreeMap;
use std::collections::HashSet;

use crate::config::Config;
use crate::data::day::Day;

/// What scenes are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupBy {
    /// Month of the year, `04` for April.
    Month,
    /// Calendar year.
    Year,
    /// Days to the nearest other day of the train split: `1`, `2-3`, `4-6`, `7+`.
    Gap,
    /// The region of a scene: `ALP` of `ALP-28-23`, `SC` of `SC2-59-84`.
    Region,
}

impl GroupBy {
    /// Every grouping.
    pub const ALL: [GroupBy; 4] = [GroupBy::Month, GroupBy::Year, GroupBy::Gap, GroupBy::Region];

    /// Its name in tables, and behind `by_` in JSON.
    pub fn name(self) -> &'static str {
        match self {
            GroupBy::Month => "month",
            GroupBy::Year => "year",
            GroupBy::Gap => "gap",
            GroupBy::Region => "region",
        }
    }
}

/// Which scenes of a split belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups(BTreeMap<GroupBy, BTreeMap<String, Vec<usize>>>);

impl Groups {
    /// Groups the days of a split, scenes by the regions that the configuration tells ([`Config::region_name`]). Without train days, or
    /// where no other one exists, there is no grouping by gap.
    pub fn new(config: &Config, days: &[Day], train: &[Day]) -> Groups {
        let mut groups: BTreeMap<GroupBy, BTreeMap<String, Vec<usize>>> = BTreeMap::new();
        let mut add = |by: GroupBy, label: String, index: usize| groups.entry(by).or_default().entry(label).or_default().push(index);
        let train: HashSet<i64> = train.iter().filter(|day| day.is_dated()).map(Day::number).collect();
        for (index, day) in days.iter().enumerate() {
            if let Some(region) = day.scene.and_then(|scene| config.region_name(scene)) {
                add(GroupBy::Region, region.to_owned(), index);
            }
            if !day.is_dated() {
                continue;
            }
            add(GroupBy::Month, format!("{:02}", day.month), index);
            add(GroupBy::Year, format!("{:04}", day.year), index);
            // The day itself is no help to its own map: the running mean leaves it out, too.
            let apart = train.iter().map(|other| (other - day.number()).abs()).filter(|gap| *gap > 0).min();
            if let Some(gap) = apart {
                add(GroupBy::Gap, gap_label(gap).to_owned(), index);
            }
        }
        Groups(groups)
    }

    /// The groups with their labels in order, and the scenes of each as positions in the split; none without such a grouping.
    pub fn of(&self, by: GroupBy) -> impl Iterator<Item = (&str, &[usize])> {
        self.0.get(&by).into_iter().flatten().map(|(label, scenes)| (label.as_str(), scenes.as_slice()))
    }
}

/// The group of a distance in days, at least 1.
fn gap_label(gap: i64) -> &'static str {
    match gap {
        ..=1 => "1",
        2..=3 => "2-3",
        4..=6 => "4-6",
        _ => "7+",
    }
}
