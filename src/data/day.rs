//! Days and named scenes by the names of their files, the splits that they are divided into, and the CSV files that say so.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use jiff::civil::{Date, date};
use jiff::{Span, Timestamp};

use crate::domains::{Calendar, Unit, interned};
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
    /// All splits, in the order of tables and messages.
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

/// Short names of the months.
pub const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// What one map is of: a day of the Gregorian calendar, ordered in time, or a scene that is called by a name, which stands before all days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    /// Calendar year.
    pub year: u16,
    /// Month, 1…12.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
    /// The name of a scene; it has no date, as far as anybody here knows.
    pub scene: Option<&'static str>,
}

impl Day {
    /// The day of a scene of which nobody knows when it was seen: it has a map, and no date.
    pub const UNDATED: Day = Day { year: 0, month: 0, day: 0, scene: None };

    /// A day of the calendar; `None` where it does not exist.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Day> {
        let date = Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        Day::of(date)
    }

    fn of(date: Date) -> Option<Day> {
        Some(Day { year: u16::try_from(date.year()).ok()?, month: date.month() as u8, day: date.day() as u8, scene: None })
    }

    /// Its date; the first of all for a day that does not exist.
    fn date(self) -> Date {
        Date::new(self.year as i16, self.month as i8, self.day as i8).unwrap_or(Date::MIN)
    }

    /// The day of a file named `YYYY_MM_DD.tif`; `None` for any other name or a date that does not exist.
    pub fn from_file_name(name: &str) -> Option<Day> {
        name.strip_suffix(".tif")?.parse().ok()
    }

    /// The day or scene of a file or of a line in a list of scenes: a date where the name is one, else the name without `.tif`, `.tiff` or
    /// `.png`; `None` for what can be no name of a file.
    pub fn from_scene_name(name: &str) -> Option<Day> {
        let stem = [".tif", ".tiff", ".png"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
        let is_name = !stem.is_empty() && !stem.starts_with('.') && !stem.contains(['/', '\\', ',', ';', '"', '\t', '\0']);
        let scene = || is_name.then(|| Day { scene: Some(interned(stem)), ..Day::UNDATED });
        stem.parse().ok().or_else(scene)
    }

    /// The day or scene of a map, a file that may be something else.
    pub fn of_map(file: &str, unit: Unit) -> Option<Day> {
        match unit {
            Unit::Day => Day::from_file_name(file),
            Unit::Scene => file.ends_with(".tif").then(|| Day::from_scene_name(file)).flatten(),
        }
    }

    /// Whether it has a date.
    pub fn is_dated(&self) -> bool {
        self.month > 0
    }

    /// `YYYY_MM_DD.tif`, of a scene `NAME.tif`; `map.tif` without either.
    pub fn file_name(&self) -> String {
        if let Some(scene) = self.scene {
            return format!("{scene}.tif");
        }
        if *self == Day::UNDATED {
            return "map.tif".into();
        }
        format!("{:04}_{:02}_{:02}.tif", self.year, self.month, self.day)
    }

    /// `YYYY_jan_feb.tif`, the winter mean of its year.
    pub fn winter_file_name(&self) -> String {
        format!("{:04}_jan_feb.tif", self.year)
    }

    /// Days since 1 January, from 0.
    pub fn day_of_year(&self) -> u16 {
        self.date().day_of_year() as u16 - 1
    }

    /// Days since 1 January 1970: differences are days apart, across years too.
    pub fn number(&self) -> i64 {
        self.date().duration_since(date(1970, 1, 1)).as_hours() / 24
    }

    /// The day after so many others; `None` past the year 9999.
    pub fn after(&self, days: i64) -> Option<Day> {
        self.date().checked_add(Span::new().try_days(days).ok()?).ok().and_then(Day::of)
    }

    /// This day and all that follow until `last`, which is one of them; none where `last` is before.
    pub fn through(self, last: Day) -> impl Iterator<Item = Day> {
        std::iter::successors(Some(self), |day| day.after(1)).take_while(move |day| *day <= last)
    }

    /// Angle of the day in a year of 360 days, radians.
    pub fn season_angle(&self) -> f64 {
        std::f64::consts::TAU * f64::from(self.day_of_year()) / 360.0
    }

    /// A number made from the date.
    pub fn of_calendar(&self, calendar: Calendar) -> f64 {
        match calendar {
            Calendar::SeasonSine => self.season_angle().sin(),
            Calendar::SeasonCosine => self.season_angle().cos(),
            Calendar::Month => f64::from(self.month),
        }
    }
}

impl fmt::Display for Day {
    /// `YYYY-MM-DD`, or the name of a scene.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scene) = self.scene {
            return f.write_str(scene);
        }
        if *self == Day::UNDATED {
            return f.write_str("undated");
        }
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Day {
    type Err = Error;

    /// `YYYY_MM_DD`.
    fn from_str(text: &str) -> Result<Day> {
        let shaped =
            text.len() == 10 && text.bytes().enumerate().all(|(i, b)| if matches!(i, 4 | 7) { b == b'_' } else { b.is_ascii_digit() });
        let parts = || Day::new(text[..4].parse().ok()?, text[5..7].parse().ok()?, text[8..].parse().ok()?);
        let day = if shaped { parts() } else { None };
        day.ok_or_else(|| Error::Usage(format!("`{text}` is no day; write it as 2017_06_04")))
    }
}

/// The present moment to the minute, UTC.
pub fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Reads a split file: one `YYYY_MM_DD.tif`, or the name of a scene with or without an ending, a line, no header, blank lines skipped, in
/// the order of the file.
///
/// # Errors
/// [`Error::Input`] where the file cannot be read, a line is no day or name, one is repeated, or there is none.
pub fn read_split_csv(path: &Path, unit: Unit) -> Result<Vec<Day>> {
    let cure = match unit {
        Unit::Day => "`meltcore split` writes the split files",
        Unit::Scene => "write the names of its scenes into it, one a line",
    };
    let text =
        std::fs::read_to_string(path).map_err(|e| Error::input(path, format!("the split file cannot be read ({e}); {cure}")).because(e))?;
    let mut days = Vec::new();
    let mut seen = HashSet::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let name = line.trim();
        // A line that begins so is a remark in most lists that people write.
        if name.is_empty() || name.starts_with('#') {
            continue;
        }
        let number = index + 1;
        let day = match unit {
            Unit::Day => {
                Day::from_file_name(name).ok_or("is no day; each line holds one file name such as 2017_06_04.tif, without a header")
            }
            Unit::Scene => Day::from_scene_name(name).ok_or("is no scene; each line holds the name of one, without folder and header"),
        };
        let day = day.map_err(|what| Error::input(path, format!("line {number}: `{name}` {what}")))?;
        if !seen.insert(day) {
            return Err(Error::input(path, format!("line {number}: `{name}` is listed twice; remove one of the two lines")));
        }
        days.push(day);
    }
    match days.is_empty() {
        true => Err(Error::input(path, format!("lists no {}; {cure}", unit.plural().trim_end_matches('s')))),
        false => Ok(days),
    }
}
