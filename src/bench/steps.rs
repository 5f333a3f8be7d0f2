//! Whole steps of a network: training (forward, masked loss, backward, clipped update) and prediction.

use std::rc::Rc;

use crate::autograd::Tape;
use crate::bench::case::{Answer, Case, Check, Job, noise};
use crate::config::{Config, ModelKey};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::models::{self, Inputs, Model};
use crate::nn::Mode;
use crate::ops::Activation;
use crate::tensor::Tensor;
use crate::train::{self, Step, masked_loss};

const IN_CHANNELS: usize = 4;

/// What steps have in common where nothing else is asked for.
const DEFAULTS: &str = "optimizer: adam\nlearning_rate: 1.0e-3\nloss_function: l1\n";

/// A network and a batch whose steps are to be timed.
#[derive(Debug, Clone)]
pub struct StepOptions {
    /// The network's `model_key`.
    pub model: String,
    /// Overrides of its configuration, each `key=value` with a YAML value.
    pub set: Vec<String>,
    /// Crops in a batch.
    pub batch: usize,
    /// Rows and columns of a crop, pixels.
    pub size: [usize; 2],
    /// Only the forward pass.
    pub predict_only: bool,
}

/// The same, checked.
struct Plan {
    name: String,
    config: Config,
    n: usize,
    size: [usize; 2],
}

impl Plan {
    fn new(options: &StepOptions) -> Result<Plan> {
        let StepOptions { model, set, batch, size: [h, w], .. } = options;
        let config = Config::from_yaml(&format!("model_key: {model}\n{DEFAULTS}"), "--step", set)?;
        for (key, option) in [("batch_size", "--batch"), ("img_size", "--size")] {
            if config.given.contains(key) {
                return Err(config.key_error(key, format!("is given by {option} here")));
            }
        }
        models::check_tile(&config, [*h, *w])?;
        let words: Vec<&str> = [model.as_str()].into_iter().chain(set.iter().map(String::as_str)).collect();
        Ok(Plan { name: format!("{} {batch}x{h}x{w}", words.join(" ")), config, n: *batch, size: [*h, *w] })
    }

    fn model(&self, gpu: &Gpu) -> Result<Box<dyn Model>> {
        models::untrained_for(gpu, &self.config, IN_CHANNELS)
    }

    fn pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// A batch of noise; where a network reads the month from a channel, that holds one.
    fn input(&self) -> Vec<f32> {
        let mut values = noise(1, self.n * IN_CHANNELS * self.pixels());
        if self.config.model_key == ModelKey::LinearDem {
            let planes = values.chunks_exact_mut(self.pixels()).enumerate();
            for (plane, values) in planes.filter(|(plane, _)| plane % IN_CHANNELS == self.config.time_channel_idx) {
                values.fill((plane / IN_CHANNELS % self.config.n_models + 1) as f32);
            }
        }
        values
    }

    /// A tensor of these values, which a planner does not need.
    fn tensor(&self, gpu: &Gpu, shape: [usize; 4], values: impl FnOnce() -> Vec<f32>) -> Result<Tensor> {
        if gpu.is_planner() { Tensor::full(gpu, shape, 1.0) } else { Tensor::from_slice(gpu, shape, &values()) }
    }

    /// Goes through the work on a planner.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] where the device has less memory than it takes; what the work refuses.
    fn require(&self, gpu: &Gpu, work: impl FnOnce(&Gpu) -> Result<()>) -> Result<()> {
        let cure = "give a smaller --batch or --size, or a smaller network";
        let planner = gpu.planner();
        work(&planner).map_err(|error| error.with_remedy(cure))?;
        let needed = planner.memory().allocated;
        match gpu.memory_size() {
            Some(has) if has < needed => Err(Error::OutOfMemory(format!(
                "{} needs {} MiB on {}, and there are {} MiB: {cure}",
                self.name,
                needed >> 20,
                gpu.capabilities().name,
                has >> 20
            ))),
            _ => Ok(()),
        }
    }

    fn shape(&self, n: usize, channels: usize) -> [usize; 4] {
        [n, channels, self.size[0], self.size[1]]
    }
}

