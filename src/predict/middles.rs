//! Tiles of which the middle is kept, blended as SSL4SAR's program does it (Gourmelon et al. 2025, arXiv 2507.01747):
//! map = Σ g·p / max(Σ g, 1e-12), g(y, x) = exp(−((y − h/2)² / 2(h/8)² + (x − w/2)² / 2(w/8)²)), h and w the sides of the middle.
//!
//! Weights and products are float32, sums float64.

use crate::data::tiles::Tile;

/// Least sum of weights that is divided by.
const LEAST: f64 = 1e-12;

/// A map in the making.
pub(super) struct Middles {
    cols: usize,
    pixels: usize,
    /// Band by band, rows × columns.
    sums: Vec<f64>,
    totals: Vec<f64>,
    /// Of a middle of this size, rows × columns.
    weights: ([usize; 2], Vec<f32>),
}

/// The weights of a middle of so many rows and columns.
fn weights([height, width]: [usize; 2]) -> Vec<f32> {
    let along = |at: usize, side: usize| {
        let (away, sigma) = (at as f32 - (side / 2) as f32, side as f32 / 8.0);
        away * away / (2.0 * sigma * sigma)
    };
    (0..height).flat_map(|y| (0..width).map(move |x| (-(along(y, height) + along(x, width))).exp())).collect()
}

impl Middles {
    pub(super) fn new([rows, cols]: [usize; 2], bands: usize) -> Middles {
        let pixels = rows * cols;
        Middles { cols, pixels, sums: vec![0.0; bands * pixels], totals: vec![0.0; pixels], weights: ([0, 0], Vec::new()) }
    }

    /// Adds the middle of a tile.
    ///
    /// # Shapes
    /// `values`: bands × pixels of the tile.
    pub(super) fn lay(&mut self, tile: &Tile, values: &[f32]) {
        let (window, keep) = (tile.window, tile.keep);
        let size = [keep.height, keep.width];
        if self.weights.0 != size {
            self.weights = (size, weights(size));
        }
        for (row, weights) in self.weights.1.chunks_exact(keep.width.max(1)).enumerate() {
            let target = (keep.row + row) * self.cols + keep.col;
            let source = (keep.row - window.row + row) * window.width + keep.col - window.col;
            let totals = &mut self.totals[target..target + keep.width];
            totals.iter_mut().zip(weights).for_each(|(total, weight)| *total += f64::from(*weight));
            for (values, sums) in values.chunks_exact(window.pixels()).zip(self.sums.chunks_exact_mut(self.pixels)) {
                let values = values[source..source + keep.width].iter().zip(weights);
                sums[target..target + keep.width].iter_mut().zip(values).for_each(|(sum, (p, g))| *sum += f64::from(g * p));
            }
        }
    }

    /// The map, 0 where no middle lies; the canvas is empty afterwards.
    pub(super) fn take_mean(&mut self) -> Vec<f32> {
        let mean = |(sum, total): (&f64, &f64)| (sum / total.max(LEAST)) as f32;
        let map = self.sums.iter().zip(self.totals.iter().cycle()).map(mean).collect();
        self.sums.fill(0.0);
        self.totals.fill(0.0);
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::tiles::Mosaic;

    #[test]
    fn the_peak_lies_on_the_pixel_behind_the_middle() {
        let weights = weights([256, 256]);
        let at = |y: usize, x: usize| f64::from(weights[y * 256 + x]);
        assert!(at(128, 128) == 1.0 && at(127, 128) < 1.0);
        assert!((at(0, 0) / 1.125e-7 - 1.0).abs() < 1e-3 && (at(255, 128) / 3.799e-4 - 1.0).abs() < 1e-3, "{} {}", at(0, 0), at(255, 128));
    }

    #[test]
    fn maps_are_the_weighted_means_of_the_tiles_by_definition() {
        let (size, tile, bands) = ([28, 36], [16, 16], 2);
        let mosaic = Mosaic::of_middles(size, tile, 4, [4, 4]).unwrap();
        let value = |number: usize, at: usize| ((number * 31 + at * 17) % 101) as f32 / 101.0;
        let mut middles = Middles::new(size, bands);
        let mut expected = vec![(0.0, 0.0); bands * size[0] * size[1]];
        for (number, tile) in mosaic.tiles.iter().enumerate() {
            let values: Vec<f32> = (0..bands * 256).map(|at| value(number, at)).collect();
            middles.lay(tile, &values);
            for (band, row, col) in (0..bands).flat_map(|band| (4..12).flat_map(move |row| (4..12).map(move |col| (band, row, col)))) {
                let away = |at: usize| (at as f64 - 8.0).powi(2);
                let g = (-(away(row) + away(col)) / 2.0).exp();
                let (sum, total) = &mut expected[(band * size[0] + tile.window.row + row) * size[1] + tile.window.col + col];
                *sum += g * f64::from(value(number, (band * 16 + row) * 16 + col));
                *total += g;
            }
        }
        assert_eq!((mosaic.tiles.len(), mosaic.row_counts[3], mosaic.row_counts[4], mosaic.row_counts[8]), (4 * 6, 0, 1, 2));
        let map = middles.take_mean();
        for (got, (sum, total)) in map.iter().zip(&expected) {
            let wanted = if *total == 0.0 { 0.0 } else { sum / total };
            assert!((f64::from(*got) - wanted).abs() < 1e-6, "{got} {wanted}");
        }
        assert!(middles.take_mean().iter().all(|value| *value == 0.0));
        assert!(Mosaic::of_middles(size, tile, 9, [4, 4]).is_err() && Mosaic::of_middles(size, tile, 4, [8, 8]).is_err());
    }
}
