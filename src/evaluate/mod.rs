//! Scores of maps against their targets, as the task defines them: [`scores`] per scene on the device, [`table`] over a split, [`groups`]
//! of its scenes, [`certainty`] of maps that say it, areas and distances of outlines in [`glaciers`], summed up by [`glacier_scores`], or
//! distances of [`fronts`], summed up by [`front_scores`]; all of it as files by [`score_file`] and [`csv`], and [`panels`] to look at.

pub mod certainty;
pub mod csv;
pub mod front_scores;
pub mod fronts;
pub mod glacier_scores;
pub mod glaciers;
pub mod groups;
pub mod panels;
pub mod score_file;
pub mod scores;
pub mod shown_inputs;
pub mod table;

pub use certainty::Certainty;
pub use front_scores::WrittenFronts;
pub use glacier_scores::GlacierScores;
pub use groups::{GroupBy, Groups};
pub use panels::Panels;
pub use score_file::ScoreFile;
pub use scores::{SceneScorer, SceneScores, ScoredScene};
pub use shown_inputs::ShownInputs;
pub use table::{Evaluation, ModelScores};

use std::path::{Path, PathBuf};

use crate::config::{Config, FRONTS};
use crate::data::Window;
use crate::data::dataset::{Dataset, HostSample};
use crate::data::day::{Day, Split, read_split_csv};
use crate::data::inventory::{name_some, refuse_other_grid};
use crate::data::raster::Raster;
use crate::data::seen::hide_unseen;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::gpu::Gpu;
use crate::tasks::{self, Holds, Task};
use fronts::{TrueFront, refuse_missing_fronts};
use glaciers::Truth;

/// A scene just scored, for whoever wants to show it.
pub struct Shown<'a> {
    /// The day.
    pub day: &'a Day,
    /// Its place in the split.
    pub index: usize,
    /// Target and ocean mask.
    pub sample: &'a HostSample,
    /// Name, map and scores of each model.
    pub models: Vec<(&'a str, Vec<f32>, SceneScores)>,
}

/// Scores the maps of several models, each a name and a folder of `YYYY_MM_DD.tif`, on the days of a split.
///
/// # Errors
/// [`Error::Usage`] for the deploy split or a model named twice; [`Error::Input`] for missing maps, maps of another task or grid or with
/// infinite values, and where no scene has a valid pixel.
pub fn evaluate(
    gpu: &Gpu,
    config: &Config,
    split: Split,
    models: &[(String, PathBuf)],
    observe: &mut dyn FnMut(Event),
) -> Result<Evaluation> {
    evaluate_and_show(gpu, config, split, models, observe, &mut |_| Ok(()))
}

