//! Builds the fields of [`Config`] from its keys: one line a key, with its default and what it allows.

use super::keys::{AUX_CHANNELS, BLUR_KERNEL, BLUR_SIGMA, DAILY_CHANNELS, SPLITS, STATIC_CHANNELS, VARIABLES};
use super::reader::{Numbers, Reader};
use super::{Config, ModelKey, Precision, TaskKey};
use crate::error::Result;
use crate::kernels::activation::Activation;
use crate::kernels::masked_loss::LossKind;
use crate::optim::{OptimizerKind, SchedulerKind};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Bound of every count, so that products of sizes stay far from overflow.
const COUNT: RangeInclusive<u64> = 1..=1_000_000;
/// As `COUNT`, with 0.
const COUNT_OR_0: RangeInclusive<u64> = 0..=1_000_000;
/// Bound of a crop's sides, pixels.
const SIDE: RangeInclusive<u64> = 1..=100_000;
/// Bound of batches and channels.
const WIDTH: RangeInclusive<u64> = 1..=65_536;

const MODEL_KEYS: [&str; 7] = ["unet", "unet_smp", "deeplabv3", "linear_dem", "interpolate_mar", "threshold_pmw", "time_interpolate_sar"];

impl Config {
    /// All fields from the keys in force; `ignored` holds the names of the others.
    pub(super) fn build(r: &Reader, ignored: Vec<String>) -> Result<Config> {
        let data_root = r.path("data_root")?.unwrap_or_else(|| PathBuf::from("."));
        let mut variable_paths = BTreeMap::new();
        for variable in VARIABLES.into_iter().chain(["melt_reference"]) {
            if let Some(path) = r.path(&format!("path_{variable}"))? {
                variable_paths.insert(variable.to_owned(), data_root.join(path));
            }
        }
        let mut split_csv = BTreeMap::new();
        for split in SPLITS {
            if let Some(path) = r.path(&format!("path_{split}_split_csv"))? {
                split_csv.insert(split.to_owned(), path);
            }
        }
        let (mut blur_kernel_size, mut blur_sigma) = (BTreeMap::new(), BTreeMap::new());
        let (mut mean, mut std) = (BTreeMap::new(), BTreeMap::new());
        for variable in VARIABLES {
            let name = || variable.to_owned();
            mean.extend(r.optional_number(&format!("mean_{variable}"), Numbers::Finite)?.map(|x| (name(), x)));
            std.extend(r.optional_number(&format!("std_{variable}"), Numbers::Positive)?.map(|x| (name(), x)));
            let sigma_key = format!("{variable}{BLUR_SIGMA}");
            blur_sigma.extend(r.optional_number(&sigma_key, Numbers::Positive)?.map(|x| (name(), x)));
            let kernel_key = format!("{variable}{BLUR_KERNEL}");
            if r.keys.contains_key(&kernel_key) {
                let size = odd(r, &kernel_key, 1)?;
                if size > 1 && !blur_sigma.contains_key(variable) {
                    return Err(r.error(&sigma_key, format!("is missing, and `{kernel_key}` asks for a blur; give its sigma in pixels")));
                }
                blur_kernel_size.insert(name(), size);
            }
        }
        let model_key = r.choice("model_key", &MODEL_KEYS)?.unwrap_or(ModelKey::TimeInterpolateSar);
        let amp = r.boolean("amp", false)?;
        let config = Config {
            file: r.file.clone(),
            task: TaskKey::default(),
            model_key,
            seed: r.seed("seed", 42)?,
            data_root,
            in_keys: r.channels("in_keys", &DAILY_CHANNELS)?,
            in_keys_static: r.channels("in_keys_static", &STATIC_CHANNELS)?,
            in_keys_aux: r.channels("in_keys_aux", &AUX_CHANNELS)?,
            variable_paths,
            split_csv,
            mean,
            std,
            max_mar_wa1: r.number("max_mar_wa1", 1.0, Numbers::Positive)?,
            max_modis: r.number("max_modis", 10_000.0, Numbers::Positive)?,
            normalize_inputs: r.boolean("normalize_inputs", true)?,
            blur_kernel_size,
            blur_sigma,
            use_batch_blur: r.boolean("use_batch_blur", false)?,
            img_size: img_size(r)?,
            batch_size: r.integer("batch_size", 8, WIDTH)?,
            accumulate_steps: r.integer("accumulate_steps", 1, WIDTH)?,
            recompute: r.boolean("recompute", false)?,
            epochs: r.integer("epochs", 500, COUNT)?,
            optimizer: r.choice("optimizer", &["adam", "sgd", "rmsprop"])?.unwrap_or(OptimizerKind::Adam),
            learning_rate: r.number("learning_rate", 1e-4, Numbers::Positive)?,
            weight_decay: r.number("weight_decay", 0.0, Numbers::NotNegative)?,
            momentum: r.optional_number("momentum", Numbers::NotNegative)?,
            gradient_clipping: r.number("gradient_clipping", 1.0, Numbers::Positive)?,
            loss_function: r.choice("loss_function", &["l1", "mse"])?.unwrap_or(LossKind::L1),
            lr_scheduler: r
                .choice("lr_scheduler", &["ReduceLROnPlateau", "CosineAnnealingWarmRestarts"])?
                .unwrap_or(SchedulerKind::ReduceLROnPlateau),
            lr_patience: r.integer("lr_patience", 10, COUNT_OR_0)?,
            t_0: r.integer("T_0", 35, COUNT)?,
            t_mult: r.integer("T_mult", 2, COUNT)?,
            eta_min: r.number("eta_min", 0.0, Numbers::NotNegative)?,
            activation: activation(r, model_key)?,
            out_activation: r
                .choice("out_activation", &["sigmoid", "tanhshelf", "sigmoidcutoff", "linear"])?
                .unwrap_or(Activation::Sigmoid),
            out_channels: r.integer("out_channels", 1, WIDTH)?,
            base_channels: r.integer("base_channels", 64, WIDTH)?,
            bilinear: r.boolean("bilinear", false)?,
            num_extra_convs: r.integer("num_extra_convs", 0, 0..=1000)?,
            encoder_name: encoder_name(r, model_key)?,
            encoder_depth: r.integer("encoder_depth", 5, 1..=5)?,
            encoder_weights: r.text("encoder_weights")?,
            encoder_output_stride: encoder_output_stride(r)?,
            decoder_use_batchnorm: decoder_use_batchnorm(r)?,
            decoder_channels: decoder_channels(r, model_key)?,
            decoder_atrous_rates: decoder_atrous_rates(r)?,
            batch_norm: r.boolean("batch_norm", true)?,
            dropout: r.optional_number("dropout", Numbers::Share)?,
            upsampling: r.integer("upsampling", 4, 1..=64)?,
            n_models: r.integer("n_models", 12, 1..=12)?,
            time_channel_idx: r.integer("time_channel_idx", 1, 0..=65_535)?,
            precision: r.choice("precision", &["f32", "mixed"])?.unwrap_or(if amp { Precision::Mixed } else { Precision::F32 }),
            prediction_batch_size: r.integer("prediction_batch_size", 1, WIDTH)?,
            prediction_stride: r.optional_integer("prediction_stride", SIDE)?,
            erode_size: r.integer("erode_size", 0, 0..=100_000)?,
            apply_landmask_to_predictions: r.boolean("apply_landmask_to_predictions", false)?,
            min_melt: r.number("min_melt", 0.0, Numbers::Finite)?,
            max_melt: r.number("max_melt", 1.0, Numbers::Finite)?,
            mask_threshold: r.number("mask_threshold", 0.5, Numbers::Finite)?,
            periodical_evaluation: r.boolean("periodical_evaluation", false)?,
            epochs_between_periodical_evaluation: r.integer("epochs_between_periodical_evaluation", 10, COUNT)?,
            epochs_between_checkpoint_save: r.integer("epochs_between_checkpoint_save", 10, COUNT)?,
            starting_epoch: r.integer("starting_epoch", 1, COUNT)?,
            path_checkpoints: r.path("path_checkpoints")?,
            path_predictions: r.path("path_predictions")?,
            path_deploy: r.path("path_deploy")?,
            path_eval: r.path("path_eval")?,
            n_previous_dates: r.integer("n_previous_dates", 3, COUNT_OR_0)?,
            n_posterior_dates: r.integer("n_posterior_dates", 3, COUNT_OR_0)?,
            kernel_size: odd(r, "kernel_size", 93)?,
            sigma: r.number("sigma", 33.0, Numbers::Positive)?,
            gamma: r.number("gamma", 29.176057091328698, Numbers::Positive)?,
            brightness_factor: r.number("brightness_factor", 143.48383700492423, Numbers::Positive)?,
            val_percent: r.number("val_percent", 0.11, Numbers::Share)?,
            test_percent: r.number("test_percent", 0.11, Numbers::Share)?,
            n_imgs_per_month: r.integer("n_imgs_per_month", 2, 0..=31)?,
            split_cfg: r.choice("split_cfg", &["csv", "stratified_time", "day"])?.unwrap_or_else(|| "csv".to_owned()),
            deploy_start_time: day(r, "deploy_start_time")?,
            deploy_end_time: day(r, "deploy_end_time")?,
            check_for_invalid_entries: r.boolean("check_for_invalid_entries", false)?,
            constant_inputs: r.numbers_by_name("constant_inputs", "for example {pmw: 201.5}")?,
            tensorboard: r.boolean("tensorboard", true)?,
            ignored,
            given: r.keys.iter().map(|(key, _)| key.clone()).collect(),
        };
        config.check_together(r)?;
        Ok(config)
    }

