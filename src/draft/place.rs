//! Where a drafted configuration and what belongs to it lie: the file, and a folder beside it that is called as it is.

use std::path::{Path, PathBuf};

use super::{Named, Request};
use crate::data::day::Split;
use crate::data::split::Lists;
use crate::error::{Error, Result};

/// The places of a configuration.
#[derive(Debug, Clone)]
pub struct Place {
    /// The configuration's folder, which its paths are relative to.
    pub folder: PathBuf,
    /// The folder beside it for lists, weights and maps, relative to the configuration's.
    pub beside: String,
    /// The folder that holds all variables, as the configuration has it.
    pub data_root: PathBuf,
    /// The same as a path from anywhere.
    pub whole_root: PathBuf,
    file: PathBuf,
}

impl Place {
    /// The places for a request.
    ///
    /// # Errors
    /// [`Error::Usage`] for an `out` that is no YAML file's name.
    pub fn of(request: &Request) -> Result<Place> {
        let out = &request.out;
        let is_yaml = out.extension().is_some_and(|e| ["yaml", "yml"].iter().any(|known| e.eq_ignore_ascii_case(known)));
        let Some(stem) = out.file_stem().and_then(|stem| stem.to_str()).filter(|_| is_yaml) else {
            return Err(Error::Usage(format!("--out {} must be the name of a YAML file, for example run.yaml", out.display())));
        };
        let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
        let all = request.inputs.iter().chain(&request.constants).chain([&request.target]).map(|Named { path, .. }| path);
        let mut whole_root: Option<PathBuf> = None;
        for path in all.chain(&request.mask) {
            let path = absolute(path)?;
            let parent = path.parent().unwrap_or(&path);
            let common = whole_root.map(|root| root.iter().zip(parent).take_while(|(a, b)| a == b).map(|(a, _)| a).collect());
            whole_root = Some(common.unwrap_or_else(|| parent.to_owned()));
        }
        let whole_root = whole_root.unwrap_or_default();
        let of_file = absolute(&folder)?;
        let data_root = match whole_root.strip_prefix(&of_file) {
            Ok(inside) if inside.as_os_str().is_empty() => PathBuf::from("."),
            Ok(inside) => inside.to_owned(),
            Err(_) => whole_root.clone(),
        };
        Ok(Place { folder, beside: stem.to_owned(), data_root, whole_root, file: out.clone() })
    }

    /// A variable's path, relative to the folder of all.
    ///
    /// # Errors
    /// A current directory that is gone.
    pub fn of_variable(&self, path: &Path) -> Result<PathBuf> {
        let whole = absolute(path)?;
        Ok(whole.strip_prefix(&self.whole_root).map(Path::to_owned).unwrap_or(whole))
    }

    /// The list of a split, where it has any day and a configuration names it.
    pub fn list(&self, split: Split, lists: &Lists) -> Option<PathBuf> {
        let is_written = split != Split::Eval && !lists.of(split).is_empty();
        is_written.then(|| self.folder.join(self.list_in_file(split)))
    }

    /// The same as the configuration has it.
    pub fn list_in_file(&self, split: Split) -> String {
        format!("{}/splits/{split}.csv", self.beside)
    }

    /// Something in the folder beside the configuration, from the current directory.
    pub fn inside(&self, name: &str) -> PathBuf {
        let beside = Path::new(&self.beside).join(name);
        if self.folder == Path::new(".") { beside } else { self.folder.join(beside) }
    }

    /// Refuses to replace what is there.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the first such file.
    pub fn refuse_taken(&self) -> Result<()> {
        let lists = Split::ALL.into_iter().map(|split| self.folder.join(self.list_in_file(split)));
        match std::iter::once(self.file.clone()).chain(lists).find(|path| path.exists()) {
            Some(path) => Err(Error::Usage(format!(
                "{} is there already; choose another --out, or replace it and its lists with --force",
                path.display()
            ))),
            None => Ok(()),
        }
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|e| Error::input(path, format!("cannot be found ({e}); give the whole path")).because(e))
}
