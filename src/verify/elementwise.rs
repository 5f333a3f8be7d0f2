//! Replays of elementwise ops, and of any op of one or two inputs and nothing else.

use crate::autograd::Tape;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::ops;
use crate::tensor::Tensor;
use crate::verify::{Case, Outcome, Runner};

pub(super) const RUNNERS: &[(&str, Runner)] = &[
    ("add", add),
    ("clamped_exp", clamped_exp),
    ("gelu", gelu),
    ("leaky_relu", leaky_relu),
    ("relu", relu),
    ("sigmoid", sigmoid),
    ("sigmoidcutoff", sigmoidcutoff),
    ("silu", silu),
    ("tanhshelf", tanhshelf),
];

/// Runs an op of one input `x` and one output `y`, and its gradient where the case has one.
pub(super) fn unary(gpu: &Gpu, case: &Case, op: impl Fn(&Tape, &Tensor) -> Result<Tensor>) -> Result<Outcome> {
    let x = case.input(gpu, "x")?;
    let tape = Tape::recording();
    tape.watch(&x);
    let y = op(&tape, &x)?;
    let mut outcome = Outcome::default();
    outcome.output("y", &y)?;
    if let Some(grad) = case.grad_output(gpu, "y")? {
        outcome.grad_input("x", tape.backward(&[(&y, grad)])?.get(&x))?;
    }
    Ok(outcome)
}

/// Runs an op of two inputs `a` and `b` and one output `y`, and its gradients where the case has them.
pub(super) fn binary(gpu: &Gpu, case: &Case, op: impl Fn(&Tape, &Tensor, &Tensor) -> Result<Tensor>) -> Result<Outcome> {
    let (a, b) = (case.input(gpu, "a")?, case.input(gpu, "b")?);
    let tape = Tape::recording();
    tape.watch(&a);
    tape.watch(&b);
    let y = op(&tape, &a, &b)?;
    let mut outcome = Outcome::default();
    outcome.output("y", &y)?;
    if let Some(grad) = case.grad_output(gpu, "y")? {
        let gradients = tape.backward(&[(&y, grad)])?;
        outcome.grad_input("a", gradients.get(&a))?;
        outcome.grad_input("b", gradients.get(&b))?;
    }
    Ok(outcome)
}

fn add(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    binary(gpu, case, ops::add)
}

fn leaky_relu(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let slope = case.attr_f64("negative_slope")? as f32;
    unary(gpu, case, |tape, x| ops::leaky_relu(tape, x, slope))
}

fn relu(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    unary(gpu, case, ops::relu)
}

fn clamped_exp(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    unary(gpu, case, ops::clamped_exp)
}

fn gelu(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    unary(gpu, case, ops::gelu)
}

fn sigmoid(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    unary(gpu, case, ops::sigmoid)
}

fn tanhshelf(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    unary(gpu, case, ops::tanhshelf)
}

fn sigmoidcutoff(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    unary(gpu, case, ops::sigmoidcutoff)
}

fn silu(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    unary(gpu, case, ops::silu)
}
