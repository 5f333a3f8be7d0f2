//! Classes of pixels. Targets are numbers of classes; networks give a number a class, whose softmax are probabilities.
//!
//! The loss is a sum of cross entropy, focal loss and Dice loss, over the network's map and, with their weights, its auxiliary outputs; a
//! map is the most likely class, with the probabilities and the confidence in a file beside it. Scores follow from a confusion matrix
//! over the pixels that have a class. With `reference_labels` pixels without one are treated as GlaViTU's program treats them (Maslov et
//! al. 2025, doi 10.1038/s41467-024-54956-x). Kernels: `focal_loss`, `cross_entropy`, `dice_loss`, `segmentation_scores`.

mod columns;
mod loss;
mod probabilities;

use super::{Band, Column, Confusion, Scored, Subject, Sure, Tally, Targets, Task, Words};
use crate::autograd::Tape;
use crate::calibrate::Curve;
use crate::config::{Config, TaskKey};
use crate::domains::{ZONES, class_colours, interned};
use crate::error::{Error, Result};
use crate::fronts::drawing::Labels;
use crate::fronts::zones::{GLACIER, OCEAN};
use crate::image::Colormap;
use crate::kernels::segmentation_scores::segmentation_scores;
use crate::models::Outputs;
use crate::tensor::Tensor;
use columns::Columns;
use loss::Loss;
use probabilities::{confidence, most_likely, softmax};
use std::borrow::Cow;

const WORDS: Words = Words {
    title: "Class maps",
    stack: "Maps of classes",
    maps: "Class maps",
    first_score: ["Intersection over union", ""],
    scores: "Means over the scenes, weighted by their pixels with a class, and the standard deviation over the scenes below. IoU: pixels of \
             the class in both map and target over those in either; of two classes it is that of the second, of more the mean. A scene \
             without the class, and a map without it, agree: 1. Pooled: all pixels of all scenes at once.",
    pooled: &[("iou", "pooled IoU"), ("f1", "pooled F1")],
    extent: None,
    sure: &Sure::CLASS,
    of: &Subject::SCENES,
};

/// Titles of the bands that say how sure a map is.
const CERTAINTY: [&str; 2] = ["confidence of the class", "calibrated confidence of the class"];

/// What tasks of classes differ in.
#[derive(Debug)]
pub(in crate::tasks) struct Manner {
    pub(in crate::tasks) key: TaskKey,
    pub(in crate::tasks) words: &'static Words,
    /// Scores of a class that neither a scene's map nor its target has.
    pub(in crate::tasks) absent: f64,
    /// Whether scores of two classes are those of the second.
    pub(in crate::tasks) second_of_two: bool,
}

/// That of a segmentation, where a class that is nowhere was found to be nowhere.
const MANNER: Manner = Manner { key: TaskKey::Segmentation, words: &WORDS, absent: 1.0, second_of_two: true };

/// What names of bands begin with that say how far several maps are apart.
const DEVIATION: &str = "deviation_";

/// A band of shares.
fn share(name: &'static str, title: &'static str) -> Band {
    let (range, colormap) = ((0.0, 1.0), Colormap::Viridis);
    Band { name, long_name: title, unit: "1", quantity: title, range, colormap, classes: &[] }
}

/// The task with what a configuration says of it.
pub struct Segmentation {
    manner: &'static Manner,
    classes: &'static [&'static str],
    ignore_index: f32,
    reference_labels: bool,
    loss: Loss,
    columns: &'static Columns,
    band: [Band; 1],
    beside: Vec<Band>,
    curve: Option<Curve>,
}

impl Segmentation {
    /// With the classes, the loss and its weights.
    pub fn new(config: &Config) -> Segmentation {
        Segmentation::configured(config, &MANNER)
    }

    /// As [`Segmentation::new`], of another task of classes.
    pub(in crate::tasks) fn configured(config: &Config, manner: &'static Manner) -> Segmentation {
        let names: Vec<&str> = config.classes.iter().map(String::as_str).collect();
        let made = Segmentation::of(&names, manner);
        Segmentation { ignore_index: config.ignore_index as f32, reference_labels: config.reference_labels, loss: Loss::of(config), ..made }
    }

