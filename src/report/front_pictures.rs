//! The front of a map and the true one, over the radar scene.

use super::scenes::Picture;
use crate::config::Config;
use crate::data::Window;
use crate::data::dataset::{Dataset, HostSample};
use crate::data::raster::Raster;
use crate::data::variable_files::scene_file;
use crate::error::Result;
use crate::evaluate::fronts::TrueFront;
use crate::fronts::drawing::Labels;
use crate::image::{Canvas, Rgb};
use std::path::Path;

/// Colours of the true front, of a map's, and of pixels on both: told apart by most eyes.
pub const COLOURS: [(&str, Rgb); 3] = [("true front", [0, 200, 255]), ("front of the map", [255, 90, 0]), ("both", [255, 255, 90])];
/// What lies under fronts where there is no radar scene.
const GREY: u8 = 96;
/// The darkest and brightest share of a scene's pixels that are shown as black and white.
const CLIPPED: f64 = 0.01;

/// A scene whose fronts are shown.
pub struct FrontPictures {
    front: TrueFront,
    size: [usize; 2],
    backdrop: Vec<u8>,
}

impl FrontPictures {
    /// Of a scene of a dataset.
    ///
    /// # Errors
    /// Targets, true fronts or a radar scene that cannot be read.
    pub fn of(config: &Config, labels: Labels, dataset: &Dataset, index: usize) -> Result<FrontPictures> {
        let size = dataset.scene(index);
        let mut sample = HostSample::default();
        dataset.read(index, Window::whole(size[0], size[1]), &mut sample)?;
        let front = TrueFront::of(config, labels, dataset, index, &sample.target)?;
        let day = &dataset.days()[index];
        let folder = config.inputs()?.into_iter().find_map(|input| config.variable_paths.get(input.files_of()));
        let backdrop = match folder.and_then(|folder| scene_file(folder, day, "")) {
            Some(file) => backdrop(&file, size)?,
            None => vec![GREY; size[0] * size[1]],
        };
        Ok(FrontPictures { front, size, backdrop })
    }

    /// The front of a map of the scene beside the true one, each pixel of the picture standing for a square of `reduce` pixels.
    ///
    /// # Errors
    /// A map that cannot be read.
    pub fn picture(&self, model: &str, map: &Path, window: Window, reduce: usize) -> Result<Picture> {
        let values = Raster::open_band(map, 0)?.read_all()?;
        let mapped = self.front.draw(&values)?;
        let mut canvas = Canvas::new(window.height.div_ceil(reduce), window.width.div_ceil(reduce), [0; 3]);
        for row in 0..canvas.rows() {
            for col in 0..canvas.cols() {
                let (mut sum, mut count, mut on) = (0usize, 0usize, [false; 2]);
                for at_row in (window.row + row * reduce..).take(reduce).take_while(|at| *at < window.row + window.height) {
                    for at_col in (window.col + col * reduce..).take(reduce).take_while(|at| *at < window.col + window.width) {
                        let at = at_row * self.size[1] + at_col;
                        sum += usize::from(self.backdrop[at]);
                        count += 1;
                        on[0] |= self.front.pixels[at];
                        on[1] |= mapped.pixels[at];
                    }
                }
                let colour = match on {
                    [true, true] => COLOURS[2].1,
                    [true, false] => COLOURS[0].1,
                    [false, true] => COLOURS[1].1,
                    [false, false] => [(sum / count.max(1)) as u8; 3],
                };
                canvas.set(row, col, colour);
            }
        }
        Ok(Picture { title: format!("Fronts, {model}"), png: canvas.to_png()? })
    }
}

/// A radar scene as greys, from its darkest to its brightest pixels but the most extreme ones; black where it has no value.
fn backdrop(file: &Path, size: [usize; 2]) -> Result<Vec<u8>> {
    let raster = Raster::open_band(file, 0)?;
    let values = raster.read_all()?;
    if [raster.rows(), raster.cols()] != size {
        return Ok(vec![GREY; size[0] * size[1]]);
    }
    let mut sorted: Vec<f32> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f32::total_cmp);
    let end = |share: f64| sorted.get((share * sorted.len().saturating_sub(1) as f64) as usize).copied().unwrap_or_default();
    let (low, high) = (end(CLIPPED), end(1.0 - CLIPPED));
    let span = (high - low).max(f32::MIN_POSITIVE);
    // A cast of NaN is 0.
    Ok(values.into_iter().map(|value| ((value - low) / span * 255.0).clamp(0.0, 255.0) as u8).collect())
}
