//! Files that stand beside a raster and belong to it by their names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Every file beside a raster that may change what it means: notes, masks, world files.
pub(super) fn companions(raster: &Path) -> Vec<PathBuf> {
    let notes = [".aux.xml", ".AUX.XML", ".msk", ".MSK"].into_iter().filter_map(|ending| appended(raster, &[ending]));
    notes.chain(replaced(raster, &super::world_file::extensions(raster))).collect()
}

/// The first existing file whose name is the raster's with one of these endings behind it.
pub(super) fn appended(raster: &Path, endings: &[&str]) -> Option<PathBuf> {
    let named = |ending: &&str| {
        let mut name = OsString::from(raster.as_os_str());
        name.push(ending);
        PathBuf::from(name)
    };
    endings.iter().map(named).find(|path| path.is_file())
}

/// The first existing file whose name is the raster's with one of these in the place of its extension, in small or capital letters.
pub(super) fn replaced(raster: &Path, extensions: &[String]) -> Option<PathBuf> {
    let spelt = extensions.iter().flat_map(|extension| [extension.to_ascii_lowercase(), extension.to_ascii_uppercase()]);
    spelt.map(|extension| raster.with_extension(extension)).find(|path| path != raster && path.is_file())
}
