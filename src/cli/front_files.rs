//! The files that `meltcore front` writes: fronts of single scenes, of all scenes in one, scores and positions.

use super::Globals;
use super::front::Args;
use super::overwrite::{holds, refuse_foreign};
use crate::data::about::{About, BandAbout};
use crate::data::csv::field;
use crate::data::day::Day;
use crate::data::geojson::write_geojson;
use crate::data::grey_png::is_called_png;
use crate::data::lines::{self, LineFeature, LineLayer, write_geopackage};
use crate::error::{Error, Result};
use crate::files::{is_same, write_atomically};
use crate::fronts::csv::{SCENE_COLUMNS, scene_line};
use crate::fronts::request::SceneFront;
use crate::fronts::scene_files::SceneFile;
use crate::fronts::series::{SeriesRow, date_of, series_to_csv};
use crate::fronts::stored::write_front;
use crate::image::SOFTWARE;
use crate::predict::origin::Origin;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What the maps of fronts are called in their tags.
const DESCRIPTION: &str = "calving front";
/// What is known of a front beside its lines.
const FIELDS: [&str; 5] = ["scene", "date", "length_m", "pixels", "resolution_m"];
/// The file of positions in a folder.
const SERIES_FILE: &str = "front_series.csv";

/// A kind of file for a front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Pixels, 255 on the front, else 0; no place
    Png,
    /// The same as GeoTIFF on the scene's grid
    Tif,
    /// Lines
    Geojson,
    /// Lines, for builds with GDAL
    Gpkg,
}

impl Kind {
    /// The kind that a file's ending names.
    fn of(path: &Path) -> Option<Kind> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "png" => Some(Kind::Png),
            "tif" | "tiff" => Some(Kind::Tif),
            "geojson" | "json" => Some(Kind::Geojson),
            "gpkg" => Some(Kind::Gpkg),
            _ => None,
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Kind::Png => "png",
            Kind::Tif => "tif",
            Kind::Geojson => "geojson",
            Kind::Gpkg => "gpkg",
        }
    }

    fn is_lines(self) -> bool {
        matches!(self, Kind::Geojson | Kind::Gpkg)
    }

    /// Whether a file of this kind that begins so is a front of meltcore; of a GeoPackage nobody can tell.
    fn is_own(self, head: &[u8]) -> bool {
        match self {
            Kind::Png => holds(head, format!("Software\0{SOFTWARE}").as_bytes()),
            Kind::Tif => holds(head, b"meltcore ") && holds(head, DESCRIPTION.as_bytes()),
            Kind::Geojson => holds(head, b"\"software\": \"meltcore "),
            Kind::Gpkg => false,
        }
    }
}

/// Where everything goes.
pub struct FrontFiles<'a> {
    args: &'a Args,
    /// The one file of all scenes, where `--out` is one.
    single: Option<Kind>,
    series: Option<PathBuf>,
    features: Vec<LineFeature>,
}

