//! Launchers of `max_pool2d` and its gradient. Shaders: `shaders/max_pool2d.wgsl`, `shaders/max_pool2d_grad_input.wgsl`, and both with
//! `_2x2` for the usual window.

use crate::error::{Error, Result};
use crate::gpu::{Capabilities, Cost, Launch, Plan};
use crate::host::max_pool2d::MaxPool2dParams;
use crate::kernels::image_groups::for_images;
use crate::tensor::{Shape, Tensor};

/// A square pooling window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Side.
    pub kernel: usize,
    /// Step between windows.
    pub stride: usize,
    /// Border that never wins; at most half the kernel.
    pub padding: usize,
}

impl Window {
    /// Rows and columns of the output.
    ///
    /// # Errors
    /// [`Error::Shape`] for a window that does not fit, or padding above half the kernel.
    pub fn output(self, input: [usize; 2]) -> Result<[usize; 2]> {
        let Window { kernel, stride, padding } = self;
        if padding > kernel / 2 {
            let message = format!("padding {padding} exceeds half the kernel ({kernel}), so some windows would hold nothing");
            return Err(Error::shape("max_pool2d", message));
        }
        let along = |size| Shape::conv_output("max_pool2d", size, kernel, stride, padding, 1);
        Ok([along(input[0])?, along(input[1])?])
    }

    /// True where windows are 2 × 2 without gaps or overlap and four columns are two of them, for any input of `width` columns.
    fn is_quartering(&self, width: usize) -> bool {
        *self == Window { kernel: 2, stride: 2, padding: 0 } && width.is_multiple_of(4)
    }
}

/// Maximum of every window, and its position `row·w_in + col` in the input plane (u32 bits; ties to the first in scan order).
///
/// # Shapes
/// input [n, c, h, w]; both results [n, c, h_out, w_out] with ⌊(h + 2·padding − kernel) / stride⌋ + 1 rows.
///
/// # Errors
/// A window that does not fit, padding above half the kernel; out of memory.
pub fn max_pool2d(input: &Tensor, window: Window) -> Result<(Tensor, Tensor)> {
    let [n, c, h, w] = input.nchw("max_pool2d")?;
    let [h_out, w_out] = window.output([h, w])?;
    let output = Tensor::empty(input.gpu(), [n, c, h_out, w_out])?;
    let index = Tensor::empty(input.gpu(), [n, c, h_out, w_out])?;
    let able = input.gpu().capabilities();
    for_images("max_pool2d", [input, &output, &index], |[input, output, index]| {
        let planes = output.len() / (h_out * w_out);
        input.gpu().launch(&Launch {
            plan: plan(able, planes, w, [h_out, w_out], window),
            params: &parameters(planes, [h, w], [h_out, w_out], window),
            buffers: &[input.buffer(), output.buffer(), index.buffer()],
            cost: Cost::new((output.len() * window.kernel * window.kernel) as f64, input.len() + 2 * output.len()),
        })
    })?;
    Ok((output, index))
}

/// Gradient of the input: every maximum's position receives its window's gradient.
///
/// # Shapes
/// grad_output and index [n, c, h_out, w_out] of [`max_pool2d`]; gives `input_shape`.
///
/// # Errors
/// Shapes that do not belong together; out of memory.
pub fn max_pool2d_grad_input(grad_output: &Tensor, index: &Tensor, input_shape: &Shape, window: Window) -> Result<Tensor> {
    let [n, c, h_out, w_out] = grad_output.nchw("max_pool2d")?;
    let grad_input = Tensor::empty(grad_output.gpu(), input_shape)?;
    let [n_in, c_in, h, w] = grad_input.nchw("max_pool2d")?;
    if grad_output.shape() != index.shape() || [n, c] != [n_in, c_in] || window.stride == 0 {
        let message = format!("a gradient of shape {} for an output of shape {}", grad_output.shape(), index.shape());
        return Err(Error::shape("max_pool2d", message));
    }
    let able = grad_output.gpu().capabilities();
    for_images("max_pool2d_grad_input", [grad_output, index, &grad_input], |[grad_output, index, grad_input]| {
        let planes = grad_output.len() / (h_out * w_out);
        grad_output.gpu().launch(&Launch {
            plan: grad_input_plan(able, planes, [h, w], window),
            params: &parameters(planes, [h, w], [h_out, w_out], window),
            buffers: &[grad_output.buffer(), index.buffer(), grad_input.buffer()],
            cost: Cost::new(grad_input.len() as f64, grad_input.len() + 2 * grad_output.len()),
        })
    })?;
    Ok(grad_input)
}

/// The forward pass from rows of `w` values.
fn plan(able: &Capabilities, planes: usize, w: usize, [h_out, w_out]: [usize; 2], window: Window) -> Plan {
    match window.is_quartering(w) && !able.is_host() {
        true => Plan::each("max_pool2d_2x2", planes * (h_out * w / 4)),
        false => Plan::each("max_pool2d", planes * (h_out * w_out)),
    }
}

/// The gradient of maps of `h` × `w` values.
fn grad_input_plan(able: &Capabilities, planes: usize, [h, w]: [usize; 2], window: Window) -> Plan {
    match window.is_quartering(w) && !able.is_host() {
        true => Plan::each("max_pool2d_grad_input_2x2", planes * (h.div_ceil(2) * w / 4)),
        false => Plan::each("max_pool2d_grad_input", planes * (h * w)),
    }
}

fn parameters(planes: usize, input: [usize; 2], output: [usize; 2], window: Window) -> MaxPool2dParams {
    let all = [planes, input[0], input[1], output[0], output[1], window.kernel, window.stride, window.padding];
    let [planes, h_in, w_in, h_out, w_out, kernel, stride, padding] = all.map(|v| v as u32);
    MaxPool2dParams { planes, h_in, w_in, h_out, w_out, kernel, stride, padding }
}
