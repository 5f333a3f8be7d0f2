//! Whether single rasters of a scene go together, with the command that makes them do so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::data::described::bands_of;
use crate::data::inventory::refuse_other_grid;
use crate::data::raster::Raster;
use crate::domains::Variable;
use crate::error::{Error, Result};

/// Bands of a file that may be elevation and its slope.
const WITH_SLOPE: usize = 2;

/// A raster of a scene.
struct File<'a> {
    name: &'a str,
    path: &'a Path,
    /// Bands that the weights take of it, by the largest number.
    wanted: usize,
    /// Bands that it has.
    bands: usize,
    raster: Raster,
}

/// Refuses files that lack bands, and those that do not lie on the grid of the one with the most bands, which is the image.
///
/// # Errors
/// [`Error::Input`] naming the file and the command; those of opening.
pub(super) fn check(inputs: &[&Variable], paths: &BTreeMap<String, PathBuf>) -> Result<()> {
    let mut files: BTreeMap<&str, File> = BTreeMap::new();
    for input in inputs.iter().filter(|input| !input.is_scalar()) {
        let Some(path) = paths.get(input.files_of()).filter(|path| path.is_file()) else { continue };
        let wanted = input.band().map_or(1, |band| band + 1);
        if let Some(file) = files.get_mut(input.files_of()) {
            file.wanted = file.wanted.max(wanted);
            continue;
        }
        // What is no GeoTIFF another reader may know.
        let bands = bands_of(path).map_or(usize::MAX, |bands| bands.len());
        let raster = Raster::open_band(path, 0)?;
        files.insert(input.files_of(), File { name: input.files_of(), path, wanted, bands, raster });
    }
    let known = files.values().filter(|file| file.bands < usize::MAX);
    let Some(image) = known.max_by_key(|file| (file.bands, file.raster.rows() * file.raster.cols())) else { return Ok(()) };
    for file in files.values() {
        let lacks = file.bands < file.wanted;
        let is_elsewhere = refuse_other_grid(&image.raster, &file.raster).is_err();
        let what = match (lacks, is_elsewhere) {
            (false, false) => continue,
            (true, _) => format!("has {} band(s), and the weights take {} of {}", file.bands, file.wanted, file.name),
            (false, true) => format!("does not lie on the grid of {}, as all rasters of a scene must", image.path.display()),
        };
        return Err(Error::input(file.path, format!("{what}; {}", file.cure(image))));
    }
    Ok(())
}

impl File<'_> {
    /// What to do.
    fn cure(&self, image: &File) -> String {
        let (stem, name, own) = (self.path.file_stem().unwrap_or_default().to_string_lossy(), self.name, self.path.display());
        let like = if self.path == image.path { String::new() } else { format!("--like {} ", image.path.display()) };
        let (slope, when, more) = match self.bands < self.wanted {
            false => ("", String::new(), ""),
            true if self.bands == 1 && self.wanted == WITH_SLOPE => (" --slope", "where the second is the slope, ".to_owned(), ""),
            true => ("", String::new(), " OTHER_BANDS.tif"),
        };
        let command = format!("meltcore pack {like}--scene {stem} --out packed/{name}{slope} --resampling bilinear {own}{more}");
        format!("{when}`{command}` makes packed/{name}/{stem}.tif: give that as {name}=packed/{name}/{stem}.tif")
    }
}
