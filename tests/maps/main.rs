//! From rasters to maps to scores: baselines, preprocessing, mosaics of predictions and evaluation.

mod baseline;
mod baseline_rules;
mod evaluate;
mod folders;
mod mosaic;
mod predict;
mod preprocess;
mod report;

/// Reproducible values in 0…1.
fn noise(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed.wrapping_mul(2) + 1;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    }
}

/// Values of a tensor for the reference.
fn f64s(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

/// Largest difference, infinite where the lengths differ or a value is NaN.
fn apart(got: &[f32], wanted: &[f64]) -> f64 {
    if got.len() != wanted.len() {
        return f64::INFINITY;
    }
    let apart = |(got, wanted): (&f32, &f64)| (f64::from(*got) - wanted).abs();
    got.iter().zip(wanted).map(apart).fold(0.0, |worst, one| {
        if one <= worst {
            worst
        } else if one.is_nan() {
            f64::INFINITY
        } else {
            one
        }
    })
}

/// The message of an error.
fn message<T>(result: meltcore::error::Result<T>) -> String {
    result.err().expect("an error").to_string()
}
