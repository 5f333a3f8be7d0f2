//! Pooling, resampling, padding and concatenation on the device, against the f64 references.

mod on_device;

use meltcore::autograd::Tape;
use meltcore::error::Result;
use meltcore::ops::{self, Activation, BatchNormAttrs, Interpolation, Sides, Target, Window};
use meltcore::reference::interpolate::{InterpolateMode, InterpolateSize};
use meltcore::reference::{adaptive_avg_pool2d as avg, cat, interpolate as resize, max_pool2d as pool, pad};
use meltcore::tensor::Tensor;
use on_device::{SHAPES, Shape, assert_close, gpu, noise, noisy, wide};

/// More planes than workgroups fit along one axis.
const MANY_PLANES: Shape = [1, 66_001, 2, 3];
/// More pixels than 65 535 workgroups of 64 hold.
const MANY_PIXELS: Shape = [1, 2, 1449, 1451];

/// Compares an op of one input, and its gradient, with what the references give.
fn check(
    label: String,
    shape: Shape,
    rtol: f64,
    op: impl Fn(&Tape, &Tensor) -> Result<Tensor>,
    forward: impl Fn(&[f64]) -> (Vec<f64>, Shape),
    backward: impl Fn(&[f64], &[f64]) -> Vec<f64>,
) {
    let gpu = gpu();
    let (x, values) = noisy(&gpu, 1, shape);
    let tape = Tape::recording();
    tape.watch(&x);
    let y = op(&tape, &x).unwrap();
    let (want, output_shape) = forward(&values);
    assert_eq!(y.shape().dims(), output_shape, "{label}");
    assert_close(&label, &y, &want, rtol);
    let (seed, upstream) = noisy(&gpu, 2, output_shape);
    let gradients = tape.backward(&[(&y, seed)]).unwrap();
    assert_close(&format!("gradient of {label}"), gradients.get(&x).unwrap(), &backward(&upstream, &values), rtol);
}

#[test]
fn max_pool2d_follows_the_reference() {
    for &shape in SHAPES.iter().chain(&[MANY_PIXELS, [1, 3, 9, 16]]) {
        for (kernel, stride, padding) in [(2, 2, 0), (3, 2, 1), (3, 1, 1), (1, 2, 0), (5, 3, 2)] {
            if kernel > shape[2].min(shape[3]) + 2 * padding || shape == MANY_PIXELS && stride != 1 {
                continue;
            }
            let attrs = pool::MaxPool2dAttrs { kernel, stride, padding };
            check(
                format!("max_pool2d {shape:?} {attrs:?}"),
                shape,
                1e-6,
                |tape, x| ops::max_pool2d(tape, x, Window { kernel, stride, padding }),
                |x| pool::max_pool2d(x, shape, &attrs),
                |grad, x| pool::max_pool2d_grad_input(grad, x, shape, &attrs),
            );
        }
    }
}

#[test]
fn max_pool2d_refuses_windows_that_do_not_fit_and_lets_nan_through() {
    let gpu = gpu();
    let x = Tensor::from_slice(&gpu, [1, 1, 2, 4], &[1.0, f32::NAN, 3.0, 3.0, 2.0, 5.0, 3.0, 3.0]).unwrap();
    for (kernel, stride, padding) in [(3, 1, 0), (2, 0, 0), (2, 2, 2), (0, 1, 0)] {
        assert!(ops::max_pool2d(&Tape::off(), &x, Window { kernel, stride, padding }).is_err());
    }
    let y = ops::max_pool2d(&Tape::off(), &x, Window { kernel: 2, stride: 2, padding: 0 }).unwrap().to_vec().unwrap();
    assert!(y[0].is_nan() && y[1] == 3.0, "{y:?}");
}

#[test]
fn adaptive_avg_pool2d_follows_the_reference() {
    for &shape in SHAPES.iter().chain(&[MANY_PLANES]) {
        check(
            format!("adaptive_avg_pool2d {shape:?}"),
            shape,
            1e-5,
            ops::adaptive_avg_pool2d,
            |x| avg::adaptive_avg_pool2d(x, shape),
            |grad, _| avg::adaptive_avg_pool2d_grad_input(grad, shape),
        );
    }
}

