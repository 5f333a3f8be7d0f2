//! The Gaussian blur, with and without a normalisation before it.

use meltcore::error::Error;
use meltcore::gpu::Gpu;
use meltcore::kernels::gaussian_blur::{gaussian_blur, gaussian_blur_normalised};
use meltcore::reference::gaussian_blur::gaussian_blur as definition;
use meltcore::tensor::Tensor;

use crate::case::{Case, Checked, close, ensure, extents};
use crate::masked_loss::SHAPES;
use crate::on_device::{Shape, noise, poison, wide};

/// Sides of the window and its σ.
const WINDOWS: [(usize, f64); 6] = [(1, 1.0), (3, 0.7), (5, 1.3), (13, 3.0), (45, 15.0), (81, 20.0)];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &shape in SHAPES {
        for (size, sigma) in WINDOWS {
            cases.push(Case::new(format!("{size}_on_{}", extents(&shape)), move |gpu| check(gpu, shape, size, sigma)));
        }
    }
    cases.push(Case::new("7_on_5x2x19x23", |gpu| check(gpu, [5, 2, 19, 23], 7, 1.5)).splitting());
    cases.push(Case::new("refusals", refusals));
    cases
}

fn check(gpu: &Gpu, shape: Shape, size: usize, sigma: f64) -> Checked {
    let values: Vec<f32> = noise(11, shape.iter().product()).iter().map(|v| 0.5 * (v + 1.0)).collect();
    let tensor = Tensor::from_slice(gpu, shape, &values)?;
    poison(gpu, values.len());
    let blurred = gaussian_blur(&tensor, size, sigma);
    if size / 2 >= shape[2].min(shape[3]) {
        return ensure(matches!(blurred, Err(Error::Shape { .. })), "a window that is larger than the image was not refused");
    }
    close("blurred", &blurred?, &definition(&wide(&values), shape, size, sigma), 2e-6, 0.0)?;
    let normalised: Vec<f64> = wide(&values).iter().map(|v| (v - 0.25) * 3.0).collect();
    poison(gpu, values.len());
    let got = gaussian_blur_normalised(&tensor, size, sigma, 0.25, 3.0)?;
    close("normalised and blurred", &got, &definition(&normalised, shape, size, sigma), 2e-6, 0.0)
}

fn refusals(gpu: &Gpu) -> Checked {
    let tensor = Tensor::full(gpu, [1, 1, 8, 8], 1.0)?;
    for (size, sigma) in [(4, 1.0), (0, 1.0), (3, 0.0), (3, f64::NAN)] {
        let refused = matches!(gaussian_blur(&tensor, size, sigma), Err(Error::Shape { .. }));
        ensure(refused, format!("a window of {size} with sigma {sigma} was not refused"))?;
    }
    Ok(())
}
