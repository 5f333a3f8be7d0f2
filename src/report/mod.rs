//! One self-contained HTML page about maps and the network that made them: scores, maps beside the observed ones, extent, training,
//! manifest.
//!
//! The page needs no network and no other file: charts are inline SVG ([`plot`]), maps inline PNG ([`scenes`]), the style sheet follows
//! the reader's light or dark theme. A part whose data is missing is left out, and one sentence says why.

pub mod axis;
pub mod colours;
pub mod extent;
pub mod front_pictures;
pub mod html;
pub mod manifest;
pub mod page;
pub mod plot;
pub mod run_log;
pub mod scenes;
pub mod season;
mod sections;
pub mod unscored;

use std::path::PathBuf;

use maud::Markup;

use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::data::day::{Day, Split};
use crate::error::Result;
use crate::evaluate::{ScoreFile, ShownInputs, refuse_other_maps};
use crate::event::Event;
use crate::tasks;
use colours::Colours;
use extent::Extents;
use page::Section;
use run_log::RunLog;
use season::Season;

/// What tells a page of this program from other files: near the start of every page.
pub const GENERATOR: &str = "<meta name=\"generator\" content=\"meltcore report\">";

/// What a page is made from.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// Its heading.
    pub title: String,
    /// The configuration of the data; without one there are no maps and no extents.
    pub config: Option<&'a Config>,
    /// The days that were scored.
    pub split: Split,
    /// Name and folder of each model's maps.
    pub models: &'a [(String, PathBuf)],
    /// The scores, or why there are none.
    pub scores: Part<ScoreFile>,
    /// The device that scored, where that was done for this page.
    pub device: Option<String>,
    /// Logs that must be there; without any, that beside the checkpoints is taken if it is there.
    pub logs: &'a [PathBuf],
    /// Scenes to show at most.
    pub scenes: usize,
}

/// A part of the page, or one sentence that says why it is missing.
pub type Part<T> = std::result::Result<T, String>;

