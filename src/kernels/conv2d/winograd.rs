//! Launcher of 3 × 3 convolutions by minimal filtering, and of their input gradients, for GPUs.
//!
//! Source: Lavin and Gray 2016, arXiv 1509.09308, F(2 × 2, 3 × 3). Shaders: `shaders/conv2d_winograd_weight.wgsl`,
//! `shaders/conv2d_winograd.wgsl`.

use crate::error::Result;
use crate::gpu::{Capabilities, Cost, Launch, Plan};
use crate::host::conv2d::Conv2dParams;
use crate::kernels::conv2d::{Conv2dDims, split};
use crate::kernels::epilogue::Epilogue;
use crate::kernels::source::Source;
use crate::tensor::Tensor;

/// Output channels of a workgroup.
const OUT: usize = 32;
/// Tiles of 2 × 2 outputs of a workgroup.
const TILES: usize = 32;
/// Input channels of a step.
const STEP: usize = 4;

/// Words of the transformed weights, which fill whole blocks of channels.
pub(super) fn weight_words(d: &Conv2dDims) -> usize {
    16 * d.c_in.next_multiple_of(STEP) * d.c_out.next_multiple_of(OUT)
}

fn workgroups(d: &Conv2dDims, images: usize) -> usize {
    (images * d.h_out.div_ceil(2) * d.w_out.div_ceil(2)).div_ceil(TILES) * d.c_out.div_ceil(OUT)
}

/// Parts of the channels that are summed apart.
pub(super) fn parts(able: &Capabilities, d: &Conv2dDims) -> usize {
    split::parts(able, workgroups(d, 1), d.c_in)
}

fn plans(able: &Capabilities, d: &Conv2dDims) -> [Plan; 2] {
    let workgroups = workgroups(d, d.n);
    [
        Plan::each("conv2d_winograd_weight", weight_words(d) / 16).scratch(weight_words(d)),
        split::split(Plan::new("conv2d_winograd", workgroups), workgroups, parts(able, d), d.n * d.c_out * d.h_out * d.w_out),
    ]
}

/// The convolution of `d`; `transposed` where it is the input gradient of one, whose weight has its channels the other way round and its
/// windows turned. Of the `source` the images are those of `input`; behind a norm there is no bias and no scale.
pub(super) fn launch(
    d: &Conv2dDims,
    params: &Conv2dParams,
    transposed: bool,
    source: Source,
    [input, weight, output]: [&Tensor; 3],
    epilogue: &Epilogue,
) -> Result<()> {
    let able = input.gpu().capabilities();
    let ([transform, convolve], half) = (plans(able, d), d.attrs.operands.constant(able));
    let transformed = Tensor::empty(input.gpu(), [transform.scratch])?;
    input.gpu().launch(&Launch {
        plan: transform.with([("TRANSPOSED", u32::from(transposed)), half]),
        params,
        buffers: &[weight, &transformed].map(Tensor::buffer),
        cost: Cost::new(32.0 * (d.c_in * d.c_out) as f64, weight.len() + weight_words(d)),
    })?;
    split::launch(&convolve, epilogue, output, |epilogue, output| {
        let [has_bias, has_scale] = epilogue.flags();
        let [bias, scale, stats] = source.behind(epilogue, weight);
        input.gpu().launch(&Launch {
            plan: convolve.clone().with([("ACTIVATION", epilogue.activation.code()), source.constant(), half]),
            params: &Conv2dParams { has_bias, has_scale, ..*params },
            buffers: &[input.buffer(), transformed.buffer(), bias, scale, stats, output.buffer()],
            cost: d.cost(),
        })
    })
}
