//! Keys whose defaults are others where calving fronts are learnt: those of SSL4SAR (Gourmelon et al. 2025, arXiv 2507.01747).

use super::reader::{COUNT_OR_0, Numbers, Reader};
use super::{BorderKey, Config, CropsOfScenes, TaskKey};
use crate::domains::ZONES;
use crate::error::Result;

/// Those that a front lies between.
const BESIDE_FRONTS: [&str; 2] = ["glacier", "ocean"];

impl Reader {
    fn is_calving(&self) -> bool {
        self.task == TaskKey::CalvingFront
    }

    /// Pixels that the Dice loss adds to its quotients.
    pub(super) fn dice_smooth(&self, key: &str) -> Result<f64> {
        self.number(key, if self.is_calving() { 1e-5 } else { 1.0 }, Numbers::NotNegative)
    }

    /// A share of a target that goes to the other classes.
    pub(super) fn smoothing_of_others(&self, key: &str) -> Result<f64> {
        // Smoothed one way there, a target is not smoothed the other way, too.
        let is_smoothed = self.is_calving() && !self.keys.contains_key("label_smoothing");
        let share = self.number(key, if is_smoothed { 0.1 } else { 0.0 }, Numbers::Share)?;
        if share <= 0.5 {
            Ok(share)
        } else {
            Err(self.error(key, format!("is {share}; the target itself is to keep more: give 0.5 or less")))
        }
    }

    /// Of which scenes crops are.
    pub(super) fn crops_of_scenes(&self, key: &str) -> Result<CropsOfScenes> {
        let default = if self.is_calving() { CropsOfScenes::InTurn } else { CropsOfScenes::Drawn };
        self.choice(key, default, CropsOfScenes::WORDS)
    }

    /// How often maps of the val split are looked at.
    pub(super) fn validation_interval(&self, key: &str) -> Result<usize> {
        self.integer(key, u64::from(self.is_calving()), COUNT_OR_0)
    }

    /// What lies beyond a scene.
    pub(super) fn border(&self, key: &str) -> Result<BorderKey> {
        let default = if self.is_calving() { BorderKey::Symmetric } else { BorderKey::Zeros };
        self.choice(key, default, BorderKey::WORDS)
    }

    /// The weight of a crop's central half.
    pub(super) fn centre_weight(&self, key: &str) -> Result<f64> {
        self.number(key, if self.is_calving() { 0.5 } else { 0.0 }, Numbers::Share)
    }
}

impl Config {
    /// Whether classes are zones of radar scenes.
    pub fn has_zones(&self) -> bool {
        self.task == TaskKey::CalvingFront
    }

    /// Refuses classes without those that a front lies between.
    pub(super) fn check_zones(&self, r: &Reader) -> Result<()> {
        let has = |zone: &str| self.classes.iter().any(|class| class == zone);
        if let Some(lacking) = BESIDE_FRONTS.into_iter().find(|zone| self.has_zones() && !has(zone)) {
            let message = format!(
                "names no class {lacking}, and a front is where {} meet; name both as in {}",
                BESIDE_FRONTS.join(" and "),
                ZONES.join(", ")
            );
            return Err(r.error("classes", message));
        }
        Ok(())
    }
}
