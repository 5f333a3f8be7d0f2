//! Launchers of `layer_norm` and its gradients. Shaders: `shaders/layer_norm*.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Capabilities, Cost, Launch, Plan};
use crate::host::layer_norm::LayerNormParams;
use crate::host::layer_norm_grad_input::LayerNormGradInputParams;
use crate::host::layer_norm_grad_weight::LayerNormGradWeightParams;
use crate::kernels::add::add;
use crate::kernels::image_groups::for_images;
use crate::kernels::sum_partials::sum_partials;
use crate::tensor::{Shape, Tensor};

/// Values of a row from which on a whole workgroup shares it, and the smaller team for shorter ones.
const LONG: usize = 256;
const TEAMS: [usize; 2] = [8, 64];
/// Invocations that `layer_norm_grad_weight` is split into, where it has rows enough, and rows of a span at least.
const INVOCATIONS: usize = 1 << 14;
const LEAST_ROWS: usize = 64;

/// What the gradient kernels need of the forward pass.
#[derive(Clone)]
pub struct Saved {
    /// The input.
    pub input: Tensor,
    /// Scale.
    pub weight: Tensor,
    /// `[rows, 2]`: the mean as its distance from the row's first element, 1/√(variance + eps).
    pub stats: Tensor,
}

/// Rows of `input` and values of each.
fn extents(input: &Tensor, weight: &Tensor) -> Result<[usize; 2]> {
    match (weight.shape().dims(), input.shape().dims().last()) {
        (&[c], Some(&last)) if c == last && !input.is_empty() => Ok([input.len() / c, c]),
        _ => {
            let message = format!("a weight [c] for rows of c values was expected, got {} for {}", weight.shape(), input.shape());
            Err(Error::shape("layer_norm", message))
        }
    }
}

fn team(input: &Tensor, c: usize) -> Result<usize> {
    let team = TEAMS[usize::from(c >= LONG)];
    let able = input.gpu().capabilities();
    if !able.loops(3 * (c.div_ceil(team) + 1)) {
        return Err(Error::shape("layer_norm", format!("{} cannot sum rows of {c} values in one go", able.name)));
    }
    Ok(team)
}

/// y = (x − mean)/√(variance + eps)·weight + bias, row by row, and what its gradients need.
///
/// # Shapes
/// input `[.., c]`, weight and bias `[c]`; output as input.
///
/// # Errors
/// Shapes that do not fit; rows that are longer than the device can sum; out of memory.
pub fn layer_norm(input: &Tensor, weight: &Tensor, bias: &Tensor, eps: f32) -> Result<(Tensor, Saved)> {
    let [rows, c] = extents(input, weight)?;
    if bias.shape() != weight.shape() {
        return Err(Error::shape("layer_norm", format!("bias has shape {}, expected [{c}]", bias.shape())));
    }
    let (gpu, team) = (input.gpu(), team(input, c)?);
    let (output, stats) = (Tensor::empty(gpu, input.shape())?, Tensor::empty(gpu, stats_shape(input, rows))?);
    for_images("layer_norm", [input, &output, &stats], |[input, output, stats]| {
        let rows = input.len() / c;
        gpu.launch(&Launch {
            plan: Plan::new("layer_norm", rows.div_ceil(64 / team)),
            params: &LayerNormParams { rows: rows as u32, c: c as u32, team: team as u32, eps },
            buffers: &[input, weight, bias, output, stats].map(Tensor::buffer),
            cost: Cost::new(8.0 * input.len() as f64, 2 * input.len()),
        })
    })?;
    Ok((output, Saved { input: input.clone(), weight: weight.clone(), stats }))
}

/// Two words a row, behind the same first axis.
fn stats_shape(input: &Tensor, rows: usize) -> Shape {
    match *input.shape().dims() {
        [n, _, ..] => Shape::from([n, 2 * (rows / n)]),
        _ => Shape::from([2 * rows]),
    }
}

