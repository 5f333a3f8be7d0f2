//! add, cat, pad and conv2d_of_cat: what joins tensors or surrounds them with zeros, or spares to do so.

use meltcore::autograd::Tape;
use meltcore::error::Result;
use meltcore::gpu::{DeviceKind, Gpu};
use meltcore::kernels::conv2d::Conv2dAttrs;
use meltcore::ops::{self, Activation, Sides};
use meltcore::reference::{add::add, cat, conv2d as convolution, pad};
use meltcore::tensor::Tensor;

use crate::case::{Case, Checked, Definition, ensure, extents};
use crate::gradcheck::slopes;
use crate::graphs::{Leaf, leaf, wrong_number};
use crate::graphs_in_f64::SAME;
use crate::on_device::{SHAPES, Shape};

/// More pixels than 65 535 workgroups of 64 hold.
const MANY_PIXELS: Shape = [1, 2, 1449, 1451];

/// Shapes of a larger and a smaller map that are joined.
const JOINED: &[(Shape, Shape)] = &[
    ([2, 3, 41, 47], [2, 2, 41, 47]),
    ([2, 3, 41, 47], [2, 5, 40, 46]),
    ([1, 4, 8, 12], [1, 1, 8, 12]),
    ([3, 1, 9, 12], [3, 2, 6, 4]),
    ([1, 1, 1, 1], [1, 7, 1, 1]),
];

pub fn cases() -> Vec<Case> {
    let many = [MANY_PIXELS];
    let mut cases: Vec<Case> =
        SHAPES.iter().chain(&many).map(|&shape| Case::new(format!("add_{}", extents(&shape)), move |gpu| sum(gpu, shape))).collect();
    cases.push(Case::new("add_40x1x9x9", |gpu| sum(gpu, [40, 1, 9, 9])).splitting());
    for &(a, b) in JOINED {
        cases.push(Case::new(format!("cat_{}_and_{}", extents(&a), extents(&b)), move |gpu| joined(gpu, a, b)));
    }
    for (a, b, c_out) in [([2, 3, 41, 47], 2, 5), ([1, 34, 7, 9], 65, 33), ([3, 1, 1, 1], 1, 1), ([2, 9, 8, 12], 40, 36)] {
        let name = format!("conv2d_of_cat_{}_and_{b}_to_{c_out}", extents(&a));
        cases.push(Case::new(name, move |gpu| convolved(gpu, a, b, c_out)));
    }
    cases.push(Case::new("graph_conv2d_of_cat", graph_conv2d_of_cat));
    cases.push(Case::new("cat_7x4x12x12_and_7x2x12x12", |gpu| joined(gpu, [7, 4, 12, 12], [7, 2, 12, 12])).splitting());
    for &shape in SHAPES {
        for sides in [[0, 0, 0, 0], [1, 0, 0, 2], [4, 8, 1, 0], [3, 2, 5, 1]] {
            cases.push(Case::new(format!("pad_{}_by_{sides:?}", extents(&shape)).replace(", ", "-"), move |gpu| padded(gpu, shape, sides)));
        }
    }
    cases.push(Case::new(format!("pad_{}", extents(&MANY_PIXELS)), |gpu| padded(gpu, MANY_PIXELS, [1, 0, 0, 2])));
    cases.push(Case::new("refusals", refusals));
    cases
}

fn sum(gpu: &Gpu, shape: Shape) -> Checked {
    Definition {
        inputs: &[&shape, &shape],
        // Sums of noise, multiples of 2⁻²³ below 1, need no rounding.
        rtol: [0.0; 2],
        op: &|tape, inputs| ops::add(tape, &inputs[0], &inputs[1]),
        forward: &|values| (add(&values[0], &values[1]), shape.to_vec()),
        backward: &|grad, _| vec![grad.to_vec(), grad.to_vec()],
    }
    .check(gpu)
}

/// Joins a map with one that may be smaller, which is centred in zeros.
fn joined(gpu: &Gpu, a: Shape, b: Shape) -> Checked {
    let [below, beside] = [2, 3].map(|axis| a[axis] - b[axis]);
    let sides = pad::PadAttrs { left: beside / 2, right: beside - beside / 2, top: below / 2, bottom: below - below / 2 };
    let padded_shape = pad::pad_output_shape(b, &sides);
    Definition {
        inputs: &[&a, &b],
        rtol: [0.0; 2],
        op: &|tape, inputs| ops::cat_padded(tape, &[&inputs[0], &inputs[1]]),
        forward: &|values| {
            let (output, shape) = cat::cat(&values[0], a, &pad::pad(&values[1], b, &sides).0, padded_shape);
            (output, shape.to_vec())
        },
        backward: &|grad, _| {
            let (grad_a, grad_padded) = cat::cat_grad_inputs(grad, a, padded_shape);
            vec![grad_a, pad::pad_grad_input(&grad_padded, b, &sides)]
        },
    }
    .check(gpu)
}