/// As [`evaluate`], with each scene given to `show` once it is scored.
///
/// # Errors
/// Those of [`evaluate`] and of `show`.
pub fn evaluate_and_show(
    gpu: &Gpu,
    config: &Config,
    split: Split,
    models: &[(String, PathBuf)],
    observe: &mut dyn FnMut(Event),
    show: &mut dyn FnMut(&Shown) -> Result<()>,
) -> Result<Evaluation> {
    if split == Split::Deploy {
        return Err(Error::Usage("the deploy split has no targets to score against; choose one of train, val, test, eval, all".into()));
    }
    if let Some((name, _)) = models.iter().enumerate().find_map(|(i, m)| models[..i].iter().any(|other| other.0 == m.0).then_some(m)) {
        return Err(Error::Usage(format!("--pred: the model name `{name}` is given twice; give each folder its own name")));
    }
    let task = tasks::of(config);
    refuse_other_maps(task.as_ref(), models, observe)?;
    let dataset = Dataset::open_targets(config, split)?;
    for (model, folder) in models {
        refuse_missing_maps(&dataset, model, folder)?;
    }
    if task.fronts().is_some() {
        refuse_missing_fronts(config, &dataset)?;
    }
    let scorer = SceneScorer::new(gpu, task.as_ref());
    if let Some(warning) = task.warning(dataset.smallest_scene()) {
        observe(Event::Note(warning));
    }
    // Scoring needs no train days, so that their list may be on another machine.
    let train = config.split_csv.get("train").map(|file| read_split_csv(file, config.domain().unit)).transpose().unwrap_or_else(|error| {
        observe(Event::Note(format!("no scores by days to the nearest train day: {error}")));
        None
    });
    let train = train.unwrap_or_default();
    let groups = Groups::new(config, dataset.days(), &train);
    observe(Event::Start { label: "eval", total: dataset.days().len(), unit: "scenes" });
    let mut scored: Vec<ModelScores> = models.iter().map(|(name, _)| ModelScores::new(name, task.columns())).collect();
    let (mut sample, mut unplaced) = (HostSample::default(), Vec::new());
    for (index, day) in dataset.days().iter().enumerate() {
        let size = dataset.scene(index);
        let whole = Window::whole(size[0], size[1]);
        dataset.read(index, whole, &mut sample)?;
        task.refuse(&sample.target).map_err(|message| Error::input(dataset.target_file(index).unwrap_or_default(), message))?;
        let scene = scorer.scene(&sample, size)?;
        let reference = dataset.target_raster(index)?;
        let front = task.fronts().map(|labels| TrueFront::of(config, labels, &dataset, index, &sample.target)).transpose()?;
        let mut truth = if front.is_none() { Truth::of(task.as_ref(), &sample, size, reference.geo()) } else { None };
        unplaced.extend(front.as_ref().filter(|front| !front.is_sized).map(|_| PathBuf::from(day.file_name())));
        unplaced.extend(truth.as_ref().filter(|truth| !truth.is_placed()).map(|_| PathBuf::from(day.file_name())));
        let mut shown = Shown { day, index, sample: &sample, models: Vec::new() };
        for ((name, folder), scores) in models.iter().zip(&mut scored) {
            let file = folder.join(day.file_name());
            let mut map = Vec::with_capacity(task.bands().len() * whole.pixels());
            for band in 0..task.bands().len() {
                let raster = Raster::open_band(&file, band)?;
                refuse_other_grid(&reference, &raster)?;
                map.extend(raster.read_all()?);
            }
            hide_unseen(&file, whole, &mut map)?;
            let score = scene.score(map.clone(), &file, &mut scores.reliability)?;
            scene.add_certainty(&map, &file, &mut scores.certainty)?;
            scores.push(day.file_name(), score.clone());
            if let Some(front) = &front {
                scores.fronts.push((day.file_name(), front.compare(&map)?));
            }
            scores.glaciers.extend(truth.as_mut().map(|truth| (day.file_name(), truth.compare(&map))));
            shown.models.push((name, map, score));
        }
        show(&shown)?;
        dataset.release(index);
        observe(Event::Done(1));
    }
    for scores in scored.iter().filter(|scores| scores.certainty.scenes > 0 && scores.certainty.scenes < scores.scenes.len()) {
        observe(Event::Note(format!(
            "only {} of the {} maps of the model `{}` have a file in probability/, and how sure they are is scored on those alone; `meltcore \
             predict` makes the others again",
            scores.certainty.scenes,
            scores.scenes.len(),
            scores.name
        )));
    }
    let empty = |scores: &ModelScores| -> Vec<PathBuf> {
        scores.scenes.iter().filter(|(_, scene)| scene.scored.valid == 0).map(|(file, _)| file.into()).collect()
    };
    if let Some(empty) = scored.first().map(empty).filter(|empty| !empty.is_empty()) {
        observe(Event::Note(format!("no valid pixel, and no score, on {} day(s): {}", empty.len(), name_some(&empty))));
    }
    if !unplaced.is_empty() {
        let (count, some) = (unplaced.len(), name_some(&unplaced));
        let cure = if task.fronts().is_some() { " (front_resolution says how many they have)" } else { "" };
        observe(Event::Note(format!("{count} scene(s) have no georeference, and pixels of 1 m in areas and distances{cure}: {some}")));
    }
    if task.fronts().is_some() && !config.variable_paths.contains_key(FRONTS) {
        observe(Event::Note(format!("no path_{FRONTS}: true fronts are drawn from the true zones")));
    }
    for (scores, (model, folder)) in scored.iter().zip(models) {
        if let Some((scenes, pixels)) = scores.nan_predictions() {
            let folder = folder.display();
            observe(Event::Note(format!(
                "{model}: {pixels} pixels without a value, or of which nothing was seen, in {scenes} map(s) of {folder} were counted as 0"
            )));
        }
    }
    Evaluation::new(config, split, scored, groups)
}

/// Refuses maps that say that they are of another task, or of other bands.
///
/// # Errors
/// [`Error::Input`] that names both.
pub fn refuse_other_maps(task: &dyn Task, models: &[(String, PathBuf)], observe: &mut dyn FnMut(Event)) -> Result<()> {
    models.iter().try_for_each(|(model, folder)| {
        Holds::refuse_other(task, model, folder)?.into_iter().for_each(|note| observe(Event::Note(note)));
        Ok(())
    })
}

/// Refuses a folder that lacks maps, naming the first few.
fn refuse_missing_maps(dataset: &Dataset, model: &str, folder: &Path) -> Result<()> {
    let missing: Vec<PathBuf> = dataset.days().iter().map(|day| folder.join(day.file_name())).filter(|file| !file.is_file()).collect();
    match missing.len() {
        0 => Ok(()),
        count => Err(Error::input(
            folder,
            format!(
                "{count} of {} maps of the model `{model}` are missing: {}; make them with `meltcore predict` or `meltcore baseline`, \
                 or choose another --split",
                dataset.days().len(),
                name_some(&missing)
            ),
        )),
    }
}
