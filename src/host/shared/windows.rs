//! Lines of windows, which are runs of a map's rows: one, or two where the map was rolled over its edge.

use std::ops::Range;

use crate::host::job::Job;
use crate::host::window_partition::WindowParams;

/// The lines of all windows, in their order.
#[derive(Clone, Copy)]
pub(crate) struct Lines {
    h: usize,
    w: usize,
    /// Elements of a token.
    c: usize,
    window: usize,
    shift: usize,
}

impl Lines {
    pub(crate) fn new(job: &Job<WindowParams>) -> Lines {
        let [h, w, window, shift] = [job.params.h, job.params.w, job.params.window, job.params.shift].map(|extent| extent as usize);
        Lines { h, w, c: job.elements(job.params.c), window, shift }
    }

    /// Elements of a line.
    pub(crate) fn words(&self) -> usize {
        self.window * self.c
    }

    /// Elements of the maps that make a line, one run behind the other; the second may be empty.
    pub(crate) fn parts(&self, line: usize) -> [Range<usize>; 2] {
        let &Lines { h, w, c, window, shift } = self;
        let (number, across, down) = (line / window, w / window, h / window);
        let row = (number / across % down * window + line % window + shift) % h;
        let col = (number % across * window + shift) % w;
        let begin = (number / (across * down) * h + row) * w;
        let first = window.min(w - col);
        [(begin + col) * c..(begin + col + first) * c, begin * c..(begin + window - first) * c]
    }
}
