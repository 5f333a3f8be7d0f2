//! Convolutions on the device, in every variant, against the f64 references.

mod on_device;

use std::process::Command;

use meltcore::gpu::Gpu;
use meltcore::kernels::activation::Activation;
use meltcore::kernels::conv2d::{self as kernels, Algorithm, Conv2dAttrs, Conv2dDims};
use meltcore::kernels::pixel_shuffle::{pixel_shuffle, pixel_unshuffle};
use meltcore::kernels::unfold::{fold, unfold};
use meltcore::reference::{activations, conv2d as truth, count, pixel_shuffle as shuffle, unfold as folding};
use meltcore::tensor::Tensor;
use on_device::{Shape, assert_within, gpu, noise, noisy, poison, runs_here, wide};

/// Input shape, output channels, sides of the kernel, and stride, padding, dilation, groups.
struct Case(Shape, usize, [usize; 2], [usize; 4]);

const SAME: [usize; 4] = [1, 1, 1, 1];
const PLAIN: [usize; 4] = [1, 0, 1, 1];

/// 3×3 that keeps the size: one pixel, odd, 41 and 47 wide, whole packs, channels in every tile and beyond it, planes below and above a row block.
const CASES_3X3: &[Case] = &[
    Case([1, 1, 1, 1], 1, [3, 3], SAME),
    Case([5, 3, 1, 2], 5, [3, 3], SAME),
    Case([2, 1, 41, 47], 3, [3, 3], SAME),
    Case([1, 5, 47, 41], 1, [3, 3], SAME),
    Case([5, 17, 9, 7], 33, [3, 3], SAME),
    Case([1, 65, 5, 3], 17, [3, 3], SAME),
    Case([2, 3, 33, 132], 5, [3, 3], SAME),
    Case([1, 9, 7, 12], 33, [3, 3], SAME),
];

/// 1×1: planes of whole packs or not, channels in every tile and beyond the largest.
const CASES_1X1: &[Case] = &[
    Case([1, 1, 1, 1], 1, [1, 1], PLAIN),
    Case([5, 3, 1, 3], 5, [1, 1], PLAIN),
    Case([2, 17, 41, 47], 1, [1, 1], PLAIN),
    Case([1, 33, 47, 3], 65, [1, 1], PLAIN),
    Case([1, 3, 9, 44], 17, [1, 1], PLAIN),
    Case([5, 65, 2, 6], 33, [1, 1], PLAIN),
    Case([1, 130, 4, 4], 9, [1, 1], PLAIN),
];

/// Windows that tile the input.
const CASES_PATCHES: &[Case] = &[
    Case([1, 1, 2, 2], 1, [2, 2], [2, 0, 1, 1]),
    Case([5, 3, 6, 8], 5, [2, 2], [2, 0, 1, 1]),
    Case([2, 5, 82, 94], 3, [2, 2], [2, 0, 1, 1]),
    Case([1, 17, 10, 16], 33, [2, 2], [2, 0, 1, 1]),
    Case([2, 4, 9, 12], 3, [3, 3], [3, 0, 1, 1]),
    Case([1, 2, 8, 20], 5, [4, 4], [4, 0, 1, 1]),
];

/// Windows that are copied before the 1×1 kernels: strides, dilations, paddings, sides of the kernel, rows of whole quads or not.
const CASES_WINDOWS: &[Case] = &[
    Case([1, 1, 1, 1], 4, [1, 1], [2, 0, 1, 1]),
    Case([1, 1, 1, 1], 4, [5, 5], [1, 2, 1, 1]),
    Case([2, 3, 41, 47], 5, [3, 3], [2, 1, 1, 1]),
    Case([1, 4, 18, 24], 32, [3, 3], [2, 1, 1, 1]),
    Case([1, 5, 47, 41], 7, [1, 1], [2, 0, 1, 1]),
    Case([2, 17, 8, 16], 33, [1, 1], [2, 0, 1, 1]),
    Case([1, 3, 13, 12], 6, [3, 3], [1, 6, 6, 1]),
    Case([1, 4, 20, 23], 6, [3, 3], [3, 2, 2, 1]),
    Case([2, 3, 8, 9], 4, [5, 3], [1, 1, 1, 1]),
    Case([1, 2, 9, 10], 4, [1, 7], [4, 3, 1, 1]),
    Case([1, 2, 7, 8], 4, [2, 2], [3, 0, 1, 1]),
    Case([1, 2, 65, 140], 4, [3, 3], [1, 0, 1, 1]),
];

