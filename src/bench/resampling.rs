//! Pooling, interpolation, concatenation, padding and dropout.

use crate::bench::case::{Case, Job, noisy};
use crate::bench::parts::{by_parts, by_planes, plane, whole, wide};
use crate::kernels::adaptive_avg_pool2d::{adaptive_avg_pool2d, adaptive_avg_pool2d_grad_input};
use crate::kernels::cat::cat;
use crate::kernels::dropout::{Draw, dropout};
use crate::kernels::interpolate::{Interpolation, Target, interpolate, interpolate_grad_input};
use crate::kernels::max_pool2d::{Window, max_pool2d, max_pool2d_grad_input};
use crate::kernels::pad::{Sides, pad};
use crate::reference::adaptive_avg_pool2d as mean;
use crate::reference::cat::cat as joined_by_definition;
use crate::reference::dropout::dropout as thinned_by_definition;
use crate::reference::interpolate::{self as resize, InterpolateMode, InterpolateSize};
use crate::reference::max_pool2d as pool;
use crate::reference::pad::{PadAttrs, pad as padded_by_definition};
use crate::tensor::Shape;

/// Windows that halve an even side.
fn max_pool(n: usize, c: usize, side: usize, [kernel, padding]: [usize; 2]) -> [Case; 2] {
    let window = Window { kernel, stride: 2, padding };
    let attrs = pool::MaxPool2dAttrs { kernel, stride: 2, padding };
    let (large, small) = (side * side, side / 2 * (side / 2));
    let forward = Case::new(format!("max_pool2d {kernel}x{kernel}/2 {c} {n}x{side}x{side}"), move |gpu| {
        let x = noisy(gpu, 1, [n, c, side, side])?;
        let run = move || max_pool2d(&x.0, window).map(|(output, _)| output);
        let expected = by_planes(small, move |p| pool::max_pool2d(&plane(&x.1, large, p), [1, 1, side, side], &attrs).0);
        Ok(Job::new(run, expected, 0.0))
    });
    let backward = Case::new(format!("max_pool2d_grad_input {kernel}x{kernel}/2 {c} {n}x{side}x{side}"), move |gpu| {
        let (x, g) = (noisy(gpu, 1, [n, c, side, side])?, noisy(gpu, 2, [n, c, side / 2, side / 2])?);
        let (_, index) = max_pool2d(&x.0, window)?;
        let expected = by_planes(large, move |p| {
            pool::max_pool2d_grad_input(&plane(&g.1, small, p), &plane(&x.1, large, p), [1, 1, side, side], &attrs)
        });
        let shape = Shape::from([n, c, side, side]);
        Ok(Job::new(move || max_pool2d_grad_input(&g.0, &index, &shape, window), expected, 0.0))
    });
    [forward, backward]
}

/// A resampling of square planes, and how the definition calls it.
#[derive(Clone)]
struct Resize {
    label: String,
    mode: Interpolation,
    meaning: InterpolateMode,
    n: usize,
    c: usize,
    side: usize,
    larger: usize,
    /// By the factor 2 instead of to a size.
    scaled: bool,
}

impl Resize {
    fn target(&self) -> (Target, InterpolateSize) {
        match self.scaled {
            true => (Target::Scale(2.0), InterpolateSize::ScaleFactor(2.0)),
            false => (Target::Size([self.larger; 2]), InterpolateSize::Size([self.larger; 2])),
        }
    }

    fn name(&self, pass: &str) -> String {
        let Resize { label, n, c, side, .. } = self;
        format!("interpolate{pass} {label} {c} {n}x{side}x{side}")
    }

    fn forward(&self, rtol: f64) -> Case {
        let Resize { mode, meaning, n, c, side, larger, .. } = self.clone();
        let (target, size) = self.target();
        Case::new(self.name(""), move |gpu| {
            let x = noisy(gpu, 1, [n, c, side, side])?;
            let expected =
                by_planes(larger * larger, move |p| resize::interpolate(&plane(&x.1, side * side, p), [1, 1, side, side], meaning, size).0);
            Ok(Job::new(move || interpolate(&x.0, target, mode), expected, rtol))
        })
    }

    fn grad_input(&self, rtol: f64) -> Case {
        let Resize { mode, meaning, n, c, side, larger, .. } = self.clone();
        let (target, size) = self.target();
        Case::new(self.name("_grad_input"), move |gpu| {
            let g = noisy(gpu, 2, [n, c, larger, larger])?;
            let expected = by_planes(side * side, move |p| {
                resize::interpolate_grad_input(&plane(&g.1, larger * larger, p), [1, 1, side, side], meaning, size)
            });
            let shape = Shape::from([n, c, side, side]);
            Ok(Job::new(move || interpolate_grad_input(&g.0, &shape, target, mode), expected, rtol))
        })
    }
}

