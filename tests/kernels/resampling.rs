//! Pooling and interpolation, with their gradients.

use meltcore::autograd::Tape;
use meltcore::gpu::Gpu;
use meltcore::ops::{self, Interpolation, Target, Window};
use meltcore::reference::interpolate::{InterpolateMode, InterpolateSize};
use meltcore::reference::{adaptive_avg_pool2d as avg, interpolate as resize, max_pool2d as pool};
use meltcore::tensor::Tensor;

use crate::case::{Case, Checked, Definition, close, ensure, extents};
use crate::on_device::{SHAPES, Shape};

/// More planes than workgroups fit along one axis.
const MANY_PLANES: Shape = [1, 66_001, 2, 3];
/// More pixels than 65 535 workgroups of 64 hold.
const MANY_PIXELS: Shape = [1, 2, 1449, 1451];
/// Several images of sides that end anywhere, small enough to be split.
const SPLIT: Shape = [7, 3, 12, 11];

const MODES: [(&str, Interpolation, InterpolateMode); 3] = [
    ("nearest", Interpolation::Nearest, InterpolateMode::Nearest),
    ("bilinear", Interpolation::Bilinear, InterpolateMode::Bilinear { align_corners: false }),
    ("aligned", Interpolation::BilinearAligned, InterpolateMode::Bilinear { align_corners: true }),
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &shape in SHAPES.iter().chain(&[[1, 3, 9, 16], SPLIT, MANY_PIXELS]) {
        for [kernel, stride, padding] in [[2, 2, 0], [3, 2, 1], [3, 1, 1], [1, 2, 0], [5, 3, 2]] {
            if kernel > shape[2].min(shape[3]) + 2 * padding || shape == MANY_PIXELS && stride != 1 {
                continue;
            }
            let attrs = pool::MaxPool2dAttrs { kernel, stride, padding };
            let name = format!("max_pool2d_{}_k{kernel}_s{stride}_p{padding}", extents(&shape));
            cases.push(marked(shape, Case::new(name, move |gpu| max_pool2d(gpu, shape, attrs))));
        }
    }
    for &shape in SHAPES.iter().chain(&[SPLIT, MANY_PLANES]) {
        let name = format!("adaptive_avg_pool2d_{}", extents(&shape));
        cases.push(marked(shape, Case::new(name, move |gpu| adaptive_avg_pool2d(gpu, shape))));
    }
    for &shape in SHAPES.iter().chain(&[SPLIT, MANY_PIXELS]) {
        for target in targets(shape) {
            for (mode_name, mode, meaning) in MODES {
                if shape == MANY_PIXELS && mode == Interpolation::Bilinear {
                    continue;
                }
                let size = match target {
                    Target::Size([rows, cols]) => format!("to_{rows}x{cols}"),
                    Target::Scale(factor) => format!("by_{factor}"),
                };
                let name = format!("interpolate_{mode_name}_{}_{size}", extents(&shape));
                cases.push(marked(shape, Case::new(name, move |gpu| interpolate(gpu, shape, target, mode, meaning))));
            }
        }
    }
    cases.push(Case::new("max_pool2d_refuses_windows_and_lets_nan_through", nan_and_refusals));
    cases.push(Case::new("interpolate_of_one_pixel_that_90000_use", one_for_many));
    cases
}

fn marked(shape: Shape, case: Case) -> Case {
    if shape == SPLIT { case.splitting() } else { case }
}

/// Sizes and factors, up and down, whole and not.
fn targets(shape: Shape) -> Vec<Target> {
    let [_, _, h, w] = shape;
    if shape == MANY_PIXELS {
        return vec![Target::Size([h, w])];
    }
    let sizes = [[1, 1], [2 * h, 2 * w], [h, w], [h + 7, w + 3], [h.div_ceil(3), w.div_ceil(2)]].map(Target::Size);
    let mut targets: Vec<Target> = sizes.into_iter().chain([2.0, 4.0, 1.7].map(Target::Scale)).collect();
    // Of one pixel some sizes are equal.
    if [h, w] == [1, 1] {
        targets.retain(|target| *target != Target::Size([1, 1]));
        targets.push(Target::Size([1, 1]));
    }
    targets
}