impl<'a> FrontFiles<'a> {
    /// Looks at every place before the work begins.
    ///
    /// # Errors
    /// [`Error::Usage`] for files of others and inputs in places of outputs, for a picture of several scenes, and for a GeoPackage in a
    /// build without GDAL.
    pub fn open(args: &'a Args, scenes: &[SceneFile]) -> Result<FrontFiles<'a>> {
        let single = Kind::of(&args.out).filter(|_| !args.out.is_dir());
        if single.is_none() && !args.out.is_dir() && is_of_another_kind(&args.out) {
            let message = format!(
                "--out {}: fronts are written as .geojson or .gpkg (lines), .png or .tif (pixels); choose one of these endings, or name a \
                 folder",
                args.out.display()
            );
            return Err(Error::Usage(message));
        }
        if single.is_some() && !args.format.is_empty() {
            return Err(Error::Usage(
                "--format is for a folder, and --out names a file, whose ending says what it is; leave one out".into(),
            ));
        }
        if let Some(kind) = single.filter(|kind| !kind.is_lines() && scenes.len() > 1) {
            let (ending, count) = (kind.ending(), scenes.len());
            let message = format!("a .{ending} file holds one front, and there are {count} scenes; name a folder, or a .geojson file");
            return Err(Error::Usage(message));
        }
        let series = match (&args.centre_line, &args.series) {
            (None, _) => None,
            (_, Some(file)) => Some(file.clone()),
            (_, None) if single.is_none() => Some(args.out.join(SERIES_FILE)),
            (_, None) => return Err(Error::Usage("--centre-line takes a file for the positions: name it with --series FILE.csv".into())),
        };
        let files = FrontFiles { args, single, series, features: Vec::new() };
        let mut outputs: Vec<(PathBuf, Kind)> = single.iter().map(|kind| (args.out.clone(), *kind)).collect();
        if single.is_none() {
            outputs.extend(scenes.iter().flat_map(|scene| files.outputs(scene)));
        }
        if outputs.iter().any(|(_, kind)| *kind == Kind::Gpkg) {
            lines::check_available()?;
        }
        let inputs: Vec<&Path> = scenes.iter().map(|scene| scene.path.as_path()).chain(args.truth.as_deref()).collect();
        for (path, kind) in &outputs {
            let of_truth =
                args.truth.as_ref().filter(|truth| truth.is_dir() && path.exists() && path.parent().is_some_and(|of| is_same(of, truth)));
            if of_truth.is_some() || inputs.iter().any(|input| path.exists() && is_same(input, path)) {
                let message = format!("{} is one of the inputs and would be overwritten; choose another place with --out", path.display());
                return Err(Error::Usage(message));
            }
            refuse_foreign(path, "front", args.force, |head| kind.is_own(head))?;
        }
        let is_csv = |columns: &str| {
            let first = columns.split(',').take(3).collect::<Vec<_>>().join(",");
            move |head: &[u8]| head.starts_with(first.as_bytes())
        };
        if let Some(path) = &args.csv {
            refuse_foreign(path, "scores file", args.force, is_csv(&format!("scene,{SCENE_COLUMNS}")))?;
        }
        if let Some(path) = &files.series {
            refuse_foreign(path, "file of positions", args.force, is_csv(&series_to_csv(&[])))?;
        }
        Ok(files)
    }

    /// The files of one scene.
    fn outputs(&self, scene: &SceneFile) -> Vec<(PathBuf, Kind)> {
        let as_zones = if is_called_png(&scene.path) { Kind::Png } else { Kind::Tif };
        let kinds = if self.args.format.is_empty() { vec![as_zones] } else { self.args.format.clone() };
        kinds.into_iter().map(|kind| (self.args.out.join(format!("{}_front.{}", scene.name, kind.ending())), kind)).collect()
    }

    /// Writes what is of one scene, and keeps what goes into one file with others.
    ///
    /// # Errors
    /// Files that cannot be written.
    pub fn write(&mut self, scene: &SceneFile, found: &SceneFront) -> Result<()> {
        let band = BandAbout { description: DESCRIPTION.into(), unit: String::new() };
        let day = Day::from_scene_name(&scene.name).unwrap_or(Day::UNDATED);
        let about = About { software: Origin::software(), day, bands: vec![band], items: Vec::new() };
        let outputs = match self.single {
            Some(kind) if kind.is_lines() => {
                self.features.push(feature(found));
                Vec::new()
            }
            Some(kind) => vec![(self.args.out.clone(), kind)],
            None => self.outputs(scene),
        };
        for (path, kind) in outputs {
            match kind.is_lines() {
                true => write_lines(&path, kind, &format!("{}_front", scene.name), vec![feature(found)])?,
                false => write_front(&path, &found.front, &found.geo, &about)?,
            }
        }
        Ok(())
    }

    /// Writes what is of all scenes, and says where everything is.
    ///
    /// # Errors
    /// Files that cannot be written; scenes in several coordinate systems for one file.
    pub fn finish(self, fronts: &[SceneFront], rows: Option<&[SeriesRow]>, globals: &Globals) -> Result<()> {
        if let Some(kind) = self.single.filter(|kind| kind.is_lines()) {
            write_lines(&self.args.out, kind, "fronts", self.features)?;
        }
        let (of, out) = (if fronts.len() == 1 { "the front is" } else { "the fronts are" }, self.args.out.display());
        globals.note(&format!("{of} in {out}"));
        let write = |path: &Path, text: String| write_atomically(path, |file| file.write_all(text.as_bytes()));
        if let Some(path) = &self.args.csv {
            let line =
                |found: &SceneFront| Some(format!("{},{}\n", field(&found.name), scene_line(found.compared.as_ref()?, found.length())));
            write(path, format!("scene,{SCENE_COLUMNS}\n{}", fronts.iter().filter_map(line).collect::<String>()))?;
            globals.note(&format!("the scores of every scene are in {}", path.display()));
        }
        if let (Some(path), Some(rows)) = (&self.series, rows) {
            write(path, series_to_csv(rows))?;
            globals.note(&format!("the positions are in {}", path.display()));
        }
        Ok(())
    }
}

/// Whether a path is called like a file that fronts are not written as, rather than like a folder.
fn is_of_another_kind(path: &Path) -> bool {
    const OTHERS: [&str; 16] =
        ["csv", "txt", "shp", "kml", "kmz", "gml", "fgb", "svg", "jpg", "jpeg", "pdf", "zip", "parquet", "sqlite", "nc", "geojsonl"];
    path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| OTHERS.contains(&ending.to_ascii_lowercase().as_str()))
}

/// A scene's lines with what is known of them.
fn feature(found: &SceneFront) -> LineFeature {
    let values = vec![
        json!(found.name),
        date_of(&found.name).map_or(Value::Null, |date| json!(date.to_string())),
        if found.count > 0 { json!(found.length()) } else { Value::Null },
        json!(found.count),
        json!(found.pixel.resolution),
    ];
    let lines = found.lines.iter().map(|line| line.points()).collect();
    LineFeature { name: found.name.clone(), lines, values, geo: found.geo.clone() }
}

fn write_lines(path: &Path, kind: Kind, name: &str, features: Vec<LineFeature>) -> Result<()> {
    let layer = LineLayer { name: name.into(), software: Origin::software(), fields: FIELDS.to_vec(), features };
    match kind {
        Kind::Gpkg => write_geopackage(path, &layer),
        _ => write_geojson(path, &layer),
    }
}
