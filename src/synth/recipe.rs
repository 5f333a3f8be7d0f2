//! The configuration that belongs to a written scene: paths, channel statistics, and sizes scaled to the scene.

use std::path::Path;

use super::SynthOptions;
use super::season::Day;

/// Rows of the reference's scene, to which its blur sizes belong.
const REFERENCE_ROWS: f64 = 2863.0;

/// Mean and standard deviation of a stream of values, summed in f64.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moments {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    /// Adds values.
    pub fn add(&mut self, values: impl Iterator<Item = f32>) {
        for value in values.map(f64::from) {
            self.count += 1.0;
            self.sum += value;
            self.squares += value * value;
        }
    }

    /// The mean, 0 of nothing.
    pub fn mean(&self) -> f64 {
        if self.count > 0.0 { self.sum / self.count } else { 0.0 }
    }

    /// The standard deviation over all values (not the sample's), 1 where it would be 0.
    pub fn std(&self) -> f64 {
        let variance = if self.count > 0.0 { self.squares / self.count - self.mean().powi(2) } else { 0.0 };
        if variance > 0.0 { variance.sqrt() } else { 1.0 }
    }
}

/// Folder of the running means, the input channel that the first command makes.
const RUNNING_MEANS: &str = "time_interpolate_sar";
/// Weights that training leaves.
const BEST: &str = "runs/unet/checkpoints/best.safetensors";
const PREDICTIONS: &str = "runs/unet/predictions";

/// The commands from a fresh dataset to scores, in their order.
pub fn commands(out_dir: &Path) -> Vec<String> {
    let at = |name: &str| shell_word(&out_dir.join(name).to_string_lossy());
    let (config, means) = (at("config.yaml"), at(RUNNING_MEANS));
    let scored = |model: &str, folder: &str| shell_word(&format!("{model}={}", out_dir.join(folder).display()));
    vec![
        format!("meltcore baseline time-interpolate-sar --config {config} --split all --out {means}"),
        format!("meltcore train --config {config}"),
        format!("meltcore predict --config {config} --weights {} --split test", at(BEST)),
        format!(
            "meltcore eval --config {config} --split test --pred {} --pred {} --out {}",
            scored("unet", PREDICTIONS),
            scored("running-mean", RUNNING_MEANS),
            at("runs/unet/scores")
        ),
    ]
}

/// A word as a shell takes it: as it is where nothing in it is special, else quoted.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:=,+@".contains(c) || (cfg!(windows) && c == '\\');
    match (word.chars().all(plain), cfg!(windows)) {
        (true, _) => word.to_owned(),
        (false, true) => format!("\"{word}\""),
        (false, false) => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// All that the configuration depends on.
pub struct Recipe<'a> {
    /// Folder of the dataset, as the user gave it.
    pub out_dir: &'a Path,
    /// Size, days and seed.
    pub options: &'a SynthOptions,
    /// All days, sorted.
    pub days: &'a [Day],
    /// Brightness temperature over the train days, K.
    pub pmw: Moments,
    /// Liquid water over the train days.
    pub mar_wa1: Moments,
    /// Melt over the train days' valid pixels.
    pub melt: Moments,
    /// Elevation over the scene, m.
    pub dem: Moments,
}