fn check_gradient(saved: &Saved, grad_output: &Tensor) -> Result<[usize; 2]> {
    if saved.input.shape() != grad_output.shape() {
        let message = format!("a gradient of shape {} for an output of shape {}", grad_output.shape(), saved.input.shape());
        return Err(Error::shape("layer_norm", message));
    }
    extents(&saved.input, &saved.weight)
}

/// ∂L/∂x = (g − mean(g) − x̂·mean(g·x̂))/√(variance + eps) with g = ∂L/∂y·weight.
///
/// # Shapes
/// grad_output `[.., c]`; gives the same.
///
/// # Errors
/// Shapes that do not fit; out of memory.
pub fn layer_norm_grad_input(saved: &Saved, grad_output: &Tensor) -> Result<Tensor> {
    let [_, c] = check_gradient(saved, grad_output)?;
    let Saved { input, weight, stats } = saved;
    let (gpu, team) = (input.gpu(), team(input, c)?);
    let grad_input = Tensor::empty(gpu, input.shape())?;
    for_images("layer_norm_grad_input", [input, grad_output, stats, &grad_input], |[input, grad_output, stats, grad_input]| {
        let rows = input.len() / c;
        gpu.launch(&Launch {
            plan: Plan::new("layer_norm_grad_input", rows.div_ceil(64 / team)),
            params: &LayerNormGradInputParams { rows: rows as u32, c: c as u32, team: team as u32 },
            buffers: &[input, grad_output, weight, stats, grad_input].map(Tensor::buffer),
            cost: Cost::new(14.0 * input.len() as f64, 3 * input.len()),
        })
    })?;
    Ok(grad_input)
}

/// (∂L/∂weight, ∂L/∂bias) = (Σ ∂L/∂y·x̂, Σ ∂L/∂y).
///
/// # Shapes
/// grad_output `[.., c]`; gives `[c]` and `[c]`.
///
/// # Errors
/// Shapes that do not fit; out of memory.
pub fn layer_norm_grad_weight(saved: &Saved, grad_output: &Tensor) -> Result<(Tensor, Tensor)> {
    let [_, c] = check_gradient(saved, grad_output)?;
    let mut sums: Option<(Tensor, Tensor)> = None;
    for_images("layer_norm_grad_weight", [&saved.input, grad_output, &saved.stats], |tensors| {
        let own = grad_weight(c, tensors)?;
        sums = Some(match sums.take() {
            None => own,
            Some(earlier) => (add(&earlier.0, &own.0)?, add(&earlier.1, &own.1)?),
        });
        Ok(())
    })?;
    sums.ok_or_else(|| Error::shape("layer_norm_grad_weight", "no rows"))
}

fn grad_weight_plan(able: &Capabilities, rows: usize, c: usize) -> (Plan, LayerNormGradWeightParams) {
    let span = if able.is_host() {
        rows
    } else {
        let enough = rows.div_ceil(INVOCATIONS.div_ceil(c)).max(LEAST_ROWS);
        enough.min(able.loop_trips.map_or(usize::MAX, |most| most - 1)).min(rows)
    };
    let sums = rows.div_ceil(span) * c;
    let params = LayerNormGradWeightParams { rows: rows as u32, c: c as u32, span: span as u32 };
    (Plan::each("layer_norm_grad_weight", sums).scratch(2 * sums), params)
}

fn grad_weight(c: usize, [input, grad_output, stats]: [&Tensor; 3]) -> Result<(Tensor, Tensor)> {
    let (gpu, rows) = (input.gpu(), input.len() / c);
    let (plan, params) = grad_weight_plan(gpu.capabilities(), rows, c);
    let spans = plan.scratch / (2 * c);
    let (partial_weight, partial_bias) = (Tensor::empty(gpu, [spans, c])?, Tensor::empty(gpu, [spans, c])?);
    gpu.launch(&Launch {
        plan,
        params: &params,
        buffers: &[input, grad_output, stats, &partial_weight, &partial_bias].map(Tensor::buffer),
        cost: Cost::new(6.0 * input.len() as f64, 2 * input.len()),
    })?;
    let shape = Shape::from([c]);
    Ok((sum_partials(&partial_weight, spans, &shape)?, sum_partials(&partial_bias, spans, &shape)?))
}
