//! Sums of the tiles of one map, in the order in which they come.

use crate::data::tiles::{Mosaic, Tile};

/// A map in the making.
pub(super) struct Canvas {
    cols: usize,
    sums: Vec<f32>,
    laid: usize,
}

impl Canvas {
    pub(super) fn new(scene: [usize; 2]) -> Self {
        Canvas { cols: scene[1], sums: vec![0.0; scene[0] * scene[1]], laid: 0 }
    }

    /// Tiles laid down since the last map was taken.
    pub(super) fn laid(&self) -> usize {
        self.laid
    }

    /// Adds the kept part of a tile's finite values, clipped.
    pub(super) fn lay(&mut self, tile: &Tile, values: &[f32], [low, high]: [f32; 2]) {
        let (window, keep) = (tile.window, tile.keep);
        self.laid += 1;
        for row in keep.row..keep.row + keep.height {
            let source = &values[(row - window.row) * window.width + keep.col - window.col..][..keep.width];
            let target = &mut self.sums[row * self.cols + keep.col..][..keep.width];
            target.iter_mut().zip(source).for_each(|(sum, value)| *sum += value.clamp(low, high));
        }
    }

    /// The mean of the tiles, 0 where `ocean` is 1; the canvas is empty afterwards.
    pub(super) fn take_mean(&mut self, mosaic: &Mosaic, ocean: Option<&[f32]>) -> Vec<f32> {
        self.laid = 0;
        let empty = vec![0.0; self.sums.len()];
        let mut map = std::mem::replace(&mut self.sums, empty);
        for (row, rows) in map.chunks_exact_mut(self.cols).zip(&mosaic.row_counts) {
            row.iter_mut().zip(&mosaic.col_counts).for_each(|(value, cols)| *value /= (rows * cols) as f32);
        }
        for (value, ocean) in map.iter_mut().zip(ocean.unwrap_or_default()) {
            *value *= 1.0 - ocean;
        }
        map
    }
}
