//! What maps of classes are trained and scored with: cross_entropy, dice_loss, focal_loss, segmentation_scores, confidence.

use std::rc::Rc;

use crate::bench::case::{Answer, Case, Job, noise, sampled};
use crate::bench::parts::{whole, wide};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::confidence::confidence;
use crate::kernels::cross_entropy::{CrossEntropyAttrs, cross_entropy, cross_entropy_grad_logits};
use crate::kernels::dice_loss::{dice_loss, dice_loss_grad_logits};
use crate::kernels::focal_loss::{FocalLossAttrs, focal_loss, focal_loss_grad_probabilities};
use crate::kernels::segmentation_scores::segmentation_scores;
use crate::reference::confidence::confidence as confidence_by_definition;
use crate::reference::cross_entropy as entropy_by_definition;
use crate::reference::dice_loss as dice_by_definition;
use crate::reference::focal_loss as focal_by_definition;
use crate::reference::segmentation_scores::segmentation_scores as scores_by_definition;
use crate::tensor::Tensor;

const CLASSES: usize = 4;
const SMOOTHING: f64 = 0.1;
const GAMMA: f64 = 2.0;
const SMOOTH: f64 = 1.0;
/// The gradient of each loss.
const SEED: f32 = 2.0;

const ENTROPY: CrossEntropyAttrs = CrossEntropyAttrs { label_smoothing: SMOOTHING, class_weights: None };
const FOCAL: FocalLossAttrs = FocalLossAttrs { gamma: GAMMA, label_smoothing: SMOOTHING, class_weights: None };

fn entropy_attrs() -> entropy_by_definition::CrossEntropyAttrs {
    entropy_by_definition::CrossEntropyAttrs { label_smoothing: SMOOTHING, class_weights: None }
}

fn focal_attrs() -> focal_by_definition::FocalLossAttrs {
    focal_by_definition::FocalLossAttrs { gamma: GAMMA, label_smoothing: SMOOTHING, class_weights: None }
}

/// A batch of square maps.
#[derive(Clone, Copy)]
struct Size {
    n: usize,
    side: usize,
}

impl Size {
    fn shape(self, planes: usize) -> [usize; 4] {
        [self.n, planes, self.side, self.side]
    }

    fn pixels(self) -> usize {
        self.n * self.side * self.side
    }

    /// A case about these maps, whose name begins with `stem`.
    fn case(self, stem: &str, prepare: impl FnOnce(&Gpu, MadeUpClasses) -> Result<Job> + 'static) -> Case {
        let Size { n, side } = self;
        Case::new(format!("{stem} {CLASSES} {n}x{side}x{side}"), move |gpu| prepare(gpu, MadeUpClasses::new(gpu, self)?))
    }
}

/// What a network says and what is true.
struct MadeUpClasses {
    shape: [usize; 4],
    /// Values in 0…1, a plane a class: logits, or probabilities that do not add up to 1.
    maps: Tensor,
    target: Tensor,
    /// Every fifth pixel or so.
    mask: Tensor,
    values: Rc<[Vec<f64>; 3]>,
}

impl MadeUpClasses {
    fn new(gpu: &Gpu, size: Size) -> Result<MadeUpClasses> {
        let fraction = |seed, count| noise(seed, count).into_iter().map(|v| 0.5 + 0.48 * v);
        let maps: Vec<f32> = fraction(1, CLASSES * size.pixels()).collect();
        let target = numbers(2, size);
        let mask: Vec<f32> = fraction(3, size.pixels()).map(|v| if v > 0.8 { 1.0 } else { 0.0 }).collect();
        Ok(MadeUpClasses {
            shape: size.shape(CLASSES),
            maps: Tensor::from_slice(gpu, size.shape(CLASSES), &maps)?,
            target: Tensor::from_slice(gpu, size.shape(1), &target)?,
            mask: Tensor::from_slice(gpu, size.shape(1), &mask)?,
            values: Rc::new([wide(&maps), wide(&target), wide(&mask)]),
        })
    }
}

/// A class of each pixel.
fn numbers(seed: u64, size: Size) -> Vec<f32> {
    noise(seed, size.pixels()).into_iter().map(|v| ((0.5 + 0.49 * v) * CLASSES as f32).floor()).collect()
}

