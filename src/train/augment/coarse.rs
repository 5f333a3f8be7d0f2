//! Errors of coarse fields: the same over some distance, as those of a climate model's cells or of wide footprints are.
//!
//! Points of a square lattice, laid anew over each crop, have independent normal numbers, and a pixel the bilinear mean of its four,
//! divided by the root of the sum of squared weights: normal, too, with the standard deviation that is asked for at every pixel, and
//! without edges.

use crate::preprocess::Unit;
use crate::random::Draw;

/// Which inputs have such errors, and how far these reach.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Coarse {
    /// Channels with the standard deviation of their error, where a normalised input has 1.
    pub(super) deviations: Vec<(usize, f64)>,
    /// Pixels between the points.
    pub(super) spacing: usize,
}

impl Coarse {
    /// Adds an error to raw values of a crop of `size` = [rows, columns].
    pub(super) fn change(&self, draw: &mut Draw, (deviation, unit): (f64, Unit), [rows, cols]: [usize; 2], values: &mut [f32]) {
        let lattice = |side: usize, draw: &mut Draw| {
            let offset = draw.below(self.spacing);
            (0..side).map(|i| ((i + offset) / self.spacing, (i + offset) % self.spacing)).collect::<Vec<(usize, usize)>>()
        };
        let (down, across) = (lattice(rows, draw), lattice(cols, draw));
        let points = across.last().map_or(0, |(last, _)| last + 2);
        let normal: Vec<f64> = (0..points * down.last().map_or(0, |(last, _)| last + 2)).map(|_| f64::from(draw.normal())).collect();
        let part = |pixel: usize| (pixel as f64 + 0.5) / self.spacing as f64;
        for (line, (row, below)) in values.chunks_exact_mut(cols.max(1)).zip(down) {
            let low = part(below);
            for (value, (col, right)) in line.iter_mut().zip(&across) {
                let high = part(*right);
                let weights = [(1.0 - low) * (1.0 - high), (1.0 - low) * high, low * (1.0 - high), low * high];
                let at = row * points + col;
                let sum: f64 =
                    [at, at + 1, at + points, at + points + 1].iter().zip(weights).map(|(at, weight)| weight * normal[*at]).sum();
                let root = weights.iter().map(|weight| weight * weight).sum::<f64>().sqrt();
                *value = unit.with_noise(*value, (deviation * sum / root) as f32);
            }
        }
    }
}
