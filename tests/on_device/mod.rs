//! What tests on a device share: the device, reproducible noise, uploads, and the comparison with f64 results.
// Every test crate uses only a part of these functions.
#![allow(dead_code)]

use meltcore::error::{Error, Result};
use meltcore::gpu::{Gpu, list_adapters};
use meltcore::tensor::Tensor;

/// Batch, channels, rows, columns.
pub type Shape = [usize; 4];

/// The case table: one pixel, odd, 41 and 47 wide, one channel, rows of whole packs, planes below and above a workgroup.
pub const SHAPES: &[Shape] = &[[1, 1, 1, 1], [2, 1, 41, 47], [1, 3, 5, 8], [3, 9, 7, 12], [2, 5, 47, 41], [9, 2, 1, 3], [1, 2, 64, 132]];

/// The device that the environment chooses.
pub fn gpu() -> Gpu {
    Gpu::open(None).unwrap()
}

/// Index of the device that runs WGSL: the one that the environment chooses, or the best one where that is the host.
///
/// # Errors
/// [`Error::Device`] where this machine has none.
pub fn wgsl_device() -> Result<String> {
    let (adapters, _) = list_adapters(None)?;
    let wgsl = || adapters.iter().filter(|adapter| adapter.kind != "host");
    let chosen = wgsl().find(|adapter| adapter.used).or_else(|| wgsl().next());
    chosen.map(|adapter| adapter.index.to_string()).ok_or_else(|| Error::Device("no device that runs WGSL is here".into()))
}

/// `count` values in −1…1 from a linear congruential generator.
pub fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// A tensor of noise, and its values in f64.
pub fn noisy(gpu: &Gpu, seed: u64, shape: Shape) -> (Tensor, Vec<f64>) {
    let values = noise(seed, shape.iter().product());
    (Tensor::from_slice(gpu, shape, &values).unwrap(), wide(&values))
}

/// Values in f64.
pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// Leaves NaN in the buffers that the next tensors of this length get, so that elements that a kernel forgets to write, and pad
/// elements that it should not use, are found.
pub fn poison(gpu: &Gpu, len: usize) {
    let _dropped_together = [0, 1, 2].map(|_| Tensor::full(gpu, [len], f32::NAN).unwrap());
}

/// Fails unless |got − want| ≤ `rtol`·max |want| everywhere.
pub fn assert_close(what: &str, got: &Tensor, want: &[f64], rtol: f64) {
    within(what, &got.to_vec().unwrap(), want, rtol, 1e-30).unwrap();
}

/// Whether |got − want| ≤ `atol` + `rtol`·max |want| everywhere.
///
/// # Errors
/// The first element that is further away, or lengths that differ.
pub fn within(what: &str, got: &[f32], want: &[f64], rtol: f64, atol: f64) -> Result<(), String> {
    if got.len() != want.len() {
        return Err(format!("{what} has {} elements, expected {}", got.len(), want.len()));
    }
    let allowance = atol + rtol * want.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(*got) - want).abs();
        // Written so that NaN fails.
        if error.is_nan() || error > allowance {
            return Err(format!("{what}[{i}] is {got}, expected {want} within {allowance:e}"));
        }
    }
    Ok(())
}
