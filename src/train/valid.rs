//! Whether there is anything to learn from: a pixel that is observed and not ocean.

use crate::config::Config;
use crate::data::Window;
use crate::data::dataset::{Dataset, HostSample};
use crate::domains::Unit;
use crate::error::{Error, Result};
use crate::tasks::{self, Task};

/// Refuses a split without a single pixel that counts on any of its days; looks no further than the first day that has one.
///
/// # Errors
/// [`Error::Input`] naming the list of days; those of reading.
pub(super) fn require_valid_pixels(config: &Config, dataset: &Dataset) -> Result<()> {
    let (task, mut sample) = (tasks::of(config), HostSample::default());
    for day in 0..dataset.days().len() {
        known_target(task.as_ref(), dataset, day)?;
        let [rows, cols] = dataset.scene(day);
        dataset.read_target(day, Window::whole(rows, cols), &mut sample)?;
        if task.masked(&sample.target, &sample.ocean).1.contains(&0.0) {
            return Ok(());
        }
        dataset.release(day);
    }
    let list = config.require_split_csv(dataset.split().name())?;
    Err(Error::input(list, no_valid_pixel(dataset, "has no valid pixel on any of its days")))
}

/// Refuses a target that the task does not understand.
fn known_target(task: &dyn Task, dataset: &Dataset, day: usize) -> Result<()> {
    let raster = dataset.target_raster(day)?;
    task.refuse(&raster.read_all()?).map_err(|message| Error::input(raster.path(), message))
}

/// Refuses targets of classes that there are not.
///
/// # Errors
/// [`Error::Input`] naming the file; those of reading.
pub(super) fn require_known_classes(config: &Config, dataset: &Dataset) -> Result<()> {
    let task = tasks::of(config);
    let days = if task.one_hot().is_some() { dataset.days().len() } else { 0 };
    for day in 0..days {
        known_target(task.as_ref(), dataset, day)?;
        dataset.release(day);
    }
    Ok(())
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
    let (split, days, domain) = (dataset.split(), dataset.days().len(), dataset.domain());
    let (target, mask) = (domain.target.name, domain.mask);
    let cure = match split.name() {
        "val" => "; without path_val_split_csv the training loss chooses the best weights",
        _ => "",
    };
    if domain.unit == Unit::Scene {
        return format!(
            "the {split} split ({days} scenes) {what}: every pixel is without a class (no-data, or ignore_index), or taken out by a mask of \
             path_ignore, so that no loss says anything; check path_{target}, or list other scenes{cure}"
        );
    }
    format!(
        "the {split} split ({days} days) {what}: everything is without an observation or ocean, so that no loss says anything; check \
         path_{target}, path_{mask} and mask_threshold, or list other days{cure}"
    )
}
