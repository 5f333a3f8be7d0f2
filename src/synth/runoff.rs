//! Real melt seasons: the daily runoff of a glacier's catchment from a regional climate model, and what it says about the share that melts.
//!
//! The reference's monthly mean melt shares and the logarithm of Helheim's runoff (RACMO2.3p2) lie close to a logistic curve, share =
//! 1/(1 + exp(−(a + b·ln runoff))). b is fitted here to the record's own months, so its unit does not matter; a drifts over the season so
//! that the monthly means come out as the reference's. A season that the record lacks, or lacks the end of, takes that of another year.
//!
//! File: `runoff*.DD.csv`, lines of `YYYY-MM-DD[ hh:mm:ss], runoff`; lines that begin with # are remarks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::season::{FIRST_YEAR, SEASON_DAYS, season_index};
use crate::data::day::Day;
use crate::error::{Error, Result};
use crate::random::{Draw, Purpose};

/// The reference's mean melt shares of the land, April to September.
pub const MONTHLY_MELT: [f64; 6] = [0.05, 0.13, 0.36, 0.48, 0.47, 0.30];
/// Days over which a borrowed end of a season is drawn to the last day that the record has.
const SPLICE_DAYS: f32 = 7.0;
/// Share of the mean season's runoff after which bare rock has lost its snow; Helheim has it at the end of July.
const SNOW_GONE: f32 = 0.57;
/// The smallest runoff that counts, as a share of the record's mean.
const LEAST: f64 = 1e-6;

/// The days from 1 April to 30 September of a runoff record.
#[derive(Debug, Clone)]
pub struct Runoff {
    /// Logarithms of the runoff over the record's mean, for every year from 1 April on without a gap.
    seasons: BTreeMap<u16, Vec<f32>>,
    /// Mean of the complete seasons by day, over a month.
    usual: Vec<f32>,
    /// Mean sum of a complete season.
    total: f32,
    /// a of the logistic curve, by day.
    base: Vec<f32>,
    /// b of the logistic curve.
    slope: f32,
}

/// A day of the record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunoffDay {
    /// Logit of the share of the land that melts.
    pub odds: f32,
    /// How much higher than in the mean year.
    pub anomaly: f32,
    /// How far bare rock has lost its snow, 0…1.
    pub bare: f32,
}

