//! 2-d convolution of a batch norm in training, of a rectifier, or of one behind the other, which the convolution computes as it reads.
//!
//! y = f(x) ∗ w with f(x) = g(weight·(x − μ)/√(σ² + eps) + bias) by the statistics of the batch, g a rectifier or nothing; or f = g. Nobody
//! writes f(x), and only x is kept: ∂L/∂w correlates ∂L/∂y with f(x), computed again as x is read; ∂L/∂f(x) is that of `conv2d`, and what
//! follows from it that of `batch_norm` and `activation`. On GPUs, for kernels that memory bounds and for minimal filtering to few
//! channels; the bits are those of the ops one after the other, unless a compiler contracts the sums of one of them (Metal and DX12 may),
//! or moments are left. Shaders: `shaders/shared/source.wgsl` in those of `depthwise_conv2d` and of `conv2d`.

use crate::autograd::Tape;
use crate::error::{Error, Result};
use crate::kernels::activation::{Activation, activation_grad};
use crate::kernels::batch_norm::{self as norms, Batching, Saved};
use crate::kernels::conv2d::{self as dense, Conv2dAttrs, Conv2dDims};
use crate::kernels::depthwise_conv2d as depthwise;
use crate::kernels::operands::Operands;
use crate::kernels::source::Source;
use crate::tensor::Tensor;

/// The batch norm of [`conv2d_of_norm`] with its parameters and running statistics, `[c_in]` each; the latter are moved as by
/// [`crate::ops::batch_norm`].
#[derive(Clone, Copy)]
pub struct NormBefore<'a> {
    /// Factors.
    pub weight: &'a Tensor,
    /// Summands.
    pub bias: &'a Tensor,
    /// Running means and variances.
    pub running: [&'a Tensor; 2],
    /// How the batch makes its statistics.
    pub by: Batching,
}

/// Whether [`conv2d_of_norm`] can stand for the norm, the rectifier and the convolution.
pub fn reads_through(tape: &Tape, input: &Tensor, weight: &Tensor, attrs: &Conv2dAttrs) -> bool {
    // What is kept as f16 would be normalised again from rounded values.
    if tape.operands() != Operands::F32 {
        return false;
    }
    let reads = if attrs.is_depthwise(weight) { depthwise::reads_through } else { dense::reads_through };
    Conv2dDims::forward(input, weight, attrs).is_ok_and(|dims| reads(input.gpu().capabilities(), &dims))
}

/// y = f(x) ∗ w, where f is the norm, if there is one, and the activation, a rectifier or none. With `feeds_norm` a batch norm follows in
/// training, for which the kernel leaves the tape the [moments](Tape::take_moments) of y where it can.
///
/// # Shapes
/// input `[n, c_in, h_in, w_in]`, weight `[c_out, c_in / groups, kernel_h, kernel_w]`, output `[n, c_out, h_out, w_out]` with the sides of
/// [`crate::ops::conv2d`].
///
/// # Errors
/// Shapes that do not fit; a convolution that does not [read through](reads_through) what is before it; out of memory.
pub fn conv2d_of_norm(
    tape: &Tape,
    input: &Tensor,
    norm: Option<NormBefore>,
    activation: Activation,
    weight: &Tensor,
    attrs: &Conv2dAttrs,
    feeds_norm: bool,
) -> Result<Tensor> {
    let is_depthwise = attrs.is_depthwise(weight);
    if !matches!(activation, Activation::None | Activation::Relu) {
        return Err(Error::shape(
            "conv2d_of_norm",
            format!("{activation:?} cannot be computed while it is read: call activation and conv2d"),
        ));
    }
    if tape.operands() != Operands::F32 {
        return Err(Error::shape("conv2d_of_norm", "operands of f16 are not computed while they are read: call batch_norm and conv2d"));
    }
    let dims = Conv2dDims::forward(input, weight, attrs)?;
    let normed = match norm {
        Some(NormBefore { weight, bias, running: [mean, var], by }) => {
            norms::check(input, weight, bias, mean, var)?;
            let (stats, update) = norms::batch_norm_batch(input, tape.take_moments(input).as_ref(), [mean, var], by)?;
            tape.update_running(update)?;
            Some(Saved { input: input.clone().into(), stats, weight: weight.clone(), bias: bias.clone(), activation })
        }
        None => None,
    };
    let read = source(&normed, activation, input);
    let output = match is_depthwise {
        true => {
            let (output, moments) = depthwise::depthwise_conv2d_of_source(read, weight, attrs, feeds_norm)?;
            moments.into_iter().for_each(|moments| tape.leave_moments(&output, moments));
            output
        }
        false => dense::conv2d_of_source(read, weight, attrs)?,
    };
    let recorded: Vec<&Tensor> = [input, weight].into_iter().chain(norm.iter().flat_map(|norm| [norm.weight, norm.bias])).collect();
    let (x, w) = (input.clone(), weight.clone());
    tape.record(&recorded, &output, move |grad_output, gradients| {
        if gradients.wants(&w) {
            let of_weight =
                if is_depthwise { depthwise::depthwise_conv2d_grad_weight_of_source } else { dense::conv2d_grad_weight_of_source };
            gradients.accumulate(&w, of_weight(&dims, source(&normed, activation, &x), grad_output)?)?;
        }
        let wants_parameters = normed.as_ref().is_some_and(|saved| gradients.wants(&saved.weight) || gradients.wants(&saved.bias));
        let wants = [gradients.wants(&x), wants_parameters];
        if wants == [false; 2] {
            return Ok(());
        }
        let grad_read = match is_depthwise {
            true => depthwise::depthwise_conv2d_grad_input(&dims, grad_output, &w)?,
            false => dense::conv2d_grad_input(&dims, grad_output, &w, None)?,
        };
        let Some(saved) = normed else {
            let grad_input = if activation == Activation::None { grad_read } else { activation_grad(activation, &x, &grad_read)? };
            return gradients.accumulate(&x, grad_input);
        };
        let grads = norms::batch_norm_gradients(&saved, &grad_read, wants, true)?;
        if let Some(grad_input) = grads.input {
            gradients.accumulate(&x, grad_input)?;
        }
        if let Some((grad_weight, grad_bias)) = grads.parameters {
            gradients.accumulate(&saved.weight, grad_weight)?;
            gradients.accumulate(&saved.bias, grad_bias)?;
        }
        Ok(())
    });
    Ok(output)
}

fn source<'a>(normed: &'a Option<Saved>, activation: Activation, input: &'a Tensor) -> Source<'a> {
    match (normed, activation) {
        (Some(saved), _) => Source::Normed(input, saved),
        (None, Activation::None) => Source::Stored(input),
        (None, _) => Source::Rectified(input),
    }
}
