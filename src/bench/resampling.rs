//! Pooling, interpolation, concatenation and padding.

use crate::bench::case::{Case, Job, noisy};
use crate::kernels::cat::cat;
use crate::kernels::interpolate::{Interpolation, Target, interpolate, interpolate_grad_input};
use crate::kernels::max_pool2d::{Window, max_pool2d, max_pool2d_grad_input};
use crate::tensor::Shape;

/// Column, row and plane of a flat index.
fn place(i: usize, side: usize) -> [usize; 3] {
    [i % side, i / side % side, i / (side * side)]
}

/// Source position, its neighbour and the neighbour's share, with aligned corners from `side` to twice that.
fn aligned(at: usize, side: usize) -> (usize, usize, f64) {
    let position = at as f64 * (side as f64 - 1.0) / (2.0 * side as f64 - 1.0);
    let before = (position.floor() as usize).min(side - 1);
    (before, (before + 1).min(side - 1), position - before as f64)
}

fn max_pool(n: usize, c: usize, side: usize) -> [Case; 2] {
    let window = Window { kernel: 2, stride: 2, padding: 0 };
    // Where the largest of four lies, the first of equals.
    let winner = move |x: &[f32], o: usize| {
        let [col, row, plane] = place(o, side / 2);
        let at = |k: usize| (plane * side + 2 * row + k / 2) * side + 2 * col + k % 2;
        (1..4).fold(at(0), |best, k| if x[at(k)] > x[best] { at(k) } else { best })
    };
    let forward = Case::new(format!("max_pool2d 2x2/2 {c} {n}x{side}x{side}"), move |gpu| {
        let x = noisy(gpu, 1, [n, c, side, side])?;
        let run = move || max_pool2d(&x.0, window).map(|(output, _)| output);
        Ok(Job::new(run, move |o| f64::from(x.1[winner(&x.1, o)]), 0.0))
    });
    let backward = Case::new(format!("max_pool2d_grad_input 2x2/2 {c} {n}x{side}x{side}"), move |gpu| {
        let (x, g) = (noisy(gpu, 1, [n, c, side, side])?, noisy(gpu, 2, [n, c, side / 2, side / 2])?);
        let (_, index) = max_pool2d(&x.0, window)?;
        let expected = move |i: usize| {
            let [col, row, plane] = place(i, side);
            let o = (plane * side / 2 + row / 2) * (side / 2) + col / 2;
            if winner(&x.1, o) == i { f64::from(g.1[o]) } else { 0.0 }
        };
        let shape = Shape::from([n, c, side, side]);
        Ok(Job::new(move || max_pool2d_grad_input(&g.0, &index, &shape, window), expected, 0.0))
    });
    [forward, backward]
}

