//! The scored scenes that the page shows: which ones, and their maps as small pictures with ocean and unseen pixels transparent.

use std::path::PathBuf;

use super::front_pictures::FrontPictures;
use crate::config::Config;
use crate::data::dataset::{Dataset, HostSample};
use crate::data::day::Day;
use crate::data::raster::Raster;
use crate::data::seen::hide_unseen;
use crate::error::Result;
use crate::evaluate::score_file::{ScoreFile, Scores, WrittenScores, score};
use crate::evaluate::shown_inputs::{Part, Parts};
use crate::event::Event;
use crate::tasks::{Better, Task};

/// Widest picture of a map, in pixels.
pub(super) const MOST_COLS: usize = 480;
/// A scene is worth showing where it is observed to this part of the share of the one that is most.
const ENOUGH: f64 = 0.5;

/// One picture.
#[derive(Debug, Clone)]
pub struct Picture {
    /// What it shows.
    pub title: String,
    /// PNG file.
    pub png: Vec<u8>,
}

/// A scene with its pictures: the target, then of each model map and error; of a day without a target each model's map and the inputs.
#[derive(Debug, Clone)]
pub struct ShownScene {
    /// The day.
    pub day: Day,
    /// Share of the land with a target, 0…1; none where the split has no targets.
    pub seen: Option<f64>,
    /// Why it was chosen, where that is to be said.
    pub note: Option<&'static str>,
    /// The pictures, all of one size.
    pub pictures: Vec<Picture>,
    /// Width and height of the pictures in pixels.
    pub size: [usize; 2],
    /// Name and scores of each model on this scene, where the scores have it.
    pub scores: Vec<(String, Scores)>,
}

/// Chooses at most `most` scenes: the worst one, and the middle one of each part of the season's year, by the task's foremost score.
///
/// Only scenes of whose `pixels` at least half as large a share is valid as of any other's take part: scenes may have coarser pixels than
/// others.
pub fn choose(
    model: &WrittenScores,
    task: &dyn Task,
    most: usize,
    pixels: impl Fn(&Day) -> usize,
    place: impl Fn(&Day) -> f64,
) -> Vec<(Day, Option<&'static str>)> {
    let foremost = task.headline()[0];
    let sign = if task.column(foremost).is_some_and(|column| column.better == Better::More) { -1.0 } else { 1.0 };
    let scene = |(file, scores): &(String, Scores)| {
        let day = Day::from_scene_name(file)?;
        Some((day, sign * score(scores, foremost)?, score(scores, "valid_px")? / pixels(&day).max(1) as f64))
    };
    let mut scenes: Vec<(Day, f64, f64)> = model.scenes.0.iter().filter_map(scene).collect();
    let widest = scenes.iter().map(|scene| scene.2).fold(0.0, f64::max);
    scenes.retain(|scene| scene.2 > 0.0 && scene.2 >= ENOUGH * widest);
    pick(scenes.into_iter().map(|(day, error, _)| (day, error)).collect(), Some("largest error"), most, place)
}

/// At most `most` of some days with a number each: the one with the largest, which gets the note, and of each part of the season's year the
/// middle one.
pub(super) fn pick(
    mut scenes: Vec<(Day, f64)>,
    note: Option<&'static str>,
    most: usize,
    place: impl Fn(&Day) -> f64,
) -> Vec<(Day, Option<&'static str>)> {
    let largest = scenes.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|scene| scene.0);
    let mut chosen: Vec<(Day, Option<&'static str>)> = Vec::new();
    if let (Some(largest), true) = (largest, most > 0) {
        scenes.retain(|scene| scene.0 != largest);
        chosen.push((largest, note));
    }
    scenes.sort_by(|a, b| place(&a.0).total_cmp(&place(&b.0)).then_with(|| a.0.cmp(&b.0)));
    let parts = most.saturating_sub(1).min(scenes.len());
    for part in 0..parts {
        let mut part: Vec<_> = scenes[part * scenes.len() / parts..(part + 1) * scenes.len() / parts].to_vec();
        part.sort_by(|a, b| a.1.total_cmp(&b.1));
        chosen.extend(part.get(part.len() / 2).map(|scene| (scene.0, None)));
    }
    chosen.sort_by(|a, b| place(&a.0).total_cmp(&place(&b.0)).then_with(|| a.0.cmp(&b.0)));
    chosen
}

/// Draws the chosen scenes.
///
/// # Errors
/// A target, true front or map that cannot be read or has another size.
pub fn draw(
    config: &Config,
    dataset: &Dataset,
    task: &dyn Task,
    scores: &ScoreFile,
    models: &[(String, PathBuf)],
    chosen: &[(Day, Option<&'static str>)],
    observe: &mut dyn FnMut(Event),
) -> Result<Vec<ShownScene>> {
    let mut parts = Parts::default();
    let (mut sample, band) = (HostSample::default(), task.bands()[0]);
    let mut scenes = Vec::new();
    observe(Event::Start { label: "scenes", total: chosen.len(), unit: "scenes" });
    for (day, note) in chosen {
        let Some(index) = dataset.days().iter().position(|other| other == day) else { continue };
        let part = parts.get(dataset, index)?;
        let Part { window, ocean } = &*part;
        let (window, reduce) = (*window, window.width.div_ceil(MOST_COLS));
        dataset.read(index, window, &mut sample)?;
        dataset.release(index);
        let unseen: Vec<bool> = sample.target.iter().zip(ocean).map(|(target, ocean)| *ocean || target.is_nan()).collect();
        let target = task.pictured(&sample.target);
        let picture = |title: String, values: &[f32], masked: &[bool], error: bool| {
            let size = [window.height, window.width];
            let field = if error { band.error_field("", values, size, masked) } else { band.field("", values, size, masked) };
            field.to_indexed_png(reduce).map(|png| Picture { title, png })
        };
        let mut pictures = vec![picture("Observed".into(), &target, &unseen, false)?];
        let fronts = task.fronts().map(|labels| FrontPictures::of(config, labels, dataset, index)).transpose()?;
        for (name, folder) in models {
            let mut map = vec![0.0; window.pixels()];
            let raster = Raster::open_band(folder.join(day.file_name()), 0)?;
            raster.read_window(window, &mut map)?;
            raster.refuse_infinite(&map)?;
            hide_unseen(raster.path(), window, &mut map)?;
            pictures.push(picture(name.clone(), &map, ocean, false)?);
            pictures.push(picture(band.error_title(name, "observed"), &band.errors(&map, &target), &unseen, true)?);
            if let Some(fronts) = &fronts {
                pictures.push(fronts.picture(name, &folder.join(day.file_name()), window, reduce)?);
            }
        }
        let count = |masked: &[bool]| masked.iter().filter(|masked| !**masked).count() as f64;
        let of_scene = |(name, model): &(String, WrittenScores)| Some((name.clone(), model.scenes.get(&day.file_name())?.clone()));
        scenes.push(ShownScene {
            day: *day,
            seen: Some(count(&unseen) / count(ocean).max(1.0)),
            note: *note,
            pictures,
            size: [window.width.div_ceil(reduce), window.height.div_ceil(reduce)],
            scores: scores.models.0.iter().filter_map(of_scene).collect(),
        });
        observe(Event::Done(1));
    }
    Ok(scenes)
}
