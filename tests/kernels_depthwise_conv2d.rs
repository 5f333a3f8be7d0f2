//! Depthwise convolutions on the device, by every algorithm, against the f64 references; the op against differences.

mod on_device;

use meltcore::autograd::Tape;
use meltcore::error::Result;
use meltcore::gpu::Gpu;
use meltcore::kernels::activation::Activation;
use meltcore::kernels::conv2d::{Conv2dAttrs, Conv2dDims};
use meltcore::kernels::depthwise_conv2d::{self as kernels, Algorithm};
use meltcore::ops;
use meltcore::reference::depthwise_conv2d::{self as truth, DepthwiseAttrs};
use meltcore::reference::{activations, count};
use meltcore::tensor::Tensor;
use on_device::{Shape, assert_within, gpu, noise, noisy, poison, wide};

/// Input shape, sides of the kernel, and stride, padding, dilation.
struct Case(Shape, [usize; 2], [usize; 3]);

/// 3×3 that keeps the size: one pixel, odd, 41 and 47 wide, whole quads, dilations in and beyond the plane, more rows than a strip.
const STRIPS: &[Case] = &[
    Case([1, 1, 1, 1], [3, 3], [1, 1, 1]),
    Case([5, 3, 1, 2], [3, 3], [1, 1, 1]),
    Case([2, 1, 41, 47], [3, 3], [1, 1, 1]),
    Case([1, 5, 47, 41], [3, 3], [1, 2, 2]),
    Case([3, 9, 7, 12], [3, 3], [1, 1, 1]),
    Case([2, 17, 9, 8], [3, 3], [1, 2, 2]),
    Case([1, 2, 33, 132], [3, 3], [1, 1, 1]),
    Case([1, 3, 14, 20], [3, 3], [1, 3, 3]),
    Case([2, 2, 21, 24], [3, 3], [1, 4, 4]),
    Case([1, 2, 13, 23], [3, 3], [1, 4, 4]),
    Case([1, 2, 16, 28], [3, 3], [1, 6, 6]),
    Case([1, 3, 11, 12], [3, 3], [1, 12, 12]),
    Case([1, 3, 40, 44], [3, 3], [1, 18, 18]),
    Case([2, 3, 5, 7], [3, 3], [1, 18, 18]),
    Case([1, 2, 6, 8], [3, 3], [1, 36, 36]),
    Case([1, 1, 700, 4], [3, 3], [1, 1, 1]),
];

/// 3×3 at stride 2: both parities of both sides, whole quads of the output or not.
const STRIPS_STRIDE2: &[Case] = &[
    Case([1, 1, 1, 1], [3, 3], [2, 1, 1]),
    Case([5, 3, 1, 2], [3, 3], [2, 1, 1]),
    Case([2, 1, 41, 47], [3, 3], [2, 1, 1]),
    Case([1, 5, 47, 41], [3, 3], [2, 1, 1]),
    Case([3, 9, 6, 12], [3, 3], [2, 1, 1]),
    Case([2, 17, 9, 8], [3, 3], [2, 1, 1]),
    Case([1, 2, 34, 136], [3, 3], [2, 1, 1]),
    Case([1, 2, 8, 14], [3, 3], [2, 1, 1]),
    Case([1, 2, 7, 21], [3, 3], [2, 1, 1]),
];

/// Every other kernel, stride, padding and dilation.
const GENERAL: &[Case] = &[
    Case([1, 1, 1, 1], [1, 1], [1, 0, 1]),
    Case([2, 3, 41, 47], [1, 1], [2, 0, 1]),
    Case([1, 5, 47, 41], [5, 5], [1, 2, 1]),
    Case([2, 3, 9, 12], [3, 3], [1, 0, 1]),
    Case([2, 3, 9, 13], [3, 3], [1, 1, 2]),
    Case([1, 2, 20, 23], [3, 3], [3, 2, 2]),
    Case([2, 9, 8, 9], [5, 3], [1, 1, 1]),
    Case([1, 2, 9, 10], [1, 7], [2, 3, 1]),
    Case([1, 4, 7, 9], [2, 2], [2, 0, 1]),
    Case([1, 2, 7, 8], [2, 2], [3, 0, 1]),
    Case([1, 4, 5, 6], [3, 3], [1, 5, 1]),
    Case([1, 2, 14, 15], [3, 3], [2, 6, 6]),
    Case([1, 3, 7, 6], [4, 4], [5, 3, 1]),
];

