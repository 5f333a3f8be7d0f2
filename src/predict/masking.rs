//! What maps are where pixels are masked: on ocean, and where a scene's own mask takes them out.

use crate::config::{Config, IGNORE};
use crate::data::day::Split;
use crate::error::Result;
use crate::event::Event;

/// One of two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Masking {
    /// 0, as in the reference's deployed maps.
    Zero,
    /// NaN, and where a mask of the scene's own takes pixels out.
    NoValue,
}

impl Masking {
    /// What a configuration asks for of the maps of a split; none where they are left alone.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) where there is no land mask.
    pub(super) fn of(config: &Config, split: Split, observe: &mut dyn FnMut(Event)) -> Result<Option<Masking>> {
        let masking = match (config.mask_outputs, config.apply_landmask_to_predictions, split) {
            (true, ..) => Some(Masking::NoValue),
            (false, true, Split::Deploy) => Some(Masking::Zero),
            (false, true, _) => {
                observe(Event::Note(
                    "apply_landmask_to_predictions acts on the maps of the split deploy only; these are not masked".into(),
                ));
                None
            }
            (false, false, _) => None,
        };
        if masking.is_some() && !(config.mask_outputs && config.variable_paths.contains_key(IGNORE)) {
            config.require_variable(config.domain().mask)?;
        }
        Ok(masking)
    }

    /// Applies it to the bands of a map.
    pub(super) fn apply(self, ocean: &[f32], map: &mut [f32]) {
        let pixels = map.iter_mut().zip(ocean.iter().cycle());
        match self {
            Masking::Zero => pixels.for_each(|(value, ocean)| *value *= 1.0 - ocean),
            Masking::NoValue => pixels.filter(|(_, ocean)| **ocean > 0.0).for_each(|(value, _)| *value = f32::NAN),
        }
    }
}
