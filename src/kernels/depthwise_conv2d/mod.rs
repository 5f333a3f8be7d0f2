//! Launchers of `depthwise_conv2d` and its gradients: one filter a channel (groups = channels in = channels out).
//!
//! 3×3 kernels that keep or halve the size have kernels of their own, chosen by [`select`]; they walk down strips of rows and load
//! every row once, on every device. Shaders: `shaders/depthwise_conv2d*.wgsl`.

mod grad_weight;
mod select;

pub use grad_weight::depthwise_conv2d_grad_weight;
pub(crate) use grad_weight::{GradWeight3x3Params, GradWeight3x3Stride2Params};
pub use select::{Algorithm, select};

use self::select::sides;
use crate::error::{Error, Result};
use crate::gpu::shader::Variant;
use crate::gpu::{Gpu, Kernel, Launch, groups_1d};
use crate::host::depthwise_conv2d::DepthwiseParams;
use crate::host::depthwise_conv2d_grad_input::DepthwiseGradInputParams;
use crate::kernels::conv2d::{Conv2dAttrs, Conv2dDims};
use crate::kernels::epilogue::Epilogue;
use crate::kernels::image_groups::for_images;
use crate::kernels::params;
use crate::kernels::strips::Strips;
use crate::tensor::Tensor;

params!(
    /// Extents of `depthwise_conv2d_3x3`, and the rows of a strip and strips of a plane's phase.
    Depthwise3x3Params for "depthwise_conv2d_3x3" {
        planes: u32, c: u32, height: u32, width: u32, dilation: u32, strip: u32, strips: u32, flip: u32,
        has_bias: u32, has_scale: u32,
    }
);

params!(
    /// Extents of `depthwise_conv2d_3x3_stride2`, and the rows of a strip and strips of a plane.
    Depthwise3x3Stride2Params for "depthwise_conv2d_3x3_stride2" {
        planes: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, strip: u32, strips: u32, has_bias: u32,
        has_scale: u32,
    }
);

params!(
    /// Extents of `depthwise_conv2d_grad_input_3x3_stride2`, and the rows of a strip and strips of a plane.
    DepthwiseGradInput3x3Stride2Params for "depthwise_conv2d_grad_input_3x3_stride2" {
        planes: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, strip: u32, strips: u32,
    }
);

/// y = act((x ∗ w)·scale + bias), a channel at a time.
///
/// # Shapes
/// input `[n, c, h_in, w_in]`, weight `[c, 1, kernel_h, kernel_w]`, scale and bias `[c]`, output `[n, c, h_out, w_out]`.
///
/// # Errors
/// Shapes that do not fit or are not depthwise; more taps than the device can sum; out of memory.
pub fn depthwise_conv2d(input: &Tensor, weight: &Tensor, attrs: &Conv2dAttrs, epilogue: &Epilogue) -> Result<Tensor> {
    let d = Conv2dDims::forward(input, weight, attrs)?;
    check(input.gpu(), &d)?;
    epilogue.check("depthwise_conv2d", d.c_out)?;
    let output = Tensor::empty(input.gpu(), [d.n, d.c_out, d.h_out, d.w_out])?;
    for_images("depthwise_conv2d", [input, &output], |[input, output]| {
        let d = d.of_images(input);
        match select(input.gpu().capabilities(), &d) {
            Algorithm::Strips => strips(&d, input, weight, epilogue, false, output),
            Algorithm::StripsStride2 => strips_stride2(&d, input, weight, epilogue, output),
            Algorithm::General => general(&d, input, weight, epilogue, output),
        }
    })?;
    Ok(output)
}

/// ∂L/∂x from ∂L/∂y.
///
/// # Shapes
/// grad_output `[n, c, h_out, w_out]`, weight `[c, 1, kernel_h, kernel_w]`, grad_input `[n, c, h_in, w_in]` with the extents of `dims`.
///
/// # Errors
/// Shapes that do not fit or are not depthwise; more taps than the device can sum; out of memory.
pub fn depthwise_conv2d_grad_input(dims: &Conv2dDims, grad_output: &Tensor, weight: &Tensor) -> Result<Tensor> {
    check(grad_output.gpu(), dims)?;
    dims.expect_output("depthwise_conv2d_grad_input", grad_output)?;
    dims.expect_weight("depthwise_conv2d_grad_input", weight)?;
    let grad_input = Tensor::empty(grad_output.gpu(), [dims.n, dims.c_in, dims.h_in, dims.w_in])?;
    for_images("depthwise_conv2d_grad_input", [grad_output, &grad_input], |[grad_output, grad_input]| {
        let d = dims.of_images(grad_output);
        match select(grad_output.gpu().capabilities(), &d) {
            Algorithm::Strips => strips(&d, grad_output, weight, &Epilogue::default(), true, grad_input),
            Algorithm::StripsStride2 => grad_input_stride2(&d, grad_output, weight, grad_input),
            Algorithm::General => grad_input_general(&d, grad_output, weight, grad_input),
        }
    })?;
    Ok(grad_input)
}

/// Refuses what is not depthwise, and what the device's loops cannot sum.
fn check(gpu: &Gpu, d: &Conv2dDims) -> Result<()> {
    if d.attrs.groups != d.c_in || d.c_out != d.c_in {
        let message =
            format!("{} groups for {} channels in and {} out: all three must be equal, else use conv2d", d.attrs.groups, d.c_in, d.c_out);
        return Err(Error::shape("depthwise_conv2d", message));
    }
    if !gpu.capabilities().loops(d.kernel_h * (d.kernel_w + 2)) {
        let message = format!("a window of {}×{} is too large for {}", d.kernel_h, d.kernel_w, gpu.capabilities().name);
        return Err(Error::shape("depthwise_conv2d", message));
    }
    Ok(())
}

