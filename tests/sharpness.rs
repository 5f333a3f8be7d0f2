//! Sharpness-aware minimisation, a step at a time: the formula, the way back, and statistics that move once.

mod on_device;

use meltcore::autograd::Tape;
use meltcore::config::Config;
use meltcore::error::Result;
use meltcore::gpu::Gpu;
use meltcore::kernels::conv2d::Conv2dAttrs;
use meltcore::models::{Inputs, Model, Outputs};
use meltcore::nn::state_dict::{self, HostTensor};
use meltcore::nn::{BatchNorm2d, Builder, Conv2d, Mode, ParameterSet};
use meltcore::ops::{Activation, LossKind};
use meltcore::optim::Optimizer;
use meltcore::tensor::Tensor;
use meltcore::train::{self, Step, masked_loss};
use on_device::{noise, wide};

/// One 1×1 convolution with bias, and a batch norm behind it where asked for.
struct Line {
    conv: Conv2d,
    norm: Option<BatchNorm2d>,
    parameters: ParameterSet,
}

impl Line {
    fn new(gpu: &Gpu, norm: bool) -> Line {
        let mut b = Builder::new(gpu, 9);
        let conv = b.conv2d("conv", 2, 1, 1, Conv2dAttrs::default(), true).unwrap();
        let norm = norm.then(|| b.batch_norm2d("norm", 1, 1e-5).unwrap());
        Line { conv, norm, parameters: b.finish() }
    }

    /// Of the convolution alone: its two weights and its bias.
    fn values(&self) -> Vec<f64> {
        self.parameters.trainable().iter().flat_map(|(_, tensor)| wide(&tensor.to_vec().unwrap())).collect()
    }
}

impl Model for Line {
    fn forward(&self, tape: &Tape, inputs: &Inputs, mode: Mode) -> Result<Outputs> {
        let map = self.conv.forward(tape, inputs.only()?, Activation::None)?;
        Ok(match &self.norm {
            Some(norm) => norm.forward(tape, &map, mode, Activation::None)?,
            None => map,
        }
        .into())
    }

    fn parameters(&self) -> &ParameterSet {
        &self.parameters
    }
}

/// Inputs of two channels and targets.
fn batch(gpu: &Gpu, part: usize, n: usize, side: usize) -> [Tensor; 2] {
    let images = |seed: usize, c: usize| {
        Tensor::from_slice(gpu, [n, c, side, side], &noise((10 * seed + part) as u64, n * c * side * side)).unwrap()
    };
    [images(1, 2), images(2, 1)]
}

fn of_sgd(rate: f64) -> Optimizer {
    let attrs = serde_json::json!({"model_key": "unet", "optimizer": "sgd", "learning_rate": rate, "gradient_clipping": 1e9});
    train::optimizer(&Config::from_json(attrs.as_object().unwrap()).unwrap())
}

/// Of a line a squared error is a quadratic form of its values p: ∇L(p) = 2/n Σ (p·x − t) x, x with a 1 for the bias. A sharpness-aware
/// step of rate η goes to p − η ∇L(p + ρ ∇L(p) / ‖∇L(p)‖), which is computed here in f64, over one batch and over two.
#[test]
fn a_sharpness_aware_step_of_a_quadratic_loss_is_that_of_the_formula() {
    let gpu = Gpu::open(None).unwrap();
    let (n, side, rho, rate) = (4, 5, 0.4, 0.3);
    for micro_batches in [1, 2] {
        let model = Line::new(&gpu, false);
        let before = model.values();
        let each = n / micro_batches;
        let batches: Vec<[Tensor; 2]> = (0..micro_batches).map(|part| batch(&gpu, part, each, side)).collect();
        // Every pixel counts, so that halves of the batch weigh the same.
        let unmasked = Tensor::full(&gpu, [each, 1, side, side], 0.0).unwrap();
        let mut pixels: Vec<([f64; 3], f64)> = Vec::new();
        for [input, target] in &batches {
            let (x, t) = (wide(&input.to_vec().unwrap()), wide(&target.to_vec().unwrap()));
            let plane = side * side;
            pixels.extend((0..each * plane).map(|i| {
                let first = 2 * (i / plane) * plane + i % plane;
                ([x[first], x[first + plane], 1.0], t[i])
            }));
        }
        let gradient = |p: &[f64]| -> Vec<f64> {
            let mut sum = vec![0.0; 3];
            for (x, t) in &pixels {
                let error = x.iter().zip(p).map(|(x, p)| x * p).sum::<f64>() - t;
                sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += 2.0 * error * x / pixels.len() as f64);
            }
            sum
        };
        let first = gradient(&before);
        let norm = first.iter().map(|g| g * g).sum::<f64>().sqrt();
        let above: Vec<f64> = before.iter().zip(&first).map(|(p, g)| p + rho * g / norm).collect();
        let want: Vec<f64> = before.iter().zip(gradient(&above)).map(|(p, g)| p - rate * g).collect();
        let plain: Vec<f64> = before.iter().zip(&first).map(|(p, g)| p - rate * g).collect();
        let run = |step: &mut Step| {
            for [input, target] in &batches {
                let loss = masked_loss(LossKind::Mse, target, &unmasked);
                step.add(0, 1.0 / micro_batches as f32, &input.into(), &loss).unwrap();
            }
        };
        let mut step = Step::new(&model, false);
        run(&mut step);
        step = step.ascended(rho).unwrap();
        run(&mut step);
        step.finish(&mut of_sgd(rate)).unwrap();
        let got = model.values();
        for i in 0..3 {
            assert!((got[i] - want[i]).abs() < 2e-6, "{micro_batches}: {got:?} where {want:?} is expected");
            assert!((want[i] - plain[i]).abs() > 1e-3, "{plain:?} without the ascent is too near to {want:?}");
        }
    }
}

/// At a rate that is 0 in float32 weights are what they were to the bit, and the running statistics moved once, as in a plain step.
#[test]
fn a_sharpness_aware_step_comes_back_and_moves_statistics_once() {
    let gpu = Gpu::open(None).unwrap();
    let stepped = |rho: Option<f64>, recompute: bool| {
        let model = Line::new(&gpu, true);
        let [input, target] = batch(&gpu, 0, 3, 12);
        let mask = Tensor::full(&gpu, [3, 1, 12, 12], 0.0).unwrap();
        let loss = masked_loss(LossKind::Mse, &target, &mask);
        let mut step = Step::new(&model, recompute);
        step.add(0, 1.0, &(&input).into(), &loss).unwrap();
        if let Some(rho) = rho {
            step = step.ascended(rho).unwrap();
            step.add(0, 1.0, &(&input).into(), &loss).unwrap();
        }
        step.finish(&mut of_sgd(1e-60)).unwrap();
        state_dict::to_host(&model.parameters).unwrap()
    };
    let plain = stepped(None, false);
    assert!(plain["norm.num_batches_tracked"] == HostTensor::I64(1));
    for recompute in [false, true] {
        let climbed = stepped(Some(0.5), recompute);
        assert!(plain.iter().all(|(name, value)| climbed[name] == *value), "recompute {recompute}");
    }
}
