//! How sure maps are against how often they are right, and quantiles against what was seen, as the bands beside maps say it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::calibrate::curve::FITTED_BINS;
use crate::calibrate::{BINS, BinMeans, Reliability, quantiles};
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
    /// Σ (what is said − 1 where it is right, else 0)² of both.
    squares: [f64; 2],
    /// Scenes whose maps say it.
    pub scenes: usize,
    /// Σ CRPS over pixels of maps with quantiles beside, and their number.
    crps: [f64; 2],
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
    /// Mean continuous ranked probability score, in the unit of the map, of maps with quantiles beside ([`crate::calibrate::quantiles`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crps: Option<f64>,
}

/// Bins of what maps say, and how far that is from what is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WrittenReliability {
    /// Expected calibration error, in 100 bins.
    pub expected_calibration_error: Option<f64>,
    /// The Brier score: the mean square of what is said less 1 where that is right, 0 where it is not (Brier 1950).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brier: Option<f64>,
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
        self.scenes += 1;
        let right = task.right(map, target);
        let [said, calibrated] = &mut self.squares;
        for ((title, reliability), squares) in titles.into_iter().zip([&mut self.said, &mut self.calibrated]).zip([said, calibrated]) {
            let Some(band) = bands.iter().position(|band| band.title == title) else { continue };
            let sure = read(&path, band, map.len())?;
            // What nobody mapped says nothing of how sure it is.
            let counted: Vec<f32> = mask.iter().zip(&sure).map(|(mask, sure)| if sure.is_nan() { 1.0 } else { *mask }).collect();
            reliability.get_or_insert_with(|| Reliability::of_bins(FITTED_BINS)).add(&sure, &right, &counted);
            let counted = sure.iter().zip(&right).zip(&counted).filter(|(_, mask)| **mask == 0.0);
            *squares += counted.map(|((sure, right), _)| f64::from(sure - right).powi(2)).sum::<f64>();
        }
        let quantiles = bands.iter().enumerate().filter_map(|(at, band)| Some((at, quantiles::level_of(&band.title)?)));
        let (places, levels): (Vec<usize>, Vec<f64>) = quantiles.unzip();
        if levels.is_empty() {
            return Ok(());
        }
        let weights = quantiles::weights(&levels);
        let planes = places.iter().map(|band| read(&path, *band, map.len())).collect::<Result<Vec<_>>>()?;
        for pixel in (0..map.len()).filter(|pixel| mask[*pixel] == 0.0 && !planes[0][*pixel].is_nan()) {
            let values = planes.iter().map(|plane| f64::from(plane[pixel]));
            self.crps[0] += quantiles::crps(&levels, &weights, values, f64::from(target[pixel]));
            self.crps[1] += 1.0;
        }
        Ok(())
    }

    /// The mean continuous ranked probability score; none without quantiles.
    pub fn crps(&self) -> Option<f64> {
        (self.crps[1] > 0.0).then(|| self.crps[0] / self.crps[1])
    }

    /// The Brier scores, as the network says it and calibrated.
    pub fn brier(&self) -> [Option<f64>; 2] {
        let of = |pixels: &Option<Reliability>, squares: f64| {
            let count = pixels.as_ref().map_or(0, Reliability::valid_px);
            (count > 0).then(|| squares / count as f64)
        };
        [of(&self.said, self.squares[0]), of(&self.calibrated, self.squares[1])]
    }

    /// For a file; none where there is none.
    pub(super) fn written(&self) -> Option<WrittenCertainty> {
        let written = |(pixels, brier): (&Option<Reliability>, Option<f64>)| {
            let of = |pixels: &Reliability| WrittenReliability {
                expected_calibration_error: pixels.expected_calibration_error(),
                brier,
                bins: pixels.coarser(BINS).means(),
            };
            pixels.as_ref().map(of)
        };
        let brier = self.brier();
        let [said, calibrated] = [(&self.said, brier[0]), (&self.calibrated, brier[1])].map(written);
        said.is_some().then_some(WrittenCertainty { said, calibrated, crps: self.crps() })
    }
}

/// A band beside a map of so many pixels.
fn read(path: &Path, band: usize, pixels: usize) -> Result<Vec<f32>> {
    let values = Raster::open_band(path, band)?.read_all()?;
    if values.len() != pixels {
        return Err(Error::input(path, "is of another size than its map; make both again with `meltcore predict --overwrite`"));
    }
    Ok(values)
}
