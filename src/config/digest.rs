//! The configuration as JSON, and a digest of the keys that determine a training run's bits.

use super::Config;
use super::keys::{BLUR_KERNEL, BLUR_SIGMA};
use crate::files::fnv1a;
use serde_json::{Map, Value, json};
use std::path::Path;

/// Keys in force that change nothing in the weights of a given epoch, beside all paths of outputs and splits.
const NOT_TRAINING: &str = "data_root epochs starting_epoch recompute prediction_batch_size prediction_stride erode_size \
    apply_landmask_to_predictions min_melt max_melt periodical_evaluation epochs_between_periodical_evaluation \
    epochs_between_checkpoint_save path_checkpoints path_predictions path_deploy path_eval path_melt_reference n_previous_dates \
    n_posterior_dates kernel_size sigma gamma brightness_factor val_percent test_percent n_imgs_per_month split_cfg \
    deploy_start_time deploy_end_time tensorboard";

impl Config {
    /// All keys in force with their values, defaults included, under the names of the YAML file.
    ///
    /// Written as YAML it loads again to the same configuration (but for `momentum` and `dropout`, which no file may hold).
    pub fn to_json(&self) -> Map<String, Value> {
        let path = |p: &Option<std::path::PathBuf>| p.as_deref().map(text);
        let fixed = [
            ("model_key", json!(self.model_key)),
            ("seed", json!(self.seed)),
            ("data_root", json!(text(&self.data_root))),
            ("in_keys", json!(self.in_keys)),
            ("in_keys_static", json!(self.in_keys_static)),
            ("in_keys_aux", json!(self.in_keys_aux)),
            ("max_mar_wa1", json!(self.max_mar_wa1)),
            ("max_modis", json!(self.max_modis)),
            ("normalize_inputs", json!(self.normalize_inputs)),
            ("use_batch_blur", json!(self.use_batch_blur)),
            ("img_size", json!(self.img_size)),
            ("batch_size", json!(self.batch_size)),
            ("accumulate_steps", json!(self.accumulate_steps)),
            ("recompute", json!(self.recompute)),
            ("epochs", json!(self.epochs)),
            ("optimizer", json!(self.optimizer)),
            ("learning_rate", json!(self.learning_rate)),
            ("weight_decay", json!(self.weight_decay)),
            ("gradient_clipping", json!(self.gradient_clipping)),
            ("loss_function", json!(self.loss_function)),
            ("lr_scheduler", json!(self.lr_scheduler)),
            ("lr_patience", json!(self.lr_patience)),
            ("T_0", json!(self.t_0)),
            ("T_mult", json!(self.t_mult)),
            ("eta_min", json!(self.eta_min)),
            ("activation", json!(self.activation)),
            ("out_activation", json!(self.out_activation)),
            ("out_channels", json!(self.out_channels)),
            ("base_channels", json!(self.base_channels)),
            ("bilinear", json!(self.bilinear)),
            ("num_extra_convs", json!(self.num_extra_convs)),
            ("encoder_name", json!(self.encoder_name)),
            ("encoder_depth", json!(self.encoder_depth)),
            ("encoder_weights", json!(self.encoder_weights)),
            ("encoder_output_stride", json!(self.encoder_output_stride)),
            ("decoder_use_batchnorm", json!(self.decoder_use_batchnorm)),
            ("decoder_channels", json!(self.decoder_channels)),
            ("decoder_atrous_rates", json!(self.decoder_atrous_rates)),
            ("batch_norm", json!(self.batch_norm)),
            ("upsampling", json!(self.upsampling)),
            ("n_models", json!(self.n_models)),
            ("time_channel_idx", json!(self.time_channel_idx)),
            ("precision", json!(self.precision)),
            ("prediction_batch_size", json!(self.prediction_batch_size)),
            ("prediction_stride", json!(self.prediction_stride)),
            ("erode_size", json!(self.erode_size)),
            ("apply_landmask_to_predictions", json!(self.apply_landmask_to_predictions)),
            ("min_melt", json!(self.min_melt)),
            ("max_melt", json!(self.max_melt)),
            ("mask_threshold", json!(self.mask_threshold)),
            ("periodical_evaluation", json!(self.periodical_evaluation)),
            ("epochs_between_periodical_evaluation", json!(self.epochs_between_periodical_evaluation)),
            ("epochs_between_checkpoint_save", json!(self.epochs_between_checkpoint_save)),
            ("starting_epoch", json!(self.starting_epoch)),
            ("path_checkpoints", json!(path(&self.path_checkpoints))),
            ("path_predictions", json!(path(&self.path_predictions))),
            ("path_deploy", json!(path(&self.path_deploy))),
            ("path_eval", json!(path(&self.path_eval))),
            ("n_previous_dates", json!(self.n_previous_dates)),
            ("n_posterior_dates", json!(self.n_posterior_dates)),
            ("kernel_size", json!(self.kernel_size)),
            ("sigma", json!(self.sigma)),
            ("gamma", json!(self.gamma)),
            ("brightness_factor", json!(self.brightness_factor)),
            ("val_percent", json!(self.val_percent)),
            ("test_percent", json!(self.test_percent)),
            ("n_imgs_per_month", json!(self.n_imgs_per_month)),
            ("split_cfg", json!(self.split_cfg)),
            ("deploy_start_time", json!(self.deploy_start_time)),
            ("deploy_end_time", json!(self.deploy_end_time)),
            ("check_for_invalid_entries", json!(self.check_for_invalid_entries)),
            ("tensorboard", json!(self.tensorboard)),
        ];
        let mut map: Map<String, Value> = fixed.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        for (variable, p) in &self.variable_paths {
            let relative = p.strip_prefix(&self.data_root).unwrap_or(p);
            map.insert(format!("path_{variable}"), json!(text(relative)));
        }
        map.extend(self.split_csv.iter().map(|(split, p)| (format!("path_{split}_split_csv"), json!(text(p)))));
        map.extend(self.mean.iter().map(|(v, x)| (format!("mean_{v}"), json!(x))));
        map.extend(self.std.iter().map(|(v, x)| (format!("std_{v}"), json!(x))));
        map.extend(self.blur_kernel_size.iter().map(|(v, k)| (format!("{v}{BLUR_KERNEL}"), json!(k))));
        map.extend(self.blur_sigma.iter().map(|(v, s)| (format!("{v}{BLUR_SIGMA}"), json!(s))));
        // Left out where there is none, so that digests are those of versions without the key.
        map.extend((!self.constant_inputs.is_empty()).then(|| ("constant_inputs".to_owned(), json!(self.constant_inputs))));
        map.extend(self.momentum.map(|m| ("momentum".to_owned(), json!(m))));
        map.extend(self.dropout.map(|p| ("dropout".to_owned(), json!(p))));
        map
    }

    /// The part of [`Config::to_json`] that determines the bits of a training run of given length.
    ///
    /// Paths of the variables are taken relative to `data_root`, so that a data set may move as a whole; the lists of days
    /// are files of their own and not part of it. Channel lists are sorted, because their order has no effect.
    pub fn training_keys(&self) -> Map<String, Value> {
        let mut map = self.to_json();
        map.retain(|key, _| !key.ends_with("_split_csv") && !NOT_TRAINING.split_whitespace().any(|name| name == key));
        for key in ["in_keys", "in_keys_static", "in_keys_aux"] {
            if let Some(Value::Array(names)) = map.get_mut(key) {
                names.sort_by_key(|name| name.to_string());
            }
        }
        map
    }

    /// Sixteen hexadecimal digits that agree where [`Config::training_keys`] agree: [`fnv1a`] over lines `key=JSON` in the
    /// order of the keys' bytes.
    pub fn digest(&self) -> String {
        let mut lines: Vec<String> = self.training_keys().iter().map(|(key, value)| format!("{key}={value}\n")).collect();
        lines.sort();
        format!("{:016x}", fnv1a(lines.concat().bytes()))
    }
}

/// A path as text.
fn text(path: &Path) -> String {
    path.display().to_string()
}
