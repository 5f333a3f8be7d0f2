//! Writes scenes as a dataset in CaFFe's layout: an image, a map of zones and a front a scene, bounding boxes and centre lines, split
//! lists, scenes for pretraining with their optical twins, and configurations that work on it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::super::claim::claim;
use super::super::georeference::utm;
use super::place::{PLACES, Place, ZONE};
use super::recipe::Recipe;
use super::scene::{CalvingScene, OpticalTwin, UnlabelledScene, centre_line};
use super::{CELL, CalvingOptions, Format};
use crate::data::about::About;
use crate::data::class_map::write_class_map;
use crate::data::day::Day;
use crate::data::geotags::GeoTags;
use crate::data::grey_png::write_grey_png;
use crate::data::writer::{write_bytes, write_geotiff};
use crate::domains::ZONES;
use crate::error::{Error, Result};
use crate::files::write_atomically;
use crate::fronts::bounding_box::BoundingBox;
use crate::fronts::drawing::Drawing;
use crate::fronts::stored::write_front;
use crate::fronts::zones::write_zones_png;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalvingSummary {
    /// The configuration of the small UNet.
    pub config: PathBuf,
    /// Scenes in the train, val and test lists.
    pub lists: [usize; 3],
    /// The commands that come next, in their order, ready for a shell in the current directory.
    pub next: Vec<String>,
}

/// One of this many scenes validates.
const VALIDATES: usize = 6;

/// Writes the dataset into `out_dir`; `progress` hears of each scene that is written, from whichever thread wrote it.
///
/// Folders: `sar_images`, `zones`, `fronts`, a file a scene in each; `bounding_boxes`, a text a scene; `centre_lines`, a GeoJSON line a
/// glacier, in the coordinate system of GeoTIFFs, else in pixels, a file a resolution; `pretraining/radar` and `pretraining/optical`;
/// `splits/*.csv`, the configurations, `synth.json`. Nothing is learned from the glacier of the test list; `all` holds all lists.
///
/// # Errors
/// [`Error::Usage`] for options that no dataset can have or a folder that holds something else (see [`claim`]), [`Error::Output`] where a
/// file cannot be written.
pub fn write_dataset(out_dir: &Path, options: &CalvingOptions, progress: impl Fn() + Sync) -> Result<CalvingSummary> {
    if out_dir.to_str().is_none() {
        return Err(Error::output(out_dir, "the folder's name is not valid UTF-8, so that no configuration can name it; choose another"));
    }
    options.check()?;
    claim(out_dir, options)?;
    let written = (0..options.scenes).into_par_iter().map(|number| {
        let scene = CalvingScene::new(options, number)?;
        write_scene(out_dir, options, &scene)?;
        progress();
        Ok((scene.place.name, scene.name))
    });
    let scenes: Vec<(&str, String)> = written.collect::<Result<_>>()?;
    let unseen = PLACES[PLACES.len() - 1].name;
    let (test, learned): (Vec<_>, Vec<_>) = scenes.iter().partition(|(place, _)| *place == unseen);
    let (val, train) = halves(&learned);
    let name = |(_, name): &&(&str, String)| name.clone();
    let lists = [train, val, test].map(|list| list.iter().map(name).collect::<Vec<_>>());
    let all = lists.concat();
    for (split, names) in [("train", &lists[0]), ("val", &lists[1]), ("test", &lists[2]), ("eval", &lists[1]), ("all", &all)] {
        write_list(&out_dir.join("splits").join(format!("{split}.csv")), names)?;
    }
    for number in 0..PLACES.len() {
        write_centre_line(out_dir, options, number)?;
    }
    if options.unlabelled > 0 {
        write_pretraining(out_dir, options, &progress)?;
    }
    let recipe = Recipe { out_dir, options };
    for (file, text) in recipe.configurations() {
        write_text(&out_dir.join(file), &text)?;
    }
    Ok(CalvingSummary { config: recipe.config(), lists: lists.each_ref().map(Vec::len), next: recipe.commands() })
}

/// A part of a list that validates, spread over it, and the rest.
fn halves<T: Copy>(list: &[T]) -> (Vec<T>, Vec<T>) {
    let numbered: (Vec<_>, Vec<_>) = list.iter().copied().enumerate().partition(|(place, _)| place % VALIDATES == VALIDATES / 2);
    let plain = |part: Vec<(usize, T)>| part.into_iter().map(|(_, item)| item).collect();
    (plain(numbered.0), plain(numbered.1))
}

fn about(day: Day) -> About {
    About { software: format!("meltcore {}", env!("CARGO_PKG_VERSION")), day, bands: Vec::new(), items: Vec::new() }
}

fn geo(place: &Place, cell: f64) -> GeoTags {
    utm(ZONE, true, place.origin, cell)
}

