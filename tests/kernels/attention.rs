//! scaled_dot_product_attention by its definition, which writes the scores down.

use meltcore::autograd::Tape;
use meltcore::gpu::Gpu;
use meltcore::kernels::operands::Operands;
use meltcore::ops::{self, AttentionAttrs, Windows};
use meltcore::reference::scaled_dot_product_attention::{
    self as definition, AttentionDims, AttentionGrads, scaled_dot_product_attention, scaled_dot_product_attention_grad,
};
use meltcore::tensor::Tensor;

use crate::case::{Case, Checked, Definition, ensure, extents};
use crate::gradcheck::slopes;
use crate::graphs::{Leaf, leaf, wrong_number};
use crate::graphs_in_f64::Map;
use crate::half::held;
use crate::on_device::Shape;

/// Images, heads, tokens and values: single ones, rows of no whole quads, tiles of keys and blocks of queries that end anywhere. (One token
/// of several values would have gradients of 0, which roundings are no share of.)
const SHAPES: &[Shape] =
    &[[1, 1, 1, 1], [2, 3, 2, 5], [1, 2, 16, 4], [2, 1, 17, 3], [3, 2, 41, 7], [1, 1, 64, 64], [1, 2, 130, 16], [2, 2, 65, 33]];

/// What is added to the scores.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bias {
    None,
    Shared,
    Each,
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (i, &shape) in SHAPES.iter().enumerate() {
        for bias in [Bias::None, if i % 2 == 0 { Bias::Shared } else { Bias::Each }] {
            let name = format!("{}_bias_{bias:?}", extents(&shape)).to_lowercase();
            cases.push(Case::new(name, move |gpu| attends(gpu, shape, bias, Operands::F32)));
        }
    }
    for bias in [Bias::None, Bias::Shared, Bias::Each] {
        let name = format!("24x2x19x5_bias_{bias:?}").to_lowercase();
        cases.push(Case::new(name, move |gpu| attends(gpu, [24, 2, 19, 5], bias, Operands::F32)).splitting());
        let name = format!("24x2x19x5_bias_{bias:?}_f16").to_lowercase();
        cases.push(Case::new(name, move |gpu| attends(gpu, [24, 2, 19, 5], bias, Operands::F16)).splitting());
    }
    // Maps of one window, of windows in a row, and of several rows; with and without a bias.
    for (i, (maps, windows, side, shift)) in
        [(2, [1, 1], 3, 1), (1, [1, 3], 4, 2), (2, [2, 3], 5, 2), (1, [2, 2], 8, 4)].into_iter().enumerate()
    {
        let name = format!("windows_of_{side}_rolled_by_{shift}_{}", extents(&windows));
        let windows = Windows { side, shift, windows };
        cases.push(Case::new(name, move |gpu| rolled(gpu, maps, windows, i % 2 == 0)));
    }
    let many = Windows { side: 4, shift: 1, windows: [2, 3] };
    cases.push(Case::new("windows_of_many_maps", move |gpu| rolled(gpu, 5, many, true)).splitting());
    cases.push(Case::new("masks_of_whole_rows", masked_rows));
    cases.push(Case::new("large_scores", large_scores));
    cases.push(Case::new("graph_scaled_dot_product_attention", graph_scaled_dot_product_attention));
    cases.push(Case::new("refusals", refusals));
    cases
}

fn dims([n, heads, tokens, dim]: Shape, scale: f32) -> AttentionDims {
    AttentionDims { n, heads, tokens, dim, scale: scale.into(), windows: None }
}

