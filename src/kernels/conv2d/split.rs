//! Convolutions of small maps and many channels on GPUs, whose tiles are too few to fill one: the sums are split over parts of the
//! channels, which a second kernel adds up in order. Shader: `shaders/conv2d_sum.wgsl`.

use crate::error::Result;
use crate::gpu::{Capabilities, Cost, DeviceKind, Launch, Plan};
use crate::kernels::epilogue::Epilogue;
use crate::kernels::params;
use crate::tensor::Tensor;

/// Workgroups that are made out of fewer for an image; a large GPU holds more at once, but each part costs a pass over the results.
const ENOUGH: usize = 64;
/// Channels of a part at least.
const CHANNELS: usize = 128;
/// Parts at most, a power of two.
const MOST: usize = 32;

params!(
    /// Parts, elements, channels and pixels of `conv2d_sum`.
    Conv2dSumParams for "conv2d_sum" { parts: u32, len: u32, c: u32, pixels: u32, has_bias: u32, has_scale: u32 }
);

/// Parts, a power of two, of sums over `channels` by so many workgroups an image: the bits of an image do not depend on the others.
pub(super) fn parts(able: &Capabilities, workgroups: usize, channels: usize) -> usize {
    let mut parts = 1;
    while able.kind == DeviceKind::Gpu && parts < MOST && workgroups * parts < ENOUGH && channels >= 2 * parts * CHANNELS {
        parts *= 2;
    }
    parts
}

/// A plan for so many `workgroups`, each of which does a part, and for the partial results of `output` elements.
pub(super) fn split(plan: Plan, workgroups: usize, parts: usize, output: usize) -> Plan {
    match parts {
        1 => plan,
        _ => {
            Plan { groups: Plan::new(plan.stem, workgroups * parts).groups, ..plan }.with([("PARTS", parts as u32)]).scratch(parts * output)
        }
    }
}

/// Runs `launch` with an epilogue on its output: all at once, or, where its plan has partial results, without the epilogue on these, which
/// are then added.
///
/// # Errors
/// Those of `launch`; out of memory.
pub(super) fn launch(
    plan: &Plan,
    epilogue: &Epilogue,
    output: &Tensor,
    launch: impl FnOnce(&Epilogue, &Tensor) -> Result<()>,
) -> Result<()> {
    if plan.scratch == 0 {
        return launch(epilogue, output);
    }
    let (gpu, [_, c, h, w]) = (output.gpu(), output.nchw("conv2d_sum")?);
    let partials = Tensor::empty(gpu, [plan.scratch])?;
    launch(&Epilogue::default(), &partials)?;
    let parts = plan.scratch / output.len();
    let ([has_bias, has_scale], [parts_u32, len, channels, pixels]) =
        (epilogue.flags(), [parts, output.len(), c, h * w].map(|value| value as u32));
    gpu.launch(&Launch {
        plan: Plan::each("conv2d_sum", output.len()).with([("ACTIVATION", epilogue.activation.code())]),
        params: &Conv2dSumParams { parts: parts_u32, len, c: channels, pixels, has_bias, has_scale },
        buffers: &[&partials, epilogue.bias.unwrap_or(&partials), epilogue.scale.unwrap_or(&partials), output].map(Tensor::buffer),
        cost: Cost::new((parts * output.len()) as f64, (parts + 1) * output.len()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_split_where_workgroups_are_few_and_channels_many() {
        let able = Capabilities::webgpu("WebGPU");
        let of = |workgroups, channels| parts(&able, workgroups, channels);
        assert_eq!([of(64, 4096), of(4, 128), of(4, 256), of(4, 2048), of(2, 8192), of(1, 65_536), of(33, 1024)], [1, 1, 2, 16, 32, 32, 2]);
        assert_eq!(parts(&Capabilities { kind: DeviceKind::Software, ..able }, 4, 2048), 1);
    }
}
