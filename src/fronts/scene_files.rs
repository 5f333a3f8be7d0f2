//! The maps of zones in folders, by scene, with what stands beside them under the scenes' names, and how large their pixels are.
//!
//! A scene `NAME` has its zones in `NAME_zones.tif`, `NAME_zones.png` or `NAME.tif` (the first that is there), its true front in
//! `NAME_front.png`, `NAME_front.tif`, `NAME.png` or `NAME.tif` of another folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::data::cells::Cells;
use crate::data::geotags::GeoTags;
use crate::domains::SceneName;
use crate::error::{Error, Result};

/// A map of zones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SceneFile {
    /// The scene's name.
    pub name: String,
    /// Its map.
    pub path: PathBuf,
    /// What the classes of its map are called, by their numbers, as somebody else than the file says; empty where nobody does.
    pub classes: Vec<String>,
}

/// The scene that a file of zones is of: its name without ending and `_zones`.
pub fn scene_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.strip_suffix("_zones").unwrap_or(&stem).to_owned()
}

/// The maps of zones that files and folders name, by the names of their scenes. Of a folder count the files that the module's text names;
/// other PNG files there are pictures.
///
/// # Errors
/// [`Error::Input`] for what is not there and for folders without maps; [`Error::Usage`] for two maps of one scene.
pub fn find_scenes(inputs: &[PathBuf]) -> Result<Vec<SceneFile>> {
    let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
    for input in inputs {
        let files = if input.is_dir() { in_folder(input)? } else { vec![input.clone()] };
        for path in files {
            if !path.is_file() {
                return Err(Error::input(&path, "is not there; name a map of zones or a folder of them"));
            }
            let name = scene_of(&path);
            if let Some(other) = found.insert(name.clone(), path.clone()).filter(|other| *other != path) {
                let (one, two) = (other.display(), path.display());
                return Err(Error::Usage(format!("{one} and {two} are both maps of the scene {name}; name one of them")));
            }
        }
    }
    Ok(found.into_iter().map(|(name, path)| SceneFile { name, path, classes: Vec::new() }).collect())
}

/// The best map of each scene in a folder.
fn in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |e: std::io::Error| Error::input(folder, format!("this folder cannot be read ({e}); check its permissions")).because(e);
    let mut best: BTreeMap<String, (u8, PathBuf)> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let rank = rank(&path).filter(|_| path.is_file());
        let name = scene_of(&path);
        if let Some(rank) = rank.filter(|rank| best.get(&name).is_none_or(|(other, _)| rank < other)) {
            best.insert(name, (rank, path));
        }
    }
    if best.is_empty() {
        let message = "holds no maps of zones (NAME_zones.png, NAME_zones.tif or NAME.tif); name another folder, or the files themselves";
        return Err(Error::input(folder, message));
    }
    Ok(best.into_values().map(|(_, path)| path).collect())
}

/// How good a file is as its scene's map, 0 the best; none where it is none.
fn rank(path: &Path) -> Option<u8> {
    let stem = path.file_stem()?.to_str().filter(|stem| !stem.starts_with('.'))?;
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    match (stem.ends_with("_zones"), ending.as_str()) {
        (true, "tif" | "tiff") => Some(0),
        (true, "png") => Some(1),
        (false, "tif" | "tiff") if !stem.ends_with("_front") => Some(2),
        _ => None,
    }
}

/// The true front of a scene: a file, or the one in a folder that has the scene's name.
///
/// # Errors
/// [`Error::Input`] where a folder has none.
pub fn truth_of(truth: &Path, scene: &str) -> Result<PathBuf> {
    if !truth.is_dir() {
        return Ok(truth.to_owned());
    }
    let names = ["_front.png", "_front.tif", "_front.tiff", ".png", ".tif", ".tiff"].map(|ending| format!("{scene}{ending}"));
    let found = names.iter().map(|name| truth.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| {
        let message = format!("has no front of the scene {scene} ({}, or .tif); name the folder of its true fronts, or one file", names[0]);
        Error::input(truth, message)
    })
}

/// How large the pixels of a scene are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PixelSize {
    /// Metres from a pixel to the next one beside it, and to the next one below.
    pub sides: (f64, f64),
    /// Metres of the side of a square of the same area.
    pub resolution: f64,
}

impl PixelSize {
    /// Of square pixels.
    pub fn square(resolution: f64) -> PixelSize {
        PixelSize { sides: (resolution, resolution), resolution }
    }

    /// Of a scene: what is given, else what its georeference says (in its middle row), else what its name says; none where nothing does.
    pub fn of(given: Option<f64>, geo: &GeoTags, rows: usize, name: &str) -> Option<PixelSize> {
        let placed = || {
            let sides = Cells::of(geo)?.size(rows / 2);
            Some(PixelSize { sides, resolution: (sides.0 * sides.1).sqrt() })
        };
        let named = || SceneName::parse(name).map(|name| PixelSize::square(name.resolution));
        given.map(PixelSize::square).or_else(placed).or_else(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::crs::Crs;
    use crate::data::geotags::GeoTransform;

    #[test]
    fn each_scene_of_a_folder_has_one_map() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str| std::fs::write(folder.path().join(name), "").unwrap();
        assert!(find_scenes(&[folder.path().to_owned()]).unwrap_err().to_string().contains("holds no maps of zones"));
        for name in ["a.tif", "a_zones.png", "a.png", "b.tif", "b_front.tif", "c_zones.tif", "c_zones.png", "maps.json", ".d_zones.png"] {
            put(name);
        }
        let found = find_scenes(&[folder.path().to_owned()]).unwrap();
        let names: Vec<(&str, &str)> =
            found.iter().map(|scene| (&*scene.name, scene.path.file_name().unwrap().to_str().unwrap())).collect();
        assert_eq!(names, [("a", "a_zones.png"), ("b", "b.tif"), ("c", "c_zones.tif")]);
        let [one, other] = ["a.png", "a.tif"].map(|name| folder.path().join(name));
        assert_eq!(find_scenes(&[one.clone(), one.clone()]).unwrap().len(), 1);
        assert!(find_scenes(&[one, other]).unwrap_err().to_string().contains("both maps of the scene a"));
        assert!(find_scenes(&[folder.path().join("none.png")]).is_err());
        assert_eq!(truth_of(folder.path(), "b").unwrap().file_name().unwrap(), "b_front.tif");
        assert!(truth_of(folder.path(), "e").unwrap_err().to_string().contains("no front of the scene e (e_front.png"));
        assert_eq!(truth_of(&folder.path().join("x.png"), "e").unwrap(), folder.path().join("x.png"));
    }

    #[test]
    fn pixels_are_as_large_as_said_placed_or_named() {
        let name = "COL_2011-11-13_TDX_7_1_092";
        let place = GeoTransform { origin_x: 0.0, origin_y: 0.0, col_x: 10.0, row_x: 0.0, col_y: 0.0, row_y: -40.0 };
        let geo = GeoTags::of(&Crs::of_definition("EPSG:3413"), place).unwrap();
        assert_eq!(PixelSize::of(Some(3.0), &geo, 10, name), Some(PixelSize::square(3.0)));
        assert_eq!(PixelSize::of(None, &geo, 10, name), Some(PixelSize { sides: (10.0, 40.0), resolution: 20.0 }));
        assert_eq!(PixelSize::of(None, &GeoTags::default(), 10, name), Some(PixelSize::square(7.0)));
        assert_eq!(PixelSize::of(None, &GeoTags::default(), 10, "scene"), None);
    }
}