fn attends(gpu: &Gpu, shape: Shape, bias: Bias, operands: Operands) -> Checked {
    let ([n, heads, tokens, _], scale) = (shape, 1.7);
    let of_bias = [n, heads, tokens, tokens];
    let of_bias = if bias == Bias::Each { &of_bias[..] } else { &of_bias[1..] };
    let inputs = [&shape[..], &shape, &shape, of_bias];
    Definition {
        inputs: if bias == Bias::None { &inputs[..3] } else { &inputs },
        rtol: [2e-6, 6e-6],
        op: &|tape, inputs| {
            ops::scaled_dot_product_attention(tape, &inputs[0], &inputs[1], &inputs[2], inputs.get(3), AttentionAttrs::scaled(scale))
        },
        forward: &|values| {
            let (bias, [q, k, v]) = (values.get(3).map(|bias| &bias[..]), [0, 1, 2].map(|i| held(operands, values[i].clone())));
            (scaled_dot_product_attention(&q, &k, &v, bias, &dims(shape, scale)), shape.to_vec())
        },
        backward: &|grad, values| {
            let (bias, [q, k, v]) = (values.get(3).map(|bias| &bias[..]), [0, 1, 2].map(|i| held(operands, values[i].clone())));
            let grads = scaled_dot_product_attention_grad(&held(operands, grad.to_vec()), &q, &k, &v, bias, &dims(shape, scale));
            let AttentionGrads { q, k, v, bias } = grads;
            if values.len() == 4 { vec![q, k, v, bias] } else { vec![q, k, v] }
        },
    }
    .check_with(gpu, operands)
}

/// Windows of rolled maps, whose tokens see those of their side alone.
fn rolled(gpu: &Gpu, maps: usize, windows: Windows, has_bias: bool) -> Checked {
    let Windows { side, shift, windows: [down, across] } = windows;
    let shape = [maps * down * across, 2, side * side, 5];
    let of_bias = [2, side * side, side * side];
    let inputs = [&shape[..], &shape, &shape, &of_bias];
    let attrs = AttentionAttrs { windows: Some(windows), ..AttentionAttrs::scaled(1.3) };
    let of_map = definition::Windows { side, shift, windows: [down, across] };
    let dims = AttentionDims { windows: Some(of_map), ..dims(shape, 1.3) };
    Definition {
        inputs: if has_bias { &inputs } else { &inputs[..3] },
        rtol: [2e-6, 6e-6],
        op: &|tape, inputs| ops::scaled_dot_product_attention(tape, &inputs[0], &inputs[1], &inputs[2], inputs.get(3), attrs),
        forward: &|values| {
            let bias = values.get(3).map(|bias| &bias[..]);
            (scaled_dot_product_attention(&values[0], &values[1], &values[2], bias, &dims), shape.to_vec())
        },
        backward: &|grad, values| {
            let bias = values.get(3).map(|bias| &bias[..]);
            let AttentionGrads { q, k, v, bias } = scaled_dot_product_attention_grad(grad, &values[0], &values[1], &values[2], bias, &dims);
            if values.len() == 4 { vec![q, k, v, bias] } else { vec![q, k, v] }
        },
    }
    .check(gpu)
}

/// A query that sees nothing sees everything alike, also in the gradients: a large score must not swallow the sum beside it.
fn masked_rows(gpu: &Gpu) -> Checked {
    let tensor = |values: &[f32]| Tensor::from_slice(gpu, [1, 1, 4, 1], values);
    let (q, k, v) = (tensor(&[0.0; 4])?, tensor(&[0.0; 4])?, tensor(&[1.0, 2.0, 3.0, 6.0])?);
    let bias = Tensor::full(gpu, [1, 4, 4], -1e9)?;
    let tape = Tape::recording();
    tape.watch(&v);
    let y = ops::scaled_dot_product_attention(&tape, &q, &k, &v, Some(&bias), AttentionAttrs::scaled(1.0))?;
    ensure(y.to_vec()? == [3.0; 4], format!("{:?}", y.to_vec()?))?;
    let gradients = tape.backward(&[(&y, Tensor::full(gpu, y.shape(), 1.0)?)])?;
    let grad = gradients.get(&v).ok_or("no gradient")?.to_vec()?;
    ensure(grad == [1.0; 4], format!("{grad:?}"))
}

