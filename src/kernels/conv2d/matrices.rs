//! Plans of the convolution family by cooperative matrices, for layers of many channels in mixed precision: none where a device or a layer
//! is not made for it.

use crate::gpu::{Capabilities, Plan, Selectable};
use crate::kernels::conv2d::Conv2dDims;
use crate::kernels::conv2d::grad_weight::GRAD_WEIGHT;
use crate::kernels::conv2d::launch::{FORWARD, GRAD_INPUT};
use crate::kernels::conv2d::select::{Method, select};
use crate::kernels::matrices::{self, Tile, spans};

/// Side of matrices that multiply no faster than invocations do (Apple's): there fewer products are worth more.
const SLOW: u32 = 8;

/// The tile for results of so many rows by columns; none where minimal filtering is faster.
fn tile(able: &Capabilities, of: &Selectable, d: &Conv2dDims, results: [usize; 2], terms: [usize; 2]) -> Option<Tile> {
    let is_filtered = select(able, d, of) == Method::Winograd && able.matrices.iter().all(|side| *side <= SLOW);
    matrices::tile(able, of, d.attrs.operands, results, terms).filter(|_| !is_filtered)
}

/// The forward pass.
pub(super) fn forward(able: &Capabilities, d: &Conv2dDims) -> Option<Plan> {
    let (out, pixels) = (d.c_out / d.attrs.groups, d.h_out * d.w_out);
    let tile = tile(able, &FORWARD, d, [out, pixels], [d.in_per_group(), d.kernel_h * d.kernel_w])?;
    let blocks = out.div_ceil(tile.rows) * d.attrs.groups;
    Some(Plan::new("conv2d_coop", d.n * blocks * pixels.div_ceil(tile.columns)).with(tile.constants))
}

/// The input's gradient.
pub(super) fn grad_input(able: &Capabilities, d: &Conv2dDims) -> Option<Plan> {
    let (inp, stride) = (d.in_per_group(), d.attrs.stride);
    let phase_pixels = d.h_in.div_ceil(stride) * d.w_in.div_ceil(stride);
    let tile = tile(able, &GRAD_INPUT, d, [inp, phase_pixels], [d.c_out / d.attrs.groups, d.kernel_h * d.kernel_w])?;
    let blocks = inp.div_ceil(tile.rows) * d.attrs.groups;
    Some(Plan::new("conv2d_grad_input_coop", d.n * blocks * stride * stride * phase_pixels.div_ceil(tile.columns)).with(tile.constants))
}

/// The weight's gradient, and the spans of pixels whose sums it leaves.
pub(super) fn grad_weight(able: &Capabilities, d: &Conv2dDims) -> Option<(Plan, usize)> {
    let ([out, inp], pixels) = ([d.c_out / d.attrs.groups, d.in_per_group()], d.n * d.h_out * d.w_out);
    let tile = tile(able, &GRAD_WEIGHT, d, [out, inp], [pixels, 1])?;
    let tiles = out.div_ceil(tile.rows) * inp.div_ceil(tile.columns) * d.attrs.groups * d.kernel_h * d.kernel_w;
    let spans = spans(pixels, tiles);
    let plan = Plan::new("conv2d_grad_weight_coop", spans * tiles).with(tile.constants);
    Some((plan.scratch(spans * d.weight_len()), spans))
}
