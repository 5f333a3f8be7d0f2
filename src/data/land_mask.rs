//! Which pixels of a scene count: a raster of land and ocean, however it says so.

use std::path::Path;
use std::sync::Arc;

use super::Window;
use super::notices::tell_once_a_folder;
use super::raster::{Raster, rows_at_once};
use crate::error::Result;

/// What a mask's numbers mean. A pixel without a value is ocean with either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Convention {
    /// Below 0 is ocean, as in the reference's data (−1 and 1).
    BelowZero,
    /// 0 is ocean, as in masks of 0 and 1, of classes, or of 0 and 255.
    Zero,
}

/// A mask with its convention: numbers below 0 are ocean where it has any; otherwise zeros are, where it has other numbers too.
#[derive(Debug, Clone)]
pub struct LandMask {
    raster: Arc<Raster>,
    convention: Convention,
}

impl LandMask {
    /// Opens a mask, looks through it, and tells once what is taken for ocean and how much of the scene that is.
    ///
    /// # Errors
    /// Those of [`Raster::open`]; infinite values.
    pub fn open(path: impl AsRef<Path>) -> Result<LandMask> {
        let raster = Raster::open(path)?;
        let (rows, cols) = (raster.rows(), raster.cols());
        let (mut below, mut zeros, mut above) = (0u64, 0u64, 0u64);
        let mut values = Vec::new();
        for row in (0..rows).step_by(rows_at_once(cols)) {
            let window = Window { row, col: 0, height: rows_at_once(cols).min(rows - row), width: cols };
            values.resize(window.pixels(), 0.0);
            raster.read_window(window, &mut values)?;
            raster.refuse_infinite(&values)?;
            for value in &values {
                below += u64::from(*value < 0.0);
                zeros += u64::from(*value == 0.0);
                above += u64::from(*value > 0.0);
            }
        }
        let pixels = (rows * cols) as u64;
        let without = pixels - below - zeros - above;
        let (convention, ocean, which) = match (below, zeros, above) {
            (0, 1.., 1..) => (Convention::Zero, zeros + without, "those of 0"),
            (0, ..) => (Convention::BelowZero, without, "it has none below 0, nor zeros beside other numbers"),
            _ => (Convention::BelowZero, below + without, "those below 0"),
        };
        tell_once_a_folder(raster.path(), "land mask", || {
            let (share, also) = (100.0 * ocean as f64 / pixels as f64, if without > 0 { " and those without a value" } else { "" });
            format!("as a land mask it takes out {share:.1} % of the pixels: {which}{also}")
        });
        Ok(LandMask { raster: Arc::new(raster), convention })
    }

    /// The raster.
    pub fn raster(&self) -> &Arc<Raster> {
        &self.raster
    }

    /// A window of it: 1 on ocean, 0 on land.
    ///
    /// # Shapes
    /// `out`: height × width.
    ///
    /// # Errors
    /// Those of [`Raster::read_window`].
    pub fn read_ocean(&self, window: Window, out: &mut [f32]) -> Result<()> {
        self.raster.read_window(window, out)?;
        let is_ocean = |value: f32| match self.convention {
            Convention::BelowZero => value < 0.0 || value.is_nan(),
            Convention::Zero => value == 0.0 || value.is_nan(),
        };
        out.iter_mut().for_each(|value| *value = if is_ocean(*value) { 1.0 } else { 0.0 });
        Ok(())
    }
}
