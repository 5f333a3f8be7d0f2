//! Round numbers for the ticks of axes and colour bars.

/// The least of 1, 2, 2.5, 5, 10 times a power of ten that is not below `step`.
pub fn round_step(step: f64) -> f64 {
    let decade = 10f64.powf(step.log10().floor());
    [1.0, 2.0, 2.5, 5.0].into_iter().map(|factor| factor * decade).find(|round| *round >= step * 0.999).unwrap_or(10.0 * decade)
}

/// The decimals that multiples of a step need, at most nine.
pub fn decimals(step: f64) -> usize {
    let whole = |decimals: &usize| {
        let scaled = step.abs() * 10f64.powi(*decimals as i32);
        (scaled - scaled.round()).abs() < 1e-3 * scaled
    };
    (0..9).find(whole).unwrap_or(9)
}
