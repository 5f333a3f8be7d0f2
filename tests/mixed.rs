//! Mixed precision: steps that overflow are skipped, small gradients survive, and runs resume to the same bits.

mod on_device;
mod runs;

use std::fs;

use meltcore::config::Config;
use meltcore::gpu::Gpu;
use meltcore::models::{self, Model};
use meltcore::ops::LossKind;
use meltcore::optim::{LossScale, Optimizer};
use meltcore::tensor::Tensor;
use meltcore::train::{self, Step, masked_loss};
use on_device::noise;
use runs::{FILES, Run};
use serde_json::{Value, json};

/// A small UNet with its optimizer, and a batch.
struct Training {
    model: Box<dyn Model>,
    optimizer: Optimizer,
    batch: [Tensor; 3],
}

impl Training {
    fn new(keys: Value) -> Training {
        Training::on(&Gpu::open(Some("host")).unwrap(), keys, 32)
    }

    /// On a device, with images of `side` pixels a side.
    fn on(gpu: &Gpu, keys: Value, side: usize) -> Training {
        let mut attrs =
            json!({"model_key": "unet", "base_channels": 2, "optimizer": "sgd", "learning_rate": 1.0, "gradient_clipping": 1e9});
        attrs.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        let config = Config::from_json(attrs.as_object().unwrap()).unwrap();
        let tensor = |seed: u64, c: usize, change: fn(f32) -> f32| {
            let values: Vec<f32> = noise(seed, 2 * c * side * side).into_iter().map(change).collect();
            Tensor::from_slice(gpu, [2, c, side, side], &values).unwrap()
        };
        let batch = [tensor(1, 3, |v| v), tensor(2, 1, |v| 0.5 * (v + 1.0)), tensor(3, 1, |v| f32::from(v > 0.4))];
        Training { model: models::untrained_for(gpu, &config, 3).unwrap(), optimizer: train::optimizer(&config), batch }
    }

    /// One step of the loss times `share`; whether it changed anything.
    fn step(&mut self, share: f32, scale: &mut LossScale) -> bool {
        let [input, target, mask] = &self.batch;
        let mut step = Step::new(self.model.as_ref(), false).scaled(Some(scale));
        step.add(0, share, &input.into(), &masked_loss(LossKind::Mse, target, mask)).unwrap();
        let before = scale.skipped();
        step.finish_scaled(&mut self.optimizer, Some(scale)).unwrap();
        scale.skipped() == before
    }

    /// Values of all parameters.
    fn weights(&self) -> Vec<f32> {
        self.model.parameters().trainable().iter().flat_map(|(_, tensor)| tensor.to_vec().unwrap()).collect()
    }
}

/// A scale of 2^`exponent`.
fn scale(exponent: i32) -> LossScale {
    serde_json::from_value(json!({"factor": 2f32.powi(exponent), "steps": 3, "skipped": 0})).unwrap()
}

#[test]
fn a_step_that_overflows_is_skipped_and_halves_the_scale() {
    let mut training = Training::new(json!({"precision": "mixed", "optimizer": "adam", "learning_rate": 0.01}));
    let (before, mut factor) = (training.weights(), scale(60));
    let mut skipped = 0;
    while !training.step(1.0, &mut factor) {
        skipped += 1;
        assert_eq!(factor.factor(), 2f32.powi(60 - skipped));
        assert!(training.weights() == before && training.optimizer.state_tensors().unwrap().is_empty(), "step {skipped}");
    }
    assert!((30..60).contains(&skipped), "{skipped}");
    assert!(training.weights() != before && training.weights().iter().all(|value| value.is_finite()));
    // One step of Adam, not as many as were tried.
    let steps: Vec<_> = training.optimizer.state_tensors().unwrap().into_iter().filter(|(name, _)| name.ends_with(".step")).collect();
    assert!(!steps.is_empty() && steps.iter().all(|(_, count)| count.to_vec().unwrap() == [1.0]));
}

