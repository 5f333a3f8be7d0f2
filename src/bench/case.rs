//! A case: a name, and how to set up a job that can be run, checked and run again.

use crate::error::Result;
use crate::gpu::Gpu;
use crate::tensor::{Shape, Tensor};

/// What one run gives.
pub(super) enum Answer {
    /// A result that is still on the device.
    Device(Tensor),
    /// Results that the launcher reads back by itself.
    Host(Vec<f64>),
}

impl Answer {
    /// The values, read back.
    pub(super) fn values(&self) -> Result<Vec<f64>> {
        match self {
            Answer::Device(tensor) => Ok(tensor.to_vec()?.iter().map(|&value| f64::from(value)).collect()),
            Answer::Host(values) => Ok(values.clone()),
        }
    }
}

/// Runs once; may be called any number of times.
pub(super) type Run = Box<dyn FnMut() -> Result<Answer>>;
/// Judges the values of the first run; the error says what is wrong.
pub(super) type Check = Box<dyn FnOnce(Vec<f64>) -> std::result::Result<(), String>>;

/// Work on the device and the judge of its result.
pub(super) struct Job {
    pub(super) run: Run,
    pub(super) check: Check,
}

impl Job {
    /// A job with one result on the device, checked by an f64 function of the element's flat index.
    pub(super) fn new(mut run: impl FnMut() -> Result<Tensor> + 'static, expected: impl Fn(usize) -> f64 + 'static, rtol: f64) -> Self {
        Job { run: Box::new(move || run().map(Answer::Device)), check: sampled(expected, rtol) }
    }
}

/// Compares some elements with an f64 function of the flat index; NaN there means that the element may be anything.
pub(super) fn sampled(expected: impl Fn(usize) -> f64 + 'static, rtol: f64) -> Check {
    Box::new(move |got| {
        let len = got.len();
        // First, last, and a stride that shares no factor with tiles or rows.
        let step = (len / 24).max(1) | 1;
        let places: Vec<usize> = (0..len).step_by(step).chain([len.saturating_sub(1)]).collect();
        let wanted: Vec<f64> = places.iter().map(|&i| expected(i)).collect();
        let largest = wanted.iter().filter(|want| want.is_finite()).fold(1e-30, |most: f64, want| most.max(want.abs()));
        for (&i, want) in places.iter().zip(wanted) {
            let error = (got.get(i).copied().unwrap_or(f64::NAN) - want).abs();
            if !want.is_nan() && (error.is_nan() || error > rtol * largest) {
                return Err(format!("element {i} is {}, expected {want} within {:e}", got[i], rtol * largest));
            }
        }
        Ok(())
    })
}

type Prepare = Box<dyn FnOnce(&Gpu) -> Result<Job>>;

/// A row to be measured.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) prepare: Prepare,
}

impl Case {
    pub(super) fn new(name: impl Into<String>, prepare: impl FnOnce(&Gpu) -> Result<Job> + 'static) -> Self {
        Case { name: name.into(), prepare: Box::new(prepare) }
    }
}

/// `count` values in −1…1 from a linear congruential generator.
pub(super) fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// A tensor of noise and its values.
pub(super) fn noisy(gpu: &Gpu, seed: u64, shape: impl Into<Shape>) -> Result<(Tensor, Vec<f32>)> {
    let shape = shape.into();
    let values = noise(seed, shape.len());
    Ok((Tensor::from_slice(gpu, shape, &values)?, values))
}

#[cfg(test)]
mod tests {
    use super::sampled;

    #[test]
    fn wrong_values_and_nan_are_found_and_free_elements_are_not_compared() {
        let want = |i: usize| if i == 2 { f64::NAN } else { i as f64 };
        assert_eq!(sampled(want, 1e-6)(vec![0.0, 1.0, 77.0, 3.0]), Ok(()));
        for wrong in [vec![0.0, 1.0, 2.0, 3.1], vec![0.0, 1.0, 2.0, f64::NAN]] {
            assert!(sampled(want, 1e-6)(wrong).is_err_and(|fault| fault.starts_with("element 3 is ")));
        }
    }
}
