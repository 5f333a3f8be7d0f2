//! Optimizers with gradient clipping, and exact resumption.

use meltcore::autograd::{Gradients, Tape};
use meltcore::error::Result;
use meltcore::gpu::Gpu;
use meltcore::optim::{EpsMode, Optimizer, OptimizerKind, OptimizerSettings, clip_grad_norm};
use meltcore::reference::{gradient_clipping, optimizers as definition};
use meltcore::tensor::Tensor;

use crate::case::{Case, Checked, close, ensure};
use crate::on_device::{noise, wide};

/// Lengths of the parameters: one value, odd, several workgroups of the norm.
const LENGTHS: [usize; 4] = [1, 37, 4099, 20_000];

/// Tolerance of norms, relative: 1 / inverseSqrt(x), which WGSL allows for a root, may be 4.5 ULP off.
const NORM: f64 = 6e-7;

/// A rule, its momentum, and where its epsilon stands.
type Rule = (OptimizerKind, f64, EpsMode);

const RULES: [Rule; 8] = [
    (OptimizerKind::Adam, 0.0, EpsMode::Torch),
    (OptimizerKind::Sgd, 0.0, EpsMode::Torch),
    (OptimizerKind::Sgd, 0.9, EpsMode::Torch),
    (OptimizerKind::RmsProp, 0.0, EpsMode::Torch),
    (OptimizerKind::RmsProp, 0.999, EpsMode::Torch),
    (OptimizerKind::Adam, 0.0, EpsMode::Keras),
    (OptimizerKind::AdamW, 0.0, EpsMode::Torch),
    (OptimizerKind::AdamW, 0.0, EpsMode::Keras),
];

/// Epsilon of a rule: in Keras' mode one that shows where it stands.
fn eps(mode: EpsMode) -> f64 {
    if mode == EpsMode::Keras { 1e-3 } else { 1e-8 }
}

pub fn cases() -> Vec<Case> {
    let name =
        |(kind, momentum, mode): Rule| format!("{kind:?}_{momentum}{}", if mode == EpsMode::Keras { "_keras" } else { "" }).to_lowercase();
    let steps = RULES.map(|rule| Case::new(format!("{}_with_clipping", name(rule)), move |gpu| four_steps(gpu, rule)));
    let resumed = RULES.map(|rule| Case::new(format!("{}_resumed_to_the_same_bits", name(rule)), move |gpu| same_bits(gpu, rule)));
    let others = [
        Case::new("state_of_another_rule_is_refused", other_state),
        Case::new("parameters_without_a_gradient_stay", untouched),
        Case::new("clip_grad_norm_of_16_million_values", long_norm),
    ];
    steps.into_iter().chain(resumed).chain(others).collect()
}

fn start(k: usize) -> Vec<f32> {
    noise(k as u64, LENGTHS[k])
}

fn parameters(gpu: &Gpu) -> Result<Vec<(String, Tensor)>> {
    (0..LENGTHS.len()).map(|k| Ok((format!("layer{k}.weight"), Tensor::from_slice(gpu, [LENGTHS[k]], &start(k))?))).collect()
}

/// Gradients of step `step`, scaled so that clipping at 1 acts on all but the first.
fn values(step: usize, k: usize) -> Vec<f32> {
    noise((30 + step * 10 + k) as u64, LENGTHS[k]).iter().map(|v| v * (step as f32 + 0.001)).collect()
}

