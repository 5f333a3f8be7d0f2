//! Host twin of `batch_norm_stats`: count, mean and squared deviations of one chunk of every channel, the mean about the channel's first
//! element. Groups of few thousand elements are walked twice in the cache and merged in f64 (Chan, Golub & LeVeque 1979).

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::channel::Chunk;
use super::shared::chunks::items_a_task;
use super::shared::level::level;
use super::shared::sums::LaneSums;

params!(
    /// As [`super::batch_norm::BatchNormParams`], by channel; `team` invocations reduce a chunk.
    BatchNormStatsParams for "batch_norm_stats", "batch_norm_grad_stats" {
        n: u32, c: u32, plane: u32, step: u32, chunks: u32, lanes: u32, team: u32,
    }
);

impl Job<'_, BatchNormStatsParams> {
    /// Chunk `flat % chunks` of channel `flat / chunks`, and the channel's number.
    pub(super) fn chunk(&self, flat: usize) -> (Chunk, usize) {
        let p = &self.params;
        let (channel, chunk) = (flat / p.chunks as usize, flat % p.chunks as usize);
        let (plane, step) = (self.elements(p.plane), self.elements(p.step));
        let (begin, len) = (chunk * step, step.min(plane - chunk * step));
        (Chunk { images: p.n as usize, image: p.c as usize * plane, begin: channel * plane + begin, len }, channel)
    }

    /// Chunks that make a task.
    pub(super) fn chunks_a_task(&self) -> usize {
        items_a_task(self.params.n as usize * self.elements(self.params.step))
    }
}

pub(super) fn batch_norm_stats(job: &Job<BatchNormStatsParams>, [input]: Inputs<1>, [partial]: Outputs<1>) {
    let (plane, all) = (job.elements(job.params.plane), (job.params.c * job.params.chunks) as usize);
    let partial = &mut partial.as_chunks_mut::<4>().0[..all];
    partial.par_iter_mut().with_min_len(job.chunks_a_task()).enumerate().for_each(|(flat, partial)| {
        let (chunk, channel) = job.chunk(flat);
        let shift = input[channel * plane];
        let [count, mean, m2] = dispatch!(level(), simd => moments(simd, input, chunk, shift));
        *partial = [count as f32, mean as f32, m2 as f32, shift];
    });
}

/// Count, mean − shift and Σ (x − mean)².
#[simd]
fn moments<S: Simd>(simd: S, input: &[f32], chunk: Chunk, shift: f32) -> [f64; 3] {
    let (mut count, mut mean, mut m2) = (0.0f64, 0.0f64, 0.0f64);
    for group in chunk.groups() {
        let mut sum = LaneSums::zero(simd);
        for piece in 0..group.pieces {
            sum.add(simd, [group.piece(input, piece)], |[x]| [x - shift]);
        }
        let own = (group.pieces * group.len) as f64;
        let middle = sum.total()[0] / own as f32;
        let mut spread = LaneSums::zero(simd);
        for piece in 0..group.pieces {
            spread.add(simd, [group.piece(input, piece)], |[x]| {
                let d = (x - shift) - middle;
                [d, d * d]
            });
        }
        // What the rounding of the middle left over.
        let [rest, square] = spread.total().map(f64::from);
        let (middle, square) = (f64::from(middle) + rest / own, square - rest * rest / own);
        let delta = middle - mean;
        let share = own / (count + own);
        mean += delta * share;
        m2 += square + delta * delta * count * share;
        count += own;
    }
    [count, mean, m2]
}
