//! group_norm, and what attention in windows needs: normalize, relative_position_bias, space_to_depth, window_partition, window_reverse.

use meltcore::autograd::Tape;
use meltcore::gpu::Gpu;
use meltcore::ops::{self, Activation};
use meltcore::reference::group_norm::{group_norm, group_norm_grad_bias, group_norm_grad_input, group_norm_grad_weight};
use meltcore::reference::normalize::{normalize, normalize_grad_input};
use meltcore::reference::relative_position_bias::{relative_position_bias, relative_position_bias_grad_table};
use meltcore::reference::space_to_depth::{space_to_depth, space_to_depth_grad_input};
use meltcore::reference::transpose::transpose;
use meltcore::reference::window_partition::window_partition;
use meltcore::reference::window_reverse::window_reverse;
use meltcore::tensor::Tensor;

use crate::activation::{activated, activation_grad};
use crate::case::{Case, Checked, Definition, ensure, extents};
use crate::gradcheck::slopes;
use crate::graphs::{Leaf, leaf, wrong_number};
use crate::graphs_in_f64::Map;
use crate::on_device::Shape;

const EPS: f32 = 1e-6;

/// Maps and groups: few values (of two alone the gradient cancels), single pixels, odd planes, whole packs, planes in chunks, and more
/// planes than 65 535 workgroups.
const NORMS: &[(Shape, usize)] = &[
    ([1, 3, 1, 1], 1),
    ([3, 12, 1, 1], 4),
    ([2, 6, 41, 47], 3),
    ([1, 4, 8, 8], 4),
    ([2, 64, 3, 4], 32),
    ([1, 3, 130, 132], 1),
    ([1, 99_000, 1, 2], 33_000),
];

/// Rows: single ones, odd lengths, as long as a workgroup and longer.
const ROWS: &[&[usize]] = &[&[3], &[2, 41, 47], &[5, 8], &[4, 3, 16, 32], &[2, 1, 257], &[3, 768], &[70_000, 2]];

/// Maps of tokens, a window's side, and by how much they are rolled.
const WINDOWS: &[(Shape, usize, usize)] = &[
    ([1, 1, 1, 1], 1, 0),
    ([2, 8, 12, 3], 4, 0),
    ([1, 8, 12, 4], 4, 2),
    ([2, 14, 21, 5], 7, 3),
    ([3, 5, 5, 41], 5, 4),
    ([1, 32, 48, 47], 16, 8),
    ([1, 2048, 2050, 1], 2, 1),
];

/// Heads and a window's side.
const TABLES: &[(usize, usize)] = &[(1, 1), (3, 2), (2, 7), (1, 16), (4, 41)];

/// Maps of tokens, two by two.
const MERGED: &[Shape] = &[[1, 2, 2, 1], [2, 6, 8, 3], [1, 4, 10, 48], [3, 82, 94, 5]];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (i, &(shape, groups)) in NORMS.iter().enumerate() {
        let activation = if i % 2 == 0 { Activation::None } else { Activation::Silu };
        let name = format!("group_norm_{}_in_{groups}", extents(&shape));
        cases.push(Case::new(name, move |gpu| grouped(gpu, shape, groups, activation)));
    }
    cases.push(Case::new("group_norm_20x6x11x13", |gpu| grouped(gpu, [20, 6, 11, 13], 3, Activation::Silu)).splitting());
    cases.push(Case::new("group_norm_20x6x10x16", |gpu| grouped(gpu, [20, 6, 10, 16], 3, Activation::Silu)).splitting());
    for &shape in ROWS {
        cases.push(Case::new(format!("normalize_{}", extents(shape)), move |gpu| of_length_1(gpu, shape, 1e-12)));
    }
    cases.push(Case::new("normalize_of_short_rows", |gpu| of_length_1(gpu, &[50, 2], 0.7)));
    cases.push(Case::new("normalize_20x30x20", |gpu| of_length_1(gpu, &[20, 30, 20], 1e-12)).splitting());
    for &(shape, window, shift) in WINDOWS {
        let name = format!("{}_by_{window}_rolled_by_{shift}", extents(&shape));
        cases.push(Case::new(format!("window_partition_{name}"), move |gpu| cut(gpu, shape, window, shift)));
        cases.push(Case::new(format!("window_reverse_{name}"), move |gpu| put_back(gpu, shape, window, shift)));
    }
    cases.push(Case::new("window_partition_20x20x30x1", |gpu| cut(gpu, [20, 20, 30, 1], 5, 2)).splitting());
    cases.push(Case::new("window_reverse_20x20x30x1", |gpu| put_back(gpu, [20, 20, 30, 1], 5, 2)).splitting());
    for &(heads, side) in TABLES {
        let name = format!("relative_position_bias_{heads}_heads_{side}_wide");
        cases.push(Case::new(name, move |gpu| placed(gpu, heads, side)));
    }
    for &shape in MERGED {
        cases.push(Case::new(format!("space_to_depth_{}", extents(&shape)), move |gpu| merged(gpu, shape)));
    }
    cases.push(Case::new("graph_of_windows", graph_of_windows));
    cases.push(Case::new("refusals", refusals));
    cases
}

