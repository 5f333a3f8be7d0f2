//! The climate model's liquid water as a melt map: blurred, brightened and bent.
//!
//! map(p) = clamp(clamp(b · G ∗ x(p))^γ), x = (mar_wa1 / max_mar_wa1 − mean) / std (without mean and std where `normalize_inputs` is
//! false), G a Gaussian window of `kernel_size` pixels and standard deviation `sigma` over the whole scene, b = `brightness_factor`,
//! γ = `gamma`, clamp to 0…1; 0 on ocean. What is below the mean becomes 0. The `mar_wa1_GaussianBlur_` keys, which blur the input of
//! a network, play no part (the reference would blur twice; its published configuration sets them to no blur).
//! Shader: `shaders/gaussian_blur.wgsl`.

use serde_json::Value;

use super::maps::Maps;
use crate::config::Config;
use crate::data::Window as Part;
use crate::data::dataset::{Dataset, HostSample};
use crate::data::day::Split;
use crate::domains::helheim::MAR_WA1;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::gpu::Gpu;
use crate::kernels::gaussian_blur::{Window, blur_with};
use crate::predict::Destination;
use crate::tasks;
use crate::tensor::Tensor;

/// The four numbers of the method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// Blur window, pixels, odd.
    pub kernel_size: usize,
    /// Standard deviation of the blur, pixels.
    pub sigma: f64,
    /// Power.
    pub gamma: f64,
    /// Factor before the power.
    pub brightness_factor: f64,
}

impl Setting {
    /// Those of a configuration.
    pub fn of(config: &Config) -> Setting {
        let Config { kernel_size, sigma, gamma, brightness_factor, .. } = *config;
        Setting { kernel_size, sigma, gamma, brightness_factor }
    }

    /// Melt fraction of a blurred, normalised value.
    pub fn melt(&self, blurred: f32) -> f32 {
        let bright = self.brightness_factor * f64::from(blurred);
        // Nearly all pixels end at one of the bounds, where the power changes nothing.
        if bright <= 0.0 {
            0.0
        } else if bright >= 1.0 {
            1.0
        } else {
            bright.powf(self.gamma) as f32
        }
    }
}

/// The keys of the four numbers.
const SETTING: [&str; 4] = ["kernel_size", "sigma", "gamma", "brightness_factor"];
/// Liquid water of the reference's data ends below this, once divided by `max_mar_wa1`; its four numbers are the defaults.
const LARGEST_OF_DEFAULTS: f32 = 1.0;

/// The days of a split with their climate-model fields.
pub struct InterpolateMar {
    gpu: Gpu,
    dataset: Dataset,
    /// scale · (x − offset) normalises a raw value.
    offset: f64,
    scale: f64,
    /// 1 on ocean, rows × columns.
    ocean: Vec<f32>,
}

impl InterpolateMar {
    /// Opens the days of a split; input channels other than `mar_wa1` play no part.
    ///
    /// # Errors
    /// A missing split, field, target (but for deploy) or land mask; rasters of different grids; missing statistics.
    pub fn new(gpu: &Gpu, config: &Config, split: Split) -> Result<Self> {
        let mut of_mar = config.clone();
        of_mar.in_keys = vec![MAR_WA1.to_owned()];
        of_mar.in_keys_static.clear();
        of_mar.in_keys_aux.clear();
        let (mean, std) = if config.normalize_inputs { config.require_mean_std(MAR_WA1)? } else { (0.0, 1.0) };
        let dataset = Dataset::open(&of_mar, split)?;
        let ocean = dataset.ocean(0)?;
        Ok(InterpolateMar { gpu: gpu.clone(), dataset, offset: mean * config.max_mar_wa1, scale: 1.0 / (config.max_mar_wa1 * std), ocean })
    }

    /// The days to be mapped, with their inputs.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// 1 on ocean, rows × columns.
    pub fn ocean(&self) -> &[f32] {
        &self.ocean
    }

    /// The largest window whose radius is smaller than the scene, pixels.
    pub fn largest_kernel(&self) -> usize {
        2 * self.dataset.scene(0).into_iter().min().unwrap_or(1) - 1
    }

