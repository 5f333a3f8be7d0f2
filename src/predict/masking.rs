//! What maps are where pixels are masked.

/// What maps are where the land mask says ocean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Masking {
    /// 0, as in the reference's deployed maps.
    Zero,
    /// NaN, and where a mask of the scene's own takes pixels out.
    NoValue,
}

impl Masking {
    /// Applies it to the bands of a map.
    pub(super) fn apply(self, ocean: &[f32], map: &mut [f32]) {
        let pixels = map.iter_mut().zip(ocean.iter().cycle());
        match self {
            Masking::Zero => pixels.for_each(|(value, ocean)| *value *= 1.0 - ocean),
            Masking::NoValue => pixels.filter(|(_, ocean)| **ocean > 0.0).for_each(|(value, _)| *value = f32::NAN),
        }
    }
}
