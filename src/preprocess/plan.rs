//! What becomes of one channel: its scaling and its blur, from the configuration.

use crate::config::Config;
use crate::domains::{Logarithm, Variable};
use crate::error::{Error, Result};
use crate::kernels::gaussian_blur::gaussian_window;

/// scale · (x − offset), both in the channel's raw unit; with a logarithm x is that of raw / divisor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scaling {
    pub(super) offset: f64,
    pub(super) scale: f64,
    /// The logarithm that is taken, and of what divisor.
    pub(super) logarithm: Option<(Logarithm, f64)>,
}

impl Scaling {
    /// Scales one image of a channel into `out`; a scalar channel (`n` values) fills the plane.
    ///
    /// # Errors
    /// [`Error::Shape`] where the channel holds neither `n` planes nor `n` values.
    pub(super) fn append(&self, values: &[f32], image: usize, n: usize, pixels: usize, out: &mut Vec<f32>) -> Result<()> {
        let scaled = |x: f32| self.apply(x);
        if values.len() == n * pixels {
            let plane = &values[image * pixels..(image + 1) * pixels];
            if *self == Scaling::NONE {
                out.extend_from_slice(plane);
            } else {
                out.extend(plane.iter().map(|x| scaled(*x)));
            }
        } else if values.len() == n {
            out.extend(std::iter::repeat_n(scaled(values[image]), pixels));
        } else {
            let got = values.len();
            return Err(Error::shape("preprocess", format!("a channel of {got} values where {n} images of {pixels} pixels are expected")));
        }
        Ok(())
    }

    /// One value, in float32.
    pub(super) fn apply(&self, x: f32) -> f32 {
        self.scale as f32 * (self.logarithm_of(x) - self.offset as f32)
    }

    /// What is normalised of a raw value: its logarithm, or itself. Values below 0 have that of 0.
    pub(super) fn logarithm_of(&self, x: f32) -> f32 {
        self.logarithm.map_or(x, |(logarithm, divisor)| logarithm.of(f64::from(x) / divisor) as f32)
    }

    pub(super) const NONE: Scaling = Scaling { offset: 0.0, scale: 1.0, logarithm: None };

    /// (x / max − mean) / std.
    fn new(max: f64, (mean, std): (f64, f64)) -> Scaling {
        Scaling { offset: mean * max, scale: 1.0 / (max * std), logarithm: None }
    }
}

/// The raw value that a network sees as 0: the configured mean of a channel that is normalised, `None` of any other.
///
/// # Errors
/// [`Error::Config`] where the mean is missing.
pub fn zero_of(config: &Config, input: &Variable) -> Result<Option<f64>> {
    if !(input.normalised && config.normalize_inputs) {
        return Ok(None);
    }
    config.raw_mean(input).map(Some)
}

/// Of each input the raw value that a network sees as 0, for what lies beyond a scene; 0 of one that has no such value.
///
/// # Errors
/// [`Error::Config`] where a mean, a standard deviation or a sigma is missing.
pub fn zeros(config: &Config, inputs: &[&Variable]) -> Result<Vec<f32>> {
    inputs.iter().map(|input| if input.is_scalar() { Ok(0.0) } else { Unit::of(config, input).map(|unit| unit.zero()) }).collect()
}

/// The unit in which a network sees an input that is a raster, behind the preprocessing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    scaling: Scaling,
    /// What white noise is multiplied by before the blur, so that its standard deviation is the same behind it; 1 without a blur.
    gain: f64,
}

impl Unit {
    /// That of an input.
    ///
    /// # Errors
    /// [`Error::Config`] where a mean, a standard deviation or a sigma is missing.
    pub fn of(config: &Config, input: &Variable) -> Result<Unit> {
        let Plan { scaling, blur, .. } = Plan::new(config, input)?;
        let gain = match (blur, scaling.logarithm) {
            (Some(blur), None) => {
                // Of white noise behind both passes: standard deviation · Σ w².
                let squares: f64 = gaussian_window(blur.kernel_size, blur.sigma).iter().map(|weight| weight * weight).sum();
                1.0 / squares
            }
            // So much noise would reach where there is no logarithm.
            (Some(_), Some(_)) | (None, _) => 1.0,
        };
        Ok(Unit { scaling, gain })
    }