/// The convolution that keeps the size, or its input gradient.
fn strips(d: &Conv2dDims, input: &Tensor, weight: &Tensor, epilogue: &Epilogue, flip: bool, output: &Tensor) -> Result<()> {
    let dilation = d.attrs.dilation;
    let (columns, phases) = (d.n * d.c_in * d.w_in.div_ceil(4), dilation.min(d.h_in));
    let Strips { strip, strips } = Strips::new(d.h_in.div_ceil(dilation), columns * phases);
    let [has_bias, has_scale] = epilogue.flags();
    let params = Depthwise3x3Params {
        planes: (d.n * d.c_in) as u32,
        c: d.c_in as u32,
        height: d.h_in as u32,
        width: d.w_in as u32,
        dilation: dilation as u32,
        strip: strip as u32,
        strips: strips as u32,
        flip: flip.into(),
        has_bias,
        has_scale,
    };
    let consts = vec![("SIDES", sides(dilation)), ("ACTIVATION", epilogue.activation.code())];
    input.gpu().launch(&Launch {
        kernel: Kernel::of(&params),
        variant: Variant { consts, scalar: !d.w_in.is_multiple_of(4) },
        buffers: &[input, input, weight, epilogue.bias.unwrap_or(weight), epilogue.scale.unwrap_or(weight), output].map(Tensor::buffer),
        groups: groups_1d((columns * phases * strips).div_ceil(64)),
        cost: d.cost(),
    })
}

fn strips_stride2(d: &Conv2dDims, input: &Tensor, weight: &Tensor, epilogue: &Epilogue, output: &Tensor) -> Result<()> {
    let columns = d.n * d.c_in * d.w_out.div_ceil(4);
    let cut = Strips::new(d.h_out, columns);
    let [planes, c, h_in, w_in, h_out, w_out, strip, strips] =
        [d.n * d.c_in, d.c_in, d.h_in, d.w_in, d.h_out, d.w_out, cut.strip, cut.strips].map(|v| v as u32);
    let [has_bias, has_scale] = epilogue.flags();
    let params = Depthwise3x3Stride2Params { planes, c, h_in, w_in, h_out, w_out, strip, strips, has_bias, has_scale };
    input.gpu().launch(&Launch {
        kernel: Kernel::of(&params),
        variant: Variant { consts: vec![("ACTIVATION", epilogue.activation.code())], scalar: !d.w_in.is_multiple_of(8) },
        buffers: &[input, input, weight, epilogue.bias.unwrap_or(weight), epilogue.scale.unwrap_or(weight), output].map(Tensor::buffer),
        groups: groups_1d((columns * cut.strips).div_ceil(64)),
        cost: d.cost(),
    })
}

fn grad_input_stride2(d: &Conv2dDims, grad_output: &Tensor, weight: &Tensor, grad_input: &Tensor) -> Result<()> {
    let columns = d.n * d.c_in * d.w_out.div_ceil(4);
    let Strips { strip, strips } = Strips::new(d.h_out, columns);
    let [planes, c, h_in, w_in, h_out, w_out, strip_u32, strips_u32] =
        [d.n * d.c_in, d.c_in, d.h_in, d.w_in, d.h_out, d.w_out, strip, strips].map(|v| v as u32);
    let params = DepthwiseGradInput3x3Stride2Params { planes, c, h_in, w_in, h_out, w_out, strip: strip_u32, strips: strips_u32 };
    grad_output.gpu().launch(&Launch {
        kernel: Kernel::of(&params),
        variant: Variant { consts: vec![], scalar: !d.w_in.is_multiple_of(8) },
        buffers: &[grad_output.buffer(), grad_output.buffer(), weight.buffer(), grad_input.buffer()],
        groups: groups_1d((columns * strips).div_ceil(64)),
        cost: d.cost(),
    })
}

fn general(d: &Conv2dDims, input: &Tensor, weight: &Tensor, epilogue: &Epilogue, output: &Tensor) -> Result<()> {
    let [n, c, h_in, w_in, _, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, _] = d.words();
    let (planes, [has_bias, has_scale]) = (n * c, epilogue.flags());
    let params =
        DepthwiseParams { planes, c, h_in, w_in, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, has_bias, has_scale };
    input.gpu().launch(&Launch {
        kernel: Kernel::of(&params),
        variant: Variant { consts: vec![("ACTIVATION", epilogue.activation.code())], scalar: false },
        buffers: &[input, weight, epilogue.bias.unwrap_or(weight), epilogue.scale.unwrap_or(weight), output].map(Tensor::buffer),
        groups: groups_1d((d.n * d.c_in * d.h_out * d.w_out.div_ceil(4)).div_ceil(64)),
        cost: d.cost(),
    })
}

fn grad_input_general(d: &Conv2dDims, grad_output: &Tensor, weight: &Tensor, grad_input: &Tensor) -> Result<()> {
    let [n, c, h_in, w_in, _, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, _] = d.words();
    let params = DepthwiseGradInputParams { planes: n * c, c, h_in, w_in, h_out, w_out, kernel_h, kernel_w, padding, dilation };
    grad_output.gpu().launch(&Launch {
        kernel: Kernel::of(&params),
        variant: Variant { consts: vec![("STRIDE", stride)], scalar: false },
        buffers: &[grad_output.buffer(), weight.buffer(), grad_input.buffer()],
        groups: groups_1d((d.n * d.c_in * d.h_in * d.w_in.div_ceil(4)).div_ceil(64)),
        cost: d.cost(),
    })
}
