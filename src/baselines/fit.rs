//! Kernel, sigma, gamma and brightness of interpolate-mar by a seeded random search on the train days.
//!
//! What is made small is the mean absolute error over valid pixels (seen by the radar, no ocean), pooled over the days. A blur of the
//! whole scene costs far more than what follows it, so 64 trials of gamma and brightness share each blur. The first trial is the
//! configuration's own; the first half of the blurs is drawn from the whole ranges, the second half from a quarter of each range
//! around the best so far. All ranges are logarithmic: kernel 3…401 (as far as the scene allows), sigma 0.15…0.6 of the kernel,
//! brightness 0.05…500, gamma 0.1…50. Of a long split a seeded choice of days is looked at, of a large scene 65 536 valid pixels
//! a day, evenly spread; the loss is then an estimate. Where melt is rare a map of zeros has a small error, too: look at the scores.

use std::ops::Range;

use rayon::prelude::*;

use super::interpolate_mar::{InterpolateMar, Setting};
use crate::config::Config;
use crate::data::Window;
use crate::data::dataset::HostSample;
use crate::data::day::Split;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::gpu::Gpu;
use crate::random::{Draw, Purpose};
use crate::tasks::masked;

/// Trials of gamma and brightness that share a blur.
const TRIALS_A_BLUR: usize = 64;
/// Valid pixels of a day that a loss is computed from.
const PIXELS_A_DAY: usize = 1 << 16;
const KERNEL: Range<f64> = 3.0..401.0;
/// Sigma as a share of the kernel.
const SIGMA_SHARE: Range<f64> = 0.15..0.6;
const BRIGHTNESS: Range<f64> = 0.05..500.0;
const GAMMA: Range<f64> = 0.1..50.0;

/// How a fit is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FitOptions {
    /// Settings to try.
    pub trials: usize,
    /// Seed of the trials and of the choice of days and pixels.
    pub seed: u64,
    /// Most days to look at.
    pub days: usize,
}

/// What a fit found.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The setting with the least error of all trials.
    pub setting: Setting,
    /// Its mean absolute error.
    pub loss: f64,
    /// That of the configuration's own setting; none where its kernel does not fit the scene.
    pub loss_before: Option<f64>,
    /// Days looked at.
    pub days: usize,
    /// Days of the train split.
    pub of_days: usize,
    /// Pixels looked at.
    pub pixels: usize,
    /// Valid pixels of the days looked at.
    pub of_pixels: usize,
}

/// The pixels of a day that are looked at.
struct Sampled {
    day: usize,
    pixels: Vec<u32>,
    target: Vec<f32>,
    /// Valid pixels of the day for each one looked at.
    weight: f64,
}

/// Fits the setting to the train days.
///
/// # Errors
/// As [`InterpolateMar`]; [`Error::Usage`] where no train day has a valid pixel or nothing is to be tried.
pub fn fit(gpu: &Gpu, config: &Config, options: &FitOptions, observe: &mut dyn FnMut(Event)) -> Result<Fitted> {
    let baseline = InterpolateMar::new(gpu, config, Split::Train)?;
    let mut sample = HostSample::default();
    let sampled = sample_days(&baseline, options, &mut sample)?;
    let pixels: usize = sampled.iter().map(|day| day.pixels.len()).sum();
    let of_pixels = sampled.iter().map(|day| day.weight * day.pixels.len() as f64).sum::<f64>();
    if pixels == 0 || options.trials == 0 {
        let text = "nothing to fit: no train day has a pixel on land that the radar saw, or --trials is 0; check path_train_split_csv, \
                    path_melt and path_landmask";
        return Err(Error::Usage(text.into()));
    }
    let dataset = baseline.dataset();
    let blurs = options.trials.div_ceil(TRIALS_A_BLUR);
    let mut draw = Draw::new(options.seed, Purpose::Trial, 0);
    let own = Some(Setting::of(config)).filter(|own| own.kernel_size <= baseline.largest_kernel());
    let mut best: Option<(f64, Setting)> = None;
    let mut loss_before = None;
    observe(Event::Start { label: "fit", total: blurs * sampled.len(), unit: "blurs" });
    for blur in 0..blurs {
        let near = best.map(|(_, setting)| setting).filter(|_| blur >= blurs.div_ceil(2));
        let first = if blur == 0 { own } else { None };
        let blurred = first.unwrap_or_else(|| draw_blur(&mut draw, near, baseline.largest_kernel()));
        let count = TRIALS_A_BLUR.min(options.trials - blur * TRIALS_A_BLUR);
        let mut settings: Vec<Setting> = (0..count).map(|_| draw_gain(&mut draw, near, blurred)).collect();
        if let Some(own) = first {
            settings[0] = own;
        }
        let window = baseline.window(&blurred)?;
        let mut sums = vec![0.0; count];
        for day in &sampled {
            let field = baseline.blurred(day.day, &window, &mut sample)?;
            let values: Vec<f32> = day.pixels.iter().map(|&pixel| field[pixel as usize]).collect();
            add_errors(&settings, &values, day, &mut sums);
            dataset.release(day.day);
            observe(Event::Done(1));
        }
        for (trial, (sum, setting)) in sums.iter().zip(settings).enumerate() {
            let loss = sum / of_pixels;
            if trial == 0 && first.is_some() {
                loss_before = Some(loss);
            }
            if best.is_none_or(|(least, _)| loss < least) {
                best = Some((loss, setting));
                observe(Event::Message(format!("MAE {loss:.5}")));
            }
        }
    }
    let Some((loss, setting)) = best else {
        let text = "no trial gave a loss; check mean_mar_wa1 and std_mar_wa1 and the fields in path_mar_wa1";
        return Err(Error::NotFinite(text.into()));
    };
    let of_days = dataset.days().len();
    Ok(Fitted { setting, loss, loss_before, days: sampled.len(), of_days, pixels, of_pixels: of_pixels.round() as usize })
}

