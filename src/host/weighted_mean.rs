//! Host twin of `weighted_mean`: loss = Σ sums.x · share with share = 1 / Σ sums.y, 0 where that sum is 0. Everything is added one after
//! the other in f64.

use super::job::{Inputs, Job, Outputs};
use super::params;

params!(
    /// Partial sums.
    WeightedMeanParams for "weighted_mean" { parts: u32 }
);

pub(super) fn weighted_mean(job: &Job<WeightedMeanParams>, [sums]: Inputs<1>, [loss, share]: Outputs<2>) {
    let pairs = sums[..2 * job.params.parts as usize].as_chunks::<2>().0.iter();
    let [sum, weight] = pairs.fold([0.0; 2], |[sum, weight], pair| [sum + f64::from(pair[0]), weight + f64::from(pair[1])]);
    let one = if weight == 0.0 { 0.0 } else { 1.0 / weight };
    loss[0] = (sum * one) as f32;
    share[0] = one as f32;
}
