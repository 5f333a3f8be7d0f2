//! Which days have all the files that a configuration asks for, and which of them are to be mapped for the daily product.
//!
//! A day is complete where every daily input has its file, the winter mean of its year exists where it is an input, and, but for the
//! days to be mapped, the target. `time_interpolate_sar` does not count: it is made from the train days once they are drawn. With
//! `check_for_invalid_entries` days whose inputs have NaN or no-data pixels are left out; of the days to be mapped those with such
//! pixels in `pmw` always are, as the reference does. Neither is asked of an input whose gaps are filled (`fill_<variable>`). Days whose
//! target or input holds nothing at all are left out whatever the configuration says (`empty_days`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::day::Day;
use super::empty_days::{leave_out_empty_inputs, leave_out_empty_targets};
use super::inventory::{name_some, nan_input};
use super::parallel::in_parallel;
use super::raster::Raster;
use super::variable_files::{OTHER_NAMES, VariableFiles};
use crate::config::Config;
use crate::domains::{Source, Unit, Variable};
use crate::error::{Error, Result};
use crate::event::Event;

/// The complete days of a configuration, in order of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompleteDays {
    /// Days with all inputs and a target.
    pub with_target: Vec<Day>,
    /// Days to be mapped: all inputs, within the deploy season.
    pub deploy: Vec<Day>,
}

/// From when to when, and which part of the year, days are to be mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Season {
    /// The first day.
    pub first: Option<Day>,
    /// The last day.
    pub last: Option<Day>,
    /// Whether days of the month outside the first's and last's stay, for example 31 May in 1 April to 30 September.
    pub keep_31st: bool,
}

impl Season {
    /// `deploy_start_time` to `deploy_end_time`.
    pub fn of(config: &Config, keep_31st: bool) -> Season {
        let day = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
        Season { first: day(&config.deploy_start_time), last: day(&config.deploy_end_time), keep_31st }
    }

    /// Whether a day belongs to it: between the first and the last day, and with its month and its day of the month each between
    /// theirs. With `keep_31st`, and for a season over New Year, month and day of the month count together as a date of the year.
    pub fn contains(&self, day: &Day) -> bool {
        if self.first.as_ref().is_some_and(|first| day < first) || self.last.as_ref().is_some_and(|last| day > last) {
            return false;
        }
        let (Some(first), Some(last)) = (&self.first, &self.last) else { return true };
        let (first, last, day) = ((first.month, first.day), (last.month, last.day), (day.month, day.day));
        match (self.keep_31st, first.0 <= last.0) {
            (false, true) => (first.0..=last.0).contains(&day.0) && (first.1..=last.1).contains(&day.1),
            (true, true) if first <= last => (first..=last).contains(&day),
            _ => day >= first || day <= last,
        }
    }

    /// Every day of the calendar that belongs to it; none where it has no first or no last day.
    fn days(&self) -> Vec<Day> {
        let (Some(first), Some(last)) = (&self.first, &self.last) else { return Vec::new() };
        first.through(*last).filter(|day| self.contains(day)).collect()
    }
}

/// A folder or file that days need.
pub(super) struct Needed {
    pub(super) input: &'static Variable,
    pub(super) files: VariableFiles,
    /// The days that have a file; none where one file serves all days or a year.
    days: Option<BTreeSet<Day>>,
}

impl Needed {
    fn has(&self, day: &Day) -> bool {
        match &self.days {
            Some(days) => days.contains(day),
            None => self.files.file(day).is_file(),
        }
    }
}

impl CompleteDays {
    /// Looks through the folders of a configuration; without `season` no days to be mapped are looked for.
    ///
    /// Where no input is a daily raster, the days to be mapped are those of the calendar within the season, or else those with a target.
    ///
    /// # Errors
    /// A missing path key, a folder that cannot be read, a constant input that is missing or has NaN; with NaN to be looked for, a
    /// raster that cannot be read.
    pub fn find(config: &Config, season: Option<&Season>, observe: &mut dyn FnMut(Event)) -> Result<CompleteDays> {
        let needed = needed(config)?;
        let target = &config.domain().target;
        let (target_files, targets) = days_of_folder(target, config.require_variable(target.name)?, config.domain().unit)?;
        let mut with_target = targets.clone();
        for needed in &needed {
            let lacking: Vec<PathBuf> = targets.iter().filter(|day| !needed.has(day)).map(|day| day.file_name().into()).collect();
            if !lacking.is_empty() {
                let (count, some, name) = (lacking.len(), name_some(&lacking), needed.input.name);
                observe(Event::Note(format!("{count} day(s) with a target lack the input `{name}` and are left out: {some}")));
                with_target.retain(|day| needed.has(day));
            }
        }
        let mut deploy = BTreeSet::new();
        if let Some(season) = season {
            let daily = needed.iter().filter_map(|needed| needed.days.as_ref()).next();
            let days = match (daily, season.days()) {
                (Some(days), _) => days.clone(),
                (None, calendar) if !calendar.is_empty() => calendar.into_iter().collect(),
                (None, _) => targets.clone(),
            };
            deploy = days.into_iter().filter(|day| season.contains(day) && needed.iter().all(|needed| needed.has(day))).collect();
        }
        for needed in needed.iter().filter(|needed| needed.input.refuses_gaps()) {
            leave_out_nan(needed, config.check_for_invalid_entries, &mut with_target, &mut deploy, observe)?;
        }
        // Where gaps were looked for, nothing empty is left.
        let unchecked =
            |needed: &&Needed| needed.input.refuses_empty() && !(config.check_for_invalid_entries && needed.input.refuses_gaps());
        for needed in needed.iter().filter(unchecked) {
            leave_out_empty_inputs(needed, &mut with_target, &mut deploy, observe)?;
        }
        leave_out_empty_targets(config, &target_files, &mut with_target, observe)?;
        Ok(CompleteDays { with_target: with_target.into_iter().collect(), deploy: deploy.into_iter().collect() })
    }
}

