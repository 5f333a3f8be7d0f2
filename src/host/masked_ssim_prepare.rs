//! Host twin of `masked_ssim_prepare`: of one tile with its margin both images, 0 under the mask and for NaN, clamped to the data range
//! and centred (a, b), a², b², a·b, row by row.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::level::level;

params!(
    /// The tile's first element with its margin, columns of the image, extents of the tile, packs of its rows, data range and its centre.
    MaskedSsimPrepareParams for "masked_ssim_prepare" {
        origin: u32, cols: u32, height: u32, width: u32, packs: u32, low: f32, high: f32, centre: f32
    }
);

pub(super) fn masked_ssim_prepare(job: &Job<MaskedSsimPrepareParams>, [pred, wanted, mask]: Inputs<3>, [moments]: Outputs<1>) {
    let MaskedSsimPrepareParams { origin, cols, height, width, packs, .. } = job.params;
    let (width, pitch) = (width as usize, 4 * packs as usize);
    let mut areas = moments.chunks_exact_mut(height as usize * pitch);
    let [a, b, aa, bb, ab] = [(); 5].map(|()| areas.next().unwrap_or_default().par_chunks_exact_mut(pitch));
    let rows = a.zip(b).zip(aa.zip(bb)).zip(ab).enumerate().with_min_len(items_a_task(5 * pitch));
    rows.for_each(|(row, (((a, b), (aa, bb)), ab))| {
        let at = origin as usize + row * cols as usize;
        let inputs = [pred, wanted, mask].map(|image| &image[at..][..width]);
        let mut outputs = [a, b, aa, bb, ab];
        dispatch!(level(), simd => prepare(simd, &job.params, inputs, outputs.each_mut().map(|row| &mut row[..width])));
        // Columns past the width repeat the last one; no sum uses them.
        for row in outputs {
            let (inside, past) = row.split_at_mut(width);
            past.fill(inside[width - 1]);
        }
    });
}

#[simd]
fn prepare<S: Simd>(_: S, c: &MaskedSsimPrepareParams, [pred, wanted, mask]: [&[f32]; 3], [a, b, aa, bb, ab]: [&mut [f32]; 5]) {
    let outputs = a.iter_mut().zip(b).zip(aa).zip(bb).zip(ab);
    for (((((a, b), aa), bb), ab), ((&p, &t), &m)) in outputs.zip(pred.iter().zip(wanted).zip(mask)) {
        let centred = |value: f32| (if (m != 0.0) | value.is_nan() { 0.0 } else { value }).max(c.low).min(c.high) - c.centre;
        let (x, y) = (centred(p), centred(t));
        (*a, *b, *aa, *bb, *ab) = (x, y, x * x, y * y, x * y);
    }
}
