//! Melt seasons: which days exist, and how much of the land melts on each.
//!
//! The share of the land that melts follows the reference's monthly means, disturbed by warm and cold spells: a first-order autoregressive
//! process with a memory of about a week, new every year. Where there is a record of runoff (see [`runoff`](super::runoff)), its days set
//! the share instead, and the process adds what a radar sees beyond it. The same weather drives the radar, the microwave and the model
//! fields.

use super::runoff::{Runoff, RunoffDay};
use crate::data::day::Day;
use crate::random::{Draw, Purpose};

/// First year with radar maps.
pub const FIRST_YEAR: u16 = 2017;
/// Years with radar maps.
const YEARS: u16 = 7;
/// Days from 1 April to 30 September.
pub const SEASON_DAYS: usize = 183;
/// Days that the archive can hold.
pub const MOST_DAYS: usize = YEARS as usize * SEASON_DAYS;
/// Orbit repeat in days.
const REPEAT: usize = 12;
/// First day of each track in the repeat cycle; the first track alone flies in 2017.
const TRACKS: [usize; REPEAT] = [4, 10, 7, 1, 2, 8, 5, 11, 3, 9, 0, 6];
/// Share of the land that melts: (day of the season, share), linear between. Chosen so that the monthly means come out as
/// .05 .13 .36 .48 .47 .30 after the spells.
const CURVE: [(f32, f32); 8] =
    [(0.0, 0.022), (25.0, 0.048), (45.0, 0.105), (75.0, 0.335), (105.0, 0.475), (130.0, 0.515), (155.0, 0.36), (182.0, 0.21)];
/// Standard deviation of the spells in the logit of the share.
const SPELLS: f32 = 0.6;
/// The same beside a record of runoff.
const OWN_SPELLS: f32 = 0.4;

/// The day `index` days after 1 April.
pub fn in_season(year: u16, index: usize) -> Day {
    let april = Day { year, month: 4, day: 1, ..Day::UNDATED };
    april.after(index as i64).unwrap_or(april)
}

/// Days since 1 April.
pub fn season_index(day: Day) -> usize {
    (day.number() - in_season(day.year, 0).number()).clamp(0, SEASON_DAYS as i64 - 1) as usize
}

/// The index of a day's draws.
pub fn draw_index(day: Day) -> i64 {
    i64::from(day.year) * 1000 + season_index(day) as i64
}

/// The days of an archive with `count` days, sorted: about 24 a season, one 12-day repeat in the first year, more tracks later.
pub fn archive_days(count: usize) -> Vec<Day> {
    let count = count.min(MOST_DAYS);
    let years = ((count + 12) / 24).clamp(1, YEARS.into()) as u16;
    let mut days = Vec::new();
    for (track, phase) in TRACKS.iter().enumerate() {
        let mut level = Vec::new();
        for year in FIRST_YEAR..FIRST_YEAR + years {
            // The first year keeps its single repeat unless all other days are taken.
            if track == 0 || year > FIRST_YEAR {
                level.extend((*phase..SEASON_DAYS).step_by(REPEAT).map(|d| in_season(year, d)));
            }
        }
        take_evenly(&mut days, level, count);
    }
    let rest: Vec<Day> = (FIRST_YEAR..FIRST_YEAR + years)
        .flat_map(|y| (0..SEASON_DAYS).map(move |d| in_season(y, d)))
        .filter(|d| !days.contains(d))
        .collect();
    take_evenly(&mut days, rest, count);
    days.sort();
    days
}

/// Adds as many of `level` as still fit into `count`, evenly spread.
fn take_evenly(days: &mut Vec<Day>, level: Vec<Day>, count: usize) {
    let room = count - days.len();
    if room >= level.len() {
        days.extend(level);
    } else {
        days.extend((0..room).map(|i| level[(2 * i + 1) * level.len() / (2 * room)]));
    }
}

/// Weather of one day, in shares of the land and dimensionless warmth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weather {
    /// Share of the land that melts, 0…1.
    pub melt_share: f32,
    /// How far bare rock has lost its snow, 0 in April … 1 in September.
    pub bare: f32,
    /// How much warmer than usual, standard deviations.
    pub warmth: f32,
}

/// The seasons of a scene, with real ones behind them where there is a record.
#[derive(Debug, Clone)]
pub struct Seasons {
    seed: u64,
    runoff: Option<Runoff>,
}

impl Seasons {
    /// Seasons from a seed and, where given, a record of runoff.
    pub fn new(seed: u64, runoff: Option<Runoff>) -> Self {
        Seasons { seed, runoff }
    }

    /// The weather of a day.
    pub fn weather(&self, day: Day) -> Weather {
        let mut draw = Draw::new(self.seed, Purpose::Season, i64::from(day.year));
        let year_anomaly = 0.15 * draw.normal();
        let memory = 0.86f32;
        let mut spell = draw.normal();
        let index = season_index(day);
        for _ in 0..index {
            spell = memory * spell + (1.0 - memory * memory).sqrt() * draw.normal();
        }
        let share = |odds: f32| 1.0 / (1.0 + (-odds).exp());
        if let Some(runoff) = &self.runoff {
            // The record's own spells leave less to invent.
            let RunoffDay { odds, anomaly, bare } = runoff.day(self.seed, day);
            let warmth = ((anomaly + OWN_SPELLS * spell) / SPELLS).clamp(-3.0, 3.0);
            return Weather { melt_share: share(odds + OWN_SPELLS * spell), bare, warmth };
        }
        let at = index as f32;
        let usual = CURVE.windows(2).find(|w| at <= w[1].0).map_or(0.2, |w| w[0].1 + (w[1].1 - w[0].1) * (at - w[0].0) / (w[1].0 - w[0].0));
        let odds = (usual / (1.0 - usual)).ln() + SPELLS * spell + year_anomaly;
        let bare = ((at - 45.0) / 75.0).clamp(0.0, 1.0);
        Weather { melt_share: share(odds), bare, warmth: spell + year_anomaly }
    }
}
