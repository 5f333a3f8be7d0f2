//! linear, layer_norm and softmax: ops over rows of values.

use meltcore::autograd::Tape;
use meltcore::gpu::Gpu;
use meltcore::kernels::operands::Operands;
use meltcore::ops::{self, Activation};
use meltcore::reference::layer_norm::{layer_norm, layer_norm_grad_bias, layer_norm_grad_input, layer_norm_grad_weight};
use meltcore::reference::linear::{linear, linear_grad_bias, linear_grad_input, linear_grad_weight};
use meltcore::reference::softmax::{softmax, softmax_grad_input};
use meltcore::tensor::Tensor;

use crate::activation::{activated, activation_grad};
use crate::case::{Case, Checked, Definition, ensure, extents};
use crate::gradcheck::slopes;
use crate::graphs::{Leaf, leaf, wrong_number};
use crate::graphs_in_f64::Map;
use crate::half::held;

/// Rows of a linear layer, and the channels that it gives: single ones, odd numbers, whole tiles, spans of rows.
const LINEAR: &[(&[usize], usize)] = &[
    (&[1, 1], 1),
    (&[3], 5),
    (&[2, 41, 47], 3),
    (&[5, 8], 12),
    (&[3, 1, 7, 9], 1),
    (&[7, 1], 6),
    (&[2, 300, 16], 8),
    (&[130, 33], 65),
    (&[3, 40], 66),
    (&[70, 36], 68),
    (&[3, 99, 72], 130),
];

/// More rows than 65 535 workgroups have tiles for.
const MANY_ROWS: &[usize] = &[3, 5_600_000, 1];

/// Rows of a layer norm: single ones, odd lengths, as long as a workgroup and longer, spans of rows.
const NORMS: &[&[usize]] = &[&[1, 1], &[3], &[2, 41, 47], &[5, 8], &[3, 2, 7, 9], &[4, 64], &[2, 1, 257], &[3, 768], &[1000, 16]];

/// Shapes and axes of a softmax: classes, tokens, single ones, more lines than a workgroup has.
const SOFTMAX: &[(&[usize], usize)] = &[
    (&[1, 1, 1, 1], 1),
    (&[2, 4, 41, 47], 1),
    (&[1, 3, 5, 8], 1),
    (&[2, 2, 33, 33], 1),
    (&[3, 7, 49], 2),
    (&[2, 3, 5, 130], 3),
    (&[9, 2], 1),
    (&[6, 5], 0),
    (&[41], 0),
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (i, &(rows, c_out)) in LINEAR.iter().enumerate() {
        let name = format!("linear_{}_to_{c_out}", extents(rows));
        cases.push(Case::new(name, move |gpu| linear_layer(gpu, rows, c_out, i % 2 == 0, Activation::None, Operands::F32)));
        let name = format!("linear_{}_to_{c_out}_f16", extents(rows));
        cases.push(Case::new(name, move |gpu| linear_layer(gpu, rows, c_out, i % 2 == 0, Activation::None, Operands::F16)));
    }
    for kind in [Activation::Relu, Activation::LeakyRelu(0.2), Activation::Gelu] {
        let name = format!("linear_and_{kind:?}").to_lowercase();
        cases.push(Case::new(name, move |gpu| linear_layer(gpu, &[2, 9, 10], 7, kind != Activation::Relu, kind, Operands::F32)));
    }
    cases.push(Case::new("linear_of_many_rows", many_rows));
    for operands in [Operands::F32, Operands::F16] {
        let name = format!("linear_20x40x20_to_9_{operands:?}").to_lowercase();
        cases.push(Case::new(name, move |gpu| linear_layer(gpu, &[20, 40, 20], 9, true, Activation::None, operands)).splitting());
    }
    for &rows in NORMS {
        cases.push(Case::new(format!("layer_norm_{}", extents(rows)), move |gpu| normalised(gpu, rows, 0.0)));
    }
    cases.push(Case::new("layer_norm_of_rows_far_from_0", |gpu| normalised(gpu, &[2, 9, 40], 300.0)));
    cases.push(Case::new("layer_norm_20x13x20", |gpu| normalised(gpu, &[20, 13, 20], 0.0)).splitting());
    cases.push(Case::new("layer_norm_20x30x20", |gpu| normalised(gpu, &[20, 30, 20], 0.0)).splitting());
    for &(shape, dim) in SOFTMAX {
        cases.push(Case::new(format!("softmax_{}_axis_{dim}", extents(shape)), move |gpu| softmax_along(gpu, shape, dim)));
    }
    cases.push(Case::new("softmax_40x3x9x31_axis_1", |gpu| softmax_along(gpu, &[40, 3, 9, 31], 1)).splitting());
    cases.push(Case::new("softmax_of_many_lines", |gpu| softmax_along(gpu, &[1, 2, 2051, 2049], 1)));
    cases.push(Case::new("softmax_of_huge_values", huge_values));
    cases.push(Case::new("graph_rows", graph_rows));
    cases.push(Case::new("refusals", refusals));
    cases
}

