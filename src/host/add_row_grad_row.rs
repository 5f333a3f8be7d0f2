//! Host twin of `add_row_grad_row`: the sum of all images, one after the other.

use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::CHUNK;

params!(
    /// Images, and the elements of one.
    AddRowGradRowParams for "add_row_grad_row" { images: u32, rows: u32 }
);

pub(super) fn add_row_grad_row(job: &Job<AddRowGradRowParams>, [grad_output]: Inputs<1>, [grad_row]: Outputs<1>) {
    let (images, rows) = (job.params.images as usize, job.params.rows as usize);
    grad_row[..rows].par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, sums)| {
        sums.fill(0.0);
        for image in 0..images {
            let from = &grad_output[image * rows + chunk * CHUNK..][..sums.len()];
            sums.iter_mut().zip(from).for_each(|(sum, value)| *sum += value);
        }
    });
}
