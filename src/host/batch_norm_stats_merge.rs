//! Host twin of `batch_norm_stats_merge`: the chunks of every channel merged.

use super::job::{Inputs, Job, Outputs};
use super::params;

params!(
    /// Channels, and chunks of each.
    BatchNormStatsMergeParams for "batch_norm_stats_merge" { c: u32, chunks: u32, eps: f32 }
);

pub(super) fn batch_norm_stats_merge(
    job: &Job<BatchNormStatsMergeParams>,
    [partial]: Inputs<1>,
    [batch_mean, batch_var, stats]: Outputs<3>,
) {
    let BatchNormStatsMergeParams { c, chunks, eps } = job.params;
    let parts = partial.as_chunks::<4>().0.chunks_exact(chunks as usize).take(c as usize);
    let batch = batch_mean.iter_mut().zip(batch_var);
    for ((parts, stats), (batch_mean, batch_var)) in parts.zip(stats.as_chunks_mut::<4>().0).zip(batch) {
        let shift = parts[0][3];
        let (mut count, mut mean, mut m2) = (0.0f64, 0.0f64, 0.0f64);
        for &[own, middle, square, own_shift] in parts {
            // Runs of images have shifts of their own.
            let (own, delta) = (f64::from(own), f64::from(middle) + f64::from(own_shift - shift) - mean);
            let share = if own > 0.0 { own / (count + own) } else { 0.0 };
            mean += delta * share;
            m2 += f64::from(square) + delta * delta * count * share;
            count += own;
        }
        *stats = [shift, mean as f32, (1.0 / (m2 / count + f64::from(eps)).sqrt()) as f32, 0.0];
        *batch_mean = (f64::from(shift) + mean) as f32;
        *batch_var = (m2 / (count - 1.0)) as f32;
    }
}
