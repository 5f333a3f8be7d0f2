//! The configurations that belong to a written scene: paths, channel statistics, and sizes scaled to the scene; one for each model.

use std::path::Path;

use super::SynthOptions;
use super::steps::RUNNING_MEANS;
use crate::data::day::Day;
use crate::data::moments::Moments;

/// Rows of the reference's scene, to which its blur sizes belong.
const REFERENCE_ROWS: f64 = 2863.0;

/// The models that a dataset comes with configurations for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// A small UNet, for devices of any kind.
    Unet,
    /// UNet with the Xception71 encoder at its published size, for GPUs.
    UnetSmp,
    /// One linear function of elevation a month.
    LinearDem,
    /// Baseline: blurred and brightened liquid water.
    InterpolateMar,
    /// Baseline: threshold on brightness temperature.
    ThresholdPmw,
}

impl Model {
    /// All of them; the UNet's configuration is written last.
    pub const ALL: [Model; 5] = [Model::UnetSmp, Model::LinearDem, Model::InterpolateMar, Model::ThresholdPmw, Model::Unet];

    /// Its `model_key`.
    pub fn key(self) -> &'static str {
        match self {
            Model::Unet => "unet",
            Model::UnetSmp => "unet_smp",
            Model::LinearDem => "linear_dem",
            Model::InterpolateMar => "interpolate_mar",
            Model::ThresholdPmw => "threshold_pmw",
        }
    }

    /// The name of its configuration.
    pub fn file(self) -> &'static str {
        match self {
            Model::Unet => "config.yaml",
            Model::UnetSmp => "unet_smp.yaml",
            Model::LinearDem => "linear_dem.yaml",
            Model::InterpolateMar => "interpolate_mar.yaml",
            Model::ThresholdPmw => "threshold_pmw.yaml",
        }
    }

    /// The folder of whatever it makes.
    pub fn run(self) -> String {
        format!("runs/{}", self.key())
    }

    /// Its input channels: daily, fixed, auxiliary.
    fn inputs(self) -> [&'static str; 3] {
        match self {
            Model::Unet | Model::UnetSmp => ["pmw, mar_wa1, time_interpolate_sar", "dem", ""],
            Model::LinearDem => ["", "dem", "time_month_idx"],
            Model::InterpolateMar => ["mar_wa1", "landmask", ""],
            Model::ThresholdPmw => ["pmw", "landmask", "pmw_winter_mean"],
        }
    }
}

/// A path in quotes: JSON strings are YAML strings.
pub(super) fn quoted(path: &Path) -> String {
    serde_json::Value::from(path.to_string_lossy().into_owned()).to_string()
}

