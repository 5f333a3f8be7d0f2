//! Optical scenes, one for all radar scenes of a glacier, as a pretraining asks for them: 14 bands of a byte each.
//!
//! Bands are the first twelve, the fourteenth and the fifteenth of a file that has them all, or those of a file of 14. Each is divided by
//! its maximum over the scene, and NaN is 0. A glacier is the second part of a radar scene's name and the first of an optical one's,
//! where COL is Columbia. Source: SSL4SAR (Gourmelon et al. 2025, arXiv 2507.01747).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::{Config, TWIN};
use crate::data::dataset::Dataset;
use crate::data::raster::Raster;
use crate::error::{Error, Result};
use crate::models::OPTICAL_BANDS as BANDS;

/// An optical scene.
#[derive(Debug)]
pub(super) struct Twin {
    /// Rows and columns.
    pub(super) size: [usize; 2],
    /// Bands, one after the other, 255 for each one's maximum.
    pub(super) bands: Vec<Vec<u8>>,
}

/// The optical scenes of a folder, by glacier.
#[derive(Debug)]
pub(super) struct Twins {
    by_glacier: BTreeMap<String, Twin>,
}

/// The glacier of a radar scene, as optical scenes call it.
fn glacier_of_radar(name: &str) -> Option<&str> {
    name.split('_').nth(1).map(|glacier| if glacier == "COL" { "Columbia" } else { glacier })
}

impl Twins {
    /// Those of the scenes of these datasets.
    ///
    /// # Errors
    /// [`Error::Config`] without `path_twin`; [`Error::Input`] for a radar scene whose glacier has no optical scene, or one of other rows
    /// and columns, for two of one glacier, and for a file of other bands.
    pub(super) fn of(config: &Config, datasets: &[&Dataset]) -> Result<Twins> {
        let folder = config.require_variable(TWIN)?;
        let files = files_by_glacier(folder)?;
        let mut by_glacier = BTreeMap::new();
        for dataset in datasets {
            for (day, scene) in dataset.days().iter().enumerate() {
                let name = scene.to_string();
                let lacking =
                    |what: String| Error::input(folder, format!("{what}; a radar scene `S1_GLACIER_….` needs one `GLACIER_….tif`"));
                let Some(glacier) = glacier_of_radar(&name) else {
                    return Err(lacking(format!("the radar scene {name} has no second part that names its glacier")));
                };
                let file = files.get(glacier).ok_or_else(|| lacking(format!("has no optical scene of {glacier}, of which {name} is")))?;
                if !by_glacier.contains_key(glacier) {
                    by_glacier.insert(glacier.to_owned(), Twin::read(file)?);
                }
                let twin = &by_glacier[glacier];
                if twin.size != dataset.scene(day) {
                    let ([rows, cols], [own_rows, own_cols]) = (dataset.scene(day), twin.size);
                    let message =
                        format!("has {own_rows} x {own_cols} pixels, and the radar scene {name} {rows} x {cols}; bring both on one grid");
                    return Err(Error::input(file, message));
                }
            }
        }
        Ok(Twins { by_glacier })
    }

    /// The optical scene of a radar scene.
    ///
    /// # Errors
    /// None for a scene of the datasets that these are of.
    pub(super) fn of_scene(&self, name: &str) -> Result<&Twin> {
        let twin = glacier_of_radar(name).and_then(|glacier| self.by_glacier.get(glacier));
        twin.ok_or_else(|| Error::Usage(format!("no optical scene is known of {name}; name its glacier as second part of its name")))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.by_glacier.len()
    }
}

fn files_by_glacier(folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let unreadable = |e: std::io::Error| Error::input(folder, format!("this folder cannot be read ({e}); check `path_{TWIN}`")).because(e);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    let mut files = BTreeMap::new();
    for path in paths {
        let is_tiff = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("tif") || ending.eq_ignore_ascii_case("tiff"));
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| is_tiff) else { continue };
        let glacier = stem.split('_').next().unwrap_or(stem).to_owned();
        if let Some(other) = files.insert(glacier.clone(), path.clone()) {
            let message = format!("is a second optical scene of {glacier} beside {}; leave one of them there", other.display());
            return Err(Error::input(path, message));
        }
    }
    Ok(files)
}

impl Twin {
    /// Reads a file of 14 bands, or of 15 and more.
    fn read(path: &Path) -> Result<Twin> {
        let first = Raster::open_band(path, 0)?;
        // Of a file of 15 bands and more the thirteenth is left out.
        let further: Vec<usize> = match Raster::open_band(path, BANDS) {
            Ok(_) => (1..12).chain([13, 14]).collect(),
            Err(_) => (1..BANDS).collect(),
        };
        let mut bands = vec![in_bytes(&first.read_all()?)];
        for band in further {
            bands.push(in_bytes(&Raster::open_band(path, band)?.read_all()?));
        }
        Ok(Twin { size: [first.rows(), first.cols()], bands })
    }
}

/// A band by its maximum.
fn in_bytes(values: &[f32]) -> Vec<u8> {
    let most = values.iter().copied().filter(|value| value.is_finite()).fold(0.0f32, f32::max);
    let byte = |value: &f32| match most > 0.0 && value.is_finite() {
        true => (255.0 * (value / most)).round_ties_even().clamp(0.0, 255.0) as u8,
        false => 0,
    };
    values.iter().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glaciers_are_told_by_names() {
        assert_eq!(glacier_of_radar("S1_Arda_2016-01-01"), Some("Arda"));
        assert_eq!(glacier_of_radar("S1_COL_2016-01-01_x"), Some("Columbia"));
        assert_eq!(glacier_of_radar("everest"), None);
    }

    #[test]
    fn bands_are_bytes_of_their_maximum() {
        assert_eq!(in_bytes(&[0.0, 0.5, 2.0, f32::NAN, -1.0]), [0, 64, 255, 0, 0]);
        assert_eq!(in_bytes(&[0.0, f32::NAN]), [0, 0]);
    }
}
