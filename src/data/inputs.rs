//! The files that a dataset is read from, and stamps of them that tell whether they are still the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::beside::companions;
use super::dataset::Dataset;
use super::parallel::in_parallel;
use crate::config::IGNORE;
use crate::error::{Error, Result};
use crate::files::Stamp;

/// Stamps taken at once: on a file server it is the way there and back that takes time, whatever the number of cores.
const AT_ONCE: usize = 16;

impl Dataset {
    /// Every raster that samples of all days are read from, inputs, targets and masks, by `variable/file name`.
    pub fn files(&self) -> BTreeMap<String, PathBuf> {
        let mut files = BTreeMap::new();
        let mut add = |variable: &str, path: PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.insert(format!("{variable}/{name}"), path);
        };
        for day in 0..self.days().len() {
            self.input_rasters(day).into_iter().for_each(|(name, path)| add(name, path));
            self.mask_file(day).into_iter().for_each(|path| add(IGNORE, path));
            self.target_file(day).into_iter().for_each(|path| add(self.domain().target.name, path));
        }
        self.landmask().into_iter().for_each(|raster| add(self.domain().mask, raster.path().to_owned()));
        files
    }
}

/// Stamps of rasters under the same names, and of what stands beside them and changes what they mean, under names of the same kind.
///
/// They are taken by several threads.
///
/// # Errors
/// [`Error::Input`] naming a file that cannot be read.
pub fn stamps(rasters: &BTreeMap<String, PathBuf>) -> Result<BTreeMap<String, Stamp>> {
    let stamp = |path: &Path| {
        Stamp::of(path).map_err(|e| Error::input(path, format!("cannot be read ({e}); check the path and its permissions")).because(e))
    };
    let stamp_all = |(name, path): (&String, &PathBuf)| {
        let mut found = vec![(name.clone(), stamp(path)?)];
        let variable = name.split('/').next().unwrap_or_default();
        for beside in companions(path) {
            let file = beside.file_name().unwrap_or_default().to_string_lossy();
            found.push((format!("{variable}/{file}"), stamp(&beside)?));
        }
        Ok(found)
    };
    Ok(in_parallel(rasters.iter().map(Ok), AT_ONCE, stamp_all, || ())?.into_iter().flatten().collect())
}