impl Runoff {
    /// The record in a folder, the first by name where there are several; none where there is none.
    ///
    /// # Errors
    /// [`Error::Input`] where it cannot be read, a line is not a day and a number, or no season is complete.
    pub fn find(folder: &Path) -> Result<Option<Self>> {
        let unreadable = |e: std::io::Error| Error::input(folder, format!("this folder cannot be read ({e}); check the path")).because(e);
        let mut found: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("runoff") && name.ends_with(".DD.csv") {
                found.push(entry.path());
            }
        }
        let Some(path) = found.into_iter().min() else { return Ok(None) };
        let text = std::fs::read_to_string(&path).map_err(|e| Error::input(&path, format!("cannot be read as text ({e})")).because(e))?;
        Self::parse(&text).map(Some).map_err(|message| Error::input(&path, message))
    }

    /// The record in a file's text, or what is wrong with it.
    fn parse(text: &str) -> std::result::Result<Self, String> {
        let mut days: BTreeMap<Day, f64> = BTreeMap::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#')) {
            let wrong = || format!("line {} is no day and runoff (`2017-06-01, 1.5`): {line}", number + 1);
            let (date, runoff) = parse_line(line).ok_or_else(wrong)?;
            if let Some(day) = date {
                days.insert(day, runoff);
            }
        }
        let mean = (days.values().sum::<f64>() / days.len().max(1) as f64).max(f64::MIN_POSITIVE);
        let mut seasons: BTreeMap<u16, Vec<f32>> = BTreeMap::new();
        for (day, runoff) in days {
            let season = seasons.entry(day.year).or_default();
            // Days after a gap are left out.
            if season.len() == season_index(day) {
                season.push((runoff / mean).max(LEAST).ln() as f32);
            }
        }
        let complete: Vec<&Vec<f32>> = seasons.values().filter(|season| season.len() == SEASON_DAYS).collect();
        if complete.is_empty() {
            return Err("holds no complete season, every day from 1 April to 30 September of one year; add them, or remove the file".into());
        }
        let years = complete.len() as f32;
        let by_day: Vec<f32> = (0..SEASON_DAYS).map(|d| complete.iter().map(|season| season[d]).sum::<f32>() / years).collect();
        let usual = (0..SEASON_DAYS).map(|d| {
            let month = &by_day[d.saturating_sub(15)..(d + 16).min(SEASON_DAYS)];
            month.iter().sum::<f32>() / month.len() as f32
        });
        let total = complete.iter().flat_map(|season| season.iter()).map(|v| v.exp()).sum::<f32>() / years;
        let slope = slope(&by_day);
        // The reference's means are those of the years of its radar maps.
        let recent: Vec<&Vec<f32>> = seasons.range(FIRST_YEAR..).map(|(_, season)| season).filter(|s| s.len() == SEASON_DAYS).collect();
        let base = base(if recent.is_empty() { &complete } else { &recent }, slope);
        Ok(Runoff { usual: usual.collect(), total, base, slope, seasons })
    }

    /// Logarithms of a season's runoff up to a day, with the end of another year's season where the record ends before.
    fn season(&self, seed: u64, day: Day) -> Vec<f32> {
        let mut season = self.seasons.get(&day.year).cloned().unwrap_or_default();
        let complete: Vec<&Vec<f32>> = self.seasons.values().filter(|season| season.len() == SEASON_DAYS).collect();
        // Other years follow one another as in the record, from a drawn one on, so that no two of them are the same.
        let start = Draw::new(seed, Purpose::Season, i64::MIN).uniform() * complete.len() as f32;
        let lender = complete[(start as i64 + i64::from(day.year)).rem_euclid(complete.len() as i64) as usize];
        let last = season.len();
        let step = season.last().map_or(0.0, |v| v - lender[last - 1]);
        let rest = lender.iter().enumerate().skip(last);
        season.extend(rest.map(|(d, v)| v + step * (-((d + 1 - last) as f32) / SPLICE_DAYS).exp()));
        season.truncate(season_index(day) + 1);
        season
    }

    /// What the record says of a day.
    pub fn day(&self, seed: u64, day: Day) -> RunoffDay {
        let season = self.season(seed, day);
        let (index, now) = (season_index(day), season.last().copied().unwrap_or(0.0));
        let so_far = season.iter().map(|v| v.exp()).sum::<f32>() / self.total;
        // The lowest rock is bare long before the last.
        RunoffDay {
            odds: self.base[index] + self.slope * now,
            anomaly: self.slope * (now - self.usual[index]),
            bare: (so_far / SNOW_GONE).sqrt().min(1.0),
        }
    }
}

/// The day (none outside April to September) and the runoff of a line.
fn parse_line(line: &str) -> Option<(Option<Day>, f64)> {
    let (date, runoff) = line.split_once(',')?;
    let runoff: f64 = runoff.trim().parse().ok().filter(|v: &f64| v.is_finite() && *v >= 0.0)?;
    let day: Day = date.trim().get(..10)?.replace('-', "_").parse().ok()?;
    let summer = (4..=9).contains(&day.month);
    Some((summer.then_some(day), runoff))
}

/// First days of the months in the season, and its end.
const MONTH_STARTS: [usize; 7] = [0, 30, 61, 91, 122, 153, SEASON_DAYS];

fn logit(share: f64) -> f64 {
    (share / (1.0 - share)).ln()
}

/// Slope of the straight line through (mean logarithm, logit of the wanted melt) of the six months, by least squares.
fn slope(by_day: &[f32]) -> f32 {
    let months = MONTH_STARTS.windows(2).zip(MONTHLY_MELT);
    let points =
        months.map(|(m, melt)| (by_day[m[0]..m[1]].iter().map(|v| f64::from(*v)).sum::<f64>() / (m[1] - m[0]) as f64, logit(melt)));
    let points: Vec<(f64, f64)> = points.collect();
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
    let across = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>();
    let along = points.iter().map(|p| (p.0 - x).powi(2)).sum::<f64>();
    // A record without a season says nothing; more runoff never means less melt.
    if along > 1e-9 { (across / along).max(0.0) as f32 } else { 0.0 }
}

