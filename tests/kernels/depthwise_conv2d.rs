//! Depthwise convolutions, by strips and tap by tap: the forward pass with bias and activation, and the gradients of input and weight.

use meltcore::gpu::Gpu;
use meltcore::kernels::activation::Activation;
use meltcore::kernels::conv2d::{Conv2dAttrs, Conv2dDims};
use meltcore::kernels::depthwise_conv2d as kernels;
use meltcore::kernels::epilogue::Epilogue;
use meltcore::kernels::operands::Operands;
use meltcore::reference::batch_norm::affine;
use meltcore::reference::count;
use meltcore::reference::depthwise_conv2d::{self as definition, DepthwiseAttrs};
use meltcore::tensor::Tensor;

use crate::activation::{activated, label};
use crate::case::{Case, Checked, close as compared, ensure, extents, per_channel};
use crate::conv2d::gradient_of_long_sums;
use crate::half::held;
use crate::on_device::{Shape, noisy, poison};

/// Input shape, sides of the kernel, and stride, padding, dilation.
#[derive(Clone, Copy)]
struct Row(Shape, [usize; 2], [usize; 3]);

const ROWS: &[Row] = &[
    // 3×3 that keeps the size: one pixel, odd, 41 and 47 wide, whole quads, dilations in and beyond the plane, more rows than a strip.
    Row([1, 1, 1, 1], [3, 3], [1, 1, 1]),
    Row([5, 3, 1, 2], [3, 3], [1, 1, 1]),
    Row([2, 1, 41, 47], [3, 3], [1, 1, 1]),
    Row([1, 5, 47, 41], [3, 3], [1, 2, 2]),
    Row([3, 9, 7, 12], [3, 3], [1, 1, 1]),
    Row([2, 17, 9, 8], [3, 3], [1, 2, 2]),
    Row([1, 2, 33, 132], [3, 3], [1, 1, 1]),
    Row([1, 3, 14, 20], [3, 3], [1, 3, 3]),
    Row([2, 2, 21, 24], [3, 3], [1, 4, 4]),
    Row([1, 2, 13, 23], [3, 3], [1, 4, 4]),
    Row([1, 2, 16, 28], [3, 3], [1, 6, 6]),
    Row([1, 3, 11, 12], [3, 3], [1, 12, 12]),
    Row([1, 3, 40, 44], [3, 3], [1, 18, 18]),
    Row([2, 3, 5, 7], [3, 3], [1, 18, 18]),
    Row([1, 2, 6, 8], [3, 3], [1, 36, 36]),
    Row([1, 1, 700, 4], [3, 3], [1, 1, 1]),
    // 3×3 at stride 2: both parities of both sides, whole quads of the output or not.
    Row([1, 1, 1, 1], [3, 3], [2, 1, 1]),
    Row([5, 3, 1, 2], [3, 3], [2, 1, 1]),
    Row([2, 1, 41, 47], [3, 3], [2, 1, 1]),
    Row([1, 5, 47, 41], [3, 3], [2, 1, 1]),
    Row([3, 9, 6, 12], [3, 3], [2, 1, 1]),
    Row([2, 17, 9, 8], [3, 3], [2, 1, 1]),
    Row([1, 2, 34, 136], [3, 3], [2, 1, 1]),
    Row([1, 2, 8, 14], [3, 3], [2, 1, 1]),
    Row([1, 2, 7, 21], [3, 3], [2, 1, 1]),
    // Every other kernel, stride, padding and dilation.
    Row([1, 1, 1, 1], [1, 1], [1, 0, 1]),
    Row([2, 3, 41, 47], [1, 1], [2, 0, 1]),
    Row([1, 5, 47, 41], [5, 5], [1, 2, 1]),
    Row([2, 3, 9, 12], [3, 3], [1, 0, 1]),
    Row([2, 3, 9, 13], [3, 3], [1, 1, 2]),
    Row([1, 2, 20, 23], [3, 3], [3, 2, 2]),
    Row([2, 9, 8, 9], [5, 3], [1, 1, 1]),
    Row([1, 2, 9, 10], [1, 7], [2, 3, 1]),
    Row([1, 4, 7, 9], [2, 2], [2, 0, 1]),
    Row([1, 2, 7, 8], [2, 2], [3, 0, 1]),
    Row([1, 4, 5, 6], [3, 3], [1, 5, 1]),
    Row([1, 2, 14, 15], [3, 3], [2, 6, 6]),
    Row([1, 3, 7, 6], [4, 4], [5, 3, 1]),
    // More than 65 535 workgroups: of 64 invocations with a pixel each, and one for each channel's weight gradient.
    Row([1050, 4001, 1, 1], [3, 3], [1, 1, 1]),
    Row([1, 66_001, 2, 3], [3, 3], [2, 1, 1]),
    Row([1, 66_001, 2, 3], [1, 1], [1, 0, 1]),
];

