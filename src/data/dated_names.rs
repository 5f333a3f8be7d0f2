//! Days in the names of files: one that can only be meant, or one that a pattern picks.
//!
//! A date is `YYYY-MM-DD`, `YYYY_MM_DD`, `YYYY.MM.DD` or `YYYYMMDD` of the years 1900 to 2099 that no further digit touches; digits of
//! hours, minutes and seconds may follow the last form. A day of the year looks like any number, so that it takes a pattern.

use std::collections::BTreeSet;

use jiff::fmt::strtime::BrokenDownTime;

use super::day::Day;
use crate::error::{Error, Result};

/// Years of dates: other numbers of eight digits are counted, not dated.
const YEARS: std::ops::RangeInclusive<u16> = 1900..=2099;

/// The days that are written in a name, in order of time.
pub fn days_in(name: &str) -> BTreeSet<Day> {
    let runs: Vec<(usize, &str)> = digits(name);
    let mut days = BTreeSet::new();
    for (index, (start, run)) in runs.iter().enumerate() {
        if [8, 12, 14].contains(&run.len()) && is_clock(&run[8..]) {
            days.extend(day(&run[..4], &run[4..6], &run[6..8]));
        }
        if let [(month_at, month), (day_at, of_month), ..] = runs[index + 1..] {
            let (first, second) = (&name[start + run.len()..month_at], &name[month_at + month.len()..day_at]);
            if first == second && ["-", "_", "."].contains(&first) && (run.len(), month.len(), of_month.len()) == (4, 2, 2) {
                days.extend(day(run, month, of_month));
            }
        }
    }
    days
}

/// The runs of digits of a text, each with its place.
fn digits(text: &str) -> Vec<(usize, &str)> {
    let mut runs = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(|c: char| c.is_ascii_digit()).map(|start| at + start) {
        let length = text[start..].find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len() - start);
        runs.push((start, &text[start..start + length]));
        at = start + length;
    }
    runs
}

fn day(year: &str, month: &str, day: &str) -> Option<Day> {
    Day::new(year.parse().ok().filter(|year| YEARS.contains(year))?, month.parse().ok()?, day.parse().ok()?)
}

/// Whether digits are nothing, or hours and minutes, or these and seconds.
fn is_clock(digits: &str) -> bool {
    let number = |at: usize| digits.get(at..at + 2).map_or(0, |two| two.parse().unwrap_or(99));
    number(0) < 24 && number(2) < 60 && number(4) < 61
}

/// How names hold a day: the words of strptime (`%Y`, `%m`, `%d`, `%j`, `%b` and so on) and `*` for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    before: Option<String>,
    words: String,
    after: Option<String>,
}

impl Pattern {
    /// Takes a pattern apart.
    ///
    /// # Errors
    /// [`Error::Usage`] where it has no words of a date, or words on both sides of a `*`.
    pub fn parse(text: &str) -> Result<Pattern> {
        let pieces: Vec<&str> = text.split('*').collect();
        let dated: Vec<usize> = (0..pieces.len()).filter(|index| pieces[*index].contains('%')).collect();
        let [index] = dated[..] else {
            let lack = if dated.is_empty() { "holds no date" } else { "has parts of a date on both sides of a *" };
            return Err(Error::Usage(format!(
                "--date {text} {lack}; write the date with %Y (year), %m (month), %d (day) or %j (day of the year) and * for anything \
                 else, for example AMSR2_%Y%m%d*.tif"
            )));
        };
        let before = (index > 0).then(|| pieces[..index].join("*") + "*");
        let after = (index + 1 < pieces.len()).then(|| format!("*{}", pieces[index + 1..].join("*")));
        Ok(Pattern { before, words: pieces[index].to_owned(), after })
    }

    /// The days as which a name can be read, with or without its extension; none where it does not fit.
    pub fn days_in(&self, name: &str) -> BTreeSet<Day> {
        let whole = self.days_of(name);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        if whole.is_empty() { self.days_of(stem) } else { whole }
    }

