//! Structural similarity of two batches of maps over valid pixels (Wang et al. 2004), one value an image, read back.
//!
//! Both images are set to 0 under the mask and clamped to the data range; the window has radius ⌊3.5 σ + ½⌋, and the mean is over
//! valid pixels that lie further than that from the border. Shaders: `shaders/masked_ssim_prepare.wgsl`, `shaders/gaussian_blur.wgsl`,
//! `shaders/masked_ssim.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, groups_1d};
use crate::kernels::gaussian_blur::{Window, blur_with};
use crate::kernels::params;
use crate::tensor::Tensor;

params!(
    /// Length in packs of four, data range and its centre.
    MaskedSsimPrepareParams for "masked_ssim_prepare" { packs: u32, low: f32, high: f32, centre: f32 }
);
params!(
    /// Extents, width of the frame, workgroups an image, and the constants of SSIM.
    MaskedSsimParams for "masked_ssim" {
        images: u32, planes: u32, rows: u32, cols: u32, frame: u32, parts: u32, centre: f32, c1: f32, c2: f32
    }
);

/// Pixels that one workgroup sums.
const PIXELS_A_GROUP: usize = 64 * 16;

/// Width of the frame that SSIM leaves out, and radius of its window, in pixels.
pub fn ssim_frame(sigma: f64) -> usize {
    (3.5 * sigma + 0.5) as usize
}

/// SSIM of every image; 0 where no valid pixel lies inside the frame, as in images of up to twice [`ssim_frame`] pixels.
///
/// # Shapes
/// `pred`, `target`, `mask` (1 = invalid): `[n, c, h, w]`; `n` values.
///
/// # Errors
/// Shapes that differ; a sigma or data range that is empty; out of memory.
pub fn masked_ssim(pred: &Tensor, target: &Tensor, mask: &Tensor, sigma: f64, data_range: [f64; 2]) -> Result<Vec<f64>> {
    let op = "masked_ssim";
    let [images, planes, rows, cols] = pred.nchw(op)?;
    if target.shape() != pred.shape() || mask.shape() != pred.shape() {
        let message = format!("pred {}, target {} and mask {} must have one shape", pred.shape(), target.shape(), mask.shape());
        return Err(Error::shape(op, message));
    }
    let [low, high] = data_range;
    if !(sigma > 0.0 && sigma.is_finite() && high > low) {
        return Err(Error::shape(op, format!("sigma {sigma} must be positive and the data range {low} to {high} not empty")));
    }
    let frame = ssim_frame(sigma);
    if rows.min(cols) <= frame.saturating_mul(2) {
        return Ok(vec![0.0; images]);
    }
    let centre = (low + high) / 2.0;
    let moments = prepare(pred, target, mask, data_range, centre)?;
    let window = Window::new(pred.gpu(), 2 * frame + 1, sigma)?;
    let mut blurred = Vec::with_capacity(moments.len());
    // Each moment's buffer is free for the next one's scratch as soon as it is blurred.
    for moment in moments {
        blurred.push(blur_with(&moment, &window, 0.0, 1.0)?);
    }
    let parts = (planes * (rows - 2 * frame) * (cols - 2 * frame)).div_ceil(PIXELS_A_GROUP);
    let sums = Tensor::empty(pred.gpu(), [images, parts, 2])?;
    let range = high - low;
    let params = MaskedSsimParams {
        images: images as u32,
        planes: planes as u32,
        rows: rows as u32,
        cols: cols as u32,
        frame: frame as u32,
        parts: parts as u32,
        centre: centre as f32,
        c1: (0.01 * range).powi(2) as f32,
        c2: (0.03 * range).powi(2) as f32,
    };
    let mut buffers: Vec<_> = blurred.iter().map(Tensor::buffer).collect();
    buffers.extend([mask.buffer(), sums.buffer()]);
    pred.gpu().launch(&Launch {
        stem: op,
        variant: Default::default(),
        immediates: bytemuck::bytes_of(&params),
        buffers: &buffers,
        groups: groups_1d(images * parts),
        cost: Cost::new(25.0 * pred.len() as f64, 6 * pred.len()),
    })?;
    let mean = |image: &[f32]| {
        let pairs = image.chunks_exact(2).map(|pair| (f64::from(pair[0]), f64::from(pair[1])));
        let (sum, valid) = pairs.fold((0.0, 0.0), |total, pair| (total.0 + pair.0, total.1 + pair.1));
        if valid > 0.0 { sum / valid } else { 0.0 }
    };
    Ok(sums.to_vec()?.chunks_exact(2 * parts).map(mean).collect())
}

/// Both centred images, their squares and their product.
fn prepare(pred: &Tensor, target: &Tensor, mask: &Tensor, data_range: [f64; 2], centre: f64) -> Result<Vec<Tensor>> {
    let moments = (0..5).map(|_| Tensor::empty(pred.gpu(), pred.shape())).collect::<Result<Vec<_>>>()?;
    let packs = pred.len().div_ceil(4);
    let params =
        MaskedSsimPrepareParams { packs: packs as u32, low: data_range[0] as f32, high: data_range[1] as f32, centre: centre as f32 };
    let mut buffers = vec![pred.buffer(), target.buffer(), mask.buffer()];
    buffers.extend(moments.iter().map(Tensor::buffer));
    pred.gpu().launch(&Launch {
        stem: "masked_ssim_prepare",
        variant: Default::default(),
        immediates: bytemuck::bytes_of(&params),
        buffers: &buffers,
        groups: groups_1d(packs.div_ceil(64)),
        cost: Cost::new(7.0 * pred.len() as f64, 8 * pred.len()),
    })?;
    Ok(moments)
}