#[test]
fn interpolate_follows_the_reference() {
    for &shape in SHAPES.iter().chain(&[MANY_PIXELS]) {
        let [_, _, h, w] = shape;
        let sizes = [[1, 1], [2 * h, 2 * w], [h, w], [h + 7, w + 3], [h.div_ceil(3), w.div_ceil(2)]].map(Target::Size);
        for target in sizes.into_iter().chain([2.0, 4.0, 1.7].map(Target::Scale)) {
            if shape == MANY_PIXELS && target != Target::Size([h, w]) {
                continue;
            }
            let size = match target {
                Target::Size(size) => InterpolateSize::Size(size),
                Target::Scale(factor) => InterpolateSize::ScaleFactor(factor),
            };
            for (mode, truth) in [
                (Interpolation::Nearest, InterpolateMode::Nearest),
                (Interpolation::Bilinear, InterpolateMode::Bilinear { align_corners: false }),
                (Interpolation::BilinearAligned, InterpolateMode::Bilinear { align_corners: true }),
            ] {
                // Coordinates around 100 in f32 leave shares with errors of 1e-5.
                check(
                    format!("interpolate {shape:?} {target:?} {mode:?}"),
                    shape,
                    1e-4,
                    |tape, x| ops::interpolate(tape, x, target, mode),
                    |x| resize::interpolate(x, shape, truth, size),
                    |grad, _| resize::interpolate_grad_input(grad, shape, truth, size),
                );
            }
        }
    }
}

/// Mesa's software device ends loops after 65 535 trips: a pixel that more outputs use must be refused there, not summed in part.
#[test]
fn interpolate_refuses_gradients_that_a_loop_cannot_sum() {
    let gpu = gpu();
    let (x, target) = (Tensor::full(&gpu, [1, 1, 1, 1], 1.0).unwrap(), Target::Size([300, 300]));
    let tape = Tape::recording();
    tape.watch(&x);
    let y = ops::interpolate(&tape, &x, target, Interpolation::BilinearAligned).unwrap();
    let gradients = tape.backward(&[(&y, Tensor::full(&gpu, y.shape(), 1.0).unwrap())]);
    match gradients {
        Ok(gradients) => assert_close("gradient", gradients.get(&x).unwrap(), &[90_000.0], 1e-5),
        Err(error) => assert!(gpu.capabilities().software && error.to_string().contains("too long"), "{error}"),
    }
}

#[test]
fn pad_follows_the_reference() {
    for &shape in SHAPES.iter().chain(&[MANY_PIXELS]) {
        for [left, right, top, bottom] in [[0, 0, 0, 0], [1, 0, 0, 2], [4, 8, 1, 0], [3, 2, 5, 1]] {
            if shape == MANY_PIXELS && left != 1 {
                continue;
            }
            let attrs = pad::PadAttrs { left, right, top, bottom };
            check(
                format!("pad {shape:?} {attrs:?}"),
                shape,
                0.0,
                |tape, x| ops::pad(tape, x, Sides { left, right, top, bottom }),
                |x| pad::pad(x, shape, &attrs),
                |grad, _| pad::pad_grad_input(grad, shape, &attrs),
            );
        }
    }
}

#[test]
fn cat_pads_smaller_planes_and_slices_the_gradient() {
    let gpu = gpu();
    for (a_shape, b_shape) in [
        ([2, 3, 41, 47], [2, 2, 41, 47]),
        ([2, 3, 41, 47], [2, 5, 40, 46]),
        ([1, 4, 8, 12], [1, 1, 8, 12]),
        ([3, 1, 9, 12], [3, 2, 6, 4]),
        ([1, 1, 1, 1], [1, 7, 1, 1]),
    ] {
        let ((a, a_values), (b, b_values)) = (noisy(&gpu, 1, a_shape), noisy(&gpu, 2, b_shape));
        let [below, beside] = [2, 3].map(|axis| a_shape[axis] - b_shape[axis]);
        let sides = pad::PadAttrs { left: beside / 2, right: beside - beside / 2, top: below / 2, bottom: below - below / 2 };
        let (padded, padded_shape) = pad::pad(&b_values, b_shape, &sides);
        let (want, shape) = cat::cat(&a_values, a_shape, &padded, padded_shape);
        let tape = Tape::recording();
        tape.watch(&a);
        tape.watch(&b);
        let y = ops::cat_padded(&tape, &[&a, &b]).unwrap();
        assert_eq!(y.shape().dims(), shape);
        assert_close("cat", &y, &want, 0.0);
        let (seed, upstream) = noisy(&gpu, 3, shape);
        let gradients = tape.backward(&[(&y, seed)]).unwrap();
        let (grad_a, grad_padded) = cat::cat_grad_inputs(&upstream, a_shape, padded_shape);
        assert_close("grad a", gradients.get(&a).unwrap(), &grad_a, 0.0);
        assert_close("grad b", gradients.get(&b).unwrap(), &pad::pad_grad_input(&grad_padded, b_shape, &sides), 0.0);
        assert_eq!(ops::cat(&Tape::off(), &[&a, &b]).is_ok(), below + beside == 0);
        assert_eq!(ops::cat_padded(&Tape::off(), &[&b, &a]).is_ok(), below + beside == 0);
    }
    assert!(ops::cat(&Tape::off(), &[]).is_err());
}