    fn days_of(&self, name: &str) -> BTreeSet<Day> {
        let places = (0..=name.len()).filter(|at| name.is_char_boundary(*at) && !is_within_number(name, *at));
        let fits = |text: &str, pattern: &Option<String>| pattern.as_ref().map_or(text.is_empty(), |pattern| matches(pattern, text));
        let at = |place: usize| {
            let (before, rest) = name.split_at(place);
            let (time, length) = fits(before, &self.before).then(|| BrokenDownTime::parse_prefix(&self.words, rest).ok()).flatten()?;
            let day = rest.get(length..).filter(|rest| fits(rest, &self.after)).and_then(|_| time.to_date().ok())?;
            Day::new(u16::try_from(day.year()).ok()?, day.month().unsigned_abs(), day.day().unsigned_abs())
        };
        places.filter_map(at).collect()
    }
}

/// Whether a place lies between two digits, where no number begins.
fn is_within_number(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    at > 0 && at < bytes.len() && bytes[at - 1].is_ascii_digit() && bytes[at].is_ascii_digit()
}

/// Whether a text is a pattern's, in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => {
            let Some(text) = text.strip_prefix(start) else { return false };
            (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| matches(rest, &text[at..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(days: BTreeSet<Day>) -> String {
        days.iter().map(Day::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn dates_are_found_where_no_other_number_is_meant() {
        for (name, wanted) in [
            ("wetsnow_2019-05-01", "2019-05-01"),
            ("AMSR2_TB36V_20190501", "2019-05-01"),
            ("2019.05.01", "2019-05-01"),
            ("S1A_IW_20190501T081234_012345", "2019-05-01"),
            ("20190501081234_v2", "2019-05-01"),
            ("a2019_05_01b_2019-05-01", "2019-05-01"),
            ("S1_20190501_20190507", "2019-05-01 2019-05-07"),
            ("10_2019_05_01_02", "2019-05-01"),
            ("ü20200229", "2020-02-29"),
            // No such day, digits that go on, mixed signs, other years, a day of the year, an hour that there is not.
            ("20190229", ""),
            ("120190501", ""),
            ("2019-05_01", ""),
            ("2019_05_011", ""),
            ("00012345", ""),
            ("2019.121", ""),
            ("201905012561", ""),
            ("dem", ""),
            ("", ""),
        ] {
            assert_eq!(shown(days_in(name)), wanted, "{name}");
        }
    }

    #[test]
    fn patterns_pick_a_date() {
        for (pattern, name, wanted) in [
            ("AMSR2_%Y%m%d*.tif", "AMSR2_20190501_v3.tif", "2019-05-01"),
            ("%Y.%j.tif", "2019.121.tif", "2019-05-01"),
            ("%Y.%j", "2019.121.tif", "2019-05-01"),
            ("*.A%Y%j.*", "MOD10A1.A2019121.h16v01.tif", "2019-05-01"),
            ("*_%d%b%Y.tif", "snow_01May2019.tif", "2019-05-01"),
            ("S1_%Y%m%d_*", "S1_20190501_20190507.tif", "2019-05-01"),
            ("*_%Y%m%d.tif", "S1_20190501_20190507.tif", "2019-05-07"),
            ("*%Y%m%d*", "S1_20190501_20190507.tif", "2019-05-01 2019-05-07"),
            ("%Y.%j.tif", "2019.366.tif", ""),
            ("AMSR2_%Y%m%d*.tif", "AMSR_20190501.tif", ""),
        ] {
            assert_eq!(shown(Pattern::parse(pattern).unwrap().days_in(name)), wanted, "{pattern} of {name}");
        }
        for (pattern, words) in [("*.tif", "holds no date"), ("%Y*%m%d", "both sides")] {
            assert!(Pattern::parse(pattern).unwrap_err().to_string().contains(words), "{pattern}");
        }
    }
}
