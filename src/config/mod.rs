//! A run's configuration: the flat YAML keys of the reference, their defaults, checks and "did you mean".
//!
//! Defaults marked *ours* in the fields' docs are choices of this crate where the reference demands the key.
//! What a command cannot do without is asked for by that command through the `require_…` functions, so that a
//! baseline's configuration need not carry the keys of a network.

mod build;
mod choices;
mod digest;
mod keys;
mod reader;
mod require;
mod variables;

pub use choices::{ModelKey, Precision, TaskKey};
pub use keys::SPLITS;

use crate::error::{Error, Result};
use crate::kernels::activation::Activation;
use crate::kernels::masked_loss::LossKind;
use crate::optim::{OptimizerKind, SchedulerKind};
use keys::KeyUse;
use reader::Reader;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// All keys in force, one field a key; variables' keys (`path_<v>`, `mean_<v>`, …) are maps by variable name.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the configuration came from, for error messages.
    pub file: String,
    /// What networks are trained for \[melt_fraction\].
    pub task: TaskKey,
    /// The model or baseline; absent (as in the published `time_interpolate_sar` config) means that baseline, see [`Config::require_model_key`].
    pub model_key: ModelKey,
    /// Seed of every random draw \[42\].
    pub seed: u64,
    /// Folder that the variables' paths are relative to [`.`, ours].
    pub data_root: PathBuf,
    /// Daily raster channels; their order has no effect.
    pub in_keys: Vec<String>,
    /// Constant raster channels: `dem`, `landmask`.
    pub in_keys_static: Vec<String>,
    /// Channels made from the date, and `pmw_winter_mean`.
    pub in_keys_aux: Vec<String>,
    /// `path_<variable>` for the data variables and `melt_reference`, already joined to `data_root`.
    pub variable_paths: BTreeMap<String, PathBuf>,
    /// `path_<name>_split_csv` by split name (train, val, test, eval, all, deploy).
    pub split_csv: BTreeMap<String, PathBuf>,
    /// `mean_<variable>`, in the variable's unit.
    pub mean: BTreeMap<String, f64>,
    /// `std_<variable>`, in the variable's unit, above 0.
    pub std: BTreeMap<String, f64>,
    /// MAR is divided by this before it is normalised \[1\].
    pub max_mar_wa1: f64,
    /// MODIS reflectances are divided by this \[10000\].
    pub max_modis: f64,
    /// Whether inputs are normalised by mean and std \[true\].
    pub normalize_inputs: bool,
    /// `<variable>_GaussianBlur_kernel_size` (odd; 1 or absent: no blur).
    pub blur_kernel_size: BTreeMap<String, usize>,
    /// `<variable>_GaussianBlur_sigma`, pixels.
    pub blur_sigma: BTreeMap<String, f64>,
    /// Reference's batched blur: MAR takes the kernel size of PMW \[false\].
    pub use_batch_blur: bool,
    /// Crop and tile size `[rows, columns]`, pixels \[512, 512, ours\].
    pub img_size: [usize; 2],
    /// Crops that go through the network at once \[8, ours\].
    pub batch_size: usize,
    /// Batches whose gradients make one step of the optimizer, that of their mean loss \[1\].
    pub accumulate_steps: usize,
    /// Activations inside a network's blocks are computed again in the backward pass instead of kept \[false\].
    pub recompute: bool,
    /// Epochs to train \[500, ours\].
    pub epochs: usize,
    /// Optimizer \[adam, ours\].
    pub optimizer: OptimizerKind,
    /// Learning rate at the start \[1e-4, ours\].
    pub learning_rate: f64,
    /// L2 penalty added to the gradient \[0\].
    pub weight_decay: f64,
    /// RMSprop 0.999, SGD 0, fixed by the reference; settable only through `train_steps` fixtures.
    pub momentum: Option<f64>,
    /// Largest total gradient norm \[1\].
    pub gradient_clipping: f64,
    /// Training loss \[l1, ours\].
    pub loss_function: LossKind,
    /// Learning-rate schedule \[ReduceLROnPlateau, ours\].
    pub lr_scheduler: SchedulerKind,
    /// Epochs without a better validation loss before a cut \[10, PyTorch's\].
    pub lr_patience: usize,
    /// `T_0`: epochs until the first restart \[35, ours\].
    pub t_0: usize,
    /// `T_mult`: growth of the restart period \[2, ours\].
    pub t_mult: usize,
    /// Learning rate at the end of a cosine period \[0\].
    pub eta_min: f64,
    /// Activation between layers \[relu, ours; linear with linear_dem\].
    pub activation: Activation,
    /// Activation of the output \[sigmoid, ours\].
    pub out_activation: Activation,
    /// Output maps \[1\].
    pub out_channels: usize,
    /// Width of the vanilla UNet's first level \[64\].
    pub base_channels: usize,
    /// Bilinear up-sampling instead of transposed convolutions in the vanilla UNet \[false, ours\].
    pub bilinear: bool,
    /// Repetitions of the shared extra convolutions of the vanilla UNet \[0\].
    pub num_extra_convs: usize,
    /// Encoder; only `tu-xception71` \[that\].
    pub encoder_name: String,
    /// Stages of the encoder \[5\].
    pub encoder_depth: usize,
    /// The encoder's first weights: a safetensors file, or `imagenet` as in the published configurations, which stands for one \[none\].
    pub encoder_weights: Option<String>,
    /// Output stride of the DeepLabv3+ encoder, 8 or 16 \[8\].
    pub encoder_output_stride: usize,
    /// Batch norm in the decoder of unet_smp \[true, its library's\].
    pub decoder_use_batchnorm: bool,
    /// One number for deeplabv3 \[256\], one a stage for unet_smp \[256, 128, 64, 32, 16\].
    pub decoder_channels: Vec<usize>,
    /// The three dilation rates of DeepLabv3+ \[6, 12, 18\].
    pub decoder_atrous_rates: Vec<usize>,
    /// Batch norm in the decoder of DeepLabv3+ \[true\].
    pub batch_norm: bool,
    /// Share that DeepLabv3+ drops in training: 0.5, fixed by the reference; settable only through fixtures.
    pub dropout: Option<f64>,
    /// Last up-sampling factor of DeepLabv3+ \[4\].
    pub upsampling: usize,
    /// Monthly models of linear_dem \[12\].
    pub n_models: usize,
    /// Input channel of linear_dem that holds the month \[1\].
    pub time_channel_idx: usize,
    /// Arithmetic of the network \[f32\]; `amp: true` means mixed where `precision` itself is absent.
    pub precision: Precision,
    /// Tiles a prediction step \[1\].
    pub prediction_batch_size: usize,
    /// `None` (null): `img_size[0]`.
    pub prediction_stride: Option<usize>,
    /// Pixels dropped at each inner side of a tile \[0, ours\].
    pub erode_size: usize,
    /// Whether deploy maps are 0 on ocean \[false\].
    pub apply_landmask_to_predictions: bool,
    /// Lower clip of predictions \[0\].
    pub min_melt: f64,
    /// Upper clip of predictions \[1\].
    pub max_melt: f64,
    /// Ocean where the landmask channel (1 on ocean) exceeds this \[0.5\].
    pub mask_threshold: f64,
    /// Whether training evaluates whole scenes now and then \[false, ours\].
    pub periodical_evaluation: bool,
    /// Epochs between such evaluations \[10\].
    pub epochs_between_periodical_evaluation: usize,
    /// Epochs between checkpoints that are kept \[10\].
    pub epochs_between_checkpoint_save: usize,
    /// Number of the first epoch \[1\].
    pub starting_epoch: usize,
    /// Folder of checkpoints.
    pub path_checkpoints: Option<PathBuf>,
    /// Folder of predicted maps.
    pub path_predictions: Option<PathBuf>,
    /// Folder of the deploy split's maps.
    pub path_deploy: Option<PathBuf>,
    /// Folder of maps and scores made during training.
    pub path_eval: Option<PathBuf>,
    /// Earlier train days in the running mean \[3, ours\]; 0 takes all of the year.
    pub n_previous_dates: usize,
    /// Later train days in the running mean \[3, ours\]; 0 takes none.
    pub n_posterior_dates: usize,
    /// Blur window of interpolate_mar, pixels, odd \[93, as published\].
    pub kernel_size: usize,
    /// Blur sigma of interpolate_mar, pixels \[33, as published\].
    pub sigma: f64,
    /// Power of interpolate_mar \[29.18, as published\].
    pub gamma: f64,
    /// Factor of interpolate_mar \[143.5, as published\].
    pub brightness_factor: f64,
    /// Share of days for validation when splits are drawn \[0.11, as published\].
    pub val_percent: f64,
    /// Share of days for testing when splits are drawn \[0.11, as published\].
    pub test_percent: f64,
    /// Days a month that `stratified_time` draws \[2, as published\].
    pub n_imgs_per_month: usize,
    /// How splits come about: `csv` \[ours\], `stratified_time` or `day`.
    pub split_cfg: String,
    /// First deploy day, `YYYY_MM_DD`.
    pub deploy_start_time: Option<String>,
    /// Last deploy day, `YYYY_MM_DD`.
    pub deploy_end_time: Option<String>,
    /// Whether days with invalid entries are looked for and left out \[false\].
    pub check_for_invalid_entries: bool,
    /// Inputs that hold one value at every pixel instead of their rasters' values, by channel, in the rasters' unit \[none\].
    pub constant_inputs: BTreeMap<String, f64>,
    /// Whether training writes event files for TensorBoard \[true\].
    pub tensorboard: bool,
    /// Keys that were accepted and ignored, for the one line that names them.
    pub ignored: Vec<String>,
    /// Keys in force that the file or an override gave, by their canonical names.
    pub given: BTreeSet<String>,
}

