//! Replay of batch normalisation.

use crate::autograd::Tape;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::ops::{self, Activation, BatchNormAttrs};
use crate::verify::{Case, Outcome, Runner};

pub(super) const RUNNERS: &[(&str, Runner)] = &[("batch_norm", batch_norm)];

fn batch_norm(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let (x, weight, bias) = (case.input(gpu, "x")?, case.param(gpu, "weight")?, case.param(gpu, "bias")?);
    let (running_mean, running_var) = (case.input(gpu, "running_mean")?, case.input(gpu, "running_var")?);
    let attrs = BatchNormAttrs {
        training: case.attr_bool("training")?,
        momentum: case.attr_f64("momentum")? as f32,
        eps: case.attr_f64("eps")? as f32,
        variance: Default::default(),
        activation: Activation::None,
    };
    let tape = Tape::recording();
    for leaf in [&x, &weight, &bias] {
        tape.watch(leaf);
    }
    let y = ops::batch_norm(&tape, &x, &weight, &bias, &running_mean, &running_var, &attrs)?;
    let mut outcome = Outcome::default();
    outcome.output("y", &y)?;
    tape.make_updates()?;
    outcome.output("running_mean", &running_mean)?;
    outcome.output("running_var", &running_var)?;
    if let Some(grad) = case.grad_output(gpu, "y")? {
        let gradients = tape.backward(&[(&y, grad)])?;
        outcome.grad_input("x", gradients.get(&x))?;
        outcome.grad_param("weight", gradients.get(&weight))?;
        outcome.grad_param("bias", gradients.get(&bias))?;
    }
    Ok(outcome)
}
