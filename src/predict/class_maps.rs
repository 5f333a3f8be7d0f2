//! What is done to a map of classes between the network and the file: pixels of which the scene says nothing lose their class, and a
//! median filter takes single pixels away.

use crate::data::class_map::NO_CLASS;
use crate::data::dataset::Dataset;
use crate::data::median::{LARGEST, median_filter};
use crate::domains::{Fill, Gaps, Variable};
use crate::error::{Error, Result};
use crate::tasks::Task;

/// Refuses a median filter of a size that has no middle, or of maps that are no classes.
///
/// # Errors
/// [`Error::Usage`].
pub(super) fn check_median(size: Option<usize>, task: &dyn Task) -> Result<()> {
    let Some(size) = size else { return Ok(()) };
    if size % 2 == 0 || size > LARGEST {
        return Err(Error::Usage(format!("--median {size}: the side of the window must be an odd number of pixels from 1 to {LARGEST}")));
    }
    match task.classes() {
        Some(_) => Ok(()),
        None => Err(Error::Usage(format!(
            "--median {size} filters maps of classes, and those of the task `{}` hold numbers; leave it out",
            task.key().name()
        ))),
    }
}

/// Makes NaN of all bands where an input has no value in any of its bands and only a mean or a fixed number stands in for it
/// ([`Fill::Mean`], [`Fill::Value`]): nobody knows the class there. What was filled from neighbours, what is told to the network
/// by `gap_mask`, and what scenes may lack altogether, is mapped.
///
/// # Shapes
/// `map`: any number of bands × pixels of the scene.
///
/// # Errors
/// Those of reading the inputs.
pub(super) fn hide_unknown(map: &mut [f32], dataset: &Dataset, day: usize) -> Result<()> {
    let stands_in = |input: &&&Variable| {
        let by_number = matches!(input.gaps, Gaps::Filled(Fill::Mean | Fill::Value(_)));
        by_number && input.gap_of.is_none() && !input.optional
    };
    let is_told = |input: &Variable| dataset.inputs().iter().any(|other| other.gap_of == Some(input.name));
    let inputs: Vec<&Variable> = dataset.inputs().iter().filter(stands_in).copied().filter(|input| !is_told(input)).collect();
    let [rows, cols] = dataset.scene(day);
    for (index, first) in inputs.iter().enumerate() {
        let files = first.files_of();
        if inputs[..index].iter().any(|other| other.files_of() == files) {
            continue;
        }
        let mut unknown = vec![true; rows * cols];
        // A band that may not have gaps has a value everywhere.
        for band in dataset.inputs().iter().filter(|input| input.files_of() == files && input.gap_of.is_none()) {
            let values = dataset.input_raster(band, day)?.read_all()?;
            unknown.iter_mut().zip(values).for_each(|(unknown, value)| *unknown &= value.is_nan());
        }
        map.iter_mut().zip(unknown.iter().cycle()).filter(|(_, unknown)| **unknown).for_each(|(value, _)| *value = f32::NAN);
    }
    Ok(())
}

/// Filters the class of each pixel, the first band of a map, with a window of `size` × `size` pixels ([`median_filter`]); the other bands
/// stay as they are.
///
/// # Shapes
/// `map`: bands × rows × columns.
///
/// # Errors
/// Those of [`median_filter`].
pub(super) fn filter(map: &mut [f32], [rows, cols]: [usize; 2], size: usize) -> Result<()> {
    let number = |value: &f32| if value.is_nan() { NO_CLASS } else { *value as u8 };
    let classes: Vec<u8> = map.iter().take(rows * cols).map(number).collect();
    for (value, class) in map.iter_mut().zip(median_filter(&classes, [rows, cols], size)?) {
        *value = if class == NO_CLASS { f32::NAN } else { f32::from(class) };
    }
    Ok(())
}
