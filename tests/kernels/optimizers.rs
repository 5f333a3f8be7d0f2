//! Optimizers with gradient clipping, and exact resumption.

use meltcore::autograd::{Gradients, Tape};
use meltcore::error::Result;
use meltcore::gpu::{Buffer, Gpu};
use meltcore::kernels::clip_grad_norm::clip_gathered_grad_norm;
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
    let together = RULES.map(|rule| Case::new(format!("{}_in_one_array_to_the_same_bits", name(rule)), move |gpu| in_one_array(gpu, rule)));
    let others = [
        Case::new("state_of_another_rule_is_refused", other_state),
        Case::new("parameters_without_a_gradient_stay", untouched),
        Case::new("one_launch_updates_neighbours", one_launch),
        Case::new("skipped_and_unclipped_in_one_array", skipped_and_unclipped),
        Case::new("places_that_are_none_are_refused", bad_places),
        Case::new("clip_grad_norm_of_16_million_values", long_norm),
    ];
    steps.into_iter().chain(resumed).chain(together).chain(others).collect()
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

/// Lengths of parameters of which all but the third share an array: more than a launch gathers, whole packs and odd ones, one value, and
/// one of several partial sums.
const SHARED: [usize; 10] = [5, 64, 4099, 1, 37, 8192, 128, 3, 63, 300];
const ALONE: usize = 2;

/// Parameters by name.
type Parameters = Vec<(String, Tensor)>;

/// Parameters of these lengths with an array each, and the same in one array, which is filled with zeros.
fn apart_and_together(gpu: &Gpu) -> Result<([Parameters; 2], Tensor)> {
    let room = SHARED.iter().map(|len| len.next_multiple_of(Buffer::PART_ALIGNMENT)).sum();
    let array = Tensor::full(gpu, [room], 0.0)?;
    let (mut apart, mut together, mut first) = (Vec::new(), Vec::new(), 0);
    for (k, &len) in SHARED.iter().enumerate() {
        let (name, values) = (format!("layer{k}.weight"), noise(k as u64, len));
        apart.push((name.clone(), Tensor::from_slice(gpu, [len], &values)?));
        let own = if k == ALONE { Tensor::empty(gpu, [len])? } else { array.part(first, [len])? };
        own.write(&values)?;
        together.push((name, own));
        first += len.next_multiple_of(Buffer::PART_ALIGNMENT);
    }
    Ok(([apart, together], array))
}

/// Gradients of a step of those parameters that have one in it.
fn shared_gradients(gpu: &Gpu, parameters: &[(String, Tensor)], step: usize, has: impl Fn(usize) -> bool) -> Result<Gradients> {
    let values = |k: usize, len: usize| noise((100 + 20 * step + k) as u64, len);
    let with = parameters.iter().enumerate().filter(|(k, _)| has(*k));
    let found = with.map(|(k, (_, p))| Ok((p.id(), Tensor::from_slice(gpu, p.shape(), &values(k, p.len()))?)));
    Ok(Gradients::of(found.collect::<Result<Vec<_>>>()?))
}

/// Which parameters have a gradient in a step: all, a gap, an end, all again.
fn has_gradient(step: usize, k: usize) -> bool {
    match step {
        1 => !matches!(k, 1 | 5),
        2 => k >= ALONE,
        _ => true,
    }
}

fn bits(tensors: &[(String, Tensor)]) -> Result<Vec<(String, Vec<u32>)>> {
    tensors.iter().map(|(name, t)| Ok((name.clone(), t.to_vec()?.into_iter().map(f32::to_bits).collect()))).collect()
}

/// Five steps in which some parameters have no gradient, and a resumption between them, of parameters apart and of parameters that share
/// an array: the same norms, weights and states, and between the parameters nothing has moved.
fn in_one_array(gpu: &Gpu, rule: Rule) -> Checked {
    let (named, array) = apart_and_together(gpu)?;
    let mut outcomes = Vec::new();
    for parameters in &named {
        let (mut own, mut norms) = (optimizer(rule), Vec::new());
        for step in 0..5 {
            let gradients = shared_gradients(gpu, parameters, step, |k| has_gradient(step, k))?;
            norms.push(own.step(parameters, &gradients)?.ok_or("no norm")?.to_vec()?[0].to_bits());
            if step == 2 {
                let through_host = |(name, t): (String, Tensor)| Ok((name, Tensor::from_slice(gpu, t.shape(), &t.to_vec()?)?));
                let saved = own.state_tensors()?.into_iter().map(through_host).collect::<Result<_>>()?;
                // What was there before is not to show through.
                own.step(parameters, &shared_gradients(gpu, parameters, 9, |_| true)?)?;
                own.load_state(parameters, saved, "saved".as_ref())?;
            }
        }
        outcomes.push((norms, bits(parameters)?, bits(&own.state_tensors()?)?));
    }
    let names = |k: usize| outcomes[k].2.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
    ensure(names(0) == names(1), format!("states {:?} and {:?}", names(0), names(1)))?;
    ensure(outcomes[0].0 == outcomes[1].0, format!("norms {:?} and {:?}", outcomes[0].0, outcomes[1].0))?;
    let differing = outcomes[0].1.iter().chain(&outcomes[0].2).zip(outcomes[1].1.iter().chain(&outcomes[1].2)).find(|(a, b)| a != b);
    ensure(differing.is_none(), format!("{:?} differs", differing.map(|(a, _)| &a.0)))?;
    let (values, mut first) = (array.to_vec()?, 0);
    for (k, len) in SHARED.into_iter().enumerate() {
        let end = first + len.next_multiple_of(Buffer::PART_ALIGNMENT);
        let between = if k == ALONE { first..end } else { first + len..end };
        ensure(values[between].iter().all(|value| *value == 0.0), format!("behind parameter {k} something has moved"))?;
        first = end;
    }
    Ok(())
}

