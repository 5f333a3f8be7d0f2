//! Which keys a configuration may hold: in force, accepted and ignored, refused, or unknown with the nearest known one.

use serde_json::Value;

/// Data variables: `path_<variable>`, `mean_<variable>`, `std_<variable>` and the two blur keys exist for each.
pub(super) const VARIABLES: [&str; 9] =
    ["melt", "mar_wa1", "pmw", "pmw_winter_mean", "modis_b1", "modis_b2", "dem", "landmask", "time_interpolate_sar"];

/// Names of the splits, each with its `path_<name>_split_csv`.
pub const SPLITS: [&str; 6] = ["train", "val", "test", "eval", "all", "deploy"];

/// Channels that `in_keys` may name: one raster a day.
pub(super) const DAILY_CHANNELS: [&str; 5] = ["pmw", "modis_b1", "modis_b2", "mar_wa1", "time_interpolate_sar"];
/// Channels that `in_keys_static` may name: one raster for all days.
pub(super) const STATIC_CHANNELS: [&str; 2] = ["dem", "landmask"];
/// Channels that `in_keys_aux` may name: made from the date, or one raster a year.
pub(super) const AUX_CHANNELS: [&str; 4] = ["time_sin", "time_cos", "time_month_idx", "pmw_winter_mean"];

pub(super) const BLUR_KERNEL: &str = "_GaussianBlur_kernel_size";
pub(super) const BLUR_SIGMA: &str = "_GaussianBlur_sigma";

/// Another name of a key, with the name it stands for.
const ALIASES: [(&str, &str); 1] = [("decoder_use_norm", "decoder_use_batchnorm")];

/// Keys in force beside those made of variables' and splits' names.
const IN_FORCE: &str = "model_key seed data_root in_keys in_keys_static in_keys_aux max_mar_wa1 max_modis normalize_inputs use_batch_blur \
    img_size batch_size accumulate_steps recompute epochs optimizer learning_rate weight_decay gradient_clipping loss_function \
    lr_scheduler lr_patience T_0 T_mult eta_min activation out_activation out_channels base_channels bilinear num_extra_convs encoder_name encoder_depth encoder_weights \
    encoder_output_stride decoder_use_batchnorm decoder_channels decoder_atrous_rates batch_norm upsampling n_models time_channel_idx \
    precision amp prediction_batch_size prediction_stride erode_size apply_landmask_to_predictions min_melt max_melt mask_threshold \
    periodical_evaluation epochs_between_periodical_evaluation epochs_between_checkpoint_save starting_epoch path_checkpoints \
    path_predictions path_deploy path_eval path_melt_reference n_previous_dates n_posterior_dates kernel_size sigma gamma \
    brightness_factor val_percent test_percent n_imgs_per_month split_cfg deploy_start_time deploy_end_time check_for_invalid_entries \
    tensorboard constant_inputs dtype normalize_melt blur";

/// Keys of the reference that have no meaning here.
const IGNORED: &str = "device num_workers persistent_workers use_gpu use_cv use_deterministic_algorithms warn_only verbose filetype data_key \
    in_channels nodata_modis decoder_interpolation_mode use_cosine_annealing save_predictions create_csv_w_split_cfg \
    add_wandb_id_to_ckpt_filename path_experiment path_wandb";

/// Beginnings of further keys that have no meaning here.
const IGNORED_PREFIXES: [&str; 5] = ["log_", "period_wandb_", "wandb_", "path_sweep", "path_predictions_"];

/// What becomes of a key.
pub(super) enum KeyUse {
    /// Read by this crate.
    InForce,
    /// Accepted, named once in a line, and without effect.
    Ignored,
    /// Neither; holds the nearest known key.
    Unknown(String),
}

/// The name under which a key is read: itself, or what it is another name of.
pub(super) fn canonical(key: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == key).map_or(key, |(_, name)| name)
}

/// Says what becomes of `key`, given under its canonical name.
pub(super) fn classify(key: &str) -> KeyUse {
    let known = known_keys();
    if known.iter().any(|name| name == key) {
        KeyUse::InForce
    } else if IGNORED.split_whitespace().any(|name| name == key) || IGNORED_PREFIXES.iter().any(|prefix| key.starts_with(prefix)) {
        KeyUse::Ignored
    } else {
        let candidates = known.iter().map(String::as_str).chain(ALIASES.iter().map(|(alias, _)| *alias)).chain(IGNORED.split_whitespace());
        KeyUse::Unknown(nearest(key, candidates).unwrap_or_default().to_owned())
    }
}

/// The candidate with the fewest edits from `given`, letter case aside; the first of equals.
pub(super) fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase();
    candidates.into_iter().min_by_key(|name| strsim::damerau_levenshtein(&given, &name.to_lowercase()))
}

/// A reason to refuse the value of a key that the reference reads and this crate fixes.
pub(super) fn refusal(key: &str, value: &Value) -> Option<&'static str> {
    let text = value.as_str();
    match key {
        "dtype" if text != Some("float32") => {
            Some("only float32 is computed; write `dtype: float32`, and `precision: mixed` for half-precision operands")
        }
        "normalize_melt" if *value != Value::Bool(false) => {
            Some("the melt fraction is used as it is, since every loss, score and map here is in 0…1; write `normalize_melt: false`")
        }
        "blur" if text != Some("gaussian") => Some("only the Gaussian blur is there; write `blur: gaussian`"),
        _ => None,
    }
}

/// Every key in force, including those made of variables' and splits' names.
fn known_keys() -> Vec<String> {
    let fixed = IN_FORCE.split_whitespace().map(str::to_owned);
    let of_splits = SPLITS.iter().map(|split| format!("path_{split}_split_csv"));
    let of_variables = VARIABLES.iter().flat_map(|v| {
        [format!("path_{v}"), format!("mean_{v}"), format!("std_{v}"), format!("{v}{BLUR_KERNEL}"), format!("{v}{BLUR_SIGMA}")]
    });
    fixed.chain(of_splits).chain(of_variables).collect()
}

/// The key whose list takes the channel `name`.
pub(super) fn list_of_channel(name: &str) -> Option<&'static str> {
    let lists = [("in_keys", &DAILY_CHANNELS[..]), ("in_keys_static", &STATIC_CHANNELS[..]), ("in_keys_aux", &AUX_CHANNELS[..])];
    lists.into_iter().find(|(_, names)| names.contains(&name)).map(|(key, _)| key)
}
