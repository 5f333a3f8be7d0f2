//! Whole steps of the vanilla UNet: training (forward, loss, backward, clipped Adam) and prediction.

use std::rc::Rc;

use serde_json::json;

use crate::autograd::Tape;
use crate::bench::case::{Answer, Case, Check, Job, noise, noisy};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::models::{self, Model};
use crate::nn::Mode;
use crate::tensor::Tensor;
use crate::train;

const IN_CHANNELS: usize = 4;

/// Base channels, batch, side.
type Size = (usize, usize, usize);

fn config(base: usize) -> Result<Config> {
    let keys = json!({
        "model_key": "unet", "base_channels": base, "bilinear": false, "activation": "relu", "out_activation": "sigmoid",
        "optimizer": "adam", "learning_rate": 1e-3, "loss_function": "l1",
    });
    keys.as_object().map_or_else(|| Err(Error::Usage("the benchmark's configuration is not a map".into())), Config::from_json)
}

fn model(gpu: &Gpu, base: usize) -> Result<Box<dyn Model>> {
    models::build(gpu, &config(base)?, IN_CHANNELS)
}

fn name(stem: &str, (base, n, side): Size) -> String {
    format!("{stem} unet{base} {n}x{side}x{side}")
}

/// One step on one batch again and again; three steps must each lower the loss before any is timed.
fn train_step(size: Size) -> Case {
    let (base, n, side) = size;
    Case::new(name("train_step", size), move |gpu| {
        let (config, model) = (config(base)?, model(gpu, base)?);
        let mut optimizer = train::optimizer(&config);
        let (input, _) = noisy(gpu, 1, [n, IN_CHANNELS, side, side])?;
        let target: Vec<f32> = noise(2, n * side * side).iter().map(|v| 0.5 * (v + 1.0)).collect();
        let target = Tensor::from_slice(gpu, [n, 1, side, side], &target)?;
        let mask = Tensor::full(gpu, [n, 1, side, side], 0.0)?;
        let mut step = move || train::training_step(model.as_ref(), &mut optimizer, config.loss_function, 0, &input, &target, &mask);
        let mut losses = Vec::new();
        for _ in 0..3 {
            losses.extend(step()?.to_vec()?.into_iter().map(f64::from));
        }
        let check: Check = Box::new(move |last| {
            losses.extend(last);
            let falls = losses.windows(2).all(|pair| pair[1] < pair[0]);
            if falls { Ok(()) } else { Err(format!("the losses {losses:?} of steps on one batch do not fall")) }
        });
        Ok(Job { run: Box::new(move || step().map(Answer::Device)), check })
    })
}

/// Maps of a batch; the last image's must be what it gives alone.
fn predict(size: Size) -> Case {
    let (base, n, side) = size;
    Case::new(name("predict", size), move |gpu| {
        let model = Rc::new(model(gpu, base)?);
        let (input, values) = noisy(gpu, 1, [n, IN_CHANNELS, side, side])?;
        let last = Tensor::from_slice(gpu, [1, IN_CHANNELS, side, side], &values[(n - 1) * IN_CHANNELS * side * side..])?;
        let alone = model.forward(&Tape::off(), &last, Mode::Eval)?.to_vec()?;
        let check: Check = Box::new(move |maps| {
            let same = |(got, want): (&f64, &f32)| (got - f64::from(*want)).abs() <= 1e-5 && (0.0..=1.0).contains(got);
            let right = maps.len() == n * side * side && maps[(n - 1) * side * side..].iter().zip(&alone).all(same);
            if right { Ok(()) } else { Err("an image's map in a batch is not its map alone".into()) }
        });
        Ok(Job { run: Box::new(move || model.forward(&Tape::off(), &input, Mode::Eval).map(Answer::Device)), check })
    })
}

pub(super) fn cases(large: bool) -> Vec<Case> {
    let sizes: &[Size] = if large { &[(8, 8, 128), (64, 2, 512)] } else { &[(8, 8, 128)] };
    sizes.iter().flat_map(|&size| [train_step(size), predict(size)]).collect()
}
