//! A 1×1 convolution whose weight and bias each sample picks from a list: y[n] = w[pick n] ∗ x[n] + b[pick n].
//!
//! One convolution with a group a sample computes it: x as one image of n·c channels, the picked weights stacked, a zero weight for the
//! channel that is left out. ∂L/∂w of a candidate is the sum over the samples that picked it; one that none picked gets no gradient.
//! Shaders: `shaders/conv2d*.wgsl`.

use crate::autograd::Tape;
use crate::error::{Error, Result};
use crate::kernels::conv2d::{self as kernels, Conv2dAttrs, Conv2dDims};
use crate::tensor::{Shape, Tensor};

/// A weight and its bias.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    /// `[c_out, c - 1, 1, 1]`.
    pub weight: &'a Tensor,
    /// `[c_out]`.
    pub bias: &'a Tensor,
}

/// y[n] = w[pick n] ∗ x[n] + b[pick n] over all channels of x but `left_out`.
///
/// # Shapes
/// input `[n, c, h, w]`, weights `[c_out, c - 1, 1, 1]`, biases `[c_out]`, one pick a sample; output `[n, c_out, h, w]`.
///
/// # Errors
/// Shapes that do not fit; a pick beyond the list; out of memory.
pub fn conv2d_by_sample(tape: &Tape, input: &Tensor, left_out: usize, candidates: &[Candidate], picks: &[usize]) -> Result<Tensor> {
    let [n, c, h, w] = input.nchw("conv2d_by_sample")?;
    let picked: Vec<Candidate> = picks.iter().filter_map(|&pick| candidates.get(pick).copied()).collect();
    let c_out = picked.first().map_or(0, |first| first.bias.len());
    let fits = |one: &Candidate| *one.weight.shape() == Shape::from([c_out, c - 1, 1, 1]) && *one.bias.shape() == Shape::from([c_out]);
    if picks.len() != n || picked.len() != n || left_out >= c || c < 2 || !picked.iter().all(fits) {
        let message =
            format!("{} picks of {} candidates without channel {left_out} do not fit {}", picks.len(), candidates.len(), input.shape());
        return Err(Error::shape("conv2d_by_sample", message));
    }
    let rows = Rows { c, left_out };
    let weight = Tensor::full(input.gpu(), [n * c_out, c, 1, 1], 0.0)?;
    let bias = Tensor::empty(input.gpu(), [n * c_out])?;
    for (sample, one) in picked.iter().enumerate() {
        for row in 0..c_out {
            rows.each(sample * c_out + row, row, |stacked, own, words| {
                input.gpu().copy_words((one.weight.buffer(), own), (weight.buffer(), stacked), words);
            });
        }
        input.gpu().copy_words((one.bias.buffer(), 0), (bias.buffer(), sample * c_out), c_out);
    }
    let attrs = Conv2dAttrs { groups: n, ..Default::default() };
    let image = input.reshaped([1, n * c, h, w])?;
    let dims = Conv2dDims::forward(&image, &weight, &attrs)?;
    let output = kernels::conv2d(&image, &weight, Some(&bias), &attrs, 0)?.reshaped([n, c_out, h, w])?;

    let inputs: Vec<&Tensor> = picked.iter().flat_map(|one| [one.weight, one.bias]).chain([input]).collect();
    let own: Vec<[Tensor; 2]> = picked.iter().map(|one| [one.weight.clone(), one.bias.clone()]).collect();
    let x = input.clone();
    tape.record(&inputs, &output, move |grad_output, gradients| {
        let gpu = grad_output.gpu();
        let grad_image = grad_output.reshaped([1, n * c_out, h, w])?;
        if gradients.wants(&x) {
            let grad_input = kernels::conv2d_grad_input(&dims, &grad_image, &weight, None)?;
            gradients.accumulate(&x, grad_input.reshaped([n, c, h, w])?)?;
        }
        let grad_weight = kernels::conv2d_grad_weight(&dims, &image, &grad_image)?;
        let grad_bias = kernels::conv2d_grad_bias(&grad_image)?;
        for (sample, [weight, bias]) in own.iter().enumerate() {
            let of_weight = Tensor::empty(gpu, weight.shape())?;
            for row in 0..c_out {
                rows.each(sample * c_out + row, row, |stacked, own, words| {
                    gpu.copy_words((grad_weight.buffer(), stacked), (of_weight.buffer(), own), words);
                });
            }
            gradients.accumulate(weight, of_weight)?;
            let of_bias = Tensor::empty(gpu, bias.shape())?;
            gpu.copy_words((grad_bias.buffer(), sample * c_out), (of_bias.buffer(), 0), c_out);
            gradients.accumulate(bias, of_bias)?;
        }
        Ok(())
    });
    Ok(output)
}

/// Rows of `c` weights, of which a candidate's own lack one.
#[derive(Clone, Copy)]
struct Rows {
    c: usize,
    left_out: usize,
}

impl Rows {
    /// The two runs of a row, before and behind the channel that is left out: where each begins in the stacked weights and in the
    /// candidate's own, and its length.
    fn each(self, stacked_row: usize, own_row: usize, mut run: impl FnMut(usize, usize, usize)) {
        let (stacked, own) = (stacked_row * self.c, own_row * (self.c - 1));
        run(stacked, own, self.left_out);
        run(stacked + self.left_out + 1, own + self.left_out, self.c - 1 - self.left_out);
    }
}
