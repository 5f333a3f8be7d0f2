//! mul_row, add_row, mul_scalar, transpose, narrow, reshape, gather_tokens and scatter_tokens: what a network of maps and tokens needs
//! beside its layers.

use meltcore::autograd::Tape;
use meltcore::gpu::Gpu;
use meltcore::ops::{self, Picked};
use meltcore::reference::add_row::{add_row, add_row_grad_row};
use meltcore::reference::gather_tokens::{gather_tokens, gather_tokens_grad_input};
use meltcore::reference::mul_row::{mul_row, mul_row_grad_row};
use meltcore::reference::mul_scalar::mul_scalar;
use meltcore::reference::narrow::{narrow, narrow_grad_input};
use meltcore::reference::scatter_tokens::{scatter_tokens, scatter_tokens_grad_row};
use meltcore::reference::transpose::transpose;
use meltcore::tensor::Tensor;

use crate::activation::activated;
use crate::case::{Case, Checked, Definition, ensure, extents};
use crate::gradcheck::slopes;
use crate::graphs::{Leaf, leaf, wrong_number};
use crate::graphs_in_f64::Map;
use crate::on_device::{SHAPES, Shape};

/// More pixels than 65 535 workgroups of 64 hold.
const MANY_PIXELS: Shape = [1, 1034, 63, 65];
/// More planes than 65 535 workgroups, where each has one.
const MANY_PLANES: Shape = [3, 22_000, 1, 2];
/// Long planes: several runs of sums.
const LONG_PLANE: Shape = [1, 2, 101, 103];

/// Tokens and what is added to those of every image.
const TOKENS: &[&[usize]] = &[&[1, 1], &[3, 9, 5], &[2, 41, 47], &[5, 1, 7, 3], &[4, 576, 16]];

/// Maps to tokens, tokens to heads, single ones, runs of several elements.
const AXES: &[&[usize]] =
    &[&[1, 1, 1], &[2, 41, 47], &[3, 1, 9], &[3, 9, 1], &[2, 5, 3, 4], &[1, 65, 64, 3], &[2, 3, 2, 2, 5], &[1, 1449, 1451, 2]];

/// Entries of the first axis: shape, the first of them, their number.
const PARTS: &[(&[usize], usize, usize)] = &[(&[1], 0, 1), (&[7, 3, 2], 2, 4), (&[5, 41], 4, 1), (&[3, 5], 0, 3), (&[9], 3, 5)];

/// Samples, tokens and channels, and how many tokens are picked.
const PICKED: &[([usize; 3], usize)] =
    &[([1, 1, 1], 1), ([2, 9, 5], 4), ([3, 41, 47], 41), ([1, 16_384, 96], 4_915), ([2, 2_200_000, 1], 2_100_000)];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(shape, count) in PICKED {
        cases.push(Case::new(format!("gather_tokens_{count}_of_{}", extents(&shape)), move |gpu| gathered(gpu, shape, count)));
        cases.push(Case::new(format!("scatter_tokens_{count}_of_{}", extents(&shape)), move |gpu| replaced(gpu, shape, count)));
    }
    cases.push(Case::new("gather_tokens_9_of_20x30x20", |gpu| gathered(gpu, [20, 30, 20], 9)).splitting());
    cases.push(Case::new("scatter_tokens_9_of_20x30x20", |gpu| replaced(gpu, [20, 30, 20], 9)).splitting());
    for &shape in SHAPES.iter().chain(&[MANY_PIXELS, MANY_PLANES, LONG_PLANE]) {
        cases.push(Case::new(format!("mul_row_{}", extents(&shape)), move |gpu| scaled(gpu, shape)));
        cases.push(Case::new(format!("add_row_{}", extents(&shape)), move |gpu| shifted(gpu, shape)));
    }
    for &shape in SHAPES.iter().chain(&[MANY_PIXELS]) {
        cases.push(Case::new(format!("mul_scalar_{}", extents(&shape)), move |gpu| times(gpu, shape)));
    }
    for &shape in TOKENS {
        cases.push(Case::new(format!("add_row_to_images_{}", extents(shape)), move |gpu| placed(gpu, shape)));
    }
    for &shape in AXES {
        cases.push(Case::new(format!("transpose_{}", extents(shape)), move |gpu| exchanged(gpu, shape)));
    }
    for &(shape, start, length) in PARTS {
        cases.push(Case::new(format!("narrow_{}_from_{start}_by_{length}", extents(shape)), move |gpu| part(gpu, shape, start, length)));
    }
    cases.push(Case::new("mul_row_20x2x20x20", |gpu| scaled(gpu, [20, 2, 20, 20])).splitting());
    cases.push(Case::new("add_row_20x2x20x20", |gpu| shifted(gpu, [20, 2, 20, 20])).splitting());
    cases.push(Case::new("add_row_to_images_20x30x20", |gpu| placed(gpu, &[20, 30, 20])).splitting());
    cases.push(Case::new("mul_scalar_20x2x20x20", |gpu| times(gpu, [20, 2, 20, 20])).splitting());
    cases.push(Case::new("transpose_20x20x10x4", |gpu| exchanged(gpu, &[20, 20, 10, 4])).splitting());
    cases.push(Case::new("reshape", reshaped));
    cases.push(Case::new("graph_tokens", graph_tokens));
    cases.push(Case::new("refusals", refusals));
    cases
}