fn double(n: usize, c: usize, side: usize) -> [Case; 3] {
    let nearest = Case::new(format!("interpolate nearest x2 {c} {n}x{side}x{side}"), move |gpu| {
        let x = noisy(gpu, 1, [n, c, side, side])?;
        let expected = move |o: usize| {
            let [col, row, plane] = place(o, 2 * side);
            f64::from(x.1[(plane * side + row / 2) * side + col / 2])
        };
        Ok(Job::new(move || interpolate(&x.0, Target::Scale(2.0), Interpolation::Nearest), expected, 0.0))
    });
    let target = Target::Size([2 * side, 2 * side]);
    let bilinear = Case::new(format!("interpolate bilinear x2 {c} {n}x{side}x{side}"), move |gpu| {
        let x = noisy(gpu, 1, [n, c, side, side])?;
        let expected = move |o: usize| {
            let [col, row, plane] = place(o, 2 * side);
            let ((above, below, down), (left, right, along)) = (aligned(row, side), aligned(col, side));
            let at = |r: usize, c: usize| f64::from(x.1[(plane * side + r) * side + c]);
            let line = |r: usize| at(r, left) * (1.0 - along) + at(r, right) * along;
            line(above) * (1.0 - down) + line(below) * down
        };
        Ok(Job::new(move || interpolate(&x.0, target, Interpolation::BilinearAligned), expected, 2e-5))
    });
    let gradient = Case::new(format!("interpolate_grad_input bilinear x2 {c} {n}x{side}x{side}"), move |gpu| {
        let g = noisy(gpu, 2, [n, c, 2 * side, 2 * side])?;
        let share = move |o: usize, i: usize| {
            let (before, after, part) = aligned(o, side);
            (if before == i { 1.0 - part } else { 0.0 }) + (if after == i { part } else { 0.0 })
        };
        let expected = move |i: usize| {
            let [col, row, plane] = place(i, side);
            let line = |r: usize| (0..2 * side).map(|c| share(c, col) * f64::from(g.1[(plane * 2 * side + r) * 2 * side + c])).sum::<f64>();
            (0..2 * side).filter(|&r| share(r, row) != 0.0).map(|r| share(r, row) * line(r)).sum()
        };
        let shape = Shape::from([n, c, side, side]);
        Ok(Job::new(move || interpolate_grad_input(&g.0, &shape, target, Interpolation::BilinearAligned), expected, 2e-5))
    });
    [nearest, bilinear, gradient]
}

/// Nearest to a size that is no multiple, as a decoder needs it beside an odd skip.
fn odd(n: usize, c: usize, side: usize) -> [Case; 2] {
    let larger = 2 * side - 1;
    let target = Target::Size([larger, larger]);
    let source = move |o: usize| (o as f32 * (side as f32 / larger as f32)) as usize;
    let forward = Case::new(format!("interpolate nearest to {larger} {c} {n}x{side}x{side}"), move |gpu| {
        let x = noisy(gpu, 1, [n, c, side, side])?;
        let expected = move |o: usize| {
            let [col, row, plane] = place(o, larger);
            f64::from(x.1[(plane * side + source(row)) * side + source(col)])
        };
        Ok(Job::new(move || interpolate(&x.0, target, Interpolation::Nearest), expected, 0.0))
    });
    let gradient = Case::new(format!("interpolate_grad_input nearest to {larger} {c} {n}x{side}x{side}"), move |gpu| {
        let g = noisy(gpu, 2, [n, c, larger, larger])?;
        let expected = move |i: usize| {
            let [col, row, plane] = place(i, side);
            let users = |own: usize| (0..larger).filter(move |&o| source(o) == own);
            users(row).flat_map(|r| users(col).map(move |c| (r, c))).map(|(r, c)| f64::from(g.1[(plane * larger + r) * larger + c])).sum()
        };
        let shape = Shape::from([n, c, side, side]);
        Ok(Job::new(move || interpolate_grad_input(&g.0, &shape, target, Interpolation::Nearest), expected, 2e-6))
    });
    [forward, gradient]
}

fn joined(n: usize, c: usize, side: usize) -> Case {
    Case::new(format!("cat {c}+{c} {n}x{side}x{side}"), move |gpu| {
        let (a, b) = (noisy(gpu, 1, [n, c, side, side])?, noisy(gpu, 2, [n, c, side, side])?);
        let run_length = c * side * side;
        let expected = move |i: usize| {
            let (image, at) = (i / (2 * run_length), i % (2 * run_length));
            let values = if at < run_length { &a.1 } else { &b.1 };
            f64::from(values[image * run_length + at % run_length])
        };
        Ok(Job::new(move || cat(&[&a.0, &b.0]), expected, 0.0))
    })
}

pub(super) fn cases(large: bool) -> Vec<Case> {
    let (n, c, side) = if large { (8, 64, 256) } else { (8, 8, 128) };
    max_pool(n, c, side).into_iter().chain(double(n, c, side / 2)).chain(odd(n, c, side / 2)).chain([joined(n, c, side)]).collect()
}
