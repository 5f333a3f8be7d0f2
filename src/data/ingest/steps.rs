//! Which steps of a variable make which day: its axes besides the horizontal ones, flattened with the last of them fastest.

use std::collections::BTreeMap;
use std::path::Path;

use super::{PackOptions, stem};
use crate::data::day::Day;
use crate::data::time_axis::TimeAxis;
use crate::error::{Error, Result};

/// What the steps are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Selection {
    /// Steps (from 1) of each day, in time.
    Days(BTreeMap<Day, Vec<usize>>),
    /// One step without a time.
    Static(usize),
}

/// What the bands of a raster are called in messages.
pub(super) const BANDS: &str = "bands";

/// An axis that is flattened into steps.
#[derive(Debug, Clone, Default)]
pub(super) struct Axis {
    pub name: String,
    pub size: usize,
    /// Coordinates as text; none where the file has none.
    pub values: Vec<String>,
    /// Attributes of the coordinates.
    pub units: Option<String>,
    pub calendar: Option<String>,
    /// Whether an attribute says that it is time.
    pub is_time: bool,
}

impl Axis {
    fn is_time(&self) -> bool {
        self.is_time || self.units.as_ref().is_some_and(|units| units.contains(" since "))
    }

    /// Whether a file names it; bands of a raster have no name.
    #[cfg(feature = "gdal")]
    pub fn is_named(&self) -> bool {
        self.name != BANDS
    }

    /// Whether it is called what only time is called.
    fn is_called_time(&self) -> bool {
        ["time", "times", "t", "date", "dates", "datetime", "day", "days"].iter().any(|name| self.name.eq_ignore_ascii_case(name))
    }
}

/// Picks the steps of a level; an error is a message.
pub(super) fn select(axes: &[Axis], level: Option<usize>) -> Result<Selection, String> {
    let times: Vec<usize> = (0..axes.len()).filter(|index| axes[*index].is_time()).collect();
    // Of the time of a forecast's start and that of its steps, the longer one is the one that runs.
    let time = times.iter().copied().max_by_key(|index| (axes[*index].size, usize::MAX - index));
    if let [_, _, ..] = times.iter().filter(|index| axes[**index].size > 1).collect::<Vec<_>>()[..] {
        let names: Vec<&str> = times.iter().map(|index| &axes[*index].name[..]).collect();
        return Err(format!("has the time axes {}, so a map has no single day; extract one of them first", names.join(", ")));
    }
    if let (None, Some(axis)) = (time, axes.iter().find(|axis| axis.is_called_time())) {
        let lack = match axis.values.is_empty() {
            true => "has no coordinate variable of numbers",
            false => "has no units such as `days since 2000-01-01`",
        };
        return Err(format!(
            "its axis `{0}` {lack}, so the days of its steps are unknown; add that (ncatted, xarray), or drop the axis (ncwa -a {0})",
            axis.name
        ));
    }
    let stride = |index: usize| axes[index + 1..].iter().fold(1usize, |steps, axis| steps.saturating_mul(axis.size));
    let others: Vec<usize> = (0..axes.len()).filter(|index| !times.contains(index)).collect();
    let first = level_offset(axes, &others, &stride, level)?.saturating_add(1);
    let Some(index) = time else { return Ok(Selection::Static(first)) };
    let (time, stride) = (&axes[index], stride(index));

    let units = time.units.as_deref().unwrap_or_default();
    let axis = TimeAxis::parse(units, time.calendar.as_deref())?;
    let mut days: BTreeMap<Day, Vec<usize>> = BTreeMap::new();
    for step in 0..time.size {
        let text = time.values.get(step).map_or("nothing", String::as_str);
        let day = text.parse().ok().and_then(|value| axis.day(value));
        let day = day.ok_or_else(|| format!("step {step} of its time axis {} is {text} {units}, which is no date", time.name))?;
        days.entry(day).or_default().push(first.saturating_add(step.saturating_mul(stride)));
    }
    if days.is_empty() {
        return Err(format!("has no step on its time axis {}; check how it was written", time.name));
    }
    Ok(Selection::Days(days))
}

/// Steps to skip for the wanted level.
fn level_offset(axes: &[Axis], others: &[usize], stride: &dyn Fn(usize) -> usize, level: Option<usize>) -> Result<usize, String> {
    let long: Vec<usize> = others.iter().copied().filter(|index| axes[*index].size > 1).collect();
    if let Some(empty) = others.iter().map(|index| &axes[*index]).find(|axis| axis.size == 0) {
        return Err(format!("has nothing along its axis {}", empty.name));
    }
    let index = match long[..] {
        [] if level.unwrap_or(0) == 0 => return Ok(0),
        [] => return Err("has no axis besides time and space; leave --level away".into()),
        [index] => index,
        _ => {
            let names: Vec<String> = long.iter().map(|index| format!("{} ({})", axes[*index].name, axes[*index].size)).collect();
            return Err(format!("has the axes {} besides space; --level picks along one only: extract the others first", names.join(", ")));
        }
    };
    let axis = &axes[index];
    if let Some(level) = level.filter(|level| *level < axis.size) {
        return Ok(level.saturating_mul(stride(index)));
    }
    let unit = axis.units.as_deref().unwrap_or_default();
    let values: Vec<String> = axis.values.iter().take(8).enumerate().map(|(index, value)| format!("{index} is {value}")).collect();
    let values = if values.is_empty() {
        String::new()
    } else {
        format!(" ({}{})", values.join(", "), if unit.is_empty() { String::new() } else { format!(" {unit}") })
    };
    Err(format!("has {} of {}{values}; choose one with --level, from 0 to {}", axis.size, axis.name, axis.size - 1))
}

