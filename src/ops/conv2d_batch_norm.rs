//! 2-d convolution and the batch norm of evaluation behind it in one pass, for inference.
//!
//! y = f((x ∗ w)·scale + shift) with scale = weight/√(running_var + eps) and shift = bias − running_mean·scale a channel: PyTorch's
//! `batch_norm` with running statistics on the convolution's sums. There is no gradient: `conv2d` and `batch_norm` have it.
//! Shaders: `shaders/batch_norm_affine.wgsl`, `shaders/conv2d.wgsl`, `shaders/depthwise_conv2d*.wgsl`.

use crate::autograd::Tape;
use crate::error::{Error, Result};
use crate::kernels::activation::Activation;
use crate::kernels::batch_norm::batch_norm_affine;
use crate::kernels::conv2d::{Conv2dAttrs, conv2d};
use crate::kernels::depthwise_conv2d::depthwise_conv2d;
use crate::kernels::epilogue::Epilogue;
use crate::tensor::Tensor;

/// The batch norm of [`conv2d_batch_norm`]: its parameters and running statistics, `[c_out]` each.
#[derive(Clone, Copy)]
pub struct RunningNorm<'a> {
    /// Factors.
    pub weight: &'a Tensor,
    /// Summands.
    pub bias: &'a Tensor,
    /// Means that are subtracted.
    pub running_mean: &'a Tensor,
    /// Variances that are divided by.
    pub running_var: &'a Tensor,
    /// Added to the variance.
    pub eps: f32,
}

impl RunningNorm<'_> {
    /// True where the tape wants no gradient through the convolution of `input` by `weight` and this norm, so that
    /// [`conv2d_batch_norm`] can stand for both.
    pub fn fuses(&self, tape: &Tape, input: &Tensor, weight: &Tensor) -> bool {
        ![input, weight, self.weight, self.bias].into_iter().any(|tensor| tape.tracks(tensor))
    }
}

/// y = f(batch_norm(x ∗ w)) by running statistics; with one filter a channel by the depthwise kernels.
///
/// # Shapes
/// input `[n, c_in, h_in, w_in]`, weight `[c_out, c_in / groups, kernel_h, kernel_w]`, all of `norm` `[c_out]`, output
/// `[n, c_out, h_out, w_out]` with the sides of [`crate::ops::conv2d`].
///
/// # Errors
/// Shapes that do not fit; a tape that wants a gradient of any of them; out of memory.
pub fn conv2d_batch_norm(
    tape: &Tape,
    input: &Tensor,
    weight: &Tensor,
    norm: &RunningNorm,
    attrs: &Conv2dAttrs,
    activation: Activation,
) -> Result<Tensor> {
    if !norm.fuses(tape, input, weight) {
        let message = "a convolution in one pass with its batch norm has no gradient, but the tape wants one; call conv2d and batch_norm";
        return Err(Error::shape("conv2d_batch_norm", message));
    }
    let (scale, shift) = batch_norm_affine(norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.eps)?;
    let launcher = if attrs.is_depthwise(weight) { depthwise_conv2d } else { conv2d };
    let attrs = Conv2dAttrs { operands: tape.operands(), ..*attrs };
    launcher(input, weight, &attrs, &Epilogue { scale: Some(&scale), bias: Some(&shift), activation })
}