/// Scores whose exponentials no number holds.
fn large_scores(gpu: &Gpu) -> Checked {
    let tensor = |values: &[f32]| Tensor::from_slice(gpu, [1, 1, 3, 1], values);
    let (q, k, v) = (tensor(&[1e4, -1e4, 1e15])?, tensor(&[-1.0, 1.0, 2.0])?, tensor(&[5.0, 6.0, 7.0])?);
    let y = ops::scaled_dot_product_attention(&Tape::off(), &q, &k, &v, None, AttentionAttrs::scaled(1.0))?.to_vec()?;
    ensure(y == [7.0, 5.0, 7.0], format!("{y:?}"))
}

const LEAVES: &[Leaf] = &[
    leaf(71, "q", &[2, 2, 5, 3], 0.0, 1.0),
    leaf(72, "k", &[2, 2, 5, 3], 0.0, 1.0),
    leaf(73, "v", &[2, 2, 5, 3], 0.2, 1.0),
    leaf(74, "bias", &[2, 5, 5], 0.0, 1.0),
];

/// Behind an activation, in front of another, and with its own output as keys.
fn graph_scaled_dot_product_attention(gpu: &Gpu) -> Checked {
    let graph = |tape: &Tape, leaves: &[Tensor]| {
        let [q, k, v, bias] = leaves else { return Err(wrong_number(leaves)) };
        let first = ops::scaled_dot_product_attention(tape, q, &ops::gelu(tape, k)?, v, Some(bias), AttentionAttrs::scaled(0.8))?;
        ops::gelu(tape, &ops::scaled_dot_product_attention(tape, q, &first, &first, None, AttentionAttrs::scaled(1.5))?)
    };
    slopes(gpu, LEAVES, &graph, &|leaves: &[Map]| {
        let [q, k, v, bias] = leaves else { panic!("4 leaves, not {}", leaves.len()) };
        let gelu = meltcore::reference::activation::gelu;
        let [first, second] = [0.8f32, 1.5].map(|scale| dims([2, 2, 5, 3], scale));
        let y = scaled_dot_product_attention(&q.values, &gelu(&k.values), &v.values, Some(&bias.values), &first);
        gelu(&scaled_dot_product_attention(&q.values, &y, &y, None, &second)).iter().sum()
    })
}

fn refusals(gpu: &Gpu) -> Checked {
    let of = |shape: &[usize]| Tensor::full(gpu, shape, 1.0).unwrap();
    let attends = |q: &[usize], k: &[usize], v: &[usize], bias: Option<&[usize]>| {
        ops::scaled_dot_product_attention(&Tape::off(), &of(q), &of(k), &of(v), bias.map(of).as_ref(), AttentionAttrs::scaled(1.0)).is_ok()
    };
    let one = &[2, 3, 4, 5][..];
    ensure(attends(one, one, one, Some(&[2, 3, 4, 4])), "an attention that fits")?;
    ensure(!attends(one, &[2, 3, 5, 5], one, None), "other keys than queries")?;
    ensure(!attends(one, one, &[2, 3, 4, 6], None), "longer values")?;
    ensure(!attends(&[3, 4, 5], &[3, 4, 5], &[3, 4, 5], None), "three axes")?;
    ensure(!attends(&[1, 1, 2, 65], &[1, 1, 2, 65], &[1, 1, 2, 65], None), "rows of 65 values")?;
    for (side, shift, windows) in [(3, 1, [1, 2]), (2, 2, [1, 2]), (2, 1, [1, 3]), (2, 1, [0, 2])] {
        let attrs = AttentionAttrs { windows: Some(Windows { side, shift, windows }), ..AttentionAttrs::scaled(1.0) };
        let [q, k, v] = [of(one), of(one), of(one)];
        let attended = ops::scaled_dot_product_attention(&Tape::off(), &q, &k, &v, None, attrs);
        ensure(attended.is_err(), format!("windows of {side} rolled by {shift}, {windows:?} a map"))?;
    }
    for bias in [&[4, 4][..], &[1, 4, 4], &[3, 4, 5], &[1, 3, 4, 4]] {
        ensure(!attends(one, one, one, Some(bias)), format!("a bias of shape {bias:?}"))?;
    }
    Ok(())
}
