//! Ops over rows of values at shapes of vision transformers: linear layers, layer norms, softmax, attention, with their gradients.

use crate::bench::case::{Case, Job, noisy};
use crate::bench::parts::{by_planes, noisy_wide, plane, wide};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::activation::Activation;
use crate::kernels::layer_norm::{layer_norm, layer_norm_grad_input, layer_norm_grad_weight};
use crate::kernels::linear::{linear, linear_grad_input, linear_grad_weight};
use crate::kernels::operands::Operands;
use crate::kernels::scaled_dot_product_attention as attention;
use crate::kernels::softmax::{softmax, softmax_grad_input};
use crate::reference::scaled_dot_product_attention::{self as definition, AttentionDims};
use crate::reference::{layer_norm as norm_definition, linear as linear_definition, softmax as softmax_definition};

/// Rows, and channels in and out.
const LINEAR: [[usize; 3]; 3] = [[4608, 64, 256], [1024, 384, 96], [64, 256, 10]];
/// Rows and their values.
const NORMS: [[usize; 2]; 2] = [[4608, 64], [1024, 384]];
/// Images, heads, tokens, values of a row.
const ATTENTION: [[usize; 4]; 2] = [[8, 4, 576, 16], [16, 6, 256, 32]];
/// The same of attention with a bias, windows of 8 × 8 tokens.
const BIASED: [usize; 4] = [64, 3, 64, 32];

const EPS: f32 = 1e-5;

pub(super) fn cases(_: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for (dims @ [rows, c_in, c_out], operands) in LINEAR.map(|dims| (dims, Operands::F32)).into_iter().chain([(LINEAR[1], Operands::F16)]) {
        let name = |stem: &str| format!("{stem} {c_in}>{c_out} {rows}{}", if operands == Operands::F16 { " f16" } else { "" });
        cases.push(Case::new(name("linear"), move |gpu| linear_job(gpu, dims, operands)));
        cases.push(Case::new(name("linear_grad_input"), move |gpu| linear_grad_input_job(gpu, dims, operands)));
        cases.push(Case::new(name("linear_grad_weight"), move |gpu| linear_grad_weight_job(gpu, dims, operands)));
    }
    for [rows, c] in NORMS {
        let name = |stem: &str| format!("{stem} {c} {rows}");
        for pass in [Pass::Forward, Pass::GradInput, Pass::GradWeight] {
            let stem = ["layer_norm", "layer_norm_grad_input", "layer_norm_grad_weight"][pass as usize];
            cases.push(Case::new(name(stem), move |gpu| norm_job(gpu, [rows, c], pass)));
        }
    }
    cases.push(Case::new("softmax 4 8x128x128", |gpu| softmax_job(gpu, [8, 4, 128 * 128], false)));
    cases.push(Case::new("softmax_grad_input 4 8x128x128", |gpu| softmax_job(gpu, [8, 4, 128 * 128], true)));
    for [n, heads, tokens, dim] in ATTENTION {
        for (stem, pass) in [("", Pass::Forward), ("_grad", Pass::GradInput)] {
            let name = format!("scaled_dot_product_attention{stem} {heads}x{dim} {n}x{tokens}");
            cases.push(Case::new(name, move |gpu| attention_job(gpu, [n, heads, tokens, dim], pass)));
        }
    }
    let [n, heads, tokens, dim] = BIASED;
    let name = format!("scaled_dot_product_attention_grad_bias {heads}x{dim} {n}x{tokens}");
    cases.push(Case::new(name, |gpu| attention_bias_job(gpu, BIASED)));
    cases
}

/// Which kernel of an op is timed.
#[derive(Clone, Copy)]
enum Pass {
    Forward,
    GradInput,
    GradWeight,
}

