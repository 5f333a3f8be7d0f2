//! Where the tiles of a map lie.

use std::collections::BTreeSet;

use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::data::framed::Frame;
use crate::data::tiles::{Mosaic, fit_to_scene};
use crate::domains::Unit;
use crate::error::Result;

/// The tiles that a configuration asks for.
#[derive(Debug, Clone, Copy)]
pub struct Tiling {
    /// Rows and columns of a tile.
    pub tile: [usize; 2],
    unit: Unit,
    stride: usize,
    erode: usize,
}

impl Tiling {
    /// Those of a configuration's maps, and what to warn of. Days, which all have the size of `scene`, get tiles that fit into it. Scenes
    /// get frames that tiles fit into; nothing configured, tiles of those lie half a side apart, as in GlaViTU's program.
    pub fn of(config: &Config, scene: [usize; 2]) -> (Tiling, Option<String>) {
        let unit = config.domain().unit;
        let (tile, warning) = match unit {
            Unit::Day => fit_to_scene(config.img_size, scene),
            Unit::Scene => (config.img_size, None),
        };
        let stride = config.prediction_stride.unwrap_or(match unit {
            Unit::Day => tile[0],
            Unit::Scene => (tile[0].min(tile[1]) / 2).max(1),
        });
        (Tiling { tile, unit, stride, erode: config.erode_size }, warning)
    }

    /// What is laid around a scene so that tiles fit.
    pub fn frame(&self, scene: [usize; 2]) -> Frame {
        match self.unit {
            Unit::Day => Frame::none(scene),
            Unit::Scene => Frame::around(scene, self.tile),
        }
    }

    /// The tiles of a scene in its frame.
    ///
    /// # Errors
    /// Those of [`Mosaic::new`]: tiles that leave a gap.
    pub fn mosaic(&self, scene: [usize; 2]) -> Result<Mosaic> {
        Mosaic::new(self.frame(scene).size, self.tile, self.stride, self.erode)
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
