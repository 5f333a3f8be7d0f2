//! Host twin of `segmentation_scores`: how many counted pixels of runs of each image have a true class (rows) and a predicted one
//! (columns), and, last, how many have a number that is no class. Counts are the bits of u32.

use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::classes::class_of;

params!(
    /// Pixels of an image, workgroups of an image, images, classes.
    SegmentationScoresParams for "segmentation_scores" { pixels: u32, parts: u32, images: u32, classes: u32 }
);

/// Pixels of a run, as many as a workgroup of the WGSL takes.
pub(crate) const PIXELS_A_PART: usize = 64 * 64;

pub(super) fn segmentation_scores(job: &Job<SegmentationScoresParams>, [pred, wanted, mask]: Inputs<3>, [tallies]: Outputs<1>) {
    let SegmentationScoresParams { pixels, parts, images, classes } = job.params;
    let (pixels, parts, count) = (pixels as usize, parts as usize, classes as usize);
    let cells = count * count + 1;
    let tallies = tallies[..images as usize * parts * cells].par_chunks_exact_mut(cells).enumerate();
    tallies.with_min_len(items_a_task(PIXELS_A_PART)).for_each(|(part, tally)| {
        let (image, first) = (part / parts, part % parts * PIXELS_A_PART);
        let mut counts = vec![0u32; cells];
        for at in (image * pixels + first)..(image * pixels + pixels.min(first + PIXELS_A_PART)) {
            if mask[at] == 0.0 {
                let cell = class_of(wanted[at], classes).zip(class_of(pred[at], classes));
                counts[cell.map_or(cells - 1, |(row, column)| row * count + column)] += 1;
            }
        }
        tally.iter_mut().zip(counts).for_each(|(cell, count)| *cell = f32::from_bits(count));
    });
}
