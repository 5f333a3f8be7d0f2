//! Launchers of `linear` and its gradients: rows by a matrix. Shaders: `shaders/linear.wgsl`, `shaders/linear_grad_weight.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Capabilities, Cost, DeviceKind, LEAST_TILE, Launch, Plan, Selectable};
use crate::host::linear::LinearParams;
use crate::host::linear_grad_weight::LinearGradWeightParams;
use crate::kernels::activation::Activation;
use crate::kernels::add::add;
use crate::kernels::image_groups::for_images;
use crate::kernels::matrices;
use crate::kernels::operands::Operands;
use crate::kernels::sum_partials::sum_partials;
use crate::tensor::{Shape, Tensor};

/// Rows and columns of a tile of an invocation, or of a workgroup; each output is one invocation's sum, whatever else it computes.
pub(super) const FORWARD: Selectable = Selectable {
    stem: "linear",
    names: &["ROWS", "COLUMNS"],
    values: &[&[1, 4], &[2, 2], &[2, 4], &[4, 2], &[4, 4], &[4, 8], &[8, 4], &[8, 8], &[32, 64], &[64, 64], &[128, 64]],
    tile: Some("linear_tile"),
};
/// The same of channels out and in. The spans, which order the sums, are the same.
pub(super) const GRAD_WEIGHT: Selectable = Selectable {
    stem: "linear_grad_weight",
    names: &["TILE"],
    values: &[&[1], &[2], &[4], &[8], &[64]],
    tile: Some("linear_grad_weight_tile"),
};
/// The side of the usual tile of an invocation, and of a workgroup.
const TILE: u32 = 4;
const GROUP_TILE: u32 = 64;
/// Rows that fill the largest cooperative matrices of a subgroup.
const ROWS_OF_MATRICES: usize = 64;
/// Invocations that `linear_grad_weight` is split into, where it has rows enough, and rows of a span at least.
const INVOCATIONS: usize = 1 << 14;
const LEAST_ROWS: usize = 64;

/// Extents of one linear layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Dims {
    rows: usize,
    c_in: usize,
    c_out: usize,
}

impl Dims {
    /// Of rows whose last axis is `side` 0 (c_out) or 1 (c_in) of the weight's.
    fn new(rows: &Tensor, weight: &Tensor, side: usize) -> Result<Dims> {
        let [c_out, c_in] = match *weight.shape().dims() {
            [c_out, c_in] if !weight.is_empty() => [c_out, c_in],
            _ => return Err(Error::shape("linear", format!("weight has shape {}, expected [c_out, c_in]", weight.shape()))),
        };
        let own = [c_out, c_in][side];
        if rows.is_empty() || rows.shape().dims().last() != Some(&own) {
            let message = format!("rows of {own} values, as weight {} has them, were expected, got {}", weight.shape(), rows.shape());
            return Err(Error::shape("linear", message));
        }
        Ok(Dims { rows: rows.len() / own, c_in, c_out })
    }

    fn cost(&self) -> Cost {
        let Dims { rows, c_in, c_out } = *self;
        Cost::new(2.0 * (rows * c_in) as f64 * c_out as f64, rows * (c_in + c_out) + c_in * c_out)
    }
}

/// The shape of `rows` with another last axis.
fn with_last(rows: &Tensor, last: usize) -> Shape {
    let dims = rows.shape().dims();
    Shape::from([&dims[..dims.len() - 1], &[last]].concat().as_slice())
}

/// Refuses sums that the device would end before their time.
fn check_trips(tensor: &Tensor, trips: usize) -> Result<()> {
    let able = tensor.gpu().capabilities();
    if able.loops(trips) { Ok(()) } else { Err(Error::shape("linear", format!("{} cannot sum {trips} values in one go", able.name))) }
}

