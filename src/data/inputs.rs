//! The files that a dataset is read from, and stamps of them that tell whether they are still the same.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::dataset::Dataset;
use super::parallel::in_parallel;
use crate::error::{Error, Result};
use crate::files::Stamp;

/// Stamps taken at once: on a file server it is the way there and back that takes time, whatever the number of cores.
const AT_ONCE: usize = 16;

impl Dataset {
    /// Every file that samples of all days are read from, inputs, targets and land mask, by `variable/file name`.
    pub fn files(&self) -> BTreeMap<String, PathBuf> {
        let mut files = BTreeMap::new();
        let mut add = |variable: &str, path: PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.insert(format!("{variable}/{name}"), path);
        };
        let names: Vec<&str> = self.channels().iter().filter(|channel| !channel.is_scalar()).map(|channel| channel.name()).collect();
        for day in 0..self.days().len() {
            names.iter().zip(self.input_files(day)).for_each(|(name, path)| add(name, path));
            self.target_file(day).into_iter().for_each(|path| add("melt", path));
        }
        self.landmask().into_iter().for_each(|raster| add("landmask", raster.path().to_owned()));
        files
    }
}

/// Stamps of files under the same names, taken by several threads.
///
/// # Errors
/// [`Error::Input`] naming a file that cannot be read.
pub fn stamps(files: &BTreeMap<String, PathBuf>) -> Result<BTreeMap<String, Stamp>> {
    let stamp = |(name, path): (&String, &PathBuf)| match Stamp::of(path) {
        Ok(stamp) => Ok((name.clone(), stamp)),
        Err(e) => Err(Error::input(path, format!("cannot be read ({e}); check the path and its permissions"))),
    };
    Ok(in_parallel(files.iter().map(Ok), AT_ONCE, stamp, || ())?.into_iter().collect())
}
