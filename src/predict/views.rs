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

/// The mean over the views of some tiles, each turned back; waits for the device. `settle` is done to each view first, where there is one.
///
/// # Errors
/// Those of [`Tensor::to_vec`].
pub(super) fn mean_of(views: &Views, settle: Option<&Settle>) -> Result<Vec<f32>> {
    let settled = |output: &Tensor| -> Result<Vec<f32>> {
        let mut values = output.to_vec()?;
        let of_tile = values.len() / output.shape().dims()[0].max(1);
        if let Some(settle) = settle {
            values.chunks_exact_mut(of_tile).for_each(settle);
        }
        Ok(values)
    };
    if let [(_, only)] = views.as_slice() {
        return settled(only);
    }
    let mut sums = Vec::new();
    for (symmetry, output) in views {
        let values = settled(output)?;
        sums.resize(values.len(), 0.0);
        symmetry.add_back(&values, output.shape().dims()[3], &mut sums);
    }
    sums.iter_mut().for_each(|sum| *sum /= views.len() as f32);
    Ok(sums)
}