fn resizes(n: usize, c: usize, side: usize) -> Vec<Case> {
    let nearest = Resize {
        label: "nearest x2".into(),
        mode: Interpolation::Nearest,
        meaning: InterpolateMode::Nearest,
        n,
        c,
        side,
        larger: 2 * side,
        scaled: true,
    };
    let (mode, meaning) = (Interpolation::BilinearAligned, InterpolateMode::Bilinear { align_corners: true });
    let bilinear = Resize { label: "bilinear x2".into(), mode, meaning, scaled: false, ..nearest.clone() };
    // To a size that is no multiple, as a decoder needs it beside an odd skip.
    let larger = 2 * side - 1;
    let odd = Resize { label: format!("nearest to {larger}"), larger, scaled: false, ..nearest.clone() };
    vec![
        nearest.forward(0.0),
        nearest.grad_input(2e-6),
        bilinear.forward(2e-5),
        bilinear.grad_input(2e-5),
        odd.forward(0.0),
        odd.grad_input(2e-6),
    ]
}

fn joined(n: usize, c: usize, side: usize) -> Case {
    Case::new(format!("cat {c}+{c} {n}x{side}x{side}"), move |gpu| {
        let (a, b) = (noisy(gpu, 1, [n, c, side, side])?, noisy(gpu, 2, [n, c, side, side])?);
        let (run_length, image) = (c * side * side, [1, c, side, side]);
        let one = move |n| joined_by_definition(&plane(&a.1, run_length, n), image, &plane(&b.1, run_length, n), image).0;
        let expected = by_parts(move |i| (i / (2 * run_length), i % (2 * run_length)), one);
        Ok(Job::new(move || cat(&[&a.0, &b.0]), expected, 0.0))
    })
}

fn padded(n: usize, c: usize, side: usize) -> Case {
    Case::new(format!("pad 1 {c} {n}x{side}x{side}"), move |gpu| {
        let (x, values) = noisy(gpu, 1, [n, c, side, side])?;
        let attrs = PadAttrs { left: 1, right: 1, top: 1, bottom: 1 };
        let one = move |p| padded_by_definition(&plane(&values, side * side, p), [1, 1, side, side], &attrs).0;
        let expected = by_planes((side + 2) * (side + 2), one);
        Ok(Job::new(move || pad(&x, Sides { left: 1, right: 1, top: 1, bottom: 1 }), expected, 0.0))
    })
}

fn thinned(n: usize, c: usize, side: usize) -> Case {
    Case::new(format!("dropout 0.5 {c} {n}x{side}x{side}"), move |gpu| {
        let ((x, values), draw) = (noisy(gpu, 1, [n, c, side, side])?, Draw { p: 0.5, seed: 42, draw: 7 });
        let key = draw.key();
        let expected = whole(move || thinned_by_definition(&wide(&values), 0.5, key));
        Ok(Job::new(move || dropout(&x, &draw), expected, 1e-6))
    })
}

fn averaged(n: usize, c: usize, side: usize) -> [Case; 2] {
    let forward = Case::new(format!("adaptive_avg_pool2d {c} {n}x{side}x{side}"), move |gpu| {
        let (x, values) = noisy(gpu, 1, [n, c, side, side])?;
        let expected = by_planes(1, move |p| mean::adaptive_avg_pool2d(&plane(&values, side * side, p), [1, 1, side, side]).0);
        Ok(Job::new(move || adaptive_avg_pool2d(&x), expected, 1e-5))
    });
    let backward = Case::new(format!("adaptive_avg_pool2d_grad_input {c} {n}x{side}x{side}"), move |gpu| {
        let (g, values) = noisy(gpu, 1, [n, c, 1, 1])?;
        let one = move |p: usize| mean::adaptive_avg_pool2d_grad_input(&[values[p].into()], [1, 1, side, side]);
        let expected = by_planes(side * side, one);
        Ok(Job::new(move || adaptive_avg_pool2d_grad_input(&g, &Shape::from([n, c, side, side])), expected, 1e-6))
    });
    [forward, backward]
}

pub(super) fn cases(large: bool) -> Vec<Case> {
    let (n, c, side) = if large { (8, 64, 256) } else { (8, 8, 128) };
    max_pool(n, c, side, [2, 0])
        .into_iter()
        .chain(max_pool(n, c, side / 2, [3, 1]))
        .chain(resizes(n, c, side / 2))
        .chain([joined(n, c, side), padded(n, c, side), thinned(n, c, side)])
        .chain(averaged(n, c, side))
        .collect()
}
