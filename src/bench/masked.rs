//! What images are blurred, compared and scored with: gaussian_blur, masked_loss, masked_ssim, masked_ssim_loss, masked_metrics.

use std::rc::Rc;

use crate::bench::case::{Answer, Case, Job, noise, noisy, sampled};
use crate::bench::parts::{by_planes, plane, whole, wide};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::gaussian_blur::gaussian_blur;
use crate::kernels::masked_loss::{LossKind, Reduction, masked_loss, masked_loss_grad_pred};
use crate::kernels::masked_metrics::masked_metrics;
use crate::kernels::masked_ssim::masked_ssim;
use crate::kernels::masked_ssim_loss::{masked_ssim_loss, masked_ssim_loss_grad_pred};
use crate::reference::gaussian_blur as definition;
use crate::reference::masked_loss as loss_by_definition;
use crate::reference::masked_metrics::masked_metrics as metrics_by_definition;
use crate::reference::masked_ssim::masked_ssim as ssim_by_definition;
use crate::reference::masked_ssim_loss as ssim_loss_by_definition;
use crate::tensor::Tensor;

const SIGMA: f64 = 10.0;
/// Of a window that is learnt with.
const LOSS_SIGMA: f64 = 1.5;
/// Positive is a value above this.
const THRESHOLD: f64 = 0.1;

/// Prediction and target in 0…1 and a mask of every fifth pixel or so.
struct MadeUpScene {
    tensors: [Tensor; 3],
    values: Rc<[Vec<f64>; 3]>,
}

impl MadeUpScene {
    fn new(gpu: &Gpu, n: usize, side: usize) -> Result<MadeUpScene> {
        let fraction = |seed: u64| noise(seed, n * side * side).iter().map(|v| 0.5 * (v + 1.0)).collect::<Vec<_>>();
        let mask = noise(3, n * side * side).iter().map(|&v| if v > 0.6 { 1.0 } else { 0.0 }).collect();
        let values = [fraction(1), fraction(2), mask];
        let tensor = |k: usize| Tensor::from_slice(gpu, [n, 1, side, side], &values[k]);
        Ok(MadeUpScene { tensors: [tensor(0)?, tensor(1)?, tensor(2)?], values: Rc::new(values.map(|values| wide(&values))) })
    }
}

fn blur(side: usize, kernel_size: usize) -> Case {
    Case::new(format!("gaussian_blur {kernel_size} 4 1x{side}x{side}"), move |gpu| {
        let (x, values) = noisy(gpu, 1, [1, 4, side, side])?;
        let of_plane = move |p| definition::gaussian_blur(&plane(&values, side * side, p), [1, 1, side, side], kernel_size, SIGMA);
        Ok(Job::new(move || gaussian_blur(&x, kernel_size, SIGMA), by_planes(side * side, of_plane), 2e-5))
    })
}

fn loss(n: usize, side: usize) -> [Case; 2] {
    let forward = Case::new(format!("masked_loss l1 {n}x{side}x{side}"), move |gpu| {
        let MadeUpScene { tensors: [p, t, m], values } = MadeUpScene::new(gpu, n, side)?;
        let expected = whole(move || {
            let [p, t, m] = values.as_ref();
            loss_by_definition::masked_loss(p, t, m, n, loss_by_definition::LossKind::L1, loss_by_definition::Reduction::Mean)
        });
        Ok(Job::new(move || masked_loss(&p, &t, &m, LossKind::L1, Reduction::Mean).map(|(loss, _)| loss), expected, 1e-5))
    });
    let gradient = Case::new(format!("masked_loss_grad_pred l1 {n}x{side}x{side}"), move |gpu| {
        let MadeUpScene { tensors: [p, t, m], values } = MadeUpScene::new(gpu, n, side)?;
        let (_, share) = masked_loss(&p, &t, &m, LossKind::L1, Reduction::Mean)?;
        let seed = Tensor::full(gpu, [], 2.0)?;
        let expected = whole(move || {
            let ([p, t, m], kind) = (values.as_ref(), loss_by_definition::LossKind::L1);
            loss_by_definition::masked_loss_grad_pred(&[2.0], p, t, m, n, kind, loss_by_definition::Reduction::Mean)
        });
        let run = move || masked_loss_grad_pred(&seed, &p, &t, &m, &share, LossKind::L1, Reduction::Mean);
        Ok(Job::new(run, expected, 1e-5))
    });
    [forward, gradient]
}

