//! Launchers of `cat` along the channels, smaller maps zero-padded on the way. Shader: `shaders/pad.wgsl`.

use crate::error::{Error, Result};
use crate::kernels::pad::{Block, copy_block};
use crate::tensor::{Shape, Tensor};

/// Rows and columns of zeros before a smaller map that is centred in a larger one; the odd one goes behind it.
fn margins(larger: &Shape, smaller: &Shape) -> Result<[usize; 2]> {
    match (larger.dims(), smaller.dims()) {
        (&[n, _, h, w], &[n_small, _, h_small, w_small]) if n == n_small && h_small <= h && w_small <= w => {
            Ok([(h - h_small) / 2, (w - w_small) / 2])
        }
        _ => Err(Error::shape("cat", format!("{smaller} does not fit into the images of {larger}"))),
    }
}

/// Tensors one after another along the channels; each may have smaller planes than the first and is then centred among zeros.
///
/// # Shapes
/// inputs [n, c_i, h_i, w_i] with h_i ≤ h_0 and w_i ≤ w_0; output [n, Σ c_i, h_0, w_0].
///
/// # Errors
/// No inputs; batch sizes that differ; a plane larger than the first's; out of memory.
pub fn cat(inputs: &[&Tensor]) -> Result<Tensor> {
    let first = inputs.first().ok_or_else(|| Error::shape("cat", "no tensors were given"))?;
    let [n, _, h, w] = first.nchw("cat")?;
    let mut blocks = Vec::with_capacity(inputs.len());
    let mut total = 0;
    for input in inputs {
        let [_, channels, ..] = input.nchw("cat")?;
        let [top, left] = margins(first.shape(), input.shape())?;
        blocks.push(Block { channels, first: [0, total], shift: [-(top as isize), -(left as isize)] });
        total += channels;
    }
    let output = Tensor::empty(first.gpu(), [n, total, h, w])?;
    for (input, block) in inputs.iter().zip(&blocks) {
        copy_block(input, &output, block)?;
    }
    Ok(output)
}

/// Gradient of one input of [`cat`]: its channels, without the zeros around it.
///
/// # Shapes
/// grad_output [n, Σ c_i, h, w]; gives `input_shape`, whose channels begin at `first_channel`.
///
/// # Errors
/// Shapes that do not belong together; out of memory.
pub fn cat_grad_input(grad_output: &Tensor, input_shape: &Shape, first_channel: usize) -> Result<Tensor> {
    let [top, left] = margins(grad_output.shape(), input_shape)?;
    let grad_input = Tensor::empty(grad_output.gpu(), input_shape)?;
    let [_, channels, ..] = grad_input.nchw("cat")?;
    copy_block(grad_output, &grad_input, &Block { channels, first: [first_channel, 0], shift: [top as isize, left as isize] })?;
    Ok(grad_input)
}
