//! What an input's pixels without a value get: `fill_<variable>` of a configuration.
//!
//! `nearest` looks at the whole scene and `time` at the same pixel of other days, so that a window has the values that the scene has there,
//! and training those of prediction. `time` takes the nearest day of the folder, the earlier one of two, up to [`SEARCH_DAYS`] away.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::day::Day;
use super::variable_files::VariableFiles;
use crate::config::Config;
use crate::domains::{Fill, Gaps, Variable};
use crate::error::Result;

/// `time` looks at days up to so many before and after: at a yearly cycle's pace a fortnight is still the same season.
pub const SEARCH_DAYS: i64 = 15;

/// How the gaps of an input are filled.
#[derive(Debug)]
pub(super) struct Filling {
    pub(super) fill: Fill,
    /// The raw value where nothing else is known; NaN of `nearest`, which always knows one.
    pub(super) rest: f32,
    /// For `time` the days that have a file, in order of time.
    days: Vec<Day>,
    files: VariableFiles,
}

impl Filling {
    /// That of an input with these files; none of one that is not filled.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) for a mean that is missing, [`Error::Input`](crate::error::Error::Input) for a
    /// folder that cannot be read.
    pub fn of(config: &Config, input: &Variable, files: &VariableFiles) -> Result<Option<Filling>> {
        let Gaps::Filled(fill) = input.gaps else { return Ok(None) };
        let rest = match fill {
            Fill::Mean | Fill::Time => config.raw_mean(input)? as f32,
            Fill::Nearest => f32::NAN,
            Fill::Value(value) => value as f32,
        };
        let (files, days) = match fill {
            Fill::Time => VariableFiles::listed(input, files.path())?,
            _ => (files.clone(), BTreeSet::new()),
        };
        Ok(Some(Filling { fill, rest, days: days.into_iter().collect(), files }))
    }

    /// The days up to [`SEARCH_DAYS`] away, the nearest first.
    fn days_around(&self, day: &Day) -> Vec<Day> {
        let number = day.number();
        let first = self.days.partition_point(|other| other.number() < number - SEARCH_DAYS);
        let near = self.days[first..].iter().take_while(|other| other.number() <= number + SEARCH_DAYS);
        let mut around: Vec<Day> = near.filter(|other| *other != day).copied().collect();
        // Stable, and the days are in order of time: of two equally far the earlier comes first.
        around.sort_by_key(|other| (other.number() - number).abs());
        around
    }

    /// The files whose values may take the place of a day's, in the order in which they are asked.
    pub fn files_around(&self, day: &Day) -> Vec<PathBuf> {
        self.days_around(day).iter().map(|other| self.files.file(other)).collect()
    }

    /// Those of them that are of earlier days.
    pub fn files_behind(&self, day: &Day) -> Vec<PathBuf> {
        self.days_around(day).iter().filter(|other| *other < day).map(|other| self.files.file(other)).collect()
    }
}

/// Puts `values` where `out` has none; returns whether it still lacks some.
pub(super) fn patch(out: &mut [f32], values: impl IntoIterator<Item = f32>) -> bool {
    let mut lacks = false;
    for (out, value) in out.iter_mut().zip(values).filter(|(out, _)| out.is_nan()) {
        *out = value;
        lacks |= value.is_nan();
    }
    lacks
}
