//! Crops to train on, changed at random: mirrored, turned, enlarged, with noise, without one of their inputs. Each is off by default.
//!
//! A crop is read from a window about the middle of the one that was drawn for it, 1/s as large, and brought to its size: inputs
//! bilinearly, targets, masks and the ocean by the nearest pixel (`zoom`). Then it is turned and mirrored as a whole; these two move values
//! and change none. Of the inputs that are rasters some become their mean, which a network sees as 0, and the others get white noise;
//! masks and `constant_inputs` keep their values, and so do numbers made from the date.
//!
//! Noise is added before the preprocessing, in the reading threads, and as large as is asked for behind it: before a blur it is larger by
//! what the blur will take from it.
//!
//! All draws of a sample are one stream of the seed, the epoch and its number in it, so that they depend on nothing else: not on threads,
//! batches or an interruption. Validation sees plain crops.

mod unknown_region;
mod zoom;

pub use unknown_region::UnknownRegion;

use std::sync::Arc;

use crate::config::Config;
use crate::data::Window;
use crate::data::dataset::HostSample;
use crate::data::framed::Framed;
use crate::data::loader::Batch;
use crate::data::symmetry::Symmetry;
use crate::data::tiles::Crop;
use crate::domains::{Gaps, Variable};
use crate::error::Result;
use crate::preprocess::Unit;
use crate::random::{Draw, Purpose};
use zoom::{Between, resample, window_of};

/// What crops are changed by.
#[derive(Debug, Clone)]
pub struct Augmentation {
    seed: u64,
    flip: bool,
    turn: bool,
    scale: [f64; 2],
    noise: f32,
    dropout: f64,
    channels: Arc<[Channel]>,
}

/// What may happen to a channel.
#[derive(Debug, Clone, Copy)]
struct Channel {
    /// How it is brought to another size; none for a number a sample.
    between: Option<Between>,
    /// Its unit, where its values may be disturbed.
    unit: Option<Unit>,
}

impl Channel {
    fn of(config: &Config, input: &Variable) -> Result<Channel> {
        let is_mask = input.gaps == Gaps::Masked || input.gap_of.is_some();
        let between = match (input.is_scalar(), is_mask) {
            (true, _) => None,
            (false, true) => Some(Between::Nearest),
            (false, false) => Some(Between::Bilinear),
        };
        let is_measured = between.is_some() && !is_mask && !config.constant_inputs.contains_key(input.name);
        Ok(Channel { between, unit: if is_measured { Some(Unit::of(config, input)?) } else { None } })
    }
}

/// Where the values of a crop come from.
struct View {
    window: Window,
    size: [usize; 2],
    symmetry: Symmetry,
}

impl View {
    /// A plane of the window as a plane of the crop.
    fn see(&self, plane: &[f32], between: Between, out: &mut Vec<f32>) {
        out.clear();
        let from = [self.window.height, self.window.width];
        match from == self.size {
            true => self.symmetry.append(plane, self.size, out),
            false => self.symmetry.append(&resample(plane, from, self.size, between), self.size, out),
        }
    }
}

impl Augmentation {
    /// What a configuration asks for crops of these inputs; none where it asks for nothing.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`] where inputs are to be left out and there is only one, or a mean or standard deviation is missing.
    pub fn of(config: &Config, inputs: &[&Variable]) -> Result<Option<Augmentation>> {
        let [flip, turn] = [config.augment_flip, config.augment_turn];
        let (scale, noise, dropout) = (config.augment_scale, config.augment_noise as f32, config.augment_channel_dropout);
        if !flip && !turn && scale == [1.0, 1.0] && noise == 0.0 && dropout == 0.0 {
            return Ok(None);
        }
        let channels = inputs.iter().map(|input| Channel::of(config, input)).collect::<Result<Arc<[Channel]>>>()?;
        let measured = channels.iter().filter(|channel| channel.unit.is_some()).count();
        if dropout > 0.0 && measured < 2 {
            let message = format!(
                "is {dropout}, but a crop keeps at least one of its inputs, and of those that may be left out (rasters that are no masks and \
                 not in constant_inputs) there {}; remove the line",
                if measured == 0 { "is none" } else { "is one" }
            );
            return Err(config.key_error("augment_channel_dropout", message));
        }
        Ok(Some(Augmentation { seed: config.seed, flip, turn, scale, noise, dropout, channels }))
    }

