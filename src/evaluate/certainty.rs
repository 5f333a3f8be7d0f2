//! How sure maps are against how often they are right, as the bands beside them say it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::calibrate::curve::FITTED_BINS;
use crate::calibrate::{BINS, BinMeans, Reliability};
use crate::data::class_map::beside_map;
use crate::data::described::bands_of;
use crate::data::raster::Raster;
use crate::error::{Error, Result};
use crate::tasks::Task;

/// What the bands beside the maps of a model say, as the network gives it and calibrated; none of what no scene had.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Certainty {
    /// As the network gives it.
    pub said: Option<Reliability>,
    /// By the curve of a calibration.
    pub calibrated: Option<Reliability>,
}

/// The same in a file of scores.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WrittenCertainty {
    /// As the network gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<WrittenReliability>,
    /// By the curve of a calibration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<WrittenReliability>,
}

/// Bins of what maps say, and how far that is from what is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WrittenReliability {
    /// Expected calibration error, in 100 bins.
    pub expected_calibration_error: Option<f64>,
    /// Ten bins; their targets are 1 where a map is right, else 0.
    pub bins: Vec<BinMeans>,
}

impl Certainty {
    /// Adds a scene: what the file beside `file`, the map, says of each pixel. A map without such a file adds nothing.
    ///
    /// # Shapes
    /// `map`, `target`, `mask`: pixels of the map; target and mask as [`Task::masked`] gives them.
    ///
    /// # Errors
    /// [`Error::Input`] where the file cannot be read, or has another size.
    pub(super) fn add(&mut self, task: &dyn Task, file: &Path, map: &[f32], target: &[f32], mask: &[f32]) -> Result<()> {
        let (Some(titles), path) = (task.certainty(), beside_map(file)) else { return Ok(()) };
        if !path.is_file() {
            return Ok(());
        }
        let bands = bands_of(&path)?;
        let right = task.right(map, target);
        for (title, reliability) in titles.into_iter().zip([&mut self.said, &mut self.calibrated]) {
            let Some(band) = bands.iter().position(|band| band.title == title) else { continue };
            let sure = Raster::open_band(&path, band)?.read_all()?;
            if sure.len() != map.len() {
                let message = "is of another size than its map; make both again with `meltcore predict --overwrite`";
                return Err(Error::input(path, message));
            }
            // What nobody mapped says nothing of how sure it is.
            let counted: Vec<f32> = mask.iter().zip(&sure).map(|(mask, sure)| if sure.is_nan() { 1.0 } else { *mask }).collect();
            reliability.get_or_insert_with(|| Reliability::of_bins(FITTED_BINS)).add(&sure, &right, &counted);
        }
        Ok(())
    }

    /// For a file; none where there is none.
    pub(super) fn written(&self) -> Option<WrittenCertainty> {
        let written = |pixels: &Reliability| WrittenReliability {
            expected_calibration_error: pixels.expected_calibration_error(),
            bins: pixels.coarser(BINS).means(),
        };
        let [said, calibrated] = [&self.said, &self.calibrated].map(|pixels| pixels.as_ref().map(written));
        said.is_some().then_some(WrittenCertainty { said, calibrated })
    }
}