fn write_scene(out_dir: &Path, options: &CalvingOptions, scene: &CalvingScene) -> Result<()> {
    let (name, size) = (&scene.name, scene.size);
    let [[top, bottom], [left, right]] = scene.bounds;
    let bounds = BoundingBox { rows: (top as i64, bottom as i64), cols: (left as i64, right as i64) };
    let drawing = Drawing { bounding_box: Some(bounds), ..Drawing::at(f64::from(scene.resolution)) };
    let front = drawing.draw(&scene.zones, size)?;
    let (geo, about) = (geo(scene.place, f64::from(scene.resolution)), about(scene.day));
    match options.format {
        Format::Png => {
            write_grey_png(&out_dir.join(format!("sar_images/{name}.png")), size, &scene.grey)?;
            write_zones_png(&out_dir.join(format!("zones/{name}_zones.png")), size, &scene.zones)?;
            write_front(&out_dir.join(format!("fronts/{name}_front.png")), &front, &geo, &about)?;
        }
        Format::Tif => {
            let file = |folder: &str| out_dir.join(folder).join(format!("{name}.tif"));
            write_bytes(&file("sar_images"), size, &scene.grey, &geo, &about)?;
            write_class_map(&file("zones"), size, &scene.zones, &geo, &ZONES, &about)?;
            write_front(&file("fronts"), &front, &geo, &about)?;
        }
    }
    // A box is of a scene's name without its orbit; "upper" is the larger row.
    let corners = [(left, bottom), (left, top), (right, top), (right, bottom)];
    let lines: String = corners.iter().map(|(x, y)| format!("{x},{y}\n")).collect();
    let without_orbit = &name[..name.rfind('_').unwrap_or(name.len())];
    write_text(&out_dir.join(format!("bounding_boxes/{without_orbit}.txt")), &format!("x,y\n{lines}"))
}

/// The scenes without zones, the optical scene of each glacier, and their lists.
fn write_pretraining(out_dir: &Path, options: &CalvingOptions, progress: impl Fn() + Sync) -> Result<()> {
    let folder = out_dir.join("pretraining");
    let size = [options.rows, options.cols];
    let written = (0..options.unlabelled).into_par_iter().map(|number| {
        let scene = UnlabelledScene::new(options, number)?;
        let file = folder.join("radar").join(format!("{}.{}", scene.name, options.format.ending()));
        match options.format {
            Format::Png => write_grey_png(&file, size, &scene.grey)?,
            Format::Tif => write_bytes(&file, size, &scene.grey, &geo(scene.place, f64::from(CELL)), &about(scene.day))?,
        }
        progress();
        Ok(scene.name)
    });
    let names: Vec<String> = written.collect::<Result<_>>()?;
    (0..PLACES.len()).into_par_iter().try_for_each(|number| {
        let twin = OpticalTwin::new(options, number)?;
        let values: Vec<f32> = twin.bands.iter().flat_map(|band| band.values.iter().copied()).collect();
        let file = folder.join("optical").join(format!("{}.tif", twin.name));
        write_geotiff(file, size[0], size[1], &values, &geo(twin.place, f64::from(CELL)))
    })?;
    let (val, train) = halves(&names.iter().collect::<Vec<_>>());
    write_list(&folder.join("splits/train.csv"), &train)?;
    write_list(&folder.join("splits/val.csv"), &val)
}

/// The middle of a glacier's fjord: in its coordinate system, or in pixels for each resolution that its scenes may have.
fn write_centre_line(out_dir: &Path, options: &CalvingOptions, number: usize) -> Result<()> {
    let (place, points) = (&PLACES[number], centre_line(options, number));
    let folder = out_dir.join("centre_lines");
    let line = |point: &dyn Fn([f64; 2]) -> [f64; 2]| {
        let points: Vec<String> = points.iter().map(|at| point(at.map(f64::from))).map(|[x, y]| format!("[{:.3},{:.3}]", x, y)).collect();
        points.join(",")
    };
    let collection = |crs: &str, line: &str| {
        format!(
            "{{\"type\":\"FeatureCollection\",{crs}\"features\":[{{\"type\":\"Feature\",\"properties\":{{\"glacier\":\"{}\"}},\
             \"geometry\":{{\"type\":\"LineString\",\"coordinates\":[{line}]}}}}]}}\n",
            place.name
        )
    };
    if options.format == Format::Tif {
        let crs = format!("\"crs\":{{\"type\":\"name\",\"properties\":{{\"name\":\"urn:ogc:def:crs:EPSG::{}\"}}}},", 32_700 + ZONE);
        let [east, north] = place.origin;
        let text = collection(&crs, &line(&|[x, y]| [east + x, north - y]));
        return write_text(&folder.join(format!("{}.geojson", place.name)), &text);
    }
    let mut resolutions: Vec<u16> = super::archive::SENSORS.iter().map(|sensor| sensor.resolution).collect();
    resolutions.sort_unstable();
    resolutions.dedup();
    for resolution in resolutions {
        let cell = f64::from(resolution);
        let text = collection("", &line(&|at| at.map(|metres| metres / cell)));
        write_text(&folder.join(format!("{}_{resolution}m.geojson", place.name)), &text)?;
    }
    Ok(())
}

fn write_list(path: &Path, names: &[impl AsRef<str>]) -> Result<()> {
    let lines = names.iter().fold(String::new(), |mut text, name| {
        let _ = writeln!(text, "{}", name.as_ref());
        text
    });
    write_text(path, &lines)
}

fn write_text(path: &Path, text: &str) -> Result<()> {
    write_atomically(path, |out| out.write_all(text.as_bytes()))
}
