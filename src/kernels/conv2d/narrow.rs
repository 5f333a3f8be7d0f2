//! Launcher of 3 × 3 convolutions of few channels, and of their input gradients, for GPUs. Shader: `shaders/conv2d_narrow.wgsl`.

use crate::error::Result;
use crate::gpu::{Capabilities, Launch, Plan};
use crate::host::conv2d::Conv2dParams;
use crate::kernels::conv2d::Conv2dDims;
use crate::kernels::epilogue::Epilogue;
use crate::kernels::source::Source;
use crate::tensor::Tensor;

/// Rows and columns of a workgroup's pixels.
const PATCH: [usize; 2] = [8, 32];

/// Channels of a workgroup: four or eight.
pub(super) fn channels(all: usize) -> u32 {
    if all <= 4 { 4 } else { 8 }
}

fn plan(able: &Capabilities, d: &Conv2dDims, source: Source, transposed: bool) -> Plan {
    let (out, inp) = (channels(d.c_out), channels(d.c_in));
    let patches = d.h_out.div_ceil(PATCH[0]) * d.w_out.div_ceil(PATCH[1]);
    Plan::new("conv2d_narrow", d.n * patches * d.c_out.div_ceil(out as usize)).scalar(!d.w_out.is_multiple_of(4)).with([
        ("OUT", out),
        ("IN", inp),
        ("TRANSPOSED", u32::from(transposed)),
        source.constant(),
        d.attrs.operands.constant(able),
    ])
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
    let [bias, scale, stats] = source.behind(epilogue, weight);
    input.gpu().launch(&Launch {
        plan: plan(input.gpu().capabilities(), d, source, transposed).with([("ACTIVATION", epilogue.activation.code())]),
        params,
        buffers: &[input.buffer(), weight.buffer(), bias, scale, stats, output.buffer()],
        cost: d.cost(),
    })
}
