//! Replays of `conv2d` and `conv_transpose2d`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::conv2d::{Conv2dAttrs, Conv2dDims};
use crate::ops;
use crate::tensor::Tensor;
use crate::verify::{Case, Outcome, Runner};

pub(super) const RUNNERS: &[(&str, Runner)] = &[("conv2d", conv2d), ("conv_transpose2d", conv_transpose2d)];

fn conv2d(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let attrs = Conv2dAttrs {
        stride: case.attr_usize("stride")?,
        padding: case.attr_usize("padding")?,
        dilation: case.attr_usize("dilation")?,
        groups: case.attr_usize("groups")?,
        ..Conv2dAttrs::PLAIN
    };
    weighted(gpu, case, |tape, x, w, b| {
        let dims = Conv2dDims::forward(x, w, &attrs)?;
        case.expect_output("y", [dims.n, dims.c_out, dims.h_out, dims.w_out])?;
        let op = if attrs.is_depthwise(w) { ops::depthwise_conv2d } else { ops::conv2d };
        op(tape, x, w, b, &attrs, ops::Activation::None)
    })
}

fn conv_transpose2d(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let (stride, padding) = (case.attr_usize("stride")?, case.attr_usize("padding")?);
    weighted(gpu, case, |tape, x, w, b| {
        // A transposed convolution's output is the input of the convolution that it is the gradient of.
        let dims = Conv2dDims::transposed(x, w, stride, padding)?;
        case.expect_output("y", [dims.n, dims.c_in, dims.h_in, dims.w_in])?;
        ops::conv_transpose2d(tape, x, w, b, stride, padding)
    })
}

/// Runs an op of an input `x`, a `weight`, perhaps a `bias`, and one output `y`, and its gradients where the case has them.
pub(super) fn weighted(gpu: &Gpu, case: &Case, op: impl Fn(&Tape, &Tensor, &Tensor, Option<&Tensor>) -> Result<Tensor>) -> Result<Outcome> {
    let (x, weight, bias) = (case.input(gpu, "x")?, case.param(gpu, "weight")?, case.optional_param(gpu, "bias")?);
    let tape = Tape::recording();
    for leaf in [Some(&x), Some(&weight), bias.as_ref()].into_iter().flatten() {
        tape.watch(leaf);
    }
    let y = tape.autocast(case.operands()?, || op(&tape, &x, &weight, bias.as_ref()))?;
    let mut outcome = Outcome::default();
    outcome.output("y", &y)?;
    if let Some(grad) = case.grad_output(gpu, "y")? {
        let gradients = tape.backward(&[(&y, grad)])?;
        outcome.grad_input("x", gradients.get(&x))?;
        outcome.grad_param("weight", gradients.get(&weight))?;
        outcome.grad_param("bias", bias.as_ref().and_then(|b| gradients.get(b)))?;
    }
    Ok(outcome)
}
