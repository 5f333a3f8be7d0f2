//! Whether a device's own conversion of f32 to f16 (`pack2x16float`) rounds as IEEE 754 asks. Neither WGSL nor SPIR-V promises it, and that
//! of D3D rounds towards zero; so it is tried when a device is opened, and kernels round by the bits where it does not.

use crate::error::Result;
use crate::gpu::buffer::{self, Limits};
use crate::gpu::driver::Driver;
use crate::gpu::{Cost, Launch, Plan};
use crate::host::pack_half::{PackHalfParams, packed};

/// Ties and what lies a little beside them, of numbers with 11 bits, of those with fewer, and before infinity; both signs.
fn trials() -> Vec<f32> {
    let ulp = |exponent: i32| 2f32.powi(exponent);
    let beside = |tie: f32| [tie.next_down(), tie, tie.next_up()];
    let ties = [1.0 + ulp(-11), 1.0 + 3.0 * ulp(-11), ulp(-25), 3.0 * ulp(-25), ulp(-14) - ulp(-25), 65_520.0];
    let plain = [0.0, 1.0 / 3.0, ulp(-24), 1e-30, 65_504.0, 1e30, f32::INFINITY, 2049.0];
    let positive = ties.into_iter().flat_map(beside).chain(plain);
    let both: Vec<f32> = positive.flat_map(|value| [value, -value]).collect();
    debug_assert!(both.len().is_multiple_of(4), "packs of four elements");
    both
}

/// Tries it.
///
/// # Errors
/// [`Error::Kernel`](crate::error::Error::Kernel) where the kernel does not compile; device errors.
pub(super) fn is_nearest(driver: &mut Driver, limits: Limits) -> Result<bool> {
    let trials = trials();
    let words = trials.len() / 2;
    // A pool of its own: what is counted of memory begins with the user's first array.
    let pool = Default::default();
    let take = |words| buffer::take(&pool, Some(driver), words, limits);
    let (input, output) = (take(trials.len())?, take(words)?);
    driver.write(&input, &trials);
    let packs = trials.len() / 4;
    driver.launch(&Launch {
        plan: Plan::each("pack_half", packs).with([("HALF", 2)]),
        params: &PackHalfParams { packs: packs as u32 },
        buffers: &[&input, &output],
        cost: Cost::default(),
    })?;
    let found = driver.read(&output, words)?;
    // Buffers of the user's pool get the same numbers, by which bind groups are found.
    driver.forget();
    Ok(found.iter().map(|word| word.to_bits()).eq(packed(&trials)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::shared::operands::{f16_bits, nearest_f16};

    #[test]
    fn a_conversion_towards_zero_is_seen_and_one_without_numbers_below_the_normal_ones() {
        // Of the same sign, one step nearer to zero.
        let towards_zero = |value: f32| f16_bits(value) - u32::from(nearest_f16(value).abs() > value.abs());
        assert!(trials().into_iter().any(|value| towards_zero(value) != f16_bits(value)));
        let flushing = |value: f32| if value.abs() < 2f32.powi(-14) { 0 } else { f16_bits(value) };
        assert!(trials().into_iter().filter(|value| *value > 0.0).any(|value| flushing(value) != f16_bits(value)));
    }
}
