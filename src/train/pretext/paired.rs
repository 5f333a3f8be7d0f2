//! Radar scenes beside the optical scene of their place: windows of both alike, of the first a network makes the second.
//!
//! Scenes go on as their mirror image ([`Frame::wide`]); of a window of the crop's size, anywhere on that, a square of 0.7 to 1 of its
//! sides is brought back to the size ([`super::cubic`]), radar of 8 bits and optical bands rounded to bytes again, and half of all are
//! turned upside down. A validation sees windows half a crop apart as they are, of scenes with less around.
//! Source: SSL4SAR (Gourmelon et al. 2025, arXiv 2507.01747).

use std::sync::Arc;

use super::cubic::resized;
use super::tokens::{Tokens, of_tokens};
use super::twins::Twins;
use crate::config::Config;
use crate::data::Window;
use crate::data::dataset::{Dataset, HostSample};
use crate::data::framed::{Frame, Framed};
use crate::data::loader::Batch;
use crate::data::tiles::Crop;
use crate::error::{Error, Result};
use crate::models::{Input, Inputs, OPTICAL_BANDS, SEEN};
use crate::preprocess::{Preprocessor, zeros};
use crate::random::{Draw, Purpose};
use crate::tasks::Targets;
use crate::tensor::Tensor;

/// Least share of a window's sides that is brought back to its size.
const LEAST: f64 = 0.7;

/// The scenes of a pretraining with their optical ones.
pub(in crate::train) struct Paired {
    seed: u64,
    /// Rows and columns of a crop.
    crop: [usize; 2],
    twins: Twins,
    /// What is hidden of radar scenes; none where nothing is.
    tokens: Option<Tokens>,
    /// The scenes that are learned from.
    train: Framed,
    /// Those of the validation.
    val: Option<Framed>,
}

/// Where the values of a window come from, in its padded scene: its square, and whether it is turned upside down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct View {
    square: Window,
    upside_down: bool,
}

impl Paired {
    /// The scenes of a configuration's lists.
    ///
    /// # Errors
    /// Those of [`Twins::of`] and [`zeros`].
    pub(super) fn of(config: &Config, train: &Framed, val: Option<&Framed>, crop: [usize; 2]) -> Result<Paired> {
        let datasets: Vec<&Dataset> = [Some(train), val].into_iter().flatten().map(|framed| framed.dataset().as_ref()).collect();
        let twins = Twins::of(config, &datasets)?;
        let mirrored = |framed: &Framed, part: [usize; 2]| -> Result<Framed> {
            let dataset: &Arc<Dataset> = framed.dataset();
            Ok(Framed::new(dataset.clone(), zeros(config, dataset.inputs())?, |scene| Frame::wide(scene, part, true)).mirroring(true))
        };
        let half = crop.map(|side| (side / 2).max(1));
        let val = val.map(|val| mirrored(val, half)).transpose()?;
        Ok(Paired { seed: config.seed, crop, twins, tokens: Tokens::of(config, crop)?, train: mirrored(train, crop)?, val })
    }

    pub(super) fn describe(&self) -> String {
        let hidden = self.tokens.as_ref().map_or_else(String::new, Tokens::describe);
        format!("the network says the {OPTICAL_BANDS} bands of {} optical scenes{hidden}", self.twins.count())
    }

    /// Tokens of a crop, of which some are hidden; 0 where none are.
    pub(super) fn tokens(&self) -> usize {
        self.tokens.as_ref().map_or(0, Tokens::count)
    }

    /// Writes into a batch of an epoch which tokens are hidden of each sample.
    pub(super) fn hide(&self, epoch: usize, batch: &mut Batch) {
        batch.hidden.clear();
        if let Some(tokens) = &self.tokens {
            for crop in &batch.crops {
                let mut draw = Draw::new(self.seed, Purpose::Hide, (epoch as i64) << 32 | crop.number as i64);
                batch.hidden.extend(tokens.hidden(&mut draw).into_iter().map(|is_hidden| f32::from(u8::from(is_hidden))));
            }
        }
    }

    /// What the network sees of a batch, and what it is to say: all pixels of the bands, or those under the hidden tokens.
    ///
    /// # Errors
    /// Those of [`Preprocessor::inputs`].
    pub(super) fn inputs_and_targets(&self, preprocessor: &Preprocessor, batch: &Batch) -> Result<(Inputs, Targets)> {
        let (mut inputs, gpu) = (preprocessor.inputs(batch)?, preprocessor.gpu());
        let Batch { n, height, width, .. } = *batch;
        let Some(tokens) = &self.tokens else {
            let shape = [n, OPTICAL_BANDS, height, width];
            return Ok((inputs, Targets::new(gpu, shape, &batch.target, &vec![0.0; batch.target.len()])?));
        };
        let seen: Vec<f32> = batch.hidden.iter().map(|hidden| 1.0 - hidden).collect();
        let tensor = Tensor::from_slice(gpu, [n, tokens.count()], &seen)?;
        inputs.0.push(Input { name: SEEN.to_owned(), tensor, constants: Vec::new() });
        let said = OPTICAL_BANDS * tokens.patch * tokens.patch;
        let values = of_tokens(&batch.target, [n, height, width], tokens.patch);
        let mask: Vec<f32> = seen.chunks_exact(tokens.count()).flat_map(|seen| seen.repeat(said)).collect();
        let shape = [n, said, height / tokens.patch, width / tokens.patch];
        Ok((inputs, Targets::new(gpu, shape, &values, &mask)?))
    }