/// What only the portable kernels do: other strides, paddings, dilations, groups, sides; windows that leave rows over or see zeros only.
const CASES_OTHER: &[Case] = &[
    Case([1, 1, 1, 1], 1, [1, 1], [2, 0, 1, 1]),
    Case([1, 1, 1, 1], 1, [5, 5], [1, 2, 1, 1]),
    Case([2, 3, 41, 47], 5, [3, 3], [2, 1, 1, 1]),
    Case([1, 5, 47, 41], 3, [1, 1], [2, 0, 1, 1]),
    Case([1, 4, 20, 23], 6, [3, 3], [3, 2, 2, 2]),
    Case([5, 17, 9, 7], 17, [3, 3], [1, 1, 1, 17]),
    Case([1, 3, 47, 41], 9, [3, 3], [2, 1, 1, 3]),
    Case([1, 33, 11, 12], 33, [3, 3], [1, 4, 4, 33]),
    Case([2, 18, 8, 9], 10, [5, 3], [1, 1, 1, 2]),
    Case([1, 2, 9, 10], 3, [1, 7], [1, 3, 1, 1]),
    Case([1, 3, 8, 9], 65, [2, 2], [1, 0, 3, 1]),
    Case([2, 2, 7, 9], 4, [2, 2], [2, 0, 1, 1]),
    Case([1, 2, 7, 8], 2, [2, 2], [3, 0, 1, 1]),
    Case([1, 4, 5, 6], 2, [3, 3], [1, 5, 1, 1]),
    Case([1, 2, 65, 140], 2, [3, 3], [1, 6, 6, 1]),
];

fn portable_gpu() -> Gpu {
    // The software kernels need a subgroup of a known size.
    Gpu::open_as(None, |capabilities| capabilities.subgroup_size = None).unwrap()
}

/// A device with SIMD registers, of as many lanes as the environment expects, if this is one.
fn simd_gpu(variant: &str) -> Option<Gpu> {
    let gpu = gpu();
    let lanes = gpu.capabilities().simd_lanes();
    if let Ok(expected) = std::env::var("MELTCORE_TEST_LANES") {
        assert_eq!(lanes.map(|lanes| lanes.to_string()), Some(expected), "this process was started to test another width");
    }
    runs_here(variant, "simd", lanes.is_some()).then_some(gpu)
}