    /// The blur of a setting on the device.
    ///
    /// # Errors
    /// [`Error::Usage`] where its radius is not smaller than the scene; out of memory.
    pub fn window(&self, setting: &Setting) -> Result<Window> {
        let ([rows, cols], largest) = (self.dataset.scene(0), self.largest_kernel());
        if setting.kernel_size > largest {
            return Err(Error::Usage(format!(
                "`kernel_size` is {}, and its radius {} must be smaller than the {rows} × {cols} pixels of the scene; \
                 set it to {largest} or less",
                setting.kernel_size,
                setting.kernel_size / 2
            )));
        }
        Window::new(&self.gpu, setting.kernel_size, setting.sigma)
    }

    /// The normalised field of a day, blurred over the whole scene; the day's sample is left in `sample`.
    ///
    /// # Shapes
    /// rows × columns.
    ///
    /// # Errors
    /// A field that cannot be read, or has pixels without a finite value; out of memory.
    pub fn blurred(&self, day: usize, window: &Window, sample: &mut HostSample) -> Result<Vec<f32>> {
        let [rows, cols] = self.dataset.scene(0);
        self.dataset.read(day, Part::whole(rows, cols), sample)?;
        let raw = Tensor::from_slice(&self.gpu, [1, 1, rows, cols], &sample.channels[0])?;
        let blurred = blur_with(&raw, window, self.offset, self.scale)?.to_vec()?;
        if blurred.iter().any(|value| !value.is_finite()) {
            let file = self.dataset.input_raster(self.dataset.inputs()[0], day)?.path().to_owned();
            return Err(Error::input(file, "holds infinite values, or such that their blur is not finite; fill them or take the day out"));
        }
        Ok(blurred)
    }

    /// Warns of a field for which the default numbers were not made.
    fn tell_other_scale(&self, raw: &[f32], config: &Config, observe: &mut dyn FnMut(Event)) {
        let largest =
            raw.iter().zip(&self.ocean).filter(|(_, ocean)| **ocean == 0.0).fold(0.0f32, |largest, (value, _)| largest.max(*value))
                / config.max_mar_wa1 as f32;
        if largest > LARGEST_OF_DEFAULTS {
            observe(Event::Note(format!(
                "the field goes up to {largest}, and the default kernel_size, sigma, gamma and brightness_factor were found for liquid water \
                 of about 0…0.1: find numbers for this field with `meltcore baseline interpolate-mar --fit`, or set max_mar_wa1"
            )));
        }
    }

    /// The map of a day: rows × columns melt fractions, 0 on ocean.
    ///
    /// # Errors
    /// As [`InterpolateMar::blurred`].
    pub fn map(&self, day: usize, setting: &Setting, window: &Window, sample: &mut HostSample) -> Result<Vec<f32>> {
        let mut map = self.blurred(day, window, sample)?;
        for (value, ocean) in map.iter_mut().zip(&self.ocean) {
            *value = if *ocean > 0.0 { 0.0 } else { setting.melt(*value) };
        }
        Ok(map)
    }
}

/// Writes the maps of a split's days, in order of time.
///
/// # Errors
/// As [`InterpolateMar`]; a map or picture that cannot be written.
pub fn write_maps(gpu: &Gpu, config: &Config, split: Split, destination: Destination, observe: &mut dyn FnMut(Event)) -> Result<()> {
    let baseline = InterpolateMar::new(gpu, config, split)?;
    if config.blur_kernel_size.get(MAR_WA1).is_some_and(|size| *size > 1) {
        let text = "interpolate-mar blurs with kernel_size and sigma; the mar_wa1_GaussianBlur_ keys, which are for networks, play no part";
        observe(Event::Note(text.into()));
    }
    let setting = Setting::of(config);
    let window = baseline.window(&setting)?;
    let dataset = baseline.dataset();
    let files = destination.files("interpolate-mar", tasks::of(config).as_ref(), "");
    let (size, ocean) = (dataset.scene(0), baseline.ocean());
    let (mut sample, mut told) = (HostSample::default(), false);
    let geo = |day| {
        let geo = dataset.output_geo(day);
        // The day is done with.
        dataset.release(day);
        geo
    };
    Maps { label: "interpolate-mar", config, destination, fills: None, options: Value::Null, days: dataset.days(), files, size, ocean }
        .write(observe, &geo, &mut |day, observe| {
            let map = baseline.map(day, &setting, &window, &mut sample)?;
            if !told && !config.given.iter().any(|key| SETTING.contains(&key.as_str())) {
                told = true;
                baseline.tell_other_scale(&sample.channels[0], config, observe);
            }
            Ok(map.into())
        })
}