/// Several images that are small enough to be split.
const SPLIT: &[Row] =
    &[Row([7, 4, 24, 24], [3, 3], [1, 2, 2]), Row([5, 3, 13, 11], [3, 3], [2, 1, 1]), Row([3, 2, 9, 14], [5, 5], [1, 2, 1])];

/// One row of each kind, with an activation behind it.
const FUSED: &[Row] =
    &[Row([3, 9, 7, 12], [3, 3], [1, 1, 1]), Row([2, 17, 9, 8], [3, 3], [2, 1, 1]), Row([2, 3, 9, 12], [3, 3], [1, 0, 1])];

/// One row of each way through the kernels of GPUs and of the host, with a scale behind it.
const SCALED: &[Row] = &[
    Row([3, 9, 7, 12], [3, 3], [1, 1, 1]),
    Row([2, 3, 41, 47], [3, 3], [1, 2, 2]),
    Row([2, 17, 9, 8], [3, 3], [2, 1, 1]),
    Row([2, 3, 9, 12], [3, 3], [1, 0, 1]),
    Row([1, 2, 9, 10], [1, 7], [2, 3, 1]),
    Row([1, 1, 1, 1], [1, 1], [1, 0, 1]),
];

pub fn cases() -> Vec<Case> {
    let plain = |row: &Row| {
        let row = *row;
        Case::new(name(&row), move |gpu| check(gpu, row, Activation::None, Operands::F32))
    };
    let mut cases: Vec<Case> = ROWS.iter().map(plain).collect();
    cases.extend(SPLIT.iter().map(plain).map(Case::splitting));
    // Every kernel of GPUs, at each distance of its columns.
    let half = |row: &Row| {
        let row = *row;
        Case::new(format!("{}_f16", name(&row)), move |gpu| check(gpu, row, Activation::None, Operands::F16))
    };
    cases.extend(ROWS[..38].iter().step_by(2).map(half));
    cases.extend(SPLIT.iter().map(half).map(Case::splitting));
    for activation in [Activation::Relu, Activation::Gelu] {
        cases.extend(
            FUSED.iter().map(|&row| {
                Case::new(format!("{}_{}", name(&row), label(activation)), move |gpu| check(gpu, row, activation, Operands::F32))
            }),
        );
    }
    let scaled = |row: Row, activation: Activation, biased: bool| {
        let with = if biased { "scale_bias" } else { "scale" };
        let name = format!("{}_{with}_{}", name(&row), label(activation));
        Case::new(name, move |gpu| check_scaled(gpu, row, activation, biased))
    };
    cases.extend(
        SCALED.iter().flat_map(|&row| [(Activation::None, false), (Activation::Relu, true)].map(|(f, biased)| scaled(row, f, biased))),
    );
    cases.extend(SPLIT.iter().map(|&row| scaled(row, Activation::Relu, true).splitting()));
    cases.push(Case::new("gradients_of_4_million_pixels", |gpu| gradient_of_long_sums(gpu, kernels::depthwise_conv2d_grad_weight)));
    cases.push(Case::new("refusals", refusals));
    cases
}

fn name(Row(shape, kernel, [stride, padding, dilation]): &Row) -> String {
    format!("{}_{}_s{stride}_p{padding}_d{dilation}", extents(kernel), extents(shape))
}

fn close(what: &str, got: &Tensor, want: &[f64]) -> Checked {
    compared(what, got, want, 7e-7, 1e-7)
}

/// Runs all three kernels on a case, with a bias and `activation` behind the forward pass.
fn check(
    gpu: &Gpu,
    Row(shape, [kernel_h, kernel_w], [stride, padding, dilation]): Row,
    activation: Activation,
    operands: Operands,
) -> Checked {
    let attrs = Conv2dAttrs { stride, padding, dilation, groups: shape[1], operands };
    let meaning = DepthwiseAttrs { stride, padding, dilation };
    let weight_shape = [shape[1], 1, kernel_h, kernel_w];
    poison(gpu, count(shape));
    poison(gpu, count(weight_shape));
    let ((x, x_wide), (w, w_wide)) = (noisy(gpu, 1, shape), noisy(gpu, 2, weight_shape));
    let (b, b_wide) = per_channel(gpu, 3, shape[1]);
    let dims = Conv2dDims::forward(&x, &w, &attrs)?;
    let (x_wide, w_wide) = (held(operands, x_wide), held(operands, w_wide));

    let (sums, output_shape) = definition::depthwise_conv2d(&x_wide, shape, &w_wide, weight_shape, Some(&b_wide), &meaning);
    poison(gpu, sums.len());
    let y = kernels::depthwise_conv2d(&x, &w, &attrs, &Epilogue { activation, ..Epilogue::bias(Some(&b)) })?;
    ensure(y.shape().dims() == output_shape, format!("the output is {}, expected {output_shape:?}", y.shape()))?;
    close("output", &y, &activated(activation, &sums))?;

    let (grad, grad_wide) = noisy(gpu, 4, output_shape);
    let grad_wide = held(operands, grad_wide);
    let want = definition::depthwise_conv2d_grad_input(&grad_wide, shape, &w_wide, weight_shape, &meaning);
    poison(gpu, want.len());
    close("grad_input", &kernels::depthwise_conv2d_grad_input(&dims, &grad, &w)?, &want)?;

    let want = definition::depthwise_conv2d_grad_weight(&grad_wide, &x_wide, shape, weight_shape, &meaning);
    poison(gpu, want.len());
    compared("grad_weight", &kernels::depthwise_conv2d_grad_weight(&dims, &x, &grad)?, &want, 5e-6, 1e-7)
}

