//! Where the tiles of a map lie.

use std::collections::BTreeSet;

use super::Blend;
use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::data::framed::Frame;
use crate::data::tiles::{Mosaic, fit_to_scene};
use crate::domains::Unit;
use crate::error::{Error, Result};

/// The tiles that a configuration asks for.
#[derive(Debug, Clone, Copy)]
pub struct Tiling {
    /// Rows and columns of a tile.
    pub tile: [usize; 2],
    unit: Unit,
    stride: usize,
    erode: usize,
    /// Of tiles whose middles alone are kept: what is not, on each side, rows and columns.
    margin: Option<[usize; 2]>,
    /// Whether frames may be a pixel wider, as published.
    as_published: bool,
}

impl Tiling {
    /// Those of a configuration's maps, blended so, and what to warn of. Days, which all have the size of `scene`, get tiles that fit into
    /// it. Scenes get frames that tiles fit into; nothing configured, tiles of those lie half a side apart, as in GlaViTU's program, and
    /// those of which the middle is kept half a middle, as in SSL4SAR's.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) for a `centre` that is larger than a tile or not in its middle.
    pub fn of(config: &Config, blend: Blend, scene: [usize; 2]) -> Result<(Tiling, Option<String>)> {
        let unit = config.domain().unit;
        let (tile, warning) = match unit {
            Unit::Day => fit_to_scene(config.img_size, scene),
            Unit::Scene => (config.img_size, None),
        };
        let margin = match (blend, unit) {
            (Blend::CentreGaussian, Unit::Scene) => Some(margin(config, tile)?),
            (Blend::CentreGaussian, Unit::Day) => {
                return Err(Error::Usage("--blend centre-gaussian is of scenes, which have a frame around them; choose another".into()));
            }
            _ => None,
        };
        let stride = config.prediction_stride.unwrap_or(match (unit, margin) {
            (Unit::Day, _) => tile[0],
            (Unit::Scene, None) => (tile[0].min(tile[1]) / 2).max(1),
            (Unit::Scene, Some(margin)) => ((tile[0] - 2 * margin[0]).min(tile[1] - 2 * margin[1]) / 2).max(1),
        });
        Ok((Tiling { tile, unit, stride, erode: config.erode_size, margin, as_published: config.reference_windows }, warning))
    }

    /// Pixels along what is kept of a tile, the smaller side: the stride by which middles lie side by side.
    pub fn middle(&self) -> usize {
        let margin = self.margin.unwrap_or_default();
        (0..2).map(|axis| self.tile[axis] - 2 * margin[axis]).min().unwrap_or(1)
    }

    /// What is laid around a scene so that tiles fit: of middles side by side that of their validation in training, where they are half of
    /// a tile.
    pub fn frame(&self, scene: [usize; 2]) -> Frame {
        match (self.unit, self.margin) {
            (Unit::Day, _) => Frame::none(scene),
            (Unit::Scene, None) => Frame::around(scene, self.tile),
            (Unit::Scene, Some(_)) if self.tile == [2 * self.stride; 2] => Frame::wide(scene, [self.stride; 2], self.as_published),
            (Unit::Scene, Some(margin)) => Frame::of_middles(scene, self.tile, margin, self.stride),
        }
    }

    /// The tiles of a scene in its frame.
    ///
    /// # Errors
    /// Those of [`Mosaic::new`]: tiles that leave a gap.
    pub fn mosaic(&self, scene: [usize; 2]) -> Result<Mosaic> {
        let size = self.frame(scene).size;
        match self.margin {
            None => Mosaic::new(size, self.tile, self.stride, self.erode),
            Some(margin) => Mosaic::of_middles(size, self.tile, self.stride, margin),
        }
    }

    /// Refuses tiles that leave a gap in any scene of a dataset.
    ///
    /// # Errors
    /// Those of [`Tiling::mosaic`].
    pub fn check(&self, dataset: &Dataset) -> Result<()> {
        let sizes: BTreeSet<[usize; 2]> = (0..dataset.days().len()).map(|day| dataset.scene(day)).collect();
        sizes.into_iter().try_for_each(|size| self.mosaic(size).map(drop))
    }
}

/// What is not kept of a tile on each side.
fn margin(config: &Config, tile: [usize; 2]) -> Result<[usize; 2]> {
    let kept = tile.map(|side| config.centre.unwrap_or(side - 2 * (side / 4)));
    match (0..2).find(|axis| kept[*axis] > tile[*axis] || kept[*axis] == 0 || (tile[*axis] - kept[*axis]) % 2 == 1) {
        Some(axis) => {
            let message = format!(
                "is {}, and does not lie in the middle of a tile of {} pixels (img_size); give less, so that the rest is even",
                kept[axis], tile[axis]
            );
            Err(config.key_error("centre", message))
        }
        None => Ok([0, 1].map(|axis| (tile[axis] - kept[axis]) / 2)),
    }
}
