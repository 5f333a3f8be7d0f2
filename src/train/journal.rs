//! What a run writes down about itself after each epoch: a line of `log.jsonl`, and events for TensorBoard.
//!
//! Curves are over steps of the optimizer. All events of an epoch are written at its end, before its checkpoint: where a run is killed in
//! between, resuming takes both back to the checkpoint.

use std::sync::Arc;

use super::folder::RunFolder;
use super::log::{Entry, Header, LOG_FILE, Log, Watched};
use super::losses::mean;
use super::session::{EpochOfTraining, Watcher};
use super::tensorboard::{Event, EventFile, Value, wall_time};
use super::watched_scene::WatchedScene;
use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::models::Model;

/// Points of the curve of step losses that an epoch has at most; of longer epochs several steps are averaged.
const POINTS: usize = 100;

/// The open log, event file and scene of a run.
pub(super) struct Journal {
    log: Log,
    events: Option<EventFile>,
    scene: Option<WatchedScene>,
    /// Batches of a step.
    of_a_step: usize,
}

impl Journal {
    /// Starts over, or goes on after the `resumed` epoch and step; says what of the earlier files is damaged and left out.
    ///
    /// # Errors
    /// [`Error::Output`](crate::error::Error::Output).
    pub(super) fn start(
        config: &Config,
        folder: &RunFolder,
        header: &Header,
        resumed: Option<(usize, u64)>,
        watcher: &mut Watcher,
    ) -> Result<Journal> {
        let (log, damaged) = Log::start(&folder.join(LOG_FILE), header, resumed.map(|(epoch, _)| epoch))?;
        damaged.into_iter().for_each(|note| watcher.note(note));
        let mut events = None;
        if config.tensorboard {
            let (file, damaged) = EventFile::start(&folder.join(""), resumed.map(|(_, step)| step))?;
            damaged.into_iter().for_each(|note| watcher.note(note));
            events = Some(file);
        }
        Ok(Journal { log, events, scene: None, of_a_step: config.accumulate_steps })
    }

    /// Chooses the scene of the val split that every epoch is scored on.
    ///
    /// # Errors
    /// Those of [`WatchedScene::find`].
    pub(super) fn look_at(
        &mut self,
        gpu: &Gpu,
        config: &Config,
        val: &Arc<Dataset>,
        crop: [usize; 2],
        watcher: &mut Watcher,
    ) -> Result<()> {
        self.scene = WatchedScene::find(gpu, config, val, crop)?;
        if let Some(scene) = &self.scene {
            watcher.note(format!("scored after every epoch: {}", scene.name()));
        }
        Ok(())
    }

    /// Scores the scene and writes the epoch down, with scores of whole maps by name; its training took `seconds`.
    ///
    /// # Errors
    /// [`Error::Output`](crate::error::Error::Output); those of scoring.
    pub(super) fn append(
        &mut self,
        entry: Entry,
        of_maps: Vec<(String, Option<f64>)>,
        pass: &EpochOfTraining,
        seconds: f64,
        model: &dyn Model,
        pictures: bool,
    ) -> Result<Entry> {
        let look = self.scene.as_ref().map(|scene| scene.look(model)).transpose()?;
        let mut entry = entry;
        if let Some(look) = &look {
            entry.scene = Watched(look.scores.iter().map(|(name, score)| ((*name).to_owned(), Some(*score))).collect());
        }
        entry.scene.0.extend(of_maps);
        self.log.append(&entry)?;
        if let Some(file) = &mut self.events {
            let mut values = scalars(&entry);
            if let (true, Some(scene), Some(look)) = (pictures, &self.scene, &look) {
                values.extend(scene.pictures(look)?.into_iter().map(|(tag, picture)| (tag.to_owned(), picture)));
            }
            let now = wall_time();
            let mut events = step_losses(&pass.losses, pass.first_step, self.of_a_step, now - entry.seconds, seconds);
            events.push(Event { wall_time: now, step: entry.step, values });
            file.append(&events)?;
        }
        Ok(entry)
    }
}