/// y = act(x · wᵀ + b), row by row.
///
/// # Shapes
/// input `[.., c_in]`, weight `[c_out, c_in]`, bias `[c_out]`, output `[.., c_out]`.
///
/// # Errors
/// Shapes that do not fit; more channels than the device can sum; out of memory.
pub fn linear(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, activation: Activation, operands: Operands) -> Result<Tensor> {
    let dims = Dims::new(input, weight, 1)?;
    if let Some(bias) = bias.filter(|bias| bias.shape().dims() != [dims.c_out]) {
        return Err(Error::shape("linear", format!("bias has shape {}, expected [{}]", bias.shape(), dims.c_out)));
    }
    let output = Tensor::empty(input.gpu(), with_last(input, dims.c_out))?;
    launch([input, &output], weight, bias, ("ACTIVATION", activation.code()), operands, |rows| Dims::new(rows, weight, 1))?;
    Ok(output)
}

/// ∂L/∂x = ∂L/∂y · w.
///
/// # Shapes
/// grad_output `[.., c_out]`, weight `[c_out, c_in]`; gives `[.., c_in]`.
///
/// # Errors
/// Shapes that do not fit; more channels than the device can sum; out of memory.
pub fn linear_grad_input(grad_output: &Tensor, weight: &Tensor, operands: Operands) -> Result<Tensor> {
    let dims = Dims::new(grad_output, weight, 0)?;
    let grad_input = Tensor::empty(grad_output.gpu(), with_last(grad_output, dims.c_in))?;
    launch([grad_output, &grad_input], weight, None, ("TRANSPOSED", 1), operands, |rows| Dims::new(rows, weight, 0))?;
    Ok(grad_input)
}

/// The plan but for what follows the sums; tiles of a workgroup read four terms at once where rows of both matrices are whole packs.
fn plan(able: &Capabilities, params: &LinearParams, transposed: bool, operands: Operands) -> Plan {
    let sides = [params.rows, params.columns].map(|side| side as usize);
    // However few the rows are, so that the bits of one do not depend on how many are beside it.
    let filled = [sides[0].max(ROWS_OF_MATRICES), sides[1]];
    if let Some(tile) = matrices::tile(able, &FORWARD, operands, filled, [params.depth as usize, 1]) {
        let tiles = sides[0].div_ceil(tile.rows) * sides[1].div_ceil(tile.columns);
        return Plan::new("linear_coop", tiles).with(tile.constants);
    }
    let chosen @ [rows, columns] = able.choices.of(&FORWARD, params, [usual_tile(able, [params.rows, params.columns]); 2]);
    let tiles = params.rows.div_ceil(rows) as usize * params.columns.div_ceil(columns) as usize;
    let scalar = transposed || !params.depth.is_multiple_of(4);
    plan_of(able, &FORWARD, &chosen, tiles, scalar).with([("ROWS", rows), ("COLUMNS", columns), operands.constant(able)])
}

/// The side of the tile that is taken unless another is chosen, of results of so many rows and columns.
fn usual_tile(able: &Capabilities, sides: [u32; 2]) -> u32 {
    if able.kind == DeviceKind::Gpu && sides.iter().all(|side| *side >= LEAST_TILE) { GROUP_TILE } else { TILE }
}

/// So many tiles of these sides, each of an invocation or of a workgroup, which reads elements one by one where `scalar`.
fn plan_of(able: &Capabilities, of: &Selectable, sides: &[u32], tiles: usize, scalar: bool) -> Plan {
    let stem = of.stem_on(able, sides);
    if stem == of.stem { Plan::each(stem, tiles) } else { Plan::new(stem, tiles).scalar(scalar) }
}

