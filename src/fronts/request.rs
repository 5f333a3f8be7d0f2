//! One scene's front, with all that is asked about it.

use std::path::{Path, PathBuf};

use super::bounding_box::{BoundingBox, box_of_scene};
use super::centre_line::{CentreLine, Plane};
use super::distances::Compared;
use super::drawing::{Drawing, Front};
use super::lines::{Line, length_of};
use super::scene_files::{PixelSize, SceneFile, truth_of};
use super::series::{Seen, date_of};
use super::stored::read_front;
use super::zones::read_zones;
use crate::data::geotags::GeoTags;
use crate::error::{Error, Result};

/// What is asked about scenes.
#[derive(Debug, Clone, Default)]
pub struct FrontRequest {
    /// Metres a pixel, whatever scenes say.
    pub resolution: Option<f64>,
    /// Pixels of the shortest piece that stays; none: those of 750 m.
    pub shortest_piece: Option<f64>,
    /// Folder of bounding boxes.
    pub bounding_boxes: Option<PathBuf>,
    /// The true front of the only scene, or the folder of those of all.
    pub truth: Option<PathBuf>,
    /// The glacier's centre line, and its file.
    pub centre_line: Option<(PathBuf, CentreLine)>,
}

/// The front of a scene.
#[derive(Debug, Clone)]
pub struct SceneFront {
    /// The scene's name.
    pub name: String,
    /// Where it lies.
    pub geo: GeoTags,
    /// Its pixels.
    pub pixel: PixelSize,
    /// The front.
    pub front: Front,
    /// Pixels on it.
    pub count: usize,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Whether a bounding box cut it.
    pub is_boxed: bool,
    /// Beside the true front, where that is asked for.
    pub compared: Option<Compared>,
    /// Crossings with the centre line as it was drawn and from its other end, and whether it leads to the ocean here (above 0) or comes
    /// from there (below 0).
    pub crossings: [Vec<f64>; 2],
    /// See there.
    pub direction: i32,
}

impl SceneFront {
    /// Metres of its lines together.
    pub fn length(&self) -> f64 {
        length_of(&self.lines)
    }

    /// What a series over time takes of it; `turned`: positions count from the last point of the centre line.
    pub fn seen(&self, turned: bool) -> Seen {
        Seen {
            scene: self.name.clone(),
            date: date_of(&self.name),
            pixels: self.count,
            length: self.length(),
            crossings: self.crossings[usize::from(turned)].clone(),
        }
    }
}

impl FrontRequest {
    /// Draws the front of a scene and answers what is asked about it.
    ///
    /// # Errors
    /// A map, box or true front that cannot be read; [`Error::Usage`] for a scene of which nobody says how large its pixels are, and for a
    /// centre line in another coordinate system; [`Error::Input`] for a true front of another size.
    pub fn answer(&self, scene: &SceneFile) -> Result<SceneFront> {
        let zones = read_zones(&scene.path, &scene.classes)?;
        let size = [zones.rows, zones.cols];
        let pixel = PixelSize::of(self.resolution, &zones.geo, zones.rows, &scene.name).ok_or_else(|| {
            Error::Usage(format!(
                "{}: nothing says how large its pixels are, neither a georeference nor a name such as COL_2011-11-13_TDX_7_1_092; give \
                 their metres with --resolution",
                scene.path.display()
            ))
        })?;
        let boxed = self.bounding_boxes.as_ref().map(|folder| box_of_scene(folder, &scene.name)).transpose()?.flatten();
        let mut drawing = Drawing::at(pixel.resolution);
        drawing.bounding_box = boxed.as_deref().map(BoundingBox::read).transpose()?;
        drawing.shortest_piece = self.shortest_piece.unwrap_or(drawing.shortest_piece);
        let front = drawing.draw(&zones.classes, size)?;
        let lines = front.lines(pixel.sides);
        let plane = Plane { geo: &zones.geo, pixel: pixel.sides };
        let (mut crossings, mut direction) = (Default::default(), 0);
        if let Some((path, line)) = &self.centre_line {
            let line = line.in_system_of(path, &scene.name, &zones.geo)?;
            crossings = [line.crossings(&lines, plane), line.reversed().crossings(&lines, plane)];
            direction = line.direction(&front.zones, size, drawing.labels, plane);
        }
        let compared = self.truth.as_ref().map(|truth| compare(&front, &truth_of(truth, &scene.name)?, pixel)).transpose()?;
        let is_boxed = drawing.bounding_box.is_some();
        let (name, count) = (scene.name.clone(), front.count());
        Ok(SceneFront { name, geo: zones.geo, pixel, front, count, lines, is_boxed, compared, crossings, direction })
    }
}

/// A front beside the true one of a file.
fn compare(front: &Front, truth: &Path, pixel: PixelSize) -> Result<Compared> {
    let observed = read_front(truth)?;
    let ([rows, cols], [true_rows, true_cols]) = (front.size, observed.size);
    if front.size != observed.size {
        let message =
            format!("has {true_rows} × {true_cols} pixels, and the scene's zones have {rows} × {cols}; they are to be of one grid");
        return Err(Error::input(truth, message));
    }
    Compared::of(&front.pixels, &observed.pixels, front.size, pixel.sides)
}
