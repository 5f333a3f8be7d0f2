//! Host twin of `window_reverse`: square windows put back into maps of tokens.

use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::shared::chunks::items_a_task;
use super::shared::parts::Parts;
use super::shared::windows::Lines;
use super::window_partition::WindowParams;

pub(super) fn window_reverse(job: &Job<WindowParams>, [input]: Inputs<1>, [output]: Outputs<1>) {
    let lines = Lines::new(job);
    let len = job.elements(job.params.len);
    let output = Parts::new(&mut output[..len]);
    let input = input[..len].par_chunks_exact(lines.words());
    input.enumerate().with_min_len(items_a_task(lines.words())).for_each(|(line, input)| {
        let [first, second] = lines.parts(line);
        let (begin, end) = input.split_at(first.len());
        // SAFETY: every token of a map belongs to one line of one window.
        let parts = unsafe { [output.part(first.start, first.len()), output.part(second.start, second.len())] };
        parts.into_iter().zip([begin, end]).for_each(|(part, from)| part.copy_from_slice(from));
    });
}
