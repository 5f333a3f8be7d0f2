//! Maps of tokens cut into square windows, rolled first: `torch.roll` by (−shift, −shift), then windows in raster order, images outermost
//! (Liu et al. 2021, arXiv 2103.14030). The gradient is the windows put back. Shaders: `shaders/window_partition.wgsl`,
//! `shaders/window_reverse.wgsl`.

use crate::autograd::Tape;
use crate::error::{Error, Result};
use crate::kernels::window_partition as kernels;
use crate::tensor::Tensor;

/// The windows of maps that were rolled up and to the left by `shift`.
///
/// # Shapes
/// input `[n, h, w, c]`; output `[n·windows, window², c]`.
///
/// # Errors
/// Windows that do not fill the map; a roll of a window or more; out of memory.
pub fn window_partition(tape: &Tape, input: &Tensor, window: usize, shift: usize) -> Result<Tensor> {
    let output = kernels::window_partition(input, window, shift)?;
    let &[_, h, w, _] = input.shape().dims() else { return Err(Error::shape("window_partition", "maps have four axes")) };
    let name = input.name();
    tape.record(&[input], &output, move |grad_output, gradients| {
        gradients.accumulate(&name, kernels::window_reverse(grad_output, window, shift, [h, w])?)
    });
    Ok(output)
}
