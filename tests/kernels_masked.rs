//! Masked loss, SSIM, map scores and the Gaussian blur against their naive f64 references.

use meltcore::autograd::Tape;
use meltcore::config::LossKind;
use meltcore::error::Error;
use meltcore::gpu::Gpu;
use meltcore::kernels::gaussian_blur::{gaussian_blur, gaussian_blur_normalised};
use meltcore::kernels::masked_metrics::{SceneSums, masked_metrics};
use meltcore::kernels::masked_ssim::masked_ssim;
use meltcore::ops::{self, Reduction};
use meltcore::reference;
use meltcore::tensor::Tensor;

/// 1×1, odd, 41 and 47 wide, one channel and several, several images, longer than one workgroup's share.
const SHAPES: [[usize; 4]; 7] =
    [[1, 1, 1, 1], [2, 1, 5, 4], [2, 3, 7, 5], [1, 1, 41, 47], [3, 1, 64, 64], [1, 2, 130, 47], [2, 1, 90, 101]];
/// Past 65 535 workgroups of one element an invocation.
const SCENE: [usize; 4] = [1, 1, 2863, 1633];

/// Uniform values in 0..1, the same on every machine.
fn noise(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    (0..len).map(|_| next()).collect()
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

fn close(name: &str, got: &[f32], want: &[f64], rtol: f64) {
    assert_eq!(got.len(), want.len(), "{name}");
    let scale = want.iter().fold(1e-6, |m: f64, v| m.max(v.abs()));
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!((f64::from(*g) - w).abs() <= rtol * scale, "{name}[{i}]: {g} instead of {w}, of at most {scale}");
    }
}

struct Maps {
    pred: Vec<f32>,
    target: Vec<f32>,
    mask: Vec<f32>,
}

/// Two maps and a mask that hides 40 %, and all of the second image.
fn maps(shape: [usize; 4], seed: u64) -> Maps {
    let len = shape.iter().product();
    let image = len / shape[0];
    let hidden = noise(len, seed + 2).iter().enumerate().map(|(i, &u)| f32::from(u8::from(u < 0.4 || i / image == 1))).collect();
    Maps { pred: noise(len, seed), target: noise(len, seed + 1), mask: hidden }
}

#[test]
fn masked_loss_and_its_gradient_in_the_middle_of_a_graph() {
    let gpu = Gpu::open(None).unwrap();
    let kinds = [(LossKind::L1, reference::masked_loss::LossKind::L1), (LossKind::Mse, reference::masked_loss::LossKind::Mse)];
    let reductions = [
        (Reduction::None, reference::masked_loss::Reduction::None),
        (Reduction::Mean, reference::masked_loss::Reduction::Mean),
        (Reduction::Sum, reference::masked_loss::Reduction::Sum),
    ];
    for shape in SHAPES.into_iter().chain([SCENE]) {
        let Maps { pred, target, mask } = maps(shape, 7);
        for (kind, naive_kind) in kinds {
            for (reduction, naive_reduction) in reductions {
                let half = Tensor::from_slice(&gpu, shape, &pred.iter().map(|p| p / 2.0).collect::<Vec<_>>()).unwrap();
                let (t, m) = (Tensor::from_slice(&gpu, shape, &target).unwrap(), Tensor::from_slice(&gpu, shape, &mask).unwrap());
                let tape = Tape::recording();
                tape.watch(&half);
                let whole = ops::add(&tape, &half, &half).unwrap();
                let loss = ops::masked_loss(&tape, &whole, &t, &m, kind, reduction).unwrap();
                let (p, d, hidden) = (doubles(&pred), doubles(&target), doubles(&mask));
                let want = reference::masked_loss::masked_loss(&p, &d, &hidden, shape[0], naive_kind, naive_reduction);
                close("loss", &loss.to_vec().unwrap(), &want, 1e-6);

                let seed = noise(loss.len(), 5);
                let gradients = tape.backward(&[(&loss, Tensor::from_slice(&gpu, loss.shape(), &seed).unwrap())]).unwrap();
                let twice: Vec<f64> = doubles(&seed).iter().map(|s| 2.0 * s).collect();
                let want = reference::masked_loss::masked_loss_grad_pred(&twice, &p, &d, &hidden, shape[0], naive_kind, naive_reduction);
                close("grad_pred", &gradients.get(&half).unwrap().to_vec().unwrap(), &want, 1e-6);
            }
        }
    }
}