/// Chooses days and valid pixels of them.
fn sample_days(baseline: &InterpolateMar, options: &FitOptions, sample: &mut HostSample) -> Result<Vec<Sampled>> {
    let dataset = baseline.dataset();
    let [rows, cols] = dataset.scene(0);
    let mut draw = Draw::new(options.seed, Purpose::Sample, 0);
    let mut days: Vec<usize> = (0..dataset.days().len()).collect();
    draw.shuffle(&mut days);
    days.truncate(options.days.max(1));
    days.sort_unstable_by_key(|&day| &dataset.days()[day]);
    let mut sampled = Vec::with_capacity(days.len());
    for day in days {
        dataset.read(day, Window::whole(rows, cols), sample)?;
        let (target, mask) = masked(&sample.target, &sample.ocean);
        let valid: Vec<u32> = (0..mask.len()).filter(|&pixel| mask[pixel] == 0.0).map(|pixel| pixel as u32).collect();
        let step = (valid.len() as f64 / PIXELS_A_DAY as f64).max(1.0);
        let start = draw.unit();
        let count = valid.len().min(PIXELS_A_DAY);
        let chosen = |index: usize| valid[(((index as f64 + start) * step) as usize).min(valid.len() - 1)];
        let pixels: Vec<u32> = (0..count).map(chosen).collect();
        let target = pixels.iter().map(|&pixel| target[pixel as usize]).collect();
        dataset.release(day);
        sampled.push(Sampled { day, pixels, target, weight: step });
    }
    Ok(sampled)
}

/// Adds each setting's weighted sum of absolute errors on a day; the order of the sum does not depend on the threads.
fn add_errors(settings: &[Setting], blurred: &[f32], day: &Sampled, sums: &mut [f64]) {
    settings.par_iter().zip(sums).for_each(|(setting, sum)| {
        let error = |(value, target): (&f32, &f32)| f64::from((setting.melt(*value) - target).abs());
        *sum += day.weight * blurred.iter().zip(&day.target).map(error).sum::<f64>();
    });
}

/// A number from a logarithmic range, or from a quarter of it around `near`.
fn draw_from(draw: &mut Draw, range: Range<f64>, near: Option<f64>) -> f64 {
    let width = (range.end / range.start).ln();
    let exponent = draw.unit();
    match near {
        None => range.start * (exponent * width).exp(),
        Some(near) => (near * ((exponent - 0.5) * width / 4.0).exp()).clamp(range.start, range.end),
    }
}

/// Kernel and sigma of a further blur.
fn draw_blur(draw: &mut Draw, near: Option<Setting>, largest: usize) -> Setting {
    let kernel = draw_from(draw, KERNEL, near.map(|setting| setting.kernel_size as f64));
    let share = draw_from(draw, SIGMA_SHARE, near.map(|setting| setting.sigma / setting.kernel_size as f64));
    let kernel_size = (2 * (kernel / 2.0) as usize + 1).min(largest);
    Setting { kernel_size, sigma: rounded(share * kernel_size as f64), gamma: 1.0, brightness_factor: 1.0 }
}

/// Gamma and brightness of a further trial with the blur of `blurred`.
fn draw_gain(draw: &mut Draw, near: Option<Setting>, blurred: Setting) -> Setting {
    let brightness_factor = rounded(draw_from(draw, BRIGHTNESS, near.map(|setting| setting.brightness_factor)));
    let gamma = rounded(draw_from(draw, GAMMA, near.map(|setting| setting.gamma)));
    Setting { gamma, brightness_factor, ..blurred }
}

/// Four significant digits: what is printed is what was tried.
fn rounded(x: f64) -> f64 {
    let unit = 10f64.powi(x.abs().log10().floor() as i32 - 3);
    (x / unit).round() * unit
}
