//! The eight symmetries of a square: what augmentation turns a crop by, and test-time averaging a tile, and back. Of them four leave any
//! rectangle its shape.

use super::loader::Batch;

/// A transposition, or none, after a reflection of rows, of columns, of both or of neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Symmetry {
    flip_rows: bool,
    flip_cols: bool,
    transpose: bool,
}

impl Symmetry {
    /// All eight, the identity first.
    pub(crate) fn all() -> impl Iterator<Item = Symmetry> {
        (0..8).map(|i| Symmetry { flip_rows: i & 1 != 0, flip_cols: i & 2 != 0, transpose: i & 4 != 0 })
    }

    pub(crate) fn is_identity(self) -> bool {
        !(self.flip_rows || self.flip_cols || self.transpose)
    }

    /// So many quarter turns against the clock, then reflections of rows and of columns.
    pub(crate) fn turned_and_flipped(quarters: usize, [rows, cols]: [bool; 2]) -> Symmetry {
        let transpose = quarters % 2 == 1;
        let [flips_rows, flips_cols] = if transpose { [cols, rows] } else { [rows, cols] };
        let (quarters, of_rows) = (quarters % 4, [2, 3]);
        Symmetry { flip_rows: of_rows.contains(&quarters) != flips_rows, flip_cols: [1, 2].contains(&quarters) != flips_cols, transpose }
    }

    /// Where the value at (row, col) of a turned plane comes from, which had these rows and columns.
    fn source(self, row: usize, col: usize, [rows, cols]: [usize; 2]) -> usize {
        let (row, col) = if self.transpose { (col, row) } else { (row, col) };
        let flip = |i: usize, size: usize, flipped: bool| if flipped { size - 1 - i } else { i };
        flip(row, rows, self.flip_rows) * cols + flip(col, cols, self.flip_cols)
    }

    /// Puts a plane of `size` = [rows, columns] behind `out`, turned; a transposition makes [columns, rows] of it.
    pub(crate) fn append(self, plane: &[f32], size: [usize; 2], out: &mut Vec<f32>) {
        let [rows, cols] = if self.transpose { [size[1], size[0]] } else { size };
        for row in 0..rows {
            out.extend((0..cols).map(|col| plane[self.source(row, col, size)]));
        }
    }

    /// The planes of `side` × `side` values, each turned.
    fn turn(self, planes: &[f32], side: usize) -> Vec<f32> {
        let mut turned = Vec::with_capacity(planes.len());
        planes.chunks_exact(side * side).for_each(|plane| self.append(plane, [side, side], &mut turned));
        turned
    }

    /// A batch of square tiles with every raster turned; values that fill their plane stay.
    pub(crate) fn turned(self, batch: &Batch) -> Batch {
        let side = batch.height;
        let of = |values: &Vec<f32>| if values.len() == batch.n * side * side { self.turn(values, side) } else { values.clone() };
        Batch {
            channels: batch.channels.iter().map(of).collect(),
            target: of(&batch.target),
            ocean: of(&batch.ocean),
            hidden: of(&batch.hidden),
            crops: batch.crops.clone(),
            location: batch.location.clone(),
            ..*batch
        }
    }

    /// Adds planes that were computed from turned tiles to `sums`, turned back; `size` is rows and columns, the same for all but those that
    /// are as they were.
    pub(crate) fn add_back(self, planes: &[f32], [rows, side]: [usize; 2], sums: &mut [f32]) {
        if self.is_identity() {
            sums.iter_mut().zip(planes).for_each(|(sum, value)| *sum += value);
            return;
        }
        debug_assert_eq!(rows, side, "only squares are turned");
        for (plane, sums) in planes.chunks_exact(side * side).zip(sums.chunks_exact_mut(side * side)) {
            for (i, value) in plane.iter().enumerate() {
                sums[self.source(i / side, i % side, [side, side])] += value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_different_turns_that_each_turn_back() {
        let square: Vec<f32> = (0..9).map(|i| i as f32).collect();
        let mut seen = Vec::new();
        for symmetry in Symmetry::all() {
            let turned = symmetry.turn(&square, 3);
            let mut back = vec![0.0; 9];
            symmetry.add_back(&turned, [3, 3], &mut back);
            assert_eq!(back, square, "{symmetry:?}");
            assert!(!seen.contains(&turned), "{symmetry:?}");
            assert_eq!(turned == square, symmetry.is_identity());
            seen.push(turned);
        }
    }

    #[test]
    fn turns_and_flips_are_what_they_are_called() {
        // [0 1 2]
        // [3 4 5]
        let plane = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let turned = |quarters: usize, flips: [bool; 2]| {
            let mut out = Vec::new();
            Symmetry::turned_and_flipped(quarters, flips).append(&plane, [2, 3], &mut out);
            out
        };
        for (quarters, flips, wanted) in [
            (0, [true, false], [3.0, 4.0, 5.0, 0.0, 1.0, 2.0]),
            (0, [false, true], [2.0, 1.0, 0.0, 5.0, 4.0, 3.0]),
            (1, [false, false], [2.0, 5.0, 1.0, 4.0, 0.0, 3.0]),
            (2, [false, false], [5.0, 4.0, 3.0, 2.0, 1.0, 0.0]),
            (3, [false, false], [3.0, 0.0, 4.0, 1.0, 5.0, 2.0]),
            // Turned to rows [2 5], [1 4], [0 3]; then these in reverse, and the columns of that.
            (1, [true, false], [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]),
            (1, [false, true], [5.0, 2.0, 4.0, 1.0, 3.0, 0.0]),
            (3, [true, true], [2.0, 5.0, 1.0, 4.0, 0.0, 3.0]),
        ] {
            assert_eq!(turned(quarters, flips), wanted, "{quarters} {flips:?}");
        }
    }
}
