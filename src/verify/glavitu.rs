//! Replays of GlaViTU: several named inputs, an auxiliary head, and probabilities in place of what the network itself gives.

use serde_json::json;

use super::model::{load_into, parameters, require_room, slice, steps};
use super::{Case, Outcome};
use crate::autograd::Tape;
use crate::config::Config;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::models::glavitu::{self, GlaViTU, LOCATION};
use crate::models::{Input, InputChannels, Inputs, Model, Outputs};
use crate::nn::Mode;
use crate::ops::{self, FocalLossAttrs};
use crate::tensor::Tensor;
use crate::train;

/// Attributes that are no keys of a configuration, or mean something else there.
const NOT_KEYS: [&str; 6] = ["training", "steps", "features", "location", "gamma", "loss_function"];

/// Features by name with their channels, in the order of the branches.
fn features(case: &Case) -> Result<Vec<(String, usize)>> {
    let wrong = || case.malformed("`features` is no list of [name, channels]");
    let items = case.attrs.get("features").and_then(|value| value.as_array()).ok_or_else(wrong)?;
    let feature = |item: &serde_json::Value| Some((item.get(0)?.as_str()?.to_owned(), usize::try_from(item.get(1)?.as_u64()?).ok()?));
    items.iter().map(feature).collect::<Option<_>>().ok_or_else(wrong)
}

fn config(case: &Case) -> Result<Config> {
    let mut attrs = case.attrs.clone();
    NOT_KEYS.iter().for_each(|key| drop(attrs.remove(*key)));
    attrs.extend([("task".to_owned(), json!("segmentation")), ("classes".to_owned(), json!(["0", "1"]))]);
    // A norm that no gradient reaches.
    attrs.entry("gradient_clipping").or_insert(json!(1e30));
    Config::from_json(&attrs)
}

/// The case's network with the case's parameters, for `images` at once.
fn build(gpu: &Gpu, case: &Case, config: &Config, images: usize) -> Result<GlaViTU> {
    let channels = InputChannels(features(case)?);
    let location = case.attr_usize("location")?;
    let settings = glavitu::Settings { location, ..glavitu::settings(config, &channels)? };
    let made = |gpu: &Gpu| -> Result<GlaViTU> {
        let network = GlaViTU::new(gpu, &settings, config.seed)?;
        load_into(&network, case)?;
        Ok(network)
    };
    // First without memory: attributes may ask for any width, the file holds one.
    let planner = gpu.planner();
    let [h, w] = config.img_size;
    let mut inputs = Vec::new();
    for (name, channels) in &channels.0 {
        inputs.push(input(name, Tensor::empty(&planner, [images, *channels, h, w])?));
    }
    if location > 0 {
        inputs.push(input(LOCATION, Tensor::empty(&planner, [images, location])?));
    }
    made(&planner)?.forward(&Tape::off(), &Inputs(inputs), Mode::Eval)?;
    require_room(gpu, &planner)?;
    made(gpu)
}

fn input(name: &str, tensor: Tensor) -> Input {
    Input { name: name.to_owned(), tensor, constants: Vec::new() }
}

/// Names of the inputs of a case.
fn names(case: &Case) -> Vec<&str> {
    let inputs = case.names("in.").into_iter().map(|name| name.trim_start_matches("in."));
    inputs.filter(|name| *name != "target").collect()
}

pub(super) fn model(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let (config, names) = (config(case)?, names(case));
    let mut inputs = Vec::new();
    for name in &names {
        inputs.push(input(name, case.input(gpu, name)?));
    }
    let images = inputs.first().and_then(|input| input.tensor.shape().dims().first().copied()).unwrap_or_default();
    let network = build(gpu, case, &config, images)?;
    let mode = if case.attr_bool("training")? { Mode::Train { draw: 0 } } else { Mode::Eval };
    let tape = Tape::recording();
    inputs.iter().for_each(|input| tape.watch(&input.tensor));
    network.parameters().watch(&tape);
    let inputs = Inputs(inputs);
    let Outputs { map, auxiliary } = network.forward(&tape, &inputs, mode)?;
    let mut outcome = Outcome::default();
    let mut outputs = vec![("y", ops::softmax(&tape, &map, 1)?)];
    if let Some((_, map)) = auxiliary.first() {
        outputs.push(("aux", ops::softmax(&tape, map, 1)?));
    }
    let mut seeds = Vec::new();
    for (name, probabilities) in &outputs {
        outcome.output(name, probabilities)?;
        seeds.extend(case.grad_output(gpu, name)?.map(|grad| (probabilities, grad)));
    }
    if !seeds.is_empty() {
        let gradients = tape.backward(&seeds)?;
        for Input { name, tensor, .. } in &inputs.0 {
            outcome.grad_input(name, gradients.get(tensor))?;
        }
        for (name, tensor) in network.parameters().trainable() {
            outcome.grad_param(&name, gradients.get(&tensor))?;
        }
    }
    Ok(outcome)
}

pub(super) fn train_steps(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let (config, names) = (config(case)?, names(case));
    if case.attr_str("loss_function")? != "focal" {
        return Err(case.malformed("`loss_function` of glavitu is focal"));
    }
    let (gamma, label_smoothing) = (case.attr_f64("gamma")?, config.label_smoothing);
    let images = case.values("in.target")?.0.get(1).copied().unwrap_or_default();
    let network = build(gpu, case, &config, images)?;
    let mut optimizer = train::optimizer(&config);
    let mut losses = Vec::new();
    for step in 0..steps(case, "in.target")? {
        let inputs = names.iter().map(|name| Ok(input(name, slice(gpu, case, &format!("in.{name}"), step)?)));
        let inputs = Inputs(inputs.collect::<Result<_>>()?);
        let target = slice(gpu, case, "in.target", step)?;
        let loss = |tape: &Tape, outputs: &Outputs| {
            let of_map = |map: &Tensor| {
                let attrs = FocalLossAttrs { gamma, label_smoothing, class_weights: None };
                ops::focal_loss(tape, &ops::softmax(tape, map, 1)?, &target, None, attrs)
            };
            let mut sum = of_map(&outputs.map)?;
            for (weight, map) in &outputs.auxiliary {
                sum = ops::add(tape, &sum, &ops::mul_scalar(tape, &of_map(map)?, *weight)?)?;
            }
            Ok(sum)
        };
        losses.extend(train::training_step(&network, &mut optimizer, step as u64, &inputs, &loss)?.to_vec()?);
    }
    let mut outcome = Outcome::default();
    outcome.host("losses", losses);
    parameters(&network, &mut outcome)?;
    Ok(outcome)
}