#[test]
fn gradients_below_the_smallest_f16_survive_by_the_scale_alone() {
    // The loss times 1e-7 moves weights by less than f16 can say.
    let moved = |precision: &str, exponent: i32| {
        let mut training = Training::new(json!({"precision": precision}));
        let before = training.weights();
        assert!(training.step(1e-7, &mut scale(exponent)));
        training.weights().iter().zip(&before).map(|(after, before)| f64::from(after - before)).collect::<Vec<f64>>()
    };
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    let whole = moved("f32", 0);
    let norm = distance(&whole, &vec![0.0; whole.len()]);
    let (scaled, bare) = (distance(&moved("mixed", 20), &whole) / norm, distance(&moved("mixed", 0), &whole) / norm);
    assert!(norm > 0.0 && scaled < 0.1 && bare > 0.5, "{norm:e}: {scaled} with a scale, {bare} without");
}

#[test]
fn a_step_takes_less_memory() {
    let peak = |precision: &str| {
        let planner = Gpu::open(Some("host")).unwrap().planner();
        let mut training = Training::on(&planner, json!({"precision": precision, "base_channels": 4}), 256);
        // What is there before a step.
        let before = planner.memory().live;
        training.step(1.0, &mut LossScale::default());
        planner.memory().peak - before
    };
    let (whole, half) = (peak("f32") as f64, peak("mixed") as f64);
    // Half of what is kept, and all of what the layer at work and the skips hold.
    assert!(half < 0.88 * whole, "{whole} bytes in float32, {half} mixed");
}

/// The epochs of a run's log.
fn epochs(run: &Run) -> Vec<Value> {
    let log = fs::read_to_string(run.checkpoints().join("log.jsonl")).unwrap();
    log.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_run_resumes_to_the_same_bits_for_any_number_of_threads() {
    // Squares of hundreds of kelvin over few pixels: the first steps are skipped, those before the stop and one after it.
    let overrides = [
        "precision=mixed",
        "task=regression",
        "target=warmth",
        "path_warmth=pmw",
        "in_keys=[mar_wa1]",
        "out_activation=linear",
        "loss_function=mse",
        "img_size=[16, 16]",
        "batch_size=2",
    ];
    let (straight, halves) = (Run::new(&overrides), Run::new(&overrides));
    straight.trained(&["--device", "host", "--threads", "1"]);
    halves.trained(&["--device", "host", "--threads", "3", "--set", "epochs=1"]);
    halves.trained(&["--device", "host", "--threads", "2", "--resume", "auto"]);
    for file in FILES {
        assert!(straight.bytes(file) == halves.bytes(file), "{file}");
    }
    let log = epochs(&straight);
    let skipped: Vec<u64> = log.iter().map(|epoch| epoch["skipped_steps"].as_u64().unwrap()).collect();
    let state: Value = serde_json::from_slice(&straight.bytes("last/state.json")).unwrap();
    assert!(skipped[0] > 0 && skipped[1] > 0, "{skipped:?}");
    let factor = 65_536.0 / 2f64.powi(skipped.iter().sum::<u64>() as i32);
    assert_eq!((&log[3]["loss_scale"], &state["loss_scale"]["factor"]), (&json!(factor), &json!(factor)));
    let of_halves: Vec<u64> = epochs(&halves).iter().map(|epoch| epoch["skipped_steps"].as_u64().unwrap()).collect();
    assert_eq!(of_halves, skipped);
}

#[test]
fn precision_is_part_of_what_is_trained() {
    let (whole, half) = (Run::new(&["epochs=1"]), Run::new(&["epochs=1", "amp=true"]));
    whole.trained(&[]);
    half.trained(&[]);
    assert!(whole.bytes(FILES[0]) != half.bytes(FILES[0]));
    let log = epochs(&whole);
    assert!(log[0].get("loss_scale").is_none() && epochs(&half)[0]["loss_scale"].is_number(), "{log:?}");
    half.refused(&["--resume", "auto", "--set", "epochs=2", "--set", "precision=f32"], 2, &["`precision`"]);
}