/// All that the configurations depend on.
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
    /// Side of crops and tiles: 512 pixels as published where the scene is large, half as much for the small UNet, less in smaller
    /// scenes, always a multiple of 16.
    fn tile(&self, model: Model) -> usize {
        let short = self.options.rows.min(self.options.cols);
        match (short, model) {
            (1024.., Model::UnetSmp) => 512,
            (512.., _) => 256,
            _ => (short / 16 * 16).min(128),
        }
    }

    /// Blur size and sigma in pixels for a published sigma: 1.5 σ on either side, as published.
    fn blur(&self, model: Model, sigma: f64) -> (usize, f64) {
        let sigma = sigma * self.options.rows as f64 / REFERENCE_ROWS;
        let radius = ((1.5 * sigma) as usize).clamp(1, self.tile(model) / 2 - 1);
        (2 * radius + 1, sigma)
    }

    /// A path in the dataset.
    fn inside(&self, name: &str) -> String {
        quoted(&self.out_dir.join(name))
    }

    /// The text of a model's configuration, with `next`, the commands that use it, on top.
    pub fn yaml(&self, model: Model, next: &[String]) -> String {
        let SynthOptions { rows, cols, seed, .. } = self.options;
        let land = if self.options.geography.is_some() { "Invented weather on real geography" } else { "An invented scene" };
        let next: String = next.iter().map(|command| format!("#   {command}\n")).collect();
        let head = format!(
            "# {land} of {rows} x {cols} pixels, {} days, seed {seed}. Next, in this order:\n{next}model_key: {}\nseed: {seed}\n",
            self.days.len(),
            model.key()
        );
        let own = match model {
            Model::Unet | Model::UnetSmp | Model::LinearDem => self.training(model),
            Model::InterpolateMar => self.blurred_mar(model),
            Model::ThresholdPmw => "\n# Kelvin as they are: no statistics, no blur.\nmask_threshold: 0.5\n".to_owned(),
        };
        [head, self.data(model), self.statistics(model), own, self.maps(model)].concat()
    }

    fn data(&self, model: Model) -> String {
        let [daily, fixed, auxiliary] = model.inputs();
        let first = self.days.first().map_or(String::new(), |day| day.file_name().replace(".tif", ""));
        let last_year = self.days.last().map_or(super::season::FIRST_YEAR, |d| d.year);
        let split = |name: &str| format!("path_{name}_split_csv: {}\n", self.inside(&format!("splits/{name}.csv")));
        let splits: String = ["train", "val", "test", "eval", "all", "deploy"].map(split).concat();
        format!(
            "
# Data: variables relative to data_root, everything else to the current directory.
data_root: {root}
in_keys: [{daily}]
in_keys_static: [{fixed}]
in_keys_aux: [{auxiliary}]
path_melt: melt
path_melt_reference: melt/{first}.tif
path_mar_wa1: mar_wa1
path_pmw: pmw
path_pmw_winter_mean: pmw_winter_mean
path_dem: dem.tif
path_landmask: landmask.tif
path_time_interpolate_sar: {RUNNING_MEANS}
{splits}split_cfg: csv
deploy_start_time: '2017_04_01'
deploy_end_time: '{last_year}_09_30'
",
            root = quoted(self.out_dir),
        )
    }

    fn statistics(&self, model: Model) -> String {
        let ((pmw_kernel, pmw_sigma), (mar_kernel, mar_sigma)) = match model {
            // The baselines have blurs of their own, or none.
            Model::InterpolateMar | Model::ThresholdPmw => ((1, 1.0), (1, 1.0)),
            _ => (self.blur(model, 15.0), self.blur(model, 33.0)),
        };
        format!(
            "
# Statistics of the train days.
normalize_inputs: {normalize}
max_mar_wa1: 1.0
mean_pmw: {:.6}
std_pmw: {:.6}
mean_mar_wa1: {:.9}
std_mar_wa1: {:.9}
mean_dem: {:.4}
std_dem: {:.4}
mean_melt: {:.6}
std_melt: {:.6}

# The published blurs, scaled to this scene's pixels.
pmw_GaussianBlur_kernel_size: {pmw_kernel}
pmw_GaussianBlur_sigma: {pmw_sigma:.4}
mar_wa1_GaussianBlur_kernel_size: {mar_kernel}
mar_wa1_GaussianBlur_sigma: {mar_sigma:.4}
",
            self.pmw.mean(),
            spread(self.pmw),
            self.mar_wa1.mean(),
            spread(self.mar_wa1),
            self.dem.mean(),
            spread(self.dem),
            self.melt.mean(),
            spread(self.melt),
            normalize = model != Model::ThresholdPmw,
        )
    }

    /// Network, optimizer and schedule.
    fn training(&self, model: Model) -> String {
        let tile = self.tile(model);
        let own = match model {
            Model::UnetSmp => {
                "
# Model and training as published, for a GPU. With encoder_weights, a file that tools/export_weights.py writes, it learns faster.
encoder_name: tu-xception71
encoder_depth: 5
encoder_weights: null
decoder_use_batchnorm: false
activation: relu
out_activation: sigmoid
batch_size: 8
epochs: 105
learning_rate: 0.0001
loss_function: l1
lr_scheduler: CosineAnnealingWarmRestarts
T_0: 35
T_mult: 2
"
            }
            Model::LinearDem => {
                "
# Model and training as published, with crops in the place of whole scenes.
n_models: 12
time_channel_idx: 1
activation: linear
out_activation: tanhshelf
batch_size: 16
epochs: 30
learning_rate: 5.0
loss_function: mse
lr_scheduler: ReduceLROnPlateau
lr_patience: 2
"
            }
            _ => {
                "
# Model and training: one cosine over all epochs. A small network in small batches, for some minutes without a GPU;
# with one, base_channels: 64 is the published width.
base_channels: 8
activation: relu
out_activation: sigmoid
bilinear: false
num_extra_convs: 0
batch_size: 2
epochs: 30
learning_rate: 0.003
loss_function: l1
lr_scheduler: CosineAnnealingWarmRestarts
T_0: 30
T_mult: 1
"
            }
        };
        format!(
            "{own}eta_min: 0.0
out_channels: 1
img_size: [{tile}, {tile}]
optimizer: adam
weight_decay: 0.0
periodical_evaluation: true
epochs_between_periodical_evaluation: 10
epochs_between_checkpoint_save: 10
path_checkpoints: {}
path_eval: {}
",
            self.inside(&format!("{}/checkpoints", model.run())),
            self.inside(&format!("{}/eval", model.run())),
        )
    }

    fn blurred_mar(&self, model: Model) -> String {
        let (kernel, sigma) = self.blur(model, 33.0);
        format!(
            "
# The published brightness and gamma; `meltcore baseline interpolate-mar --fit` finds others.
kernel_size: {kernel}
sigma: {sigma:.4}
brightness_factor: 143.48383700492423
gamma: 29.176057091328698
mask_threshold: 0.5
"
        )
    }

    fn maps(&self, model: Model) -> String {
        let run = model.run();
        let mut text = format!(
            "
# Maps.
path_predictions: {}
path_deploy: {}
n_previous_dates: 3
n_posterior_dates: 3
",
            self.inside(&format!("{run}/predictions")),
            self.inside(&format!("{run}/deploy")),
        );
        let tile = self.tile(model);
        // A linear model sees single pixels, so that its tiles need no overlap.
        let (stride, erode) = if model == Model::LinearDem { (tile, 0) } else { (tile * 3 / 4, tile / 16) };
        if matches!(model, Model::Unet | Model::UnetSmp | Model::LinearDem) {
            text += &format!(
                "prediction_batch_size: 4
prediction_stride: {stride}
erode_size: {erode}
apply_landmask_to_predictions: false
min_melt: 0.0
max_melt: 1.0
"
            );
        }
        text
    }
}

/// A standard deviation that one may divide by: 1 where all values are alike.
fn spread(moments: Moments) -> f64 {
    if moments.std() > 0.0 { moments.std() } else { 1.0 }
}
