//! Crops of named scenes, as many in an epoch as the scenes have room for: each of a scene that is drawn, or of the scenes in turn, in an
//! order that is; and the windows of a validation.

use super::Window;
use super::framed::Frame;
use super::tiles::{Crop, Mosaic};
use crate::error::Result;
use crate::random::{Draw, Purpose};

/// How often an epoch sees each pixel of the scenes, about, where nobody says how many crops it has.
const TIMES_SEEN: usize = 4;

/// Crops of an epoch of training: `asked`, or four times the windows that fit side by side, at least one.
pub fn train_count(frames: &[Frame], [height, width]: [usize; 2], asked: Option<usize>) -> usize {
    // A scene that is smaller than a crop holds one, and what a frame adds beyond is not counted.
    let along = |side: usize, crop: usize| (side / crop.max(1)).max(1);
    let windows: usize = frames.iter().map(|frame| along(frame.scene[0], height) * along(frame.scene[1], width)).sum();
    asked.unwrap_or(TIMES_SEEN * windows).max(1)
}

/// So many crops of an epoch of training, at places drawn uniformly, each of a scene drawn uniformly, or of the scenes `in_turn`, in a
/// random order; they depend on the seed, the epoch and the sizes alone.
///
/// Every frame must hold a crop.
pub fn train_crops(seed: u64, epoch: u64, frames: &[Frame], [height, width]: [usize; 2], count: usize, in_turn: bool) -> Vec<Crop> {
    let mut draw = Draw::new(seed, Purpose::Train, epoch as i64);
    let mut order: Vec<usize> = (0..frames.len()).collect();
    if in_turn {
        draw.shuffle(&mut order);
    }
    let of = |number: usize| {
        let day = if in_turn { order[number % order.len()] } else { draw.below(frames.len()) };
        let [rows, cols] = frames[day].size;
        let (row, col) = (draw.below(rows - height + 1), draw.below(cols - width + 1));
        Crop { day, window: Window { row, col, height, width }, number }
    };
    (0..count).map(of).collect()
}

/// Windows side by side over all scenes, the last of a row or column pushed back to its end.
///
/// # Errors
/// Those of [`Mosaic::new`].
pub fn val_crops(frames: &[Frame], crop: [usize; 2]) -> Result<Vec<Crop>> {
    let mut crops: Vec<Crop> = Vec::new();
    for (day, frame) in frames.iter().enumerate() {
        let tiles = Mosaic::new(frame.size, crop, crop[0].min(crop[1]), 0)?.tiles;
        crops.extend(tiles.iter().map(|tile| Crop { day, window: tile.window, number: 0 }));
    }
    crops.iter_mut().enumerate().for_each(|(number, crop)| crop.number = number);
    Ok(crops)
}
