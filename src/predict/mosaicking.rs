//! Weighted sums of the tiles of one map, band by band, in the order in which they come.

use super::Blend;
use super::middles::Middles;
use crate::data::Window;
use crate::data::tiles::{Mosaic, Tile};

/// A map in the making.
pub(super) struct Mosaicking {
    laid: usize,
    sums: Sums,
}

enum Sums {
    Products(Products),
    Middles(Middles),
}

impl Mosaicking {
    pub(super) fn new(scene: [usize; 2], bands: usize, mosaic: &Mosaic, blend: Blend) -> Self {
        let sums = match blend {
            Blend::CentreGaussian => Sums::Middles(Middles::new(scene, bands)),
            _ => Sums::Products(Products::new(scene, bands, mosaic, blend)),
        };
        Mosaicking { laid: 0, sums }
    }

    /// Tiles laid down since the last map was taken.
    pub(super) fn laid(&self) -> usize {
        self.laid
    }

    /// Adds the kept part of a tile's finite values.
    ///
    /// # Shapes
    /// `values`: bands × pixels of the tile.
    pub(super) fn lay(&mut self, tile: &Tile, values: &[f32]) {
        self.laid += 1;
        match &mut self.sums {
            Sums::Products(sums) => sums.lay(tile, values),
            Sums::Middles(sums) => sums.lay(tile, values),
        }
    }

    /// The weighted mean of the tiles; the canvas is empty afterwards.
    pub(super) fn take_mean(&mut self) -> Vec<f32> {
        self.laid = 0;
        match &mut self.sums {
            Sums::Products(sums) => sums.take_mean(),
            Sums::Middles(sums) => sums.take_mean(),
        }
    }
}

/// Sums with weights of the tiles that are products of one factor a row and one a column, and so are the weights' sums over a regular
/// mosaic.
struct Products {
    cols: usize,
    /// Band by band, rows × columns.
    sums: Vec<f32>,
    /// Factors within a tile, rows and columns.
    factors: [Vec<f32>; 2],
    /// Sums of the factors over all tiles, for each row and column of the scene.
    totals: [Vec<f32>; 2],
}

impl Products {
    fn new(scene: [usize; 2], bands: usize, mosaic: &Mosaic, blend: Blend) -> Self {
        let first = mosaic.tiles.first().map_or(Window::whole(0, 0), |tile| tile.window);
        let factors = [blend.factors(first.height), blend.factors(first.width)];
        let mut totals = scene.map(|size| vec![0.0; size]);
        for Tile { window, keep } in &mosaic.tiles {
            // The first column and the first row of tiles hold every offset once.
            if window.col == first.col {
                let kept = &factors[0][keep.row - window.row..][..keep.height];
                totals[0][keep.row..].iter_mut().zip(kept).for_each(|(total, factor)| *total += factor);
            }
            if window.row == first.row {
                let kept = &factors[1][keep.col - window.col..][..keep.width];
                totals[1][keep.col..].iter_mut().zip(kept).for_each(|(total, factor)| *total += factor);
            }
        }
        Products { cols: scene[1], sums: vec![0.0; bands * scene[0] * scene[1]], factors, totals }
    }

    fn lay(&mut self, tile: &Tile, values: &[f32]) {
        let (window, keep) = (tile.window, tile.keep);
        let pixels = self.totals[0].len() * self.cols;
        let of_cols = &self.factors[1][keep.col - window.col..][..keep.width];
        for (values, sums) in values.chunks_exact(window.pixels()).zip(self.sums.chunks_exact_mut(pixels)) {
            for row in keep.row..keep.row + keep.height {
                let of_row = self.factors[0][row - window.row];
                let source = &values[(row - window.row) * window.width + keep.col - window.col..][..keep.width];
                let target = &mut sums[row * self.cols + keep.col..][..keep.width];
                for ((sum, value), of_col) in target.iter_mut().zip(source).zip(of_cols) {
                    *sum += value * (of_row * of_col);
                }
            }
        }
    }

    fn take_mean(&mut self) -> Vec<f32> {
        let empty = vec![0.0; self.sums.len()];
        let mut map = std::mem::replace(&mut self.sums, empty);
        for (row, of_row) in map.chunks_exact_mut(self.cols).zip(self.totals[0].iter().cycle()) {
            row.iter_mut().zip(&self.totals[1]).for_each(|(value, of_col)| *value /= of_row * of_col);
        }
        map
    }
}
