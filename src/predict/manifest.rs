//! Which maps of a folder are finished: `maps.json` beside them says what they were made with and which days are done.
//!
//! A map is made again when its file is missing or older than a raster it is made from; all of them, when weights, configuration or
//! options are others.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::Options;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::write_atomically;

/// Name of the file beside the maps.
pub const MANIFEST_FILE: &str = "maps.json";
const LOCK_FILE: &str = ".maps.lock";

/// Keys of a training configuration that change no map, beside the paths of outputs and day lists.
const NOT_MAPS: &str = "seed epochs starting_epoch batch_size optimizer learning_rate weight_decay gradient_clipping loss_function \
    lr_scheduler lr_patience T_0 T_mult eta_min encoder_weights periodical_evaluation epochs_between_periodical_evaluation \
    epochs_between_checkpoint_save path_checkpoints path_predictions path_deploy path_eval prediction_batch_size n_previous_dates \
    n_posterior_dates kernel_size sigma gamma brightness_factor val_percent test_percent n_imgs_per_month split_cfg deploy_start_time \
    deploy_end_time check_for_invalid_entries accumulate_steps recompute tensorboard";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Content {
    /// Version of the program.
    meltcore: String,
    /// SHA-256 of the weight file.
    weights: String,
    /// Everything else that the values of the maps depend on.
    settings: Map<String, Value>,
    /// Finished maps, by file name.
    days: BTreeSet<String>,
}

/// The open list of a folder.
#[derive(Debug)]
pub(super) struct Manifest {
    folder: PathBuf,
    content: Content,
    /// Maps of an earlier run with other settings.
    earlier: BTreeSet<String>,
    /// The system releases the lock with the file, also where the process is killed.
    _lock: File,
}

impl Manifest {
    /// The list of a folder for maps from these weights with this configuration; the days that an equal earlier run finished are in it.
    /// The second value tells in words what differs from an earlier run whose maps will be replaced.
    ///
    /// # Errors
    /// [`Error::Weights`] where the weights cannot be read, [`Error::Output`] where the folder cannot be used or another process holds it.
    pub(super) fn open(folder: &Path, config: &Config, weights: &Path, options: Options) -> Result<(Manifest, Option<String>)> {
        let mut settings = config.to_json();
        settings.retain(|key, _| !key.ends_with("_split_csv") && !NOT_MAPS.split_whitespace().any(|name| name == key));
        settings.insert("options".into(), json!(options));
        let mut content =
            Content { meltcore: env!("CARGO_PKG_VERSION").into(), weights: digest(weights)?, settings, days: BTreeSet::new() };
        let lock = lock(folder)?;
        // A list that cannot be read lists nothing: all maps are made again.
        let earlier = std::fs::read(folder.join(MANIFEST_FILE)).ok().and_then(|bytes| serde_json::from_slice::<Content>(&bytes).ok());
        let difference = earlier.as_ref().and_then(|earlier| content.difference(earlier));
        let mut earlier = earlier.map(|earlier| earlier.days).unwrap_or_default();
        if difference.is_none() {
            content.days = std::mem::take(&mut earlier);
        }
        Ok((Manifest { folder: folder.to_owned(), content, earlier, _lock: lock }, difference))
    }

    /// Number of maps of an earlier run with other settings that are in the folder and not among `wanted`, which will be replaced.
    pub(super) fn stale(&self, wanted: BTreeSet<String>) -> usize {
        self.earlier.difference(&wanted).filter(|name| self.folder.join(name).is_file()).count()
    }

    /// Whether the map of this name is finished, its files are there, and none of `sources` is newer.
    pub(super) fn is_finished(&self, name: &str, pictures: bool, sources: &[PathBuf]) -> bool {
        let modified = |path: &Path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
        let map = self.folder.join(name);
        let newest: Option<SystemTime> = sources.iter().filter_map(|path| modified(path)).max();
        self.content.days.contains(name)
            && modified(&map).is_some_and(|made| Some(made) >= newest)
            && (!pictures || map.with_extension("png").is_file())
    }

    /// Lists a map as finished.
    ///
    /// # Errors
    /// [`Error::Output`] where the list cannot be written.
    pub(super) fn finish(&mut self, name: String) -> Result<()> {
        self.content.days.insert(name);
        let path = self.folder.join(MANIFEST_FILE);
        write_atomically(&path, |file| Ok(writeln!(file, "{}", serde_json::to_string_pretty(&self.content)?)?))
    }
}

impl Content {
    /// What differs, days aside.
    fn difference(&self, earlier: &Content) -> Option<String> {
        if self.weights != earlier.weights {
            return Some("weights".into());
        }
        if self.meltcore != earlier.meltcore {
            return Some(format!("version {}", earlier.meltcore));
        }
        let keys: BTreeSet<&String> = self.settings.keys().chain(earlier.settings.keys()).collect();
        let changed: Vec<&str> =
            keys.into_iter().filter(|key| self.settings.get(*key) != earlier.settings.get(*key)).map(String::as_str).collect();
        (!changed.is_empty()).then(|| changed.join(", "))
    }
}

/// Takes a folder for this process, so that two runs do not mix their maps.
fn lock(folder: &Path) -> Result<File> {
    let unusable = |e: std::io::Error| Error::output(folder, format!("this folder cannot be used ({e}); choose another with --out"));
    std::fs::create_dir_all(folder).map_err(unusable)?;
    let lock = File::options().create(true).append(true).open(folder.join(LOCK_FILE)).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        // A file system without locks: nothing can be found out about others.
        Err(TryLockError::Error(e)) if e.kind() == ErrorKind::Unsupported => Ok(lock),
        Err(TryLockError::Error(e)) => Err(unusable(e)),
        Err(TryLockError::WouldBlock) => {
            Err(Error::output(folder, "another process writes maps into this folder; wait for it, or choose another with --out"))
        }
    }
}

/// SHA-256 of a weight file in hexadecimal digits.
fn digest(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path)
        .map_err(|e| Error::Weights { path: path.to_owned(), message: format!("the weights cannot be read ({e}); check the path") })?;
    Ok(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}
