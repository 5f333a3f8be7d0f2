//! The mean that takes an input's place, in the unit of its rasters.
//!
//! Of a channel that is normalised it is the configured mean, which the network sees as 0. Of the others it is the mean over the train
//! split, the same number whichever split is scored: of all pixels of all days as the network gets them (a running mean is 0 where there
//! is none), of another input's gaps their share, of the land mask the share of ocean, of the date's sine and cosine that over the days,
//! of the month the mean rounded to a month, since `linear_dem` chooses by it.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::data::Window;
use crate::data::day::{Split, read_split_csv};
use crate::data::land_mask::LandMask;
use crate::data::stats::{Values, channel_stats};
use crate::domains::{Calendar, Fill, Gaps, Source, Variable};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::preprocess::zero_of;

/// The means of some channels by name, as `constant_inputs` takes them.
///
/// # Errors
/// A missing `mean_` key; where the train split is needed, its list or rasters that are missing or cannot be read.
pub fn means(config: &Config, inputs: &[&'static Variable], observe: &mut dyn FnMut(Event)) -> Result<BTreeMap<String, f64>> {
    let mut means = BTreeMap::new();
    let mut to_read = Vec::new();
    for &input in inputs {
        let mean = match (zero_of(config, input)?, input.source) {
            (Some(mean), _) => Some(mean),
            (None, _) if input.name == config.domain().mask => Some(ocean_share(config)?),
            (None, Source::Date(calendar)) => Some(mean_of_days(config, calendar)?),
            (None, _) => None,
        };
        match mean {
            Some(mean) => drop(means.insert(input.name.to_owned(), mean)),
            None if to_read.contains(&input) => {}
            None => to_read.push(input),
        }
    }
    if !to_read.is_empty() {
        means.extend(means_of_rasters(config, &to_read, observe)?);
    }
    Ok(means)
}

/// The share of the land mask's pixels that are ocean.
fn ocean_share(config: &Config) -> Result<f64> {
    let mask = LandMask::open(config.require_variable(config.domain().mask)?)?;
    let mut ocean = vec![0.0; mask.raster().rows() * mask.raster().cols()];
    mask.read_ocean(Window::whole(mask.raster().rows(), mask.raster().cols()), &mut ocean)?;
    Ok(ocean.iter().map(|ocean| f64::from(*ocean)).sum::<f64>() / ocean.len().max(1) as f64)
}

/// The mean of a number made from the date.
fn mean_of_days(config: &Config, calendar: Calendar) -> Result<f64> {
    let days = read_split_csv(config.require_split_csv("train")?, config.domain().unit)?;
    let mean = days.iter().map(|day| day.of_calendar(calendar)).sum::<f64>() / days.len() as f64;
    Ok(if calendar == Calendar::Month { mean.round() } else { mean })
}

/// The means of inputs that are rasters.
fn means_of_rasters(config: &Config, inputs: &[&Variable], observe: &mut dyn FnMut(Event)) -> Result<BTreeMap<String, f64>> {
    let mut only = config.clone();
    for keys in [&mut only.in_keys, &mut only.in_keys_static, &mut only.in_keys_aux] {
        keys.retain(|key| inputs.iter().any(|input| input.files_of() == key));
    }
    only.variable_paths.remove(config.domain().target.name);
    let stats = channel_stats(&only, Split::Train, Values::Raw, observe)?;
    let train_days = || read_split_csv(config.require_split_csv("train")?, config.domain().unit).map(|days| days.len());
    let mean = |input: &&Variable| {
        let name = input.gap_of.unwrap_or(input.name);
        let found = stats.iter().find(|stats| stats.name == name).ok_or_else(|| {
            config.key_error(
                &format!("path_{name}"),
                "lacks files of train days, over which its mean is taken; make them first, or choose other --keys",
            )
        })?;
        let (mean, count, gaps) = (found.moments.mean(), found.moments.count() as f64, found.without_value as f64);
        let of_gaps = match input.gaps {
            Gaps::Filled(Fill::Value(value)) => value,
            Gaps::Filled(Fill::Mean) => config.raw_mean(input)?,
            // Those of other pixels, which the mean is of.
            Gaps::Filled(Fill::Nearest | Fill::Time) => mean,
            Gaps::Refused | Gaps::Zero | Gaps::Masked => 0.0,
        };
        let is_gap = input.gap_of.is_some();
        let sum = if is_gap { gaps } else { mean * count + of_gaps * gaps };
        // Days without a file of an optional input are gaps all over.
        let absent = if input.optional { 1.0 - found.files as f64 / train_days()? as f64 } else { 0.0 };
        let there = sum / (count + gaps);
        Ok((input.name.to_owned(), there + absent * (if is_gap { 1.0 } else { of_gaps } - there)))
    };
    inputs.iter().map(mean).collect()
}

/// The sets of inputs to leave out, from `--keys`: a name each, or several joined by `+`; each input alone where none is given, but
/// the two of a pair (`time_sin` and `time_cos`) together, for one says nothing without the other, and an input with its gaps.
///
/// # Errors
/// [`Error::Usage`] for a name that is no input of the configuration.
pub fn sets(config: &Config, keys: &[String]) -> Result<Vec<Vec<&'static Variable>>> {
    let inputs = config.inputs()?;
    if keys.is_empty() {
        let mut sets: Vec<Vec<&Variable>> = Vec::new();
        for input in inputs {
            let belongs = |other: &&Variable| other.pair == Some(input.name) || input.gap_of == Some(other.name);
            match sets.iter_mut().find(|set| set.iter().any(belongs)) {
                Some(set) => set.push(input),
                None => sets.push(vec![input]),
            }
        }
        return Ok(sets);
    }
    let input = |name: &str| {
        let found = inputs.iter().find(|input| input.name == name.trim()).copied();
        found.ok_or_else(|| {
            let known = inputs.iter().map(|input| input.name).collect::<Vec<_>>().join(", ");
            Error::Usage(format!(
                "--keys: `{name}` is no input of this configuration; its inputs are {known}, and a+b leaves out both at once"
            ))
        })
    };
    keys.iter().map(|set| set.split('+').map(input).collect()).collect()
}
