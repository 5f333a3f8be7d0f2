//! Inputs of which a configuration says nothing, so that their values are taken for greys of 8 bits: refused where they are none.

use super::dataset::Dataset;
use crate::config::Config;
use crate::error::{Error, Result};

/// Whether a value is a grey of 8 bits, or none at all.
fn is_grey(value: f32) -> bool {
    value.is_nan() || (value.fract() == 0.0 && (0.0..=255.0).contains(&value))
}

impl Dataset {
    /// Refuses the first day's rasters of such inputs where they hold more than greys: the others are of the same kind.
    ///
    /// # Errors
    /// [`Error::Input`] naming the key that says what the values are; those of reading.
    pub(super) fn refuse_other_than_greys(&self, config: &Config) -> Result<()> {
        for input in self.inputs() {
            let (name, files) = (input.name, input.files_of());
            if input.is_scalar() || !config.is_taken_for_grey(name, files) {
                continue;
            }
            let raster = self.input_raster(input, 0)?;
            let values = raster.read_all()?;
            let Some(value) = values.iter().find(|value| !is_grey(**value)) else { continue };
            let known = values.iter().filter(|value| value.is_finite());
            let (low, high) = known.fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
            return Err(Error::input(
                raster.path(),
                format!(
                    "holds {value}, and without `scale_{files}` values of {name} are taken for greys, whole numbers from 0 to 255; give the two \
                     values that a network is to see as 0 and 1, for example scale_{files}: [-30, 5] of decibels (here they go from {low} to \
                     {high})"
                ),
            ));
        }
        Ok(())
    }
}
