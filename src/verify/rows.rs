//! Replays of ops over rows of values: `linear`, `layer_norm`, `softmax` and `scaled_dot_product_attention`; and of `group_norm`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::ops::{self, Activation, AttentionAttrs};
use crate::verify::convolution::weighted;
use crate::verify::elementwise::unary;
use crate::verify::windows::windows;
use crate::verify::{Case, Outcome, Runner};

pub(super) const RUNNERS: &[(&str, Runner)] = &[
    ("group_norm", group_norm),
    ("layer_norm", layer_norm),
    ("linear", linear),
    ("scaled_dot_product_attention", scaled_dot_product_attention),
    ("softmax", softmax),
];

fn group_norm(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let (groups, eps) = (case.attr_usize("num_groups")?, case.attr_f64("eps")? as f32);
    weighted(gpu, case, |tape, x, weight, bias| {
        let bias = bias.ok_or_else(|| case.malformed("tensor `param.bias` is missing"))?;
        ops::group_norm(tape, x, groups, weight, bias, eps, Activation::None)
    })
}

fn linear(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    weighted(gpu, case, |tape, x, weight, bias| ops::linear(tape, x, weight, bias, Activation::None))
}

fn layer_norm(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let eps = case.attr_f64("eps")? as f32;
    weighted(gpu, case, |tape, x, weight, bias| {
        let bias = bias.ok_or_else(|| case.malformed("tensor `param.bias` is missing"))?;
        ops::layer_norm(tape, x, weight, bias, eps)
    })
}

fn softmax(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let dim = case.attr_usize("dim")?;
    unary(gpu, case, |tape, x| ops::softmax(tape, x, dim))
}

fn scaled_dot_product_attention(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let attrs = AttentionAttrs { windows: windows(case)?, ..AttentionAttrs::scaled(case.attr_f64("scale")? as f32) };
    let (q, k, v, bias) = (case.input(gpu, "q")?, case.input(gpu, "k")?, case.input(gpu, "v")?, case.optional_input(gpu, "bias")?);
    let tape = Tape::recording();
    [Some(&q), Some(&k), Some(&v), bias.as_ref()].into_iter().flatten().for_each(|leaf| tape.watch(leaf));
    let attend = || ops::scaled_dot_product_attention(&tape, &q, &k, &v, bias.as_ref(), attrs);
    let y = tape.autocast(case.operands()?, attend)?;
    let mut outcome = Outcome::default();
    outcome.output("y", &y)?;
    if let Some(grad) = case.grad_output(gpu, "y")? {
        let gradients = tape.backward(&[(&y, grad)])?;
        for (name, leaf) in [("q", &q), ("k", &k), ("v", &v)] {
            outcome.grad_input(name, gradients.get(leaf))?;
        }
        outcome.grad_input("bias", bias.as_ref().and_then(|bias| gradients.get(bias)))?;
    }
    Ok(outcome)
}
