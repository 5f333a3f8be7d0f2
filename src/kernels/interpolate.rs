//! Launchers of `interpolate` and its gradient. Shaders: `shaders/interpolate.wgsl`, `shaders/interpolate_grad_input.wgsl`, and both with
//! `_nearest_2x` for doubling.

use crate::error::{Error, Result};
use crate::gpu::{Capabilities, Cost, Launch, Plan};
use crate::host::interpolate::InterpolateParams;
use crate::kernels::image_groups::for_images;
use crate::kernels::strips::Strips;
use crate::tensor::{Shape, Tensor};

/// How source pixels are combined; the discriminant is the shaders' `MODE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Interpolation {
    /// The pixel at ⌊position·ratio⌋.
    Nearest = 0,
    /// Bilinear between pixel centres (`align_corners=False`).
    Bilinear = 1,
    /// Bilinear with the corner pixels of input and output aligned (`align_corners=True`).
    BilinearAligned = 2,
}

/// The size to resample to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// Rows and columns; the ratio is input over output.
    Size([usize; 2]),
    /// A factor for both axes; the ratio is its inverse, whatever the rounding of the size.
    Scale(f64),
}

impl Target {
    /// Rows and columns of the output.
    ///
    /// # Errors
    /// None, or more than [`Shape::MAX_SIDE`].
    pub fn output(self, input: [usize; 2]) -> Result<[usize; 2]> {
        match self {
            Target::Size(size) if size.iter().any(|side| !(1..=Shape::MAX_SIDE).contains(side)) => Err(Error::shape(
                "interpolate",
                format!("a size of {size:?} is not possible: both sides must be from 1 to {}", Shape::MAX_SIDE),
            )),
            Target::Size(size) => Ok(size),
            Target::Scale(factor) => Ok([Shape::scaled_output(input[0], factor)?, Shape::scaled_output(input[1], factor)?]),
        }
    }

    /// Source pixels per output pixel along one axis, in the precision in which PyTorch computes it.
    fn ratio(self, mode: Interpolation, input: usize, output: usize) -> f32 {
        match (mode, self) {
            (Interpolation::BilinearAligned, _) if output > 1 => (input - 1) as f32 / (output - 1) as f32,
            (Interpolation::BilinearAligned, _) => 0.0,
            (_, Target::Size(_)) => input as f32 / output as f32,
            (_, Target::Scale(factor)) => (1.0 / factor) as f32,
        }
    }

    fn parameters(self, mode: Interpolation, planes: usize, input: [usize; 2], output: [usize; 2]) -> InterpolateParams {
        let [planes, h_in, w_in, h_out, w_out] = [planes, input[0], input[1], output[0], output[1]].map(|v| v as u32);
        let [ratio_h, ratio_w] = [0, 1].map(|axis| self.ratio(mode, input[axis], output[axis]));
        InterpolateParams { planes, h_in, w_in, h_out, w_out, ratio_h, ratio_w, strip: 1, strips: 1 }
    }
}

/// True where every pixel becomes a block of 2 × 2 and rows are whole pairs, for which GPUs have kernels of their own.
fn is_doubling(mode: Interpolation, input: [usize; 2], parameters: &InterpolateParams) -> bool {
    let doubled = [parameters.h_out, parameters.w_out] == [2 * parameters.h_in, 2 * parameters.w_in];
    mode == Interpolation::Nearest && doubled && [parameters.ratio_h, parameters.ratio_w] == [0.5, 0.5] && input[1].is_multiple_of(2)
}

impl InterpolateParams {
    fn cut(&mut self, strips: Strips) {
        (self.strip, self.strips) = (strips.strip as u32, strips.strips as u32);
    }
}

/// Strips of input rows short enough for the device's loops over all output pixels that use a quad of columns of one.
///
/// # Errors
/// Where a single row is used by too many.
fn gradient_strips(capabilities: &Capabilities, p: &InterpolateParams, columns: usize) -> Result<Strips> {
    // Outputs that use `count` neighbouring inputs, with the margin that the kernel takes.
    let users = |count: usize, ratio: f32, all: u32| {
        let most = if ratio > 0.0 { ((count + 2) as f32 / ratio).ceil() as usize + 2 } else { usize::MAX };
        most.min(all as usize)
    };
    let trips = |strip: usize| users(strip, p.ratio_h, p.h_out) * (users(4, p.ratio_w, p.w_out) + 3) + 2 * strip;
    let rows = p.h_in as usize;
    let mut strips = Strips::new(rows, columns);
    while !capabilities.loops(trips(strips.strip)) {
        if strips.strip == 1 {
            let message = format!("the gradient from {}×{} to {rows}×{} is too long for {}", p.h_out, p.w_out, p.w_in, capabilities.name);
            return Err(Error::shape("interpolate", message));
        }
        strips = Strips::of(strips.strip / 2, rows);
    }
    Ok(strips)
}

