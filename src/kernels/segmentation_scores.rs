//! The confusion of class maps with their targets: counts on the device, scores by quotients on the host. Shader:
//! `shaders/segmentation_scores.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::segmentation_scores::{PIXELS_A_PART, SegmentationScoresParams};
use crate::kernels::class_maps::ClassMaps;
use crate::kernels::image_groups::for_images;
use crate::tensor::Tensor;

/// Classes that the kernel has room for.
pub const MOST_CLASSES: usize = 32;

/// How many counted pixels of each class were given which class. Scores of 0 / 0 are 0.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Confusion {
    /// `counts[truth][prediction]`, pixels.
    pub counts: Vec<Vec<u64>>,
}

impl Confusion {
    /// Of nothing.
    pub fn empty(classes: usize) -> Confusion {
        Confusion { counts: vec![vec![0; classes]; classes] }
    }

    /// Adds the pixels of another one of as many classes.
    pub fn merge(&mut self, other: &Confusion) {
        for (row, others) in self.counts.iter_mut().zip(&other.counts) {
            row.iter_mut().zip(others).for_each(|(count, other)| *count += other);
        }
    }

    /// Pixels that count.
    pub fn pixels(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Pixels of a class in both maps, in the target and in the prediction.
    pub fn of(&self, class: usize) -> [u64; 3] {
        [self.counts[class][class], self.counts[class].iter().sum(), self.counts.iter().map(|row| row[class]).sum()]
    }

    fn each(&self, score: impl Fn([u64; 3]) -> f64) -> Vec<f64> {
        (0..self.counts.len()).map(|class| score(self.of(class))).collect()
    }

    /// Of each class: pixels that both maps have over those that either has.
    pub fn iou(&self) -> Vec<f64> {
        self.each(|[both, truth, found]| share(both, truth + found - both))
    }

    /// Of each class: share of its predicted pixels that are right.
    pub fn precision(&self) -> Vec<f64> {
        self.each(|[both, _, found]| share(both, found))
    }

    /// Of each class: share of its true pixels that are found.
    pub fn recall(&self) -> Vec<f64> {
        self.each(|[both, truth, _]| share(both, truth))
    }

    /// Of each class: the harmonic mean of precision and recall.
    pub fn f1(&self) -> Vec<f64> {
        self.each(|[both, truth, found]| share(2 * both, truth + found))
    }

    /// Share of the pixels whose class is right.
    pub fn accuracy(&self) -> f64 {
        share((0..self.counts.len()).map(|class| self.counts[class][class]).sum(), self.pixels())
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole > 0 { part as f64 / whole as f64 } else { 0.0 }
}

/// The confusion of a batch, read back.
///
/// # Shapes
/// `pred`, `target` (numbers of classes from 0) and `mask` (0 = counted): `[n, 1, h, w]`.
///
/// # Errors
/// Shapes that differ or are empty; no class, or more than [`MOST_CLASSES`]; a counted pixel whose number is no class; out of memory.
pub fn segmentation_scores(pred: &Tensor, target: &Tensor, mask: &Tensor, classes: usize) -> Result<Confusion> {
    let op = "segmentation_scores";
    let maps = ClassMaps::of(op, pred)?;
    maps.check_beside(&[("pred", pred), ("target", target), ("mask", mask)])?;
    if !(1..=MOST_CLASSES).contains(&classes) {
        return Err(Error::shape(op, format!("{classes} classes; from 1 to {MOST_CLASSES} are possible")));
    }
    let (parts, cells) = (maps.pixels.div_ceil(PIXELS_A_PART), classes * classes + 1);
    let tallies = Tensor::empty(pred.gpu(), [maps.images, parts, cells])?;
    for_images(op, [pred, target, mask, &tallies], |[pred, target, mask, tallies]| {
        let images = mask.len() / maps.pixels;
        pred.gpu().launch(&Launch {
            plan: Plan::new("segmentation_scores", images * parts),
            params: &SegmentationScoresParams {
                pixels: maps.pixels as u32,
                parts: parts as u32,
                images: images as u32,
                classes: classes as u32,
            },
            buffers: &[pred.buffer(), target.buffer(), mask.buffer(), tallies.buffer()],
            cost: Cost::new(10.0 * mask.len() as f64, 3 * mask.len()),
        })
    })?;
    let (mut confusion, mut unknown) = (Confusion::empty(classes), 0);
    for tally in tallies.to_vec()?.chunks_exact(cells) {
        let mut counts = tally.iter().map(|count| u64::from(count.to_bits()));
        confusion.counts.iter_mut().flatten().zip(&mut counts).for_each(|(all, count)| *all += count);
        unknown += counts.sum::<u64>();
    }
    if unknown > 0 {
        let message = format!("{unknown} counted pixels have a number that is no class; classes are 0 to {}", classes - 1);
        return Err(Error::shape(op, message));
    }
    Ok(confusion)
}
