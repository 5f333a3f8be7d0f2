//! Launchers of `unfold` and its adjoint `fold`: between a map and the windows that a convolution sees in it. With them every
//! convolution is a 1×1 convolution. Shaders: `shaders/unfold.wgsl`, `shaders/fold.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::shader::Variant;
use crate::gpu::{Cost, Gpu, LOOP_TRIPS, Launch, groups_1d};
use crate::kernels::conv2d::Conv2dDims;
use crate::kernels::params;
use crate::tensor::{Shape, Tensor};

params!(
    /// Extents of `unfold`.
    UnfoldParams for "unfold" {
        planes: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, stride: u32, padding: u32, dilation: u32,
    }
);

params!(
    /// Extents of `fold`.
    FoldParams for "fold" {
        planes: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, padding: u32, dilation: u32,
        has_bias: u32,
    }
);

/// The windows of `dims` in `input`, a channel an element of the window.
///
/// # Shapes
/// input `[n, c_in, h_in, w_in]`, result `[n, c_in·kernel_h·kernel_w, h_out, w_out]`, with the extents of `dims`.
///
/// # Errors
/// Shapes that do not fit; a window too large for a software device; out of memory.
pub fn unfold(dims: &Conv2dDims, input: &Tensor) -> Result<Tensor> {
    dims.expect_input("unfold", input)?;
    check_trips(input.gpu(), dims, 1)?;
    let output = Tensor::empty(input.gpu(), windows(dims))?;
    let (scalar, planes) = (!dims.w_out.is_multiple_of(4), dims.n * dims.c_in);
    let params = UnfoldParams {
        planes: planes as u32,
        h_in: dims.h_in as u32,
        w_in: dims.w_in as u32,
        h_out: dims.h_out as u32,
        w_out: dims.w_out as u32,
        kernel_h: dims.kernel_h as u32,
        kernel_w: dims.kernel_w as u32,
        stride: dims.attrs.stride as u32,
        padding: dims.attrs.padding as u32,
        dilation: dims.attrs.dilation as u32,
    };
    let packs = if scalar { dims.w_out } else { dims.w_out / 4 };
    input.gpu().launch(&Launch {
        stem: "unfold",
        variant: Variant { consts: vec![], scalar },
        immediates: bytemuck::bytes_of(&params),
        buffers: &[input.buffer(), output.buffer()],
        groups: groups_1d((planes * dims.h_out * packs).div_ceil(64)),
        cost: Cost::new(0.0, 0),
    })?;
    Ok(output)
}

/// Adds the windows up where they lie in the map, plus a bias for each of its channels, into `output`.
///
/// # Shapes
/// input `[n, c_in·kernel_h·kernel_w, h_out, w_out]`, bias `[c_in]`, output `[n, c_in, h_in, w_in]`, with the extents of `dims`.
///
/// # Errors
/// Shapes that do not fit; a window too large for a software device.
pub fn fold(dims: &Conv2dDims, input: &Tensor, bias: Option<&Tensor>, output: &Tensor) -> Result<()> {
    dims.expect_input("fold", output)?;
    check_trips(input.gpu(), dims, dims.attrs.stride)?;
    if *input.shape() != windows(dims) || bias.is_some_and(|bias| *bias.shape() != Shape::from([dims.c_in])) {
        let bias = bias.map_or("no bias".to_owned(), |bias| format!("a bias {}", bias.shape()));
        return Err(Error::shape("fold", format!("{} and {bias} do not give {}", input.shape(), output.shape())));
    }
    let planes = dims.n * dims.c_in;
    let params = FoldParams {
        planes: planes as u32,
        c: dims.c_in as u32,
        h_in: dims.h_in as u32,
        w_in: dims.w_in as u32,
        h_out: dims.h_out as u32,
        w_out: dims.w_out as u32,
        kernel_h: dims.kernel_h as u32,
        kernel_w: dims.kernel_w as u32,
        padding: dims.attrs.padding as u32,
        dilation: dims.attrs.dilation as u32,
        has_bias: bias.is_some().into(),
    };
    let stride = dims.attrs.stride;
    input.gpu().launch(&Launch {
        stem: "fold",
        variant: Variant { consts: vec![("STRIDE", stride as u32)], scalar: false },
        immediates: bytemuck::bytes_of(&params),
        buffers: &[input.buffer(), bias.unwrap_or(input).buffer(), output.buffer()],
        groups: groups_1d((planes * dims.h_in * dims.w_in.div_ceil(4 * stride)).div_ceil(64)),
        cost: Cost::new(0.0, 0),
    })
}

fn windows(d: &Conv2dDims) -> Shape {
    Shape::from([d.n, d.c_in * d.kernel_h * d.kernel_w, d.h_out, d.w_out])
}

/// Refuses windows whose taps, `times` over, are more than the loops of a software device can walk.
fn check_trips(gpu: &Gpu, d: &Conv2dDims, times: usize) -> Result<()> {
    if gpu.capabilities().software && d.kernel_h * (d.kernel_w + 2) * times > LOOP_TRIPS {
        let message = format!("a window of {}×{} is too large for {}", d.kernel_h, d.kernel_w, gpu.capabilities().name);
        return Err(Error::shape("unfold", message));
    }
    Ok(())
}
