//! Targets that no map can reach: percent where fractions are learnt, and the like.

use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::error::Result;
use crate::tasks;

/// Days that are looked at, spread over the split.
const DAYS: usize = 8;
/// Beyond the bounds of maps by more than this, as a share of what lies between them: rounding and resampling stay within it.
const ROOM: f64 = 0.01;
/// What targets are divided by most often: percent, bytes, per mille, reflectances.
const DIVISORS: [f64; 4] = [100.0, 255.0, 1000.0, 10_000.0];

/// What to tell of targets outside the bounds of maps, with the divisor that would fit.
///
/// # Errors
/// Those of reading.
pub(super) fn out_of_range(config: &Config, dataset: &Dataset) -> Result<Option<String>> {
    let (task, days) = (tasks::of(config), dataset.days().len());
    if !task.is_fraction() {
        return Ok(None);
    }
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for day in (0..days).step_by(days.div_ceil(DAYS).max(1)) {
        let target = dataset.target_raster(day)?.read_all()?;
        let (values, mask) = task.masked(&target, &dataset.ocean(day)?);
        for (value, _) in values.iter().zip(&mask).filter(|(_, mask)| **mask == 0.0) {
            (low, high) = (low.min(f64::from(*value)), high.max(f64::from(*value)));
        }
        dataset.release(day);
    }
    let (least, largest) = (config.min_melt, config.max_melt);
    let room = ROOM * (largest - least);
    let is_outside = low < least - room || high > largest + room;
    Ok(is_outside.then(|| message(config, low, high)))
}

fn message(config: &Config, low: f64, high: f64) -> String {
    let name = config.domain().target.name;
    let said = format!(
        "the target `{name}` holds values of {low} to {high} on the train days, and maps are {} to {}",
        config.min_melt, config.max_melt
    );
    // Of values that were divided already, what they are divided by in all.
    let divisor = DIVISORS.into_iter().map(|divisor| divisor * config.max_melt).find(|divisor| high <= *divisor);
    let cure = match (divisor.filter(|_| low >= config.min_melt && high > config.max_melt), config.target.is_some()) {
        (Some(divisor), true) => format!("if it is a fraction of {divisor}, write max_{name}: {divisor}"),
        (Some(divisor), false) => {
            let scale = 1.0 / divisor;
            format!(
                "if it is a fraction of {divisor}, bring it to 0…1 with `meltcore pack --scale {scale}`, or name it as a target of your own"
            )
        }
        (None, _) => {
            "for another quantity set min_melt, max_melt and an out_activation that reaches them, linear for example; declare what \
                      stands for \"no value\" as no-data"
                .to_owned()
        }
    };
    format!("{said}: {cure}")
}
