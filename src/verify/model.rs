//! Replays of whole models and of training steps.

use std::path::Path;

use crate::autograd::Tape;
use crate::config::{Config, ModelKey};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::models::{self, Inputs, Model};
use crate::nn::Mode;
use crate::nn::state_dict::{self, HostDict, HostTensor};
use crate::tensor::{Shape, Tensor};
use crate::train;
use crate::verify::{Case, Outcome, Runner, glavitu};

pub(super) const RUNNERS: &[(&str, Runner)] = &[("model", model), ("train_steps", train_steps)];

/// Attributes of a case that are not configuration keys.
const NOT_KEYS: [&str; 2] = ["training", "steps"];

/// The configuration that a case's attributes describe.
pub(super) fn config(case: &Case) -> Result<Config> {
    let mut attrs = case.attrs.clone();
    for key in NOT_KEYS {
        attrs.remove(key);
    }
    if attrs.get("model_key").is_some_and(|key| key == ModelKey::Tyrion.name()) {
        // The four zones of radar scenes.
        attrs.entry("out_channels").or_insert(4.into());
        attrs.entry("out_activation").or_insert("linear".into());
    }
    Config::from_json(&attrs)
}

/// The case's model with the case's parameters, for inputs of shape `input`.
pub(super) fn build(gpu: &Gpu, case: &Case, config: &Config, input: [usize; 4]) -> Result<Box<dyn Model>> {
    // First without memory: attributes may ask for any width, the file holds one.
    let planner = gpu.planner();
    let planned = load(&planner, case, config, input[1])?;
    let output = planned.map(&Tape::recording(), &Tensor::empty(&planner, input)?, Mode::Eval)?;
    case.expect_output("y", output.shape())?;
    require_room(gpu, &planner)?;
    load(gpu, case, config, input[1])
}

/// Refuses what a planner found to need more memory than the device has.
pub(super) fn require_room(gpu: &Gpu, planner: &Gpu) -> Result<()> {
    let (needed, limit) = (planner.memory().peak, gpu.memory_size());
    match limit.filter(|limit| needed > *limit) {
        None => Ok(()),
        Some(limit) => Err(Error::OutOfMemory(format!("the model would need {} MiB, and there are {}", needed >> 20, limit >> 20))),
    }
}

fn load(gpu: &Gpu, case: &Case, config: &Config, in_channels: usize) -> Result<Box<dyn Model>> {
    let model = models::untrained_for(gpu, config, in_channels)?;
    load_into(model.as_ref(), case)?;
    Ok(model)
}

/// Gives a model the case's parameters.
pub(super) fn load_into(model: &dyn Model, case: &Case) -> Result<()> {
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
    Ok(())
}

fn model(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    if is_glavitu(case) {
        return glavitu::model(gpu, case);
    }
    let x = case.input(gpu, "x")?;
    let config = config(case)?;
    let model = build(gpu, case, &config, x.nchw("model")?)?;
    let mode = if case.attr_bool("training")? { Mode::Train { draw: 0 } } else { Mode::Eval };
    let tape = Tape::recording();
    tape.watch(&x);
    model.parameters().watch(&tape);
    let y = model.map(&tape, &x, mode)?;
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

/// Entry `step` of a tensor `[steps, …]`.
pub(super) fn slice(gpu: &Gpu, case: &Case, name: &str, step: usize) -> Result<Tensor> {
    let (shape, values) = case.values(name)?;
    let [_, rest @ ..] = shape else { return Err(case.malformed(format!("`{name}` has no axis of steps"))) };
    let len = Shape::from(rest).len();
    let start = step.checked_mul(len);
    let part = start.and_then(|start| values.get(start..start.checked_add(len)?));
    let part = part.ok_or_else(|| case.malformed(format!("`{name}` has fewer than {} steps", step + 1)))?;
    Tensor::from_slice(gpu, rest, part)
}

/// Number of steps, which the inputs hold; without this, a file of nothing could ask for any number of them.
pub(super) fn steps(case: &Case, name: &str) -> Result<usize> {
    let (steps, (shape, values)) = (case.attr_usize("steps")?, case.values(name)?);
    match shape.first() {
        Some(held) if *held >= steps && !values.is_empty() => Ok(steps),
        _ => Err(case.malformed(format!("`{name}` of shape {} holds fewer than {steps} steps", Shape::from(shape)))),
    }
}

/// Whether the case is of the network with inputs and outputs of its own.
fn is_glavitu(case: &Case) -> bool {
    case.attr_str("model_key").is_ok_and(|key| key == ModelKey::Glavitu.name())
}

fn train_steps(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    if is_glavitu(case) {
        return glavitu::train_steps(gpu, case);
    }
    let config = config(case)?;
    let (shape, _) = case.values("in.x")?;
    let &[_, n, c, h, w] = shape else { return Err(case.malformed("`in.x` is not [steps, n, c, h, w]")) };
    let model = build(gpu, case, &config, [n, c, h, w])?;
    let mut optimizer = train::optimizer(&config);
    let mut losses = Vec::new();
    for step in 0..steps(case, "in.x")? {
        let [x, target, mask] = ["in.x", "in.target", "in.mask"].map(|name| slice(gpu, case, name, step));
        let (target, mask) = (target?, mask?);
        let of_map = train::masked_loss(config.loss_kind(), &target, &mask);
        let loss = train::training_step(model.as_ref(), &mut optimizer, step as u64, &Inputs::from(&x?), &of_map)?;
        losses.extend(loss.to_vec()?);
    }
    let mut outcome = Outcome::default();
    outcome.host("losses", losses);
    parameters(model.as_ref(), &mut outcome)?;
    Ok(outcome)
}

/// The state dict as outputs.
pub(super) fn parameters(model: &dyn Model, outcome: &mut Outcome) -> Result<()> {
    for (name, value) in state_dict::to_host(model.parameters())? {
        let values = match value {
            HostTensor::F32(_, values) => values,
            HostTensor::I64(count) => vec![count as f32],
            HostTensor::Indices(_, values) => values.into_iter().map(|value| value as f32).collect(),
        };
        outcome.host(&format!("param.{name}"), values);
    }
    Ok(())
}
