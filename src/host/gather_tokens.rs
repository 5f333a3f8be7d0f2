//! Host twin of `gather_tokens`: some tokens of every sample, in the order of their list.

use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;

params!(
    /// Elements of the output, tokens of a sample, those that are picked, and values of each.
    GatherTokensParams for "gather_tokens" { len: u32, tokens: u32, picked: u32, c: u32 }
);

pub(super) fn gather_tokens(job: &Job<GatherTokensParams>, [input, index]: Inputs<2>, [output]: Outputs<1>) {
    let [len, tokens, picked, c] = [job.params.len, job.params.tokens, job.params.picked, job.params.c].map(|number| number as usize);
    let rows = output[..len].par_chunks_exact_mut(c).zip(index).enumerate();
    rows.with_min_len(items_a_task(c)).for_each(|(row, (output, token))| {
        output.copy_from_slice(&input[(row / picked * tokens + *token as usize) * c..][..c]);
    });
}
