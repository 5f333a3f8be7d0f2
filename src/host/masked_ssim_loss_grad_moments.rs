//! Host twin of `masked_ssim_loss_grad_moments`: the slopes of each pixel's SSIM with respect to the blurred moments of the prediction, row
//! by row of a tile with its margin; 0 where the pixel is masked or in the frame.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::level::level;

params!(
    /// The first element inside the frame, columns of the image, where that lies in the tile with its margin, extents of what lies inside,
    /// pitch of its moments, rows and pitch of the tile with its margin, and SSIM's constants.
    MaskedSsimLossGradMomentsParams for "masked_ssim_loss_grad_moments" {
        origin: u32, cols: u32, top: u32, left: u32, height: u32, width: u32, pitch: u32, rows: u32, pitch_out: u32,
        centre: f32, c1: f32, c2: f32
    }
);

pub(super) fn masked_ssim_loss_grad_moments(job: &Job<MaskedSsimLossGradMomentsParams>, [moments, mask]: Inputs<2>, [slopes]: Outputs<1>) {
    let c = &job.params;
    let [cols, top, left, height, width] = [c.cols, c.top, c.left, c.height, c.width].map(|extent| extent as usize);
    let [origin, pitch, rows, pitch_out] = [c.origin, c.pitch, c.rows, c.pitch_out].map(|extent| extent as usize);
    let mut areas = slopes.chunks_exact_mut(rows * pitch_out);
    let [first, second, third] = [(); 3].map(|()| areas.next().unwrap_or_default().par_chunks_exact_mut(pitch_out));
    let all = first.zip(second).zip(third).enumerate().with_min_len(items_a_task(3 * pitch_out));
    all.for_each(|(row, ((first, second), third))| {
        let mut slopes = [first, second, third];
        slopes.iter_mut().for_each(|row| row.fill(0.0));
        let Some(row) = row.checked_sub(top).filter(|row| *row < height) else { return };
        let moments = std::array::from_fn(|k| &moments[(k * height + row) * pitch..][..width]);
        let mask = &mask[origin + row * cols..][..width];
        let slopes = slopes.map(|row| &mut row[left..left + width]);
        dispatch!(level(), simd => of_row(simd, c, moments, mask, slopes));
    });
}

#[simd]
fn of_row<S: Simd>(
    _: S,
    c: &MaskedSsimLossGradMomentsParams,
    [a, b, aa, bb, ab]: [&[f32]; 5],
    mask: &[f32],
    [means, squares, products]: [&mut [f32]; 3],
) {
    let moments = a.iter().zip(b).zip(aa).zip(bb).zip(ab);
    let slopes = means.iter_mut().zip(squares).zip(products);
    for ((((((&a, &b), &aa), &bb), &ab), &m), ((mean, square), product)) in moments.zip(mask).zip(slopes) {
        let variance_a = aa - a * a;
        let (x, y) = (a + c.centre, b + c.centre);
        let (l1, l2) = (2.0 * x * y + c.c1, 2.0 * (ab - a * b) + c.c2);
        let (m1, m2) = (x * x + y * y + c.c1, variance_a.max(0.0) + (bb - b * b).max(0.0) + c.c2);
        let below = 1.0 / (m1 * m2);
        let similarity = l1 * l2 * below;
        let of_square = if variance_a >= 0.0 { -similarity / m2 } else { 0.0 };
        let of_mean = 2.0 * (y * l2 - b * l1) * below - 2.0 * similarity * x / m1 - 2.0 * a * of_square;
        let is_valid = m == 0.0;
        *mean = if is_valid { of_mean } else { 0.0 };
        *square = if is_valid { of_square } else { 0.0 };
        *product = if is_valid { 2.0 * l1 * below } else { 0.0 };
    }
}
