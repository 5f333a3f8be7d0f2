//! Host twin of `relative_position_bias`: bias[head, i, j] = table[row(i, j), head].

use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;

params!(
    /// Heads, and tokens along a window.
    RelativePositionBiasParams for "relative_position_bias", "relative_position_bias_grad_table" { heads: u32, side: u32 }
);

pub(super) fn relative_position_bias(job: &Job<RelativePositionBiasParams>, [table]: Inputs<1>, [bias]: Outputs<1>) {
    let (heads, side) = (job.params.heads as usize, job.params.side as usize);
    let (tokens, wide) = (side * side, 2 * side - 1);
    bias[..heads * tokens * tokens].par_chunks_exact_mut(tokens).enumerate().for_each(|(line, bias)| {
        let (head, y, x) = (line / tokens, line % tokens / side, line % side);
        for (j, bias) in bias.iter_mut().enumerate() {
            let (down, right) = (y + side - 1 - j / side, x + side - 1 - j % side);
            *bias = table[(down * wide + right) * heads + head];
        }
    });
}
