//! What the maps of a folder are of, as the `maps.json` beside them says: a task and its bands.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Task;
use crate::error::{Error, Result};

/// Name of the file beside maps.
pub const MAPS_FILE: &str = "maps.json";

/// What maps are of; both are empty in files of versions that did not write them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Holds {
    /// Name of the task.
    pub task: String,
    /// Names of the bands.
    pub bands: Vec<String>,
    /// Names of the classes by their numbers, of maps of classes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
}

impl Holds {
    /// What maps of a task are.
    pub fn of(task: &dyn Task) -> Holds {
        let owned = |name: &&str| (*name).to_owned();
        let bands = task.bands().iter().map(|band| band.name.to_owned()).collect();
        Holds { task: task.key().name().to_owned(), bands, classes: task.classes().unwrap_or_default().iter().map(owned).collect() }
    }

    /// Refuses a folder whose maps are of another task, or of other bands; a folder that does not say is taken as it is. Returns what a
    /// user should know where the file cannot be read.
    ///
    /// # Errors
    /// [`Error::Input`] that names both.
    pub fn refuse_other(task: &dyn Task, model: &str, folder: &Path) -> Result<Option<String>> {
        let (path, wanted) = (folder.join(MAPS_FILE), Holds::of(task));
        let unread = |e: &dyn std::fmt::Display| {
            Ok(Some(format!("{} cannot be read ({e}), so that nothing tells of what task the maps of {model} are", path.display())))
        };
        let there: Holds = match std::fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(there) => there,
                Err(e) => return unread(&e),
            },
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return unread(&e),
        };
        let is_task = there.task.is_empty() || there.task == wanted.task;
        let is_of_classes = there.classes.is_empty() || there.classes == wanted.classes;
        if is_task && is_of_classes && (there.bands.is_empty() || there.bands == wanted.bands) {
            return Ok(None);
        }
        let message = format!(
            "the maps of the model `{model}` are {}, and those of the configuration {}; name a folder of such maps with --pred, or give the \
             configuration that these were made with",
            there.words(),
            wanted.words()
        );
        Err(Error::input(path, message))
    }

    fn words(&self) -> String {
        let bands = if self.bands.len() == 1 { "band" } else { "bands" };
        let classes = if self.classes.is_empty() { String::new() } else { format!(" of {}", self.classes.join(", ")) };
        format!("of the task `{}` with the {bands} {}{classes}", self.task, self.bands.join(", "))
    }
}
