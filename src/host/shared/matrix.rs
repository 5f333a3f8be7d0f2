//! Matrix products of a batch, by the crate `gemm`, with what follows a convolution: bias and activation.
//!
//! Tasks follow from the shape alone: the order in which a product is summed depends on the extents that `gemm` is given.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::epilogue::Epilogue;
use super::level::level;

/// Tasks that a batch of few images is cut into at least, where its matrices have the rows; each packs the right side again.
const LEAST_TASKS: usize = 4;
/// Operations from which a task is cut in two.
const TASK_FLOPS: usize = 400_000_000;
/// Rows of a task at least.
const LEAST_ROWS: usize = 32;

#[simd]
fn finish_rows<S: Simd>(simd: S, epilogue: &Epilogue, first: usize, columns: usize, rows: &mut [f32]) {
    for (channel, row) in (first..).zip(rows.chunks_exact_mut(columns)) {
        epilogue.apply(simd, channel, row);
    }
}

/// The matrices of one side, one after the other, and the words between two rows and two columns of each.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) row: usize,
    pub(crate) column: usize,
}

impl Side<'_> {
    /// Pointer to an element, after a check that the rest of the matrix lies inside.
    fn at(&self, matrix: usize, first_row: usize, [rows, columns]: [usize; 2], all_rows: usize) -> *const f32 {
        let begin = matrix * all_rows * columns + first_row * self.row;
        let last = begin + (rows - 1) * self.row + (columns - 1) * self.column;
        assert!(last < self.values.len(), "a matrix ends at word {last} of {}", self.values.len());
        self.values[begin..].as_ptr()
    }
}

/// Rows of a task.
fn task_rows(matrices: usize, [rows, depth, columns]: [usize; 3]) -> usize {
    let tasks = LEAST_TASKS.div_ceil(matrices).max(2 * rows * depth * columns / TASK_FLOPS);
    rows.div_ceil(tasks).max(LEAST_ROWS).next_multiple_of(8).min(rows)
}

/// output[image, group] = epilogue(left[group] · right[image, group]), row-major, of `[rows, depth, columns]` each.
pub(crate) fn product([images, groups]: [usize; 2], extents: [usize; 3], left: Side, right: Side, epilogue: &Epilogue, output: &mut [f32]) {
    let [rows, depth, columns] = extents;
    let block = task_rows(images * groups, extents);
    output.par_chunks_exact_mut(rows * columns).enumerate().for_each(|(matrix, output)| {
        output.par_chunks_mut(block * columns).enumerate().for_each(|(task, output)| {
            let (first, count) = (task * block, output.len() / columns);
            let left_at = left.at(matrix % groups, first, [count, depth], rows);
            let right_at = right.at(matrix, 0, [depth, columns], depth);
            multiply([count, depth, columns], [left_at, right_at], [&left, &right], output, false);
            dispatch!(level(), simd => finish_rows(simd, epilogue, matrix % groups * rows + first, columns, output));
        });
    });
}

/// output[group] = Σ over images of left[image, group] · right[image, group], in the images' order.
pub(crate) fn product_over_images([images, groups]: [usize; 2], extents: [usize; 3], left: Side, right: Side, output: &mut [f32]) {
    let [rows, depth, columns] = extents;
    let block = task_rows(groups, extents);
    output.par_chunks_exact_mut(rows * columns).enumerate().for_each(|(group, output)| {
        output.par_chunks_mut(block * columns).enumerate().for_each(|(task, output)| {
            let (first, count) = (task * block, output.len() / columns);
            for image in 0..images {
                let matrix = image * groups + group;
                let left_at = left.at(matrix, first, [count, depth], rows);
                let right_at = right.at(matrix, 0, [depth, columns], depth);
                multiply([count, depth, columns], [left_at, right_at], [&left, &right], output, image > 0);
            }
        });
    });
}

/// output (+)= left · right.
fn multiply([rows, depth, columns]: [usize; 3], at: [*const f32; 2], [left, right]: [&Side; 2], output: &mut [f32], add: bool) {
    assert_eq!(output.len(), rows * columns);
    let step = |words: usize| words as isize;
    // SAFETY: both sides were checked by `Side::at` to hold all elements, and the output is row-major and just as large; it overlaps
    // neither, as it is borrowed mutably.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            output.as_mut_ptr(),
            1,
            step(columns),
            add,
            at[0],
            step(left.column),
            step(left.row),
            at[1],
            step(right.column),
            step(right.row),
            1.0f32,
            1.0f32,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