fn launch(
    tensors: [&Tensor; 2],
    weight: &Tensor,
    bias: Option<&Tensor>,
    constant: (&'static str, u32),
    operands: Operands,
    dims: impl Fn(&Tensor) -> Result<Dims>,
) -> Result<()> {
    for_images("linear", tensors, |[input, output]| {
        let dims = dims(input)?;
        let (depth, columns) = (input.len() / dims.rows, output.len() / dims.rows);
        check_trips(input, depth)?;
        let params = LinearParams { rows: dims.rows as u32, depth: depth as u32, columns: columns as u32, has_bias: bias.is_some().into() };
        input.gpu().launch(&Launch {
            plan: plan(input.gpu().capabilities(), &params, constant == ("TRANSPOSED", 1), operands).with([constant]),
            params: &params,
            buffers: &[input, weight, bias.unwrap_or(weight), output].map(Tensor::buffer),
            cost: dims.cost(),
        })
    })
}

/// (∂L/∂w, ∂L/∂b) from x and ∂L/∂y.
///
/// # Shapes
/// input `[.., c_in]`, grad_output `[.., c_out]`, weight `[c_out, c_in]` for its shape; gives `[c_out, c_in]` and `[c_out]`.
///
/// # Errors
/// Shapes that do not fit; out of memory.
pub fn linear_grad_weight(input: &Tensor, grad_output: &Tensor, weight: &Tensor, operands: Operands) -> Result<(Tensor, Tensor)> {
    let (dims, of_output) = (Dims::new(input, weight, 1)?, Dims::new(grad_output, weight, 0)?);
    if dims != of_output {
        let message = format!("a gradient of {} rows for {}: {} and {}", of_output.rows, dims.rows, grad_output.shape(), input.shape());
        return Err(Error::shape("linear_grad_weight", message));
    }
    let mut sums: Option<(Tensor, Tensor)> = None;
    for_images("linear_grad_weight", [input, grad_output], |[input, grad_output]| {
        let own = grad_weight(&Dims::new(input, weight, 1)?, input, grad_output, operands)?;
        sums = Some(match sums.take() {
            None => own,
            Some(earlier) => (add(&earlier.0, &own.0)?, add(&earlier.1, &own.1)?),
        });
        Ok(())
    })?;
    sums.ok_or_else(|| Error::shape("linear_grad_weight", "no rows"))
}

fn grad_weight_plan(able: &Capabilities, &Dims { rows, c_in, c_out }: &Dims, operands: Operands) -> (Plan, LinearGradWeightParams) {
    let params = |span: usize| LinearGradWeightParams { rows: rows as u32, c_in: c_in as u32, c_out: c_out as u32, span: span as u32 };
    if let Some(tile) = matrices::tile(able, &GRAD_WEIGHT, operands, [c_out, c_in], [rows, 1]) {
        let tiles = c_out.div_ceil(tile.rows) * c_in.div_ceil(tile.columns);
        let span = rows.div_ceil(matrices::spans(rows, tiles));
        let spans = rows.div_ceil(span);
        let plan = Plan::new("linear_grad_weight_coop", spans * tiles).with(tile.constants);
        return (plan.scratch(spans * c_out * (c_in + 1)), params(span));
    }
    let tiles = |side: u32| c_out.div_ceil(side as usize) * c_in.div_ceil(side as usize);
    let span = if able.is_host() {
        rows
    } else {
        let enough = rows.div_ceil(INVOCATIONS.div_ceil(tiles(TILE))).max(LEAST_ROWS);
        enough.min(able.loop_trips.map_or(usize::MAX, |most| most - 1)).min(rows)
    };
    let spans = rows.div_ceil(span);
    let params = params(span);
    let [tile] = able.choices.of(&GRAD_WEIGHT, &params, [usual_tile(able, [c_out, c_in].map(|side| side as u32))]);
    let scalar = !(c_in.is_multiple_of(4) && c_out.is_multiple_of(4));
    let plan = plan_of(able, &GRAD_WEIGHT, &[tile], spans * tiles(tile), scalar).with([("TILE", tile), operands.constant(able)]);
    (plan.scratch(spans * c_out * (c_in + 1)), params)
}

fn grad_weight(dims: &Dims, input: &Tensor, grad_output: &Tensor, operands: Operands) -> Result<(Tensor, Tensor)> {
    let (gpu, Dims { rows, c_in, c_out }) = (input.gpu(), *dims);
    let (plan, params) = grad_weight_plan(gpu.capabilities(), dims, operands);
    let spans = rows.div_ceil(params.span as usize);
    let (partial_weight, partial_bias) = (Tensor::empty(gpu, [spans, c_out, c_in])?, Tensor::empty(gpu, [spans, c_out])?);
    let buffers = &[input, grad_output, &partial_weight, &partial_bias].map(Tensor::buffer);
    gpu.launch(&Launch { plan, params: &params, buffers, cost: dims.cost() })?;
    let sum = |partials: &Tensor, shape: Shape| sum_partials(partials, spans, &shape);
    Ok((sum(&partial_weight, Shape::from([c_out, c_in]))?, sum(&partial_bias, Shape::from([c_out]))?))
}
