//! The eight symmetries of a square: what test-time averaging turns a tile by, and back.

use crate::data::loader::Batch;

/// A transposition, or none, after a reflection of rows, of columns, of both or of neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Symmetry {
    flip_rows: bool,
    flip_cols: bool,
    transpose: bool,
}

impl Symmetry {
    /// All eight, the identity first.
    pub(super) fn all() -> impl Iterator<Item = Symmetry> {
        (0..8).map(|i| Symmetry { flip_rows: i & 1 != 0, flip_cols: i & 2 != 0, transpose: i & 4 != 0 })
    }

    pub(super) fn is_identity(self) -> bool {
        !(self.flip_rows || self.flip_cols || self.transpose)
    }

    /// Where the value at (row, col) of the turned square of `side` comes from.
    fn source(self, row: usize, col: usize, side: usize) -> usize {
        let (row, col) = if self.transpose { (col, row) } else { (row, col) };
        let flip = |i: usize, flipped: bool| if flipped { side - 1 - i } else { i };
        flip(row, self.flip_rows) * side + flip(col, self.flip_cols)
    }

    /// The planes of `side` × `side` values, each turned.
    fn turn(self, planes: &[f32], side: usize) -> Vec<f32> {
        let turn_plane = |plane: &[f32]| -> Vec<f32> { (0..side * side).map(|i| plane[self.source(i / side, i % side, side)]).collect() };
        planes.chunks_exact(side * side).flat_map(turn_plane).collect()
    }

    /// A batch of square tiles with every raster turned; values that fill their plane stay.
    pub(super) fn turned(self, batch: &Batch) -> Batch {
        let side = batch.height;
        let of = |values: &Vec<f32>| if values.len() == batch.n * side * side { self.turn(values, side) } else { values.clone() };
        Batch {
            channels: batch.channels.iter().map(of).collect(),
            target: of(&batch.target),
            ocean: of(&batch.ocean),
            crops: batch.crops.clone(),
            ..*batch
        }
    }

    /// Adds planes that were computed from turned tiles to `sums`, turned back.
    pub(super) fn add_back(self, planes: &[f32], side: usize, sums: &mut [f32]) {
        for (plane, sums) in planes.chunks_exact(side * side).zip(sums.chunks_exact_mut(side * side)) {
            for (i, value) in plane.iter().enumerate() {
                sums[self.source(i / side, i % side, side)] += value;
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
            symmetry.add_back(&turned, 3, &mut back);
            assert_eq!(back, square, "{symmetry:?}");
            assert!(!seen.contains(&turned), "{symmetry:?}");
            assert_eq!(turned == square, symmetry.is_identity());
            seen.push(turned);
        }
    }
}
