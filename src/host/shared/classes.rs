//! Maps with a plane a class, pixel by pixel: softmax, and numbers of classes that may be anything.

use super::functions::exp;

/// Pixels of a task.
const RUN: usize = 4096;

/// Maps `[images, classes, pixels]` of a launch.
#[derive(Clone, Copy)]
pub(crate) struct Planes<'a> {
    values: &'a [f32],
    classes: usize,
    pixels: usize,
}

impl<'a> Planes<'a> {
    pub(crate) fn new(values: &'a [f32], classes: u32, pixels: u32) -> Self {
        Planes { values, classes: classes as usize, pixels: pixels as usize }
    }

    /// The values of one pixel, class by class.
    pub(crate) fn of(self, image: usize, pixel: usize) -> impl Iterator<Item = f32> + Clone {
        self.values[image * self.classes * self.pixels + pixel..].iter().step_by(self.pixels).take(self.classes).copied()
    }
}

/// The largest logit of a pixel's classes, and Σ exp(logit − largest).
pub(crate) fn class_sum(logits: impl Iterator<Item = f32> + Clone) -> [f32; 2] {
    let largest = logits.clone().fold(f32::NEG_INFINITY, f32::max);
    [largest, logits.map(|logit| exp(logit - largest)).sum()]
}

/// The number of the class that a value names; `None` where it names none (a fraction, NaN, out of range).
pub(crate) fn class_of(value: f32, classes: u32) -> Option<usize> {
    // (A cast saturates, and takes NaN for 0.)
    let number = value as u32;
    (number < classes && number as f32 == value).then_some(number as usize)
}

/// A run of pixels of an image, and a slice a class to write to.
pub(crate) struct Run<'a> {
    pub(crate) image: usize,
    pub(crate) first: usize,
    pub(crate) planes: Vec<&'a mut [f32]>,
}

/// Maps `[images, classes, pixels]` as runs of pixels, which tasks fill one by one.
pub(crate) fn runs(output: &mut [f32], images: u32, classes: u32, pixels: u32) -> Vec<Run<'_>> {
    let (classes, pixels) = (classes as usize, pixels as usize);
    let each = pixels.div_ceil(RUN);
    let mut runs: Vec<Run> = (0..images as usize * each)
        .map(|run| Run { image: run / each, first: run % each * RUN, planes: Vec::with_capacity(classes) })
        .collect();
    for (plane, values) in output.chunks_exact_mut(pixels).take(images as usize * classes).enumerate() {
        let of_image = &mut runs[plane / classes * each..][..each];
        of_image.iter_mut().zip(values.chunks_mut(RUN)).for_each(|(run, part)| run.planes.push(part));
    }
    runs
}