/// The files that steps become, each with whether no time axis says its day, and the steps (from 1) whose mean it is.
pub(super) fn files(path: &Path, axes: &[Axis], options: &PackOptions) -> Result<Vec<(String, bool, Vec<usize>)>> {
    Ok(match select(axes, options.level).map_err(|message| Error::input(path, message))? {
        Selection::Days(days) => days.into_iter().map(|(day, steps)| (day.file_name(), false, steps)).collect(),
        Selection::Static(step) => {
            let variable = options.variable.as_ref().map(|name| format!("_{}", name.trim_matches('/').replace('/', "_")));
            vec![(format!("{}{}.tif", stem(path), variable.unwrap_or_default()), true, vec![step])]
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(name: &str, values: &[f64], units: &str) -> Axis {
        let values: Vec<String> = values.iter().map(f64::to_string).collect();
        let units = (!units.is_empty()).then(|| units.to_owned());
        Axis { name: name.into(), size: values.len(), values, units, ..Axis::default() }
    }

    fn mar() -> Vec<Axis> {
        vec![axis("TIME", &[0.25, 0.75, 1.25, 3.0], "days since 2020-02-28"), axis("LEV", &[0.9, 0.95, 1.0], "sigma")]
    }

    #[test]
    fn steps_of_a_day_share_its_file() {
        let Ok(Selection::Days(days)) = select(&mar(), Some(1)) else { panic!() };
        let days: Vec<(String, Vec<usize>)> = days.into_iter().map(|(day, steps)| (day.to_string(), steps)).collect();
        let wanted = [("2020-02-28", vec![2, 5]), ("2020-02-29", vec![8]), ("2020-03-02", vec![11])];
        assert_eq!(days, wanted.map(|(day, steps)| (day.to_owned(), steps)));
        // The time axis may be any of them.
        let turned: Vec<Axis> = mar().into_iter().rev().collect();
        let Ok(Selection::Days(days)) = select(&turned, Some(1)) else { panic!() };
        assert_eq!(days.into_values().collect::<Vec<_>>(), [vec![5, 6], vec![7], vec![8]]);
    }

    #[test]
    fn levels_are_asked_for_and_checked() {
        let message = select(&mar(), None).unwrap_err();
        assert!(message.contains("3 of LEV (0 is 0.9, 1 is 0.95, 2 is 1 sigma)"), "{message}");
        assert!(select(&mar(), Some(3)).unwrap_err().contains("from 0 to 2"));
        let mut three = mar();
        three.push(axis("SECTOR", &[1.0, 2.0], ""));
        assert!(select(&three, Some(0)).unwrap_err().contains("LEV (3), SECTOR (2)"));
        // No level is dropped where time is the only axis.
        let time = &mar()[..1];
        assert_eq!(select(time, Some(0)), select(time, None));
        assert!(select(time, Some(1)).unwrap_err().contains("leave --level away"));
        assert_eq!(select(&[], None), Ok(Selection::Static(1)));
    }

    #[test]
    fn a_time_axis_without_dates_is_refused() {
        let mut odd = mar();
        odd[0].values.truncate(2);
        assert!(select(&odd, Some(0)).unwrap_err().contains("step 2 of its time axis TIME is nothing"));
        odd[0].calendar = Some("360_day".into());
        assert!(select(&odd, Some(0)).unwrap_err().contains("360_day"));
        // Without attributes, or coordinates at all, also where --level would pick a step.
        for (values, level) in [(&[0.0, 1.0][..], Some(0)), (&[0.0], None)] {
            assert!(select(&[axis("Time", values, "")], level).unwrap_err().contains("has no units such as"));
            let bare = Axis { values: Vec::new(), ..axis("Time", values, "") };
            assert!(select(&[bare], level).unwrap_err().contains("no coordinate variable of numbers"));
        }
        let two = [axis("start", &[0.0, 1.0], "days since 2000-01-01"), axis("valid", &[0.0, 1.0], "days since 2000-01-01")];
        assert!(select(&two, None).unwrap_err().contains("time axes start, valid"));
        let one = [axis("start", &[0.0], "days since 2000-01-01"), axis("valid", &[0.0, 1.0], "days since 2000-01-01")];
        assert!(matches!(select(&one, None), Ok(Selection::Days(days)) if days.len() == 2));
    }
}