/// Reads everything and writes the page's HTML.
///
/// # Errors
/// Maps, targets or logs that are there but cannot be used.
pub fn page(inputs: Evidence, observe: &mut dyn FnMut(Event)) -> Result<String> {
    let Evidence { title, config, split, models, scores, device, logs, scenes: most } = inputs;
    // Days without targets are shown with their inputs, where those are at hand.
    let inputs = match config.filter(|_| split == Split::Deploy && !models.is_empty()) {
        Some(config) => ShownInputs::open(config, split).map_err(|e| format!("The inputs are not shown: {e}")),
        None => Err(String::new()),
    };
    let targets = match config {
        Some(config) if !models.is_empty() && inputs.is_err() => Some(Dataset::open_targets(config, split)?),
        _ => None,
    };
    let dataset = config.zip(inputs.as_ref().ok().map(ShownInputs::dataset).or(targets.as_ref()));
    let no_maps = || "This page was made without the folders of the maps (--config and --pred).".to_owned();
    let key = config.map(|config| config.task).or_else(|| scores.as_ref().ok().map(|scores| scores.task)).unwrap_or_default();
    let task = tasks::by_key(key, config);
    let task = task.as_ref();
    refuse_other_maps(task, models, observe)?;
    let extents = match (&dataset, &task.words().extent) {
        (Some((config, dataset)), Some(of)) => Ok(Extents::read(config, of, dataset, models, observe)?),
        _ => Err(no_maps()),
    };
    let season = Season::of(extents.iter().flat_map(|extents: &Extents| extents.models.iter().flat_map(|(_, days)| days.keys())));
    let maps: Part<Markup> = match (&dataset, &scores) {
        (Some(_), _) if most == 0 => Err("No scenes were asked for (--scenes 0).".into()),
        (Some((_, dataset)), _) if split == Split::Deploy => {
            let chosen = unscored::choose(dataset, models, extents.as_ref().ok(), most, |day| season.place(day));
            match chosen.is_empty() {
                true => Err("The folders hold no maps of the days of the split deploy.".into()),
                false => {
                    let (scenes, keys) = unscored::draw(dataset, &inputs, task, models, &chosen, observe)?;
                    Ok(sections::maps::unscored(&scenes, &keys, inputs.as_ref().err().map(String::as_str), task))
                }
            }
        }
        (Some((config, dataset)), Ok(scores)) => {
            let place = |day: &Day| dataset.days().iter().position(|own| own == day);
            let pixels = |day: &Day| place(day).map_or(1, |index| dataset.scene(index).iter().product());
            let first = scores.models.0.first().map(|(_, model)| scenes::choose(model, task, most, pixels, |day| season.place(day)));
            let scenes = scenes::draw(config, dataset, task, scores, models, &first.unwrap_or_default(), observe)?;
            Ok(sections::maps::section(&scenes, task))
        }
        (_, Err(reason)) => Err(reason.clone()),
        (None, _) => Err(no_maps()),
    };
    let beside = config.and_then(|config| config.path_checkpoints.as_deref()).map(|folder| folder.join(crate::train::log::LOG_FILE));
    let paths: Vec<PathBuf> = if logs.is_empty() { beside.filter(|path| path.is_file()).into_iter().collect() } else { logs.to_vec() };
    let mut read = paths.iter().map(|path| RunLog::read(path)).collect::<Vec<_>>();
    // A log that nobody asked for may still be empty.
    if logs.is_empty() {
        read.retain(Result::is_ok);
    }
    let logs = read.into_iter().collect::<Result<Vec<_>>>()?;
    let facts = manifest::facts(config, split.name(), models, &logs, device.as_deref(), task.words().of);
    let scored = scores.iter().flat_map(|scores| scores.models.0.iter().map(|(name, _)| name));
    let colours = Colours::of(scored.chain(models.iter().map(|(name, _)| name)));
    let lead = scores
        .as_ref()
        .map_or_else(|_| format!("{} of the split {}.", task.words().maps, split.name()), |scores| sections::scores::lead(scores, task));
    let keys = config.map(Config::to_json).unwrap_or_default();
    let extent = task.words().extent.as_ref().map(|words| {
        Section::new("extent", words.heading, &extents, |extents| sections::extent::section(extents, words, season, &colours))
    });
    let first = [
        Section::new("scores", "Scores", &scores, |scores| sections::scores::section(scores, task)),
        Section::new("maps", "Maps", &maps, Markup::clone),
    ];
    let classes = scores
        .as_ref()
        .is_ok_and(sections::classes::is_there)
        .then(|| Section::new("classes", "Classes", &scores, sections::classes::section));
    let certainty = scores.as_ref().is_ok_and(sections::reliability::is_there).then(|| {
        Section::new("confidence", "Confidence", &scores, |scores| sections::reliability::section(scores, task.words().sure, &colours))
    });
    let glaciers = scores
        .as_ref()
        .is_ok_and(sections::glaciers::is_there)
        .then(|| Section::new("glaciers", "Areas and outlines", &scores, sections::glaciers::section));
    let fronts = scores
        .as_ref()
        .is_ok_and(sections::fronts::is_there)
        .then(|| Section::new("fronts", "Fronts", &scores, |scores| sections::fronts::section(scores, &colours)));
    let last = [
        Section::new("detail", "Where the errors are", &scores, |scores| sections::groups::section(scores, task, season, &colours)),
        Section::new("training", "Training", &Ok(logs), |logs| sections::training::section(logs, task)),
        Section::new("manifest", "Manifest", &Ok(facts), |facts| sections::manifest::section(facts, &keys)),
    ];
    let of_classes = fronts.into_iter().chain(classes).chain(certainty).chain(glaciers);
    let sections: Vec<Section> = first.into_iter().chain(of_classes).chain(extent).chain(last).collect();
    Ok(page::document(&title, &lead, &sections))
}
