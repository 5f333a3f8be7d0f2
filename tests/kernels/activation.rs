//! The element-wise activations and their gradients; and what other families need to know of them.

use meltcore::autograd::Tape;
use meltcore::gpu::Gpu;
use meltcore::kernels::conv2d::Conv2dAttrs;
use meltcore::ops::{self, Activation};
use meltcore::reference::activation as definition;
use meltcore::tensor::Tensor;

use crate::case::{Case, Checked, close, ensure};
use crate::gradcheck::slopes;
use crate::graphs::{Leaf, leaf, normalised, wrong_number};
use crate::graphs_in_f64::{Map, SAME};
use crate::on_device::{noise, poison, wide};

const KINDS: [Activation; 9] = [
    Activation::Relu,
    Activation::Gelu,
    Activation::Sigmoid,
    Activation::Tanhshelf,
    Activation::Sigmoidcutoff,
    Activation::Silu,
    Activation::ClampedExp,
    Activation::LeakyRelu(0.2),
    Activation::LeakyRelu(-1.5),
];

/// An activation by its definition.
pub fn activated(kind: Activation, x: &[f64]) -> Vec<f64> {
    match kind {
        Activation::None => x.to_vec(),
        Activation::Relu => definition::relu(x),
        Activation::Gelu => definition::gelu(x),
        Activation::Sigmoid => definition::sigmoid(x),
        Activation::Tanhshelf => definition::tanhshelf(x),
        Activation::Sigmoidcutoff => definition::sigmoidcutoff(x),
        Activation::Silu => definition::silu(x),
        Activation::ClampedExp => definition::clamped_exp(x),
        Activation::LeakyRelu(slope) => definition::leaky_relu(x, slope.into()),
    }
}

/// The gradient of an activation's input by its definition.
pub fn activation_grad(kind: Activation, grad: &[f64], x: &[f64]) -> Vec<f64> {
    match kind {
        Activation::None => grad.to_vec(),
        Activation::Relu => definition::relu_grad_input(grad, x),
        Activation::Gelu => definition::gelu_grad_input(grad, x),
        Activation::Sigmoid => definition::sigmoid_grad_input(grad, x),
        Activation::Tanhshelf => definition::tanhshelf_grad_input(grad, x),
        Activation::Sigmoidcutoff => definition::sigmoidcutoff_grad_input(grad, x),
        Activation::Silu => definition::silu_grad_input(grad, x),
        Activation::ClampedExp => definition::clamped_exp_grad_input(grad, x),
        Activation::LeakyRelu(slope) => definition::leaky_relu_grad_input(grad, x, slope.into()),
    }
}

/// An activation's name among the cases.
pub fn label(kind: Activation) -> String {
    format!("{kind:?}").to_lowercase()
}

pub fn cases() -> Vec<Case> {
    let tails = KINDS.map(|kind| Case::new(format!("{}_far_into_both_tails", label(kind)), move |gpu| far_into_both_tails(gpu, kind)));
    let extremes = KINDS.map(|kind| Case::new(format!("{}_of_huge_values_and_nan", label(kind)), move |gpu| huge_values(gpu, kind)));
    let images = [[7, 1, 9, 9], [3, 4, 13, 47]].map(|shape| {
        Case::new(format!("images_{}", shape.map(|side| side.to_string()).join("x")), move |gpu| of_images(gpu, shape)).splitting()
    });
    let graphs = [("graph_leaky_relu", graph_leaky_relu as fn(&Gpu) -> Checked), ("leaky_relu_with_a_slope_of_0_is_relu", slope_of_0)];
    let graphs = graphs.map(|(name, run)| Case::new(name, run));
    tails.into_iter().chain(extremes).chain(images).chain(graphs).collect()
}

const LEAKY: &[Leaf] = &[
    leaf(41, "x", &[2, 3, 9, 11], 0.0, 1.0),
    leaf(42, "weight", &[4, 3, 3, 3], 0.0, 0.5),
    leaf(43, "bias", &[4], 0.1, 0.4),
    leaf(44, "norm.weight", &[4], 1.0, 0.4),
    leaf(45, "norm.bias", &[4], 0.0, 0.4),
];

