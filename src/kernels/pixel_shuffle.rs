//! Launchers of `pixel_shuffle` and `pixel_unshuffle`: between channels and space. With them a convolution whose stride is its kernel
//! size is a 1×1 convolution. Shaders: `shaders/pixel_shuffle.wgsl`, `shaders/pixel_unshuffle.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, groups_1d};
use crate::kernels::params;
use crate::tensor::Tensor;

params!(
    /// Extents of `pixel_shuffle`.
    PixelShuffleParams for "pixel_shuffle" { len: u32, c: u32, h_out: u32, w_out: u32, factor: u32, has_bias: u32 }
);

params!(
    /// Extents of `pixel_unshuffle`.
    PixelUnshuffleParams for "pixel_unshuffle" { len: u32, h_out: u32, w_out: u32, factor: u32 }
);

/// y[n, c, h·r + i, w·r + j] = bias[c] + x[n, c·r² + i·r + j, h, w] with r = `factor`, into `output`.
///
/// # Shapes
/// input `[n, c·r², h, w]`, bias `[c]`, output `[n, c, h·r, w·r]`.
///
/// # Errors
/// Shapes that do not fit.
pub(crate) fn pixel_shuffle(input: &Tensor, factor: usize, bias: Option<&Tensor>, output: &Tensor) -> Result<()> {
    let ([_, c_in, h, w], [_, c, h_out, w_out]) = (input.nchw("pixel_shuffle")?, output.nchw("pixel_shuffle")?);
    if c_in != c * factor * factor || h_out != h * factor || w_out != w * factor {
        return Err(Error::shape("pixel_shuffle", format!("{} by {factor} does not give {}", input.shape(), output.shape())));
    }
    let params = PixelShuffleParams {
        len: output.len() as u32,
        c: c as u32,
        h_out: h_out as u32,
        w_out: w_out as u32,
        factor: factor as u32,
        has_bias: bias.is_some().into(),
    };
    input.gpu().launch(&Launch {
        stem: "pixel_shuffle",
        variant: Default::default(),
        immediates: bytemuck::bytes_of(&params),
        buffers: &[input.buffer(), bias.unwrap_or(input).buffer(), output.buffer()],
        groups: groups_1d(output.len().div_ceil(64)),
        cost: Cost::new(output.len() as f64, 2 * output.len()),
    })
}

/// y[n, c·r² + i·r + j, h, w] = x[n, c, h·r + i, w·r + j] with r = `factor`.
///
/// # Shapes
/// input `[n, c, h·r, w·r]`, output `[n, c·r², h, w]`.
///
/// # Errors
/// Sides that are not multiples of the factor; out of memory.
pub(crate) fn pixel_unshuffle(input: &Tensor, factor: usize) -> Result<Tensor> {
    let [n, c, h, w] = input.nchw("pixel_unshuffle")?;
    if factor == 0 || h % factor != 0 || w % factor != 0 {
        return Err(Error::shape("pixel_unshuffle", format!("the sides of {} are not multiples of {factor}", input.shape())));
    }
    let output = Tensor::empty(input.gpu(), [n, c * factor * factor, h / factor, w / factor])?;
    let params =
        PixelUnshuffleParams { len: output.len() as u32, h_out: (h / factor) as u32, w_out: (w / factor) as u32, factor: factor as u32 };
    input.gpu().launch(&Launch {
        stem: "pixel_unshuffle",
        variant: Default::default(),
        immediates: bytemuck::bytes_of(&params),
        buffers: &[input.buffer(), output.buffer()],
        groups: groups_1d(output.len().div_ceil(64)),
        cost: Cost::new(0.0, 2 * output.len()),
    })?;
    Ok(output)
}