fn attrs_of(&Case(shape, _, [stride, padding, dilation]): &Case) -> (Conv2dAttrs, DepthwiseAttrs) {
    (Conv2dAttrs { stride, padding, dilation, groups: shape[1] }, DepthwiseAttrs { stride, padding, dilation })
}

fn close(what: &str, got: &Tensor, want: &[f64]) {
    assert_within(what, got, want, 2e-5, 1e-6);
}

/// Runs all three kernels on a case, with a bias and `activation` behind the forward pass.
fn check(gpu: &Gpu, case: &Case, wanted: Algorithm, activation: Activation) {
    let &Case(shape, [kernel_h, kernel_w], _) = case;
    let (attrs, meaning) = attrs_of(case);
    let label = format!("{shape:?}, {kernel_h}x{kernel_w}, {meaning:?}");
    let weight_shape = [shape[1], 1, kernel_h, kernel_w];
    poison(gpu, count(shape));
    poison(gpu, count(weight_shape));
    let ((x, x_wide), (w, w_wide)) = (noisy(gpu, 1, shape), noisy(gpu, 2, weight_shape));
    let bias = noise(3, shape[1]);
    let b = Tensor::from_slice(gpu, [shape[1]], &bias).unwrap();
    let dims = Conv2dDims::forward(&x, &w, &attrs).unwrap();
    assert_eq!(kernels::select(&dims), wanted, "{label}");

    let (sums, output_shape) = truth::depthwise_conv2d(&x_wide, shape, &w_wide, weight_shape, Some(&wide(&bias)), &meaning);
    poison(gpu, sums.len());
    let y = kernels::depthwise_conv2d(&x, &w, Some(&b), &attrs, activation.code()).unwrap();
    assert_eq!(y.shape().dims(), output_shape, "{label}");
    let want = match activation {
        Activation::Relu => activations::relu(&sums),
        Activation::Gelu => activations::gelu(&sums),
        _ => sums,
    };
    close(&format!("depthwise_conv2d of {label}, {activation:?}"), &y, &want);

    let (grad, grad_wide) = noisy(gpu, 4, output_shape);
    let want = truth::depthwise_conv2d_grad_input(&grad_wide, shape, &w_wide, weight_shape, &meaning);
    poison(gpu, want.len());
    let got = kernels::depthwise_conv2d_grad_input(&dims, &grad, &w).unwrap();
    close(&format!("depthwise_conv2d_grad_input of {label}"), &got, &want);

    let want = truth::depthwise_conv2d_grad_weight(&grad_wide, &x_wide, shape, weight_shape, &meaning);
    poison(gpu, want.len());
    let got = kernels::depthwise_conv2d_grad_weight(&dims, &x, &grad).unwrap();
    close(&format!("depthwise_conv2d_grad_weight of {label}"), &got, &want);
}

/// The device as it is, and without known subgroups.
fn devices() -> [Gpu; 2] {
    [gpu(), Gpu::open_as(None, |capabilities| capabilities.subgroup_size = None).unwrap()]
}

#[test]
fn strips_follow_the_reference() {
    for gpu in devices() {
        STRIPS.iter().for_each(|case| check(&gpu, case, Algorithm::Strips, Activation::None));
    }
}

#[test]
fn strips_at_stride_2_follow_the_reference() {
    for gpu in devices() {
        STRIPS_STRIDE2.iter().for_each(|case| check(&gpu, case, Algorithm::StripsStride2, Activation::None));
    }
}

#[test]
fn other_windows_follow_the_reference() {
    for gpu in devices() {
        GENERAL.iter().for_each(|case| check(&gpu, case, Algorithm::General, Activation::None));
    }
}