/// An epoch's numbers under their tags.
fn scalars(entry: &Entry) -> Vec<(String, Value)> {
    let run = [
        ("loss/train", entry.train_loss),
        ("loss/val", entry.val_loss),
        ("learning_rate", Some(entry.learning_rate)),
        ("epoch", Some(entry.epoch as f64)),
    ];
    let device = [
        ("speed/crops_per_s", Some(entry.crops_per_s)),
        ("speed/wait_share", Some(entry.wait_share)),
        ("mixed/loss_scale", entry.loss_scale.map(f64::from)),
        ("mixed/skipped_steps", entry.skipped_steps.map(|steps| steps as f64)),
        ("device/bytes", Some(entry.device_bytes as f64)),
    ];
    let scene = entry.scene.0.iter().map(|(name, score)| (format!("scene/{name}"), *score));
    let named = |(tag, number): (&str, Option<f64>)| (tag.to_owned(), number);
    let numbers = run.into_iter().map(named).chain(scene).chain(device.into_iter().map(named));
    numbers.filter_map(|(tag, number)| Some((tag, Value::Scalar(number?)))).collect()
}

/// The curve of the losses of an epoch's batches, `of_a_step` of which are one step (of the last maybe fewer), after the run's `first_step`
/// steps; its points are spread evenly over the time that the epoch took. Where no batch of a point has a valid pixel, there is none.
fn step_losses(losses: &[Option<f64>], first_step: u64, of_a_step: usize, start: f64, seconds: f64) -> Vec<Event> {
    let of_a_step = of_a_step.max(1);
    let each = of_a_step * losses.len().div_ceil(of_a_step).div_ceil(POINTS).max(1);
    let mut done = 0;
    let point = |losses: &[Option<f64>]| {
        done += losses.len();
        Some((done, mean(losses)?))
    };
    let points: Vec<(usize, f64)> = losses.chunks(each).filter_map(point).collect();
    let event = |(done, mean): (usize, f64)| Event {
        wall_time: start + seconds * done as f64 / losses.len() as f64,
        step: first_step + done.div_ceil(of_a_step) as u64,
        values: vec![("loss/step".into(), Value::Scalar(mean))],
    };
    points.into_iter().map(event).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_epochs_are_averaged() {
        let losses: Vec<Option<f64>> = (0..250).map(|i| Some(f64::from(i))).collect();
        let events = step_losses(&losses, 1000, 1, 50.0, 25.0);
        let steps: Vec<u64> = events.iter().map(|event| event.step).collect();
        assert_eq!((steps.len(), steps[0], steps[82], steps[83]), (84, 1003, 1249, 1250));
        assert_eq!(events[0].values, [("loss/step".into(), Value::Scalar(1.0))]);
        assert_eq!(events[83].values, [("loss/step".into(), Value::Scalar(249.0))]);
        assert_eq!(events[83].wall_time, 75.0);
        // Five batches in steps of two.
        let events = step_losses(&[1.0, 3.0, 5.0, 7.0, 9.0].map(Some), 10, 2, 0.0, 1.0);
        let points: Vec<_> = events.into_iter().map(|event| (event.step, event.values[0].1.clone())).collect();
        assert_eq!(points, [(11, Value::Scalar(2.0)), (12, Value::Scalar(6.0)), (13, Value::Scalar(9.0))]);
        // Neither batch of the second step has a valid pixel, nor has the first one of the third.
        let events = step_losses(&[Some(1.0), Some(3.0), None, None, None, Some(9.0)], 10, 2, 0.0, 1.0);
        let points: Vec<_> = events.into_iter().map(|event| (event.step, event.values[0].1.clone())).collect();
        assert_eq!(points, [(11, Value::Scalar(2.0)), (13, Value::Scalar(9.0))]);
        assert!(step_losses(&[], 0, 1, 0.0, 1.0).is_empty());
    }
}
