//! The views of a tile that are averaged: its symmetries, and passes with dropout.

use super::Options;
use crate::data::symmetry::Symmetry;
use crate::data::tiles::Crop;
use crate::error::Result;
use crate::nn::Mode;
use crate::tensor::Tensor;

/// A network's outputs for the same tiles, each turned by a symmetry.
pub(super) type Views = Vec<(Symmetry, Tensor)>;

/// What is done to a tile, heads × pixels, before it is averaged.
pub(super) type Settle<'a> = dyn Fn(&mut [f32]) + 'a;

/// How often and in which modes tiles go through a network: every symmetry, and of each so many passes.
pub(super) fn planned(options: &Options, crop: Option<&Crop>) -> Vec<(Symmetry, Mode)> {
    let symmetries = Symmetry::all().take(if options.d4 { 8 } else { 1 });
    let views = symmetries.flat_map(|symmetry| (0..options.mc_dropout.unwrap_or(1)).map(move |pass| (symmetry, pass)));
    let mode = |(number, (symmetry, _)): (usize, (Symmetry, usize))| match (options.mc_dropout, crop) {
        (Some(_), Some(crop)) => (symmetry, Mode::Sample { draw: draw_of(crop, number) }),
        _ => (symmetry, Mode::Eval),
    };
    views.enumerate().map(mode).collect()
}

/// What is dropped in a view of this number of a tile: its place decides, whatever tiles go before, so that a map that is made again is the
/// same.
fn draw_of(crop: &Crop, number: usize) -> u64 {
    (crop.window.row as u64) << 42 ^ (crop.window.col as u64) << 20 ^ number as u64
}

/// The mean over the views of some tiles, each turned back, and, where they are compared, their population variance; waits for the device.
/// `settle` is done to each view before the mean where it comes first, and always before the variance.
///
/// # Errors
/// Those of [`Tensor::to_vec`].
pub(super) fn moments_of(views: &Views, settle: &Settle, settles_first: bool, compares: bool) -> Result<(Vec<f32>, Vec<f32>)> {
    let settled = |values: &mut [f32], tiles: usize| {
        let of_tile = values.len() / tiles.max(1);
        values.chunks_exact_mut(of_tile.max(1)).for_each(settle);
    };
    let (mut sums, mut spread) = (Vec::new(), Spread::default());
    for (symmetry, output) in views {
        let (mut values, [tiles, _, height, width]) = (output.to_vec()?, output.nchw("predict")?);
        if settles_first {
            settled(&mut values, tiles);
        }
        if views.len() == 1 {
            let variances = if compares { vec![0.0; values.len()] } else { Vec::new() };
            return Ok((values, variances));
        }
        sums.resize(values.len(), 0.0);
        symmetry.add_back(&values, [height, width], &mut sums);
        if compares {
            if !settles_first {
                settled(&mut values, tiles);
            }
            let mut back = vec![0.0; values.len()];
            symmetry.add_back(&values, [height, width], &mut back);
            spread.add(&back);
        }
    }
    sums.iter_mut().for_each(|sum| *sum /= views.len() as f32);
    Ok((sums, spread.variances()))
}

/// Squared distances from the mean, added up one view after the other (Welford 1962, doi 10.1080/00401706.1962.10490022).
#[derive(Default)]
struct Spread {
    count: f32,
    means: Vec<f32>,
    squares: Vec<f32>,
}

impl Spread {
    fn add(&mut self, values: &[f32]) {
        self.count += 1.0;
        self.means.resize(values.len(), 0.0);
        self.squares.resize(values.len(), 0.0);
        for ((value, mean), squares) in values.iter().zip(&mut self.means).zip(&mut self.squares) {
            let before = value - *mean;
            *mean += before / self.count;
            *squares += before * (value - *mean);
        }
    }

    fn variances(self) -> Vec<f32> {
        self.squares.into_iter().map(|squares| squares / self.count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variances_are_those_of_the_views() {
        let mut spread = Spread::default();
        [[0.5, 0.1], [0.5, 0.4], [0.5, 0.7]].iter().for_each(|view| spread.add(view));
        let variances = spread.variances();
        assert!(variances[0] == 0.0 && (variances[1] - 0.06).abs() < 1e-7, "{variances:?}");
    }
}
