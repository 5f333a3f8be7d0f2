//! Host twin of `pad`: output(row, col) = input(row + down, col + right) of a block of channels of every image, zero outside the input.

use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::{CHUNK, items_a_task};
use super::shared::parts::Parts;

params!(
    /// Extents in packs along rows; where the block lies in each image; the shift.
    PadParams for "pad" {
        planes: u32, channels: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32,
        image_in: u32, begin_in: u32, image_out: u32, begin_out: u32, down: i32, right: i32,
    }
);

pub(super) fn pad(job: &Job<PadParams>, [input]: Inputs<1>, [output]: Outputs<1>) {
    let p = &job.params;
    let [w_in, w_out, image_in, begin_in, image_out, begin_out] =
        [p.w_in, p.w_out, p.image_in, p.begin_in, p.image_out, p.begin_out].map(|packs| job.elements(packs));
    let [channels, h_in, h_out] = [p.channels, p.h_in, p.h_out].map(|v| v as usize);
    let right = p.right as isize * job.elements(1) as isize;
    // Rows in pieces, so that a block without a shift, which is one row an image, is shared out, too.
    let pieces = w_out.div_ceil(4 * CHUNK);
    let piece = w_out.div_ceil(pieces);
    assert!(begin_out + channels * h_out * w_out <= image_out, "a block of {channels} channels leaves an image of {image_out}");
    let output = Parts::new(output);
    let rows = p.planes as usize * h_out;
    (0..rows * pieces).into_par_iter().with_min_len(items_a_task(piece)).for_each(|i| {
        let (row, first) = (i / pieces, i % pieces * piece);
        let (plane, row) = (row / h_out, row % h_out);
        let (image, channel) = (plane / channels, plane % channels);
        let at = image * image_out + begin_out + (channel * h_out + row) * w_out + first;
        // SAFETY: every piece of every row is one task's, and images share none by the assertion above.
        let target = unsafe { output.part(at, piece.min(w_out - first)) };
        let source = usize::try_from(row as isize + p.down as isize).ok().filter(|&row| row < h_in);
        let Some(source) = source.map(|row| &input[image * image_in + begin_in + (channel * h_in + row) * w_in..][..w_in]) else {
            return target.fill(0.0);
        };
        copy_shifted(source, first as isize + right, target);
    });
}

/// target[i] = source[i + shift], zero outside.
fn copy_shifted(source: &[f32], shift: isize, target: &mut [f32]) {
    let left = usize::try_from(-shift).unwrap_or(0).min(target.len());
    let source = source.get(usize::try_from(shift).unwrap_or(0)..).unwrap_or_default();
    let (before, rest) = target.split_at_mut(left);
    let (inside, after) = rest.split_at_mut(source.len().min(rest.len()));
    before.fill(0.0);
    inside.copy_from_slice(&source[..inside.len()]);
    after.fill(0.0);
}