fn linear_layer(gpu: &Gpu, rows: &[usize], c_out: usize, biased: bool, kind: Activation, operands: Operands) -> Checked {
    let (c_in, mut out) = (rows[rows.len() - 1], rows.to_vec());
    out[rows.len() - 1] = c_out;
    let (weight, bias) = ([c_out, c_in], [c_out]);
    let inputs = [rows, &weight, &bias];
    let bias_of = |values: &[Vec<f64>]| biased.then(|| values[2].clone());
    let [x, w] = [0, 1].map(|i| move |values: &[Vec<f64>]| held(operands, values[i].clone()));
    let z = |values: &[Vec<f64>]| linear(&x(values), &w(values), bias_of(values).as_deref(), [c_in, c_out]);
    Definition {
        inputs: if biased { &inputs } else { &inputs[..2] },
        rtol: [2e-6; 2],
        op: &|tape, inputs| ops::linear(tape, &inputs[0], &inputs[1], inputs.get(2), kind),
        forward: &|values| (activated(kind, &z(values)), out.clone()),
        backward: &|grad, values| {
            let grad = activation_grad(kind, grad, &z(values));
            let operand = held(operands, grad.clone());
            let mut gradients =
                vec![linear_grad_input(&operand, &w(values), [c_in, c_out]), linear_grad_weight(&operand, &x(values), [c_in, c_out])];
            if biased {
                gradients.push(linear_grad_bias(&grad, c_out));
            }
            gradients
        },
    }
    .check_with(gpu, operands)
}

/// By the forward pass alone: every row is the row's number in its image, doubled.
fn many_rows(gpu: &Gpu) -> Checked {
    let count: usize = MANY_ROWS.iter().product();
    let values: Vec<f32> = (0..count).map(|row| (row % 1009) as f32).collect();
    let input = Tensor::from_slice(gpu, MANY_ROWS, &values)?;
    let output = ops::linear(&Tape::off(), &input, &Tensor::full(gpu, [1, 1], 2.0)?, None, Activation::None)?.to_vec()?;
    let wrong = (0..count).find(|&row| output[row] != 2.0 * values[row]);
    ensure(wrong.is_none(), format!("row {wrong:?} is not twice its input"))
}

/// `offset` is added to the whole input.
fn normalised(gpu: &Gpu, rows: &[usize], offset: f32) -> Checked {
    let (c, eps) = (rows[rows.len() - 1], 1e-3f32);
    let far = |values: &[f64]| values.iter().map(|value| f64::from(*value as f32 + offset)).collect::<Vec<f64>>();
    Definition {
        inputs: &[rows, &[c], &[c]],
        rtol: [3e-6, 6e-6],
        op: &|tape, inputs| {
            // The sum hands the gradient through.
            let input = ops::add(tape, &inputs[0], &Tensor::full(gpu, rows, offset)?)?;
            ops::layer_norm(tape, &input, &inputs[1], &inputs[2], eps)
        },
        forward: &|values| (layer_norm(&far(&values[0]), &values[1], &values[2], eps.into()), rows.to_vec()),
        backward: &|grad, values| {
            let x = far(&values[0]);
            vec![
                layer_norm_grad_input(grad, &x, &values[1], eps.into()),
                layer_norm_grad_weight(grad, &x, c, eps.into()),
                layer_norm_grad_bias(grad, c),
            ]
        },
    }
    .check(gpu)
}

fn softmax_along(gpu: &Gpu, shape: &[usize], dim: usize) -> Checked {
    let sides = [shape[..dim].iter().product(), shape[dim], shape[dim + 1..].iter().product()];
    Definition {
        inputs: &[shape],
        rtol: [1e-6, 3e-6],
        op: &|tape, inputs| ops::softmax(tape, &inputs[0], dim),
        forward: &|values| (softmax(&values[0], sides), shape.to_vec()),
        // Of one value the gradient is 0, of which nothing can be a share: rounding leaves a last bit of the upstream gradient.
        backward: &|grad, values| vec![softmax_grad_input(grad, &values[0], sides)],
    }
    .check(gpu)
}

