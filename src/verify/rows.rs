//! Replays of ops over rows of values: `linear` and `softmax`.

use crate::error::Result;
use crate::gpu::Gpu;
use crate::ops::{self, Activation};
use crate::verify::convolution::weighted;
use crate::verify::elementwise::unary;
use crate::verify::{Case, Outcome, Runner};

pub(super) const RUNNERS: &[(&str, Runner)] = &[("linear", linear), ("softmax", softmax)];

fn linear(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    weighted(gpu, case, |tape, x, weight, bias| ops::linear(tape, x, weight, bias, Activation::None))
}

fn softmax(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let dim = case.attr_usize("dim")?;
    unary(gpu, case, |tape, x| ops::softmax(tape, x, dim))
}