#[test]
fn masked_loss_keeps_nan_visible_and_refuses_other_shapes() {
    let gpu = Gpu::open(None).unwrap();
    let pred = Tensor::from_slice(&gpu, [1, 1, 1, 4], &[f32::NAN, 0.0, 1.0, 2.0]).unwrap();
    let (target, mask) = (Tensor::full(&gpu, [1, 1, 1, 4], 0.0).unwrap(), Tensor::from_slice(&gpu, [1, 1, 1, 4], &[1.0, 0.0, 0.0, 0.0]));
    let loss = ops::masked_loss(&Tape::off(), &pred, &target, &mask.unwrap(), LossKind::L1, Reduction::Mean).unwrap();
    assert!(loss.to_vec().unwrap()[0].is_nan());
    let short = Tensor::full(&gpu, [1, 1, 1, 3], 0.0).unwrap();
    let refused = ops::masked_loss(&Tape::off(), &pred, &target, &short, LossKind::L1, Reduction::Mean);
    assert!(matches!(refused, Err(Error::Shape { .. })));
}

#[test]
fn gaussian_blur_agrees_with_the_reference() {
    let gpu = Gpu::open(None).unwrap();
    let cases = [(1, 1.0), (3, 0.7), (5, 1.3), (13, 3.0), (45, 15.0), (81, 20.0)];
    for shape in SHAPES {
        let input = noise(shape.iter().product(), 11);
        let tensor = Tensor::from_slice(&gpu, shape, &input).unwrap();
        for (size, sigma) in cases {
            let blurred = gaussian_blur(&tensor, size, sigma);
            if size / 2 >= shape[2].min(shape[3]) {
                assert!(matches!(blurred, Err(Error::Shape { .. })), "{shape:?}, kernel {size}");
                continue;
            }
            let want = reference::gaussian_blur::gaussian_blur(&doubles(&input), shape, size, sigma);
            close("gaussian_blur", &blurred.unwrap().to_vec().unwrap(), &want, 2e-6);
            let normalised: Vec<f64> = doubles(&input).iter().map(|v| (v - 0.25) * 3.0).collect();
            let want = reference::gaussian_blur::gaussian_blur(&normalised, shape, size, sigma);
            let got = gaussian_blur_normalised(&tensor, size, sigma, 0.25, 3.0).unwrap();
            close("gaussian_blur_normalised", &got.to_vec().unwrap(), &want, 2e-6);
        }
    }
    let tensor = Tensor::full(&gpu, [1, 1, 8, 8], 1.0).unwrap();
    for (size, sigma) in [(4, 1.0), (0, 1.0), (3, 0.0), (3, f64::NAN)] {
        assert!(matches!(gaussian_blur(&tensor, size, sigma), Err(Error::Shape { .. })), "kernel {size}, sigma {sigma}");
    }
}

#[test]
fn masked_ssim_agrees_with_the_reference() {
    let gpu = Gpu::open(None).unwrap();
    for (shape, sigma, range) in [
        ([2, 1, 41, 47], 1.5, [0.0, 1.0]),
        ([1, 1, 71, 90], 10.0, [0.0, 1.0]),
        ([3, 2, 33, 29], 2.0, [-1.0, 3.0]),
        ([1, 1, 70, 90], 10.0, [0.0, 1.0]),
        ([1, 1, 200, 161], 3.0, [0.0, 1.0]),
        // More than one tile each way, of several planes.
        ([2, 2, 531, 1049], 1.0, [0.0, 1.0]),
    ] {
        let Maps { mut pred, target, mask } = maps(shape, 23);
        // Outside of the range, and a smooth part that SSIM likes.
        for (i, (p, t)) in pred.iter_mut().zip(&target).enumerate() {
            *p = if i % 3 == 0 { *p * 6.0 - 2.5 } else { *t * 0.9 + *p * 0.1 };
        }
        let tensors = [&pred, &target, &mask].map(|v| Tensor::from_slice(&gpu, shape, v).unwrap());
        let got = masked_ssim(&tensors[0], &tensors[1], &tensors[2], sigma, range).unwrap();
        let want = reference::masked_ssim::masked_ssim(&doubles(&pred), &doubles(&target), &doubles(&mask), shape, sigma, range);
        let got: Vec<f32> = got.iter().map(|&s| s as f32).collect();
        close("masked_ssim", &got, &want, 1e-5);
    }
}

