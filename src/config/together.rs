//! Rules that concern two keys at once.

use super::keys::{FRONTS, IGNORE};
use super::reader::Reader;
use super::{BestBy, Config, CropsOfClasses, LossTerm, ModelKey, TaskKey};
use crate::domains::Unit;
use crate::error::Result;
use crate::optim::{EpsMode, OptimizerKind, SchedulerKind};

/// What stands in messages for the file of a fixture's attributes.
pub(super) const FIXTURE: &str = "fixture attributes";

impl Config {
    /// Refuses keys that contradict each other.
    pub(super) fn check_together(&self, r: &Reader) -> Result<()> {
        self.check_inputs(r)?;
        self.check_training(r)?;
        self.check_classes(r)?;
        self.check_similarity(r)?;
        self.check_quantiles(r)?;
        if self.loss_function.0.contains(&LossTerm::FocalL1) && self.focal_gamma <= 0.0 {
            return Err(r.error("focal_gamma", "is 0, and focal_l1 weights errors by that power; give one above 0, or take the loss l1"));
        }
        if self.focal_gamma > 100.0 {
            let message = format!("is {}, under which nothing would be learnt but what is wholly wrong; give one near 2", self.focal_gamma);
            return Err(r.error("focal_gamma", message));
        }
        if self.ignore_values.is_some() && !self.variable_paths.contains_key(IGNORE) {
            let message =
                "says which values of masks count, and `path_ignore`, the folder of the masks, is missing; name it or remove the line";
            return Err(r.error("ignore_values", message));
        }
        self.check_location(r)?;
        for (term, key, value) in [(LossTerm::Huber, "huber_delta", self.huber_delta), (LossTerm::FocalL1, "focal_gamma", self.focal_gamma)]
        {
            let single = value as f32;
            if self.loss_function.0.contains(&term) && value > 0.0 && !(single > 0.0 && single.is_finite()) {
                return Err(r.error(key, format!("is {value:e}, which single precision does not hold; give one nearer to 1")));
            }
        }
        if self.map_power != 1.0 && (self.task != TaskKey::MeltFraction || self.min_melt < 0.0) {
            let message = "raises fractions to a power, which `task: melt_fraction` has, and only from 0 on (`min_melt`); remove the line";
            return Err(r.error("map_power", message));
        }
        if self.min_melt >= self.max_melt {
            return Err(r.error("max_melt", format!("is {}, which must be above `min_melt` = {}", self.max_melt, self.min_melt)));
        }
        if self.val_percent + self.test_percent >= 1.0 {
            let message = format!("is {}; with `val_percent` = {} nothing is left for training", self.test_percent, self.val_percent);
            return Err(r.error("test_percent", message));
        }
        if let (Some(first), Some(last)) = (&self.deploy_start_time, &self.deploy_end_time)
            && first > last
        {
            return Err(r.error("deploy_end_time", format!("is {last}, before `deploy_start_time` = {first}")));
        }
        let (widths, stages) = (self.decoder_channels.len(), self.encoder_depth);
        if self.model_key == ModelKey::UnetSmp && widths != stages {
            let example = "for example [256, 128, 64, 32, 16] for 5";
            let message = format!("holds {widths} widths, but `encoder_depth` = {stages} asks for one a stage, {example}");
            return Err(r.error("decoder_channels", message));
        }
        Ok(())
    }

    /// Rules of what fixtures may try, and a file may not.
    pub(super) fn check_of_files(&self, r: &Reader) -> Result<()> {
        if self.model_key == ModelKey::DeepLabV3 && self.upsampling != 4 {
            let message =
                format!("is {}, but the last maps are a quarter of the input's size: only 4 gives maps of its size", self.upsampling);
            return Err(r.error("upsampling", message));
        }
        if self.dropout.is_some() && !matches!(self.model_key, ModelKey::DeepLabV3 | ModelKey::Glavitu | ModelKey::Tyrion) {
            let message =
                format!("acts on deeplabv3, glavitu and tyrion only, and `model_key` is {}; remove the line", self.model_key.name());
            return Err(r.error("dropout", message));
        }
        let channels = self.quantiles.len().max(1);
        if self.task == TaskKey::MeltFraction && self.out_channels != channels {
            let what =
                if self.quantiles.is_empty() { "a map of melt has one channel" } else { "there is one channel for each of `quantiles`" };
            let message = format!("is {}, but {what}; give {channels}, or remove the line", self.out_channels);
            return Err(r.error("out_channels", message));
        }
        Ok(())
    }

