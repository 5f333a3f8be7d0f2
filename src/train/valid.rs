//! Whether there is anything to learn from: a pixel that is observed and not ocean.

use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::data::loader::Batch;
use crate::error::{Error, Result};

fn is_valid((target, ocean): (&f32, &f32)) -> bool {
    !target.is_nan() && *ocean == 0.0
}

/// Whether any pixel of a batch counts.
pub(super) fn has_valid_pixel(batch: &Batch) -> bool {
    batch.target.iter().zip(&batch.ocean).any(is_valid)
}

/// Refuses a split without a single pixel that counts on any of its days; looks no further than the first day that has one.
///
/// # Errors
/// [`Error::Input`] naming the list of days; those of reading.
pub(super) fn require_valid_pixels(config: &Config, dataset: &Dataset) -> Result<()> {
    let ocean = dataset.ocean()?;
    for day in 0..dataset.days().len() {
        let target = dataset.target_raster(day)?.read_all()?;
        if target.iter().zip(&ocean).any(is_valid) {
            return Ok(());
        }
        dataset.release(day);
    }
    let list = config.require_split_csv(dataset.split().name())?;
    Err(Error::input(list, no_valid_pixel(dataset, "has no valid pixel on any of its days")))
}

/// The error of a run whose crops of a split never met a valid pixel.
pub(super) fn never_valid(config: &Config, dataset: &Dataset, epochs: usize) -> Error {
    let what = format!("had no valid pixel in any crop of {epochs} epochs");
    match config.require_split_csv(dataset.split().name()) {
        Ok(list) => Error::input(list, no_valid_pixel(dataset, &what)),
        Err(error) => error,
    }
}

fn no_valid_pixel(dataset: &Dataset, what: &str) -> String {
    let (split, days) = (dataset.split(), dataset.days().len());
    let cure = match split.name() {
        "val" => "; without path_val_split_csv the training loss chooses the best weights",
        _ => "",
    };
    format!(
        "the {split} split ({days} days) {what}: everything is without an observation or ocean, so that no loss says anything; check \
         path_melt, path_landmask and mask_threshold, or list other days{cure}"
    )
}