/// Some tokens of each sample, others in each, in no order.
fn lists([n, tokens, _]: [usize; 3], count: usize) -> Vec<Vec<usize>> {
    // A step that shares no factor with the tokens meets every one.
    let step = (tokens / 3..).find(|step| (2..=*step).all(|d| step % d != 0 || tokens % d != 0)).unwrap();
    (0..n).map(|sample| (0..count).map(|i| (sample + i * step) % tokens).collect()).collect()
}

fn gathered(gpu: &Gpu, shape: [usize; 3], count: usize) -> Checked {
    let (lists, [n, tokens, c]) = (lists(shape, count), shape);
    let (picked, index) = (Picked::new(gpu, &lists, tokens)?, lists.concat());
    Definition {
        inputs: &[&shape],
        rtol: [0.0; 2],
        op: &|tape, inputs| ops::gather_tokens(tape, &inputs[0], &picked),
        forward: &|values| (gather_tokens(&values[0], shape, &index), vec![n, count, c]),
        backward: &|grad, _| vec![gather_tokens_grad_input(grad, shape, &index)],
    }
    .check(gpu)
}

fn replaced(gpu: &Gpu, shape: [usize; 3], count: usize) -> Checked {
    let (lists, [_, tokens, c]) = (lists(shape, count), shape);
    let (picked, index) = (Picked::new(gpu, &lists, tokens)?, lists.concat());
    Definition {
        inputs: &[&shape, &[c]],
        // The row's gradient is a sum over all the tokens that it replaced.
        rtol: [0.0, 2e-4],
        op: &|tape, inputs| ops::scatter_tokens(tape, &inputs[0], &picked, &inputs[1]),
        forward: &|values| (scatter_tokens(&values[0], shape, &index, &values[1]), shape.to_vec()),
        backward: &|grad, _| vec![scatter_tokens(grad, shape, &index, &vec![0.0; c]), scatter_tokens_grad_row(grad, shape, &index)],
    }
    .check(gpu)
}

fn scaled(gpu: &Gpu, shape: Shape) -> Checked {
    let [n, c, ..] = shape;
    Definition {
        inputs: &[&shape, &[n, c]],
        rtol: [1e-7, 2e-6],
        op: &|tape, inputs| ops::mul_row(tape, &inputs[0], &inputs[1]),
        forward: &|values| (mul_row(&values[0], &values[1]), shape.to_vec()),
        backward: &|grad, values| vec![mul_row(grad, &values[1]), mul_row_grad_row(grad, &values[0], n * c)],
    }
    .check(gpu)
}

/// A number for each plane.
fn shifted(gpu: &Gpu, shape: Shape) -> Checked {
    let [n, c, h, w] = shape;
    Definition {
        inputs: &[&shape, &[n, c]],
        // Sums of noise, multiples of 2⁻²³ below 1, need no rounding.
        rtol: [0.0, 2e-6],
        op: &|tape, inputs| ops::add_row(tape, &inputs[0], &inputs[1]),
        forward: &|values| (add_row(&values[0], &values[1], h * w), shape.to_vec()),
        backward: &|grad, _| vec![grad.to_vec(), add_row_grad_row(grad, n * c, h * w)],
    }
    .check(gpu)
}

