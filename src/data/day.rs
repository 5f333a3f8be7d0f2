//! Days by the names of their files, the splits that they are divided into, and the CSV files that say so.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::error::{Error, Result};

/// A part of the days of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Split {
    /// Days that the weights are fitted to.
    Train,
    /// Days that choose the best checkpoint.
    Val,
    /// Days that are scored at the end.
    Test,
    /// Days of the maps drawn during training.
    Eval,
    /// Every day with a target.
    All,
    /// Days to be mapped, with or without a target.
    Deploy,
}

impl Split {
    /// Every split.
    pub const ALL: [Split; 6] = [Split::Train, Split::Val, Split::Test, Split::Eval, Split::All, Split::Deploy];

    /// Its name on the command line and in `path_<name>_split_csv`.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Val => "val",
            Split::Test => "test",
            Split::Eval => "eval",
            Split::All => "all",
            Split::Deploy => "deploy",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Split {
    type Err = Error;

    fn from_str(name: &str) -> Result<Split> {
        let found = Split::ALL.into_iter().find(|split| split.name() == name);
        found.ok_or_else(|| Error::Usage(format!("`{name}` is no split; choose one of {}", Split::ALL.map(Split::name).join(", "))))
    }
}

/// One day of a dataset, ordered in time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    /// Calendar year.
    pub year: u16,
    /// Month, 1…12.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
}

impl Day {
    /// The day of a file named `YYYY_MM_DD.tif`; `None` for any other name or a date that does not exist.
    pub fn from_file_name(name: &str) -> Option<Day> {
        let stem = name.strip_suffix(".tif")?;
        let digits =
            stem.len() == 10 && stem.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'_' } else { b.is_ascii_digit() });
        if !digits {
            return None;
        }
        let day = Day { year: stem[..4].parse().ok()?, month: stem[5..7].parse().ok()?, day: stem[8..].parse().ok()? };
        let exists = (1..=12).contains(&day.month) && (1..=days_of_month(day.year, day.month)).contains(&day.day);
        exists.then_some(day)
    }

    /// `YYYY_MM_DD.tif`.
    pub fn file_name(&self) -> String {
        format!("{:04}_{:02}_{:02}.tif", self.year, self.month, self.day)
    }

    /// `YYYY_jan_feb.tif`, the winter mean of its year.
    pub fn winter_file_name(&self) -> String {
        format!("{:04}_jan_feb.tif", self.year)
    }

    /// Days since 1 January, from 0.
    pub fn day_of_year(&self) -> u16 {
        (1..self.month).map(|month| u16::from(days_of_month(self.year, month))).sum::<u16>() + u16::from(self.day) - 1
    }

    /// Number of the day in the Gregorian calendar, 0 for 1 March of the year 0: differences are days apart, across years too.
    pub fn number(&self) -> i64 {
        // Years from March on, so that the leap day is the last of its year.
        let (year, month) = match self.month {
            1 | 2 => (i64::from(self.year) - 1, i64::from(self.month) + 9),
            month => (i64::from(self.year), i64::from(month) - 3),
        };
        let before = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        before + (153 * month + 2) / 5 + i64::from(self.day) - 1
    }

    /// Angle of the day in a year of 360 days, radians.
    pub fn season_angle(&self) -> f64 {
        std::f64::consts::TAU * f64::from(self.day_of_year()) / 360.0
    }
}

impl fmt::Display for Day {
    /// `YYYY-MM-DD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Days of a month in the Gregorian calendar; `month` is 1…12.
pub(super) fn days_of_month(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Reads a split file: one `YYYY_MM_DD.tif` a line, no header, blank lines skipped, in the order of the file.
///
/// # Errors
/// [`Error::Input`] where the file cannot be read, a line is no day, a day is repeated, or there is none.
pub fn read_split_csv(path: &Path) -> Result<Vec<Day>> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        Error::input(path, format!("the split file cannot be read ({e}); `meltcore split` writes the split files")).because(e)
    })?;
    let mut days = Vec::new();
    let mut seen = HashSet::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let name = line.trim();
        if name.is_empty() {
            continue;
        }
        let number = index + 1;
        let day = Day::from_file_name(name).ok_or_else(|| {
            Error::input(
                path,
                format!("line {number}: `{name}` is no day; each line holds one file name such as 2017_06_04.tif, without a header"),
            )
        })?;
        if !seen.insert(day.clone()) {
            return Err(Error::input(path, format!("line {number}: `{name}` is listed twice; remove one of the two lines")));
        }
        days.push(day);
    }
    match days.is_empty() {
        true => Err(Error::input(path, "lists no day; `meltcore split` writes the split files")),
        false => Ok(days),
    }
}