/// The strips and workgroups that a real GPU gets: shorter and larger.
#[test]
fn kernels_cut_as_for_a_gpu_follow_the_reference() {
    let gpu = Gpu::open_as(None, |capabilities| (capabilities.software, capabilities.subgroup_size) = (false, None)).unwrap();
    for (cases, wanted) in [(STRIPS, Algorithm::Strips), (STRIPS_STRIDE2, Algorithm::StripsStride2), (GENERAL, Algorithm::General)] {
        cases.iter().for_each(|case| check(&gpu, case, wanted, Activation::None));
    }
}

#[test]
fn activations_are_fused_into_every_forward_kernel() {
    let gpu = gpu();
    for activation in [Activation::Relu, Activation::Gelu] {
        check(&gpu, &STRIPS[4], Algorithm::Strips, activation);
        check(&gpu, &STRIPS_STRIDE2[5], Algorithm::StripsStride2, activation);
        check(&gpu, &GENERAL[3], Algorithm::General, activation);
    }
}

#[test]
fn launches_past_65535_groups_reach_every_element() {
    // More than 65 535 workgroups of 64 invocations with a pixel each; the others where each channel's weight gradient takes a workgroup.
    let gpu = gpu();
    check(&gpu, &Case([2, 2_100_001, 1, 1], [3, 3], [1, 1, 1]), Algorithm::Strips, Activation::None);
    check(&gpu, &Case([1, 66_001, 2, 3], [3, 3], [2, 1, 1]), Algorithm::StripsStride2, Activation::None);
    check(&gpu, &Case([1, 66_001, 2, 3], [1, 1], [1, 0, 1]), Algorithm::General, Activation::None);
}

