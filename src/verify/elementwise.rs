//! Replays of elementwise ops.

use crate::autograd::Tape;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::ops;
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
