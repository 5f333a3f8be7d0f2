//! Host twin of `conv2d_grad_weight`: ∂L/∂w from x and ∂L/∂y, in one span. Windows that do not overlap are matrix products over their
//! patches; 3×3 windows over few channels have the pixels in the lanes, all others the channels.

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::extents::Extents;
use super::shared::matrix::{Side, product_over_images};
use super::shared::patches::Patches;
use super::shared::scratch::with_scratch;
use super::shared::{grad_weight_narrow, grad_weight_wide};

params!(
    /// Extents of `conv2d_grad_weight` and the number of spans that its output pixels are split into.
    Conv2dGradWeightParams for "conv2d_grad_weight" {
        n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32,
        stride: u32, padding: u32, dilation: u32, groups: u32, spans: u32,
    }
);

/// Input channels from which they fill the lanes.
const WIDE: usize = 16;

pub(super) fn conv2d_grad_weight(job: &Job<Conv2dGradWeightParams>, [input, grad_output]: Inputs<2>, [partials]: Outputs<1>) {
    let e = Extents::from(&job.params);
    let (input, grad_output, grad_weight) = (&input[..e.inputs()], &grad_output[..e.outputs()], &mut partials[..e.weights()]);
    let Some(patches) = Patches::of(&e) else {
        let window = e.forward();
        let narrow = e.c_in < WIDE && [e.kernel_h, e.kernel_w, e.stride, e.padding, e.dilation] == [3, 3, 1, 1, 1];
        let of_group = if narrow { grad_weight_narrow::grad_weight } else { grad_weight_wide::grad_weight };
        for (group, grad_weight) in grad_weight.chunks_exact_mut(e.weights() / e.groups).enumerate() {
            of_group(&window, [e.n, e.groups, group], input, grad_output, grad_weight);
        }
        return;
    };
    // Σ over images of [c_out, pixels] · [pixels, c_in · taps]
    let (rows, depth, columns) = (e.c_out, e.h_out * e.w_out, e.c_in * e.taps());
    let left = Side { values: grad_output, row: depth, column: 1 };
    let mut multiply = |patches: &[f32]| {
        let right = Side { values: patches, row: 1, column: depth };
        product_over_images([e.n, e.groups], [rows, depth, columns], left, right, grad_weight);
    };
    if patches.is_identity() {
        return multiply(input);
    }
    with_scratch(e.n * e.groups * depth * columns, |gathered| {
        patches.gather(input, gathered);
        multiply(gathered);
    });
}