fn max_pool2d(gpu: &Gpu, shape: Shape, attrs: pool::MaxPool2dAttrs) -> Checked {
    let pool::MaxPool2dAttrs { kernel, stride, padding } = attrs;
    Definition {
        inputs: &[&shape],
        rtol: [0.0, 5e-7],
        op: &|tape, inputs| ops::max_pool2d(tape, &inputs[0], Window { kernel, stride, padding }),
        forward: &|values| {
            let (output, shape) = pool::max_pool2d(&values[0], shape, &attrs);
            (output, shape.to_vec())
        },
        backward: &|grad, values| vec![pool::max_pool2d_grad_input(grad, &values[0], shape, &attrs)],
    }
    .check(gpu)
}

fn adaptive_avg_pool2d(gpu: &Gpu, shape: Shape) -> Checked {
    Definition {
        inputs: &[&shape],
        rtol: [5e-7, 3e-7],
        op: &|tape, inputs| ops::adaptive_avg_pool2d(tape, &inputs[0]),
        forward: &|values| {
            let (output, shape) = avg::adaptive_avg_pool2d(&values[0], shape);
            (output, shape.to_vec())
        },
        backward: &|grad, _| vec![avg::adaptive_avg_pool2d_grad_input(grad, shape)],
    }
    .check(gpu)
}

fn interpolate(gpu: &Gpu, shape: Shape, target: Target, mode: Interpolation, meaning: InterpolateMode) -> Checked {
    let size = match target {
        Target::Size(size) => InterpolateSize::Size(size),
        Target::Scale(factor) => InterpolateSize::ScaleFactor(factor),
    };
    let [_, _, h, w] = shape;
    let rtol = match mode {
        _ if target == Target::Size([h, w]) => [0.0; 2],
        Interpolation::Nearest => [0.0, 4e-7],
        // A share is what a coordinate in f32 has behind its point: the larger the coordinate, the less.
        _ => [6e-7 * h.max(w) as f64; 2],
    };
    Definition {
        inputs: &[&shape],
        rtol,
        op: &|tape, inputs| ops::interpolate(tape, &inputs[0], target, mode),
        forward: &|values| {
            let (output, shape) = resize::interpolate(&values[0], shape, meaning, size);
            (output, shape.to_vec())
        },
        backward: &|grad, _| vec![resize::interpolate_grad_input(grad, shape, meaning, size)],
    }
    .check(gpu)
}

fn nan_and_refusals(gpu: &Gpu) -> Checked {
    let x = Tensor::from_slice(gpu, [1, 1, 2, 4], &[1.0, f32::NAN, 3.0, 3.0, 2.0, 5.0, 3.0, 3.0])?;
    for (kernel, stride, padding) in [(3, 1, 0), (2, 0, 0), (2, 2, 2), (0, 1, 0)] {
        let refused = ops::max_pool2d(&Tape::off(), &x, Window { kernel, stride, padding }).is_err();
        ensure(refused, format!("a window of {kernel} at stride {stride} and padding {padding} was not refused"))?;
    }
    let y = ops::max_pool2d(&Tape::off(), &x, Window { kernel: 2, stride: 2, padding: 0 })?.to_vec()?;
    ensure(y[0].is_nan() && y[1] == 3.0, format!("{y:?}"))
}

/// Mesa's software device ends loops after 65 535 trips: a pixel that more outputs use must be refused there, not summed in part.
fn one_for_many(gpu: &Gpu) -> Checked {
    let (x, target) = (Tensor::full(gpu, [1, 1, 1, 1], 1.0)?, Target::Size([300, 300]));
    let tape = Tape::recording();
    tape.watch(&x);
    let y = ops::interpolate(&tape, &x, target, Interpolation::BilinearAligned)?;
    match tape.backward(&[(&y, Tensor::full(gpu, y.shape(), 1.0)?)]) {
        Ok(gradients) => close("gradient", gradients.get(&x).ok_or("no gradient")?, &[90_000.0], 0.0, 0.0),
        Err(error) => ensure(error.to_string().contains("too long"), error.to_string()),
    }
}