/// Resamples every plane.
///
/// # Shapes
/// input [n, c, h, w]; output [n, c, h_out, w_out].
///
/// # Errors
/// A target without pixels; out of memory.
pub fn interpolate(input: &Tensor, target: Target, mode: Interpolation) -> Result<Tensor> {
    let [n, c, h, w] = input.nchw("interpolate")?;
    let [h_out, w_out] = target.output([h, w])?;
    let output = Tensor::empty(input.gpu(), [n, c, h_out, w_out])?;
    for_images("interpolate", [input, &output], |[input, output]| launch(input, output, target, mode))?;
    Ok(output)
}

/// How a map of `input` pixels becomes one of `output`, with the strips that its parameters then get.
fn plan(able: &Capabilities, mode: Interpolation, input: [usize; 2], p: &mut InterpolateParams) -> Plan {
    let (planes, [h, w], [h_out, w_out]) = (p.planes as usize, input, [p.h_out, p.w_out].map(|v| v as usize));
    if !able.is_host() && is_doubling(mode, input, p) {
        return Plan::each("interpolate_nearest_2x", planes * h * w / 2);
    }
    let columns = planes * w_out.div_ceil(4);
    p.cut(Strips::new(h_out, columns));
    let consts = [("MODE", mode as u32), ("SLIDE", u32::from(p.ratio_h <= 1.0))];
    Plan::each("interpolate", columns * p.strips as usize).with(consts).scalar(!w_out.is_multiple_of(4))
}

fn launch(input: &Tensor, output: &Tensor, target: Target, mode: Interpolation) -> Result<()> {
    let ([n, c, h, w], [_, _, h_out, w_out]) = (input.nchw("interpolate")?, output.nchw("interpolate")?);
    let mut params = target.parameters(mode, n * c, [h, w], [h_out, w_out]);
    input.gpu().launch(&Launch {
        plan: plan(input.gpu().capabilities(), mode, [h, w], &mut params),
        params: &params,
        buffers: &[input.buffer(), output.buffer()],
        cost: Cost::new(if mode == Interpolation::Nearest { 0.0 } else { 9.0 * output.len() as f64 }, input.len() + output.len()),
    })
}

/// Gradient of the input: each pixel's shares of the output pixels that use it.
///
/// # Shapes
/// grad_output [n, c, h_out, w_out]; gives `input_shape`.
///
/// # Errors
/// Shapes that do not belong together; out of memory.
pub fn interpolate_grad_input(grad_output: &Tensor, input_shape: &Shape, target: Target, mode: Interpolation) -> Result<Tensor> {
    let [n_out, c_out, h_out, w_out] = grad_output.nchw("interpolate")?;
    let grad_input = Tensor::empty(grad_output.gpu(), input_shape)?;
    let [n, c, h, w] = grad_input.nchw("interpolate")?;
    if [n, c] != [n_out, c_out] || target.output([h, w])? != [h_out, w_out] {
        let message = format!("a gradient of shape {} for an input of shape {input_shape}", grad_output.shape());
        return Err(Error::shape("interpolate", message));
    }
    for_images("interpolate_grad_input", [grad_output, &grad_input], |[grad_output, grad_input]| {
        launch_grad_input(grad_output, grad_input, target, mode)
    })?;
    Ok(grad_input)
}

/// The gradient of [`plan`], with the strips that its parameters then get.
fn grad_input_plan(able: &Capabilities, mode: Interpolation, [h, w]: [usize; 2], p: &mut InterpolateParams) -> Result<Plan> {
    let planes = p.planes as usize;
    if !able.is_host() && is_doubling(mode, [h, w], p) {
        return Ok(Plan::each("interpolate_grad_input_nearest_2x", planes * h * w / 2));
    }
    let columns = planes * w.div_ceil(4);
    p.cut(gradient_strips(able, p, columns)?);
    Ok(Plan::each("interpolate_grad_input", columns * p.strips as usize).with([("MODE", mode as u32)]).scalar(!w.is_multiple_of(4)))
}

fn launch_grad_input(grad_output: &Tensor, grad_input: &Tensor, target: Target, mode: Interpolation) -> Result<()> {
    let ([_, _, h_out, w_out], [n, c, h, w]) = (grad_output.nchw("interpolate")?, grad_input.nchw("interpolate")?);
    let mut params = target.parameters(mode, n * c, [h, w], [h_out, w_out]);
    let operations = if mode == Interpolation::Nearest { 1.0 } else { 8.0 };
    grad_output.gpu().launch(&Launch {
        plan: grad_input_plan(grad_output.gpu().capabilities(), mode, [h, w], &mut params)?,
        params: &params,
        buffers: &[grad_output.buffer(), grad_input.buffer()],
        cost: Cost::new(operations * grad_output.len() as f64, grad_input.len() + grad_output.len()),
    })
}