/// The a of every day, straight between the middles of the months, with which the mean shares of the seasons' months are the wanted ones.
fn base(seasons: &[&Vec<f32>], slope: f32) -> Vec<f32> {
    let mut knots = [0.0f64; 6];
    let by_day = |knots: &[f64; 6]| -> Vec<f32> {
        let middle = |m: usize| (MONTH_STARTS[m] + MONTH_STARTS[m + 1]) as f64 / 2.0;
        let at = |day: f64| {
            let m = (0..4).find(|m| day < middle(m + 1)).unwrap_or(4);
            let t = ((day - middle(m)) / (middle(m + 1) - middle(m))).clamp(0.0, 1.0);
            (knots[m] + (knots[m + 1] - knots[m]) * t) as f32
        };
        (0..SEASON_DAYS).map(|day| at(day as f64 + 0.5)).collect()
    };
    // Each step moves a month by what its mean lacks; neighbours blur that, so that a few steps are needed.
    for _ in 0..20 {
        let base = by_day(&knots);
        let share = |day: usize, v: f32| 1.0 / (1.0 + (-f64::from(base[day] + slope * v)).exp());
        for (m, wanted) in MONTHLY_MELT.iter().enumerate() {
            let days = MONTH_STARTS[m]..MONTH_STARTS[m + 1];
            let sum = seasons.iter().flat_map(|season| days.clone().map(|day| share(day, season[day]))).sum::<f64>();
            knots[m] += logit(*wanted) - logit((sum / (days.len() * seasons.len()) as f64).clamp(1e-6, 1.0 - 1e-6));
        }
    }
    by_day(&knots)
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::super::season::in_season;
    use super::*;

    fn record(last_year_days: usize) -> String {
        let mut text = "#date, runoff\n2016-12-31 00:00:00, 1.0\n".to_owned();
        for (year, days) in [(2016, SEASON_DAYS), (2017, SEASON_DAYS), (2018, last_year_days)] {
            for index in 0..days {
                let day = in_season(year, index);
                let runoff = (4.0 * (std::f64::consts::PI * index as f64 / 182.0).sin() + f64::from(year - 2016)).exp();
                text += &format!("{year}-{:02}-{:02} 00:00:00, {runoff:12.3}\n", day.month, day.day);
            }
        }
        text
    }

    #[test]
    fn a_record_gives_every_day_and_goes_on_where_it_ends() {
        let runoff = Runoff::parse(&record(100)).unwrap();
        let day = |year, index| runoff.day(5, in_season(year, index));
        assert!(day(2017, 91).odds > day(2017, 10).odds);
        assert_abs_diff_eq!(day(2017, 50).anomaly - day(2016, 50).anomaly, runoff.slope, epsilon = 1e-3);
        // Seasons differ by 1 or 2 in the logarithm.
        let jump = (day(2018, 99).odds - day(2018, 100).odds).abs();
        assert!(jump < 0.35 * runoff.slope, "{jump} where the record ends");
        assert!(day(2017, 0).bare < 0.2 && day(2017, 182).bare == 1.0);
        // 2017 is the one complete season of the radar's years.
        for (m, wanted) in MONTH_STARTS.windows(2).zip(MONTHLY_MELT) {
            let mean = (m[0]..m[1]).map(|d| 1.0 / (1.0 + f64::from(-day(2017, d).odds).exp())).sum::<f64>() / (m[1] - m[0]) as f64;
            assert_abs_diff_eq!(mean, wanted, epsilon = 0.002);
        }
        assert!(day(2021, 91).odds.is_finite());
    }

    #[test]
    fn broken_records_are_named() {
        assert!(Runoff::parse(&record(3).replace("2017-06-05", "2017-06-35")).unwrap_err().starts_with("line "));
        assert!(Runoff::parse("2017-06-05; 3\n").unwrap_err().contains("line 1"));
        assert!(Runoff::parse("2017-04-01, nan\n").unwrap_err().contains("line 1"));
        assert!(Runoff::parse("2017-04-01, 3\n").unwrap_err().contains("no complete season"));
        assert!(Runoff::parse("").unwrap_err().contains("no complete season"));
    }
}
