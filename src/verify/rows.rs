//! Replays of ops over rows of values: `linear`, `layer_norm` and `softmax`.

use crate::error::Result;
use crate::gpu::Gpu;
use crate::ops::{self, Activation};
use crate::verify::convolution::weighted;
use crate::verify::elementwise::unary;
use crate::verify::{Case, Outcome, Runner};

pub(super) const RUNNERS: &[(&str, Runner)] = &[("layer_norm", layer_norm), ("linear", linear), ("softmax", softmax)];

fn linear(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    weighted(gpu, case, |tape, x, weight, bias| ops::linear(tape, x, weight, bias, Activation::None))
}

fn layer_norm(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let eps = case.attr_f64("eps")? as f32;
    weighted(gpu, case, |tape, x, weight, bias| {
        let bias = bias.ok_or_else(|| case.malformed("tensor `param.bias` is missing"))?;
        ops::layer_norm(tape, x, weight, bias, eps)
    })
}

fn softmax(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let dim = case.attr_usize("dim")?;
    unary(gpu, case, |tape, x| ops::softmax(tape, x, dim))
}
