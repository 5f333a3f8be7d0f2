//! Launchers of the convolution family: `conv2d`, `conv2d_grad_input`, `conv2d_grad_weight`, `conv2d_grad_bias`.
//!
//! Each has a portable kernel for every device and shape, and kernels for software devices chosen by [`select`].
//! Shaders: `shaders/conv2d*.wgsl`.

mod dims;
pub(crate) mod portable;
mod select;
pub(crate) mod software;

pub use dims::{Conv2dAttrs, Conv2dDims};
pub use select::{Algorithm, select};

use self::software::Operands;
use crate::error::{Error, Result};
use crate::gpu::shader::Variant;
use crate::gpu::{Cost, Gpu, LOOP_TRIPS, Launch, groups_1d};
use crate::kernels::image_groups::{for_images_with, sum_over_images};
use crate::kernels::params;
use crate::kernels::pixel_shuffle::{pixel_shuffle, pixel_unshuffle};
use crate::kernels::sum_partials::sum_partials;
use crate::kernels::unfold::{fold, unfold};
use crate::tensor::{Shape, Tensor};

params!(
    /// Extents of `conv2d_grad_bias`, and images and packs of a plane that one workgroup sums.
    GradBiasParams for "conv2d_grad_bias" { n: u32, c: u32, packs: u32, span_images: u32, span_packs: u32 }
);

/// Largest spans of `conv2d_grad_bias`: at most 128 trips over a plane for each of 256 images, well below [`LOOP_TRIPS`].
const BIAS_SPAN: [usize; 2] = [256, 128 * 64];

/// y = act(x ∗ w + b); `activation` is the kind of `shared/activate.wgsl` (0: none).
///
/// # Shapes
/// input `[n, c_in, h_in, w_in]`, weight `[c_out, c_in / groups, kernel_h, kernel_w]`, bias `[c_out]`, output `[n, c_out, h_out, w_out]`.
///
/// # Errors
/// Shapes that do not fit; more channels than a software device can sum; out of memory.
pub fn conv2d(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, attrs: &Conv2dAttrs, activation: u32) -> Result<Tensor> {
    let dims = Conv2dDims::forward(input, weight, attrs)?;
    check_bias(bias, dims.c_out)?;
    let output = Tensor::empty(input.gpu(), [dims.n, dims.c_out, dims.h_out, dims.w_out])?;
    let algorithm = chosen(input.gpu(), &dims, dims.in_per_group())?;
    for_images_with("conv2d", scratch(algorithm, &dims), [input, &output], |[input, output]| {
        let dims = dims.of_images(input);
        let operands = Operands { input, weight, bias, activation, output, grad_input: false };
        match algorithm {
            Algorithm::Software3x3 { lanes } => software::conv_3x3(&dims, lanes, &operands),
            Algorithm::Software1x1 { lanes } => software::conv_1x1(&dims, lanes, &operands),
            Algorithm::SoftwarePatches { lanes } => {
                let (patches, dims) = (pixel_unshuffle(input, dims.attrs.stride)?, dims.patches());
                software::conv_1x1(&dims, lanes, &Operands { input: &patches, ..operands })
            }
            Algorithm::SoftwareWindows { lanes } => {
                let windows = unfold(&dims, input)?;
                software::conv_1x1(&dims.patches(), lanes, &Operands { input: &windows, ..operands })
            }
            Algorithm::Portable => portable::conv2d(&dims, input, weight, bias, activation, output),
        }
    })?;
    Ok(output)
}

/// ∂L/∂x from ∂L/∂y. With a bias per input channel it is also the forward pass of `conv_transpose2d`.
///
/// # Shapes
/// grad_output `[n, c_out, h_out, w_out]`, weight `[c_out, c_in / groups, kernel_h, kernel_w]`, grad_input `[n, c_in, h_in, w_in]`
/// with the extents of `dims`.
///
/// # Errors
/// Shapes that do not fit; more channels than a software device can sum; out of memory.
pub fn conv2d_grad_input(dims: &Conv2dDims, grad_output: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    dims.expect_output("conv2d_grad_input", grad_output)?;
    dims.expect_weight("conv2d_grad_input", weight)?;
    check_bias(bias, dims.c_in)?;
    let grad_input = Tensor::empty(grad_output.gpu(), [dims.n, dims.c_in, dims.h_in, dims.w_in])?;
    let algorithm = chosen(grad_output.gpu(), dims, dims.c_out / dims.attrs.groups)?;
    for_images_with("conv2d_grad_input", scratch(algorithm, dims), [grad_output, &grad_input], |[grad_output, grad_input]| {
        let dims = dims.of_images(grad_output);
        let operands = Operands { input: grad_output, weight, bias, activation: 0, output: grad_input, grad_input: true };
        match algorithm {
            Algorithm::Software3x3 { lanes } => software::conv_3x3(&dims, lanes, &operands),
            Algorithm::Software1x1 { lanes } => software::conv_1x1(&dims, lanes, &operands),
            Algorithm::SoftwarePatches { lanes } => {
                let inner = dims.patches();
                let patches = Tensor::empty(grad_output.gpu(), [inner.n, inner.c_in, inner.h_in, inner.w_in])?;
                software::conv_1x1(&inner, lanes, &Operands { bias: None, output: &patches, ..operands })?;
                pixel_shuffle(&patches, dims.attrs.stride, bias, grad_input)
            }
            Algorithm::SoftwareWindows { lanes } => {
                let inner = dims.patches();
                let windows = Tensor::empty(grad_output.gpu(), [inner.n, inner.c_in, inner.h_in, inner.w_in])?;
                software::conv_1x1(&inner, lanes, &Operands { bias: None, output: &windows, ..operands })?;
                fold(&dims, &windows, bias, grad_input)
            }
            Algorithm::Portable => portable::grad_input(&dims, grad_output, weight, bias, grad_input),
        }
    })?;
    Ok(grad_input)
}