    /// Whether raw values are greys of 8 bits, which a network sees divided by 255.
    pub fn is_grey(&self) -> bool {
        self.scaling == Scaling { offset: 0.0, scale: 1.0 / 255.0, logarithm: None }
    }

    /// The raw value that a network sees as 0.
    pub fn zero(&self) -> f32 {
        let Scaling { offset, logarithm, .. } = self.scaling;
        logarithm.map_or(offset, |(logarithm, divisor)| logarithm.inverse(offset) * divisor) as f32
    }

    /// What the network sees of a raw value, before a blur.
    pub fn seen(&self, raw: f32) -> f64 {
        self.scaling.scale * (f64::from(self.scaling.logarithm_of(raw)) - self.scaling.offset)
    }

    /// The raw value of which the network sees this, before a blur; behind a logarithm nothing falls below that of 0.
    pub fn raw(&self, seen: f64) -> f32 {
        let Scaling { scale, offset, logarithm } = self.scaling;
        let normal = seen / scale + offset;
        logarithm.map_or(normal, |(logarithm, divisor)| logarithm.inverse_from(normal) * divisor) as f32
    }

    /// A raw value with noise of so many units; behind a logarithm nothing falls below that of 0.
    pub fn with_noise(&self, raw: f32, noise: f32) -> f32 {
        let rise = f64::from(noise) * self.gain / self.scaling.scale;
        match self.scaling.logarithm {
            None => (f64::from(raw) + rise) as f32,
            Some((logarithm, divisor)) => (logarithm.inverse_from(f64::from(self.scaling.logarithm_of(raw)) + rise) * divisor) as f32,
        }
    }
}

/// A Gaussian blur in pixels; `key` is the configuration key of its kernel size.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Blur {
    pub(super) kernel_size: usize,
    pub(super) sigma: f64,
    pub(super) key: String,
}

/// What becomes of one channel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    pub(super) scaling: Scaling,
    pub(super) blur: Option<Blur>,
    /// The raw value that takes the place of all others.
    pub(super) constant: Option<f32>,
}

impl Plan {
    /// The plan for one channel.
    ///
    /// # Errors
    /// [`Error::Config`] where a mean, a standard deviation or a sigma is missing.
    pub(super) fn new(config: &Config, input: &Variable) -> Result<Plan> {
        let max = config.divisor(input);
        let moments = match input.normalised && config.normalize_inputs {
            true => config.require_mean_std(input.name)?,
            false => (0.0, 1.0),
        };
        let scaling = match input.logarithm {
            None => Scaling::new(max, moments),
            Some(logarithm) => Scaling { logarithm: Some((logarithm, max)), ..Scaling::new(1.0, moments) },
        };
        let constant = config.constant_inputs.get(input.name).map(|value| *value as f32);
        // A blur leaves a constant as it is.
        let blur = if constant.is_some() { None } else { blur(config, input)? };
        Ok(Plan { scaling, blur, constant })
    }
}

/// The blur of an input that may have one; none for a kernel of one pixel or without the key.
fn blur(config: &Config, input: &Variable) -> Result<Option<Blur>> {
    let Some(batched) = input.blur_like else { return Ok(None) };
    let size_of = if config.use_batch_blur { batched } else { input.name };
    let kernel_size = match config.blur_kernel_size.get(size_of) {
        None | Some(1) => return Ok(None),
        Some(&kernel_size) => kernel_size,
    };
    let (name, key) = (input.name, format!("{size_of}_GaussianBlur_kernel_size"));
    let Some(&sigma) = config.blur_sigma.get(name) else {
        let sigma = format!("{name}_GaussianBlur_sigma");
        return Err(config.key_error(&sigma, format!("is missing, but `{key}` asks for a blur; add it, in pixels, or remove the other")));
    };
    Ok(Some(Blur { kernel_size, sigma, key }))
}
