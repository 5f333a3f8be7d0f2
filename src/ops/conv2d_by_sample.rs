//! A 1×1 convolution whose weight and bias each sample picks from a list: y[n] = w[pick n] ∗ x[n] + b[pick n].
//!
//! One convolution with a group a sample computes it: x as one image of n·c channels, the picked weights stacked, a zero weight for the
//! channel that is left out. That image is one array to a kernel however many samples it holds, so it takes as many samples as a kernel
//! sees at once, and the rest of the batch makes further ones. ∂L/∂w of a candidate is the sum over the samples that picked it; one that
//! none picked gets no gradient.
//! Shaders: `shaders/conv2d*.wgsl`.

use std::ops::Range;

use crate::autograd::Tape;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::kernels::conv2d::{self as kernels, Conv2dAttrs, Conv2dDims};
use crate::kernels::epilogue::Epilogue;
use crate::tensor::{Shape, Tensor};

/// A weight and its bias.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    /// `[c_out, c - 1, 1, 1]`.
    pub weight: &'a Tensor,
    /// `[c_out]`.
    pub bias: &'a Tensor,
}

/// `y[n] = w[pick n] ∗ x[n] + b[pick n]` over all channels of x but `left_out`.
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
    let gpu = input.gpu();
    let visible = (gpu.capabilities().max_binding_bytes / 4) as usize;
    // A buffer may be of a size class a quarter above its array. Where not even one sample fits, the kernel says so.
    let length =
        if n * c.max(c_out) * h * w <= visible - visible / 5 { n } else { ((visible - visible / 5) / (c.max(c_out) * h * w)).max(1) };
    let runs: Vec<Run> = (0..n)
        .step_by(length)
        .map(|first| Run::new(tape, first..n.min(first + length), input, rows, c_out, &picked))
        .collect::<Result<_>>()?;
    let output = of_runs(gpu, [n, c_out, h, w], &runs, |run| {
        kernels::conv2d(&run.of(input)?, &run.weight, &run.dims.attrs, &Epilogue::bias(Some(&run.bias)))
    })?;

    let inputs: Vec<&Tensor> = picked.iter().flat_map(|one| [one.weight, one.bias]).chain([input]).collect();
    let own: Vec<[Tensor; 2]> = picked.iter().map(|one| [one.weight.clone(), one.bias.clone()]).collect();
    let x = tape.keep(input)?;
    tape.record(&inputs, &output, move |grad_output, gradients| {
        let gpu = grad_output.gpu();
        if gradients.wants(&x) {
            let grad_input =
                of_runs(gpu, [n, c, h, w], &runs, |run| kernels::conv2d_grad_input(&run.dims, &run.of(grad_output)?, &run.weight, None))?;
            gradients.accumulate(&x, grad_input)?;
        }
        let restored = x.restored()?;
        for run in &runs {
            let grad_image = run.of(grad_output)?;
            let grad_weight = kernels::conv2d_grad_weight(&run.dims, &run.of(&restored)?, &grad_image)?;
            let grad_bias = kernels::conv2d_grad_bias(&grad_image)?;
            for (sample, [weight, bias]) in own[run.samples.clone()].iter().enumerate() {
                let of_weight = Tensor::empty(gpu, weight.shape())?;
                for row in 0..c_out {
                    rows.each(sample * c_out + row, row, |stacked, own, words| {
                        gpu.copy_words((grad_weight.buffer(), stacked), (of_weight.buffer(), own), words)
                    })?;
                }
                gradients.accumulate(weight, of_weight)?;
                let of_bias = Tensor::empty(gpu, bias.shape())?;
                gpu.copy_words((grad_bias.buffer(), sample * c_out), (of_bias.buffer(), 0), c_out)?;
                gradients.accumulate(bias, of_bias)?;
            }
        }
        Ok(())
    });
    Ok(output)
}

/// Samples that one convolution takes as groups, with their weights stacked.
struct Run {
    samples: Range<usize>,
    weight: Tensor,
    bias: Tensor,
    dims: Conv2dDims,
}

impl Run {
    fn new(tape: &Tape, samples: Range<usize>, input: &Tensor, rows: Rows, c_out: usize, picked: &[Candidate]) -> Result<Run> {
        let (gpu, groups) = (input.gpu(), samples.len());
        let weight = Tensor::full(gpu, [groups * c_out, rows.c, 1, 1], 0.0)?;
        let bias = Tensor::empty(gpu, [groups * c_out])?;
        for (sample, one) in picked[samples.clone()].iter().enumerate() {
            for row in 0..c_out {
                rows.each(sample * c_out + row, row, |stacked, own, words| {
                    gpu.copy_words((one.weight.buffer(), own), (weight.buffer(), stacked), words)
                })?;
            }
            gpu.copy_words((one.bias.buffer(), 0), (bias.buffer(), sample * c_out), c_out)?;
        }
        let [_, c, h_in, w_in] = input.nchw("conv2d_by_sample")?;
        let attrs = Conv2dAttrs { groups, operands: tape.operands(), ..Default::default() };
        let dims = Conv2dDims {
            n: 1,
            c_in: groups * c,
            h_in,
            w_in,
            c_out: groups * c_out,
            h_out: h_in,
            w_out: w_in,
            kernel_h: 1,
            kernel_w: 1,
            attrs,
        };
        Ok(Run { samples, weight, bias, dims })
    }

    /// The run's part of a tensor of the whole batch as one image: a copy, as parts of a buffer begin at few places, unless it is all.
    fn of(&self, batch: &Tensor) -> Result<Tensor> {
        let [n, c, h, w] = batch.nchw("conv2d_by_sample")?;
        let shape = [1, self.samples.len() * c, h, w];
        if self.samples.len() == n {
            return batch.reshaped(shape);
        }
        let part = Tensor::empty(batch.gpu(), shape)?;
        batch.gpu().copy_words((batch.buffer(), self.samples.start * c * h * w), (part.buffer(), 0), part.len())?;
        Ok(part)
    }
}

/// The batch of `shape` whose parts `part` makes run by run.
fn of_runs(gpu: &Gpu, shape: [usize; 4], runs: &[Run], part: impl Fn(&Run) -> Result<Tensor>) -> Result<Tensor> {
    if let [only] = runs {
        return part(only)?.reshaped(shape);
    }
    let batch = Tensor::empty(gpu, shape)?;
    let each = batch.len() / shape[0];
    for run in runs {
        let part = part(run)?;
        gpu.copy_words((part.buffer(), 0), (batch.buffer(), run.samples.start * each), part.len())?;
    }
    Ok(batch)
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
    fn each(self, stacked_row: usize, own_row: usize, mut run: impl FnMut(usize, usize, usize) -> Result<()>) -> Result<()> {
        let (stacked, own) = (stacked_row * self.c, own_row * (self.c - 1));
        run(stacked, own, self.left_out)?;
        run(stacked + self.left_out + 1, own + self.left_out, self.c - 1 - self.left_out)
    }
}
