//! The maps of a split, or of the scenes of a folder, as files: those that are finished stay.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::manifest::{Maker, Manifest, weights_digest_of};
use super::outlines::{Outlines, made_by, refuse_unplaced, stale};
use super::{Calibrating, Destination, Options, OutlineOptions, Place, Predictor, Shard, class_maps, location_file, range, zone_pictures};
use crate::config::Config;
use crate::data::class_map::beside_map;
use crate::data::dataset::Dataset;
use crate::data::day::{Day, Split};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::files::Digest;
use crate::gpu::Gpu;
use crate::tasks;
use crate::weights::provenance::require_same;
use crate::weights::{self, intact_weight_file};

/// What to make maps with, and which.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Which days are mapped.
    pub split: Split,
    /// These days of the split; none: those of its list.
    pub days: Option<&'a [Day]>,
    /// The part of these days that is mapped; none: all.
    pub shard: Option<Shard>,
    /// A safetensors file or a folder with one ([`crate::weights::intact_weight_file`]).
    pub weights: &'a Path,
    /// Further ones of the same configuration, over which maps are averaged.
    pub others: &'a [PathBuf],
    /// Departures from the reference's way.
    pub options: Options,
    /// Outlines beside the maps, where they are wanted.
    pub outlines: Option<OutlineOptions>,
    /// Make finished maps again, too.
    pub overwrite: bool,
    /// Go on although the weights say that they were trained under another configuration.
    pub accept_changed_config: bool,
    /// Which curve maps say by how sure they are.
    pub calibrating: Calibrating<'a>,
}

impl Request<'_> {
    /// The files of the networks.
    ///
    /// # Errors
    /// Those of [`intact_weight_file`].
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        std::iter::once(self.weights).chain(self.others.iter().map(PathBuf::as_path)).map(intact_weight_file).collect()
    }
}

