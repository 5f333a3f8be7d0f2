//! Host twin of `batch_norm_grad_stats`: Σ dz·x̂ and Σ dz over one chunk of every channel, with dz = ∂L/∂y·f'(z).

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::batch_norm_stats::BatchNormStatsParams;
use super::job::{Inputs, Job, Outputs};
use super::shared::channel::Chunk;
use super::shared::functions::{activate_derivative, for_kind};
use super::shared::level::level;
use super::shared::sums::LaneSums;

pub(super) fn batch_norm_grad_stats(
    job: &Job<BatchNormStatsParams>,
    [input, grad_output, stats, weight, bias]: Inputs<5>,
    [partial_weight, partial_bias]: Outputs<2>,
) {
    let (all, code) = ((job.params.c * job.params.chunks) as usize, job.constant("KIND"));
    let partial = partial_weight[..all].par_iter_mut().zip(&mut partial_bias[..all]).enumerate();
    partial.with_min_len(job.chunks_a_task()).for_each(|(flat, (partial_weight, partial_bias))| {
        let (chunk, channel) = job.chunk(flat);
        let [shift, rest, invstd, _] = stats.as_chunks::<4>().0[channel];
        let line = [shift, rest, invstd, weight[channel], bias[channel]];
        let sums =
            for_kind!(code, KIND => dispatch!(level(), simd => gradient_sums::<_, KIND>(simd, [input, grad_output], chunk, line, code)));
        [*partial_weight, *partial_bias] = sums.map(|sum| sum as f32);
    });
}

#[simd]
fn gradient_sums<S: Simd, const KIND: u32>(
    simd: S,
    [input, grad_output]: [&[f32]; 2],
    chunk: Chunk,
    [shift, rest, invstd, weight, bias]: [f32; 5],
    code: u32,
) -> [f64; 2] {
    let mut all = [0.0f64; 2];
    for group in chunk.groups() {
        let mut sums = LaneSums::zero(simd);
        for piece in 0..group.pieces {
            sums.add(simd, [group.piece(input, piece), group.piece(grad_output, piece)], |[x, dy]| {
                let standard = (x - shift - rest) * invstd;
                let dz = dy * activate_derivative::<KIND>(standard * weight + bias, code);
                [dz * standard, dz]
            });
        }
        let own = sums.total();
        all = [all[0] + f64::from(own[0]), all[1] + f64::from(own[1])];
    }
    all
}
