//! Host twin of `scatter_tokens`: some tokens of every sample written over.

use super::job::{Inputs, Job, Outputs};
use super::params;

params!(
    /// Elements that are written, tokens of a sample, those that are picked, values of each, and whether all get the same.
    ScatterTokensParams for "scatter_tokens" { len: u32, tokens: u32, picked: u32, c: u32, is_one: u32 }
);

pub(super) fn scatter_tokens(job: &Job<ScatterTokensParams>, [source, index]: Inputs<2>, [output]: Outputs<1>) {
    let [len, tokens, picked, c] = [job.params.len, job.params.tokens, job.params.picked, job.params.c].map(|number| number as usize);
    for (row, token) in index[..len / c].iter().enumerate() {
        let from = if job.params.is_one != 0 { &source[..c] } else { &source[row * c..][..c] };
        output[(row / picked * tokens + *token as usize) * c..][..c].copy_from_slice(from);
    }
}