fn similarity_loss(n: usize, side: usize) -> [Case; 2] {
    let (shape, range) = ([n, 1, side, side], [0.0, 1.0]);
    let forward = Case::new(format!("masked_ssim_loss {n}x{side}x{side}"), move |gpu| {
        let MadeUpScene { tensors: [p, t, m], values } = MadeUpScene::new(gpu, n, side)?;
        let expected = whole(move || {
            let [p, t, m] = values.as_ref();
            vec![ssim_loss_by_definition::masked_ssim_loss(p, t, m, shape, LOSS_SIGMA, range)]
        });
        Ok(Job::new(move || masked_ssim_loss(&p, &t, &m, LOSS_SIGMA, range).map(|(loss, _)| loss), expected, 1e-5))
    });
    let gradient = Case::new(format!("masked_ssim_loss_grad_pred {n}x{side}x{side}"), move |gpu| {
        let MadeUpScene { tensors: [p, t, m], values } = MadeUpScene::new(gpu, n, side)?;
        let (_, share) = masked_ssim_loss(&p, &t, &m, LOSS_SIGMA, range)?;
        let seed = Tensor::full(gpu, [], 2.0)?;
        let expected = whole(move || {
            let [p, t, m] = values.as_ref();
            ssim_loss_by_definition::masked_ssim_loss_grad_pred(2.0, p, t, m, shape, LOSS_SIGMA, range)
        });
        Ok(Job::new(move || masked_ssim_loss_grad_pred(&seed, &p, &t, &m, share.as_ref(), LOSS_SIGMA, range), expected, 1e-4))
    });
    [forward, gradient]
}

fn scores(side: usize) -> [Case; 2] {
    let similarity = Case::new(format!("masked_ssim 1x{side}x{side}"), move |gpu| {
        let MadeUpScene { tensors: [p, t, m], values } = MadeUpScene::new(gpu, 1, side)?;
        let run = move || masked_ssim(&p, &t, &m, SIGMA, [0.0, 1.0]).map(Answer::Host);
        let expected = whole(move || {
            let [p, t, m] = values.as_ref();
            ssim_by_definition(p, t, m, [1, 1, side, side], SIGMA, [0.0, 1.0])
        });
        Ok(Job { run: Box::new(run), check: sampled(expected, 1e-4) })
    });
    let sums = Case::new(format!("masked_metrics 1x{side}x{side}"), move |gpu| {
        let MadeUpScene { tensors: [p, t, m], values } = MadeUpScene::new(gpu, 1, side)?;
        // The share of valid pixels, as their number would loosen the tolerance of the others.
        let pixels = (side * side) as f64;
        let run = move || {
            let scores = masked_metrics(&p, &t, &m, THRESHOLD)?[0].scores();
            let valid = scores.valid_px as f64 / pixels;
            Ok(Answer::Host(vec![scores.mae, scores.mse, scores.accuracy, scores.precision, scores.recall, scores.f1, scores.r2, valid]))
        };
        let expected = whole(move || {
            let [p, t, m] = values.as_ref();
            let all = metrics_by_definition(p, t, m, 1, THRESHOLD);
            let scores = [all.mae, all.mse, all.accuracy, all.precision, all.recall, all.f1, all.r2].concat();
            scores.into_iter().chain([all.valid_px[0] / pixels]).collect()
        });
        Ok(Job { run: Box::new(run), check: sampled(expected, 1e-5) })
    });
    [similarity, sums]
}

pub(super) fn cases(large: bool) -> Vec<Case> {
    let side = if large { 1024 } else { 256 };
    [blur(side, 71)].into_iter().chain(loss(8, side / 2)).chain(similarity_loss(8, side / 2)).chain(scores(side)).collect()
}
