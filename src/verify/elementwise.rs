//! Replays of elementwise ops.

use crate::autograd::Tape;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::ops::{self, Activation};
use crate::verify::{Case, Outcome};

pub(super) fn add(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let (a, b) = (case.input(gpu, "a")?, case.input(gpu, "b")?);
    let tape = Tape::recording();
    tape.watch(&a);
    tape.watch(&b);
    let y = ops::add(&tape, &a, &b)?;
    let mut outcome = Outcome::default();
    outcome.output("y", &y)?;
    if let Some(grad) = case.grad_output(gpu, "y")? {
        let gradients = tape.backward(&[(&y, grad)])?;
        outcome.grad_input("a", gradients.get(&a))?;
        outcome.grad_input("b", gradients.get(&b))?;
    }
    Ok(outcome)
}

fn activation(gpu: &Gpu, case: &Case, kind: Activation) -> Result<Outcome> {
    let x = case.input(gpu, "x")?;
    let tape = Tape::recording();
    tape.watch(&x);
    let y = ops::activation(&tape, kind, &x)?;
    let mut outcome = Outcome::default();
    outcome.output("y", &y)?;
    if let Some(grad) = case.grad_output(gpu, "y")? {
        outcome.grad_input("x", tape.backward(&[(&y, grad)])?.get(&x))?;
    }
    Ok(outcome)
}

pub(super) fn relu(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    activation(gpu, case, Activation::Relu)
}

pub(super) fn gelu(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    activation(gpu, case, Activation::Gelu)
}

pub(super) fn sigmoid(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    activation(gpu, case, Activation::Sigmoid)
}

pub(super) fn tanhshelf(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    activation(gpu, case, Activation::Tanhshelf)
}

pub(super) fn sigmoidcutoff(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    activation(gpu, case, Activation::Sigmoidcutoff)
}
