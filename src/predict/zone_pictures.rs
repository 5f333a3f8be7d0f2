//! Maps of zones in CaFFe's form, `NAME_zones.png` in greys, beside the map of a scene that is itself a PNG.

use std::path::Path;

use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::data::grey_png::{is_called_png, write_grey_png};
use crate::domains::{ZONE_GREYS, ZONES};
use crate::error::Result;

/// Writes the zones of a day's map into a folder, where the scene is a PNG and classes are zones; a pixel without a class, and one of a
/// class that is no zone of CaFFe's, is NA.
///
/// # Shapes
/// `map`: any number of bands × pixels of the scene, the first of them the class.
///
/// # Errors
/// [`Error::Output`](crate::error::Error::Output) where the file cannot be written.
pub(super) fn write(config: &Config, dataset: &Dataset, day: usize, map: &[f32], folder: &Path) -> Result<()> {
    let is_png = dataset.input_files(day).first().is_some_and(|file| is_called_png(file));
    if !is_png || !config.has_zones() {
        return Ok(());
    }
    let size = dataset.scene(day);
    let grey_of = |class: &String| ZONES.iter().position(|zone| zone == class).map_or(ZONE_GREYS[0], |zone| ZONE_GREYS[zone]);
    let greys: Vec<u8> = config.classes.iter().map(grey_of).collect();
    let of_pixel = |class: &f32| if class.is_nan() { ZONE_GREYS[0] } else { greys.get(*class as usize).copied().unwrap_or(ZONE_GREYS[0]) };
    let values: Vec<u8> = map.iter().take(size[0] * size[1]).map(of_pixel).collect();
    let map = dataset.days()[day].file_name();
    let name = map.strip_suffix(".tif").unwrap_or(&map);
    write_grey_png(&folder.join(format!("{name}_zones.png")), size, &values)
}