    /// Windows of an epoch: `count` drawn ones of a training, all of a validation.
    pub(super) fn crops(&self, seed: u64, epoch: u64, purpose: Purpose, count: usize) -> Vec<Crop> {
        let [height, width] = self.crop;
        let at = |day: usize, row: usize, col: usize| Crop { day, window: Window { row, col, height, width }, number: 0 };
        let mut crops: Vec<Crop> = match purpose {
            Purpose::Train => {
                let mut draw = Draw::new(seed, Purpose::Train, epoch as i64);
                let scenes = self.train.frames();
                let window = |_| {
                    let day = draw.below(scenes.len());
                    // The last place of a side is left out, as the published program leaves it out.
                    let [row, col] = [0, 1].map(|axis| draw.below(scenes[day].size[axis].saturating_sub(self.crop[axis]).max(1)));
                    at(day, row, col)
                };
                (0..count).map(window).collect()
            }
            _ => {
                let scenes = self.val.iter().flat_map(Framed::frames).enumerate();
                let starts = |size: usize, side: usize| (0..=size.saturating_sub(side)).step_by((side / 2).max(1));
                let of = |(day, frame): (usize, &Frame)| {
                    let [rows, cols] = frame.size;
                    starts(rows, height).flat_map(move |row| starts(cols, width).map(move |col| at(day, row, col)))
                };
                scenes.flat_map(of).collect()
            }
        };
        crops.iter_mut().enumerate().for_each(|(number, crop)| crop.number = number);
        crops
    }

    /// Windows of a validation.
    pub(super) fn val_count(&self) -> usize {
        self.crops(0, 0, Purpose::Validate, 0).len()
    }

    /// Reads windows of an epoch; what they hold of the optical scene is the batch's target, 14 bands a sample, 0 to 1.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn read(&self, epoch: usize, purpose: Purpose, crops: &[Crop]) -> Result<Batch> {
        let Some(framed) = (if purpose == Purpose::Train { Some(&self.train) } else { self.val.as_ref() }) else {
            return Err(Error::Usage("a pretraining without a val list validates nothing; give path_val_split_csv".into()));
        };
        let (dataset, mut raw) = (framed.dataset(), HostSample::default());
        Batch::of(dataset.inputs().len(), crops, |crop, sample| {
            let mut draw = Draw::new(self.seed, Purpose::Augment, (epoch as i64) << 32 | crop.number as i64);
            let view = match purpose {
                Purpose::Train => View::drawn(crop.window, &mut draw),
                _ => View { square: crop.window, upside_down: false },
            };
            let Window { row, col, height, width } = view.square;
            framed.read(&Crop { window: view.square, ..*crop }, &mut raw)?;
            sample.channels.resize_with(raw.channels.len(), Vec::new);
            for (from, to) in raw.channels.iter().zip(&mut sample.channels) {
                match from.len() == height * width {
                    true => *to = view.seen(from, self.crop, is_bytes(from)),
                    false => to.clone_from(from),
                }
            }
            let (twin, frame) = (self.twins.of_scene(&dataset.days()[crop.day].to_string())?, framed.frame(crop.day));
            let (rows, cols) = (frame.places(0, row, height, true), frame.places(1, col, width, true));
            sample.target.clear();
            for band in &twin.bands {
                let of_row = |row: &usize| cols.iter().flatten().map(|col| f32::from(band[row * twin.size[1] + col])).collect::<Vec<f32>>();
                let plane: Vec<f32> = rows.iter().flatten().flat_map(of_row).collect();
                sample.target.extend(view.seen(&plane, self.crop, true).into_iter().map(|byte| byte / 255.0));
            }
            sample.ocean.clear();
            Ok(())
        })
    }
}

impl View {
    /// Draws a square of 0.7 to 1 of a window's sides, anywhere in it.
    fn drawn(window: Window, draw: &mut Draw) -> View {
        let share = LEAST + (1.0 - LEAST) * draw.unit();
        let [height, width] = [window.height, window.width].map(|side| ((share * side as f64) as usize).max(1));
        let (row, col) = (draw.below(window.height - height + 1), draw.below(window.width - width + 1));
        let square = Window { row: window.row + row, col: window.col + col, height, width };
        View { square, upside_down: draw.bits() >> 31 == 1 }
    }

    /// A plane of the square as one of a crop.
    fn seen(&self, plane: &[f32], crop: [usize; 2], bytes: bool) -> Vec<f32> {
        let mut seen = resized(plane, [self.square.height, self.square.width], crop);
        if bytes {
            seen.iter_mut().for_each(|value| *value = value.round_ties_even().clamp(0.0, 255.0));
        }
        match self.upside_down {
            true => seen.chunks_exact(crop[1].max(1)).rev().flatten().copied().collect(),
            false => seen,
        }
    }
}

/// Whether all values are ones of a byte.
fn is_bytes(values: &[f32]) -> bool {
    values.iter().all(|value| value.fract() == 0.0 && (0.0..=255.0).contains(value))
}