impl Recipe<'_> {
    /// Side of crops and tiles: 512 pixels as published where the scene is large, less in smaller scenes, always a multiple of 16.
    fn tile(&self) -> usize {
        let short = self.options.rows.min(self.options.cols);
        match short {
            1024.. => 512,
            512.. => 256,
            _ => (short / 16 * 16).min(128),
        }
    }

    /// Blur size and sigma in pixels for a published sigma: 1.5 σ on either side, as published.
    fn blur(&self, sigma: f64) -> (usize, f64) {
        let sigma = sigma * self.options.rows as f64 / REFERENCE_ROWS;
        let radius = ((1.5 * sigma) as usize).clamp(1, self.tile() / 2 - 1);
        (2 * radius + 1, sigma)
    }

    /// The file's text.
    pub fn yaml(&self) -> String {
        // JSON strings are YAML strings.
        let quoted = |path: &Path| serde_json::Value::from(path.to_string_lossy().into_owned()).to_string();
        let inside = |name: &str| quoted(&self.out_dir.join(name));
        let tile = self.tile();
        let ((pmw_kernel, pmw_sigma), (mar_kernel, mar_sigma)) = (self.blur(15.0), self.blur(33.0));
        let first = self.days.first().map_or(String::new(), |d| d.name());
        let last_year = self.days.last().map_or(super::season::FIRST_YEAR, |d| d.year);
        let SynthOptions { rows, cols, seed, .. } = self.options;
        format!(
            "\
# {land} of {rows} x {cols} pixels, {days} days, seed {seed}. Next, in this order:
{next}
model_key: unet
seed: {seed}

# Data: variables relative to data_root, everything else to the current directory.
data_root: {root}
in_keys: [pmw, mar_wa1, time_interpolate_sar]
in_keys_static: [dem]
in_keys_aux: []
path_melt: melt
path_melt_reference: melt/{first}.tif
path_mar_wa1: mar_wa1
path_pmw: pmw
path_pmw_winter_mean: pmw_winter_mean
path_dem: dem.tif
path_landmask: landmask.tif
path_time_interpolate_sar: {RUNNING_MEANS}
path_train_split_csv: {train}
path_val_split_csv: {val}
path_test_split_csv: {test}
path_eval_split_csv: {eval}
path_all_split_csv: {all}
path_deploy_split_csv: {deploy}
split_cfg: csv
deploy_start_time: '2017_04_01'
deploy_end_time: '{last_year}_09_30'

# Statistics of the train days.
normalize_inputs: true
max_mar_wa1: 1.0
mean_pmw: {mean_pmw:.6}
std_pmw: {std_pmw:.6}
mean_mar_wa1: {mean_mar:.9}
std_mar_wa1: {std_mar:.9}
mean_dem: {mean_dem:.4}
std_dem: {std_dem:.4}
mean_melt: {mean_melt:.6}
std_melt: {std_melt:.6}

# The published blurs, scaled to this scene's pixels.
pmw_GaussianBlur_kernel_size: {pmw_kernel}
pmw_GaussianBlur_sigma: {pmw_sigma:.4}
mar_wa1_GaussianBlur_kernel_size: {mar_kernel}
mar_wa1_GaussianBlur_sigma: {mar_sigma:.4}

# Model and training.
base_channels: 8
activation: relu
out_activation: sigmoid
out_channels: 1
bilinear: false
num_extra_convs: 0
img_size: [{tile}, {tile}]
batch_size: 4
epochs: 35
optimizer: adam
learning_rate: 0.001
weight_decay: 0.0
loss_function: l1
lr_scheduler: CosineAnnealingWarmRestarts
T_0: 5
T_mult: 2
eta_min: 0.0
periodical_evaluation: true
epochs_between_periodical_evaluation: 5
epochs_between_checkpoint_save: 5
path_checkpoints: {checkpoints}
path_eval: {path_eval}

# Maps.
path_predictions: {predictions}
path_deploy: {path_deploy}
prediction_batch_size: 4
prediction_stride: {stride}
erode_size: {erode}
apply_landmask_to_predictions: false
min_melt: 0.0
max_melt: 1.0

# Baselines.
n_previous_dates: 3
n_posterior_dates: 3
kernel_size: {mar_kernel}
sigma: {mar_sigma:.4}
brightness_factor: 143.48383700492423
gamma: 29.176057091328698
mask_threshold: 0.5
",
            land = if self.options.geography.is_some() { "Invented weather on real geography" } else { "An invented scene" },
            days = self.days.len(),
            next = commands(self.out_dir)
                .iter()
                .map(|command| format!(
                    "#   {command}
"
                ))
                .collect::<String>()
                .trim_end(),
            root = quoted(self.out_dir),
            train = inside("splits/train.csv"),
            val = inside("splits/val.csv"),
            test = inside("splits/test.csv"),
            eval = inside("splits/eval.csv"),
            all = inside("splits/all.csv"),
            deploy = inside("splits/deploy.csv"),
            mean_pmw = self.pmw.mean(),
            std_pmw = self.pmw.std(),
            mean_mar = self.mar_wa1.mean(),
            std_mar = self.mar_wa1.std(),
            mean_dem = self.dem.mean(),
            std_dem = self.dem.std(),
            mean_melt = self.melt.mean(),
            std_melt = self.melt.std(),
            checkpoints = inside("runs/unet/checkpoints"),
            path_eval = inside("runs/unet/eval"),
            predictions = inside(PREDICTIONS),
            path_deploy = inside("runs/unet/deploy"),
            stride = tile * 3 / 4,
            erode = tile / 16,
        )
    }
}
