//! Host twin of `clip_grad_norm_gather`: sums of squares of runs of up to six gradients, to the bits of `clip_grad_norm_stats`, and the
//! gradients side by side in one array.

use fearless_simd::dispatch;
use rayon::prelude::*;

use super::clip_grad_norm_stats::{VALUES_A_PART, sum_of_squares};
use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::level::level;

params!(
    /// Lengths of the gradients (0: there are fewer), the first partial sum of each, and the pack of four at which the first one is laid.
    ClipGradNormGatherParams for "clip_grad_norm_gather" {
        len0: u32, len1: u32, len2: u32, len3: u32, len4: u32, len5: u32,
        first0: u32, first1: u32, first2: u32, first3: u32, first4: u32, first5: u32, start: u32
    }
);

/// Gradients of a launch at most: with the two arrays that are written the eight that every device binds.
pub(crate) const SOURCES: usize = 6;

/// Values of which a multiple lies between the beginnings of two gradients.
const ALIGNMENT: usize = 64;

pub(super) fn clip_grad_norm_gather(job: &Job<ClipGradNormGatherParams>, gradients: Inputs<SOURCES>, [gathered, squares]: Outputs<2>) {
    let p = &job.params;
    let lens = [p.len0, p.len1, p.len2, p.len3, p.len4, p.len5];
    let firsts = [p.first0, p.first1, p.first2, p.first3, p.first4, p.first5];
    let mut rest = &mut gathered[4 * p.start as usize..];
    let mut runs = Vec::new();
    for ((gradient, len), first) in gradients.into_iter().zip(lens).zip(firsts) {
        let len = len as usize;
        let (own, behind) = std::mem::take(&mut rest).split_at_mut(len.next_multiple_of(ALIGNMENT));
        rest = behind;
        let pieces = gradient[..len].chunks(VALUES_A_PART).zip(own.chunks_mut(VALUES_A_PART));
        runs.extend(pieces.enumerate().map(|(part, (values, own))| (first as usize + part, values, own)));
    }
    let sums = runs.into_par_iter().with_min_len(items_a_task(VALUES_A_PART)).map(|(part, values, own)| {
        own[..values.len()].copy_from_slice(values);
        (part, dispatch!(level(), simd => sum_of_squares(simd, values)))
    });
    sums.collect::<Vec<_>>().into_iter().for_each(|(part, sum)| squares[part] = sum);
}