fn gradients(gpu: &Gpu, parameters: &[(String, Tensor)], step: usize) -> Result<Gradients> {
    let tape = Tape::recording();
    parameters.iter().for_each(|(_, p)| tape.watch(p));
    let seed = |(k, (_, p)): (usize, &'_ (String, Tensor))| Tensor::from_slice(gpu, p.shape(), &values(step, k));
    let seeds = parameters.iter().enumerate().map(seed).collect::<Result<Vec<_>>>()?;
    tape.backward(&parameters.iter().map(|(_, p)| p).zip(seeds).collect::<Vec<_>>())
}

fn optimizer((kind, momentum, mode): Rule) -> Optimizer {
    let mut settings = OptimizerSettings { max_norm: Some(1.0), ..OptimizerSettings::new(kind, 0.01) };
    (settings.coefficients.eps, settings.coefficients.eps_mode) = (eps(mode), mode);
    (settings.coefficients.weight_decay, settings.coefficients.momentum) = (0.02, momentum);
    Optimizer::new(settings)
}

fn four_steps(gpu: &Gpu, rule: Rule) -> Checked {
    let named = parameters(gpu)?;
    let mut optimizer = optimizer(rule);
    let mut clipped = vec![Vec::new(); LENGTHS.len()];
    for step in 0..4 {
        let total = optimizer.step(&named, &gradients(gpu, &named, step)?)?.ok_or("no norm")?;
        let all: Vec<_> = (0..LENGTHS.len()).map(|k| wide(&values(step, k))).collect();
        let (scaled, norm) = gradient_clipping::clip_grad_norm(&all, 1.0);
        close("norm", &total, &[norm], NORM, 0.0)?;
        scaled.into_iter().zip(&mut clipped).for_each(|(gradient, steps)| steps.push(gradient));
    }
    let (kind, momentum, mode) = rule;
    let (betas, eps) = ([0.9, 0.999], eps(mode));
    let attrs = definition::OptimizerAttrs { lr: 0.01, weight_decay: 0.02 };
    // RMSprop's first step is ten times the rate whatever the gradient, so that the rounding of one near 0 shows; momentum adds to it.
    let allowance = match kind {
        OptimizerKind::RmsProp if momentum > 0.0 => 3e-6,
        OptimizerKind::RmsProp => 2e-6,
        _ => 4e-7,
    };
    for (k, (name, parameter)) in named.iter().enumerate() {
        let start = wide(&start(k));
        let want = match kind {
            OptimizerKind::Adam if mode == EpsMode::Keras => definition::adam_keras(&start, &clipped[k], &attrs, betas, eps),
            OptimizerKind::Adam => definition::adam(&start, &clipped[k], &attrs, betas, eps),
            OptimizerKind::AdamW => definition::adamw(&start, &clipped[k], &attrs, betas, eps, mode == EpsMode::Keras),
            OptimizerKind::Sgd => definition::sgd(&start, &clipped[k], &attrs, momentum),
            OptimizerKind::RmsProp => definition::rmsprop(&start, &clipped[k], &attrs, 0.99, eps, momentum),
        };
        close(name, parameter, &want, 0.0, allowance)?;
    }
    Ok(())
}

fn same_bits(gpu: &Gpu, rule: Rule) -> Checked {
    let (straight, resumed) = (parameters(gpu)?, parameters(gpu)?);
    let mut one = optimizer(rule);
    for step in 0..5 {
        one.step(&straight, &gradients(gpu, &straight, step)?)?;
    }
    let mut first = optimizer(rule);
    for step in 0..2 {
        first.step(&resumed, &gradients(gpu, &resumed, step)?)?;
    }
    let through_host = |(name, t): (String, Tensor)| Ok((name, Tensor::from_slice(gpu, t.shape(), &t.to_vec()?)?));
    let saved = first.state_tensors()?.into_iter().map(through_host).collect::<Result<Vec<_>>>()?;
    let mut second = optimizer(rule);
    second.load_state(&resumed, saved, "saved".as_ref())?;
    for step in 2..5 {
        second.step(&resumed, &gradients(gpu, &resumed, step)?)?;
    }
    for ((name, a), (_, b)) in straight.iter().zip(&resumed) {
        ensure(a.to_vec()? == b.to_vec()?, format!("{name} differs"))?;
    }
    Ok(())
}

fn other_state(gpu: &Gpu) -> Checked {
    let named = parameters(gpu)?;
    let mut adam = optimizer(RULES[0]);
    adam.step(&named, &gradients(gpu, &named, 0)?)?;
    let said = optimizer(RULES[2])
        .load_state(&named, adam.state_tensors()?, "saved".as_ref())
        .err()
        .map_or("nothing".into(), |error| error.to_string());
    ensure(said.contains("momentum_buffer"), said)
}

/// Not even weight decay moves them.
fn untouched(gpu: &Gpu) -> Checked {
    for rule in RULES {
        let named = parameters(gpu)?;
        let mut optimizer = optimizer(rule);
        for step in 1..3 {
            optimizer.step(&named, &gradients(gpu, &named[..1], step)?)?;
        }
        ensure(named[0].1.to_vec()? != start(0), format!("{rule:?} moved nothing"))?;
        ensure(named[1].1.to_vec()? == start(1), format!("{rule:?} moved a parameter without a gradient"))?;
        let others = optimizer.state_tensors()?.into_iter().filter(|(name, _)| !name.starts_with(&named[0].0)).count();
        ensure(others == 0, format!("{rule:?} keeps a state of parameters without a gradient"))?;
    }
    Ok(())
}

/// More than 65 535 workgroups of 256 values.
fn long_norm(gpu: &Gpu) -> Checked {
    let len = 65_536 * 256 + 3;
    let (clipped, norm) = clip_grad_norm(&[Tensor::full(gpu, [len], 0.5)?], 1.0)?;
    let want = (len as f64 * 0.25).sqrt();
    close("norm", &norm, &[want], NORM, 0.0)?;
    let factor = 0.5 / (want + 1e-6);
    ensure(clipped[0].to_vec()?.iter().all(|&v| (f64::from(v) / factor - 1.0).abs() < 1e-6), "values are not scaled alike")?;
    ensure(clip_grad_norm(&[], 1.0).is_err(), "the norm of nothing")
}
