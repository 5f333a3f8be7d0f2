//! Crops to train on, changed at random: mirrored, turned, enlarged, their values disturbed, without one of their inputs. Each is off by
//! default.
//!
//! A crop is read from a window about the middle of the one that was drawn for it, 1/s as large, and brought to its size: inputs
//! bilinearly, targets, masks and the ocean by the nearest pixel (`zoom`). Then it is turned and mirrored as a whole, and a part of it may
//! take its place (`cut`); these move values and change none. Mirrored with probability ½ each way and turned by none to three quarters
//! alike, a crop takes each of the eight symmetries equally often, as in GlaViTU's program, which turns three of four.
//!
//! Of the inputs that are rasters some become their mean, which a network sees as 0. The others take, feature by feature, contrast,
//! occlusion and a shift (`feature`), and then white noise and errors of coarse fields (`coarse`); masks and `constant_inputs` keep
//! their values, and so do numbers made from the date.
//!
//! Radar images have changes of their own (`radar`), before all those, and windows of other sizes (`window`), which are drawn anew and
//! brought to a crop's size as enlarged ones are; greys of 8 bits stay whole numbers.
//!
//! All that is done before the preprocessing, in the reading threads, and as large as is asked for behind it: before a blur noise is larger
//! by what the blur will take from it.
//!
//! All draws of a sample are streams of the seed, the epoch and its number in it, so that they depend on nothing else: not on threads,
//! batches or an interruption. Validation sees plain crops.

mod coarse;
mod cut;
mod feature;
mod radar;
mod unknown_region;
mod window;
mod zoom;

pub use unknown_region::UnknownRegion;

use std::sync::Arc;

use crate::config::{Config, CropsOfClasses};
use crate::data::Window;
use crate::data::dataset::HostSample;
use crate::data::framed::Framed;
use crate::data::loader::Batch;
use crate::data::symmetry::Symmetry;
use crate::data::tiles::Crop;
use crate::domains::{Gaps, Source, Variable};
use crate::error::Result;
use crate::preprocess::Unit;
use crate::random::{Draw, Purpose};
use coarse::Coarse;
use cut::Cut;
use feature::Disturbance;
use radar::{Radar, Scale};
use window::Zoom;
use zoom::{Between, resample, window_of};

/// How often GlaViTU's program makes each of its changes.
const HALF: f64 = 0.5;

/// The class through which another window shines.
const OCEAN: &str = "ocean";

/// What crops are changed by.
#[derive(Debug, Clone)]
pub struct Augmentation {
    seed: u64,
    flip: bool,
    turn: bool,
    scale: [f64; 2],
    /// How windows of another size are drawn; none where windows are those of crops.
    zoom: Option<Zoom>,
    radar: Radar,
    /// Whether classes of resized windows lie between those around, and turns are as often as in the published program.
    as_published: bool,
    /// Least share of a crop's sides that takes its place; 1 for none.
    cut: f64,
    disturbance: Disturbance,
    noise: f32,
    /// Errors of coarse fields, where there are any.
    coarse: Option<Coarse>,
    dropout: f64,
    channels: Arc<[Channel]>,
    /// The channels of each feature that may be disturbed.
    features: Arc<[Vec<usize>]>,
}

/// What may happen to a channel.
#[derive(Debug, Clone, Copy)]
struct Channel {
    /// How it is brought to another size; none for a number a sample.
    between: Option<Between>,
    /// Its unit, where its values may be disturbed.
    unit: Option<Unit>,
    /// Whether it may be a radar image.
    is_daily: bool,
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
        let unit = if is_measured { Some(Unit::of(config, input)?) } else { None };
        Ok(Channel { between, unit, is_daily: input.source == Source::Daily })
    }
}

impl Channel {
    /// The unit of what may be a radar image.
    fn radar(&self) -> Option<Unit> {
        self.unit.filter(|_| self.is_daily)
    }
}

/// Where the values of a crop come from.
struct View {
    window: Window,
    size: [usize; 2],
    symmetry: Symmetry,
    cut: Option<Cut>,
}

impl View {
    /// As [`View::see`], of values that are whole numbers, as long as they are: what is brought to another size is rounded.
    fn see_whole(&self, plane: &[f32], out: &mut Vec<f32>) {
        self.see(plane, Between::Bilinear, out);
        out.iter_mut().for_each(|value| *value = value.round_ties_even());
    }

