//! What a softmax of a row is made of, in a fixed number of lanes.

use fearless_simd::Simd;
use fearless_simd_macros::simd;

use super::functions::exp;
use super::sums::lane_sums;

/// Lanes of the largest value.
const LANES: usize = 32;

/// The largest value of a row, −∞ of none; NaN does not count.
#[simd]
pub(crate) fn largest<S: Simd>(_: S, row: &[f32]) -> f32 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = if value > *lane { value } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |most, &value| if value > most { value } else { most })
}

/// The exponentials of a row above `largest`, in place, and their sum; NaN where the row has one.
#[simd]
pub(crate) fn exponentials<S: Simd>(simd: S, row: &mut [f32], largest: f32) -> f32 {
    row.iter_mut().for_each(|value| *value = exp(*value - largest));
    lane_sums(simd, [row], |term| term)[0]
}