/// Keys that only fixtures may hold.
const FIXTURE_KEYS: [&str; 2] = ["momentum", "dropout"];

impl Config {
    /// Reads the YAML file `file` and then applies `overrides`, each of them `key=value` with a YAML value.
    ///
    /// # Errors
    /// An unreadable file, text that is not one YAML map, an unknown or refused key, a value that is not allowed.
    pub fn load(file: &Path, overrides: &[String]) -> Result<Config> {
        let text = std::fs::read_to_string(file).map_err(|e| {
            Error::input(file, format!("the configuration cannot be read ({e}); give --config the path of a YAML file")).because(e)
        })?;
        Config::from_yaml(&text, &file.display().to_string(), overrides)
    }

    /// As [`Config::load`], from text already in memory; `file` is the name for error messages.
    pub fn from_yaml(text: &str, file: &str, overrides: &[String]) -> Result<Config> {
        let unusable = |message: String| Error::input(file, message);
        let document = parse_yaml(text).map_err(|e| unusable(format!("not usable as YAML: {e}")))?;
        let map = match document {
            Value::Object(map) => map,
            Value::Null => return Err(unusable("holds no keys; a configuration is a list of `key: value` lines".into())),
            _ => return Err(unusable("must be a flat map of `key: value` lines at its top level".into())),
        };
        let mut reader = Reader { file: file.to_owned(), keys: Map::new(), overridden: BTreeSet::new() };
        for (key, value) in map {
            let name = keys::canonical(&key).to_owned();
            if reader.keys.insert(name.clone(), value).is_some() {
                let message = format!("is given twice, once under its other name `{name}`; keep one of the two");
                return Err(reader.error(&key, message));
            }
        }
        for text in overrides {
            let (key, value) = parse_override(text)?;
            reader.overridden.insert(key.clone());
            reader.keys.insert(key, value);
        }
        Config::from_reader(reader, false)
    }

