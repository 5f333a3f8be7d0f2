//! The fronts of maps beside true ones, of tasks whose maps of zones have one.
//!
//! True fronts are those of `path_fronts`, or else drawn from the true zones as maps' fronts are. Pixels are as large as `front_resolution`
//! says, else the georeference, else the scene's name; where nothing says it they count 1 m, and no piece of a front is too short. Boxes
//! of `path_bounding_boxes` cut the fronts of maps, and true ones that are drawn from zones.

use std::path::PathBuf;

use crate::config::{BOUNDING_BOXES, Config, FRONTS};
use crate::data::cells::Cells;
use crate::data::class_map::NO_CLASS;
use crate::data::dataset::Dataset;
use crate::data::day::Day;
use crate::data::geotags::GeoTags;
use crate::data::variable_files::scene_file;
use crate::error::{Error, Result};
use crate::fronts::bounding_box::{BoundingBox, box_of_scene};
use crate::fronts::distances::Compared;
use crate::fronts::drawing::{Drawing, Front, Labels};
use crate::fronts::lines::length_of;
use crate::fronts::movement::centre;
use crate::fronts::scene_files::PixelSize;
use crate::fronts::stored::read_front;

/// The true front of a scene, to compare any number of maps with.
#[derive(Debug)]
pub struct TrueFront {
    size: [usize; 2],
    /// Which pixels are on it, row after row.
    pub pixels: Vec<bool>,
    drawing: Drawing,
    pixel: PixelSize,
    /// Whether anything says how large pixels are.
    pub is_sized: bool,
    geo: GeoTags,
}

/// Refuses scenes without a file in `path_fronts`, where that is given, and boxes that cannot be read, before any work begins.
///
/// # Errors
/// [`Error::Input`] for such a scene or box.
pub fn refuse_missing_fronts(config: &Config, dataset: &Dataset) -> Result<()> {
    dataset.days().iter().try_for_each(|scene| {
        drawn_front(config, scene)?;
        bounding_box(config, scene).map(|_| ())
    })
}

/// The file of a scene's drawn front; none without `path_fronts`.
fn drawn_front(config: &Config, scene: &Day) -> Result<Option<PathBuf>> {
    let Some(folder) = config.variable_paths.get(FRONTS) else { return Ok(None) };
    scene_file(folder, scene, "_front").map(Some).ok_or_else(|| {
        Error::input(folder, format!("holds no front of {scene} ({scene}_front.png or {scene}.tif); add it, or remove `path_{FRONTS}`"))
    })
}

/// A scene's box; none without `path_bounding_boxes`, or where that has none.
fn bounding_box(config: &Config, scene: &Day) -> Result<Option<BoundingBox>> {
    let named = config.variable_paths.get(BOUNDING_BOXES).zip(scene.scene);
    let file = named.map_or(Ok(None), |(folder, name)| box_of_scene(folder, name))?;
    file.map(|file| BoundingBox::read(&file)).transpose()
}

/// The front of a map beside the true one.
#[derive(Debug, Clone, PartialEq)]
pub struct SceneFronts {
    /// The distances between both.
    pub compared: Compared,
    /// Metres of the map's front.
    pub length: f64,
    /// The mean place of the map's front, then of the true one: metres to the right and down, or x and −y where the scene has a place in
    /// metres.
    pub centres: [Option<[f64; 2]>; 2],
    /// Where the map's front looks, to the right and down, as long as its sides are many.
    pub seaward: [f64; 2],
}

impl TrueFront {
    /// Of a scene of a dataset.
    ///
    /// # Shapes
    /// `zones`: the true class of each pixel, row after row, NaN where there is none.
    ///
    /// # Errors
    /// [`Error::Input`] for a scene without a file in `path_fronts`, for one of another size, and for a box that cannot be read.
    pub fn of(config: &Config, labels: Labels, dataset: &Dataset, index: usize, zones: &[f32]) -> Result<TrueFront> {
        let (scene, size) = (&dataset.days()[index], dataset.scene(index));
        let name = scene.scene.unwrap_or_default();
        let geo = dataset.target_raster(index)?.geo().clone();
        let pixel = PixelSize::of(config.front_resolution, &geo, size[0], name);
        let sized = pixel.map_or(0.0, |pixel| Drawing::at(pixel.resolution).shortest_piece);
        let drawing = Drawing { labels, shortest_piece: sized, bounding_box: bounding_box(config, scene)? };
        let pixels = match drawn_front(config, scene)? {
            None => drawing.draw(&classes(zones), size)?.pixels,
            Some(file) => {
                let drawn = read_front(&file)?;
                if drawn.size != size {
                    let ([rows, cols], [has_rows, has_cols]) = (size, drawn.size);
                    let message = format!("has {has_rows} × {has_cols} pixels, and its scene {rows} × {cols}; it is of another image");
                    return Err(Error::input(&file, message));
                }
                drawn.pixels
            }
        };
        Ok(TrueFront { size, pixels, drawing, is_sized: pixel.is_some(), pixel: pixel.unwrap_or(PixelSize::square(1.0)), geo })
    }

    /// The front of a map of this scene.
    ///
    /// # Shapes
    /// `map`: the class of each pixel, row after row, NaN where there is none; further bands may follow.
    ///
    /// # Errors
    /// [`Error::Shape`] for a map of another size.
    pub fn draw(&self, map: &[f32]) -> Result<Front> {
        let pixels = self.size[0] * self.size[1];
        self.drawing.draw(&classes(&map[..pixels.min(map.len())]), self.size)
    }

    /// A map's front beside this one.
    ///
    /// # Errors
    /// Those of [`TrueFront::draw`].
    pub fn compare(&self, map: &[f32]) -> Result<SceneFronts> {
        let front = self.draw(map)?;
        let compared = Compared::of(&front.pixels, &self.pixels, self.size, self.pixel.sides)?;
        let cells = Cells::of(&self.geo);
        let place = |(row, col): (f64, f64)| match cells.and_then(|cells| cells.metres(row, col)) {
            Some((x, y)) => [x, -y],
            None => [col * self.pixel.sides.0, row * self.pixel.sides.1],
        };
        let centres = [&front.pixels, &self.pixels].map(|pixels| centre(pixels, self.size[1]).map(place));
        let (down, right) = front.seaward();
        let length = length_of(&front.lines(self.pixel.sides));
        Ok(SceneFronts { compared, length, centres, seaward: [right, down] })
    }
}

/// Classes as bytes.
fn classes(values: &[f32]) -> Vec<u8> {
    values.iter().map(|value| if value.is_finite() { *value as u8 } else { NO_CLASS }).collect()
}