/// Runs all four kernels on a case with `activation` behind the forward pass. The input gradient takes a bias where `transposed`.
fn check(gpu: &Gpu, case: &Case, activation: Activation, transposed: bool) {
    let &Case(shape, c_out, [kernel_h, kernel_w], [stride, padding, dilation, groups]) = case;
    let label =
        format!("{shape:?} to {c_out}, {kernel_h}x{kernel_w}, stride {stride}, padding {padding}, dilation {dilation}, groups {groups}");
    let weight_shape = [c_out, shape[1] / groups, kernel_h, kernel_w];
    let attrs = Conv2dAttrs { stride, padding, dilation, groups };
    let meaning = truth::Conv2dAttrs { stride, padding, dilation, groups };
    poison(gpu, count(shape));
    poison(gpu, count(weight_shape));
    let ((x, x_wide), (w, w_wide)) = (noisy(gpu, 1, shape), noisy(gpu, 2, weight_shape));
    let (b, b_wide) = biases(gpu, c_out);
    let (sums, output_shape) = truth::conv2d(&x_wide, shape, &w_wide, weight_shape, Some(&b_wide), &meaning);
    poison(gpu, sums.len());
    let y = kernels::conv2d(&x, &w, Some(&b), &attrs, activation.code()).unwrap();
    assert_eq!(y.shape().dims(), output_shape, "{label}");
    close(&format!("conv2d of {label}, {activation:?}"), &y, &activated(activation, &sums));

    let dims = Conv2dDims::forward(&x, &w, &attrs).unwrap();
    let (grad, grad_wide) = noisy(gpu, 4, output_shape);
    let mut want = truth::conv2d_grad_input(&grad_wide, shape, &w_wide, weight_shape, &meaning);
    let (extra, extra_wide) = biases(gpu, shape[1]);
    if transposed {
        let plane = shape[2] * shape[3];
        want.iter_mut().enumerate().for_each(|(at, value)| *value += extra_wide[at / plane % shape[1]]);
    }
    poison(gpu, want.len());
    let grad_input = kernels::conv2d_grad_input(&dims, &grad, &w, transposed.then_some(&extra)).unwrap();
    close(&format!("conv2d_grad_input of {label}"), &grad_input, &want);

    let want = truth::conv2d_grad_weight(&grad_wide, &x_wide, shape, weight_shape, &meaning);
    poison(gpu, want.len());
    close(&format!("conv2d_grad_weight of {label}"), &kernels::conv2d_grad_weight(&dims, &x, &grad).unwrap(), &want);
    poison(gpu, c_out);
    let grad_bias = kernels::conv2d_grad_bias(&grad).unwrap();
    close(&format!("conv2d_grad_bias of {label}"), &grad_bias, &truth::conv2d_grad_bias(&grad_wide, output_shape));
}

fn close(what: &str, got: &Tensor, want: &[f64]) {
    assert_within(what, got, want, 2e-5, 1e-6);
}

fn biases(gpu: &Gpu, channels: usize) -> (Tensor, Vec<f64>) {
    let values = noise(3, channels);
    (Tensor::from_slice(gpu, [channels], &values).unwrap(), wide(&values))
}

fn activated(activation: Activation, sums: &[f64]) -> Vec<f64> {
    match activation {
        Activation::None => sums.to_vec(),
        Activation::Relu => activations::relu(sums),
        Activation::Gelu => activations::gelu(sums),
        Activation::Sigmoid => activations::sigmoid(sums),
        Activation::Tanhshelf => activations::tanhshelf(sums),
        Activation::Sigmoidcutoff => activations::sigmoidcutoff(sums),
    }
}

/// Checks a table on `gpu` after making sure that the wanted algorithm is the one that runs.
fn check_all(gpu: &Gpu, cases: &[Case], wanted: impl Fn(Algorithm) -> bool) {
    for (i, case) in cases.iter().enumerate() {
        let chosen = kernels::select(gpu.capabilities(), &dims(case));
        assert!(wanted(chosen), "{:?} to {}: {chosen:?} was selected", case.0, case.1);
        check(gpu, case, Activation::None, i % 2 == 1);
    }
}

fn dims(&Case(shape, c_out, [kernel_h, kernel_w], [stride, padding, dilation, groups]): &Case) -> Conv2dDims {
    let attrs = Conv2dAttrs { stride, padding, dilation, groups };
    let meaning = truth::Conv2dAttrs { stride, padding, dilation, groups };
    let [n, c_in, h_in, w_in] = shape;
    let [_, _, h_out, w_out] = truth::conv2d_output_shape(shape, [c_out, c_in / groups, kernel_h, kernel_w], &meaning);
    Conv2dDims { n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, attrs }
}

#[test]
fn portable_kernels_follow_the_reference() {
    let gpu = portable_gpu();
    for cases in [CASES_3X3, CASES_1X1, CASES_PATCHES, CASES_WINDOWS, CASES_OTHER] {
        check_all(&gpu, cases, |algorithm| algorithm == Algorithm::Portable);
    }
    runs_here("the portable convolution on a real GPU", "gpu", !gpu.capabilities().software);
}