    /// The configuration of a numerical fixture's attributes; unlike a file they may hold `momentum` and `dropout`.
    ///
    /// # Errors
    /// As [`Config::load`]; keys that are no configuration keys must have been removed.
    pub fn from_json(attributes: &Map<String, Value>) -> Result<Config> {
        let keys = attributes.iter().map(|(key, value)| (keys::canonical(key).to_owned(), value.clone())).collect();
        Config::from_reader(Reader { file: "fixture attributes".into(), keys, overridden: BTreeSet::new() }, true)
    }

    /// Sorts the keys into those in force and the ignored ones, then builds the fields.
    fn from_reader(mut reader: Reader, fixture: bool) -> Result<Config> {
        let mut ignored = Vec::new();
        for (key, value) in &reader.keys {
            if fixture && FIXTURE_KEYS.contains(&key.as_str()) {
                continue;
            }
            match keys::classify(key) {
                KeyUse::InForce => {
                    if let Some(reason) = keys::refusal(key, value) {
                        return Err(reader.error(key, format!("{} is refused: {reason}", reader::shown(value))));
                    }
                }
                KeyUse::Ignored => ignored.push(key.clone()),
                KeyUse::Unknown(nearest) => {
                    let message = format!("is not a known key; did you mean `{nearest}`? Correct it, or remove the line");
                    return Err(reader.error(key, message));
                }
            }
        }
        reader.keys.retain(|key, _| !ignored.contains(key));
        let config = Config::build(&reader, ignored)?;
        if !fixture && config.model_key == ModelKey::DeepLabV3 && config.upsampling != 4 {
            let message =
                format!("is {}, but the last maps are a quarter of the input's size: only 4 gives maps of its size", config.upsampling);
            return Err(reader.error("upsampling", message));
        }
        if !fixture && config.task == TaskKey::MeltFraction && config.out_channels != 1 {
            let message = format!("is {}, but a map of melt has one channel; give 1, or remove the line", config.out_channels);
            return Err(reader.error("out_channels", message));
        }
        Ok(config)
    }
}

/// Parses one YAML document; NaN and infinities become text, so that the key that holds them can be named.
fn parse_yaml(text: &str) -> std::result::Result<Value, String> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|e| match &e {
        serde_saphyr::Error::DuplicateMappingKey { key, location } => {
            let name = key.as_deref().map(|k| format!("`{k}`")).unwrap_or_default();
            format!("the key {name} is given twice, again in line {}; keep one of the two", location.line())
        }
        serde_saphyr::Error::MultipleDocuments { location, .. } => format!(
            "a second document begins in line {} (behind `---`), and a configuration is a single one; keep one of them",
            location.line()
        ),
        // An error stays one paragraph whatever the parser's layout.
        other => other.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
    })
}

/// Splits `key=value` and parses the value.
fn parse_override(text: &str) -> Result<(String, Value)> {
    let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.trim().is_empty()) else {
        return Err(Error::Usage(format!("--set {text}: must have the form key=value, for example --set batch_size=4")));
    };
    let key = keys::canonical(key.trim()).to_owned();
    match parse_yaml(value) {
        Ok(value) => Ok((key, value)),
        Err(message) => {
            let message = format!("the value is not usable as YAML: {message}; text with special characters needs quotes");
            Err(Error::Config { file: "--set".into(), key, message })
        }
    }
}
