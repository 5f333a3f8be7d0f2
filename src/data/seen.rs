//! How many observations a map rests on, pixel by pixel, in a raster beside it: `seen/YYYY_MM_DD.tif` in the folder of the maps.
//!
//! The running mean of the reference is 0 where nothing was ever seen, and so are its files; who shows or counts such a map asks here.

use std::path::{Path, PathBuf};

use super::Window;
use super::raster::Raster;
use crate::error::Result;

/// The raster of counts that belongs to a map.
pub fn beside(map: &Path) -> PathBuf {
    let folder = map.parent().unwrap_or(Path::new(""));
    folder.join("seen").join(map.file_name().unwrap_or_default())
}

/// Makes NaN of a map's values where its raster of counts says that nothing was seen; a map without one stays as it is.
///
/// # Shapes
/// `values`: bands × height × width of the window.
///
/// # Errors
/// Those of opening and reading the counts.
pub fn hide_unseen(map: &Path, window: Window, values: &mut [f32]) -> Result<()> {
    let path = beside(map);
    if !path.is_file() {
        return Ok(());
    }
    let mut counts = vec![0.0; window.pixels()];
    Raster::open(&path)?.read_window(window, &mut counts)?;
    values.iter_mut().zip(counts.iter().cycle()).filter(|(_, count)| **count == 0.0).for_each(|(value, _)| *value = f32::NAN);
    Ok(())
}