/// Runs the forward pass of a case with a scale and, where `biased`, a bias.
fn check_scaled(gpu: &Gpu, row: Row, activation: Activation, biased: bool) -> Checked {
    let Row(shape, [kernel_h, kernel_w], [stride, padding, dilation]) = row;
    let weight_shape = [shape[1], 1, kernel_h, kernel_w];
    let ((x, x_wide), (w, w_wide)) = (noisy(gpu, 1, shape), noisy(gpu, 2, weight_shape));
    let ((scale, scale_wide), (bias, mut bias_wide)) = (per_channel(gpu, 5, shape[1]), per_channel(gpu, 3, shape[1]));
    if !biased {
        bias_wide.fill(0.0);
    }
    let meaning = DepthwiseAttrs { stride, padding, dilation };
    let (sums, output_shape) = definition::depthwise_conv2d(&x_wide, shape, &w_wide, weight_shape, None, &meaning);
    poison(gpu, sums.len());
    let epilogue = Epilogue { scale: Some(&scale), bias: biased.then_some(&bias), activation };
    let y =
        kernels::depthwise_conv2d(&x, &w, &Conv2dAttrs { stride, padding, dilation, groups: shape[1], ..Conv2dAttrs::PLAIN }, &epilogue)?;
    close("output", &y, &activated(activation, &affine(&sums, output_shape, &scale_wide, &bias_wide)))
}

fn refusals(gpu: &Gpu) -> Checked {
    let tensor = |shape: Shape| Tensor::full(gpu, shape, 1.0).unwrap();
    let (x, w, bias) = (tensor([1, 4, 5, 6]), tensor([4, 1, 3, 3]), Tensor::full(gpu, [3], 0.0)?);
    let same = Conv2dAttrs { padding: 1, groups: 4, ..Default::default() };
    kernels::depthwise_conv2d(&x, &w, &same, &Epilogue::default())?;
    let scaled = Epilogue { scale: Some(&bias), ..Epilogue::default() };
    ensure(kernels::depthwise_conv2d(&x, &w, &same, &scaled).is_err(), "a scale of 3 for 4 channels")?;
    let refused = |weight: &Tensor, bias: Option<&Tensor>, attrs: Conv2dAttrs| {
        let message = format!("weight {}, {attrs:?} were not refused", weight.shape());
        ensure(kernels::depthwise_conv2d(&x, weight, &attrs, &Epilogue::bias(bias)).is_err(), message)
    };
    refused(&w, Some(&bias), same)?;
    refused(&tensor([8, 1, 3, 3]), None, same)?;
    refused(&tensor([4, 4, 3, 3]), None, Conv2dAttrs { groups: 1, ..same })?;
    refused(&tensor([4, 2, 3, 3]), None, Conv2dAttrs { groups: 2, ..same })?;
    refused(&w, None, Conv2dAttrs { stride: 0, ..same })?;
    refused(&w, None, Conv2dAttrs { dilation: 9, ..same })?;
    let dims = Conv2dDims::forward(&x, &w, &same)?;
    kernels::depthwise_conv2d_grad_input(&dims, &x, &w)?;
    ensure(kernels::depthwise_conv2d_grad_input(&dims, &tensor([1, 4, 5, 5]), &w).is_err(), "an upstream gradient of 5 columns")?;
    ensure(kernels::depthwise_conv2d_grad_input(&dims, &x, &tensor([4, 1, 1, 1])).is_err(), "another kernel's weight")?;
    ensure(kernels::depthwise_conv2d_grad_weight(&dims, &tensor([1, 4, 6, 5]), &x).is_err(), "an input of other sides")?;
    ensure(kernels::depthwise_conv2d_grad_weight(&dims, &x, &bias).is_err(), "a vector as upstream gradient")?;
    let full = tensor([4, 4, 3, 3]);
    let dense = Conv2dDims::forward(&x, &full, &Conv2dAttrs { groups: 1, ..same })?;
    ensure(kernels::depthwise_conv2d_grad_input(&dense, &x, &full).is_err(), "a dense convolution's input gradient")?;
    ensure(kernels::depthwise_conv2d_grad_weight(&dense, &x, &x).is_err(), "a dense convolution's weight gradient")
}
