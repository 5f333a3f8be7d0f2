//! Network inputs against the formulas, in f64.

use super::{apart, f64s, message, noise};
use meltcore::config::Config;
use meltcore::data::loader::Batch;
use meltcore::domains::{Variable, helheim};
use meltcore::error::Error;
use meltcore::gpu::Gpu;
use meltcore::models::{self, Form, InputSpec};
use meltcore::preprocess::{Preprocessor, zero_of};
use meltcore::reference::gaussian_blur::gaussian_blur;
use meltcore::tasks::{self, Targets, masked};
use meltcore::tensor::Tensor;

const N: usize = 3;
const H: usize = 9;
const W: usize = 11;

/// An input of the domain.
fn input(name: &str) -> &'static Variable {
    helheim::DOMAIN.input(name).unwrap()
}

/// All channels as one input.
fn one(channels: &[&'static Variable]) -> Vec<InputSpec> {
    vec![InputSpec { name: "x".into(), variables: channels.to_vec(), form: Form::Planes }]
}

/// What the only input of a batch becomes.
fn prepared(gpu: &Gpu, config: &Config, channels: &[&'static Variable], batch: &Batch) -> Result<Tensor, Error> {
    Preprocessor::new(gpu, config, channels, &one(channels))?.inputs(batch)?.only().cloned()
}

/// A batch with every channel in its unit.
fn batch(channels: &[&'static Variable]) -> Batch {
    let mut noise = noise(7);
    let mut plane = |low: f32, high: f32| (0..N * H * W).map(|_| low + (high - low) * noise()).collect::<Vec<_>>();
    let values = |channel: &&Variable| match channel.name {
        "pmw" => plane(137.0, 250.0),
        "modis_b1" | "modis_b2" => plane(0.0, 12000.0),
        "mar_wa1" => plane(0.0, 0.08),
        "dem" => plane(44.0, 3439.0),
        "pmw_winter_mean" => plane(147.0, 229.0),
        "time_sin" | "time_cos" | "time_month_idx" => vec![4.0, 5.0, 6.0],
        _ => plane(0.0, 1.0),
    };
    let channels = channels.iter().map(values).collect();
    Batch { n: N, height: H, width: W, channels, target: plane(0.0, 1.0), ocean: vec![0.0; N * H * W], ..Batch::default() }
}

const KEYS: &str = "model_key: unet\nmean_pmw: 206.1\nstd_pmw: 26.8\nmean_mar_wa1: 0.006\nstd_mar_wa1: 0.009\nmax_mar_wa1: 1.5\nmean_dem: 1175.1\nstd_dem: 993.9\n\
    mean_modis_b1: 0.65\nstd_modis_b1: 0.34\nmean_modis_b2: 0.57\nstd_modis_b2: 0.3\nmax_modis: 10000\n\
    pmw_GaussianBlur_kernel_size: 5\npmw_GaussianBlur_sigma: 1.3\nmar_wa1_GaussianBlur_kernel_size: 9\nmar_wa1_GaussianBlur_sigma: 2.5\n\
    dem_GaussianBlur_kernel_size: 3\ndem_GaussianBlur_sigma: 1.0\n";

fn config(more: &str) -> Config {
    Config::from_yaml(&format!("{KEYS}{more}"), "run.yaml", &[]).unwrap()
}

/// What the channel at `index` of `batch` should become.
fn wanted(channel: &Variable, raw: &[f32], mar_kernel: usize, normalised: bool) -> Vec<f64> {
    let scaled = |max: f64, mean: f64, std: f64| -> Vec<f64> {
        let (mean, std) = if normalised { (mean, std) } else { (0.0, 1.0) };
        f64s(raw).iter().map(|x| (x / max - mean) / std).collect()
    };
    match channel.name {
        "pmw" => gaussian_blur(&scaled(1.0, 206.1, 26.8), [N, 1, H, W], 5, 1.3),
        "mar_wa1" => gaussian_blur(&scaled(1.5, 0.006, 0.009), [N, 1, H, W], mar_kernel, 2.5),
        "modis_b1" => scaled(10000.0, 0.65, 0.34),
        "modis_b2" => scaled(10000.0, 0.57, 0.3),
        "dem" => scaled(1.0, 1175.1, 993.9),
        _ if raw.len() == N => raw.iter().flat_map(|x| vec![f64::from(*x); H * W]).collect(),
        _ => f64s(raw),
    }
}

#[test]
fn every_channel_follows_its_formula_in_its_place() {
    let gpu = Gpu::open(None).unwrap();
    let all: Vec<&Variable> = helheim::DOMAIN.inputs.iter().collect();
    let some = vec![input("mar_wa1")];
    let plain = vec![input("time_interpolate_sar"), input("dem")];
    for (channels, more, mar_kernel, normalised) in [
        (&all, "", 9, true),
        (&all, "use_batch_blur: true\n", 5, true),
        (&all, "normalize_inputs: false\n", 9, false),
        (&some, "", 9, true),
        (&plain, "", 9, true),
    ] {
        let batch = batch(channels);
        let input = prepared(&gpu, &config(more), channels, &batch).unwrap();
        assert_eq!(input.shape().dims(), [N, channels.len(), H, W]);
        let got = input.to_vec().unwrap();
        for (index, &channel) in channels.iter().enumerate() {
            let wanted = wanted(channel, &batch.channels[index], mar_kernel, normalised);
            for image in 0..N {
                let at = (image * channels.len() + index) * H * W;
                let wanted = &wanted[image * H * W..][..H * W];
                let size = wanted.iter().fold(1.0, |size: f64, x| size.max(x.abs()));
                let error = apart(&got[at..][..H * W], wanted) / size;
                assert!(error < 1.2e-6, "{more}{} of image {image}: {error}", channel.name);
            }
        }
    }
}

#[test]
fn a_kernel_of_one_pixel_is_no_blur() {
    let gpu = Gpu::open(None).unwrap();
    let channels = [input("pmw")];
    let batch = batch(&channels);
    let text = "mean_pmw: 206.1\nstd_pmw: 26.8\npmw_GaussianBlur_kernel_size: 1\npmw_GaussianBlur_sigma: 2.0\n";
    let config = Config::from_yaml(text, "run.yaml", &[]).unwrap();
    let got = prepared(&gpu, &config, &channels, &batch).unwrap().to_vec().unwrap();
    let wanted: Vec<f64> = f64s(&batch.channels[0]).iter().map(|x| (x - 206.1) / 26.8).collect();
    assert!(apart(&got, &wanted) < 1e-6);
}

#[test]
fn targets_and_masks() {
    let nan = f32::NAN;
    assert_eq!(masked(&[0.5, nan, 0.25, nan], &[0.0, 0.0, 1.0, 1.0]), (vec![0.5, 0.0, 0.25, 0.0], vec![0.0, 1.0, 1.0, 1.0]));
    let gpu = Gpu::open(None).unwrap();
    let mut batch = batch(&[input("dem")]);
    (batch.target[3], batch.ocean[5]) = (nan, 1.0);
    let Targets { values: target, mask, any_valid, .. } = Targets::of(tasks::of(&config("")).as_ref(), &gpu, &batch).unwrap();
    assert_eq!((target.shape().dims(), mask.shape().dims()), (&[N, 1, H, W][..], &[N, 1, H, W][..]));
    assert!(any_valid);
    let (target, mask) = (target.to_vec().unwrap(), mask.to_vec().unwrap());
    assert_eq!(target[..3], batch.target[..3]);
    assert_eq!((target[3], mask.iter().sum::<f32>(), mask[3], mask[5]), (0.0, 2.0, 1.0, 1.0));
}

#[test]
fn what_is_missing_is_named() {
    let gpu = Gpu::open(None).unwrap();
    let of = |text: &str, channels: &[&'static Variable]| {
        let config = Config::from_yaml(&format!("seed: 1\n{text}"), "run.yaml", &[]).unwrap();
        prepared(&gpu, &config, channels, &batch(channels))
    };
    assert!(message(of("std_pmw: 1.0", &[input("pmw")])).contains("`mean_pmw`"));
    assert!(message(of("mean_dem: 1.0", &[input("dem")])).contains("`std_dem`"));
    assert!(message(models::untrained(&gpu, &config(""))).contains("`in_keys`"));
    let blurred = "mean_pmw: 0.0\nstd_pmw: 1.0\npmw_GaussianBlur_sigma: 2.0\npmw_GaussianBlur_kernel_size: 19\n";
    let batched = "use_batch_blur: true\nmean_mar_wa1: 0.0\nstd_mar_wa1: 1.0\n";
    let text = message(of(&format!("{blurred}{batched}"), &[input("mar_wa1")]));
    assert!(text.contains("`mar_wa1_GaussianBlur_sigma`"), "{text}");
    let text = message(of(blurred, &[input("pmw")]));
    assert!(text.contains("`pmw_GaussianBlur_kernel_size`") && text.contains("9 × 11"), "{text}");
}

#[test]
fn a_constant_takes_the_place_of_every_value_and_its_mean_is_seen_as_0() {
    let gpu = Gpu::open(None).unwrap();
    let channels = [input("pmw"), input("mar_wa1"), input("time_interpolate_sar"), input("dem"), input("time_month_idx")];
    let inputs = "in_keys: [pmw, mar_wa1, time_interpolate_sar]\nin_keys_static: [dem]\nin_keys_aux: [time_month_idx]\n";
    let batch = batch(&channels);
    let whole = prepared(&gpu, &config(inputs), &channels, &batch).unwrap().to_vec().unwrap();
    let mean = |channel| zero_of(&config(inputs), channel).unwrap();
    assert_eq!((mean(input("pmw")), mean(input("time_interpolate_sar"))), (Some(206.1), None));
    let constants = format!("constant_inputs: {{pmw: 206.1, mar_wa1: {}, time_interpolate_sar: 0.25, time_month_idx: 7}}\n", 0.006 * 1.5);
    let config = config(&format!("{inputs}{constants}"));
    let got = prepared(&gpu, &config, &channels, &batch).unwrap().to_vec().unwrap();
    for (index, (got, whole)) in got.chunks_exact(H * W).zip(whole.chunks_exact(H * W)).enumerate() {
        match [Some(0.0), Some(0.0), Some(0.25), None, Some(7.0)][index % channels.len()] {
            Some(constant) => assert!(got.iter().all(|value| *value == constant), "{index}: {got:?}"),
            None => assert_eq!(got, whole),
        }
    }
}
