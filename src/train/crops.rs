//! How large the crops of a run are, and how many of an epoch's are used.

use std::sync::Arc;

use crate::config::{BorderKey, Config};
use crate::data::dataset::Dataset;
use crate::data::day::Split;
use crate::data::framed::{Frame, Framed};
use crate::data::tiles::fit_to_scene;
use crate::domains::Unit;
use crate::error::Result;
use crate::preprocess::zeros;

/// Rows and columns of crops: what is configured, less where all days lie on one smaller grid.
pub(super) fn crop_size(config: &Config, dataset: &Dataset, warn: &mut dyn FnMut(String)) -> [usize; 2] {
    match dataset.domain().unit {
        Unit::Day => {
            let (crop, warning) = fit_to_scene(config.img_size, dataset.scene(0));
            warning.into_iter().for_each(warn);
            crop
        }
        Unit::Scene => config.img_size,
    }
}

/// A dataset whose scenes all hold a crop; mirrored ones have room for many beyond their edges where they are trained on.
pub(super) fn framed(config: &Config, dataset: Arc<Dataset>, crop: [usize; 2]) -> Result<Arc<Framed>> {
    let zeros = zeros(config, dataset.inputs())?;
    let (mirrors, is_train) = (config.border == BorderKey::Symmetric, dataset.split() == Split::Train);
    let frame = |scene| match mirrors && is_train {
        true => Frame::wide(scene, crop, config.reference_windows),
        false => Frame::at_least(scene, crop),
    };
    Ok(Arc::new(Framed::new(dataset, zeros, frame).mirroring(mirrors)))
}

/// Crops of an epoch that are used, and their batches.
pub(super) fn train_size(crops: usize, batch_size: usize, drop_last: bool) -> (usize, usize) {
    if drop_last { (crops / batch_size * batch_size, crops / batch_size) } else { (crops, crops.div_ceil(batch_size)) }
}

/// Crops in each batch of an epoch of training, by step of the optimizer: `accumulate_steps` batches each, the last step those left.
pub(super) fn batches_by_step(config: &Config, (crops, batches): (usize, usize)) -> Vec<Vec<usize>> {
    let size = config.batch_size;
    let sizes: Vec<usize> = (0..batches).map(|batch| size.min(crops - batch * size)).collect();
    sizes.chunks(config.accumulate_steps).map(<[usize]>::to_vec).collect()
}
