//! Launchers of `normalize` and its gradient. Shaders: `shaders/normalize.wgsl`, `shaders/normalize_grad_input.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::normalize::NormalizeParams;
use crate::kernels::image_groups::for_images;
use crate::tensor::{Shape, Tensor};

const OP: &str = "normalize";
/// Values of a row from which on a whole workgroup shares it, and the smaller team for shorter ones.
const LONG: usize = 256;
const TEAMS: [usize; 2] = [8, 64];

/// Values of a row, and invocations that share one.
fn extents(input: &Tensor) -> Result<[usize; 2]> {
    let Some(&c) = input.shape().dims().last().filter(|_| !input.is_empty()) else {
        return Err(Error::shape(OP, format!("rows of values were expected, got {}", input.shape())));
    };
    let (team, able) = (TEAMS[usize::from(c >= LONG)], input.gpu().capabilities());
    match able.loops(2 * (c.div_ceil(team) + 1)) {
        true => Ok([c, team]),
        false => Err(Error::shape(OP, format!("{} cannot sum rows of {c} values in one go", able.name))),
    }
}

/// y = x / max(‖x‖₂, eps), row by row over the last axis, and the rows' lengths.
///
/// # Shapes
/// input `[.., c]`; output as input, lengths without the last axis.
///
/// # Errors
/// No rows; rows that are longer than the device can sum; out of memory.
pub fn normalize(input: &Tensor, eps: f32) -> Result<(Tensor, Tensor)> {
    let [c, team] = extents(input)?;
    let gpu = input.gpu();
    let dims = input.shape().dims();
    let lengths = match dims {
        [_] => Shape::from([1]),
        _ => Shape::from(&dims[..dims.len() - 1]),
    };
    let (output, lengths) = (Tensor::empty(gpu, input.shape())?, Tensor::empty(gpu, lengths)?);
    for_images(OP, [input, &output, &lengths], |[input, output, lengths]| {
        let rows = lengths.len();
        gpu.launch(&Launch {
            plan: Plan::new(OP, rows.div_ceil(64 / team)),
            params: &NormalizeParams { rows: rows as u32, c: c as u32, team: team as u32, eps },
            buffers: &[input, output, lengths].map(Tensor::buffer),
            cost: Cost::new(3.0 * input.len() as f64, 2 * input.len() + rows),
        })
    })?;
    Ok((output, lengths))
}

/// ∂L/∂x = (∂L/∂y − y·Σ ∂L/∂y·y) / ‖x‖₂, from what [`normalize`] gave.
///
/// # Shapes
/// output and grad_output `[.., c]`; gives the same.
///
/// # Errors
/// Shapes that differ; out of memory.
pub fn normalize_grad_input(output: &Tensor, lengths: &Tensor, grad_output: &Tensor, eps: f32) -> Result<Tensor> {
    let [c, team] = extents(output)?;
    if output.shape() != grad_output.shape() {
        return Err(Error::shape(OP, format!("a gradient of shape {} for an output {}", grad_output.shape(), output.shape())));
    }
    let gpu = output.gpu();
    let grad_input = Tensor::empty(gpu, output.shape())?;
    for_images("normalize_grad_input", [output, lengths, grad_output, &grad_input], |[output, lengths, grad_output, grad_input]| {
        let rows = lengths.len();
        gpu.launch(&Launch {
            plan: Plan::new("normalize_grad_input", rows.div_ceil(64 / team)),
            params: &NormalizeParams { rows: rows as u32, c: c as u32, team: team as u32, eps },
            buffers: &[output, lengths, grad_output, grad_input].map(Tensor::buffer),
            cost: Cost::new(5.0 * output.len() as f64, 3 * output.len() + rows),
        })
    })?;
    Ok(grad_input)
}