fn entropy(size: Size) -> [Case; 2] {
    let forward = size.case("cross_entropy", |_, MadeUpClasses { shape, maps, target, mask, values }| {
        let expected = whole(move || {
            let [x, t, m] = values.as_ref();
            vec![entropy_by_definition::cross_entropy(x, t, m, shape, &entropy_attrs())]
        });
        Ok(Job::new(move || cross_entropy(&maps, &target, &mask, &ENTROPY).map(|(loss, _)| loss), expected, 1e-5))
    });
    let gradient = size.case("cross_entropy_grad_logits", |gpu, MadeUpClasses { shape, maps, target, mask, values }| {
        let (_, share) = cross_entropy(&maps, &target, &mask, &ENTROPY)?;
        let seed = Tensor::full(gpu, [], SEED)?;
        let expected = whole(move || {
            let [x, t, m] = values.as_ref();
            entropy_by_definition::cross_entropy_grad_logits(SEED.into(), x, t, m, shape, &entropy_attrs())
        });
        Ok(Job::new(move || cross_entropy_grad_logits(&seed, &maps, &target, &mask, &share, &ENTROPY), expected, 1e-5))
    });
    [forward, gradient]
}

fn dice(size: Size) -> [Case; 2] {
    let forward = size.case("dice_loss", |_, MadeUpClasses { shape, maps, target, mask, values }| {
        let expected = whole(move || {
            let [x, t, m] = values.as_ref();
            vec![dice_by_definition::dice_loss(x, t, m, shape, SMOOTH)]
        });
        Ok(Job::new(move || dice_loss(&maps, &target, &mask, SMOOTH).map(|(loss, _)| loss), expected, 1e-5))
    });
    let gradient = size.case("dice_loss_grad_logits", |gpu, MadeUpClasses { shape, maps, target, mask, values }| {
        let (_, slopes) = dice_loss(&maps, &target, &mask, SMOOTH)?;
        let seed = Tensor::full(gpu, [], SEED)?;
        let expected = whole(move || {
            let [x, t, m] = values.as_ref();
            dice_by_definition::dice_loss_grad_logits(SEED.into(), x, t, m, shape, SMOOTH)
        });
        Ok(Job::new(move || dice_loss_grad_logits(&seed, &maps, &target, &mask, &slopes), expected, 1e-5))
    });
    [forward, gradient]
}

/// Targets are the maps themselves: shares of classes.
fn focal(size: Size) -> [Case; 2] {
    let forward = size.case("focal_loss", |_, MadeUpClasses { shape, maps, mask, values, .. }| {
        let expected = whole(move || {
            let [p, _, m] = values.as_ref();
            vec![focal_by_definition::focal_loss(p, p, Some(m), shape, &focal_attrs())]
        });
        Ok(Job::new(move || focal_loss(&maps, &maps, Some(&mask), &FOCAL).map(|(loss, _)| loss), expected, 1e-5))
    });
    let gradient = size.case("focal_loss_grad_probabilities", |gpu, MadeUpClasses { shape, maps, mask, values, .. }| {
        let (_, share) = focal_loss(&maps, &maps, Some(&mask), &FOCAL)?;
        let seed = Tensor::full(gpu, [], SEED)?;
        let expected = whole(move || {
            let [p, _, m] = values.as_ref();
            focal_by_definition::focal_loss_grad_probabilities(SEED.into(), p, p, Some(m), shape, &focal_attrs())
        });
        let run = move || focal_loss_grad_probabilities(&seed, &maps, &maps, Some(&mask), &share, &FOCAL);
        Ok(Job::new(run, expected, 1e-5))
    });
    [forward, gradient]
}

fn scores(size: Size) -> [Case; 2] {
    let confusion = size.case("segmentation_scores", move |gpu, MadeUpClasses { target, mask, values, .. }| {
        let found = numbers(4, size);
        let pred = Tensor::from_slice(gpu, size.shape(1), &found)?;
        let run = move || {
            let confusion = segmentation_scores(&pred, &target, &mask, CLASSES)?;
            Ok(Answer::Host(confusion.counts.iter().flatten().map(|&count| count as f64).collect()))
        };
        let expected = whole(move || {
            let [_, t, m] = values.as_ref();
            scores_by_definition(&wide(&found), t, m, CLASSES).confusion
        });
        Ok(Job { run: Box::new(run), check: sampled(expected, 0.0) })
    });
    let sure = size.case("confidence", |_, MadeUpClasses { shape, maps, values, .. }| {
        let expected = whole(move || confidence_by_definition(&values[0], shape));
        Ok(Job::new(move || confidence(&maps), expected, 1e-5))
    });
    [confusion, sure]
}

pub(super) fn cases(large: bool) -> Vec<Case> {
    let side = if large { 512 } else { 128 };
    let (batch, scene) = (Size { n: 8, side }, Size { n: 1, side: 2 * side });
    [entropy(batch), dice(batch), focal(batch), scores(scene)].into_iter().flatten().collect()
}