    /// Checks that concern two keys at once.
    fn check_together(&self, r: &Reader) -> Result<()> {
        if self.min_melt >= self.max_melt {
            return Err(r.error("max_melt", format!("is {}, which must be above `min_melt` = {}", self.max_melt, self.min_melt)));
        }
        if self.val_percent + self.test_percent >= 1.0 {
            let message = format!("is {}; with `val_percent` = {} nothing is left for training", self.test_percent, self.val_percent);
            return Err(r.error("test_percent", message));
        }
        let has = |name: &str| self.in_keys_aux.iter().any(|key| key == name);
        if has("time_sin") != has("time_cos") {
            return Err(r.error("in_keys_aux", "names one of time_sin and time_cos; a day of the year needs both"));
        }
        let inputs = || [&self.in_keys, &self.in_keys_static, &self.in_keys_aux].into_iter().flatten();
        if let Some(name) = self.constant_inputs.keys().find(|name| !inputs().any(|input| input == *name)) {
            let known = inputs().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(r.error(
                "constant_inputs",
                format!("names {name}, which is not among the inputs ({known}); take it out or add it to them"),
            ));
        }
        if let (Some(first), Some(last)) = (&self.deploy_start_time, &self.deploy_end_time)
            && first > last
        {
            return Err(r.error("deploy_end_time", format!("is {last}, before `deploy_start_time` = {first}")));
        }
        if self.model_key == ModelKey::UnetSmp && self.decoder_channels.len() != self.encoder_depth {
            let message = format!(
                "holds {} widths, but `encoder_depth` = {} asks for one a stage, for example [256, 128, 64, 32, 16] for 5",
                self.decoder_channels.len(),
                self.encoder_depth
            );
            return Err(r.error("decoder_channels", message));
        }
        Ok(())
    }
}

