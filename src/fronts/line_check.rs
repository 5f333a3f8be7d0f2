//! Whether a centre line goes with scenes, asked before any front is drawn.

use std::path::{Path, PathBuf};

use super::centre_line::{CentreLine, Plane};
use super::scene_files::{PixelSize, SceneFile};
use crate::data::geotags::GeoTags;
use crate::data::inventory::name_some;
use crate::data::raster::Raster;
use crate::error::{Error, Result};

/// The grid of a scene.
struct Grid<'a> {
    scene: &'a SceneFile,
    geo: GeoTags,
    size: [usize; 2],
    pixel: PixelSize,
}

impl Grid<'_> {
    fn is_placed(&self) -> bool {
        self.geo.transform().is_some()
    }

    fn words(&self) -> String {
        let [rows, cols] = self.size;
        let place = if self.is_placed() { ", and says where it lies" } else { "" };
        format!("{} has {rows} × {cols} pixels of {} m{place}", self.scene.name, self.pixel.resolution)
    }
}

/// The names of the scenes that no part of the line lies on; `resolution`: metres a pixel, whatever scenes say.
///
/// # Errors
/// Scenes that cannot be read; [`Error::Usage`] where it lies on none, where it is in another coordinate system from which no way leads to
/// that of a scene ([`CentreLine::in_system_of`]), and for columns and rows of pixels on scenes of several grids.
pub fn scenes_missed(path: &Path, line: &CentreLine, scenes: &[SceneFile], resolution: Option<f64>) -> Result<Vec<PathBuf>> {
    let mut first: Option<Grid> = None;
    let mut missed = Vec::new();
    for scene in scenes {
        let raster = Raster::open(&scene.path)?;
        let (geo, size) = (raster.geo().clone(), [raster.rows(), raster.cols()]);
        let pixel = PixelSize::of(resolution, &geo, size[0], &scene.name).unwrap_or(PixelSize::square(1.0));
        let laid = line.in_system_of(path, &scene.name, &geo)?;
        let grid = Grid { scene, geo, size, pixel };
        if !laid.touches(size, Plane { geo: &grid.geo, pixel: pixel.sides }) {
            missed.push(PathBuf::from(&scene.name));
        }
        match &first {
            None => first = Some(grid),
            Some(first) => refuse_other_grid(path, first, &grid)?,
        }
    }
    if scenes.is_empty() || missed.len() < scenes.len() {
        return Ok(missed);
    }
    let (line, is_placed) = (path.display(), first.is_some_and(|grid| grid.is_placed()));
    let cure = match is_placed {
        true => "is it of another glacier, or in longitude and latitude? As GeoJSON it may be in any coordinate system that it names",
        false => "it is to be in columns and rows of pixels, (0, 0) being the outer corner of the first",
    };
    Err(Error::Usage(format!("{line} lies on none of the scenes ({}); {cure}", name_some(&missed))))
}

/// Refuses two scenes that one line of columns and rows cannot be of.
fn refuse_other_grid(path: &Path, first: &Grid, other: &Grid) -> Result<()> {
    let both_placed = first.is_placed() && other.is_placed();
    if both_placed || (first.is_placed() == other.is_placed() && first.size == other.size && first.pixel == other.pixel) {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "{} is in columns and rows of pixels where scenes do not say where they lie, and these are not of one grid: {}, {}; name those of \
         one grid, each time with the line as it runs there",
        path.display(),
        first.words(),
        other.words()
    )))
}
