//! Launchers of `adaptive_avg_pool2d` to one pixel. Shaders: `shaders/adaptive_avg_pool2d.wgsl`,
//! `shaders/adaptive_avg_pool2d_grad_input.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Buffer, Cost, Gpu, Launch, Plan};
use crate::host::adaptive_avg_pool2d::AdaptiveAvgPool2dParams;
use crate::kernels::image_groups::for_images;
use crate::tensor::{Shape, Tensor};

/// Mean of every plane.
///
/// # Shapes
/// input [n, c, h, w]; output [n, c, 1, 1].
///
/// # Errors
/// Not four axes; out of memory.
pub fn adaptive_avg_pool2d(input: &Tensor) -> Result<Tensor> {
    let [n, c, h, w] = input.nchw("adaptive_avg_pool2d")?;
    let output = Tensor::empty(input.gpu(), [n, c, 1, 1])?;
    let stem = "adaptive_avg_pool2d";
    for_images(stem, [input, &output], |[input, output]| {
        launch(input.gpu(), stem, output.len(), h * w, &[input.buffer(), output.buffer()])
    })?;
    Ok(output)
}

/// Gradient of the input: grad_output / (h·w) all over each plane.
///
/// # Shapes
/// grad_output [n, c, 1, 1]; gives `input_shape`.
///
/// # Errors
/// Shapes that do not belong together; out of memory.
pub fn adaptive_avg_pool2d_grad_input(grad_output: &Tensor, input_shape: &Shape) -> Result<Tensor> {
    let grad_input = Tensor::empty(grad_output.gpu(), input_shape)?;
    let [n, c, h, w] = grad_input.nchw("adaptive_avg_pool2d")?;
    if grad_output.shape().dims() != [n, c, 1, 1] {
        let message = format!("a gradient of shape {} for the means of {input_shape}", grad_output.shape());
        return Err(Error::shape("adaptive_avg_pool2d", message));
    }
    let stem = "adaptive_avg_pool2d_grad_input";
    for_images(stem, [grad_output, &grad_input], |[grad_output, grad_input]| {
        launch(grad_output.gpu(), stem, grad_output.len(), h * w, &[grad_output.buffer(), grad_input.buffer()])
    })?;
    Ok(grad_input)
}

fn launch(gpu: &Gpu, stem: &'static str, planes: usize, pixels: usize, buffers: &[&Buffer]) -> Result<()> {
    let scalar = !pixels.is_multiple_of(4);
    let plane = if scalar { pixels } else { pixels / 4 };
    let inverse_count = 1.0 / pixels as f32;
    gpu.launch(&Launch {
        plan: Plan::new(stem, planes).scalar(scalar),
        params: &AdaptiveAvgPool2dParams { planes: planes as u32, plane: plane as u32, inverse_count },
        buffers,
        cost: Cost::new((planes * pixels) as f64, planes * (pixels + 1)),
    })
}
