//! Melt where the microwaves say so: 1 where the brightness temperature exceeds a threshold that depends on the winter before.
//!
//! map(p) = 1 where pmw(p) > 0.48 · winter_mean(p) + 128, all in kelvin and float32, else 0; 0 on ocean. The winter mean is that of
//! January and February of the day's year (`YYYY_jan_feb.tif` in `path_pmw_winter_mean`). No statistics and no blur.

use serde_json::Value;

use super::maps::{Made, Maps};
use crate::config::Config;
use crate::data::Window;
use crate::data::dataset::{Dataset, HostSample};
use crate::data::day::Split;
use crate::domains::helheim::{PMW, PMW_WINTER_MEAN};
use crate::error::Result;
use crate::event::Event;
use crate::predict::Destination;
use crate::tasks;

/// Weight of the winter mean in the threshold.
pub const WINTER_WEIGHT: f32 = 0.48;
/// The rest of the threshold, K.
pub const WINTER_OFFSET: f32 = 128.0;

/// The days of a split with their brightness temperatures and winter means.
pub struct ThresholdPmw {
    dataset: Dataset,
    /// 1 on ocean, rows × columns.
    ocean: Vec<f32>,
}

impl ThresholdPmw {
    /// Opens the days of a split; the configured input channels play no part.
    ///
    /// # Errors
    /// A missing split, brightness temperature, winter mean, target (but for deploy) or land mask; rasters of different grids.
    pub fn new(config: &Config, split: Split) -> Result<Self> {
        let mut of_pmw = config.clone();
        of_pmw.in_keys = vec![PMW.to_owned()];
        of_pmw.in_keys_static.clear();
        of_pmw.in_keys_aux = vec![PMW_WINTER_MEAN.to_owned()];
        let dataset = Dataset::open(&of_pmw, split)?;
        let ocean = dataset.ocean(0)?;
        Ok(ThresholdPmw { dataset, ocean })
    }

    /// The days to be mapped, with their inputs.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// The map of a day: rows × columns, 1 for melt, else 0.
    ///
    /// # Errors
    /// A raster that cannot be read or has pixels without a value.
    pub fn map(&self, day: usize, sample: &mut HostSample) -> Result<Vec<f32>> {
        let [rows, cols] = self.dataset.scene(0);
        self.dataset.read(day, Window::whole(rows, cols), sample)?;
        // In network order: the day's field, then the winter mean.
        let pixels = sample.channels[0].iter().zip(&sample.channels[1]).zip(&self.ocean);
        Ok(pixels.map(|((pmw, winter), ocean)| f32::from(u8::from(*ocean == 0.0 && melts(*pmw, *winter)))).collect())
    }
}

/// Whether a brightness temperature is above the threshold of its winter mean, both in K.
pub fn melts(pmw: f32, winter_mean: f32) -> bool {
    pmw > WINTER_WEIGHT * winter_mean + WINTER_OFFSET
}

/// Writes the maps of a split's days, in order of time.
///
/// # Errors
/// As [`ThresholdPmw`]; a map or picture that cannot be written.
pub fn write_maps(config: &Config, split: Split, destination: Destination, observe: &mut dyn FnMut(Event)) -> Result<()> {
    let baseline = ThresholdPmw::new(config, split)?;
    let dataset = baseline.dataset();
    let files = destination.files("threshold-pmw", tasks::of(config).as_ref(), "");
    let (size, ocean) = (dataset.scene(0), &baseline.ocean);
    let mut sample = HostSample::default();
    let geo = |day| {
        let geo = dataset.output_geo(day);
        // The day is done with.
        dataset.release(day);
        geo
    };
    Maps { label: "threshold-pmw", config, destination, fills: None, options: Value::Null, days: dataset.days(), files, size, ocean }.write(
        observe,
        &geo,
        &mut |day, _| baseline.map(day, &mut sample).map(Made::from),
    )
}