/// Behind a convolution in its pass, behind a batch norm in its pass, and on its own.
fn graph_leaky_relu(gpu: &Gpu) -> Checked {
    let graph = |tape: &Tape, leaves: &[Tensor]| {
        let [x, weight, bias, norm_weight, norm_bias] = leaves else { return Err(wrong_number(leaves)) };
        let same = Conv2dAttrs { padding: 1, ..Default::default() };
        let h = ops::conv2d(tape, &ops::leaky_relu(tape, x, 0.01)?, weight, Some(bias), &same, Activation::LeakyRelu(0.3))?;
        normalised(tape, &h, norm_weight, norm_bias, Activation::LeakyRelu(0.2))
    };
    let bent = |map: Map, slope: f32| Map { values: definition::leaky_relu(&map.values, slope.into()), ..map };
    slopes(gpu, LEAKY, &graph, &|leaves| {
        let [x, weight, bias, norm_weight, norm_bias] = leaves else { panic!("5 leaves, not {}", leaves.len()) };
        let h = bent(bent(x.clone(), 0.01).conv2d(weight, Some(bias), SAME), 0.3);
        bent(h.normalised(norm_weight, norm_bias), 0.2).sum()
    })
}

fn slope_of_0(gpu: &Gpu) -> Checked {
    for slope in [0.0, -0.0] {
        check(gpu, Activation::LeakyRelu(slope), &[5], &[-2.0, 3.0, 0.0, -1e-30, 1e-30])?;
    }
    Ok(())
}

/// Tolerances of the output and of the gradient as shares of the largest value. Of sigmoidcutoff, the power's rounding is what counts.
fn tolerances(kind: Activation) -> [f64; 2] {
    match kind {
        Activation::None | Activation::Relu => [0.0; 2],
        Activation::Sigmoidcutoff => [1.3e-6, 2e-6],
        _ => [8e-7; 2],
    }
}

/// Runs an activation and its gradient for an upstream one, and compares both.
fn check(gpu: &Gpu, kind: Activation, shape: &[usize], values: &[f32]) -> Checked {
    let [output, gradient] = tolerances(kind);
    let x = Tensor::from_slice(gpu, shape, values)?;
    let grad = noise(2, values.len());
    let tape = Tape::recording();
    tape.watch(&x);
    poison(gpu, values.len());
    let y = ops::activation(&tape, kind, &x)?;
    close("output", &y, &activated(kind, &wide(values)), output, 1e-30)?;
    let gradients = tape.backward(&[(&y, Tensor::from_slice(gpu, shape, &grad)?)])?;
    let want = activation_grad(kind, &wide(&grad), &wide(values));
    close("gradient", gradients.get(&x).ok_or("no gradient")?, &want, gradient, 1e-30)
}

fn far_into_both_tails(gpu: &Gpu, kind: Activation) -> Checked {
    let mut values: Vec<f32> = noise(1, 1001).iter().map(|v| 9.0 * v).collect();
    values.extend([0.0, -0.0, 1e-30, -1e-30]);
    check(gpu, kind, &[values.len()], &values)?;
    // Apart, since GELU of 60 would hide the errors of all others.
    check(gpu, kind, &[2], &[60.0, -60.0])
}

/// Several images of sides whose rows and planes end anywhere.
fn of_images(gpu: &Gpu, shape: [usize; 4]) -> Checked {
    check(gpu, Activation::Gelu, &shape, &noise(1, shape.iter().product()))
}

fn huge_values(gpu: &Gpu, kind: Activation) -> Checked {
    let x = Tensor::from_slice(gpu, [3], &[1e30, -1e30, f32::NAN])?;
    let tape = Tape::recording();
    tape.watch(&x);
    let y = ops::activation(&tape, kind, &x)?;
    let gradients = tape.backward(&[(&y, Tensor::full(gpu, [3], 2.0)?)])?;
    let (y, slope) = (y.to_vec()?, gradients.get(&x).ok_or("no gradient")?.to_vec()?);
    if kind == Activation::ClampedExp {
        ensure((y[0] - 100.0).abs() < 1e-4, format!("of 1e30: {}, expected 100", y[0]))?;
    }
    let top = match kind {
        Activation::Relu | Activation::Gelu | Activation::Silu | Activation::LeakyRelu(_) => [1e30, 2.0],
        Activation::Sigmoid => [1.0, 0.0],
        Activation::ClampedExp => [y[0], 0.0],
        _ => [0.0, 0.0],
    };
    ensure([y[0], slope[0]] == top, format!("of 1e30: {} with slope {}, expected {top:?}", y[0], slope[0]))?;
    let bottom = match kind {
        Activation::LeakyRelu(below) => [-1e30 * below, 2.0 * below],
        _ => [0.0, 0.0],
    };
    ensure([y[1], slope[1]] == bottom, format!("of -1e30: {} with slope {}, expected {bottom:?}", y[1], slope[1]))?;
    ensure(y[2].is_nan(), "NaN is hidden")
}
