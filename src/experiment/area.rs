//! Pixels that are left out of training, as rasters for `path_ignore`: one that takes out a part of a grid, and one that takes out the
//! rest.

use std::path::{Path, PathBuf};

use super::folds::{Area, changed};
use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::data::day::Split;
use crate::data::geotags::GeoTags;
use crate::data::inventory::refuse_other_grid;
use crate::data::raster::Raster;
use crate::data::writer::write_geotiff;
use crate::error::{Error, Result};

/// What takes out the part.
const PART: &str = "held_out.tif";
/// What takes out the rest.
const REST: &str = "rest.tif";

impl Area {
    /// The masks of a part in a folder: for training, and for its scores.
    pub fn files(folder: &Path) -> [PathBuf; 2] {
        [PART, REST].map(|name| folder.join(name))
    }

    /// Writes the masks; those that are there must be the same.
    ///
    /// # Errors
    /// [`Error::Usage`] for a part that is not on the grid, and where other masks are there; those of reading a target, and of a raster
    /// that gives the part.
    pub fn write(&self, config: &Config, folder: &Path) -> Result<()> {
        let targets = Dataset::open_targets(config, Split::Train)?;
        let ([rows, cols], geo) = (targets.scene(0), targets.output_geo(0)?);
        let is_in = match self {
            Area::Box([top, left, bottom, right]) => {
                if *bottom > rows || *right > cols {
                    let message =
                        format!("the box [{top}, {left}, {bottom}, {right}] reaches beyond the {rows} × {cols} pixels of the grid");
                    return Err(Error::Usage(format!("{message}; correct `boxes`")));
                }
                let is_in = |pixel: usize| (*top..*bottom).contains(&(pixel / cols)) && (*left..*right).contains(&(pixel % cols));
                (0..rows * cols).map(is_in).collect()
            }
            Area::Mask(file) => {
                let raster = Raster::open(file)?;
                refuse_other_grid(&*targets.target_raster(0)?, &raster)?;
                raster.read_all()?.into_iter().map(|value| value != 0.0 && !value.is_nan()).collect::<Vec<_>>()
            }
        };
        let [part, rest] = Area::files(folder);
        write_mask(&part, [rows, cols], is_in.iter().map(|is_in| f32::from(u8::from(*is_in))).collect(), &geo)?;
        write_mask(&rest, [rows, cols], is_in.iter().map(|is_in| f32::from(u8::from(!*is_in))).collect(), &geo)
    }
}

fn write_mask(file: &Path, [rows, cols]: [usize; 2], pixels: Vec<f32>, geo: &GeoTags) -> Result<()> {
    if !file.exists() {
        return write_geotiff(file, rows, cols, &pixels, geo);
    }
    match Raster::open(file)?.read_all()? == pixels {
        true => Ok(()),
        false => Err(changed(file, "is of another part than the experiment's file says now")),
    }
}
