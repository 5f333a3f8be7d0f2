//! What images are blurred, compared and scored with: gaussian_blur, masked_loss, masked_ssim, masked_metrics.

use std::rc::Rc;

use crate::bench::case::{Answer, Case, Job, noise, noisy, sampled};
use crate::config::LossKind;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::gaussian_blur::{gaussian_blur, gaussian_window};
use crate::kernels::masked_loss::{Reduction, masked_loss, masked_loss_grad_pred};
use crate::kernels::masked_metrics::masked_metrics;
use crate::kernels::masked_ssim::{masked_ssim, ssim_frame};
use crate::tensor::Tensor;

const SIGMA: f64 = 10.0;

/// Prediction and target in 0…1 and a mask of every fifth pixel or so.
struct Scene {
    tensors: [Tensor; 3],
    values: Rc<[Vec<f32>; 3]>,
}

impl Scene {
    fn new(gpu: &Gpu, n: usize, side: usize) -> Result<Scene> {
        let fraction = |seed: u64| noise(seed, n * side * side).iter().map(|v| 0.5 * (v + 1.0)).collect::<Vec<_>>();
        let mask = noise(3, n * side * side).iter().map(|&v| if v > 0.6 { 1.0 } else { 0.0 }).collect();
        let values = [fraction(1), fraction(2), mask];
        let tensor = |k: usize| Tensor::from_slice(gpu, [n, 1, side, side], &values[k]);
        Ok(Scene { tensors: [tensor(0)?, tensor(1)?, tensor(2)?], values: Rc::new(values) })
    }
}

/// Σ f(pred, target) over valid pixels of the range, and their number.
fn over_valid(values: &[Vec<f32>; 3], pixels: std::ops::Range<usize>, f: impl Fn(f64, f64) -> f64) -> (f64, f64) {
    let valid = pixels.filter(|&i| values[2][i] == 0.0);
    valid.fold((0.0, 0.0), |(sum, count), i| (sum + f(f64::from(values[0][i]), f64::from(values[1][i])), count + 1.0))
}

fn blur(side: usize, kernel_size: usize) -> Case {
    Case::new(format!("gaussian_blur {kernel_size} 4 1x{side}x{side}"), move |gpu| {
        let (x, values) = noisy(gpu, 1, [1, 4, side, side])?;
        let window = gaussian_window(kernel_size, SIGMA);
        let expected = move |i: usize| {
            // Reflected without repeating the edge.
            let inside = |at: usize, tap: usize| {
                let position = (at + tap) as isize - (kernel_size / 2) as isize;
                let last = side as isize - 1;
                (last - (last - position.abs()).abs()) as usize
            };
            let (col, row, plane) = (i % side, i / side % side, i / (side * side));
            let line = |r: usize| -> f64 {
                let at = |tap: usize| f64::from(values[(plane * side + r) * side + inside(col, tap)]);
                window.iter().enumerate().map(|(tap, weight)| weight * at(tap)).sum()
            };
            window.iter().enumerate().map(|(tap, weight)| weight * line(inside(row, tap))).sum()
        };
        Ok(Job::new(move || gaussian_blur(&x, kernel_size, SIGMA), expected, 2e-5))
    })
}

fn loss(n: usize, side: usize) -> [Case; 2] {
    let plane = side * side;
    let image_loss = move |values: &[Vec<f32>; 3], image: usize| {
        let (sum, count) = over_valid(values, image * plane..(image + 1) * plane, |p, t| (p - t).abs());
        (sum / count, count)
    };
    let forward = Case::new(format!("masked_loss l1 {n}x{side}x{side}"), move |gpu| {
        let Scene { tensors: [p, t, m], values } = Scene::new(gpu, n, side)?;
        let expected = move |_: usize| (0..n).map(|image| image_loss(&values, image).0).sum::<f64>() / n as f64;
        Ok(Job::new(move || masked_loss(&p, &t, &m, LossKind::L1, Reduction::Mean).map(|(loss, _)| loss), expected, 1e-5))
    });
    let gradient = Case::new(format!("masked_loss_grad_pred l1 {n}x{side}x{side}"), move |gpu| {
        let Scene { tensors: [p, t, m], values } = Scene::new(gpu, n, side)?;
        let (_, share) = masked_loss(&p, &t, &m, LossKind::L1, Reduction::Mean)?;
        let seed = Tensor::full(gpu, [], 2.0)?;
        let expected = move |i: usize| {
            let slope = f64::from((values[0][i] - values[1][i]).signum()) * f64::from(1.0 - values[2][i]);
            2.0 * slope / (image_loss(&values, i / plane).1 * n as f64)
        };
        let run = move || masked_loss_grad_pred(&seed, &p, &t, &m, &share, LossKind::L1, Reduction::Mean);
        Ok(Job::new(run, expected, 1e-5))
    });
    [forward, gradient]
}

