//! Rows at the sizes in which the program itself works: the similarity of a full scene, and the widest blur of an input crop.

use crate::bench::case::{Answer, Case, Job, noise, noisy, sampled};
use crate::kernels::gaussian_blur::{gaussian_blur, gaussian_window};
use crate::kernels::masked_ssim::{masked_ssim, ssim_frame};
use crate::tensor::Tensor;

/// Rows and columns of a Helheim scene.
const SCENE: [usize; 2] = [2863, 1633];
/// Both images and the mask repeat after so many pixels either way (a prime, so that no tile of a kernel repeats with them):
/// then the f64 definition needs one period instead of some 10¹⁰ operations.
const PERIOD: usize = 61;
const SIGMA: f64 = 10.0;

/// One period of prediction, target and mask.
fn pattern() -> [Vec<f32>; 3] {
    let fraction = |seed: u64| noise(seed, PERIOD * PERIOD).iter().map(|v| 0.5 * (v + 1.0)).collect();
    [fraction(1), fraction(2), noise(3, PERIOD * PERIOD).iter().map(|&v| if v > 0.6 { 1.0 } else { 0.0 }).collect()]
}

/// Means over a window around every pixel of one period of a field that repeats.
fn blurred(field: &[f64], window: &[f64]) -> Vec<f64> {
    let radius = window.len() / 2;
    // Rows, then columns: each pass also transposes, so that two of them are the whole.
    let pass = |field: &[f64]| -> Vec<f64> {
        let at = |i: usize| {
            let (col, row) = (i / PERIOD, i % PERIOD);
            let place = |tap: usize| row * PERIOD + (col + PERIOD * radius - radius + tap) % PERIOD;
            window.iter().enumerate().map(|(tap, weight)| weight * field[place(tap)]).sum()
        };
        (0..PERIOD * PERIOD).map(at).collect()
    };
    pass(&pass(field))
}

/// Mean similarity of the valid pixels inside the scene's frame, by the definition.
fn similarity([pred, target, mask]: &[Vec<f32>; 3]) -> f64 {
    let frame = ssim_frame(SIGMA);
    let window = gaussian_window(2 * frame + 1, SIGMA);
    let unmasked = |image: &[f32]| image.iter().zip(mask).map(|(v, m)| f64::from(v * (1.0 - m))).collect::<Vec<_>>();
    let (p, t) = (unmasked(pred), unmasked(target));
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).collect::<Vec<_>>();
    let [mp, mt, pp, tt, pt] =
        [p.clone(), t.clone(), product(&p, &p), product(&t, &t), product(&p, &t)].map(|field| blurred(&field, &window));
    let (c1, c2) = (0.01f64.powi(2), 0.03f64.powi(2));
    // How often a row or column of the period lies inside the frame.
    let times = |side: usize, at: usize| (frame..side - frame).filter(|place| place % PERIOD == at).count() as f64;
    let (mut sum, mut valid) = (0.0, 0.0);
    for i in (0..PERIOD * PERIOD).filter(|&i| mask[i] == 0.0) {
        let (a, b) = (mp[i], mt[i]);
        let (va, vb, cov) = ((pp[i] - a * a).max(0.0), (tt[i] - b * b).max(0.0), pt[i] - a * b);
        let weight = times(SCENE[0], i / PERIOD) * times(SCENE[1], i % PERIOD);
        sum += weight * (2.0 * a * b + c1) * (2.0 * cov + c2) / ((a * a + b * b + c1) * (va + vb + c2));
        valid += weight;
    }
    sum / valid
}

fn scene_similarity() -> Case {
    let [rows, cols] = SCENE;
    Case::new(format!("masked_ssim {rows}x{cols} sigma{SIGMA}"), move |gpu| {
        let values = pattern();
        let whole = |period: &Vec<f32>| {
            let pixel = |i: usize| period[i / cols % PERIOD * PERIOD + i % cols % PERIOD];
            Tensor::from_slice(gpu, [1, 1, rows, cols], &(0..rows * cols).map(pixel).collect::<Vec<f32>>())
        };
        let (p, t, m) = (whole(&values[0])?, whole(&values[1])?, whole(&values[2])?);
        let run = move || masked_ssim(&p, &t, &m, SIGMA, [0.0, 1.0]).map(Answer::Host);
        Ok(Job { run: Box::new(run), check: sampled(move |_| similarity(&values), 1e-4) })
    })
}

/// The blur that makes a coarse climate model's field smooth, of one plane.
fn widest_blur(taps: usize, sigma: f64, side: usize) -> Case {
    Case::new(format!("gaussian_blur k{taps} s{sigma} {side}x{side}"), move |gpu| {
        let (x, values) = noisy(gpu, 1, [1, 1, side, side])?;
        let window = gaussian_window(taps, sigma);
        let expected = move |i: usize| {
            // Reflected without repeating the edge.
            let inside = |at: usize, tap: usize| {
                let position = ((at + tap) as isize - (taps / 2) as isize).unsigned_abs();
                position.min((2 * side - 2) - position)
            };
            let line = |row: usize| -> f64 {
                window.iter().enumerate().map(|(tap, weight)| weight * f64::from(values[row * side + inside(i % side, tap)])).sum()
            };
            window.iter().enumerate().map(|(tap, weight)| weight * line(inside(i / side, tap))).sum()
        };
        Ok(Job::new(move || gaussian_blur(&x, taps, sigma), expected, 2e-5))
    })
}

pub(super) fn cases(_large: bool) -> Vec<Case> {
    vec![widest_blur(99, 33.0, 512), scene_similarity()]
}
