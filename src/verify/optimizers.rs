//! Replays of optimizers, gradient clipping and learning-rate schedules.

use crate::autograd::Tape;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::optim::schedule::CUT;
use crate::optim::{self, EpsMode, Optimizer, OptimizerKind, OptimizerSettings, Schedule};
use crate::tensor::Tensor;
use crate::verify::{Case, Outcome, Runner};

pub(super) const RUNNERS: &[(&str, Runner)] = &[("clip_grad_norm", clip_grad_norm), ("lr_schedule", lr_schedule), ("optimizer", optimizer)];

fn number_or(case: &Case, name: &str, otherwise: f64) -> Result<f64> {
    if case.has_attr(name) { case.attr_f64(name) } else { Ok(otherwise) }
}

fn optimizer(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let kind = match case.attr_str("kind")?.as_str() {
        "adam" => OptimizerKind::Adam,
        "adamw" => OptimizerKind::AdamW,
        "sgd" => OptimizerKind::Sgd,
        "rmsprop" => OptimizerKind::RmsProp,
        other => return Err(case.malformed(format!("`kind` is `{other}`; adam, adamw, sgd or rmsprop was expected"))),
    };
    let mut settings = OptimizerSettings::new(kind, case.attr_f64("lr")?);
    if case.has_attr("betas") {
        let [first, second] = case.attr_list("betas")?[..] else {
            return Err(case.malformed("`betas` is not a list of two numbers"));
        };
        settings.coefficients.betas = [first, second];
    }
    let by = &mut settings.coefficients;
    by.eps = number_or(case, "eps", by.eps)?;
    by.eps_mode = match case.has_attr("eps_mode").then(|| case.attr_str("eps_mode")).transpose()?.as_deref() {
        None | Some("torch") => EpsMode::Torch,
        Some("keras") => EpsMode::Keras,
        Some(other) => return Err(case.malformed(format!("`eps_mode` is `{other}`; torch or keras was expected"))),
    };
    by.weight_decay = number_or(case, "weight_decay", 0.0)?;
    by.momentum = number_or(case, "momentum", 0.0)?;
    by.alpha = number_or(case, "alpha", by.alpha)?;
    let parameter = case.input(gpu, "p")?;
    let (_, values) = case.values("in.grads")?;
    let steps = case.attr_usize("steps")?;
    if parameter.is_empty() || values.len() != steps.saturating_mul(parameter.len()) {
        return Err(case.malformed(format!("`in.grads` must hold {steps} gradients of shape {}", parameter.shape())));
    }
    let mut optimizer = Optimizer::new(settings);
    let named = [("p".to_owned(), parameter.clone())];
    for values in values.chunks_exact(parameter.len()) {
        let tape = Tape::recording();
        tape.watch(&parameter);
        let gradients = tape.backward(&[(&parameter, Tensor::from_slice(gpu, parameter.shape(), values)?)])?;
        optimizer.step(&named, &gradients)?;
    }
    let mut outcome = Outcome::default();
    outcome.output("p", &parameter)?;
    Ok(outcome)
}

fn clip_grad_norm(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let names: Vec<_> = case.names("in.").iter().filter_map(|name| name.strip_prefix("in.")).collect();
    let gradients = names.iter().map(|name| case.input(gpu, name)).collect::<Result<Vec<_>>>()?;
    let (clipped, total_norm) = optim::clip_grad_norm(&gradients, case.attr_f64("max_norm")?)?;
    let mut outcome = Outcome::default();
    for (name, gradient) in names.iter().zip(&clipped) {
        outcome.output(name, gradient)?;
    }
    outcome.output("total_norm", &total_norm)?;
    Ok(outcome)
}

fn lr_schedule(_: &Gpu, case: &Case) -> Result<Outcome> {
    let numbers = |name: &str| -> Result<Vec<u64>> { Ok(case.attr_list(name)?.iter().map(|&number| number as u64).collect()) };
    let mut schedule = match case.attr_str("kind")?.as_str() {
        "ReduceLROnPlateau" => Schedule::plateau(case.attr_f64("lr")?, case.attr_usize("lr_patience")?, number_or(case, "lr_factor", CUT)?),
        "CosineAnnealingWarmRestarts" => {
            let t_mult = if case.has_attr("T_mult") { case.attr_usize("T_mult")? } else { 1 };
            Schedule::cosine(case.attr_f64("lr")?, case.attr_usize("T_0")?, t_mult, number_or(case, "eta_min", 0.0)?)
        }
        "CosineRestartsAt" => Schedule::restarts_at(case.attr_f64("start")?, numbers("restarts")?),
        "WarmupCosine" => {
            let [warmup, total] = ["warmup_updates", "total_updates"].map(|name| case.attr_usize(name).map(|updates| updates as u64));
            Schedule::warmup(case.attr_f64("lr")?, warmup?, total?, number_or(case, "eta_min", 0.0)?)
        }
        other => {
            let known = "ReduceLROnPlateau, CosineAnnealingWarmRestarts, CosineRestartsAt or WarmupCosine";
            return Err(case.malformed(format!("`kind` is `{other}`; {known} was expected")));
        }
    };
    let rates: Vec<f32> = match schedule {
        Schedule::ReduceLROnPlateau { .. } => case.attr_list("values")?.iter().map(|&loss| schedule.observe(loss) as f32).collect(),
        Schedule::CosineAnnealingWarmRestarts { .. } => {
            case.attr_list("epochs")?.iter().map(|&epoch| schedule.advance_to(epoch) as f32).collect()
        }
        _ => numbers("updates")?.into_iter().map(|update| schedule.advance_to_update(update) as f32).collect(),
    };
    let mut outcome = Outcome::default();
    outcome.host("lr", rates);
    Ok(outcome)
}