/// Mean SSIM of one image over valid pixels inside the frame, by the definition.
fn ssim(values: &[Vec<f32>; 3], side: usize) -> f64 {
    let frame = ssim_frame(SIGMA);
    let window = gaussian_window(2 * frame + 1, SIGMA);
    let unmasked = |k: usize| (0..side * side).map(|i| f64::from(values[k][i] * (1.0 - values[2][i]))).collect::<Vec<_>>();
    let (p, t) = (unmasked(0), unmasked(1));
    let inner = side - 2 * frame;
    // Rows first, then columns: the window is a product.
    let blurred = |f: &dyn Fn(usize) -> f64| {
        let sum = |f: &dyn Fn(usize) -> f64| window.iter().enumerate().map(|(tap, weight)| weight * f(tap)).sum::<f64>();
        let rows: Vec<f64> = (0..side * inner).map(|i| sum(&|tap| f(i / inner * side + i % inner + tap))).collect();
        (0..inner * inner).map(|i| sum(&|tap| rows[(i / inner + tap) * inner + i % inner])).collect::<Vec<_>>()
    };
    let [mp, mt, pp, tt, pt] =
        [blurred(&|i| p[i]), blurred(&|i| t[i]), blurred(&|i| p[i] * p[i]), blurred(&|i| t[i] * t[i]), blurred(&|i| p[i] * t[i])];
    let (c1, c2) = (0.01f64.powi(2), 0.03f64.powi(2));
    let at = |i: usize| {
        let (a, b) = (mp[i], mt[i]);
        let (va, vb, cov) = ((pp[i] - a * a).max(0.0), (tt[i] - b * b).max(0.0), pt[i] - a * b);
        (2.0 * a * b + c1) * (2.0 * cov + c2) / ((a * a + b * b + c1) * (va + vb + c2))
    };
    let valid: Vec<usize> = (0..inner * inner).filter(|i| values[2][(i / inner + frame) * side + i % inner + frame] == 0.0).collect();
    valid.iter().map(|&i| at(i)).sum::<f64>() / valid.len() as f64
}

fn scores(side: usize) -> [Case; 2] {
    let similarity = Case::new(format!("masked_ssim 1x{side}x{side}"), move |gpu| {
        let Scene { tensors: [p, t, m], values } = Scene::new(gpu, 1, side)?;
        let run = move || masked_ssim(&p, &t, &m, SIGMA, [0.0, 1.0]).map(Answer::Host);
        Ok(Job { run: Box::new(run), check: sampled(move |_| ssim(&values, side), 1e-4) })
    });
    let sums = Case::new(format!("masked_metrics 1x{side}x{side}"), move |gpu| {
        let Scene { tensors: [p, t, m], values } = Scene::new(gpu, 1, side)?;
        let run = move || {
            let scenes = masked_metrics(&p, &t, &m, 0.1)?;
            Ok(Answer::Host(scenes.iter().flat_map(|s| [s.abs_sum, s.sq_sum, s.hits as f64, s.valid as f64]).collect()))
        };
        let expected = move |i: usize| {
            let melt = |v: f64| v as f32 > 0.1;
            let sum = |f: &dyn Fn(f64, f64) -> f64| over_valid(&values, 0..side * side, f);
            match i {
                0 => sum(&|p, t| (p - t).abs()).0,
                1 => sum(&|p, t| (p - t).powi(2)).0,
                2 => sum(&|p, t| f64::from(u8::from(melt(p) && melt(t)))).0,
                _ => sum(&|_, _| 0.0).1,
            }
        };
        Ok(Job { run: Box::new(run), check: sampled(expected, 1e-5) })
    });
    [similarity, sums]
}

pub(super) fn cases(large: bool) -> Vec<Case> {
    let side = if large { 1024 } else { 256 };
    [blur(side, 71)].into_iter().chain(loss(8, side / 2)).chain(scores(side)).collect()
}
