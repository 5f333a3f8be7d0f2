//! Convolutions: the forward pass with bias and activation, and the gradients of input, weight and bias.

use meltcore::error::Result;
use meltcore::gpu::Gpu;
use meltcore::kernels::activation::Activation;
use meltcore::kernels::conv2d::{self as kernels, Conv2dAttrs, Conv2dDims};
use meltcore::kernels::epilogue::Epilogue;
use meltcore::kernels::operands::Operands;
use meltcore::reference::batch_norm::affine;
use meltcore::reference::{conv2d as definition, count, place};
use meltcore::tensor::Tensor;

use crate::activation::{activated, label};
use crate::case::{Case, Checked, close as compared, ensure, extents, per_channel};
use crate::conv2d_cases::{FUSED, MANY, ROWS, Row, SCALED, SPLIT, WIDE};
use crate::half::held;
use crate::on_device::{Shape, noisy, poison};

pub fn cases() -> Vec<Case> {
    // Every second input gradient takes a bias, as that of a transposed convolution does.
    let case = |(i, row): (usize, &Row)| {
        let row = *row;
        Case::new(name(&row), move |gpu| check(gpu, &row, Activation::None, i % 2 == 1, Operands::F32))
    };
    let mut cases: Vec<Case> = ROWS.iter().chain(MANY).enumerate().map(case).collect();
    cases.extend(SPLIT.iter().enumerate().map(case).map(Case::splitting));
    let half = |(i, row): (usize, &Row)| {
        let row = *row;
        Case::new(format!("{}_f16", name(&row)), move |gpu| check(gpu, &row, Activation::None, i % 2 == 1, Operands::F16))
    };
    cases.extend(ROWS.iter().step_by(3).chain(WIDE).enumerate().map(half));
    cases.extend(SPLIT.iter().enumerate().map(half).map(Case::splitting));
    for &(row, activations) in FUSED {
        cases.extend(activations.iter().map(|&activation| {
            Case::new(format!("{}_{}", name(&row), label(activation)), move |gpu| check(gpu, &row, activation, false, Operands::F32))
        }));
    }
    let scaled = |row: Row, activation: Activation, biased: bool| {
        let with = if biased { "scale_bias" } else { "scale" };
        let name = format!("{}_{with}_{}", name(&row), label(activation));
        Case::new(name, move |gpu| check_scaled(gpu, &row, activation, biased, Operands::F32))
    };
    let activations = [Activation::Relu, Activation::Gelu];
    cases.extend(WIDE.iter().zip(activations).map(|(row, activation)| {
        let name = format!("{}_scale_bias_{}_f16", name(row), label(activation));
        Case::new(name, move |gpu| check_scaled(gpu, row, activation, true, Operands::F16))
    }));
    cases.extend(SCALED.iter().flat_map(|&(row, activation)| [true, false].map(|biased| scaled(row, activation, biased))));
    cases.extend(SPLIT.iter().map(|&row| scaled(row, Activation::Relu, true).splitting()));
    cases.push(Case::new("gradients_of_4_million_pixels", |gpu| {
        gradient_of_long_sums(gpu, kernels::conv2d_grad_weight)?;
        let (ones, pixels) = long_ones(gpu)?;
        compared("grad_bias of ones", &kernels::conv2d_grad_bias(&ones)?, &[pixels], 0.0, 0.0)
    }));
    let spans = Row([2, 34, 70, 72], 36, [3, 3], [1, 1, 1, 1]);
    cases.push(Case::new(format!("{}_in_many_spans", name(&spans)), move |gpu| check(gpu, &spans, Activation::None, false, Operands::F32)));
    cases.push(Case::new("bits_of_an_image_beside_others", beside_others));
    cases.push(Case::new("refusals", refusals));
    cases
}

fn name(Row(shape, c_out, kernel, [stride, padding, dilation, groups]): &Row) -> String {
    let mut name = format!("{}_{}_to_{c_out}", extents(kernel), extents(shape));
    for (letter, value, plain) in [("s", stride, 1), ("p", padding, 0), ("d", dilation, 1), ("g", groups, 1)] {
        if *value != plain {
            name += &format!("_{letter}{value}");
        }
    }
    name
}

fn close(what: &str, got: &Tensor, want: &[f64]) -> Checked {
    compared(what, got, want, 2e-6, 1e-7)
}

