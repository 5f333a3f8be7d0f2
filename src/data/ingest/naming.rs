//! What a file is called that is made of a source without a time axis: by the day in the source's name, else as the source.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Job;
use crate::data::dated_names::{Pattern, days_in};
use crate::data::day::Day;
use crate::data::inventory::name_some;
use crate::error::{Error, Result};

/// Which days the names of sources mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Dates {
    /// The only date in a name.
    #[default]
    InNames,
    /// The date that a pattern picks.
    Pattern(Pattern),
    /// None: files keep the names of their sources.
    Ignored,
}

const CURE: &str =
    "say where the day is with --date PATTERN (for example --date \"AMSR2_%Y%m%d*.tif\"), or keep all names with --date none";

/// Calls files by the days that the names of their sources mean; returns those sources with their days.
///
/// # Errors
/// [`Error::Usage`] naming sources whose day is in doubt, and those without one among others that have one.
pub(super) fn name_by_day(jobs: &mut [Job], dates: &Dates) -> Result<Vec<(PathBuf, Day)>> {
    let found: Vec<BTreeSet<Day>> = jobs.iter().map(|job| days_of(&job.source, dates)).collect();
    let of_pattern = matches!(dates, Dates::Pattern(_));
    if let Some(job) = jobs.iter().find(|job| of_pattern && !job.is_timeless) {
        let source = job.source.display();
        return Err(Error::Usage(format!("{source} has a time axis, which says its days; leave --date away, or pack it on its own")));
    }
    let timeless = || jobs.iter().zip(&found).filter(|(job, _)| job.is_timeless);
    if let Some((job, days)) = timeless().find(|(_, days)| days.len() > 1) {
        let days = days.iter().map(Day::to_string).collect::<Vec<_>>().join(" and ");
        return Err(Error::Usage(format!("{} can be of {days} by its name; {CURE}", job.source.display())));
    }
    let undated: Vec<PathBuf> = timeless().filter(|(_, days)| days.is_empty()).map(|(job, _)| job.source.clone()).collect();
    let is_renamed = |(job, days): (&Job, &BTreeSet<Day>)| days.first().is_some_and(|day| job.file != day.file_name());
    let any_renamed = of_pattern || timeless().any(is_renamed);
    if any_renamed && !undated.is_empty() {
        let (count, some, others) = (undated.len(), name_some(&undated), if of_pattern { "" } else { " as others have" });
        return Err(Error::Usage(format!("{count} source(s) have no date in their names{others}: {some}; {CURE}")));
    }
    let mut named = Vec::new();
    for (job, days) in jobs.iter_mut().zip(found).filter(|(job, _)| job.is_timeless) {
        if let Some(day) = days.first() {
            job.file = day.file_name();
            named.push((job.source.clone(), *day));
        }
    }
    Ok(named)
}

fn days_of(source: &Path, dates: &Dates) -> BTreeSet<Day> {
    let name = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    match dates {
        Dates::InNames => days_in(&name(source.file_stem())),
        Dates::Pattern(pattern) => pattern.days_in(&name(source.file_name())),
        Dates::Ignored => BTreeSet::new(),
    }
}