/// ∂L/∂w from ∂L/∂y and x.
///
/// # Shapes
/// input and grad_output as `dims` says, result `[c_out, c_in / groups, kernel_h, kernel_w]`.
///
/// # Errors
/// Shapes that do not fit; out of memory.
pub fn conv2d_grad_weight(dims: &Conv2dDims, input: &Tensor, grad_output: &Tensor) -> Result<Tensor> {
    dims.expect_input("conv2d_grad_weight", input)?;
    dims.expect_output("conv2d_grad_weight", grad_output)?;
    let algorithm = select(input.gpu().capabilities(), dims);
    sum_over_images("conv2d_grad_weight", scratch(algorithm, dims), [input, grad_output], |[input, grad_output]| {
        let dims = dims.of_images(input);
        match algorithm {
            Algorithm::Software3x3 { lanes } => software::grad_weight_3x3(&dims, lanes, input, grad_output),
            Algorithm::Software1x1 { lanes } => software::grad_weight_1x1(&dims, lanes, input, grad_output),
            Algorithm::SoftwarePatches { lanes } => {
                let patches = pixel_unshuffle(input, dims.attrs.stride)?;
                let grad_weight = software::grad_weight_1x1(&dims.patches(), lanes, &patches, grad_output)?;
                grad_weight.reshaped([dims.c_out, dims.c_in, dims.kernel_h, dims.kernel_w])
            }
            Algorithm::SoftwareWindows { lanes } => {
                let grad_weight = software::grad_weight_1x1(&dims.patches(), lanes, &unfold(&dims, input)?, grad_output)?;
                grad_weight.reshaped([dims.c_out, dims.c_in, dims.kernel_h, dims.kernel_w])
            }
            Algorithm::Portable => portable::grad_weight(&dims, input, grad_output),
        }
    })
}

/// ∂L/∂b: the sum of ∂L/∂y over images and pixels.
///
/// # Shapes
/// grad_output `[n, c, h, w]`, result `[c]`.
///
/// # Errors
/// Not four axes; out of memory.
pub fn conv2d_grad_bias(grad_output: &Tensor) -> Result<Tensor> {
    sum_over_images("conv2d_grad_bias", 0, [grad_output], |[grad_output]| grad_bias(grad_output))
}

fn grad_bias(grad_output: &Tensor) -> Result<Tensor> {
    let [n, c, h, w] = grad_output.nchw("conv2d_grad_bias")?;
    let scalar = !(h * w).is_multiple_of(4);
    let packs = if scalar { h * w } else { h * w / 4 };
    let [span_images, span_packs] = [n.min(BIAS_SPAN[0]), packs.min(BIAS_SPAN[1])];
    let spans = n.div_ceil(span_images) * packs.div_ceil(span_packs);
    let partials = Tensor::empty(grad_output.gpu(), [spans * c])?;
    let params =
        GradBiasParams { n: n as u32, c: c as u32, packs: packs as u32, span_images: span_images as u32, span_packs: span_packs as u32 };
    grad_output.gpu().launch(&Launch {
        stem: "conv2d_grad_bias",
        variant: Variant { consts: vec![], scalar },
        immediates: bytemuck::bytes_of(&params),
        buffers: &[grad_output.buffer(), partials.buffer()],
        groups: groups_1d(spans * c),
        cost: Cost::new(grad_output.len() as f64, grad_output.len() + c),
    })?;
    sum_partials(&partials, spans, &Shape::from([c]))
}

/// Words an image of the array that an algorithm makes beside its operands.
fn scratch(algorithm: Algorithm, dims: &Conv2dDims) -> usize {
    match algorithm {
        Algorithm::SoftwarePatches { .. } | Algorithm::SoftwareWindows { .. } => {
            let inner = dims.patches();
            inner.c_in * inner.h_in * inner.w_in
        }
        _ => 0,
    }
}

/// The selected algorithm of a pass that sums over `channels`.
///
/// # Errors
/// More products than the loops of a software device can sum.
fn chosen(gpu: &Gpu, dims: &Conv2dDims, channels: usize) -> Result<Algorithm> {
    let algorithm = select(gpu.capabilities(), dims);
    let taps = dims.kernel_h * dims.kernel_w;
    let trips = channels
        * match algorithm {
            Algorithm::Portable => dims.kernel_h * (dims.kernel_w + 2) + 2,
            Algorithm::Software3x3 { .. } | Algorithm::Software1x1 { .. } => 1,
            Algorithm::SoftwarePatches { .. } | Algorithm::SoftwareWindows { .. } => taps,
        };
    if gpu.capabilities().software && trips > LOOP_TRIPS {
        let message =
            format!("sums over {channels} channels × {taps} taps are too long for {}: use fewer channels", gpu.capabilities().name);
        return Err(Error::shape("conv2d", message));
    }
    Ok(algorithm)
}

fn check_bias(bias: Option<&Tensor>, channels: usize) -> Result<()> {
    match bias {
        Some(bias) if *bias.shape() != Shape::from([channels]) => {
            Err(Error::shape("conv2d", format!("bias has shape {}, expected [{channels}]", bias.shape())))
        }
        _ => Ok(()),
    }
}
