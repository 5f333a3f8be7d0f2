//! Host twin of `window_partition`: maps of tokens cut into square windows.

use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::windows::Lines;

params!(
    /// Packs of all maps, extents of one with its channels in packs, the side of a window, and by how much maps are rolled.
    WindowParams for "window_partition", "window_reverse" { len: u32, h: u32, w: u32, c: u32, window: u32, shift: u32 }
);

pub(super) fn window_partition(job: &Job<WindowParams>, [input]: Inputs<1>, [output]: Outputs<1>) {
    let lines = Lines::new(job);
    let output = output[..job.elements(job.params.len)].par_chunks_exact_mut(lines.words());
    output.enumerate().with_min_len(items_a_task(lines.words())).for_each(|(line, output)| {
        let [first, second] = lines.parts(line);
        let (begin, end) = output.split_at_mut(first.len());
        begin.copy_from_slice(&input[first]);
        end.copy_from_slice(&input[second]);
    });
}
