//! Host twin of `batch_norm_stats_merge`: the chunks of every channel merged, and the running statistics updated.

use super::job::{Inputs, Job, Outputs};
use super::params;

params!(
    /// Channels, chunks of each, and the update of the running statistics.
    BatchNormStatsMergeParams for "batch_norm_stats_merge" { c: u32, chunks: u32, momentum: f32, eps: f32 }
);

pub(super) fn batch_norm_stats_merge(
    job: &Job<BatchNormStatsMergeParams>,
    [partial]: Inputs<1>,
    [running_mean, running_var, stats]: Outputs<3>,
) {
    let BatchNormStatsMergeParams { c, chunks, momentum, eps } = job.params;
    let parts = partial.as_chunks::<4>().0.chunks_exact(chunks as usize).take(c as usize);
    let running = running_mean.iter_mut().zip(running_var);
    for ((parts, stats), (running_mean, running_var)) in parts.zip(stats.as_chunks_mut::<4>().0).zip(running) {
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
        let keep = 1.0 - momentum;
        *running_mean = keep * *running_mean + momentum * (f64::from(shift) + mean) as f32;
        *running_var = keep * *running_var + momentum * (m2 / (count - 1.0)) as f32;
    }
}