fn linear_job(gpu: &Gpu, [rows, c_in, c_out]: [usize; 3], operands: Operands) -> Result<Job> {
    let [x, w] = [noisy_wide(gpu, 1, [rows, c_in], operands)?, noisy_wide(gpu, 2, [c_out, c_in], operands)?];
    let (b, bias) = noisy_wide(gpu, 3, [c_out], Operands::F32)?;
    let expected = by_planes(c_out, move |row| linear_definition::linear(&x.1[row * c_in..][..c_in], &w.1, Some(&bias), [c_in, c_out]));
    Ok(Job::new(move || linear(&x.0, &w.0, Some(&b), Activation::None, operands), expected, 2e-5))
}

fn linear_grad_input_job(gpu: &Gpu, [rows, c_in, c_out]: [usize; 3], operands: Operands) -> Result<Job> {
    let [g, w] = [noisy_wide(gpu, 1, [rows, c_out], operands)?, noisy_wide(gpu, 2, [c_out, c_in], operands)?];
    let expected = by_planes(c_in, move |row| linear_definition::linear_grad_input(&g.1[row * c_out..][..c_out], &w.1, [c_in, c_out]));
    Ok(Job::new(move || linear_grad_input(&g.0, &w.0, operands), expected, 2e-5))
}

fn linear_grad_weight_job(gpu: &Gpu, [rows, c_in, c_out]: [usize; 3], operands: Operands) -> Result<Job> {
    let [x, g] = [noisy_wide(gpu, 1, [rows, c_in], operands)?, noisy_wide(gpu, 2, [rows, c_out], operands)?];
    let (w, _) = noisy(gpu, 3, [c_out, c_in])?;
    let expected = move |i: usize| {
        let column = |values: &[f64], c: usize, at: usize| values.iter().skip(at).step_by(c).copied().collect::<Vec<f64>>();
        let (dy, x) = (column(&g.1, c_out, i / c_in), column(&x.1, c_in, i % c_in));
        linear_definition::linear_grad_weight(&dy, &x, [1, 1])[0]
    };
    Ok(Job::new(move || Ok(linear_grad_weight(&x.0, &g.0, &w, operands)?.0), expected, 2e-5))
}

fn norm_job(gpu: &Gpu, [rows, c]: [usize; 2], pass: Pass) -> Result<Job> {
    let (x, g) = (noisy(gpu, 1, [rows, c])?, noisy(gpu, 2, [rows, c])?);
    let (w, b) = (noisy(gpu, 3, [c])?, noisy(gpu, 4, [c])?);
    let (weight, bias) = (wide(&w.1), wide(&b.1));
    let (_, saved) = layer_norm(&x.0, &w.0, &b.0, EPS)?;
    let (input, grad) = (move |row| plane(&x.1, c, row), move |row| plane(&g.1, c, row));
    Ok(match pass {
        Pass::Forward => {
            let expected = by_planes(c, move |row| norm_definition::layer_norm(&input(row), &weight, &bias, EPS.into()));
            Job::new(move || Ok(layer_norm(&x.0, &w.0, &b.0, EPS)?.0), expected, 1e-5)
        }
        Pass::GradInput => {
            let expected = by_planes(c, move |row| norm_definition::layer_norm_grad_input(&grad(row), &input(row), &weight, EPS.into()));
            Job::new(move || layer_norm_grad_input(&saved, &g.0), expected, 2e-5)
        }
        Pass::GradWeight => {
            let all = move |of: &dyn Fn(usize) -> Vec<f64>| (0..rows).flat_map(of).collect::<Vec<f64>>();
            let expected = by_planes(c, move |_| norm_definition::layer_norm_grad_weight(&all(&grad), &all(&input), c, EPS.into()));
            Job::new(move || Ok(layer_norm_grad_weight(&saved, &g.0)?.0), expected, 2e-5)
        }
    })
}

