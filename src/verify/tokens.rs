//! Replays of what a network of maps and tokens needs beside its layers: `add_row`, `mul_row`, `mul_scalar`, `narrow` and `transpose`.

use crate::error::Result;
use crate::gpu::Gpu;
use crate::ops;
use crate::verify::elementwise::{binary, unary};
use crate::verify::{Case, Outcome, Runner};

pub(super) const RUNNERS: &[(&str, Runner)] =
    &[("add_row", add_row), ("mul_row", mul_row), ("mul_scalar", mul_scalar), ("narrow", narrow), ("transpose", transpose)];

fn add_row(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    binary(gpu, case, ops::add_row)
}

fn mul_row(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    binary(gpu, case, ops::mul_row)
}

fn mul_scalar(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let factor = case.attr_f64("factor")? as f32;
    unary(gpu, case, |tape, x| ops::mul_scalar(tape, x, factor))
}

fn narrow(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let (start, length) = (case.attr_usize("start")?, case.attr_usize("length")?);
    unary(gpu, case, |tape, x| ops::narrow(tape, x, start, length))
}

fn transpose(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    unary(gpu, case, ops::transpose)
}