/// What makes one step on one batch, and gives its loss.
fn trainer(plan: &Rc<Plan>, gpu: &Gpu) -> Result<impl FnMut() -> Result<Tensor> + 'static> {
    let plan = plan.clone();
    let model = plan.model(gpu)?;
    let mut optimizer = train::optimizer(&plan.config);
    let input = plan.tensor(gpu, plan.shape(plan.n, IN_CHANNELS), || plan.input())?;
    let shape = plan.shape(plan.n, plan.config.out_channels);
    let target = || noise(2, shape.iter().product()).iter().map(|v| 0.5 * (v + 1.0)).collect();
    let target = plan.tensor(gpu, shape, target)?;
    let mask = Tensor::full(gpu, shape, 0.0)?;
    let micro_batches = plan.config.accumulate_steps;
    Ok(move || {
        let mut step = Step::new(model.as_ref(), plan.config.recompute);
        let of_map = masked_loss(plan.config.loss_function.kind(), &target, &mask);
        let mut add = || step.add(0, 1.0 / micro_batches as f32, &Inputs::from(&input), &of_map);
        for _ in 1..micro_batches {
            add()?;
        }
        let loss = add()?;
        step.finish(&mut optimizer)?;
        Ok(loss)
    })
}

/// One step on one batch again and again; after three of them the loss must have fallen before any is timed.
fn train_step(plan: Rc<Plan>) -> Case {
    Case::new(format!("train_step {}", plan.name), move |gpu| {
        plan.require(gpu, |planner| trainer(&plan, planner)?().map(drop))?;
        let mut step = trainer(&plan, gpu)?;
        let mut losses = Vec::new();
        for _ in 0..3 {
            losses.extend(step()?.to_vec()?.into_iter().map(f64::from));
        }
        let check: Check = Box::new(move |last| {
            losses.extend(last);
            // One draw of dropout serves all steps, so that they descend on one function; single ones may still step too far.
            let least = losses[1..].iter().copied().fold(f64::INFINITY, f64::min);
            let falls = losses.iter().all(|loss| loss.is_finite()) && least < losses[0];
            if falls { Ok(()) } else { Err(format!("the losses {losses:?} of steps on one batch do not fall")) }
        });
        Ok(Job { run: Box::new(move || step().map(Answer::Device)), check })
    })
}

/// Maps of a batch; the last image's must be what it gives alone, or, where it is alone, beside itself.
fn predict(plan: Rc<Plan>) -> Case {
    Case::new(format!("predict {}", plan.name), move |gpu| {
        plan.require(gpu, |planner| {
            // The check of a single image computes it beside itself.
            let input = plan.tensor(planner, plan.shape(plan.n.max(2), IN_CHANNELS), Vec::new)?;
            plan.model(planner)?.map(&Tape::off(), &input, Mode::Eval).map(drop)
        })?;
        let model = plan.model(gpu)?;
        let values = plan.input();
        let input = Tensor::from_slice(gpu, plan.shape(plan.n, IN_CHANNELS), &values)?;
        let image = &values[(plan.n - 1) * IN_CHANNELS * plan.pixels()..];
        let copies = if plan.n == 1 { 2 } else { 1 };
        let other = Tensor::from_slice(gpu, plan.shape(copies, IN_CHANNELS), &image.repeat(copies))?;
        let mut wanted = model.map(&Tape::off(), &other, Mode::Eval)?.to_vec()?;
        drop(other);
        wanted.drain(..(copies - 1) * wanted.len() / copies);
        let bounded = plan.config.out_activation != Activation::None;
        let len = plan.n * wanted.len();
        let check: Check = Box::new(move |maps| {
            let largest = wanted.iter().fold(1.0, |most: f64, want| most.max(f64::from(want.abs())));
            let same =
                |(got, want): (&f64, &f32)| (got - f64::from(*want)).abs() <= 1e-5 * largest && (!bounded || (0.0..=1.0).contains(got));
            let right = maps.len() == len && maps[len - wanted.len()..].iter().zip(&wanted).all(same);
            if right { Ok(()) } else { Err("an image's map depends on the batch that it is in".into()) }
        });
        Ok(Job { run: Box::new(move || model.map(&Tape::off(), &input, Mode::Eval).map(Answer::Device)), check })
    })
}

/// The rows of a network that was asked for.
///
/// # Errors
/// [`Error::Config`] for keys or a size that do not fit it.
pub(super) fn asked(options: &StepOptions) -> Result<Vec<Case>> {
    let plan = Rc::new(Plan::new(options)?);
    let training = (!options.predict_only).then(|| train_step(plan.clone()));
    Ok(training.into_iter().chain([predict(plan)]).collect())
}

/// The rows of every run: the vanilla UNet, narrow, and full on devices for which that is no trouble.
///
/// # Errors
/// Those of [`asked`].
pub(super) fn cases(large: bool) -> Result<Vec<Case>> {
    let unet = |base: usize, batch: usize, side: usize| {
        let set = vec![format!("base_channels={base}")];
        asked(&StepOptions { model: "unet".into(), set, batch, size: [side, side], predict_only: false })
    };
    let mut cases = unet(8, 8, 128)?;
    if large {
        cases.extend(unet(64, 2, 512)?);
    }
    Ok(cases)
}