    fn check_training(&self, r: &Reader) -> Result<()> {
        let maps_are_judged = self.best_by != BestBy::Loss;
        if maps_are_judged && (self.epochs_between_validation_maps != 1 || !self.split_csv.contains_key("val")) {
            let message = "asks for maps of the val split after every epoch; name `path_val_split_csv` and set \
                           epochs_between_validation_maps to 1";
            return Err(r.error("best_by", message));
        }
        if self.best_by == BestBy::Mde && !(self.has_zones() && self.variable_paths.contains_key(FRONTS)) {
            let message = "is mde, a distance between calving fronts; it needs `task: calving_front` and the drawn ones, `path_fronts`";
            return Err(r.error("best_by", message));
        }
        if self.epochs_between_validation_maps > 0 && self.domain().unit != Unit::Scene {
            let message = "is of scenes (`domain: scenes`), and days are looked at by periodical_evaluation; remove the line";
            return Err(r.error("epochs_between_validation_maps", message));
        }
        let of_adam = matches!(self.optimizer, OptimizerKind::Adam | OptimizerKind::AdamW);
        if self.eps_mode == EpsMode::Keras && !of_adam {
            return Err(r.error("eps_mode", "is keras, which only `optimizer: adam` and adamw know; remove the line"));
        }
        if self.momentum.is_some() && of_adam && self.given.contains("momentum") && r.file != FIXTURE {
            return Err(r.error("momentum", "is of sgd and rmsprop, and adam has its own; remove the line, or set `optimizer: sgd`"));
        }
        let has_classes = self.task == TaskKey::MeltFraction || self.task.has_classes() && self.domain().unit == Unit::Scene;
        if self.crops_of_classes != CropsOfClasses::AsTheyAre && !has_classes {
            let message = "is even, and only fractions and scenes have crops by class: `task: melt_fraction`, or `task: segmentation` or calving_front with \
                           `domain: scenes`; remove the line";
            return Err(r.error("crops_of_classes", message));
        }
        match (self.lr_scheduler, self.restarts_at.as_ref().and_then(|epochs| epochs.last())) {
            (SchedulerKind::CosineRestartsAt, None) => {
                let message = "is missing, and `lr_scheduler: CosineRestartsAt` asks for it; list the epochs of the restarts and, last, the \
                     end, for example [10, 30, 70, 150]";
                Err(r.error("restarts_at", message))
            }
            (SchedulerKind::CosineRestartsAt, Some(&end)) if self.epochs > end => {
                let message = format!("ends at epoch {end}, where the rate is 0, but `epochs` = {}; lower it or go on", self.epochs);
                Err(r.error("restarts_at", message))
            }
            (SchedulerKind::WarmupCosine, _) if self.warmup_epochs > self.epochs => {
                Err(r.error("warmup_epochs", format!("is {}, more than the {} of `epochs`", self.warmup_epochs, self.epochs)))
            }
            _ => Ok(()),
        }
    }

    fn check_inputs(&self, r: &Reader) -> Result<()> {
        let unblurred = |(variable, size): &(&String, &usize)| **size > 1 && !self.blur_sigma.contains_key(*variable);
        if let Some((variable, _)) = self.blur_kernel_size.iter().find(unblurred) {
            let (sigma, kernel) = (format!("{variable}_GaussianBlur_sigma"), format!("{variable}_GaussianBlur_kernel_size"));
            return Err(r.error(&sigma, format!("is missing, and `{kernel}` asks for a blur; give its sigma in pixels")));
        }
        if let Some(name) = self.decimal_logarithm.keys().find(|name| self.logarithm.get(*name) == Some(&true)) {
            let message = format!("stands beside `log_{name}: true`, and one logarithm is taken of an input; keep one of them");
            return Err(r.error(&format!("log10_{name}"), message));
        }
        let has = |name: &str| self.in_keys_aux.iter().any(|key| key == name);
        if has("time_sin") != has("time_cos") {
            return Err(r.error("in_keys_aux", "names one of time_sin and time_cos; a day of the year needs both"));
        }
        let inputs = self.inputs()?;
        if let Some(name) = self.constant_inputs.keys().find(|name| !inputs.iter().any(|input| input.name == *name)) {
            let known = inputs.iter().map(|input| input.name).collect::<Vec<_>>().join(", ");
            let message = format!("names {name}, which is not among the inputs ({known}); take it out or add it to them");
            return Err(r.error("constant_inputs", message));
        }
        Ok(())
    }
}
