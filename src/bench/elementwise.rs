//! Elementwise kernels: the sum, and activations with their gradients.

use crate::bench::case::{Case, Job, noisy};
use crate::kernels::activation::{Activation, activation, activation_grad};
use crate::kernels::add::add;

/// Φ(x) by Abramowitz and Stegun 7.1.26, to 1.5e-7.
fn normal_distribution(x: f64) -> f64 {
    let z = x.abs() / 2f64.sqrt();
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let series = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592].iter().fold(0.0, |sum, a| (sum + a) * t);
    let erf = (1.0 - series * (-z * z).exp()).copysign(x);
    0.5 * (1.0 + erf)
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// f and its derivative.
fn value(kind: Activation, x: f64) -> [f64; 2] {
    let density = (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
    match kind {
        Activation::Gelu => [x * normal_distribution(x), normal_distribution(x) + x * density],
        Activation::Sigmoid => [sigmoid(x), sigmoid(x) * (1.0 - sigmoid(x))],
        _ => [x.max(0.0), if x > 0.0 { 1.0 } else { 0.0 }],
    }
}

const KINDS: [(&str, Activation); 3] = [("relu", Activation::Relu), ("gelu", Activation::Gelu), ("sigmoid", Activation::Sigmoid)];

pub(super) fn cases(large: bool) -> Vec<Case> {
    let shape = if large { [8, 64, 256, 256] } else { [8, 8, 128, 128] };
    let [n, c, h, w] = shape;
    let size = format!("{c} {n}x{h}x{w}");
    let mut cases = vec![Case::new(format!("add {size}"), move |gpu| {
        let (a, b) = (noisy(gpu, 1, shape)?, noisy(gpu, 2, shape)?);
        Ok(Job::new(move || add(&a.0, &b.0), move |i| f64::from(a.1[i]) + f64::from(b.1[i]), 1e-6))
    })];
    for (name, kind) in KINDS {
        cases.push(Case::new(format!("activation {name} {size}"), move |gpu| {
            let x = noisy(gpu, 1, shape)?;
            Ok(Job::new(move || activation(kind, &x.0), move |i| value(kind, f64::from(x.1[i]))[0], 5e-6))
        }));
    }
    cases.push(Case::new(format!("activation_grad gelu {size}"), move |gpu| {
        let (x, g) = (noisy(gpu, 1, shape)?, noisy(gpu, 2, shape)?);
        let expected = move |i: usize| value(Activation::Gelu, f64::from(x.1[i]))[1] * f64::from(g.1[i]);
        Ok(Job::new(move || activation_grad(Activation::Gelu, &x.0, &g.0), expected, 5e-6))
    }));
    cases
}
