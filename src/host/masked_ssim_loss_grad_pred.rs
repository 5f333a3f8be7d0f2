//! Host twin of `masked_ssim_loss_grad_pred`: grad_loss · share[image] · (A + 2a·B + b·C) of a tile's pixels with their blurred slopes
//! A, B, C; 0 under the mask, for NaN and outside of the data range.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::level::level;

params!(
    /// The tile's first element, columns of the image, extents of the tile, pitch of its slopes, its image, data range and its centre.
    MaskedSsimLossGradPredParams for "masked_ssim_loss_grad_pred" {
        origin: u32, cols: u32, height: u32, width: u32, pitch: u32, image: u32, low: f32, high: f32, centre: f32
    }
);

pub(super) fn masked_ssim_loss_grad_pred(
    job: &Job<MaskedSsimLossGradPredParams>,
    [slopes, pred, wanted, mask, share, grad_loss]: Inputs<6>,
    [grad_pred]: Outputs<1>,
) {
    let c = &job.params;
    let [origin, cols, height, width, pitch] = [c.origin, c.cols, c.height, c.width, c.pitch].map(|extent| extent as usize);
    let upstream = grad_loss[0] * share[c.image as usize];
    // The last row ends with the tile, which may be before the image's.
    let end = origin + (height - 1) * cols + width;
    let rows = grad_pred[origin..end].par_chunks_mut(cols).enumerate().with_min_len(items_a_task(width));
    rows.for_each(|(row, grad_pred)| {
        let slopes = std::array::from_fn(|k| &slopes[(k * height + row) * pitch..][..width]);
        let maps = [pred, wanted, mask].map(|map| &map[origin + row * cols..][..width]);
        dispatch!(level(), simd => of_row(simd, c, upstream, slopes, maps, &mut grad_pred[..width]));
    });
}

#[simd]
fn of_row<S: Simd>(
    _: S,
    c: &MaskedSsimLossGradPredParams,
    upstream: f32,
    [means, squares, products]: [&[f32]; 3],
    [pred, wanted, mask]: [&[f32]; 3],
    grad_pred: &mut [f32],
) {
    let slopes = means.iter().zip(squares).zip(products);
    let maps = pred.iter().zip(wanted).zip(mask);
    for ((gradient, ((&mean, &square), &product)), ((&p, &t), &m)) in grad_pred.iter_mut().zip(slopes).zip(maps) {
        let b = (if t.is_nan() { 0.0 } else { t }).max(c.low).min(c.high) - c.centre;
        let slope = mean + 2.0 * (p - c.centre) * square + b * product;
        // Of NaN neither holds.
        let moves = (m == 0.0) & (p >= c.low) & (p <= c.high);
        *gradient = if moves { upstream * slope } else { 0.0 };
    }
}
