//! Launchers of `pad`: shifted copies of channel blocks, which also make up concatenation and both gradients.
//! Shader: `shaders/pad.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::pad::PadParams;
use crate::kernels::image_groups::for_images;
use crate::tensor::{Shape, Tensor};

/// Zeros added on each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sides {
    /// Columns before the first.
    pub left: usize,
    /// Columns after the last.
    pub right: usize,
    /// Rows above the first.
    pub top: usize,
    /// Rows below the last.
    pub bottom: usize,
}

impl Sides {
    /// Shape of `input` with these sides added.
    ///
    /// # Errors
    /// Not four axes, or too many pixels.
    pub fn padded(&self, input: &Tensor) -> Result<Shape> {
        let [n, c, h, w] = input.nchw("pad")?;
        Ok([n, c, Shape::padded_output(h, self.top, self.bottom)?, Shape::padded_output(w, self.left, self.right)?].into())
    }
}

/// `channels` channels of every image that go from one tensor to another.
pub(super) struct Block {
    pub(super) channels: usize,
    /// First channel in the source and in the target.
    pub(super) first: [usize; 2],
    /// Target (row, col) takes source (row + shift[0], col + shift[1]), or zero outside.
    pub(super) shift: [isize; 2],
}

/// Copies a block; the rest of `output` stays as it is. Both tensors have four axes and hold the block.
pub(super) fn copy_block(input: &Tensor, output: &Tensor, block: &Block) -> Result<()> {
    for_images("pad", [input, output], |[input, output]| copy_block_of_all(input, output, block))
}

fn copy_block_of_all(input: &Tensor, output: &Tensor, block: &Block) -> Result<()> {
    let [n, c_in, mut h_in, mut w_in] = input.nchw("pad")?;
    let [n_out, c_out, mut h_out, mut w_out] = output.nchw("pad")?;
    let Block { mut channels, first, shift: [down, mut right] } = *block;
    if n != n_out || first[0] + channels > c_in || first[1] + channels > c_out {
        let message = format!("{channels} channels do not fit from {} into {}", input.shape(), output.shape());
        return Err(Error::shape("pad", message));
    }
    let (mut image_in, mut image_out) = (c_in * h_in * w_in, c_out * h_out * w_out);
    let (mut begin_in, mut begin_out) = (first[0] * h_in * w_in, first[1] * h_out * w_out);
    let copied = n * channels * h_out * w_out;
    if [h_in, w_in] == [h_out, w_out] && [down, right] == [0, 0] {
        // Without a shift a block is one contiguous run of each image.
        let pixels = h_in * w_in;
        let run = channels * pixels;
        (h_in, h_out, w_in, w_out, channels) = (1, 1, run, run, 1);
    }
    let scalar = [w_in, w_out, right.unsigned_abs(), image_in, image_out, begin_in, begin_out].iter().any(|v| !v.is_multiple_of(4));
    if !scalar {
        for length in [&mut w_in, &mut w_out, &mut image_in, &mut image_out, &mut begin_in, &mut begin_out] {
            *length /= 4;
        }
        right /= 4;
    }
    let sizes = [n * channels, channels, h_in, w_in, h_out, w_out, image_in, begin_in, image_out, begin_out];
    let [planes, channels, h_in, w_in, h_out, w_out, image_in, begin_in, image_out, begin_out] = sizes.map(|v| v as u32);
    let (down, right) = (down as i32, right as i32);
    let parameters = PadParams { planes, channels, h_in, w_in, h_out, w_out, image_in, begin_in, image_out, begin_out, down, right };
    input.gpu().launch(&Launch {
        plan: Plan::each("pad", planes as usize * h_out as usize * w_out as usize).scalar(scalar),
        params: &parameters,
        buffers: &[input.buffer(), output.buffer()],
        cost: Cost::new(0.0, 2 * copied),
    })
}

/// Adds zeros around every plane.
///
/// # Shapes
/// input [n, c, h, w]; output [n, c, top + h + bottom, left + w + right].
///
/// # Errors
/// Not four axes; out of memory.
pub fn pad(input: &Tensor, sides: Sides) -> Result<Tensor> {
    let [_, channels, ..] = input.nchw("pad")?;
    let output = Tensor::empty(input.gpu(), sides.padded(input)?)?;
    let shift = [-(sides.top as isize), -(sides.left as isize)];
    copy_block(input, &output, &Block { channels, first: [0, 0], shift })?;
    Ok(output)
}

/// Gradient of [`pad`]: the inner part.
///
/// # Shapes
/// grad_output as the padded tensor; gives `input_shape`.
///
/// # Errors
/// Shapes that do not belong together; out of memory.
pub fn pad_grad_input(grad_output: &Tensor, input_shape: &Shape, sides: Sides) -> Result<Tensor> {
    let grad_input = Tensor::empty(grad_output.gpu(), input_shape)?;
    if &sides.padded(&grad_input)? != grad_output.shape() {
        let message = format!("a gradient of shape {} for an input of shape {input_shape} padded by {sides:?}", grad_output.shape());
        return Err(Error::shape("pad", message));
    }
    let channels = input_shape.dims()[1];
    copy_block(grad_output, &grad_input, &Block { channels, first: [0, 0], shift: [sides.top as isize, sides.left as isize] })?;
    Ok(grad_input)
}