/// Runs all four kernels on a case with `activation` behind the forward pass. The input gradient takes a bias where `transposed`.
fn check(gpu: &Gpu, row: &Row, activation: Activation, transposed: bool, operands: Operands) -> Checked {
    let &Row(shape, c_out, [kernel_h, kernel_w], [stride, padding, dilation, groups]) = row;
    let weight_shape = [c_out, shape[1] / groups, kernel_h, kernel_w];
    let attrs = Conv2dAttrs { stride, padding, dilation, groups, operands };
    let meaning = definition::Conv2dAttrs { stride, padding, dilation, groups };
    // Pad elements behind the inputs' last are not zeros, either.
    poison(gpu, count(shape));
    poison(gpu, count(weight_shape));
    let ((x, x_wide), (w, w_wide)) = (noisy(gpu, 1, shape), noisy(gpu, 2, weight_shape));
    let (b, b_wide) = per_channel(gpu, 3, c_out);
    let (x_wide, w_wide) = (held(operands, x_wide), held(operands, w_wide));
    let (sums, output_shape) = definition::conv2d(&x_wide, shape, &w_wide, weight_shape, Some(&b_wide), &meaning);
    poison(gpu, sums.len());
    let y = kernels::conv2d(&x, &w, &attrs, &Epilogue { activation, ..Epilogue::bias(Some(&b)) })?;
    ensure(y.shape().dims() == output_shape, format!("the output is {}, expected {output_shape:?}", y.shape()))?;
    close("output", &y, &activated(activation, &sums))?;

    let dims = Conv2dDims::forward(&x, &w, &attrs)?;
    let (grad, grad_wide) = noisy(gpu, 4, output_shape);
    let grad_operand = held(operands, grad_wide.clone());
    let mut want = definition::conv2d_grad_input(&grad_operand, shape, &w_wide, weight_shape, &meaning);
    let (extra, extra_wide) = per_channel(gpu, 3, shape[1]);
    if transposed {
        want.iter_mut().enumerate().for_each(|(position, value)| *value += extra_wide[place(shape, position)[1]]);
    }
    poison(gpu, want.len());
    close("grad_input", &kernels::conv2d_grad_input(&dims, &grad, &w, transposed.then_some(&extra))?, &want)?;

    let want = definition::conv2d_grad_weight(&grad_operand, &x_wide, shape, weight_shape, &meaning);
    poison(gpu, want.len());
    // Over so many images of one pixel a sum is one long chain: the host's of the weight's gradient, WGSL's of the bias's.
    let rtol = if shape[0] > 65_535 { 2e-5 } else { 3e-6 };
    compared("grad_weight", &kernels::conv2d_grad_weight(&dims, &x, &grad)?, &want, rtol, 1e-7)?;
    poison(gpu, c_out);
    compared("grad_bias", &kernels::conv2d_grad_bias(&grad)?, &definition::conv2d_grad_bias(&grad_wide, output_shape), rtol, 1e-7)
}

/// Runs the forward pass of a case with a scale and, where `biased`, a bias.
fn check_scaled(gpu: &Gpu, row: &Row, activation: Activation, biased: bool, operands: Operands) -> Checked {
    let &Row(shape, c_out, [kernel_h, kernel_w], [stride, padding, dilation, groups]) = row;
    let weight_shape = [c_out, shape[1] / groups, kernel_h, kernel_w];
    let ((x, x_wide), (w, w_wide)) = (noisy(gpu, 1, shape), noisy(gpu, 2, weight_shape));
    let ((scale, scale_wide), (bias, mut bias_wide)) = (per_channel(gpu, 5, c_out), per_channel(gpu, 3, c_out));
    if !biased {
        bias_wide.fill(0.0);
    }
    let meaning = definition::Conv2dAttrs { stride, padding, dilation, groups };
    let (x_wide, w_wide) = (held(operands, x_wide), held(operands, w_wide));
    let (sums, output_shape) = definition::conv2d(&x_wide, shape, &w_wide, weight_shape, None, &meaning);
    poison(gpu, sums.len());
    let epilogue = Epilogue { scale: Some(&scale), bias: biased.then_some(&bias), activation };
    let y = kernels::conv2d(&x, &w, &Conv2dAttrs { stride, padding, dilation, groups, operands }, &epilogue)?;
    close("output", &y, &activated(activation, &affine(&sums, output_shape, &scale_wide, &bias_wide)))
}