    /// Classes of these names, with the settings that are default.
    pub(in crate::tasks) fn of(names: &[&str], manner: &'static Manner) -> Segmentation {
        let columns = Columns::of(names, manner);
        let (colormap, range) = class_colours(names);
        let band = Band { name: "classes", long_name: "class", unit: "", quantity: "class", range, colormap, classes: columns.classes };
        let mut beside: Vec<Band> = columns
            .classes
            .iter()
            .map(|class| share(interned(&format!("probability_{class}")), interned(&format!("probability of {class}"))))
            .collect();
        beside.push(share("confidence", CERTAINTY[0]));
        Segmentation {
            manner,
            classes: columns.classes,
            ignore_index: 255.0,
            reference_labels: false,
            loss: Loss::default(),
            columns,
            band: [band],
            beside,
            curve: None,
        }
    }

    /// The confusion of one or several maps by their sums.
    fn tallied(&self, tally: &Tally) -> Confusion {
        let mut confusion = Confusion::empty(self.classes.len());
        confusion.counts.iter_mut().flatten().zip(&tally.0).for_each(|(count, sum)| *count = *sum as u64);
        confusion
    }

    /// The class that a target's value counts as in scores: pixels without one, which `reference_labels` keeps, are of class 0.
    fn scored_as(&self, value: f32) -> f32 {
        if value < self.classes.len() as f32 { value } else { 0.0 }
    }

    /// The confusion of a map.
    fn confusion_of(&self, map: &Tensor, targets: &Targets) -> Result<Confusion> {
        if map.shape() != targets.values.shape() {
            return Err(Error::shape("segmentation", format!("a map {} where {} is expected", map.shape(), targets.values.shape())));
        }
        let classes = self.classes.len();
        let target = match self.reference_labels {
            false => targets.values.clone(),
            true => {
                let values: Vec<f32> = targets.values.to_vec()?.into_iter().map(|value| self.scored_as(value)).collect();
                Tensor::from_slice(map.gpu(), targets.values.shape().clone(), &values)?
            }
        };
        segmentation_scores(map, &target, &targets.mask, classes)
    }
}

impl Default for Segmentation {
    /// Two classes of which nobody knows the names.
    fn default() -> Self {
        Segmentation::of(&["background", "foreground"], &MANNER)
    }
}

impl Task for Segmentation {
    fn key(&self) -> TaskKey {
        self.manner.key
    }

    fn masked(&self, target: &[f32], ocean: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let nothing = self.classes.len() as f32;
        let pixel = |(&target, &ocean): (&f32, &f32)| {
            let has_class = !target.is_nan() && target != self.ignore_index;
            match (has_class, self.reference_labels) {
                (true, _) => (target, ocean),
                (false, false) => (0.0, 1.0),
                (false, true) => (nothing, 0.0),
            }
        };
        target.iter().zip(ocean).map(pixel).unzip()
    }

    fn refuse(&self, target: &[f32]) -> std::result::Result<(), String> {
        let classes = self.classes.len();
        let is_class =
            |value: &f32| value.is_nan() || *value == self.ignore_index || (value.fract() == 0.0 && (0.0..classes as f32).contains(value));
        match target.iter().find(|value| !is_class(value)) {
            None => Ok(()),
            Some(value) => Err(format!(
                "holds the value {value}, and classes are the whole numbers from 0 to {} ({}); name further classes in `classes`, declare what \
                 stands for \"no class\" as no-data, or set ignore_index to it",
                classes - 1,
                self.classes.join(", ")
            )),
        }
    }

    fn one_hot(&self) -> Option<usize> {
        Some(self.classes.len())
    }

    fn loss(&self, tape: &Tape, outputs: &Outputs, targets: &Targets) -> Result<Tensor> {
        self.loss.of_outputs(tape, outputs, targets, self.reference_labels)
    }

    fn bands(&self) -> &[Band] {
        &self.band
    }

    fn beside(&self) -> &[Band] {
        &self.beside
    }

    fn certainty(&self) -> Option<[&'static str; 2]> {
        Some(CERTAINTY)
    }

    fn right(&self, map: &[f32], target: &[f32]) -> Vec<f32> {
        map.iter().zip(target).map(|(class, target)| f32::from(*class == self.scored_as(*target))).collect()
    }