/// The same array for each image.
fn placed(gpu: &Gpu, shape: &[usize]) -> Checked {
    let mut row = shape.to_vec();
    row[0] = 1;
    let each = row.iter().product();
    Definition {
        inputs: &[shape, &row],
        rtol: [0.0, 5e-7],
        op: &|tape, inputs| ops::add_row(tape, &inputs[0], &inputs[1]),
        forward: &|values| (add_row(&values[0], &values[1], 1), shape.to_vec()),
        backward: &|grad, _| vec![grad.to_vec(), add_row_grad_row(grad, each, 1)],
    }
    .check(gpu)
}

fn times(gpu: &Gpu, shape: Shape) -> Checked {
    let factor = -1.7f32;
    Definition {
        inputs: &[&shape],
        rtol: [1e-7; 2],
        op: &|tape, inputs| ops::mul_scalar(tape, &inputs[0], factor),
        forward: &|values| (mul_scalar(&values[0], factor.into()), shape.to_vec()),
        backward: &|grad, _| vec![mul_scalar(grad, factor.into())],
    }
    .check(gpu)
}

fn exchanged(gpu: &Gpu, shape: &[usize]) -> Checked {
    let (n, rows, cols, run) = (shape[0], shape[1], shape[2], shape[3..].iter().product());
    let mut out = shape.to_vec();
    out.swap(1, 2);
    Definition {
        inputs: &[shape],
        rtol: [0.0; 2],
        op: &|tape, inputs| ops::transpose(tape, &inputs[0]),
        forward: &|values| (transpose(&values[0], [n, rows, cols, run]), out.clone()),
        backward: &|grad, _| vec![transpose(grad, [n, cols, rows, run])],
    }
    .check(gpu)
}

fn part(gpu: &Gpu, shape: &[usize], start: usize, length: usize) -> Checked {
    let mut out = shape.to_vec();
    out[0] = length;
    let each = shape[1..].iter().product();
    Definition {
        inputs: &[shape],
        rtol: [0.0; 2],
        op: &|tape, inputs| ops::narrow(tape, &inputs[0], start, length),
        forward: &|values| (narrow(&values[0], start, length, each), out.clone()),
        backward: &|grad, values| vec![narrow_grad_input(grad, start, each, values[0].len())],
    }
    .check(gpu)
}

fn reshaped(gpu: &Gpu) -> Checked {
    Definition {
        inputs: &[&[2, 41, 6]],
        rtol: [0.0; 2],
        op: &|tape, inputs| ops::reshape(tape, &inputs[0], [2, 3, 2, 41]),
        forward: &|values| (values[0].clone(), vec![2, 3, 2, 41]),
        backward: &|grad, _| vec![grad.to_vec()],
    }
    .check(gpu)
}

const LEAVES: &[Leaf] = &[
    leaf(71, "map", &[2, 3, 4, 5], 0.0, 1.0),
    leaf(72, "scale", &[2, 3], 0.2, 0.8),
    // Centred on 1, so that the loss is no small rest of terms that cancel.
    leaf(73, "shift", &[2, 3], 1.0, 0.7),
    leaf(74, "places", &[1, 20, 3], 0.0, 0.6),
];

