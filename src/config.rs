//! A run's configuration: the flat YAML keys of the reference, their defaults, checks and "did you mean".

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Which model (or baseline) a configuration describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKey {
    /// The vanilla UNet.
    Unet,
    /// UNet with an Xception71 encoder.
    UnetSmp,
    /// DeepLabv3+ with an Xception71 encoder.
    #[serde(rename = "deeplabv3")]
    DeepLabV3,
    /// One 1×1 convolution per month.
    LinearDem,
    /// Baseline: blurred, brightened climate-model field.
    InterpolateMar,
    /// Baseline: brightness-temperature threshold.
    ThresholdPmw,
    /// Baseline: running mean of radar maps.
    TimeInterpolateSar,
}

/// Activation between layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// max(x, 0)
    Relu,
    /// x·Φ(x), the erf form
    Gelu,
    /// The identity (`activation: linear` of the published linear_dem config).
    Linear,
}

/// Activation of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutActivation {
    /// 1 / (1 + exp(−x))
    Sigmoid,
    /// ½(tanh(x + 4) + tanh(4 − x))
    TanhShelf,
    /// sigmoid(10 − x⁶)
    SigmoidCutoff,
    /// The identity.
    Linear,
}

/// Optimizer of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Adam with bias correction.
    Adam,
    /// Stochastic gradient descent, momentum optional.
    Sgd,
    /// RMSprop, not centered, alpha 0.99.
    RmsProp,
}

/// Training loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LossKind {
    /// Mean absolute error over valid pixels.
    L1,
    /// Mean squared error over valid pixels.
    Mse,
}

/// Learning-rate schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum SchedulerKind {
    /// Tenfold cut when the validation loss stalls for `lr_patience` epochs.
    ReduceLROnPlateau,
    /// SGDR: cosine decay restarted after T_0, T_0·T_mult, … epochs.
    CosineAnnealingWarmRestarts,
}

/// Arithmetic of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Everything in float32.
    F32,
    /// f16 operands, f32 accumulation and master weights.
    Mixed,
}

/// All keys in force, one field a key; variables' keys (`path_<v>`, `mean_<v>`, …) are maps by variable name.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the configuration came from, for error messages.
    pub file: String,
    pub model_key: ModelKey,
    pub seed: u64,
    pub data_root: PathBuf,
    pub in_keys: Vec<String>,
    pub in_keys_static: Vec<String>,
    pub in_keys_aux: Vec<String>,
    /// `path_<variable>` for the data variables of the contract, already joined to `data_root`.
    pub variable_paths: BTreeMap<String, PathBuf>,
    /// `path_<name>_split_csv` by split name (train, val, test, eval, all, deploy).
    pub split_csv: BTreeMap<String, PathBuf>,
    pub mean: BTreeMap<String, f64>,
    pub std: BTreeMap<String, f64>,
    pub max_mar_wa1: f64,
    pub max_modis: f64,
    pub normalize_inputs: bool,
    /// `<variable>_GaussianBlur_kernel_size` (odd; 1 or absent: no blur).
    pub blur_kernel_size: BTreeMap<String, usize>,
    /// `<variable>_GaussianBlur_sigma`, pixels.
    pub blur_sigma: BTreeMap<String, f64>,
    pub use_batch_blur: bool,
    /// Crop and tile size `[rows, columns]`.
    pub img_size: [usize; 2],
    pub batch_size: usize,
    pub epochs: usize,
    pub optimizer: OptimizerKind,
    pub learning_rate: f64,
    pub weight_decay: f64,
    /// RMSprop 0.999, SGD 0, fixed by the reference; settable only through `train_steps` fixtures.
    pub momentum: Option<f64>,
    pub gradient_clipping: f64,
    pub loss_function: LossKind,
    pub lr_scheduler: SchedulerKind,
    pub lr_patience: usize,
    pub t_0: usize,
    pub t_mult: usize,
    pub eta_min: f64,
    pub activation: Activation,
    pub out_activation: OutActivation,
    pub out_channels: usize,
    pub base_channels: usize,
    pub bilinear: bool,
    pub num_extra_convs: usize,
    pub encoder_name: String,
    pub encoder_depth: usize,
    pub encoder_weights: Option<String>,
    pub encoder_output_stride: usize,
    pub decoder_use_batchnorm: bool,
    /// One number for deeplabv3, five for unet_smp.
    pub decoder_channels: Vec<usize>,
    pub decoder_atrous_rates: Vec<usize>,
    pub batch_norm: bool,
    pub upsampling: usize,
    pub n_models: usize,
    pub time_channel_idx: usize,
    pub precision: Precision,
    pub prediction_batch_size: usize,
    /// `None` (null): `img_size[0]`.
    pub prediction_stride: Option<usize>,
    pub erode_size: usize,
    pub apply_landmask_to_predictions: bool,
    pub min_melt: f64,
    pub max_melt: f64,
    pub mask_threshold: f64,
    pub periodical_evaluation: bool,
    pub epochs_between_periodical_evaluation: usize,
    pub epochs_between_checkpoint_save: usize,
    pub starting_epoch: usize,
    pub path_checkpoints: Option<PathBuf>,
    pub path_predictions: Option<PathBuf>,
    pub path_deploy: Option<PathBuf>,
    pub path_eval: Option<PathBuf>,
    pub n_previous_dates: usize,
    pub n_posterior_dates: usize,
    pub kernel_size: usize,
    pub sigma: f64,
    pub gamma: f64,
    pub brightness_factor: f64,
    pub val_percent: f64,
    pub test_percent: f64,
    pub n_imgs_per_month: usize,
    pub split_cfg: String,
    pub deploy_start_time: Option<String>,
    pub deploy_end_time: Option<String>,
    pub check_for_invalid_entries: bool,
    /// Keys that were accepted and ignored, for the one line that names them.
    pub ignored: Vec<String>,
}