/// An odd window size, at least 1.
fn odd(r: &Reader, key: &str, default: u64) -> Result<usize> {
    let size = r.integer(key, default, 1..=99_999)?;
    if size % 2 == 1 {
        return Ok(size);
    }
    Err(r.error(key, format!("must be an odd whole number (a window has a middle), but {size} was given; {} is the next", size + 1)))
}

fn img_size(r: &Reader) -> Result<[usize; 2]> {
    match r.integers("img_size", SIDE)?.as_deref() {
        None => Ok([512, 512]),
        Some([rows, cols]) => Ok([*rows, *cols]),
        Some(other) => Err(r.error("img_size", format!("must be [rows, columns], for example [512, 512], but {other:?} was given"))),
    }
}

fn activation(r: &Reader, model: ModelKey) -> Result<Activation> {
    let default = if model == ModelKey::LinearDem { Activation::None } else { Activation::Relu };
    let activation = r.choice("activation", &["relu", "gelu", "linear"])?.unwrap_or(default);
    if activation == Activation::None && matches!(model, ModelKey::Unet | ModelKey::DeepLabV3) {
        return Err(r.error("activation", "must be relu or gelu for this `model_key`; linear belongs to linear_dem"));
    }
    Ok(activation)
}

fn encoder_name(r: &Reader, model: ModelKey) -> Result<String> {
    let name = r.text("encoder_name")?.unwrap_or_else(|| "tu-xception71".to_owned());
    if name != "tu-xception71" && matches!(model, ModelKey::UnetSmp | ModelKey::DeepLabV3) {
        return Err(r.error("encoder_name", format!("must be tu-xception71, the only encoder there is, but {name} was given")));
    }
    Ok(name)
}

