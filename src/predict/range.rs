//! Whether the values of a scene can be those that weights were trained on: a network maps any numbers, and those of another unit to
//! nonsense.
//!
//! Of up to eight scenes some rows of each input are read, zeros aside, which often stand for nothing. Values are told where their median
//! lies [`FAR`] from the mean of the training, in its standard deviations: much too large ones. Much too small ones lie closer together
//! than [`FLAT`], near the 0 of the raster and not near the mean.

use std::collections::BTreeSet;

use crate::config::Config;
use crate::data::Window;
use crate::data::dataset::Dataset;
use crate::domains::Variable;
use crate::error::Result;

/// Scenes, and rows of each, that are looked at.
const SCENES: usize = 8;
const ROWS: usize = 64;
/// Bands that a line names, the others are counted.
const NAMED: usize = 2;
/// Where no median of the same unit lies, in standard deviations of the training.
const FAR: f64 = 8.0;
/// A spread between the quartiles that no values of the same unit have, in the same unit.
const FLAT: f64 = 0.02;
/// A median that is this share of the trained mean is near 0.
const NEAR_0: f64 = 0.05;
/// Shares are numbers up to about this, whatever is a share.
const SHARE: f64 = 3.0;
/// What shares are multiplied by, each with the largest number that becomes of them: percent, bytes, reflectances, 16 bits.
const FACTORS: [(f64, f64); 4] = [(100.0, 100.0), (255.0, 255.0), (30_000.0, 10_000.0), (65_535.0, 65_535.0)];

/// Median, distance of the quartiles and largest of some values.
struct Seen {
    median: f64,
    spread: f64,
    most: f64,
}

/// What to tell of inputs whose values are not those of the training, a line for each variable.
///
/// # Errors
/// Those of reading.
pub(super) fn unlike_training(config: &Config, dataset: &Dataset, days: &[usize]) -> Result<Vec<String>> {
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let mut lines = Vec::new();
    for day in days.iter().copied().step_by(days.len().div_ceil(SCENES).max(1)) {
        let mut found: Vec<(&Variable, Seen)> = Vec::new();
        for input in dataset.inputs().iter().filter(|input| is_checked(config, input) && !told.contains(input.files_of())) {
            if let Some(seen) = seen(config, dataset, input, day)?.filter(|seen| seen.is_unlike(config, input)) {
                found.push((input, seen));
            }
        }
        for (first, _) in &found {
            if told.insert(first.files_of()) {
                let of_files: Vec<&(&Variable, Seen)> = found.iter().filter(|(input, _)| input.files_of() == first.files_of()).collect();
                lines.push(line(config, dataset, day, &of_files)?);
            }
        }
        dataset.release(day);
    }
    Ok(lines)
}

/// Whether an input has numbers to compare with.
fn is_checked(config: &Config, input: &Variable) -> bool {
    let is_raster = !input.is_scalar() && input.gap_of.is_none() && input.name != config.domain().mask;
    is_raster && input.normalised && config.normalize_inputs && !config.constant_inputs.contains_key(input.name)
}

/// What some rows of an input hold, as its statistics count; none where no pixel says anything.
fn seen(config: &Config, dataset: &Dataset, input: &Variable, day: usize) -> Result<Option<Seen>> {
    let (raster, [rows, cols]) = (dataset.input_raster(input, day)?, dataset.scene(day));
    let (mut values, mut line) = (Vec::new(), vec![0.0f32; cols]);
    for row in (0..rows).step_by(rows.div_ceil(ROWS).max(1)) {
        raster.read_window(Window { row, col: 0, height: 1, width: cols }, &mut line)?;
        let known = line.iter().filter(|value| value.is_finite() && **value != 0.0);
        values.extend(known.map(|value| config.unnormalised(input, f64::from(*value))));
    }
    values.sort_by(f64::total_cmp);
    let at = |quarter: usize| values.get((values.len() * quarter / 4).min(values.len().saturating_sub(1))).copied();
    let (Some(low), Some(median), Some(high), Some(most)) = (at(1), at(2), at(3), at(4)) else { return Ok(None) };
    Ok(Some(Seen { median, spread: high - low, most }))
}

