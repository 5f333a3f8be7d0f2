//! What a network of maps and tokens needs beside its layers: rows that broadcast, products with a number, axes exchanged.

use crate::bench::case::{Case, Job, noisy};
use crate::bench::parts::plane;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::add_row::{add_row, add_row_grad_row};
use crate::kernels::gather_tokens::{Picked, gather_tokens, scatter_tokens};
use crate::kernels::mul_row::{mul_row, mul_row_grad_row};
use crate::kernels::mul_scalar::mul_scalar;
use crate::kernels::transpose::transpose;
use crate::reference::{add_row as add_definition, mul_row as mul_definition, mul_scalar as scalar_definition};
use crate::tensor::Tensor;

/// Images, tokens, values of a token.
const TOKENS: [usize; 3] = [8, 576, 256];

pub(super) fn cases(large: bool) -> Vec<Case> {
    let shape = if large { [8, 64, 256, 256] } else { [8, 8, 128, 128] };
    let [n, c, h, w] = shape;
    let size = format!("{c} {n}x{h}x{w}");
    let [images, tokens, values] = TOKENS;
    vec![
        Case::new(format!("mul_row {size}"), move |gpu| rows_job(gpu, shape, mul_row, mul_definition::mul_row)),
        Case::new(format!("mul_row_grad_row {size}"), move |gpu| grad_job(gpu, shape)),
        Case::new(format!("add_row {size}"), move |gpu| rows_job(gpu, shape, add_row, |x, row| add_definition::add_row(x, row, 1))),
        Case::new(format!("add_row_grad_row {values} {images}x{tokens}"), places_job),
        Case::new(format!("mul_scalar {size}"), move |gpu| {
            let x = noisy(gpu, 1, shape)?;
            let expected = move |i: usize| scalar_definition::mul_scalar(&[x.1[i].into()], 0.25)[0];
            Ok(Job::new(move || mul_scalar(&x.0, 0.25), expected, 1e-6))
        }),
        Case::new(format!("transpose {c} {n}x{}", h * w), move |gpu| transpose_job(gpu, [n, c, h * w])),
        Case::new(format!("transpose {values} {images}x{tokens}"), |gpu| transpose_job(gpu, TOKENS)),
        Case::new(format!("gather_tokens {values} {images}x{tokens}"), |gpu| picked_job(gpu, false)),
        Case::new(format!("scatter_tokens {values} {images}x{tokens}"), |gpu| picked_job(gpu, true)),
    ]
}

/// A launcher of a map and its row.
type Launcher = fn(&Tensor, &Tensor) -> Result<Tensor>;

/// `definition` of one element and the number that belongs to it.
fn rows_job(gpu: &Gpu, shape: [usize; 4], launcher: Launcher, definition: fn(&[f64], &[f64]) -> Vec<f64>) -> Result<Job> {
    let [n, c, h, w] = shape;
    let (x, row) = (noisy(gpu, 1, shape)?, noisy(gpu, 2, [n, c])?);
    let expected = move |i: usize| definition(&[x.1[i].into()], &[row.1[i / (h * w)].into()])[0];
    Ok(Job::new(move || launcher(&x.0, &row.0), expected, 1e-6))
}

fn grad_job(gpu: &Gpu, shape: [usize; 4]) -> Result<Job> {
    let pixels = shape[2] * shape[3];
    let (x, grad) = (noisy(gpu, 1, shape)?, noisy(gpu, 2, shape)?);
    let expected = move |i: usize| {
        let [grad, x] = [&grad.1, &x.1].map(|values| plane(values, pixels, i));
        mul_definition::mul_row_grad_row(&grad, &x, 1)[0]
    };
    Ok(Job::new(move || mul_row_grad_row(&grad.0, &x.0), expected, 1e-5))
}

fn places_job(gpu: &Gpu) -> Result<Job> {
    let [images, tokens, values] = TOKENS;
    let grad = noisy(gpu, 1, TOKENS)?;
    let expected = move |i: usize| {
        let of_images: Vec<f64> = (0..images).map(|image| grad.1[image * tokens * values + i].into()).collect();
        add_definition::add_row_grad_row(&of_images, 1, 1)[0]
    };
    let row = [1, tokens, values].into();
    Ok(Job::new(move || add_row_grad_row(&grad.0, &row), expected, 1e-6))
}

/// Every second token, from the last to the first.
fn picked_job(gpu: &Gpu, is_scatter: bool) -> Result<Job> {
    let [images, tokens, values] = TOKENS;
    let list: Vec<usize> = (0..tokens).rev().step_by(2).collect();
    let picked = Picked::new(gpu, &vec![list.clone(); images], tokens)?;
    let place = move |i: usize| {
        let (image, at, value) = (i / (list.len() * values), i / values % list.len(), i % values);
        (image * tokens + list[at]) * values + value
    };
    if !is_scatter {
        let (x, input) = noisy(gpu, 1, TOKENS)?;
        return Ok(Job::new(move || gather_tokens(&x, &picked), move |i| input[place(i)].into(), 0.0));
    }
    // What is written over again and again holds what was written first.
    let (source, rows) = noisy(gpu, 1, [images, tokens / 2, values])?;
    let output = Tensor::full(gpu, TOKENS, 0.0)?;
    let mut map = vec![0.0; output.len()];
    rows.iter().enumerate().for_each(|(i, value)| map[place(i)] = f64::from(*value));
    Ok(Job::new(move || scatter_tokens(&source, &picked, &output).map(|()| output.clone()), move |i| map[i], 0.0))
}

fn transpose_job(gpu: &Gpu, [n, rows, cols]: [usize; 3]) -> Result<Job> {
    let x = noisy(gpu, 1, [n, rows, cols])?;
    let expected = move |i: usize| {
        let (image, col, row) = (i / (rows * cols), i / rows % cols, i % rows);
        f64::from(x.1[(image * rows + row) * cols + col])
    };
    Ok(Job::new(move || transpose(&x.0), expected, 0.0))
}