fn encoder_output_stride(r: &Reader) -> Result<usize> {
    match r.integer("encoder_output_stride", 8, 8..=16)? {
        stride @ (8 | 16) => Ok(stride),
        other => Err(r.error("encoder_output_stride", format!("must be 8 or 16, but {other} was given"))),
    }
}

/// A truth value, or the word that newer versions of the reference's library take.
fn decoder_use_batchnorm(r: &Reader) -> Result<bool> {
    let key = "decoder_use_batchnorm";
    if r.optional(key).and_then(|value| value.as_str()) == Some("batchnorm") { Ok(true) } else { r.boolean(key, true) }
}

fn decoder_channels(r: &Reader, model: ModelKey) -> Result<Vec<usize>> {
    let default = if model == ModelKey::DeepLabV3 { vec![256] } else { vec![256, 128, 64, 32, 16] };
    let channels = r.integers("decoder_channels", WIDTH)?.unwrap_or(default);
    if model == ModelKey::DeepLabV3 && channels.len() != 1 {
        return Err(r.error("decoder_channels", format!("must be one number for deeplabv3, but {channels:?} was given")));
    }
    Ok(channels)
}

// (4096 is the largest dilation of the kernels.)
fn decoder_atrous_rates(r: &Reader) -> Result<Vec<usize>> {
    let rates = r.integers("decoder_atrous_rates", 1..=4096)?.unwrap_or_else(|| vec![6, 12, 18]);
    if rates.len() == 3 {
        return Ok(rates);
    }
    Err(r.error("decoder_atrous_rates", format!("must be three whole numbers, for example [6, 12, 18], but {rates:?} was given")))
}

/// A day as `YYYY_MM_DD`; YAML reads it without quotes as the number YYYYMMDD, which is taken back apart.
fn day(r: &Reader, key: &str) -> Result<Option<String>> {
    let Some(text) = r.text(key)? else { return Ok(None) };
    let digits: String = text.chars().filter(|&c| c != '_').collect();
    let shape_fits = digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit());
    let number: u32 = if shape_fits { digits.parse().unwrap_or(0) } else { 0 };
    let (year, month, date) = (number / 10_000, number / 100 % 100, number % 100);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    let name = format!("{year:04}_{month:02}_{date:02}");
    if (1..=days).contains(&date) && (text == name || text == digits) {
        return Ok(Some(name));
    }
    Err(r.error(key, format!("must be a day such as '2017_04_01', but {text} was given")))
}