/// Beside the three images of a full scene there are the moments of one tile only: 20 MiB, where whole images would take 180.
#[test]
fn masked_ssim_needs_little_memory() {
    let gpu = Gpu::open(None).unwrap();
    let Maps { pred, target, mask } = maps(SCENE, 5);
    let tensors = [&pred, &target, &mask].map(|v| Tensor::from_slice(&gpu, SCENE, v).unwrap());
    let images = gpu.memory().live;
    let ssim = masked_ssim(&tensors[0], &tensors[1], &tensors[2], 10.0, [0.0, 1.0]).unwrap();
    let peak = gpu.memory().peak - images;
    assert!(peak < 22 << 20, "{peak} bytes");
    assert!(ssim.len() == 1 && (-1.0..1.0).contains(&ssim[0]));
}

#[test]
fn masked_metrics_agrees_with_the_reference() {
    let gpu = Gpu::open(None).unwrap();
    for shape in SHAPES.into_iter().chain([SCENE]) {
        // An offset far above the spread: R² must not cancel.
        for offset in [0.0, 500.0] {
            let Maps { pred, target, mask } = maps(shape, 31);
            let (pred, target) =
                (pred.iter().map(|p| p + offset).collect::<Vec<_>>(), target.iter().map(|t| t + offset).collect::<Vec<_>>());
            let tensors = [&pred, &target, &mask].map(|v| Tensor::from_slice(&gpu, shape, v).unwrap());
            let sums = masked_metrics(&tensors[0], &tensors[1], &tensors[2], 0.1 + f64::from(offset)).unwrap();
            let threshold = 0.1 + f64::from(offset);
            let want = reference::masked_metrics::masked_metrics(&doubles(&pred), &doubles(&target), &doubles(&mask), shape[0], threshold);
            let scores: Vec<_> = sums.iter().map(SceneSums::scores).collect();
            let pick =
                |score: fn(&meltcore::kernels::masked_metrics::Scores) -> f64| scores.iter().map(|s| score(s) as f32).collect::<Vec<_>>();
            close("mae", &pick(|s| s.mae), &want.mae, 1e-5);
            close("mse", &pick(|s| s.mse), &want.mse, 1e-5);
            close("r2", &pick(|s| s.r2), &want.r2, 1e-5);
            close("accuracy", &pick(|s| s.accuracy), &want.accuracy, 1e-7);
            close("precision", &pick(|s| s.precision), &want.precision, 1e-7);
            close("recall", &pick(|s| s.recall), &want.recall, 1e-7);
            close("f1", &pick(|s| s.f1), &want.f1, 1e-7);
            assert_eq!(pick(|s| s.valid_px as f64), want.valid_px.iter().map(|&v| v as f32).collect::<Vec<_>>());
        }
    }
}

#[test]
fn nan_predictions_count_as_zero_and_are_reported() {
    let gpu = Gpu::open(None).unwrap();
    let tensor = |values: &[f32]| Tensor::from_slice(&gpu, [1, 1, 1, 5], values).unwrap();
    let (target, mask) = (tensor(&[0.5, 0.0, 0.3, 0.1, f32::NAN]), tensor(&[0.0, 0.0, 0.0, 0.0, 1.0]));
    let sums = masked_metrics(&tensor(&[f32::NAN, 0.0, 0.3, 0.1, f32::NAN]), &target, &mask, 0.1).unwrap()[0];
    // 0.1 in float32 is not above 0.1 in float32.
    assert_eq!((sums.valid, sums.hits, sums.false_alarms, sums.misses, sums.nan_px), (4, 1, 0, 1, 1));
    assert_eq!(sums.abs_sum, 0.5);
}

#[test]
fn merged_sums_are_those_of_all_pixels() {
    let one =
        SceneSums { valid: 2, sq_sum: 1.0, target_mean: 1.0, target_spread: 2.0, target_min: 0.0, target_max: 2.0, ..Default::default() };
    let two =
        SceneSums { valid: 2, sq_sum: 0.5, target_mean: 5.0, target_spread: 2.0, target_min: 4.0, target_max: 6.0, ..Default::default() };
    let mut all = SceneSums::default();
    all.merge(&one);
    all.merge(&SceneSums::default());
    all.merge(&two);
    // 0, 2, 4, 6: mean 3, squares about it 20.
    assert_eq!((all.valid, all.target_mean, all.target_spread), (4, 3.0, 20.0));
    assert_eq!(all.r2(), 1.0 - 1.5 / 20.0);
    let none = SceneSums::default().scores();
    assert_eq!((none.mae, none.r2, none.accuracy, none.precision, none.recall, none.f1), (0.0, 0.0, 0.0, 1.0, 1.0, 1.0));
}