    /// A plane of the window as a plane of the crop.
    fn see(&self, plane: &[f32], between: Between, out: &mut Vec<f32>) {
        out.clear();
        let from = [self.window.height, self.window.width];
        match from == self.size {
            true => self.symmetry.append(plane, self.size, out),
            false => self.symmetry.append(&resample(plane, from, self.size, between), self.size, out),
        }
        if let Some(cut) = &self.cut {
            cut.see(out);
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
        let cut = config.augment_crop;
        let disturbance = Disturbance {
            contrast: config.augment_contrast,
            occlusion: config.augment_occlusion,
            shift: config.augment_shift,
            noise_probability: config.augment_noise_probability,
        };
        let is_disturbed = noise > 0.0 || Disturbance { noise_probability: 1.0, ..disturbance } != Disturbance::NONE;
        let ocean = config.classes.iter().position(|class| class == OCEAN);
        if config.augment_mixup_ocean > 0.0 && ocean.is_none() {
            let message = format!("is {}, and no class is called {OCEAN}; remove the line", config.augment_mixup_ocean);
            return Err(config.key_error("augment_mixup_ocean", message));
        }
        let radar = Radar {
            mixup: ocean.filter(|_| config.augment_mixup_ocean > 0.0).map(|ocean| (ocean as f32, config.augment_mixup_ocean)),
            speckle: config.augment_speckle,
            brightness: (config.augment_brightness, config.augment_brightness_probability),
            gamma: (config.augment_gamma, config.augment_gamma_probability),
        };
        let keeps_place = config.crops_of_classes == CropsOfClasses::Even;
        let (bounds, probability) = (config.augment_zoom, config.augment_zoom_probability);
        let zoom = (bounds != [1.0, 1.0]).then_some(Zoom { bounds, probability, keeps_place });
        let is_moved = flip || turn || scale != [1.0, 1.0] || cut < 1.0 || zoom.is_some();
        if !is_moved && !is_disturbed && dropout == 0.0 && !radar.acts() && config.augment_coarse_noise.is_empty() {
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
        let coarse = coarse(config, inputs, &channels)?;
        let features = features(inputs, &channels);
        let (seed, as_published) = (config.seed, config.reference_windows);
        Ok(Some(Augmentation {
            seed,
            flip,
            turn,
            scale,
            zoom,
            radar,
            as_published,
            cut,
            disturbance,
            noise,
            coarse,
            dropout,
            channels,
            features,
        }))
    }

    /// In words, for crops of this size (rows, columns).
    pub fn describe(&self, [rows, cols]: [usize; 2]) -> String {
        let [low, high] = self.scale;
        let turned = match rows == cols {
            true => "turned by quarters".to_owned(),
            false => format!("turned by halves only (they have {rows} x {cols} pixels, and quarters need squares)"),
        };
        let Disturbance { contrast, occlusion, shift, noise_probability } = self.disturbance;
        let zoomed = |Zoom { bounds: [low, high], probability, .. }| {
            format!("of windows {low} to {high} times as long with probability {probability}")
        };
        let noise = || match noise_probability {
            1.0 => format!("noise of {} standard deviations", self.noise),
            share => format!("noise of {} standard deviations on an input with probability {share}", self.noise),
        };
        let parts = [
            self.flip.then(|| "mirrored".to_owned()),
            self.turn.then_some(turned),
            (self.scale != [1.0, 1.0]).then(|| format!("enlarged by {low} to {high}")),
            self.zoom.map(zoomed),
            (self.cut < 1.0).then(|| format!("half of them cut to {} of a side at least and stretched", self.cut)),
            (contrast != [1.0, 1.0]).then(|| format!("half of the inputs to a power from {} to {}", contrast[0], contrast[1])),
            (occlusion > 0.0).then(|| format!("half of the inputs 0 in a rectangle of up to {occlusion} of a side")),
            (shift > 0.0).then(|| format!("half of the inputs shifted by {shift} standard deviations")),
            (self.noise > 0.0).then(noise),
            self.coarse
                .as_ref()
                .map(|coarse| format!("errors over {} pixels on {} of the inputs", coarse.spacing, coarse.deviations.len())),
            (self.dropout > 0.0).then(|| format!("each input left out with probability {}", self.dropout)),
        ];
        parts.into_iter().flatten().chain(self.radar.describe()).collect::<Vec<_>>().join(", ")
    }

    /// The batch of an epoch's crops, changed; each has the size of its window.
    ///
    /// # Errors
    /// Those of [`Framed::read`].
    pub fn read(&self, framed: &Framed, epoch: usize, crops: &[Crop]) -> Result<Batch> {
        let mut raw = HostSample::default();
        Batch::of(self.channels.len(), crops, |crop, sample| {
            let stream = |purpose| Draw::new(self.seed, purpose, (epoch as i64) << 32 | crop.number as i64);
            let (mut draw, mut more) = (stream(Purpose::Augment), stream(Purpose::Disturb));
            let scene = framed.frame(crop.day).size;
            let mut view = self.view([&mut draw, &mut more], crop.window, scene);
            if let Some(zoom) = self.zoom {
                view.window = zoom.window(&mut stream(Purpose::Zoom), crop.window, scene);
            }
            framed.read(&Crop { window: view.window, ..*crop }, &mut raw)?;
            self.see(&view, &raw, sample);
            match self.as_published {
                true => view.see_whole(&raw.target, &mut sample.target),
                false => view.see(&raw.target, Between::Nearest, &mut sample.target),
            }
            view.see(&raw.ocean, Between::Nearest, &mut sample.ocean);
            self.mix_up(&mut stream(Purpose::MixUp), framed, (crop, &view), sample)?;
            if self.radar.acts() {
                let (mut speckle, mut light) = (stream(Purpose::Speckle), stream(Purpose::Light));
                for (channel, values) in self.channels.iter().zip(&mut sample.channels) {
                    if let Some(unit) = channel.radar() {
                        self.radar.change([&mut speckle, &mut light], unit, values);
                    }
                }
            }
            self.disturb([&mut draw, &mut more], view.size, &mut sample.channels);
            if let Some(coarse) = &self.coarse {
                let mut draw = stream(Purpose::Coarse);
                for (index, deviation) in &coarse.deviations {
                    let Some(unit) = self.channels[*index].unit else { continue };
                    coarse.change(&mut draw, (*deviation, unit), view.size, &mut sample.channels[*index]);
                }
            }
            Ok(())
        })
    }

    /// The inputs of a window as those of the crop.
    fn see(&self, view: &View, raw: &HostSample, sample: &mut HostSample) {
        sample.channels.resize_with(self.channels.len(), Vec::new);
        for (channel, (from, to)) in self.channels.iter().zip(raw.channels.iter().zip(&mut sample.channels)) {
            match channel.between {
                Some(Between::Bilinear) if channel.unit.is_some_and(|unit| unit.is_grey()) => view.see_whole(from, to),
                Some(between) => view.see(from, between, to),
                None => to.clone_from(from),
            }
        }
    }

    /// Another window through the ocean of a crop, where that is drawn: of any scene, drawn as the crop's own, and turned alike.
    fn mix_up(&self, draw: &mut Draw, framed: &Framed, (crop, view): (&Crop, &View), sample: &mut HostSample) -> Result<()> {
        let (Some(weight), Some((ocean, _))) = (self.radar.shines(draw), self.radar.mixup) else { return Ok(()) };
        let day = draw.below(framed.frames().len());
        let size = Window { row: 0, col: 0, ..crop.window };
        let zoom = self.zoom.unwrap_or(Zoom { bounds: [1.0, 1.0], probability: 0.0, keeps_place: false });
        let window = Zoom { keeps_place: false, ..zoom }.window(draw, size, framed.frame(day).size);
        let (mut raw, mut other) = (HostSample::default(), HostSample::default());
        framed.read(&Crop { day, window, ..*crop }, &mut raw)?;
        self.see(&View { window, size: view.size, symmetry: view.symmetry, cut: view.cut.clone() }, &raw, &mut other);
        let is_ocean: Vec<bool> = sample.target.iter().map(|class| *class == ocean).collect();
        for (channel, (values, other)) in self.channels.iter().zip(sample.channels.iter_mut().zip(&other.channels)) {
            if let Some(unit) = channel.radar() {
                Scale::of(unit).mix(values, other, &is_ocean, weight);
            }
        }
        Ok(())
    }

    /// Draws how a crop is seen; as many draws whatever is asked for, so that one change leaves the others what they are without it.
    fn view(&self, [draw, more]: [&mut Draw; 2], crop: Window, scene: [usize; 2]) -> View {
        let flips = [draw.bits(), draw.bits()].map(|bits| self.flip && bits >> 31 == 1);
        let quarters = match self.as_published {
            true => draw.below(6).saturating_sub(2),
            false => draw.below(4),
        } * usize::from(self.turn);
        let [low, high] = self.scale;
        let factor = low + (high - low) * draw.unit();
        let quarters = if crop.height == crop.width { quarters } else { quarters & 2 };
        let symmetry = Symmetry::turned_and_flipped(quarters, flips);
        let size = [crop.height, crop.width];
        View { window: window_of(crop, factor, scene), size, symmetry, cut: Cut::drawn(more, self.cut, size) }
    }

    /// Leaves inputs out, disturbs the features of those that stay, and adds noise to them.
    fn disturb(&self, [draw, more]: [&mut Draw; 2], size: [usize; 2], channels: &mut [Vec<f32>]) {
        let measured: Vec<(usize, Unit)> =
            self.channels.iter().enumerate().filter_map(|(index, channel)| Some((index, channel.unit?))).collect();
        let mut left_out: Vec<bool> = measured.iter().map(|_| draw.unit() < self.dropout).collect();
        let kept = draw.below(measured.len());
        if !left_out.contains(&false)
            && let Some(last) = left_out.get_mut(kept)
        {
            *last = false;
        }
        let features: Vec<_> = self.features.iter().map(|feature| self.disturbance.drawn(more, feature.len(), size)).collect();
        let feature_of = |index: usize| {
            let places = self.features.iter().zip(&features);
            places.filter_map(|(places, drawn)| Some((drawn, places.iter().position(|place| *place == index)?))).next()
        };
        for ((index, unit), left_out) in measured.into_iter().zip(left_out) {
            let values = &mut channels[index];
            if left_out {
                values.fill(unit.zero());
                continue;
            }
            let Some((drawn, number)) = feature_of(index) else { continue };
            drawn.change(number, unit, size[1], values);
            if self.noise > 0.0 && drawn.is_noisy {
                values.iter_mut().for_each(|value| *value = unit.with_noise(*value, self.noise * draw.noise()));
            }
        }
    }
}

/// The errors of coarse fields that are asked for.
fn coarse(config: &Config, inputs: &[&Variable], channels: &[Channel]) -> Result<Option<Coarse>> {
    let key = "augment_coarse_noise";
    let mut deviations = Vec::new();
    for (name, deviation) in &config.augment_coarse_noise {
        let is_named = |(input, channel): &(&&Variable, &Channel)| input.files_of() == name && channel.unit.is_some();
        let of_name: Vec<usize> = inputs.iter().zip(channels).enumerate().filter(|(_, of)| is_named(of)).map(|(index, _)| index).collect();
        if of_name.is_empty() || *deviation <= 0.0 {
            let known: Vec<&str> =
                inputs.iter().zip(channels).filter(|(_, channel)| channel.unit.is_some()).map(|(input, _)| input.files_of()).collect();
            let message = format!(
                "says {name}: {deviation}; give standard deviations above 0 of inputs that are rasters and no masks ({})",
                known.join(", ")
            );
            return Err(config.key_error(key, message));
        }
        deviations.extend(of_name.into_iter().map(|index| (index, *deviation)));
    }
    Ok((!deviations.is_empty()).then_some(Coarse { deviations, spacing: config.augment_coarse_noise_spacing }))
}

/// The channels that may be disturbed, those of one variable's files together.
fn features(inputs: &[&Variable], channels: &[Channel]) -> Arc<[Vec<usize>]> {
    let mut found: Vec<(&str, Vec<usize>)> = Vec::new();
    for (index, (input, _)) in inputs.iter().zip(channels).enumerate().filter(|(_, (_, channel))| channel.unit.is_some()) {
        match found.iter_mut().find(|(name, _)| *name == input.files_of()) {
            Some((_, places)) => places.push(index),
            None => found.push((input.files_of(), vec![index])),
        }
    }
    found.into_iter().map(|(_, places)| places).collect()
}
