//! How sure the maps of a network are: measured against targets for a curve, and said by that curve.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::manifest::weights_digest_of;
use super::{Options, Predictor, Request, class_maps};
use crate::calibrate::{Calibration, Curve, FINE_BINS, Method, Reliability};
use crate::config::Config;
use crate::data::Window;
use crate::data::dataset::{Dataset, HostSample};
use crate::data::day::Split;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::gpu::Gpu;
use crate::tasks;
use crate::weights;
use crate::weights::provenance::require_same;

/// Which curve maps say by how sure they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Calibrating<'a> {
    /// That beside the weights, where there is one of them.
    #[default]
    Beside,
    /// That of a file.
    File(&'a Path),
    /// None.
    Off,
}

impl Calibrating<'_> {
    /// The curve for weight files of these digests, joined, and what there is to tell.
    ///
    /// # Errors
    /// Those of [`Calibration::read`]; a file that was asked for and is missing, or is of other weights.
    pub(super) fn open(self, weights: &[PathBuf], digest: &str, options: &Value) -> Result<(Option<Curve>, Option<String>)> {
        let (path, asked) = match self {
            Calibrating::Off => return Ok((None, None)),
            Calibrating::Beside => (Calibration::beside(weights), false),
            Calibrating::File(path) => (path.to_owned(), true),
        };
        let Some(calibration) = Calibration::read(&path)? else {
            return match asked {
                false => Ok((None, None)),
                true => Err(Error::input(path, "there is no such calibration; make one with `meltcore calibrate`")),
            };
        };
        if calibration.weights != digest {
            let names: Vec<String> = weights.iter().map(|file| file.display().to_string()).collect();
            let message = format!("is the calibration of other weights than {}; make it again with `meltcore calibrate`", names.join(", "));
            return match asked {
                true => Err(Error::input(path, message)),
                false => Ok((None, Some(format!("{} {message}: maps say only what the network says", path.display())))),
            };
        }
        let note = (calibration.options != *options).then(|| {
            let (was, is) = (&calibration.options, options);
            format!("{} was fitted on maps made otherwise ({was}, now {is}): it may be a little off", path.display())
        });
        Ok((Some(calibration.curve), note))
    }
}

/// Makes the maps of a split, which stay in memory, and fits a curve to how often they are right where they say how sure they are.
///
/// # Errors
/// [`Error::Usage`] for a task whose maps do not say it, and a split without a valid pixel; those of [`super::write_maps`] but for files.
pub fn fit_calibration(
    gpu: &Gpu,
    config: &Config,
    request: &Request,
    method: Method,
    observe: &mut dyn FnMut(Event),
) -> Result<Calibration> {
    let options = Options { uncertainty: true, ..request.options };
    let mut task = tasks::of(config);
    options.prepare(task.as_mut(), 1);
    let Some([title, _]) = task.certainty() else {
        let name = task.key().name();
        return Err(Error::Usage(format!(
            "maps of the task `{name}` do not say how sure they are; those of melt_fraction, segmentation and calving_front do"
        )));
    };
    if request.split == Split::Deploy {
        return Err(Error::Usage("the deploy split has no targets to be right about; choose one of train, val, test, eval, all".into()));
    }
    let place = task.bands().len() + task.beside().iter().position(|band| band.long_name == title).unwrap_or_default();
    let dataset = Arc::new(Dataset::open(config, request.split)?);
    let files = request.files()?;
    for file in &files {
        require_same(file, config, request.accept_changed_config)?.into_iter().for_each(&mut *observe);
    }
    let models = files.iter().map(|file| weights::open(gpu, file, config)).collect::<Result<Vec<_>>>()?;
    let [model, others @ ..] = &models[..] else { return Err(Error::Usage("there are no weights to map with; name some".into())) };
    let mut predictor = Predictor::new(gpu, config, model.as_ref(), dataset.clone(), options, observe)?;
    predictor.join(others.iter().map(|model| model.as_ref()))?;
    let (mut halves, mut sample) = ([Reliability::of_bins(FINE_BINS), Reliability::of_bins(FINE_BINS)], HostSample::default());
    let days: Vec<usize> = (0..dataset.days().len()).collect();
    predictor.maps(&days, observe, &mut |day, mut map| {
        let [rows, cols] = dataset.scene(day);
        dataset.read(day, Window::whole(rows, cols), &mut sample)?;
        task.refuse(&sample.target).map_err(|message| Error::input(dataset.target_file(day).unwrap_or_default(), message))?;
        let (target, mut mask) = task.masked(&sample.target, &sample.ocean);
        // Pixels that maps leave without a class are none to be sure of.
        class_maps::hide_unknown(&mut map, &dataset, day)?;
        let sure = &map[place * rows * cols..(place + 1) * rows * cols];
        mask.iter_mut().zip(sure).filter(|(_, sure)| sure.is_nan()).for_each(|(mask, _)| *mask = 1.0);
        let right = task.right(&map[..rows * cols], &target);
        let mut add = |half: usize, of: std::ops::Range<usize>| halves[half].add(&sure[of.clone()], &right[of.clone()], &mask[of]);
        match days.len() {
            // The upper half of a single scene, and the lower one.
            1 => {
                let middle = rows / 2 * cols;
                add(0, 0..middle);
                add(1, middle..rows * cols);
            }
            _ => add(day % 2, 0..rows * cols),
        }
        dataset.release(day);
        Ok(())
    })?;
    let (digest, options) = (weights_digest_of(&files)?, json!(request.options));
    Calibration::fit(method, &halves, digest, options, request.split.name()).ok_or_else(|| {
        let split = request.split;
        Error::Usage(format!(
            "no scene of the split {split} has a pixel that counts, so that nothing can be fitted; choose another --split"
        ))
    })
}
