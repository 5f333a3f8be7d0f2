//! 2-d convolution of tensors joined along the channels, without joining them: [x₀, x₁, …] ∗ w = Σᵢ xᵢ ∗ wᵢ, wᵢ the weight's part for
//! the channels of xᵢ.
//!
//! On a GPU the joined tensor would be written, read and kept only for this, and its gradient cut again. Gradients are those of the parts'
//! convolutions; that of w is joined. Shaders: those of `conv2d`, of `add` and, for weights, of `cat`.

use crate::autograd::Tape;
use crate::error::{Error, Result};
use crate::gpu::DeviceKind;
use crate::kernels::add::add;
use crate::kernels::cat::{cat, cat_grad_input};
use crate::kernels::conv2d::{Conv2dAttrs, Conv2dDims, conv2d, conv2d_grad_input, conv2d_grad_weight_of_stored};
use crate::kernels::epilogue::Epilogue;
use crate::tensor::Tensor;

/// Whether [`conv2d_of_cat`] saves passes over memory that `cat` and `conv2d` make: on a GPU, where the planes are of one size.
pub fn reads_apart(inputs: &[&Tensor]) -> bool {
    let planes = |tensor: &Tensor| tensor.shape().dims().get(2..).map(<[usize]>::to_vec);
    let [first, rest @ ..] = inputs else { return false };
    first.gpu().capabilities().kind == DeviceKind::Gpu && !rest.is_empty() && rest.iter().all(|other| planes(other) == planes(first))
}

/// y = [x₀, x₁, …] ∗ w.
///
/// # Shapes
/// inputs `[n, c_i, h_in, w_in]`, weight `[c_out, Σ c_i, kernel_h, kernel_w]`, output `[n, c_out, h_out, w_out]` with the sides of
/// [`crate::ops::conv2d`].
///
/// # Errors
/// No inputs; groups; shapes that do not fit; out of memory.
pub fn conv2d_of_cat(tape: &Tape, inputs: &[&Tensor], weight: &Tensor, attrs: &Conv2dAttrs) -> Result<Tensor> {
    let attrs = Conv2dAttrs { operands: tape.operands(), ..*attrs };
    let [c_out, c_in, kernel_h, kernel_w] = weight.nchw("conv2d_of_cat")?;
    let channels = inputs.iter().map(|input| Ok(input.nchw("conv2d_of_cat")?[1])).collect::<Result<Vec<_>>>()?;
    if attrs.groups != 1 || channels.iter().sum::<usize>() != c_in {
        let message = format!("inputs of {channels:?} channels do not fit the weight {}, or there are groups", weight.shape());
        return Err(Error::shape("conv2d_of_cat", message));
    }
    let mut output: Option<Tensor> = None;
    let (mut saved, mut first) = (Vec::with_capacity(inputs.len()), 0);
    for (&input, &own) in inputs.iter().zip(&channels) {
        let part = cat_grad_input(weight, &[c_out, own, kernel_h, kernel_w].into(), first)?;
        let sums = conv2d(input, &part, &attrs, &Epilogue::default())?;
        output = Some(match output.take() {
            None => sums,
            Some(earlier) => add(&earlier, &sums)?,
        });
        saved.push((tape.keep(input)?, Conv2dDims::forward(input, &part, &attrs)?, first));
        first += own;
    }
    let output = output.ok_or_else(|| Error::shape("conv2d_of_cat", "no tensors were given"))?;
    let (recorded, w) = ([inputs, &[weight]].concat(), weight.clone());
    tape.record(&recorded, &output, move |grad_output, gradients| {
        if gradients.wants(&w) {
            let parts = saved
                .iter()
                .map(|(input, dims, _)| conv2d_grad_weight_of_stored(dims, &input.stored(), grad_output))
                .collect::<Result<Vec<_>>>()?;
            gradients.accumulate(&w, cat(&parts.iter().collect::<Vec<_>>())?)?;
        }
        for (input, dims, first) in &saved {
            if gradients.wants(input) {
                let part = cat_grad_input(&w, &[c_out, dims.c_in, kernel_h, kernel_w].into(), *first)?;
                gradients.accumulate(input, conv2d_grad_input(dims, grad_output, &part, None)?)?;
            }
        }
        Ok(())
    });
    Ok(output)
}
