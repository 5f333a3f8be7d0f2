//! Host twin of `dice_loss`: the mean over the classes of 1 − N / D, N = 2·Σ p·t + smooth, D = Σ p² + Σ t² + smooth, and what its gradient
//! needs, ∂loss/∂p = slopes.x·t + slopes.y·p. Everything is added one after the other in f64.

use super::job::{Inputs, Job, Outputs};
use super::params;

params!(
    /// Partial sums of a class, classes, what both parts of the quotient get more.
    DiceLossParams for "dice_loss" { parts: u32, classes: u32, smooth_by: f32 }
);

pub(super) fn dice_loss(job: &Job<DiceLossParams>, [sums]: Inputs<1>, [loss, slopes]: Outputs<2>) {
    let (parts, classes, smooth) = (job.params.parts as usize, job.params.classes as usize, f64::from(job.params.smooth_by));
    let each = 1.0 / classes as f64;
    let mut total = 0.0;
    for (c, slopes) in slopes.as_chunks_mut::<2>().0.iter_mut().enumerate().take(classes) {
        let of_parts = sums.chunks_exact(3 * classes).take(parts).map(|part| &part[3 * c..]);
        let [both, squares, wanted] = of_parts.fold([0.0; 3], |sums, part| std::array::from_fn(|k| sums[k] + f64::from(part[k])));
        let (above, below) = (2.0 * both + smooth, squares + wanted + smooth);
        total += (1.0 - above / below) * each;
        *slopes = [(-2.0 * each / below) as f32, (2.0 * above / below * each / below) as f32];
    }
    loss[0] = total as f32;
}