/// Mesa's software device ends loops after 65 535 trips: sums over more rows than that many trips take must be split.
#[test]
fn gradients_sum_more_pixels_than_a_loop_may_take_trips() {
    let (gpu, shape) = (gpu(), [1, 1, 2049, 2053]);
    let ones = Tensor::full(&gpu, shape, 1.0).unwrap();
    for (kernel, padding) in [(1, 0), (3, 1)] {
        let weight = Tensor::full(&gpu, [1, 1, kernel, kernel], 1.0).unwrap();
        let dims = Conv2dDims::forward(&ones, &weight, &Conv2dAttrs { padding, ..Default::default() }).unwrap();
        let side = |extent: usize, at: usize| (extent - at.abs_diff(padding)) as f64;
        let want: Vec<f64> = (0..kernel * kernel).map(|tap| side(shape[2], tap / kernel) * side(shape[3], tap % kernel)).collect();
        close("depthwise_conv2d_grad_weight of ones", &kernels::depthwise_conv2d_grad_weight(&dims, &ones, &ones).unwrap(), &want);
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let gpu = gpu();
    let tensor = |shape: Shape| Tensor::full(&gpu, shape, 1.0).unwrap();
    let (x, w, bias) = (tensor([1, 4, 5, 6]), tensor([4, 1, 3, 3]), Tensor::full(&gpu, [3], 0.0).unwrap());
    let same = Conv2dAttrs { padding: 1, groups: 4, ..Default::default() };
    assert!(kernels::depthwise_conv2d(&x, &w, None, &same, 0).is_ok());
    assert!(kernels::depthwise_conv2d(&x, &w, Some(&bias), &same, 0).is_err());
    assert!(kernels::depthwise_conv2d(&x, &tensor([8, 1, 3, 3]), None, &same, 0).is_err());
    assert!(kernels::depthwise_conv2d(&x, &tensor([4, 4, 3, 3]), None, &Conv2dAttrs { groups: 1, ..same }, 0).is_err());
    assert!(kernels::depthwise_conv2d(&x, &tensor([4, 2, 3, 3]), None, &Conv2dAttrs { groups: 2, ..same }, 0).is_err());
    assert!(kernels::depthwise_conv2d(&x, &w, None, &Conv2dAttrs { stride: 0, ..same }, 0).is_err());
    assert!(kernels::depthwise_conv2d(&x, &w, None, &Conv2dAttrs { dilation: 9, ..same }, 0).is_err());
    let dims = Conv2dDims::forward(&x, &w, &same).unwrap();
    assert!(kernels::depthwise_conv2d_grad_input(&dims, &x, &w).is_ok());
    assert!(kernels::depthwise_conv2d_grad_input(&dims, &tensor([1, 4, 5, 5]), &w).is_err());
    assert!(kernels::depthwise_conv2d_grad_input(&dims, &x, &tensor([4, 1, 1, 1])).is_err());
    assert!(kernels::depthwise_conv2d_grad_weight(&dims, &tensor([1, 4, 6, 5]), &x).is_err());
    assert!(kernels::depthwise_conv2d_grad_weight(&dims, &x, &bias).is_err());
    let dense = Conv2dDims::forward(&x, &tensor([4, 4, 3, 3]), &Conv2dAttrs { groups: 1, ..same }).unwrap();
    assert!(kernels::depthwise_conv2d_grad_input(&dense, &x, &tensor([4, 4, 3, 3])).is_err());
    assert!(kernels::depthwise_conv2d_grad_weight(&dense, &x, &x).is_err());
}

/// Two depthwise layers around a smooth activation, one that halves the size and one that is dilated; scaled by 0.7 behind the sum.
fn graph(tape: &Tape, leaves: &[Tensor]) -> Result<Tensor> {
    let [x, w, b, dilated, shift] = leaves else { unreachable!("five leaves") };
    let halved = Conv2dAttrs { stride: 2, padding: 1, dilation: 1, groups: 3 };
    let h = ops::depthwise_conv2d(tape, x, w, Some(b), &halved, Activation::Gelu)?;
    let wider = Conv2dAttrs { stride: 1, padding: 2, dilation: 2, groups: 3 };
    ops::depthwise_conv2d(tape, &h, dilated, Some(shift), &wider, Activation::Sigmoid)
}

#[test]
fn the_op_has_the_slopes_that_differences_show() {
    const SCALE: f32 = 0.7;
    const STEP: f32 = 2e-3;
    let gpu = gpu();
    let shapes: [&[usize]; 5] = [&[2, 3, 13, 11], &[3, 1, 3, 3], &[3], &[3, 1, 3, 3], &[3]];
    let base: Vec<Vec<f32>> = shapes.iter().zip(20..).map(|(shape, seed)| noise(seed, shape.iter().product())).collect();
    let directions: Vec<Vec<f32>> = base.iter().zip(40..).map(|(values, seed)| noise(seed, values.len())).collect();
    let leaves = |moved: usize, step: f32| -> Vec<Tensor> {
        let leaf = |i: usize| {
            let step = if i == moved { step } else { 0.0 };
            let values: Vec<f32> = base[i].iter().zip(&directions[i]).map(|(value, along)| value + step * along).collect();
            Tensor::from_slice(&gpu, shapes[i], &values).unwrap()
        };
        (0..shapes.len()).map(leaf).collect()
    };
    let sum = |moved: usize, step: f32| -> f64 {
        f64::from(SCALE) * wide(&graph(&Tape::off(), &leaves(moved, step)).unwrap().to_vec().unwrap()).iter().sum::<f64>()
    };
    let at = leaves(0, 0.0);
    let tape = Tape::recording();
    at.iter().for_each(|leaf| tape.watch(leaf));
    let y = graph(&tape, &at).unwrap();
    let gradients = tape.backward(&[(&y, Tensor::full(&gpu, y.shape(), SCALE).unwrap())]).unwrap();
    for (i, leaf) in at.iter().enumerate() {
        let products: Vec<f64> =
            gradients.get(leaf).unwrap().to_vec().unwrap().iter().zip(&directions[i]).map(|(g, d)| f64::from(g * d)).collect();
        let (slope, size): (f64, f64) = (products.iter().sum(), products.iter().map(|p| p.abs()).sum());
        let numeric = (sum(i, STEP) - sum(i, -STEP)) / (2.0 * f64::from(STEP));
        assert!(size > 1e-6 && (slope - numeric).abs() <= 2e-2 * size, "leaf {i}: the tape says {slope}, differences {numeric} of {size}");
    }
}
