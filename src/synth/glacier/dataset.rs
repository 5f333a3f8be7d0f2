//! Writes scenes as a dataset: a GeoTIFF of each kind a scene, split lists, and configurations that work on it.

use std::io::Write;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::super::claim::claim;
use super::super::georeference::utm;
use super::recipe::{Network, Recipe};
use super::{CELL, GlacierOptions, GlacierScene};
use crate::data::about::About;
use crate::data::class_map::write_class_map;
use crate::data::day::Day;
use crate::data::writer::write_geotiff;
use crate::error::{Error, Result};
use crate::files::write_atomically;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlacierSummary {
    /// The configuration of the small GlaViTU.
    pub config: PathBuf,
    /// Scenes in the train, val, test and deploy lists.
    pub lists: [usize; 4],
    /// The commands that come next, in their order, ready for a shell in the current directory.
    pub next: Vec<String>,
}

/// Writes the dataset into `out_dir`; `progress` hears of each scene that is written, from whichever thread wrote it.
///
/// Folders: `optical` (six bands), `dem` (elevation and slope), `classes`, a file `NAME.tif` a scene in each; files `splits/*.csv`,
/// `glavitu.yaml`, `unet.yaml`, `synth.json`. The lists train, val, test and deploy have no scene in common; `all` holds the first three,
/// `eval` the first of val.
///
/// # Errors
/// [`Error::Usage`] for options that no dataset can have or a folder that holds something else (see [`claim`]), [`Error::Output`] where a
/// file cannot be written.
pub fn write_dataset(out_dir: &Path, options: &GlacierOptions, progress: impl Fn() + Sync) -> Result<GlacierSummary> {
    if out_dir.to_str().is_none() {
        return Err(Error::output(out_dir, "the folder's name is not valid UTF-8, so that no configuration can name it; choose another"));
    }
    options.check()?;
    claim(out_dir, options)?;
    let written = (0..options.scenes).into_par_iter().map(|number| {
        let scene = GlacierScene::new(options, number)?;
        write_scene(out_dir, &scene)?;
        progress();
        Ok(scene.name)
    });
    let names: Vec<String> = written.collect::<Result<_>>()?;

    // The last scenes, of all regions by turns, are those that nothing is learned from.
    let (sixth, twelfth) = ((options.scenes / 6).max(1), (options.scenes / 12).max(1));
    let (labelled, deploy) = names.split_at(names.len() - twelfth);
    let (learned, test) = labelled.split_at(labelled.len() - sixth);
    let (train, val) = learned.split_at(learned.len() - sixth);
    for (split, names) in [("train", train), ("val", val), ("test", test), ("eval", &val[..1]), ("all", labelled), ("deploy", deploy)] {
        let lines: String = names.iter().map(|name| format!("{name}\n")).collect();
        write_text(&out_dir.join("splits").join(format!("{split}.csv")), &lines)?;
    }
    let recipe = Recipe { out_dir, options };
    for network in Network::ALL {
        write_text(&out_dir.join(network.file()), &recipe.yaml(network))?;
    }
    let lists = [train, val, test, deploy].map(<[String]>::len);
    Ok(GlacierSummary { config: out_dir.join(Network::Glavitu.file()), lists, next: recipe.commands(Network::Glavitu) })
}

fn write_scene(out_dir: &Path, scene: &GlacierScene) -> Result<()> {
    let (rows, cols) = (scene.dem[0].rows, scene.dem[0].cols);
    let (zone, is_south) = scene.region.zone;
    let geo = utm(zone, is_south, scene.corner(), f64::from(CELL));
    let file = |kind: &str| out_dir.join(kind).join(format!("{}.tif", scene.name));
    let bands = |fields: &[super::super::field::Field]| fields.iter().flat_map(|field| field.values.iter().copied()).collect::<Vec<f32>>();
    write_geotiff(file("optical"), rows, cols, &bands(&scene.optical), &geo)?;
    write_geotiff(file("dem"), rows, cols, &bands(&scene.dem), &geo)?;
    let software = format!("meltcore {}", env!("CARGO_PKG_VERSION"));
    let day = Day::from_scene_name(&scene.name).unwrap_or(Day::UNDATED);
    let about = About { software, day, bands: Vec::new(), items: Vec::new() };
    write_class_map(&file("classes"), [rows, cols], &scene.classes, &geo, &["background", "glacier"], &about)
}

fn write_text(path: &Path, text: &str) -> Result<()> {
    write_atomically(path, |out| out.write_all(text.as_bytes()))
}