    fn calibrate(&mut self, curve: &Curve) {
        if self.curve.replace(curve.clone()).is_none() {
            // Behind the confidence itself, and before what is said of several maps.
            self.beside.insert(self.classes.len() + 1, share("calibrated_confidence", CERTAINTY[1]));
        }
    }

    fn spread(&mut self) {
        let is_there = |band: &Band| band.name.starts_with(DEVIATION);
        if !self.beside.iter().any(is_there) {
            let named = |class: &&str| {
                let title = format!("standard deviation of the probability of {class} over several maps");
                share(interned(&format!("{DEVIATION}{class}")), interned(&title))
            };
            self.beside.extend(self.classes.iter().map(named));
        }
    }

    fn classes(&self) -> Option<&'static [&'static str]> {
        Some(self.classes)
    }

    fn fronts(&self) -> Option<Labels> {
        let place = |zone: usize| self.classes.iter().position(|class| *class == ZONES[zone]).map(|class| class as u8);
        let labels = Labels { glacier: place(usize::from(GLACIER))?, ocean: place(usize::from(OCEAN))? };
        (self.manner.key == TaskKey::CalvingFront).then_some(labels)
    }

    fn heads(&self) -> usize {
        self.classes.len()
    }

    fn pictured<'a>(&self, target: &'a [f32]) -> Cow<'a, [f32]> {
        match target.contains(&self.ignore_index) {
            false => target.into(),
            true => target.iter().map(|value| if *value == self.ignore_index { f32::NAN } else { *value }).collect(),
        }
    }

    fn settle(&self, tile: &mut [f32], pixels: usize) {
        softmax(tile, self.classes.len(), pixels);
    }

    /// Probabilities are what GlaViTU's program averages (doi 10.1038/s41467-024-54956-x).
    fn averages_settled(&self) -> bool {
        true
    }

    fn finish(&self, averages: Vec<f32>, pixels: usize) -> Vec<f32> {
        let classes = self.classes.len();
        let of_pixel = |pixel: usize| (0..classes).map(|class| averages[class * pixels + pixel]).collect::<Vec<f32>>();
        let mut map: Vec<f32> = Vec::with_capacity((1 + self.beside.len()) * pixels);
        map.extend((0..pixels).map(|pixel| most_likely(of_pixel(pixel).into_iter()) as f32));
        map.extend_from_slice(&averages);
        let sure: Vec<f32> = (0..pixels).map(|pixel| confidence(of_pixel(pixel).into_iter(), classes)).collect();
        map.extend_from_slice(&sure);
        map.extend(self.curve.iter().flat_map(|curve| sure.iter().map(|sure| curve.at(f64::from(*sure)) as f32)));
        map
    }

    fn columns(&self) -> &'static [Column] {
        self.columns.all
    }

    fn table(&self) -> &'static [&'static str] {
        self.columns.table
    }

    fn headline(&self) -> &'static [&'static str] {
        &["iou", "f1"]
    }

    fn summary(&self) -> &'static [&'static str] {
        &["iou", "precision", "recall"]
    }

    fn watched(&self) -> &'static [&'static str] {
        &["iou", "f1"]
    }

    fn watch(&self, map: &Tensor, targets: &Targets) -> Result<Vec<f64>> {
        let [iou, _, _, f1] = self.columns.foremost(&self.confusion_of(map, targets)?);
        Ok(vec![iou, f1])
    }

    fn score(&self, map: &Tensor, targets: &Targets) -> Result<Scored> {
        let confusion = self.confusion_of(map, targets)?;
        let values = self.columns.values(&confusion);
        let counts = confusion.counts.iter().flatten().map(|count| *count as f64).collect();
        Ok(Scored { valid: confusion.pixels(), values, tally: Tally(counts) })
    }

    fn pooled(&self, tally: &Tally) -> Vec<(&'static str, f64)> {
        self.columns.pooled(&self.tallied(tally))
    }

    fn confusion(&self, tally: &Tally) -> Option<Confusion> {
        Some(self.tallied(tally))
    }

    fn words(&self) -> &'static Words {
        self.manner.words
    }
}
