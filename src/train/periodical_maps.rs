//! Maps of the eval split drawn during training: `path_eval/epoch_NNNN/YYYY_MM_DD.tif`, each with a picture.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::checkpoint::STATE_FILE;
use super::session::Watcher;
use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::data::day::{Day, Split};
use crate::error::Result;
use crate::event::Event;
use crate::gpu::Gpu;
use crate::models::Model;
use crate::predict::{Destination, Options, Place, Predictor, Tiling};
use crate::tasks;

/// The days to map and where to.
pub(super) struct PeriodicalMaps {
    dataset: Arc<Dataset>,
    folder: PathBuf,
}

impl PeriodicalMaps {
    /// Opens the eval split where `periodical_evaluation` is on and both `path_eval` and `path_eval_split_csv` are set.
    ///
    /// # Errors
    /// Those of [`Dataset::open`] and [`Tiling::check`].
    pub(super) fn open(config: &Config) -> Result<Option<PeriodicalMaps>> {
        let (true, Some(folder), true) = (config.periodical_evaluation, &config.path_eval, config.split_csv.contains_key("eval")) else {
            return Ok(None);
        };
        let dataset = Arc::new(Dataset::open(config, Split::Eval)?);
        // Tiles that leave gaps are refused now and not after the first epoch.
        Tiling::of(config, Options::of(config).blend, dataset.scene(0))?.0.check(&dataset)?;
        Ok(Some(PeriodicalMaps { dataset, folder: folder.clone() }))
    }

    /// The days whose maps are drawn, with their inputs.
    pub(super) fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// All days of the split.
    pub(super) fn all(&self) -> Vec<usize> {
        (0..self.dataset.days().len()).collect()
    }

    /// The days of which `epoch` has no map or picture from after its `checkpoint`: those that a run which ended there still owes.
    pub(super) fn missing(&self, epoch: usize, checkpoint: &Path) -> Vec<usize> {
        let written = |path: &Path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
        let since: Option<SystemTime> = written(&checkpoint.join(STATE_FILE));
        let folder = self.folder.join(folder_of(epoch));
        let is_there = |day: &Day| {
            let map = folder.join(day.file_name());
            // Older ones are of an earlier run.
            [written(&map), written(&map.with_extension("png"))].iter().all(|time| time.is_some() && *time >= since)
        };
        self.all().into_iter().filter(|day| !is_there(&self.dataset.days()[*day])).collect()
    }

    /// Maps days of the split with the weights of `epoch`.
    ///
    /// # Errors
    /// Those of [`Predictor`]; a map or picture that cannot be written; [`Error::Interrupted`](crate::error::Error::Interrupted).
    pub(super) fn write_maps(
        &self,
        gpu: &Gpu,
        config: &Config,
        model: &dyn Model,
        epoch: usize,
        days: &[usize],
        watcher: &mut Watcher,
    ) -> Result<()> {
        let folder = self.folder.join(folder_of(epoch));
        // The progress on the screen is that of the whole run.
        let Watcher { stop, observe } = watcher;
        let mut notes = |event: Event| {
            if matches!(event, Event::Note(_)) {
                observe(event);
            }
        };
        let label = format!("{}, epoch {epoch}", config.model_key.name());
        let files = Destination { folder: &folder, pictures: true, replace: true }.files(&label, tasks::of(config).as_ref(), "");
        let mut predictor = Predictor::new(gpu, config, model, self.dataset.clone(), Options::of(config), &mut notes)?;
        predictor.stop_where(*stop);
        predictor
            .maps(days, &mut notes, &mut |day, map| files.write(&self.dataset.days()[day], &map, None, &Place::of(&self.dataset, day)?))
    }
}

/// Name of the folder of an epoch's maps.
fn folder_of(epoch: usize) -> String {
    format!("epoch_{epoch:04}")
}
