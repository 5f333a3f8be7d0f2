//! Which windows of a scene are read: seeded random crops for training, and the tiles of a mosaic for whole maps.

use super::Window;
use crate::error::{Error, Result};
use crate::random::{Draw, Purpose};

/// A window of a day: what one sample of a batch is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop {
    /// Index of the day in its dataset.
    pub day: usize,
    /// Where in the scene.
    pub window: Window,
    /// Which sample of its epoch it is, for draws that belong to it alone; where each day is in an epoch once, its day.
    pub number: usize,
}

/// Draws one random crop of each day of an epoch.
///
/// The draw depends on the seed, the epoch and the purpose alone: a run that resumes at epoch 7 sees the crops of a run that got there.
#[derive(Debug, Clone)]
pub struct CropSampler {
    draw: Draw,
    purpose: Purpose,
    days: usize,
    scene: [usize; 2],
    crop: [usize; 2],
}

impl CropSampler {
    /// A sampler for one epoch over `days` days of `scene` = [rows, columns] with crops of `crop` = [rows, columns].
    ///
    /// # Errors
    /// [`Error::Shape`] where the crop is empty or larger than the scene; [`fit_to_scene`] reduces it.
    pub fn new(seed: u64, epoch: u64, purpose: Purpose, days: usize, scene: [usize; 2], crop: [usize; 2]) -> Result<Self> {
        refuse_bad_size("img_size", crop, scene)?;
        Ok(CropSampler { draw: Draw::new(seed, purpose, epoch as i64), purpose, days, scene, crop })
    }

    /// The epoch's crops: every day once, shuffled for training and in order for validation, each at a uniformly drawn place.
    pub fn crops(mut self) -> Vec<Crop> {
        let mut order: Vec<usize> = (0..self.days).collect();
        if self.purpose == Purpose::Train {
            self.draw.shuffle(&mut order);
        }
        let [height, width] = self.crop;
        let draw = |day| {
            let row = self.draw.below(self.scene[0] - height + 1);
            let col = self.draw.below(self.scene[1] - width + 1);
            Crop { day, window: Window { row, col, height, width }, number: day }
        };
        order.into_iter().map(draw).collect()
    }
}

/// `img_size` reduced to the scene where it is larger, with a line to warn of it.
pub fn fit_to_scene(img_size: [usize; 2], scene: [usize; 2]) -> ([usize; 2], Option<String>) {
    let fitted = [img_size[0].min(scene[0]), img_size[1].min(scene[1])];
    let warning = (fitted != img_size)
        .then(|| format!("`img_size` {img_size:?} is larger than the scene {scene:?}; it is reduced to {fitted:?} (rows, columns)"));
    (fitted, warning)
}

fn refuse_bad_size(name: &str, size: [usize; 2], scene: [usize; 2]) -> Result<()> {
    if size.contains(&0) || size[0] > scene[0] || size[1] > scene[1] {
        return Err(Error::shape("tiles", format!("`{name}` {size:?} does not fit the scene of {scene:?} (rows, columns)")));
    }
    Ok(())
}

/// One tile of a mosaic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// What is read and predicted.
    pub window: Window,
    /// The part of the scene that the tile's prediction is used for: the window without its eroded sides.
    pub keep: Window,
}

/// The tiles of one axis: where they start, and from where to where each is kept.
#[derive(Debug, Clone)]
struct Axis {
    offsets: Vec<usize>,
    kept: Vec<std::ops::Range<usize>>,
}

impl Axis {
    fn new(size: usize, tile: usize, stride: usize, erode: usize) -> Axis {
        let last = size - tile;
        let mut offsets: Vec<usize> = (0..=last).step_by(stride).collect();
        if offsets.last() != Some(&last) {
            offsets.push(last);
        }
        let keep = |&offset: &usize| {
            let start = if offset == 0 { 0 } else { offset + erode };
            let end = if offset == last { size } else { (offset + tile).saturating_sub(erode) };
            start..end.max(start)
        };
        let kept = offsets.iter().map(keep).collect();
        Axis { offsets, kept }
    }

    /// How many tiles are averaged at each position.
    fn counts(&self, size: usize) -> Vec<u32> {
        let mut counts = vec![0; size];
        for range in &self.kept {
            // Erosion may push the start of an empty range past the end of the scene.
            counts.get_mut(range.clone()).into_iter().flatten().for_each(|count| *count += 1);
        }
        counts
    }
}

/// The tiles of two axes, down the rows first.
fn tiles(down: &Axis, across: &Axis, tile: [usize; 2]) -> Vec<Tile> {
    let mut tiles = Vec::with_capacity(down.offsets.len() * across.offsets.len());
    for (&col, cols) in across.offsets.iter().zip(&across.kept) {
        for (&row, rows) in down.offsets.iter().zip(&down.kept) {
            let window = Window { row, col, height: tile[0], width: tile[1] };
            let keep = Window { row: rows.start, col: cols.start, height: rows.len(), width: cols.len() };
            tiles.push(Tile { window, keep });
        }
    }
    tiles
}