fn grouped(gpu: &Gpu, shape: Shape, groups: usize, activation: Activation) -> Checked {
    let (c, eps) = ([shape[1]], f64::from(EPS));
    Definition {
        inputs: &[&shape, &c, &c],
        // Groups of two values have tiny spreads now and then.
        rtol: [4e-6, 4e-5],
        op: &|tape, inputs| ops::group_norm(tape, &inputs[0], groups, &inputs[1], &inputs[2], EPS, activation),
        forward: &|values| (activated(activation, &group_norm(&values[0], shape, groups, &values[1], &values[2], eps)), shape.to_vec()),
        backward: &|grad, values| {
            let z = group_norm(&values[0], shape, groups, &values[1], &values[2], eps);
            let dz = activation_grad(activation, grad, &z);
            vec![
                group_norm_grad_input(&dz, &values[0], shape, groups, &values[1], eps),
                group_norm_grad_weight(&dz, &values[0], shape, groups, eps),
                group_norm_grad_bias(&dz, shape),
            ]
        },
    }
    .check(gpu)
}

fn of_length_1(gpu: &Gpu, shape: &[usize], eps: f32) -> Checked {
    let c = shape[shape.len() - 1];
    Definition {
        inputs: &[shape],
        rtol: [5e-7, 2e-6],
        op: &|tape, inputs| ops::normalize(tape, &inputs[0], eps),
        forward: &|values| (normalize(&values[0], c, eps.into()), shape.to_vec()),
        backward: &|grad, values| vec![normalize_grad_input(grad, &values[0], c, eps.into())],
    }
    .check(gpu)
}

/// The shape of the windows of maps.
fn of_windows([n, h, w, c]: Shape, window: usize) -> [usize; 3] {
    [n * (h / window) * (w / window), window * window, c]
}

fn cut(gpu: &Gpu, shape: Shape, window: usize, shift: usize) -> Checked {
    Definition {
        inputs: &[&shape],
        rtol: [0.0; 2],
        op: &|tape, inputs| ops::window_partition(tape, &inputs[0], window, shift),
        forward: &|values| (window_partition(&values[0], shape, window, shift), of_windows(shape, window).to_vec()),
        backward: &|grad, _| vec![window_reverse(grad, shape, window, shift)],
    }
    .check(gpu)
}

fn put_back(gpu: &Gpu, shape: Shape, window: usize, shift: usize) -> Checked {
    let [_, h, w, _] = shape;
    Definition {
        inputs: &[&of_windows(shape, window)],
        rtol: [0.0; 2],
        op: &|tape, inputs| ops::window_reverse(tape, &inputs[0], window, shift, [h, w]),
        forward: &|values| (window_reverse(&values[0], shape, window, shift), shape.to_vec()),
        backward: &|grad, _| vec![window_partition(grad, shape, window, shift)],
    }
    .check(gpu)
}

fn placed(gpu: &Gpu, heads: usize, side: usize) -> Checked {
    let tokens = side * side;
    Definition {
        inputs: &[&[(2 * side - 1).pow(2), heads]],
        rtol: [0.0, 2e-6],
        op: &|tape, inputs| ops::relative_position_bias(tape, &inputs[0], side),
        forward: &|values| (relative_position_bias(&values[0], heads, side), vec![heads, tokens, tokens]),
        backward: &|grad, _| vec![relative_position_bias_grad_table(grad, heads, side)],
    }
    .check(gpu)
}

fn merged(gpu: &Gpu, shape: Shape) -> Checked {
    let [n, h, w, c] = shape;
    Definition {
        inputs: &[&shape],
        rtol: [0.0; 2],
        op: &|tape, inputs| ops::space_to_depth(tape, &inputs[0]),
        forward: &|values| (space_to_depth(&values[0], shape), vec![n, h / 2, w / 2, 4 * c]),
        backward: &|grad, _| vec![space_to_depth_grad_input(grad, shape)],
    }
    .check(gpu)
}

