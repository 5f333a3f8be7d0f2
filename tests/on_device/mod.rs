//! What tests of kernels share: a device, reproducible noise, uploads, and the comparison with f64 results.
// Every test crate uses only a part of these functions.
#![allow(dead_code)]

use meltcore::{gpu::Gpu, tensor::Tensor};

/// Batch, channels, rows, columns.
pub type Shape = [usize; 4];

/// The case table: one pixel, odd, 41 and 47 wide, one channel, rows of whole packs, planes below and above a workgroup.
pub const SHAPES: &[Shape] = &[[1, 1, 1, 1], [2, 1, 41, 47], [1, 3, 5, 8], [3, 9, 7, 12], [2, 5, 47, 41], [9, 2, 1, 3], [1, 2, 64, 132]];

/// The device that the environment chooses.
pub fn gpu() -> Gpu {
    Gpu::open(None).unwrap()
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

/// Whether a variant that needs `feature` can run here. Where it cannot, says so, and fails if `MELTCORE_REQUIRE` (a list such as
/// `gpu,coop,simd`: a real GPU, cooperative matrices, SIMD registers of a software device) names the feature.
pub fn runs_here(variant: &str, feature: &str, available: bool) -> bool {
    if !available {
        println!("ignored: {variant} needs {feature}");
        let required = std::env::var("MELTCORE_REQUIRE").unwrap_or_default();
        let missing = required.split(',').any(|name| name.trim() == feature);
        assert!(!missing, "{variant} needs {feature}, which MELTCORE_REQUIRE asks for and this device lacks");
    }
    available
}

/// Leaves NaN in the buffers that the next tensors of this length get, so that elements that a kernel forgets to write, and pad
/// elements that it should not use, are found.
pub fn poison(gpu: &Gpu, len: usize) {
    let _dropped_together = [0, 1, 2].map(|_| Tensor::full(gpu, [len], f32::NAN).unwrap());
}

/// Fails unless |got − want| ≤ `rtol`·max |want| everywhere.
pub fn assert_close(what: &str, got: &Tensor, want: &[f64], rtol: f64) {
    assert_within(what, got, want, rtol, 1e-30);
}

/// Fails unless |got − want| ≤ `atol` + `rtol`·max |want| everywhere.
pub fn assert_within(what: &str, got: &Tensor, want: &[f64], rtol: f64, atol: f64) {
    let got = got.to_vec().unwrap();
    assert_eq!(got.len(), want.len(), "{what}: lengths differ");
    let allowance = atol + rtol * want.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(*got) - want).abs();
        assert!(error <= allowance, "{what}[{i}] is {got}, expected {want} within {allowance:e}");
    }
}
