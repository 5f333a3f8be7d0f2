//! Host twin of `transpose`: rows and columns exchanged in every image, whole runs of elements at a time.

use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;

params!(
    /// Elements, rows and columns of an image, and elements of a run.
    TransposeParams for "transpose" { len: u32, rows: u32, cols: u32, run: u32 }
);

/// Rows and columns of a block, of which all lines stay in the nearest cache.
const BLOCK: usize = 32;

pub(super) fn transpose(job: &Job<TransposeParams>, [input]: Inputs<1>, [output]: Outputs<1>) {
    let [len, rows, cols, run] = [job.params.len, job.params.rows, job.params.cols, job.params.run].map(|number| number as usize);
    // A task is some columns of an image, which are rows of its output.
    let (image, block) = (rows * cols * run, BLOCK.min(cols));
    let tasks = output[..len].par_chunks_mut(image).zip(input[..len].par_chunks(image));
    tasks.for_each(|(output, input)| {
        let blocks = output.par_chunks_mut(block * rows * run).enumerate();
        blocks.with_min_len(items_a_task(block * rows * run)).for_each(|(number, output)| {
            let (first, wide) = (number * block, output.len() / (rows * run));
            for row in (0..rows).step_by(BLOCK) {
                for col in 0..wide {
                    for row in row..rows.min(row + BLOCK) {
                        let from = &input[(row * cols + first + col) * run..][..run];
                        output[(col * rows + row) * run..][..run].copy_from_slice(from);
                    }
                }
            }
        });
    });
}