const LEAVES: &[Leaf] = &[
    leaf(81, "tokens", &[1, 4, 6, 4], 0.2, 1.0),
    leaf(82, "table", &[9, 6], 0.2, 0.8),
    leaf(83, "weight", &[16], 1.0, 0.4),
    leaf(84, "bias", &[16], 0.8, 0.5),
];

/// Tokens of length 1 in rolled windows, with what their places add; put back, merged two by two, and normalised in groups.
fn graph_of_windows(gpu: &Gpu) -> Checked {
    let graph = |tape: &Tape, leaves: &[Tensor]| {
        let [tokens, table, weight, bias] = leaves else { return Err(wrong_number(leaves)) };
        let windows = ops::window_partition(tape, &ops::normalize(tape, tokens, 1e-12)?, 2, 1)?;
        let places = ops::clamped_exp(tape, &ops::relative_position_bias(tape, table, 2)?)?;
        let map = ops::window_reverse(tape, &ops::add(tape, &windows, &places)?, 2, 1, [4, 6])?;
        let deep = ops::transpose(tape, &ops::reshape(tape, &ops::space_to_depth(tape, &map)?, [1, 6, 16])?)?;
        ops::group_norm(tape, &ops::reshape(tape, &deep, [1, 16, 2, 3])?, 4, weight, bias, 0.1, Activation::Silu)
    };
    slopes(gpu, LEAVES, &graph, &|leaves: &[Map]| {
        let [tokens, table, weight, bias] = leaves else { panic!("4 leaves, not {}", leaves.len()) };
        let (of_map, deep) = ([1, 4, 6, 4], [1, 16, 2, 3]);
        let mut windows = window_partition(&normalize(&tokens.values, 4, 1e-12), of_map, 2, 1);
        let places = activated(Activation::ClampedExp, &relative_position_bias(&table.values, 6, 2));
        windows.iter_mut().zip(places).for_each(|(value, place)| *value += place);
        let merged = space_to_depth(&window_reverse(&windows, of_map, 2, 1), of_map);
        let y = group_norm(&transpose(&merged, [1, 6, 16, 1]), deep, 4, &weight.values, &bias.values, f64::from(0.1f32));
        activated(Activation::Silu, &y).iter().sum()
    })
}

fn refusals(gpu: &Gpu) -> Checked {
    let off = Tape::off();
    let of = |shape: &[usize]| Tensor::full(gpu, shape, 1.0).unwrap();
    let map = of(&[2, 6, 4, 5]);
    let norm = |groups: usize, weight: &[usize], bias: &[usize]| {
        ops::group_norm(&off, &map, groups, &of(weight), &of(bias), EPS, Activation::None).is_ok()
    };
    ensure(norm(3, &[6], &[6]), "groups that fit")?;
    ensure(!norm(4, &[6], &[6]) && !norm(0, &[6], &[6]), "groups of unequal size")?;
    ensure(!norm(3, &[4], &[6]) && !norm(3, &[6], &[6, 1]), "a weight or bias of other channels")?;
    let single = ops::group_norm(&off, &of(&[2, 4, 1, 1]), 4, &of(&[4]), &of(&[4]), EPS, Activation::None);
    ensure(single.is_err(), "groups of single values")?;
    ensure(ops::normalize(&off, &of(&[2, 0]), EPS).is_err(), "normalize of nothing")?;
    for (window, shift) in [(4, 0), (2, 2), (0, 0), (3, 1)] {
        ensure(ops::window_partition(&off, &map, window, shift).is_err(), format!("windows of {window} rolled by {shift}"))?;
    }
    let windows = of(&[12, 4, 5]);
    ensure(ops::window_reverse(&off, &windows, 2, 1, [6, 4]).is_ok(), "windows that fit")?;
    for (window, size) in [(2, [6, 6]), (3, [6, 6]), (2, [5, 4]), (2, [10, 4])] {
        ensure(ops::window_reverse(&off, &windows, window, 0, size).is_err(), format!("windows of {window} of a map of {size:?}"))?;
    }
    ensure(ops::window_reverse(&off, &map, 2, 0, [6, 4]).is_err(), "windows of four axes")?;
    for (table, side) in [(&[9, 2][..], 3), (&[9], 2), (&[9, 2], 0)] {
        ensure(ops::relative_position_bias(&off, &of(table), side).is_err(), format!("a table {table:?} for windows of {side}"))?;
    }
    ensure(ops::space_to_depth(&off, &of(&[1, 3, 4, 2])).is_err(), "space_to_depth of odd sides")?;
    ensure(ops::space_to_depth(&off, &of(&[3, 4, 2])).is_err(), "space_to_depth of three axes")
}