/// A map is scaled and shifted plane by plane and becomes tokens, which get their places; the second image is looked at alone.
fn graph_tokens(gpu: &Gpu) -> Checked {
    let graph = |tape: &Tape, leaves: &[Tensor]| {
        let [map, scale, shift, places] = leaves else { return Err(wrong_number(leaves)) };
        let map = ops::add_row(tape, &ops::mul_row(tape, &ops::gelu(tape, map)?, scale)?, shift)?;
        let tokens = ops::transpose(tape, &ops::reshape(tape, &map, [2, 3, 20])?)?;
        let placed = ops::gelu(tape, &ops::add_row(tape, &tokens, places)?)?;
        // Some tokens become one of the second sample's.
        let picked = Picked::new(placed.gpu(), &[vec![3, 17], vec![19, 0]], 20)?;
        let two = ops::reshape(tape, &ops::gather_tokens(tape, &placed, &picked)?, [4, 3])?;
        let row = ops::reshape(tape, &ops::narrow(tape, &two, 2, 1)?, [3])?;
        let placed = ops::scatter_tokens(tape, &placed, &picked, &row)?;
        // Both images and, once more, a multiple of the second one.
        let second = ops::mul_scalar(tape, &ops::narrow(tape, &placed, 1, 1)?, -0.6)?;
        ops::gelu(tape, &ops::add(tape, &ops::narrow(tape, &placed, 0, 1)?, &second)?)
    };
    slopes(gpu, LEAVES, &graph, &|leaves: &[Map]| {
        let [map, scale, shift, places] = leaves else { panic!("4 leaves, not {}", leaves.len()) };
        let gelu = |values: &[f64]| activated(ops::Activation::Gelu, values);
        let map = add_row(&mul_row(&gelu(&map.values), &scale.values), &shift.values, 20);
        let placed = gelu(&add_row(&transpose(&map, [2, 3, 20, 1]), &places.values, 1));
        let (shape, index) = ([2, 20, 3], [3, 17, 19, 0]);
        let two = gather_tokens(&placed, shape, &index);
        let placed = scatter_tokens(&placed, shape, &index, &two[6..9]);
        let second = mul_scalar(&narrow(&placed, 1, 1, 60), f64::from(-0.6f32));
        let sum: Vec<f64> = narrow(&placed, 0, 1, 60).iter().zip(second).map(|(first, second)| first + second).collect();
        gelu(&sum).iter().sum()
    })
}

fn refusals(gpu: &Gpu) -> Checked {
    let off = Tape::off();
    let of = |shape: &[usize]| Tensor::full(gpu, shape, 1.0).unwrap();
    let map = of(&[2, 3, 4, 5]);
    for (row, scales, adds) in [
        (&[2, 3][..], true, true),
        (&[3, 2], false, false),
        (&[2, 3, 4, 5], false, false),
        (&[1, 3], false, false),
        (&[1, 3, 4, 5], false, true),
        (&[1, 3, 5, 4], false, false),
        (&[3], false, false),
        (&[], false, false),
    ] {
        ensure(ops::mul_row(&off, &map, &of(row)).is_ok() == scales, format!("mul_row by {row:?}"))?;
        ensure(ops::add_row(&off, &map, &of(row)).is_ok() == adds, format!("add_row of {row:?}"))?;
    }
    ensure(ops::mul_row(&off, &of(&[0, 3, 4, 5]), &of(&[0, 3])).is_err(), "mul_row of no image")?;
    ensure(ops::add_row(&off, &of(&[0, 3]), &of(&[1, 3])).is_err(), "add_row to no image")?;
    ensure(ops::transpose(&off, &of(&[2, 3])).is_err(), "transpose of two axes")?;
    ensure(ops::transpose(&off, &of(&[2, 0, 3])).is_err(), "transpose of nothing")?;
    ensure(ops::reshape(&off, &map, [2, 3, 4, 6]).is_err(), "reshape to more elements")?;
    for (start, length) in [(0, 0), (0, 3), (2, 1), (1, 2), (usize::MAX, 2)] {
        ensure(ops::narrow(&off, &map, start, length).is_err(), format!("{length} entries from {start} of two"))?;
    }
    for lists in [&[vec![0, 1], vec![2]][..], &[vec![], vec![]], &[vec![0, 4], vec![0, 1]], &[vec![1, 1], vec![0, 1]], &[]] {
        ensure(Picked::new(gpu, lists, 4).is_err(), format!("tokens {lists:?} of four"))?;
    }
    let picked = Picked::new(gpu, &[vec![0, 1], vec![2, 3]], 4)?;
    for shape in [&[2, 4][..], &[1, 4, 3], &[2, 5, 3], &[2, 4, 3, 1]] {
        ensure(ops::gather_tokens(&off, &of(shape), &picked).is_err(), format!("tokens gathered of {shape:?}"))?;
    }
    ensure(ops::scatter_tokens(&off, &of(&[2, 4, 3]), &picked, &of(&[4])).is_err(), "a row of other channels")?;
    ensure(ops::narrow(&off, &of(&[]), 0, 1).is_err(), "narrow of a number")
}