    /// In words, for crops of this size (rows, columns).
    pub fn describe(&self, [rows, cols]: [usize; 2]) -> String {
        let [low, high] = self.scale;
        let turned = match rows == cols {
            true => "turned by quarters".to_owned(),
            false => format!("turned by halves only (they have {rows} x {cols} pixels, and quarters need squares)"),
        };
        let parts = [
            self.flip.then(|| "mirrored".to_owned()),
            self.turn.then_some(turned),
            (self.scale != [1.0, 1.0]).then(|| format!("enlarged by {low} to {high}")),
            (self.noise > 0.0).then(|| format!("noise of {} standard deviations", self.noise)),
            (self.dropout > 0.0).then(|| format!("each input left out with probability {}", self.dropout)),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// The batch of an epoch's crops, changed; each has the size of its window.
    ///
    /// # Errors
    /// Those of [`Framed::read`].
    pub fn read(&self, framed: &Framed, epoch: usize, crops: &[Crop]) -> Result<Batch> {
        let mut raw = HostSample::default();
        Batch::of(self.channels.len(), crops, |crop, sample| {
            let mut draw = Draw::new(self.seed, Purpose::Augment, (epoch as i64) << 32 | crop.number as i64);
            let view = self.view(&mut draw, crop.window, framed.frame(crop.day).size);
            framed.read(&Crop { window: view.window, ..*crop }, &mut raw)?;
            sample.channels.resize_with(self.channels.len(), Vec::new);
            for (channel, (from, to)) in self.channels.iter().zip(raw.channels.iter().zip(&mut sample.channels)) {
                match channel.between {
                    Some(between) => view.see(from, between, to),
                    None => to.clone_from(from),
                }
            }
            view.see(&raw.target, Between::Nearest, &mut sample.target);
            view.see(&raw.ocean, Between::Nearest, &mut sample.ocean);
            self.disturb(&mut draw, &mut sample.channels);
            Ok(())
        })
    }

    /// Draws how a crop is seen; as many draws whatever is asked for, so that one change leaves the others what they are without it.
    fn view(&self, draw: &mut Draw, crop: Window, scene: [usize; 2]) -> View {
        let flips = [draw.bits(), draw.bits()].map(|bits| self.flip && bits >> 31 == 1);
        let quarters = draw.below(4) * usize::from(self.turn);
        let [low, high] = self.scale;
        let factor = low + (high - low) * draw.unit();
        let quarters = if crop.height == crop.width { quarters } else { quarters & 2 };
        let symmetry = Symmetry::turned_and_flipped(quarters, flips);
        View { window: window_of(crop, factor, scene), size: [crop.height, crop.width], symmetry }
    }

    /// Leaves inputs out, and adds noise to those that stay.
    fn disturb(&self, draw: &mut Draw, channels: &mut [Vec<f32>]) {
        let measured: Vec<(usize, Unit)> =
            self.channels.iter().enumerate().filter_map(|(index, channel)| Some((index, channel.unit?))).collect();
        let mut left_out: Vec<bool> = measured.iter().map(|_| draw.unit() < self.dropout).collect();
        let kept = draw.below(measured.len());
        if !left_out.contains(&false)
            && let Some(last) = left_out.get_mut(kept)
        {
            *last = false;
        }
        for ((index, unit), left_out) in measured.into_iter().zip(left_out) {
            let values = &mut channels[index];
            match left_out {
                true => values.fill(unit.zero()),
                false if self.noise > 0.0 => {
                    values.iter_mut().for_each(|value| *value = unit.with_noise(*value, self.noise * draw.noise()))
                }
                false => {}
            }
        }
    }
}
