//! Launchers of `pixel_shuffle` and `pixel_unshuffle`: between channels and space. With them a convolution whose stride is its kernel
//! size is a 1×1 convolution. Shaders: `shaders/pixel_shuffle.wgsl`, `shaders/pixel_unshuffle.wgsl`, and those whose names end in `_2x`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, groups_1d};
use crate::kernels::params;
use crate::tensor::{Shape, Tensor};

params!(
    /// Extents of `pixel_shuffle`; of `pixel_shuffle_2x`, with lengths along rows in pairs of packs.
    PixelShuffleParams for "pixel_shuffle", "pixel_shuffle_2x" { len: u32, c: u32, h_out: u32, w_out: u32, factor: u32, has_bias: u32 }
);

params!(
    /// Extents of `pixel_unshuffle`; of `pixel_unshuffle_2x`, with lengths along rows in packs.
    PixelUnshuffleParams for "pixel_unshuffle", "pixel_unshuffle_2x" { len: u32, h_out: u32, w_out: u32, factor: u32 }
);

/// Elements an invocation and stem: two packs of four where the factor is 2 and the smaller maps' rows are whole packs, else one element.
fn select(factor: usize, small_width: usize, stems: [&'static str; 2]) -> (usize, &'static str) {
    if factor == 2 && small_width.is_multiple_of(4) { (8, stems[1]) } else { (1, stems[0]) }
}

/// `y[n, c, h·r + i, w·r + j] = bias[c] + x[n, c·r² + i·r + j, h, w]` with r = `factor`, into `output`.
///
/// # Shapes
/// input `[n, c·r², h, w]`, bias `[c]`, output `[n, c, h·r, w·r]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn pixel_shuffle(input: &Tensor, factor: usize, bias: Option<&Tensor>, output: &Tensor) -> Result<()> {
    let ([n_in, c_in, h, w], [n, c, h_out, w_out]) = (input.nchw("pixel_shuffle")?, output.nchw("pixel_shuffle")?);
    if n_in != n || c_in != c * factor * factor || h_out != h * factor || w_out != w * factor {
        return Err(Error::shape("pixel_shuffle", format!("{} by {factor} does not give {}", input.shape(), output.shape())));
    }
    if let Some(bias) = bias.filter(|bias| *bias.shape() != Shape::from([c])) {
        return Err(Error::shape("pixel_shuffle", format!("bias has shape {}, expected [{c}]", bias.shape())));
    }
    let (taken, stem) = select(factor, w, ["pixel_shuffle", "pixel_shuffle_2x"]);
    let params = PixelShuffleParams {
        len: (output.len() / taken) as u32,
        c: c as u32,
        h_out: h_out as u32,
        w_out: (w_out / taken) as u32,
        factor: factor as u32,
        has_bias: bias.is_some().into(),
    };
    input.gpu().launch(&Launch {
        stem,
        variant: Default::default(),
        immediates: bytemuck::bytes_of(&params),
        buffers: &[input.buffer(), bias.unwrap_or(input).buffer(), output.buffer()],
        groups: groups_1d((output.len() / taken).div_ceil(64)),
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
pub fn pixel_unshuffle(input: &Tensor, factor: usize) -> Result<Tensor> {
    let [n, c, h, w] = input.nchw("pixel_unshuffle")?;
    if factor == 0 || h % factor != 0 || w % factor != 0 {
        return Err(Error::shape("pixel_unshuffle", format!("the sides of {} are not multiples of {factor}", input.shape())));
    }
    let output = Tensor::empty(input.gpu(), [n, c * factor * factor, h / factor, w / factor])?;
    let (taken, stem) = select(factor, w / factor, ["pixel_unshuffle", "pixel_unshuffle_2x"]);
    let params = PixelUnshuffleParams {
        len: (output.len() / taken) as u32,
        h_out: (h / factor) as u32,
        w_out: (if taken == 1 { w / factor } else { w / taken }) as u32,
        factor: factor as u32,
    };
    input.gpu().launch(&Launch {
        stem,
        variant: Default::default(),
        immediates: bytemuck::bytes_of(&params),
        buffers: &[input.buffer(), output.buffer()],
        groups: groups_1d((output.len() / taken).div_ceil(64)),
        cost: Cost::new(0.0, 2 * output.len()),
    })?;
    Ok(output)
}