impl Seen {
    fn is_unlike(&self, config: &Config, input: &Variable) -> bool {
        let Ok((mean, std)) = config.require_mean_std(input.name) else { return false };
        let is_far = ((self.median - mean) / std).abs() > FAR;
        let is_flat = self.spread > 0.0 && self.spread / std < FLAT && self.median.abs() < NEAR_0 * mean.abs();
        is_far || is_flat
    }

    /// What the values have to be multiplied by, where they look like those of the training by that.
    fn factor(&self, (mean, std): (f64, f64)) -> Option<f64> {
        let of_shares = |most: f64| FACTORS.iter().find(|(largest, _)| most <= *largest).map(|(_, factor)| *factor);
        let trained = mean.abs() + std;
        let factor = match (trained <= SHARE, self.most <= SHARE) {
            (true, false) => 1.0 / of_shares(self.most)?,
            (false, true) => of_shares(trained)?,
            _ => return None,
        };
        (((self.median * factor - mean) / std).abs() <= FAR).then_some(factor)
    }
}

/// What to tell of the inputs of one file.
fn line(config: &Config, dataset: &Dataset, day: usize, inputs: &[&(&Variable, Seen)]) -> Result<String> {
    let short = |value: f64| {
        let digits = 3 - value.abs().max(1e-6).log10().ceil() as i32;
        let rounded = 10f64.powi(digits);
        ((value * rounded).round() / rounded).to_string()
    };
    let mut parts = Vec::new();
    let mut factor = None;
    for (input, seen) in inputs {
        let (mean, std) = config.require_mean_std(input.name)?;
        factor = factor.or(seen.factor((mean, std)));
        if parts.len() < NAMED {
            let numbers = (short(seen.median), short(mean), short(std));
            parts.push(format!("{} {} (trained on {} ± {})", input.name, numbers.0, numbers.1, numbers.2));
        }
    }
    let more = match inputs.len() - parts.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let first = inputs.first().map(|(input, _)| *input);
    let file = first.map(|input| dataset.input_raster(input, day).map(|raster| raster.path().to_owned())).transpose()?.unwrap_or_default();
    let (name, file) = (file.file_stem().unwrap_or_default().to_string_lossy().into_owned(), file.display());
    let cure = match factor {
        Some(factor) => {
            format!("times {factor} they would fit: `meltcore pack --out FOLDER --scene {name} --scale {factor} {file}` multiplies them")
        }
        None => "check the unit, the order of the bands and what stands for \"no value\"".to_owned(),
    };
    Ok(format!(
        "{file} does not look like what the weights were trained on, and the map may mean nothing: median of {}{more}; {cure}",
        parts.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(median: f64, spread: f64, most: f64) -> Seen {
        Seen { median, spread, most }
    }

    #[test]
    fn factors_are_told_from_the_largest_value() {
        let reflectance = (0.2, 0.15);
        for (median, most, factor) in
            [(1800.0, 14_000.0, 10_000.0), (60.0, 255.0, 255.0), (20.0, 98.0, 100.0), (15_000.0, 64_000.0, 65_535.0)]
        {
            assert_eq!(seen(median, 0.5 * median, most).factor(reflectance), Some(1.0 / factor), "{most}");
        }
        // Statistics of least and largest value.
        assert_eq!(seen(1800.0, 900.0, 14_000.0).factor((-0.02, 2.1)), Some(1e-4));
        assert_eq!(seen(0.2, 0.1, 0.9).factor((2000.0, 1500.0)), Some(10_000.0));
        // Metres in feet, kelvin in degrees: another story.
        assert_eq!(seen(9000.0, 3000.0, 15_000.0).factor((3000.0, 300.0)), None);
        assert_eq!(seen(-3.0, 4.0, 12.0).factor((270.0, 8.0)), None);
    }
}
