//! Replay of whole models.

use std::path::Path;

use crate::autograd::Tape;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::models::{self, Model};
use crate::nn::state_dict::{self, HostDict, HostTensor};
use crate::verify::{Case, Outcome};

/// Attributes of a case that are not configuration keys.
const NOT_KEYS: [&str; 3] = ["training", "steps", "dropout"];

/// The configuration that a case's attributes describe.
pub(super) fn config(case: &Case) -> Result<Config> {
    let mut attrs = case.attrs.clone();
    for key in NOT_KEYS {
        attrs.remove(key);
    }
    Config::from_json(&attrs)
}

/// The case's model with the case's parameters.
pub(super) fn build(gpu: &Gpu, case: &Case, config: &Config, in_channels: usize) -> Result<Box<dyn Model>> {
    let model = models::build(gpu, config, in_channels)?;
    let mut dict = HostDict::new();
    for name in case.names("param.") {
        let (shape, values) = case.values(name)?;
        let stored = match name.ends_with("num_batches_tracked") {
            true => HostTensor::I64(values.first().copied().unwrap_or(0.0) as i64),
            false => HostTensor::F32(shape.to_vec(), values.to_vec()),
        };
        dict.insert(name.trim_start_matches("param.").to_owned(), stored);
    }
    state_dict::apply(model.parameters(), dict, Path::new("the fixture")).map_err(|e| match e {
        Error::Weights { message, .. } => case.malformed(message),
        other => other,
    })?;
    Ok(model)
}

pub(super) fn model(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let x = case.input(gpu, "x")?;
    let config = config(case)?;
    let [_, in_channels, _, _] = x.nchw("model")?;
    let model = build(gpu, case, &config, in_channels)?;
    let tape = Tape::recording();
    tape.watch(&x);
    model.parameters().watch(&tape);
    let y = model.forward(&tape, &x, case.attr_bool("training")?)?;
    let mut outcome = Outcome::default();
    outcome.output("y", &y)?;
    if let Some(grad) = case.grad_output(gpu, "y")? {
        let gradients = tape.backward(&[(&y, grad)])?;
        outcome.grad_input("x", gradients.get(&x))?;
        for (name, tensor) in model.parameters().trainable() {
            outcome.grad_param(&name, gradients.get(&tensor))?;
        }
    }
    Ok(outcome)
}
