//! Replays of ops that pool, resample or join maps.

use crate::autograd::Tape;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::ops::{self, Interpolation, Target, Window};
use crate::tensor::Tensor;
use crate::verify::{Case, Outcome};

/// Runs an op of one input `x` and one output `y`, and its gradient where the case has one.
fn unary(gpu: &Gpu, case: &Case, op: impl Fn(&Tape, &Tensor) -> Result<Tensor>) -> Result<Outcome> {
    let x = case.input(gpu, "x")?;
    let tape = Tape::recording();
    tape.watch(&x);
    let y = op(&tape, &x)?;
    let mut outcome = Outcome::default();
    outcome.output("y", &y)?;
    if let Some(grad) = case.grad_output(gpu, "y")? {
        outcome.grad_input("x", tape.backward(&[(&y, grad)])?.get(&x))?;
    }
    Ok(outcome)
}

pub(super) fn max_pool2d(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let window = Window { kernel: case.attr_usize("kernel")?, stride: case.attr_usize("stride")?, padding: case.attr_usize("padding")? };
    unary(gpu, case, |tape, x| ops::max_pool2d(tape, x, window))
}

pub(super) fn adaptive_avg_pool2d(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    match case.attr_usize("output_size")? {
        1 => unary(gpu, case, ops::adaptive_avg_pool2d),
        other => Err(case.malformed(format!("`output_size` is {other}; only 1 is supported"))),
    }
}

pub(super) fn interpolate(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let mode = match case.attr_str("mode")?.as_str() {
        "nearest" => Interpolation::Nearest,
        "bilinear" if case.has_attr("align_corners") && case.attr_bool("align_corners")? => Interpolation::BilinearAligned,
        "bilinear" => Interpolation::Bilinear,
        other => return Err(case.malformed(format!("`mode` is {other}; nearest and bilinear are supported"))),
    };
    let target = if case.has_attr("size") {
        match case.attr_list("size")?.as_slice() {
            &[h, w] if h >= 1.0 && w >= 1.0 && h.fract() == 0.0 && w.fract() == 0.0 => Target::Size([h as usize, w as usize]),
            other => return Err(case.malformed(format!("`size` is {other:?}; two whole numbers were expected"))),
        }
    } else {
        Target::Scale(case.attr_f64("scale_factor")?)
    };
    unary(gpu, case, |tape, x| ops::interpolate(tape, x, target, mode))
}

pub(super) fn cat(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    if case.attr_usize("dim")? != 1 {
        return Err(case.malformed("`dim` is not 1, the only one supported"));
    }
    let (a, b) = (case.input(gpu, "a")?, case.input(gpu, "b")?);
    let tape = Tape::recording();
    tape.watch(&a);
    tape.watch(&b);
    let y = ops::cat(&tape, &[&a, &b])?;
    let mut outcome = Outcome::default();
    outcome.output("y", &y)?;
    if let Some(grad) = case.grad_output(gpu, "y")? {
        let gradients = tape.backward(&[(&y, grad)])?;
        outcome.grad_input("a", gradients.get(&a))?;
        outcome.grad_input("b", gradients.get(&b))?;
    }
    Ok(outcome)
}