/// The tiles of a whole scene and how often each row and column is covered.
///
/// Tiles start at 0, stride, 2·stride, … with one more flush with the border where needed; the list runs down the rows first, then
/// on to the next column. Each side of a tile loses `erode` pixels except where it lies on the border of the scene. What overlaps is
/// averaged, with equal weights unless asked otherwise: the pixel at (row, col) has `row_counts[row] · col_counts[col]` tiles.
#[derive(Debug, Clone)]
pub struct Mosaic {
    /// The tiles in their order.
    pub tiles: Vec<Tile>,
    /// Tiles over each row, at least 1, in frames of tiles whose middles are kept also none.
    pub row_counts: Vec<u32>,
    /// Tiles over each column, alike.
    pub col_counts: Vec<u32>,
}

impl Mosaic {
    /// Plans a mosaic over `scene` = [rows, columns] with tiles of `tile` = [rows, columns], `stride` and `erode` in pixels.
    ///
    /// # Errors
    /// [`Error::Shape`] where the tile does not fit the scene, and [`Error::Usage`] where the stride is 0 or leaves pixels
    /// uncovered, with the largest stride that works.
    pub fn new(scene: [usize; 2], tile: [usize; 2], stride: usize, erode: usize) -> Result<Mosaic> {
        refuse_bad_size("img_size", tile, scene)?;
        let axes = |stride| [0, 1].map(|axis| Axis::new(scene[axis], tile[axis], stride, erode));
        let covers = |axes: &[Axis; 2]| (0..2).all(|axis| !axes[axis].counts(scene[axis]).contains(&0));
        if stride == 0 {
            return Err(Error::Usage("`prediction_stride` is 0; set it to a positive number of pixels".into()));
        }
        let planned = axes(stride);
        if !covers(&planned) {
            let largest = (1..stride.min(scene[0].max(scene[1]))).rev().find(|&smaller| covers(&axes(smaller)));
            let cure = match largest {
                Some(largest) => format!("the largest stride that covers everything is {largest}"),
                None => "no stride covers everything: reduce `erode_size` or enlarge `img_size`".to_string(),
            };
            return Err(Error::Usage(format!(
                "`prediction_stride` {stride} with `img_size` {tile:?} and `erode_size` {erode} leaves pixels of the scene {scene:?} \
                 without a prediction; {cure}"
            )));
        }
        let [down, across] = planned;
        Ok(Mosaic { tiles: tiles(&down, &across, tile), row_counts: down.counts(scene[0]), col_counts: across.counts(scene[1]) })
    }

    /// Tiles at multiples of the stride over a framed scene of `size` = [rows, columns], of each of which all but `margin` pixels a side is
    /// kept: the outermost margins of the frame stay without a tile.
    ///
    /// # Errors
    /// [`Error::Shape`] where the tile does not fit or has no middle; [`Error::Usage`] for a stride of 0 or one that leaves gaps.
    pub fn of_middles(size: [usize; 2], tile: [usize; 2], stride: usize, margin: [usize; 2]) -> Result<Mosaic> {
        refuse_bad_size("img_size", tile, size)?;
        if (0..2).any(|axis| 2 * margin[axis] >= tile[axis]) {
            return Err(Error::shape("tiles", format!("margins of {margin:?} pixels leave nothing of tiles of {tile:?}")));
        }
        let kept = [0, 1].map(|axis| tile[axis] - 2 * margin[axis]);
        if stride == 0 || stride > kept[0].min(kept[1]) {
            return Err(Error::Usage(format!(
                "`prediction_stride` {stride} leaves gaps between the {} × {} pixels that are kept of each tile; set it to {} or less, or enlarge \
                 `centre`",
                kept[0],
                kept[1],
                kept[0].min(kept[1])
            )));
        }
        let axes = [0, 1].map(|axis| {
            let offsets: Vec<usize> = (0..=size[axis] - tile[axis]).step_by(stride).collect();
            let kept = offsets.iter().map(|offset| offset + margin[axis]..offset + tile[axis] - margin[axis]).collect();
            Axis { offsets, kept }
        });
        let [down, across] = axes;
        Ok(Mosaic { tiles: tiles(&down, &across, tile), row_counts: down.counts(size[0]), col_counts: across.counts(size[1]) })
    }

    /// The crops of all tiles of the given days, day after day.
    pub fn crops(&self, days: impl IntoIterator<Item = usize>) -> Vec<Crop> {
        days.into_iter().flat_map(|day| self.tiles.iter().map(move |tile| Crop { day, window: tile.window, number: day })).collect()
    }
}