/// One side of a U-Net: normalise, pool, bring back to size, join with the skip, activate; scaled by 0.7 before the sum.
fn graph(tape: &Tape, x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (mean, var) = (Tensor::full(x.gpu(), weight.shape(), 0.0)?, Tensor::full(x.gpu(), weight.shape(), 1.0)?);
    let attrs = BatchNormAttrs { training: true, momentum: 0.1, eps: 1e-3, activation: Activation::Gelu };
    let skip = ops::batch_norm(tape, x, weight, bias, &mean, &var, &attrs)?;
    let deep = ops::max_pool2d(tape, &skip, Window { kernel: 2, stride: 2, padding: 0 })?;
    let up = ops::interpolate(tape, &deep, Target::Scale(2.0), Interpolation::BilinearAligned)?;
    let joined = ops::cat_padded(tape, &[&skip, &up])?;
    ops::tanhshelf(tape, &ops::add(tape, &joined, &joined)?)
}

#[test]
fn gradients_in_the_middle_of_a_graph_match_finite_differences() {
    const SCALE: f32 = 0.7;
    let (gpu, shape, c) = (gpu(), [2, 3, 9, 11], 3);
    // A seed without near ties in the pooling windows, where the differences would straddle a kink.
    let base = [noise(11, shape.iter().product()), noise(2, c).iter().map(|v| 1.0 + 0.3 * v).collect(), noise(3, c)];
    let directions: Vec<Vec<f32>> = base.iter().zip(4..).map(|(values, seed)| noise(seed, values.len())).collect();
    // The points where a parameter is moved by `step` along its direction, and the scaled sum of all outputs there.
    let tensors = |moved: usize, step: f32| -> [Tensor; 3] {
        [0, 1, 2].map(|i| {
            let step = if i == moved { step } else { 0.0 };
            let values: Vec<f32> = base[i].iter().zip(&directions[i]).map(|(value, d)| value + step * d).collect();
            if i == 0 { Tensor::from_slice(&gpu, shape, &values) } else { Tensor::from_slice(&gpu, [c], &values) }.unwrap()
        })
    };
    let loss = |moved: usize, step: f32| -> f64 {
        let [x, weight, bias] = tensors(moved, step);
        let y = graph(&Tape::off(), &x, &weight, &bias).unwrap().to_vec().unwrap();
        f64::from(SCALE) * wide(&y).iter().sum::<f64>()
    };
    let leaves = tensors(0, 0.0);
    let tape = Tape::recording();
    leaves.iter().for_each(|leaf| tape.watch(leaf));
    let y = graph(&tape, &leaves[0], &leaves[1], &leaves[2]).unwrap();
    let gradients = tape.backward(&[(&y, Tensor::full(&gpu, y.shape(), SCALE).unwrap())]).unwrap();
    for (i, leaf) in leaves.iter().enumerate() {
        let gradient = gradients.get(leaf).unwrap().to_vec().unwrap();
        let slope: f64 = gradient.iter().zip(&directions[i]).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
        const STEP: f32 = 2e-3;
        let numeric = (loss(i, STEP) - loss(i, -STEP)) / (2.0 * f64::from(STEP));
        assert!((slope - numeric).abs() <= 2e-2 * numeric.abs().max(0.5), "argument {i}: tape {slope}, differences {numeric}");
    }
}