/// An image's output and gradient have the same bits alone and among others, however the work is shared out.
fn beside_others(gpu: &Gpu) -> Checked {
    for (shape, c_out, kernel) in [([3, 300, 3, 4], 260, 1), ([3, 280, 5, 4], 300, 3), ([3, 40, 9, 7], 33, 3), ([3, 5, 9, 7], 6, 3)] {
        let ((x, _), (w, _)) = (noisy(gpu, 1, shape), noisy(gpu, 2, [c_out, shape[1], kernel, kernel]));
        for operands in [Operands::F32, Operands::F16] {
            let attrs = Conv2dAttrs { padding: kernel / 2, operands, ..Conv2dAttrs::PLAIN };
            let both = |x: &Tensor| -> Result<[Vec<f32>; 2]> {
                let y = kernels::conv2d(x, &w, &attrs, &Epilogue::default())?;
                let gradient = kernels::conv2d_grad_input(&Conv2dDims::forward(x, &w, &attrs)?, &y, &w, None)?;
                Ok([y.to_vec()?, gradient.to_vec()?])
            };
            let last = Tensor::from_slice(gpu, [1, shape[1], shape[2], shape[3]], &x.to_vec()?[2 * x.len() / 3..])?;
            for (among, alone) in both(&x)?.iter().zip(both(&last)?) {
                ensure(among[2 * among.len() / 3..] == alone, format!("{shape:?} to {c_out}, {operands:?}"))?;
            }
        }
    }
    Ok(())
}

/// A plane of ones over which sums must be split, as Mesa's software device ends loops after 65 535 trips, and its pixels.
fn long_ones(gpu: &Gpu) -> Result<(Tensor, f64)> {
    let shape: Shape = [1, 1, 2049, 2053];
    Ok((Tensor::full(gpu, shape, 1.0)?, count(shape) as f64))
}

/// Weight gradients, whole numbers below 2²⁴, of a plane whose sums are split, by a kernel that takes the input and the output's gradient.
pub fn gradient_of_long_sums(gpu: &Gpu, grad_weight: fn(&Conv2dDims, &Tensor, &Tensor) -> Result<Tensor>) -> Checked {
    let (ones, _) = long_ones(gpu)?;
    let [_, _, rows, cols] = ones.nchw("ones")?;
    for (kernel, padding) in [(1, 0), (3, 1)] {
        let weight = Tensor::full(gpu, [1, 1, kernel, kernel], 1.0)?;
        let dims = Conv2dDims::forward(&ones, &weight, &Conv2dAttrs { padding, ..Default::default() })?;
        let side = |extent: usize, at: usize| (extent - at.abs_diff(padding)) as f64;
        let want: Vec<f64> = (0..kernel * kernel).map(|tap| side(rows, tap / kernel) * side(cols, tap % kernel)).collect();
        compared("grad_weight of ones", &grad_weight(&dims, &ones, &ones)?, &want, 0.0, 0.0)?;
    }
    Ok(())
}

fn refusals(gpu: &Gpu) -> Checked {
    let tensor = |shape: Shape| Tensor::full(gpu, shape, 1.0).unwrap();
    let (x, w, bias) = (tensor([1, 4, 5, 6]), tensor([3, 4, 3, 3]), Tensor::full(gpu, [4], 0.0)?);
    let same = Conv2dAttrs { padding: 1, ..Default::default() };
    let plain = Epilogue::default();
    kernels::conv2d(&x, &w, &same, &plain)?;
    ensure(kernels::conv2d(&x, &w, &same, &Epilogue::bias(Some(&bias))).is_err(), "a bias of 4 for 3 channels")?;
    ensure(kernels::conv2d(&x, &w, &same, &Epilogue { scale: Some(&bias), ..plain }).is_err(), "a scale of 4 for 3 channels")?;
    ensure(kernels::conv2d(&x, &tensor([3, 3, 3, 3]), &same, &plain).is_err(), "a weight for 3 channels")?;
    for attrs in [
        Conv2dAttrs { groups: 0, ..same },
        Conv2dAttrs { groups: 2, ..same },
        Conv2dAttrs { stride: 0, ..same },
        Conv2dAttrs { dilation: 0, ..same },
        Conv2dAttrs { dilation: 4, ..same },
    ] {
        ensure(kernels::conv2d(&x, &w, &attrs, &plain).is_err(), format!("{attrs:?}"))?;
    }
    let (dims, y) = (Conv2dDims::forward(&x, &w, &same)?, tensor([1, 3, 5, 6]));
    kernels::conv2d_grad_input(&dims, &y, &w, None)?;
    ensure(kernels::conv2d_grad_input(&dims, &x, &w, None).is_err(), "an upstream gradient of 4 channels")?;
    ensure(kernels::conv2d_grad_input(&dims, &y, &tensor([3, 4, 1, 1]), None).is_err(), "another kernel's weight")?;
    ensure(kernels::conv2d_grad_weight(&dims, &x, &x).is_err(), "the input as upstream gradient")?;
    ensure(kernels::conv2d_grad_bias(&bias).is_err(), "a vector as upstream gradient")
}
