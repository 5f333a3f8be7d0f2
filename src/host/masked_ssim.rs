//! Host twin of `masked_ssim`: sums of SSIM over runs of a tile's valid pixels, from the blurred moments:
//! (2μxμy + c1)(2σxy + c2) / ((μx² + μy² + c1)(σx² + σy² + c2)), variances at least 0.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::level::level;
use super::shared::sums::lane_sums;

params!(
    /// The tile's first element, columns of the image, extents of the tile, pitch of its moments, its workgroups, and SSIM's constants.
    MaskedSsimParams for "masked_ssim" {
        origin: u32, cols: u32, height: u32, width: u32, pitch: u32, first_part: u32, parts: u32, centre: f32, c1: f32, c2: f32
    }
);

/// Pixels of a run, as many as a workgroup of the WGSL takes.
pub(crate) const PIXELS_A_PART: usize = 64 * 16;

pub(super) fn masked_ssim(job: &Job<MaskedSsimParams>, [moments, mask]: Inputs<2>, [sums]: Outputs<1>) {
    let MaskedSsimParams { origin, cols, height, width, pitch, first_part, parts, .. } = job.params;
    let [cols, height, width, pitch] = [cols, height, width, pitch].map(|extent| extent as usize);
    let sums = sums[2 * first_part as usize..][..2 * parts as usize].as_chunks_mut::<2>().0;
    sums.par_iter_mut().enumerate().with_min_len(items_a_task(PIXELS_A_PART)).for_each(|(part, sum)| {
        *sum = [0.0; 2];
        let (mut pixel, end) = (part * PIXELS_A_PART, ((part + 1) * PIXELS_A_PART).min(height * width));
        while pixel < end {
            let (row, col) = (pixel / width, pixel % width);
            let count = (width - col).min(end - pixel);
            let moments = std::array::from_fn(|k| &moments[(k * height + row) * pitch + col..][..count]);
            let mask = &mask[origin as usize + row * cols + col..][..count];
            let [similarity, valid] = dispatch!(level(), simd => similarities(simd, &job.params, moments, mask));
            *sum = [sum[0] + similarity, sum[1] + valid];
            pixel += count;
        }
    });
}

/// Sum of the similarities of valid pixels, and their number.
#[simd]
fn similarities<S: Simd>(simd: S, c: &MaskedSsimParams, moments: [&[f32]; 5], mask: &[f32]) -> [f32; 2] {
    let [a, b, aa, bb, ab] = moments;
    lane_sums(simd, [a, b, aa, bb, ab, mask], |[a, b, aa, bb, ab, mask]| {
        let variances = (aa - a * a).max(0.0) + (bb - b * b).max(0.0);
        let covariance = ab - a * b;
        let (x, y) = (a + c.centre, b + c.centre);
        let above = (2.0 * x * y + c.c1) * (2.0 * covariance + c.c2);
        let similarity = above / ((x * x + y * y + c.c1) * (variances + c.c2));
        let valid = mask == 0.0;
        [if valid { similarity } else { 0.0 }, if valid { 1.0 } else { 0.0 }]
    })
}
