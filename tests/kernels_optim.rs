//! Optimizers, gradient clipping and schedules against their naive f64 references, and exact resumption.

use meltcore::autograd::{Gradients, Tape};
use meltcore::config::{OptimizerKind, SchedulerKind};
use meltcore::gpu::Gpu;
use meltcore::optim::{Optimizer, OptimizerSettings, Schedule, clip_grad_norm};
use meltcore::reference;
use meltcore::tensor::Tensor;

/// Lengths of the parameters: one value, odd, several workgroups of the norm.
const LENGTHS: [usize; 4] = [1, 37, 4099, 20_000];

fn wave(len: usize, phase: f64) -> Vec<f32> {
    (0..len).map(|i| (i as f64 * 0.7311 + phase).sin() as f32).collect()
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

fn parameters(gpu: &Gpu) -> Vec<(String, Tensor)> {
    let one = |(k, &len): (usize, &usize)| (format!("layer{k}.weight"), Tensor::from_slice(gpu, [len], &wave(len, k as f64)).unwrap());
    LENGTHS.iter().enumerate().map(one).collect()
}

/// Gradients of step `step`, scaled so that clipping at 1 acts on all but the first.
fn values(step: usize, k: usize) -> Vec<f32> {
    wave(LENGTHS[k], 3.0 + (step * 10 + k) as f64).iter().map(|v| v * (step as f32 + 0.001)).collect()
}

fn gradients(gpu: &Gpu, parameters: &[(String, Tensor)], step: usize) -> Gradients {
    let tape = Tape::recording();
    parameters.iter().for_each(|(_, p)| tape.watch(p));
    let seeds: Vec<_> =
        parameters.iter().enumerate().map(|(k, (_, p))| (p, Tensor::from_slice(gpu, p.shape(), &values(step, k)).unwrap())).collect();
    tape.backward(&seeds).unwrap()
}

fn settings(kind: OptimizerKind, momentum: f64) -> OptimizerSettings {
    OptimizerSettings { weight_decay: 0.02, momentum, max_norm: Some(1.0), ..OptimizerSettings::new(kind, 0.01) }
}

const RULES: [(OptimizerKind, f64); 5] = [
    (OptimizerKind::Adam, 0.0),
    (OptimizerKind::Sgd, 0.0),
    (OptimizerKind::Sgd, 0.9),
    (OptimizerKind::RmsProp, 0.0),
    (OptimizerKind::RmsProp, 0.999),
];

#[test]
fn optimizers_with_clipping_agree_with_the_reference() {
    let gpu = Gpu::open(None).unwrap();
    for (kind, momentum) in RULES {
        let named = parameters(&gpu);
        let mut optimizer = Optimizer::new(settings(kind, momentum));
        let mut clipped = vec![Vec::new(); LENGTHS.len()];
        for step in 0..4 {
            let total = optimizer.step(&named, &gradients(&gpu, &named, step)).unwrap().unwrap().to_vec().unwrap()[0];
            let all: Vec<_> = (0..LENGTHS.len()).map(|k| doubles(&values(step, k))).collect();
            let (scaled, norm) = reference::gradient_clipping::clip_grad_norm(&all, 1.0);
            assert!((f64::from(total) - norm).abs() <= 1e-6 * norm, "{total} instead of {norm}");
            scaled.into_iter().zip(&mut clipped).for_each(|(g, steps)| steps.push(g));
        }
        for (k, (name, parameter)) in named.iter().enumerate() {
            let start = doubles(&wave(LENGTHS[k], k as f64));
            let attrs = reference::optimizers::OptimizerAttrs { lr: 0.01, weight_decay: 0.02 };
            let want = match kind {
                OptimizerKind::Adam => reference::optimizers::adam(&start, &clipped[k], &attrs, [0.9, 0.999], 1e-8),
                OptimizerKind::Sgd => reference::optimizers::sgd(&start, &clipped[k], &attrs, momentum),
                OptimizerKind::RmsProp => reference::optimizers::rmsprop(&start, &clipped[k], &attrs, 0.99, 1e-8, momentum),
            };
            for (got, want) in parameter.to_vec().unwrap().iter().zip(want) {
                assert!((f64::from(*got) - want).abs() < 3e-6, "{kind:?} {momentum} {name}: {got} instead of {want}");
            }
        }
    }
}

#[test]
fn a_resumed_optimizer_gives_the_same_bits() {
    let gpu = Gpu::open(None).unwrap();
    for (kind, momentum) in RULES {
        let (straight, resumed) = (parameters(&gpu), parameters(&gpu));
        let mut optimizer = Optimizer::new(settings(kind, momentum));
        (0..5).for_each(|step| drop(optimizer.step(&straight, &gradients(&gpu, &straight, step)).unwrap()));

        let mut first = Optimizer::new(settings(kind, momentum));
        (0..2).for_each(|step| drop(first.step(&resumed, &gradients(&gpu, &resumed, step)).unwrap()));
        let through_host = |(name, t): (String, Tensor)| (name, Tensor::from_slice(&gpu, t.shape(), &t.to_vec().unwrap()).unwrap());
        let saved: Vec<_> = first.state_tensors().unwrap().into_iter().map(through_host).collect();
        let mut second = Optimizer::new(settings(kind, momentum));
        second.load_state(&resumed, saved).unwrap();
        (2..5).for_each(|step| drop(second.step(&resumed, &gradients(&gpu, &resumed, step)).unwrap()));
        for ((name, a), (_, b)) in straight.iter().zip(&resumed) {
            assert_eq!(a.to_vec().unwrap(), b.to_vec().unwrap(), "{kind:?} {momentum} {name}");
        }
    }
}

#[test]
fn state_of_another_optimizer_is_refused() {
    let gpu = Gpu::open(None).unwrap();
    let named = parameters(&gpu);
    let mut adam = Optimizer::new(settings(OptimizerKind::Adam, 0.0));
    adam.step(&named, &gradients(&gpu, &named, 0)).unwrap();
    let message = Optimizer::new(settings(OptimizerKind::Sgd, 0.9)).load_state(&named, adam.state_tensors().unwrap()).unwrap_err();
    assert!(message.to_string().contains("momentum_buffer"), "{message}");
}

#[test]
fn parameters_without_a_gradient_stay_as_they_are() {
    let gpu = Gpu::open(None).unwrap();
    let named = parameters(&gpu);
    let mut optimizer = Optimizer::new(settings(OptimizerKind::Adam, 0.0));
    optimizer.step(&named, &gradients(&gpu, &named[..1], 1)).unwrap();
    assert_eq!(named[1].1.to_vec().unwrap(), wave(LENGTHS[1], 1.0));
    assert_eq!(optimizer.state_tensors().unwrap().len(), 3);
}

#[test]
fn clip_grad_norm_past_65535_groups_and_of_nothing() {
    let gpu = Gpu::open(None).unwrap();
    let len = 65_536 * 256 + 3;
    let gradient = Tensor::full(&gpu, [len], 0.5).unwrap();
    let (clipped, norm) = clip_grad_norm(&[gradient], 1.0).unwrap();
    let want = (len as f64 * 0.25).sqrt();
    assert!((f64::from(norm.to_vec().unwrap()[0]) / want - 1.0).abs() < 1e-6);
    let factor = 0.5 / (want + 1e-6);
    assert!(clipped[0].to_vec().unwrap().iter().all(|&v| (f64::from(v) / factor - 1.0).abs() < 1e-6));
    assert!(clip_grad_norm(&[], 1.0).is_err());
}

#[test]
fn schedules_agree_with_the_reference_through_a_checkpoint() {
    let losses: Vec<f64> = (0..60).map(|i| 1.0 / (1.0 + f64::from(i / 7)) + 0.01 * f64::from(i % 3)).collect();
    let mut plateau = Schedule::new(SchedulerKind::ReduceLROnPlateau, 0.03, 2, 0, 0, 0.0);
    let want = reference::lr_schedule::reduce_lr_on_plateau(0.03, 2, &losses);
    for (loss, want) in losses.iter().zip(want) {
        assert_eq!(plateau.observe(*loss), want);
        plateau = serde_json::from_str(&serde_json::to_string(&plateau).unwrap()).unwrap();
    }
    let epochs: Vec<f64> = (0..400).map(|i| f64::from(i) / 3.0).collect();
    let mut cosine = Schedule::new(SchedulerKind::CosineAnnealingWarmRestarts, 0.01, 0, 5, 2, 1e-5);
    let want = reference::lr_schedule::cosine_annealing_warm_restarts(0.01, 5, 2, 1e-5, &epochs);
    for (epoch, want) in epochs.iter().zip(want) {
        assert!((cosine.advance_to(*epoch) - want).abs() < 1e-15);
        let read: Schedule = serde_json::from_str(&serde_json::to_string(&cosine).unwrap()).unwrap();
        assert_eq!(read, cosine);
    }
    assert!(Schedule::new(SchedulerKind::CosineAnnealingWarmRestarts, 0.01, 0, 0, 0, 0.0).advance_to(7.5).is_finite());
}
