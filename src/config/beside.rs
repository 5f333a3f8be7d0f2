//! Relative paths of a configuration: from the current directory, or else from the folder that its file is in.

use std::path::{Path, PathBuf};

use super::Config;
use super::reader::Reader;

/// One path of a configuration.
struct Place<'a> {
    key: String,
    /// As the file has it.
    written: String,
    path: &'a mut PathBuf,
    is_output: bool,
}

impl Config {
    /// Takes relative paths from `folder`, the one of the configuration's file, where they lead somewhere from there and not from the
    /// current directory. What leads nowhere from either is taken from `folder` where any data or list of days is, so that what is made
    /// lies beside what it is made of. Paths of `--set` are those of the shell.
    pub(super) fn take_beside(&mut self, folder: &Path, reader: &Reader) {
        let root = self.data_root.clone();
        let is_of_shell = |key: &str| reader.overridden.contains(key);
        let mut places = Vec::new();
        let mut add = |key: String, written: &Path, path, is_output| {
            places.push(Place { key, written: written.display().to_string(), path, is_output });
        };
        add("data_root".into(), &root, &mut self.data_root, false);
        for (variable, path) in &mut self.variable_paths {
            let written = path.strip_prefix(&root).unwrap_or(path).to_owned();
            add(format!("path_{variable}"), &written, path, false);
        }
        for (split, path) in &mut self.split_csv {
            let written = path.clone();
            add(format!("path_{split}_split_csv"), &written, path, false);
        }
        if let Some(path) = &mut self.path_regions {
            let written = path.clone();
            add("path_regions".into(), &written, path, false);
        }
        let outputs = [
            ("path_checkpoints", &mut self.path_checkpoints),
            ("path_predictions", &mut self.path_predictions),
            ("path_deploy", &mut self.path_deploy),
            ("path_eval", &mut self.path_eval),
        ];
        for (key, path) in outputs {
            if let Some(path) = path {
                let written = path.clone();
                add(key.into(), &written, path, true);
            }
        }
        places.retain(|place| place.path.is_relative() && !is_of_shell(&place.key));
        places.retain(|place| !(place.key.starts_with("path_") && !place.is_output && of_root(&place.key) && is_of_shell("data_root")));
        let is_beside = |place: &Place| !place.path.exists() && folder.join(&place.path).exists();
        let any_beside = places.iter().any(|place| !place.is_output && is_beside(place));
        for place in places {
            if is_beside(&place) || (any_beside && !place.path.exists()) {
                *place.path = folder.join(&place.path);
                self.beside.insert(place.key, place.written);
            }
        }
        // A word may stand here, too.
        if let Some(weights) = &mut self.encoder_weights
            && !Path::new(weights).exists()
            && !is_of_shell("encoder_weights")
            && folder.join(&*weights).is_file()
        {
            let found = folder.join(&*weights).display().to_string();
            self.beside.insert("encoder_weights".into(), std::mem::replace(weights, found));
        }
    }
}

/// Whether the path of a key is relative to `data_root`.
fn of_root(key: &str) -> bool {
    !key.ends_with("_split_csv") && key != "path_regions"
}