/// What days need beside a target.
fn needed(config: &Config) -> Result<Vec<Needed>> {
    let mut needed = Vec::new();
    for input in config.inputs()? {
        let made_each_day = input.made_by.is_some() && input.source == Source::Daily;
        if input.is_scalar() || made_each_day || input.gap_of.is_some() || input.optional {
            continue;
        }
        let path = config.require_variable(input.files_of())?.to_owned();
        if input.is_constant() && !path.is_file() {
            return Err(Error::input(&path, format!("this file is missing; check `path_{}`", input.files_of())));
        }
        let (files, days) = match input.source {
            Source::Daily => days_of_folder(input, &path, config.domain().unit).map(|(files, days)| (files, Some(days)))?,
            _ => (VariableFiles::of(input, &path, &[])?, None),
        };
        needed.push(Needed { input, files, days });
    }
    Ok(needed)
}

/// The days or scenes that a daily variable has a file of in a folder; other files do not count.
///
/// # Errors
/// [`Error::Input`] where the folder cannot be read, holds no day, or two files of one.
pub(crate) fn days_of_folder(variable: &Variable, folder: &Path, unit: Unit) -> Result<(VariableFiles, BTreeSet<Day>)> {
    let (files, days) = match unit {
        Unit::Day => VariableFiles::listed(variable, folder)?,
        Unit::Scene => VariableFiles::of_scenes(variable, folder)?,
    };
    if days.is_empty() {
        let name = variable.files_of();
        if unit == Unit::Scene {
            return Err(Error::input(folder, format!("holds no scene, NAME.tif or NAME.png; check `path_{name}`")));
        }
        let message = format!("holds no file named as a day, for example 2017_06_04.tif; check `path_{name}`. {OTHER_NAMES}");
        return Err(Error::input(folder, message));
    }
    Ok((files, days))
}

/// Takes days out whose file has pixels without a value: from both lists with `check`, else those to be mapped where they must be whole.
fn leave_out_nan(
    needed: &Needed,
    check: bool,
    with_target: &mut BTreeSet<Day>,
    deploy: &mut BTreeSet<Day>,
    observe: &mut dyn FnMut(Event),
) -> Result<()> {
    let Needed { input, files: of_days, .. } = needed;
    let looked_at: Vec<&Day> = match (check, input.must_be_whole) {
        (true, _) => with_target.union(deploy).collect(),
        (false, true) => deploy.iter().collect(),
        (false, false) => return Ok(()),
    };
    let files: BTreeSet<PathBuf> = looked_at.into_iter().map(|day| of_days.file(day)).collect();
    let files: Vec<PathBuf> = files.into_iter().collect();
    if files.is_empty() {
        return Ok(());
    }
    observe(Event::Start { label: "looking for NaN", total: files.len(), unit: "files" });
    let of_file = |file: &PathBuf| Raster::of_band(file, input.band())?.has_nan();
    let has_nan = in_parallel(files.iter().map(Ok), rayon::current_num_threads(), of_file, || observe(Event::Done(1)))?;
    let bad: BTreeSet<PathBuf> = files.into_iter().zip(has_nan).filter(|(_, has_nan)| *has_nan).map(|(file, _)| file).collect();
    let Some(first) = bad.first() else { return Ok(()) };
    if input.is_constant() {
        return Err(Error::input(first, nan_input(input)));
    }
    let is_bad = |day: &Day| bad.contains(&of_days.file(day));
    let unusable = with_target.iter().filter(|day| is_bad(day)).count();
    let some = name_some(&bad.iter().cloned().collect::<Vec<_>>());
    let (count, name) = (bad.len(), input.name);
    let mut text =
        format!("{count} file(s) of `{name}` have NaN or no-data pixels, and their days are left out (`fill_{name}` would keep them)");
    if check {
        with_target.retain(|day| !is_bad(day));
    } else if unusable > 0 {
        text =
            format!("{text} of deploy; {unusable} of them have a target and stay in the other lists: set check_for_invalid_entries: true");
    }
    deploy.retain(|day| !is_bad(day));
    observe(Event::Note(format!("{text}: {some}")));
    Ok(())
}