/// Differences too large for an exponential, and equal values that are.
fn huge_values(gpu: &Gpu) -> Checked {
    let x = Tensor::from_slice(gpu, [2, 3], &[1e30, -1e30, 1e30, -1e9, -1e9, f32::NAN])?;
    let y = ops::softmax(&Tape::off(), &x, 1)?.to_vec()?;
    ensure(y[..3] == [0.5, 0.0, 0.5], format!("{y:?}"))?;
    ensure(y[3..].iter().all(|y| y.is_nan()), format!("NaN is lost: {y:?}"))
}

const ROWS: &[Leaf] = &[
    leaf(61, "x", &[2, 3, 5], 0.0, 1.0),
    leaf(62, "first.weight", &[7, 5], 0.0, 0.7),
    leaf(63, "first.bias", &[7], 0.1, 0.4),
    leaf(64, "second.weight", &[4, 7], 0.0, 0.7),
    leaf(65, "norm.weight", &[4], 1.0, 0.4),
    leaf(66, "norm.bias", &[4], 0.1, 0.4),
];

/// The two layers of a perceptron around an activation and shares of a row, then a norm and an activation that is not linear.
fn graph_rows(gpu: &Gpu) -> Checked {
    let graph = |tape: &Tape, leaves: &[Tensor]| {
        let [x, first, bias, second, norm_weight, norm_bias] = leaves else { return Err(wrong_number(leaves)) };
        let h = ops::linear(tape, x, first, Some(bias), Activation::Gelu)?;
        let shares = ops::softmax(tape, &h, 2)?;
        let y = ops::linear(tape, &shares, second, None, Activation::None)?;
        ops::gelu(tape, &ops::layer_norm(tape, &y, norm_weight, norm_bias, 1e-3)?)
    };
    slopes(gpu, ROWS, &graph, &|leaves: &[Map]| {
        let [x, first, bias, second, norm_weight, norm_bias] = leaves else { panic!("6 leaves, not {}", leaves.len()) };
        let h = activated(Activation::Gelu, &linear(&x.values, &first.values, Some(&bias.values), [5, 7]));
        let y = linear(&softmax(&h, [6, 7, 1]), &second.values, None, [7, 4]);
        activated(Activation::Gelu, &layer_norm(&y, &norm_weight.values, &norm_bias.values, f64::from(1e-3f32))).iter().sum()
    })
}

fn refusals(gpu: &Gpu) -> Checked {
    let off = Tape::off();
    let of = |shape: &[usize]| Tensor::full(gpu, shape, 1.0).unwrap();
    let layer =
        |x: &[usize], weight: &[usize], bias: &[usize]| ops::linear(&off, &of(x), &of(weight), Some(&of(bias)), Activation::None).is_ok();
    ensure(layer(&[2, 3], &[4, 3], &[4]), "a layer that fits")?;
    ensure(!layer(&[2, 4], &[4, 3], &[4]), "rows of another length")?;
    ensure(!layer(&[2, 3], &[4, 3], &[3]), "a bias of another length")?;
    ensure(!layer(&[2, 3], &[4, 3, 1], &[4]), "a weight of three axes")?;
    ensure(!layer(&[], &[1, 1], &[1]), "a scalar")?;
    ensure(!layer(&[0, 3], &[4, 3], &[4]), "no rows")?;
    let norm = |x: &[usize], weight: &[usize], bias: &[usize]| ops::layer_norm(&off, &of(x), &of(weight), &of(bias), 1e-5).is_ok();
    ensure(norm(&[2, 3], &[3], &[3]), "a norm that fits")?;
    ensure(!norm(&[2, 3], &[2], &[2]), "a weight of another length")?;
    ensure(!norm(&[2, 3], &[3], &[2]), "a bias of another length")?;
    ensure(!norm(&[0, 3], &[3], &[3]), "a norm of no rows")?;
    ensure(ops::softmax(&off, &of(&[2, 3]), 2).is_err(), "softmax along an axis that is not there")?;
    ensure(ops::softmax(&off, &of(&[2, 0]), 1).is_err(), "softmax of nothing")
}