/// Launches of a step by kernel.
fn launches(gpu: &Gpu, optimizer: &mut Optimizer, parameters: &[(String, Tensor)], gradients: &Gradients) -> Result<[usize; 3]> {
    let launched = gpu.launches_of(|| optimizer.step(parameters, gradients).map(drop))?;
    let count = |stem| launched.iter().filter(|launched| launched.plan.stem == stem).count();
    Ok([count("clip_grad_norm_stats"), count("clip_grad_norm_gather"), count("adam")])
}

fn one_launch(gpu: &Gpu) -> Checked {
    let ([apart, together], _) = apart_and_together(gpu)?;
    for (parameters, wanted) in [(&apart, [10, 0, 10]), (&together, [1, 3, 3])] {
        let mut adam = optimizer(RULES[0]);
        let counted = launches(gpu, &mut adam, parameters, &shared_gradients(gpu, parameters, 0, |_| true)?)?;
        // The place of the parameter that has an array of its own is a gap: two and seven neighbours.
        ensure(counted == wanted, format!("{counted:?} launches, expected {wanted:?}"))?;
        // Now the first one is a step behind its neighbour for ever.
        adam.step(parameters, &shared_gradients(gpu, parameters, 1, |k| k > 0)?)?;
        let behind = launches(gpu, &mut adam, parameters, &shared_gradients(gpu, parameters, 2, |_| true)?)?;
        let wanted = [wanted[0], wanted[1], if parameters.len() == wanted[2] { wanted[2] } else { wanted[2] + 1 }];
        ensure(behind == wanted, format!("{behind:?} launches with unequal steps, expected {wanted:?}"))?;
    }
    Ok(())
}

/// A step of mixed precision that is skipped moves nothing, and one that is not moves what plain ones move; without clipping, too.
fn skipped_and_unclipped(gpu: &Gpu) -> Checked {
    let (named, _) = apart_and_together(gpu)?;
    let mut outcomes = Vec::new();
    for parameters in &named {
        let before = bits(parameters)?;
        let mut settings = OptimizerSettings::new(OptimizerKind::Adam, 0.01);
        settings.max_norm = None;
        let mut adam = Optimizer::new(settings);
        let infinite = Tensor::full(gpu, parameters[7].1.shape(), f32::INFINITY)?;
        let rest = shared_gradients(gpu, parameters, 0, |k| k != 7)?;
        let broken = Gradients::of([(parameters[7].1.id(), infinite)]).added(rest)?;
        ensure(!adam.step_where_finite(parameters, &broken, 4.0)?, "an infinite gradient was taken")?;
        ensure(bits(parameters)? == before && adam.state_tensors()?.is_empty(), "a skipped step leaves something behind")?;
        ensure(
            adam.step_where_finite(parameters, &shared_gradients(gpu, parameters, 1, |_| true)?, 4.0)?,
            "a finite gradient was skipped",
        )?;
        ensure(adam.step(parameters, &shared_gradients(gpu, parameters, 2, |k| k != 4)?)?.is_none(), "a norm that nobody asked for")?;
        outcomes.push((bits(parameters)?, bits(&adam.state_tensors()?)?));
    }
    ensure(outcomes[0] == outcomes[1], "parameters that share an array move otherwise")
}

fn bad_places(gpu: &Gpu) -> Checked {
    let (gradient, array) = (Tensor::full(gpu, [70], 1.0)?, Tensor::full(gpu, [192], 0.0)?);
    for (place, fits) in [(0, true), (64, true), (32, false), (128, false), (1 << 40, false)] {
        let placed = clip_gathered_grad_norm(&[(&gradient, Some((&array, place)))], 1.0, 1.0);
        ensure(placed.is_ok() == fits, format!("the place {place}"))?;
    }
    let named = apart_and_together(gpu)?.0;
    let wrong = Tensor::full(gpu, [named[1][0].1.len() + 1], 1.0)?;
    let said = optimizer(RULES[0]).step(&named[1], &Gradients::of([(named[1][0].1.id(), wrong)])).err();
    ensure(said.is_some_and(|error| error.to_string().contains("layer0.weight")), "a gradient of another shape")
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