/// Writes the maps of a split's days, in the order of the split file; those that an equal earlier run finished are left as they are.
/// Returns the days with their maps, in order of time.
///
/// # Errors
/// As [`Predictor`]; weights that do not fit the configured model, or were trained under another configuration; a map or picture that
/// cannot be written.
pub fn write_maps(
    gpu: &Gpu,
    config: &Config,
    request: &Request,
    destination: Destination,
    observe: &mut dyn FnMut(Event),
) -> Result<Vec<(Day, PathBuf)>> {
    let dataset = Arc::new(match request.days {
        None => Dataset::open(config, request.split)?,
        Some(days) => Dataset::of_days(config, request.split, days.to_vec())?,
    });
    let files = request.files()?;
    if let Some(file) = files.first().filter(|file| *file != request.weights) {
        observe(Event::Note(format!("weights: {}", file.display())));
    }
    for file in &files {
        require_same(file, config, request.accept_changed_config)?.into_iter().for_each(&mut *observe);
    }
    let (weights, mut options) = (weights_digest_of(&files)?, json!(request.options));
    // Neither a median filter nor further bands change what is calibrated.
    let of_confidence = json!(Options { median: None, uncertainty: false, ..request.options });
    let (curve, note) = request.calibrating.open(&files, &weights, &of_confidence)?;
    note.into_iter().for_each(|note| observe(Event::Note(note)));
    let mut task = tasks::of(config);
    request.options.prepare(task.as_mut(), files.len());
    if let Some(curve) = &curve {
        task.calibrate(curve);
        let says = task.certainty().is_some_and(|[_, calibrated]| task.beside().iter().any(|band| band.long_name == calibrated));
        if let Some(options) = options.as_object_mut().filter(|_| says) {
            options.insert("calibration".into(), json!(Digest::of(json!(curve).to_string().as_bytes())));
        }
    }
    class_maps::check_median(request.options.median, task.as_ref())?;
    let of_folder = |options| {
        refuse_unplaced(&dataset)?;
        Outlines::open(destination.folder, task.as_ref(), options)
    };
    let outlines = request.outlines.map(of_folder).transpose()?;
    let maker = Maker { weights, options, fills: None };
    // Before the folder is taken: weights that are refused leave none behind.
    let models = files.iter().map(|file| weights::open(gpu, file, config)).collect::<Result<Vec<_>>>()?;
    let [model, further @ ..] = &models[..] else { return Err(Error::Usage("there are no weights to map with; name some".into())) };
    let own: Vec<usize> = (0..dataset.days().len()).filter(|day| request.shard.is_none_or(|shard| shard.has(*day))).collect();
    let mut days = own.clone();
    let wanted = own.iter().map(|day| dataset.days()[*day].file_name()).collect();
    let (mut manifest, notes) = Manifest::open_shared(destination, config, &maker, &wanted, request.shard)?;
    notes.into_iter().for_each(|note| observe(Event::Note(note)));
    let sources = |day: usize| {
        let landmask = dataset.landmask().map(|raster| raster.path().to_owned());
        dataset
            .input_files(day)
            .into_iter()
            .chain(landmask)
            .chain(dataset.mask_file_of_map(day))
            .chain(config.path_regions.clone())
            .collect::<Vec<PathBuf>>()
    };
    // Asked also where all are made again: it takes the states of the rasters before they are read.
    let search = request.options.location;
    let lacks_location = |map: &str| search.is_some() && !location_file(&destination.folder.join(map)).is_file();
    let lacks_beside = |map: &str| !task.beside().is_empty() && !beside_map(&destination.folder.join(map)).is_file();
    let is_made = |&day: &usize| {
        let map = dataset.days()[day].file_name();
        !manifest.is_finished(&map, destination.pictures, &sources(day)) || request.overwrite || lacks_location(&map) || lacks_beside(&map)
    };
    days.retain(is_made);
    if let Some(outlines) = &outlines {
        outlines.check(dataset.days(), |day| days.contains(&day))?;
    }
    let finished = own.len() - days.len();
    if finished > 0 {
        let message = format!("{finished} of {} maps are finished already; --overwrite makes them again", own.len());
        observe(Event::Note(message));
    }
    if !days.is_empty() {
        range::unlike_training(config, &dataset, &days)?.into_iter().for_each(|line| observe(Event::Note(line)));
        let mut predictor = Predictor::new(gpu, config, model.as_ref(), dataset.clone(), request.options, observe)?;
        curve.iter().for_each(|curve| predictor.calibrate(curve));
        predictor.join(further.iter().map(|model| model.as_ref()))?;
        manifest.begin()?;
        let files = destination.files(config.model_key.name(), task.as_ref(), &maker.weights);
        let mut take = |day: usize, mut map: Vec<f32>| {
            let date = &dataset.days()[day];
            if task.classes().is_some() {
                class_maps::hide_unknown(&mut map, &dataset, day)?;
            }
            if let Some(size) = request.options.median {
                class_maps::filter(&mut map, dataset.scene(day), size)?;
            }
            // First, so that no finished map is there without it.
            zone_pictures::write(config, &dataset, day, &map, destination.folder)?;
            files.write(date, &map, None, &Place::of(&dataset, day)?)?;
            dataset.release(day);
            manifest.finish(&date.file_name(), Some(&sources(day))).map(drop)
        };
        predictor.located_maps(config, &days, destination.folder, observe, &mut take)?;
    }
    let map = |day: &usize| (dataset.days()[*day], destination.folder.join(dataset.days()[*day].file_name()));
    let mut maps: Vec<(Day, PathBuf)> = own.iter().map(map).collect();
    maps.sort_by_key(|(day, _)| *day);
    maps.dedup_by(|(later, _), (day, _)| later == day);
    if let Some(mut outlines) = outlines {
        let mapped: Vec<Day> = maps.iter().map(|(day, _)| *day).collect();
        outlines.write(&mapped, task.as_ref(), &made_by(config.model_key.name(), &maker.weights), observe)?;
    } else if let Some(note) = stale(destination.folder, &maps) {
        observe(Event::Note(note));
    }
    Ok(maps)
}
