//! What a configuration says where a network is pretrained: on data whose targets nobody looks at, in a folder of its own.

use std::path::PathBuf;

use super::{BestBy, Config, Objective, PretrainingSplit};
use crate::error::Result;

impl Config {
    /// Whether it asks for a pretraining.
    pub fn is_pretraining(&self) -> bool {
        self.objective != Objective::None
    }

    /// The same for a pretraining's own run: its folder is `path_pretraining`, or `pretraining` beside `path_checkpoints`; nothing is
    /// mapped.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`] where there is no objective, or neither folder is given.
    pub fn for_pretraining(&self) -> Result<Config> {
        if !self.is_pretraining() {
            return Err(self.key_error("objective", "is none, so that there is nothing to pretrain; give --objective"));
        }
        let folder: PathBuf = match &self.path_pretraining {
            Some(folder) => folder.clone(),
            None => self.require_path("path_checkpoints")?.with_file_name("pretraining"),
        };
        let (path_checkpoints, best_by) = (Some(folder), BestBy::Loss);
        Ok(Config { path_checkpoints, best_by, periodical_evaluation: false, epochs_between_validation_maps: 0, ..self.clone() })
    }

    /// The name of the list that is learned from: the train split's, or what a pretraining asks for.
    pub fn learned_split(&self) -> &'static str {
        match (self.is_pretraining(), self.pretraining_split) {
            (false, _) => PretrainingSplit::Train.name(),
            (true, split) => split.name(),
        }
    }
}