fn softmax_job(gpu: &Gpu, extents: [usize; 3], gradient: bool) -> Result<Job> {
    let (x, g) = (noisy(gpu, 1, extents)?, noisy(gpu, 2, extents)?);
    let [_, len, inner] = extents;
    let one = [1, len, inner];
    let words = len * inner;
    if !gradient {
        let expected = by_planes(words, move |image| softmax_definition::softmax(&plane(&x.1, words, image), one));
        return Ok(Job::new(move || softmax(&x.0, 1), expected, 5e-6));
    }
    let y = softmax(&x.0, 1)?;
    let expected =
        by_planes(words, move |image| softmax_definition::softmax_grad_input(&plane(&g.1, words, image), &plane(&x.1, words, image), one));
    Ok(Job::new(move || softmax_grad_input(&y, &g.0, 1), expected, 1e-5))
}

/// Of the gradients, that of the keys is checked.
fn attention_job(gpu: &Gpu, shape: [usize; 4], pass: Pass) -> Result<Job> {
    let [_, _, tokens, dim] = shape;
    let [q, k, v, g] = [noisy(gpu, 1, shape)?, noisy(gpu, 2, shape)?, noisy(gpu, 3, shape)?, noisy(gpu, 4, shape)?];
    let scale = (dim as f32).sqrt().recip();
    let attrs = attention::AttentionAttrs::scaled(scale);
    let (_, saved) = attention::scaled_dot_product_attention(&q.0, &k.0, &v.0, None, attrs)?;
    let (dims, words) = (AttentionDims { n: 1, heads: 1, tokens, dim, scale: scale.into(), windows: None }, tokens * dim);
    let of_head = move |values: &[f32], head| plane(values, words, head);
    Ok(match pass {
        Pass::Forward => {
            let expected = by_planes(words, move |head| {
                let [q, k, v] = [&q.1, &k.1, &v.1].map(|side| of_head(side, head));
                definition::scaled_dot_product_attention(&q, &k, &v, None, &dims)
            });
            Job::new(move || Ok(attention::scaled_dot_product_attention(&q.0, &k.0, &v.0, None, attrs)?.0), expected, 1e-5)
        }
        _ => {
            let expected = by_planes(words, move |head| {
                let [q, k, v, g] = [&q.1, &k.1, &v.1, &g.1].map(|side| of_head(side, head));
                definition::scaled_dot_product_attention_grad(&g, &q, &k, &v, None, &dims).k
            });
            Job::new(move || attention::scaled_dot_product_attention_grad(&saved, &g.0).map(|[_, grad_k, _]| grad_k), expected, 2e-5)
        }
    })
}

/// The gradient of a bias that images share.
fn attention_bias_job(gpu: &Gpu, shape: [usize; 4]) -> Result<Job> {
    let [n, heads, tokens, dim] = shape;
    let [q, k, v, g] = [noisy(gpu, 1, shape)?, noisy(gpu, 2, shape)?, noisy(gpu, 3, shape)?, noisy(gpu, 4, shape)?];
    let (bias, of_bias) = noisy(gpu, 5, [heads, tokens, tokens])?;
    let scale = (dim as f32).sqrt().recip();
    let (_, saved) = attention::scaled_dot_product_attention(&q.0, &k.0, &v.0, Some(&bias), attention::AttentionAttrs::scaled(scale))?;
    let (dims, words) = (AttentionDims { n: 1, heads: 1, tokens, dim, scale: scale.into(), windows: None }, tokens * dim);
    let expected = by_planes(tokens * tokens, move |head| {
        let bias = plane(&of_bias, tokens * tokens, head);
        let of_image = |image: usize| {
            let [q, k, v, g] = [&q.1, &k.1, &v.1, &g.1].map(|side| plane(side, words, image * heads + head));
            definition::scaled_dot_product_attention_grad(&g, &q, &k, &v, Some(&bias), &dims).bias
        };
        (0..n).map(of_image).reduce(|sum, own| sum.iter().zip(own).map(|(a, b)| a + b).collect()).unwrap_or_default()
    });
    Ok(Job::new(move || attention::scaled_dot_product_attention_grad_bias(&saved, &g.0), expected, 2e-5))
}