/// A 3 × 3 convolution of a map and one of `channels` behind it, to `c_out`.
fn convolved(gpu: &Gpu, a: Shape, channels: usize, c_out: usize) -> Checked {
    let (b, joined) = ([a[0], channels, a[2], a[3]], [a[0], a[1] + channels, a[2], a[3]]);
    let weight = [c_out, joined[1], 3, 3];
    let meaning = convolution::Conv2dAttrs { padding: 1, ..Default::default() };
    let whole = |values: &[Vec<f64>]| cat::cat(&values[0], a, &values[1], b).0;
    Definition {
        inputs: &[&a, &b, &weight],
        rtol: [2e-6, 3e-6],
        op: &|tape, inputs| {
            ops::conv2d_of_cat(tape, &[&inputs[0], &inputs[1]], &inputs[2], &Conv2dAttrs { padding: 1, ..Conv2dAttrs::PLAIN })
        },
        forward: &|values| {
            let (output, shape) = convolution::conv2d(&whole(values), joined, &values[2], weight, None, &meaning);
            (output, shape.to_vec())
        },
        backward: &|grad, values| {
            let grad_joined = convolution::conv2d_grad_input(grad, joined, &values[2], weight, &meaning);
            let (grad_a, grad_b) = cat::cat_grad_inputs(&grad_joined, a, b);
            vec![grad_a, grad_b, convolution::conv2d_grad_weight(grad, &whole(values), joined, weight, &meaning)]
        },
    }
    .check(gpu)
}

const JOINED_LEAVES: &[Leaf] =
    &[leaf(71, "x", &[2, 3, 9, 11], 0.0, 1.0), leaf(72, "skip", &[2, 2, 9, 11], 0.0, 1.0), leaf(73, "weight", &[4, 5, 3, 3], 0.0, 0.5)];

/// Of a map that is used elsewhere, too, before an activation.
fn graph_conv2d_of_cat(gpu: &Gpu) -> Checked {
    let graph = |tape: &Tape, leaves: &[Tensor]| -> Result<Tensor> {
        let [x, skip, weight] = leaves else { return Err(wrong_number(leaves)) };
        let gelu = ops::gelu(tape, x)?;
        let joined = ops::conv2d_of_cat(tape, &[&gelu, skip], weight, &Conv2dAttrs { padding: 1, ..Conv2dAttrs::PLAIN })?;
        ops::gelu(tape, &joined)
    };
    slopes(gpu, JOINED_LEAVES, &graph, &|leaves| {
        let [x, skip, weight] = leaves else { panic!("3 leaves, not {}", leaves.len()) };
        let gelu = x.clone().activated(Activation::Gelu);
        gelu.joined(skip).conv2d(weight, None, SAME).activated(Activation::Gelu).sum()
    })
}

fn padded(gpu: &Gpu, shape: Shape, [left, right, top, bottom]: [usize; 4]) -> Checked {
    let attrs = pad::PadAttrs { left, right, top, bottom };
    Definition {
        inputs: &[&shape],
        rtol: [0.0; 2],
        op: &|tape, inputs| ops::pad(tape, &inputs[0], Sides { left, right, top, bottom }),
        forward: &|values| {
            let (output, shape) = pad::pad(&values[0], shape, &attrs);
            (output, shape.to_vec())
        },
        backward: &|grad, _| vec![pad::pad_grad_input(grad, shape, &attrs)],
    }
    .check(gpu)
}

fn refusals(gpu: &Gpu) -> Checked {
    let off = Tape::off();
    for &(a, b) in JOINED {
        let [large, small] = [a, b].map(|shape| Tensor::full(gpu, shape, 1.0).unwrap());
        let equal = a[2..] == b[2..];
        ensure(ops::cat(&off, &[&large, &small]).is_ok() == equal, format!("cat of {a:?} and {b:?}"))?;
        ensure(ops::cat_padded(&off, &[&small, &large]).is_ok() == equal, format!("cat_padded of {b:?} and {a:?}"))?;
    }
    ensure(ops::cat(&off, &[]).is_err(), "cat of nothing")?;
    let maps = [3, 2, 1].map(|channels| Tensor::full(gpu, [1, channels, 4, 4], 1.0).unwrap());
    let weight = Tensor::full(gpu, [2, 5, 3, 3], 1.0)?;
    let of = |inputs: &[&Tensor], attrs: &Conv2dAttrs| ops::conv2d_of_cat(&off, inputs, &weight, attrs).is_ok();
    ensure(of(&[&maps[0], &maps[1]], &Conv2dAttrs::PLAIN), "conv2d_of_cat of 3 and 2 channels")?;
    ensure(!of(&[&maps[0], &maps[2]], &Conv2dAttrs::PLAIN) && !of(&[], &Conv2dAttrs::PLAIN), "other channels than the weight's")?;
    ensure(!of(&[&maps[0], &maps[1]], &Conv2dAttrs { groups: 5, ..Conv2dAttrs::PLAIN }), "groups")?;
    ensure(ops::reads_apart(&[&maps[0], &maps[1]]) == (gpu.capabilities().kind == DeviceKind::Gpu), "read apart on GPUs")?;
    ensure(!ops::reads_apart(&[&maps[0]]) && !ops::reads_apart(&[]), "one map is read whole")?;
    let [four, three] = [4, 3].map(|len| Tensor::full(gpu, [len], 1.0).unwrap());
    ensure(ops::add(&off, &four, &three).is_err(), "add of two lengths")
}
