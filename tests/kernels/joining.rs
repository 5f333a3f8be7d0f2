//! add, cat and pad: what joins tensors or surrounds them with zeros.

use meltcore::autograd::Tape;
use meltcore::gpu::Gpu;
use meltcore::ops::{self, Sides};
use meltcore::reference::{add::add, cat, pad};
use meltcore::tensor::Tensor;

use crate::case::{Case, Checked, Definition, ensure, extents};
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
    let [four, three] = [4, 3].map(|len| Tensor::full(gpu, [len], 1.0).unwrap());
    ensure(ops::add(&off, &four, &three).is_err(), "add of two lengths")
}
