//! Matrix products of a batch, by the crate `gemm`.
//!
//! How a product is cut follows from the shape alone: the order in which a sum is taken may depend on the extents that `gemm` is given.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::epilogue::Epilogue;
use super::level::level;
use super::padded::copy;
use super::parts::Parts;
use super::scratch::with_scratch;

/// Tasks that a batch of few images is cut into at least, where its matrices are large enough.
const LEAST_TASKS: usize = 4;
/// Operations from which a task is cut in two.
const TASK_FLOPS: usize = 400_000_000;
/// Rows and columns of a task at least: each packs the other side again.
const LEAST_ROWS: usize = 32;
const LEAST_COLUMNS: usize = 4096;

/// Matrices of one side, one after the other, and the words between two rows and two columns of each.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) row: usize,
    pub(crate) column: usize,
}

impl<'a> Side<'a> {
    /// A row-major matrix of so many columns.
    pub(crate) fn rows(values: &'a [f32], columns: usize) -> Self {
        Side { values, row: columns, column: 1 }
    }

    /// The transposed of a row-major matrix of so many columns.
    pub(crate) fn columns(values: &'a [f32], columns: usize) -> Self {
        Side { values, row: 1, column: columns }
    }

    /// The matrices from the word `first` on.
    pub(crate) fn from(self, first: usize) -> Self {
        Side { values: &self.values[first..], ..self }
    }

    /// Checks that a matrix of so many rows and columns lies inside.
    fn check(&self, rows: usize, columns: usize) -> *const f32 {
        // Checked, as a product that wraps would let a matrix beyond all memory pass.
        let end = |count: usize, step: usize| count.checked_sub(1)?.checked_mul(step);
        let last = end(rows, self.row).zip(end(columns, self.column)).and_then(|(down, along)| down.checked_add(along));
        assert!(last.is_some_and(|last| last < self.values.len()), "{rows} x {columns} leave an array of {}", self.values.len());
        self.values.as_ptr()
    }
}

/// output (+)= left · right, of `[rows, depth, columns]`; the output row-major without gaps.
pub(crate) fn multiply([rows, depth, columns]: [usize; 3], left: Side, right: Side, output: &mut [f32], add: bool) {
    assert_eq!(output.len(), rows * columns);
    let (at_left, at_right) = (left.check(rows, depth), right.check(depth, columns));
    let step = |words: usize| words as isize;
    // SAFETY: both sides were just checked to hold all elements, and the output is row-major and as large; it overlaps neither, as it is
    // borrowed mutably.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            output.as_mut_ptr(),
            1,
            step(columns),
            add,
            at_left,
            step(left.column),
            step(left.row),
            at_right,
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

/// Rows and columns of a task.
fn task(matrices: usize, [rows, depth, columns]: [usize; 3]) -> [usize; 2] {
    let tasks = LEAST_TASKS.div_ceil(matrices).max(2 * rows * depth * columns / TASK_FLOPS);
    let own_rows = rows.div_ceil(tasks).max(LEAST_ROWS).next_multiple_of(8).min(rows);
    let left_over = tasks.div_ceil(rows.div_ceil(own_rows));
    [own_rows, columns.div_ceil(left_over).max(LEAST_COLUMNS).next_multiple_of(64).min(columns)]
}

/// output[image, group] = epilogue(left[group] · right[image, group]), row-major, of `[rows, depth, columns]` each.
pub(crate) fn product([images, groups]: [usize; 2], extents: [usize; 3], left: Side, right: Side, epilogue: &Epilogue, output: &mut [f32]) {
    let ([rows, depth, columns], matrices) = (extents, images * groups);
    let [own_rows, own_columns] = task(matrices, extents);
    let (down, along) = (rows.div_ceil(own_rows), columns.div_ceil(own_columns));
    let output = Parts::new(&mut output[..matrices * rows * columns]);
    (0..matrices * down * along).into_par_iter().for_each(|task| {
        let (matrix, first_row, first_column) = (task / (down * along), task / along % down * own_rows, task % along * own_columns);
        let (count, width) = (own_rows.min(rows - first_row), own_columns.min(columns - first_column));
        let left = left.from(matrix % groups * rows * depth + first_row * left.row);
        let right = right.from(matrix * depth * columns + first_column * right.column);
        let first_channel = matrix % groups * rows + first_row;
        if width == columns {
            // SAFETY: rows of a matrix belong to one task.
            let target = unsafe { output.part((matrix * rows + first_row) * columns, count * columns) };
            multiply([count, depth, width], left, right, target, false);
            dispatch!(level(), simd => finish(simd, epilogue, first_channel, columns, target));
            return;
        }
        with_scratch(count * width, |tile| {
            multiply([count, depth, width], left, right, tile, false);
            for (row, sums) in tile.chunks_exact_mut(width).enumerate() {
                // SAFETY: columns of a row belong to one task.
                let target = unsafe { output.part((matrix * rows + first_row + row) * columns + first_column, width) };
                dispatch!(level(), simd => copy_row(simd, sums, epilogue, first_channel + row, target));
            }
        });
    });
}

#[simd]
fn finish<S: Simd>(simd: S, epilogue: &Epilogue, first: usize, columns: usize, rows: &mut [f32]) {
    for (channel, row) in (first..).zip(rows.chunks_exact_mut(columns)) {
        epilogue.apply(simd, channel, row);
    }
}

/// A row of finished sums to its place.
#[simd]
pub(crate) fn copy_row<S: Simd>(simd: S, sums: &[f32], epilogue: &Epilogue, channel: usize, target: &mut [f32]) {
    copy(simd, sums, target);
    epilogue.apply(simd, channel, target);
}

/// output[group] = Σ over images of left[image, group] · right[image, group], in the images' order.
pub(crate) fn product_over_images([images, groups]: [usize; 2], extents: [usize; 3], left: Side, right: Side, output: &mut [f32]) {
    let [rows, depth, columns] = extents;
    let [own_rows, _] = task(groups, extents);
    output.par_chunks_exact_mut(rows * columns).enumerate().for_each(|(group, output)| {
        output.par_chunks_mut(own_rows * columns).enumerate().for_each(|(task, output)| {
            let count = output.len() / columns;
            for image in 0..images {
                let matrix = image * groups + group;
                let left = left.from(matrix * rows * depth + task * own_rows * left.row);
                multiply([count, depth, columns], left, right.from(matrix * depth * columns), output, image > 0);
            }
        });
    });
}