#[test]
fn software_kernels_3x3_follow_the_reference() {
    let Some(gpu) = simd_gpu("conv2d_3x3_subgroup") else { return };
    check_all(&gpu, CASES_3X3, |algorithm| matches!(algorithm, Algorithm::Software3x3 { .. }));
}

#[test]
fn software_kernels_1x1_follow_the_reference() {
    let Some(gpu) = simd_gpu("conv2d_1x1_subgroup") else { return };
    check_all(&gpu, CASES_1X1, |algorithm| matches!(algorithm, Algorithm::Software1x1 { .. }));
}

#[test]
fn software_kernels_over_patches_follow_the_reference() {
    let Some(gpu) = simd_gpu("conv2d over patches") else { return };
    check_all(&gpu, CASES_PATCHES, |algorithm| matches!(algorithm, Algorithm::SoftwarePatches { .. }));
}

#[test]
fn software_kernels_over_windows_follow_the_reference() {
    let Some(gpu) = simd_gpu("conv2d over windows") else { return };
    check_all(&gpu, CASES_WINDOWS, |algorithm| matches!(algorithm, Algorithm::SoftwareWindows { .. }));
}

/// Runs the software kernels' tests again in a process whose subgroups are 16 lanes wide, or 8 where they are 16 here.
#[test]
fn software_kernels_follow_the_reference_in_the_other_width() {
    let Some(gpu) = simd_gpu("conv2d in the other width") else { return };
    if std::env::var_os("MELTCORE_TEST_LANES").is_some() {
        return;
    }
    let lanes = if gpu.capabilities().simd_lanes() == Some(16) { 8 } else { 16 };
    #[cfg(target_arch = "x86_64")]
    let possible = lanes == 8 || std::arch::is_x86_feature_detected!("avx512f");
    #[cfg(not(target_arch = "x86_64"))]
    let possible = lanes == 8;
    if !runs_here(&format!("conv2d with {lanes} lanes"), "a processor with AVX-512", possible) {
        return;
    }
    // Mesa reads the width when it is loaded, and does not record it in its shader cache.
    let cache = tempfile::tempdir().unwrap();
    let answer = Command::new(std::env::current_exe().unwrap())
        .args(["--nocapture", "software_kernels_"])
        .env("LP_NATIVE_VECTOR_WIDTH", (lanes * 32).to_string())
        .env("MESA_SHADER_CACHE_DIR", cache.path())
        .env("MELTCORE_TEST_LANES", lanes.to_string())
        .output()
        .unwrap();
    let text = [answer.stdout, answer.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(answer.status.success() && text.contains("5 passed"), "with {lanes} lanes:\n{text}");
}

#[test]
fn activations_are_fused_into_every_forward_kernel() {
    use Activation::{Gelu, Relu, Sigmoid, Sigmoidcutoff, Tanhshelf};
    for gpu in [gpu(), portable_gpu()] {
        for activation in [Relu, Gelu, Sigmoid, Tanhshelf, Sigmoidcutoff] {
            check(&gpu, &Case([1, 2, 5, 7], 1, [1, 1], PLAIN), activation, false);
        }
        for activation in [Relu, Gelu] {
            check(&gpu, &Case([2, 3, 9, 12], 3, [3, 3], SAME), activation, false);
            check(&gpu, &Case([1, 3, 6, 16], 4, [2, 2], [2, 0, 1, 1]), activation, true);
        }
    }
}

#[test]
fn launches_past_65535_groups_reach_every_element() {
    // One pixel an image and one image a lane, or one channel a group.
    let (images, channels) = ([2_200_000, 1, 1, 1], [1, 66_001, 2, 3]);
    check(&portable_gpu(), &Case(channels, 66_001, [1, 1], [1, 0, 1, 66_001]), Activation::None, true);
    let Some(gpu) = simd_gpu("conv2d_3x3_subgroup and conv2d_1x1_subgroup") else { return };
    check(&gpu, &Case(images, 1, [1, 1], PLAIN), Activation::None, false);
    check(&gpu, &Case(images, 1, [3, 3], SAME), Activation::None, true);
    // One pixel: the weight gradient is the output's. The input gradient would sum more channels than the device's loops can take.
    let (one, weight) = (Tensor::full(&gpu, [1, 1, 1, 1], 1.0).unwrap(), Tensor::full(&gpu, [4_300_000, 1, 1, 1], 1.0).unwrap());
    let dims = Conv2dDims::forward(&one, &weight, &Conv2dAttrs::default()).unwrap();
    let (grad, want) = noisy(&gpu, 4, [1, 4_300_000, 1, 1]);
    close("conv2d_grad_weight of many channels", &kernels::conv2d_grad_weight(&dims, &one, &grad).unwrap(), &want);
    assert!(kernels::conv2d_grad_input(&dims, &grad, &weight, None).is_err());
}

/// Mesa's software device ends loops after 65 535 trips: sums over more pixels than that many trips take must be split.
#[test]
fn gradients_sum_more_pixels_than_a_loop_may_take_trips() {
    let (gpu, shape) = (gpu(), [1, 1, 2049, 2053]);
    let ones = Tensor::full(&gpu, shape, 1.0).unwrap();
    for (kernel, padding) in [(1, 0), (3, 1)] {
        let weight = Tensor::full(&gpu, [1, 1, kernel, kernel], 1.0).unwrap();
        let dims = Conv2dDims::forward(&ones, &weight, &Conv2dAttrs { padding, ..Default::default() }).unwrap();
        let want: Vec<f64> = (0..kernel * kernel)
            .map(|tap| [tap / kernel, tap % kernel].map(|at| at.abs_diff(padding)))
            .map(|[down, right]| ((shape[2] - down) * (shape[3] - right)) as f64)
            .collect();
        close("conv2d_grad_weight of ones", &kernels::conv2d_grad_weight(&dims, &ones, &ones).unwrap(), &want);
    }
    close("conv2d_grad_bias of ones", &kernels::conv2d_grad_bias(&ones).unwrap(), &[count(shape) as f64]);
}

#[test]
fn pixel_shuffle_and_its_inverse_follow_the_reference() {
    let gpu = gpu();
    // (input of pixel_shuffle, factor): one element a time, packs, other factors, more than 65 535 groups of 64 elements.
    for (shape, factor) in [
        ([1, 1, 1, 1], 1),
        ([1, 4, 1, 1], 2),
        ([2, 12, 41, 47], 2),
        ([5, 4, 3, 8], 2),
        ([1, 20, 7, 12], 2),
        ([2, 18, 5, 8], 3),
        ([1, 16, 2, 4], 4),
        ([1, 4, 1025, 1025], 2),
        ([1, 4, 1026, 1028], 2),
    ] {
        let [n, c_in, h, w] = shape;
        let c = c_in / (factor * factor);
        let (x, x_wide) = noisy(&gpu, 1, shape);
        let (want, big) = shuffle::pixel_shuffle(&x_wide, shape, factor);
        assert_eq!(big, [n, c, h * factor, w * factor]);
        let (bias, bias_wide) = biases(&gpu, c);
        for bias in [None, Some(&bias)] {
            poison(&gpu, want.len());
            let y = Tensor::empty(&gpu, big).unwrap();
            pixel_shuffle(&x, factor, bias, &y).unwrap();
            let plane = big[2] * big[3];
            let added = |at: usize| if bias.is_some() { bias_wide[at / plane % c] } else { 0.0 };
            // The sum in f32 of two f32 is their exact sum, rounded once.
            let want: Vec<f64> = want.iter().enumerate().map(|(at, v)| f64::from((v + added(at)) as f32)).collect();
            assert_within(&format!("pixel_shuffle {shape:?} by {factor}"), &y, &want, 0.0, 0.0);
            if bias.is_none() {
                poison(&gpu, want.len());
                assert_within(&format!("pixel_unshuffle to {shape:?}"), &pixel_unshuffle(&y, factor).unwrap(), &x_wide, 0.0, 0.0);
            }
        }
    }
}

#[test]
fn unfold_and_fold_follow_the_reference() {
    let gpu = gpu();
    for case in CASES_WINDOWS.iter().chain(CASES_OTHER) {
        let (shape, kernel, dims) = (case.0, case.2, dims(case));
        let Conv2dAttrs { stride, padding, dilation, .. } = dims.attrs;
        let meaning = truth::Conv2dAttrs { stride, padding, dilation, groups: 1 };
        let (x, x_wide) = noisy(&gpu, 1, shape);
        let (want, windows) = folding::unfold(&x_wide, shape, kernel, &meaning);
        poison(&gpu, want.len());
        assert_within(&format!("unfold {shape:?} {kernel:?} {meaning:?}"), &unfold(&dims, &x).unwrap(), &want, 0.0, 0.0);
        let (y, y_wide) = noisy(&gpu, 2, windows);
        let (bias, bias_wide) = biases(&gpu, shape[1]);
        for bias in [None, Some(&bias)] {
            let plane = shape[2] * shape[3];
            let added = |at: usize| if bias.is_some() { bias_wide[at / plane % shape[1]] } else { 0.0 };
            let sums = folding::fold(&y_wide, shape, kernel, &meaning);
            let want: Vec<f64> = sums.iter().enumerate().map(|(at, v)| v + added(at)).collect();
            poison(&gpu, want.len());
            let output = Tensor::empty(&gpu, shape).unwrap();
            fold(&dims, &y, bias, &output).unwrap();
            close(&format!("fold to {shape:?} {kernel:?} {meaning:?}"), &output, &want);
        }
        assert!(unfold(&dims, &y).is_err() || shape == windows);
        assert!(fold(&dims, &bias, None, &x).is_err() && fold(&dims, &y, Some(&y), &x).is_err() && fold(&dims, &y, None, &bias).is_err());
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let gpu = gpu();
    let tensor = |shape: Shape| Tensor::full(&gpu, shape, 1.0).unwrap();
    let (x, w, bias) = (tensor([1, 4, 5, 6]), tensor([3, 4, 3, 3]), Tensor::full(&gpu, [4], 0.0).unwrap());
    let same = Conv2dAttrs { padding: 1, ..Default::default() };
    assert!(kernels::conv2d(&x, &w, None, &same, 0).is_ok());
    assert!(kernels::conv2d(&x, &w, Some(&bias), &same, 0).is_err());
    assert!(kernels::conv2d(&x, &tensor([3, 3, 3, 3]), None, &same, 0).is_err());
    for attrs in [
        Conv2dAttrs { groups: 0, ..same },
        Conv2dAttrs { groups: 2, ..same },
        Conv2dAttrs { stride: 0, ..same },
        Conv2dAttrs { dilation: 0, ..same },
        Conv2dAttrs { dilation: 4, ..same },
    ] {
        assert!(kernels::conv2d(&x, &w, None, &attrs, 0).is_err(), "{attrs:?}");
    }
    let dims = Conv2dDims::forward(&x, &w, &same).unwrap();
    assert!(kernels::conv2d_grad_input(&dims, &x, &w, None).is_err());
    let y = tensor([1, 3, 5, 6]);
    assert!(kernels::conv2d_grad_input(&dims, &y, &w, None).is_ok());
    assert!(kernels::conv2d_grad_input(&dims, &y, &tensor([3, 4, 1, 1]), None).is_err());
    assert!(kernels::conv2d_grad_weight(&dims, &x, &x).is_err());
    assert!(kernels::conv2d_grad_bias(&bias).is_err());
    assert!(pixel_unshuffle(&x, 2).is_err() && pixel_unshuffle(&x, 0).is_err());
    assert!(pixel_shuffle(&x, 2, None, &tensor([2, 1, 10, 12])).is_err());
    assert!(pixel_shuffle(&x, 2, Some(&bias), &tensor([1, 1, 10, 12])).is_err());
}
