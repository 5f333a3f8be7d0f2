//! Whole steps of a network: training (forward, the task's loss, backward, clipped update) and prediction.

use std::rc::Rc;

use crate::autograd::Tape;
use crate::bench::case::{Answer, Case, Check, Job, noise};
use crate::config::{Config, ModelKey};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::models::{self, Form, Input, InputChannels, Inputs, Model, ONLY, Outputs};
use crate::nn::Mode;
use crate::ops::Activation;
use crate::tasks::{self, Targets};
use crate::tensor::Tensor;
use crate::train::{self, Step};

/// Channels of the input where the configuration names none.
const IN_CHANNELS: usize = 4;

/// What steps have in common where nothing else is asked for.
const DEFAULTS: &str = "optimizer: adam\nlearning_rate: 1.0e-3\nloss_function: l1\n";

/// The published training of GlaViTU on optical images and elevation, but for its augmentations and its schedule.
const GLAVITU: &str = "task: segmentation\nclasses: [background, glacier]\nin_keys: [optical, dem]\n\
    path_optical: optical\npath_dem: dem\nbands_optical: [1, 2, 3, 4, 5, 6]\nbands_dem: [1, 2]\n\
    optimizer: adam\neps_mode: keras\neps: 1.0e-7\nlearning_rate: 5.0e-4\nloss_function: focal\nlabel_smoothing: 0.1\n";

/// The published training of TYRION, but for its augmentations.
const TYRION: &str =
    "task: calving_front\nin_keys: [sar]\npath_sar: sar\noptimizer: sgd\nlearning_rate: 0.01\nmomentum: 0.9\nweight_decay: 1.0e-4\n";

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
#[derive(Clone)]
pub(super) struct Plan {
    name: String,
    config: Config,
    inputs: Vec<Given>,
    n: usize,
    size: [usize; 2],
}

/// An input of the network.
#[derive(Clone)]
struct Given {
    name: String,
    channels: usize,
    /// Pixels of a channel: 1 where it is a number.
    pixels: usize,
    /// Shape of one sample.
    shape: Vec<usize>,
}

impl Plan {
    /// # Errors
    /// [`Error::Config`] for keys or a size that do not fit the network.
    pub(super) fn new(options: &StepOptions) -> Result<Plan> {
        let &StepOptions { ref model, ref set, batch, size, .. } = options;
        let published = [(ModelKey::Glavitu, GLAVITU), (ModelKey::Tyrion, TYRION)];
        let defaults = published.iter().find(|(key, _)| key.name() == model).map_or(DEFAULTS, |(_, keys)| *keys);
        let mut config = Config::from_yaml(&format!("model_key: {model}\n{defaults}"), "--step", set)?;
        for (key, option) in [("batch_size", "--batch"), ("img_size", "--size")] {
            if config.given.contains(key) {
                return Err(config.key_error(key, format!("is given by {option} here")));
            }
        }
        config.img_size = size;
        models::check_tile(&config, size)?;
        let words: Vec<&str> = [model.as_str()].into_iter().chain(set.iter().map(String::as_str)).collect();
        let name = format!("{} {batch}x{}x{}", words.join(" "), size[0], size[1]);
        Ok(Plan { name, inputs: inputs(&config)?, config, n: batch, size })
    }

    /// The same network on so many crops, with or without recomputing.
    pub(super) fn variant(&self, n: usize, recompute: bool) -> Plan {
        Plan { config: Config { recompute, ..self.config.clone() }, n, ..self.clone() }
    }

    fn model(&self, gpu: &Gpu) -> Result<Box<dyn Model>> {
        let channels = self.inputs.iter().map(|input| (input.name.clone(), input.channels));
        models::untrained_for(gpu, &self.config, InputChannels(channels.collect()))
    }

    /// Noise for a batch in one input; where a network reads the month from a channel, that holds one.
    fn noise(&self, index: usize) -> Vec<f32> {
        let Given { channels, pixels, .. } = self.inputs[index];
        let mut values = noise(1 + index as u64, self.n * channels * pixels);
        if self.config.model_key == ModelKey::LinearDem {
            let planes = values.chunks_exact_mut(pixels).enumerate();
            for (plane, values) in planes.filter(|(plane, _)| plane % channels == self.config.time_channel_idx) {
                values.fill((plane / channels % self.config.n_models + 1) as f32);
            }
        }
        values
    }

    /// Inputs of `n` samples, of values by the number of the input, which a planner does not need.
    fn inputs(&self, gpu: &Gpu, n: usize, values: impl Fn(usize) -> Vec<f32>) -> Result<Inputs> {
        let given = self.inputs.iter().enumerate().map(|(index, input)| {
            let tensor = tensor(gpu, [&[n], input.shape.as_slice()].concat(), || values(index))?;
            Ok(Input { name: input.name.clone(), tensor, constants: Vec::new() })
        });
        Ok(Inputs(given.collect::<Result<_>>()?))
    }

    /// Noise between 0 and 1, or of classes.
    fn targets(&self, gpu: &Gpu) -> Result<Targets> {
        let classes = tasks::of(&self.config).one_hot();
        let channels = if classes.is_some() { 1 } else { self.config.out_channels };
        let shape = [self.n, channels, self.size[0], self.size[1]];
        if gpu.is_planner() {
            // Values of a batch that no memory holds could not be drawn.
            let blank = |channels: usize| Tensor::full(gpu, [shape[0], channels, shape[2], shape[3]], 1.0);
            let one_hot = classes.map(blank).transpose()?;
            return Ok(Targets { values: blank(channels)?, mask: blank(channels)?, one_hot, any_valid: true });
        }
        let fraction = |value: &f32| 0.5 * (value + 1.0);
        let class = |value: &f32, classes: usize| (fraction(value) * classes as f32).floor().min((classes - 1) as f32);
        let drawn = noise(2, shape.iter().product());
        let values: Vec<f32> = drawn.iter().map(|value| classes.map_or_else(|| fraction(value), |classes| class(value, classes))).collect();
        let targets = Targets::new(gpu, shape, &values, &vec![0.0; values.len()])?;
        match classes {
            None => Ok(targets),
            Some(classes) => targets.with_classes(classes, &values),
        }
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
}

/// The inputs that a configuration names, or one of four channels.
fn inputs(config: &Config) -> Result<Vec<Given>> {
    let [h, w] = config.img_size;
    let planes = |name: String, channels: usize| Given { name, channels, pixels: h * w, shape: vec![channels, h, w] };
    if config.inputs()?.is_empty() {
        return Ok(vec![planes(ONLY.to_owned(), IN_CHANNELS)]);
    }
    let given = models::inputs(config)?.into_iter().map(|input| match input.form {
        Form::Planes => planes(input.name, input.variables.len()),
        Form::Numbers => Given { name: input.name, channels: input.variables.len(), pixels: 1, shape: vec![input.variables.len()] },
    });
    Ok(given.collect())
}

/// A tensor of these values, which a planner does not need.
fn tensor(gpu: &Gpu, shape: Vec<usize>, values: impl FnOnce() -> Vec<f32>) -> Result<Tensor> {
    if gpu.is_planner() { Tensor::full(gpu, shape.as_slice(), 1.0) } else { Tensor::from_slice(gpu, shape.as_slice(), &values()) }
}

/// What makes one step on one batch, and gives its loss.
pub(super) fn trainer(plan: &Rc<Plan>, gpu: &Gpu) -> Result<impl FnMut() -> Result<Tensor> + 'static> {
    let plan = plan.clone();
    let model = plan.model(gpu)?;
    let mut optimizer = train::optimizer(&plan.config);
    let inputs = plan.inputs(gpu, plan.n, |index| plan.noise(index))?;
    let (task, targets) = (tasks::of(&plan.config), plan.targets(gpu)?);
    let micro_batches = plan.config.accumulate_steps;
    let mut loss_scale = train::loss_scale(&plan.config);
    Ok(move || {
        let mut step = Step::new(model.as_ref(), plan.config.recompute).scaled(loss_scale.as_ref());
        let of_outputs = |tape: &Tape, outputs: &Outputs| task.loss(tape, outputs, &targets);
        let mut add = || step.add(0, 1.0 / micro_batches as f32, &inputs, &of_outputs);
        for _ in 1..micro_batches {
            add()?;
        }
        let loss = add()?;
        step.finish_scaled(&mut optimizer, loss_scale.as_mut())?;
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
            let inputs = plan.inputs(planner, plan.n.max(2), |_| Vec::new())?;
            plan.model(planner)?.forward(&Tape::off(), &inputs, Mode::Eval).map(drop)
        })?;
        let model = plan.model(gpu)?;
        let inputs = plan.inputs(gpu, plan.n, |index| plan.noise(index))?;
        let copies = if plan.n == 1 { 2 } else { 1 };
        let last = |index: usize| {
            let Given { channels, pixels, .. } = plan.inputs[index];
            plan.noise(index)[(plan.n - 1) * channels * pixels..].repeat(copies)
        };
        let mut wanted = model.forward(&Tape::off(), &plan.inputs(gpu, copies, last)?, Mode::Eval)?.map.to_vec()?;
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
        Ok(Job { run: Box::new(move || Ok(Answer::Device(model.forward(&Tape::off(), &inputs, Mode::Eval)?.map))), check })
    })
}

/// Work on a device that only counts.
pub(super) type Work = Box<dyn Fn(&Gpu) -> Result<()>>;

/// A training step and a prediction of a network, by their rows' names, for planners.
///
/// # Errors
/// [`Error::Config`] for keys or a size that do not fit it.
pub(super) fn works(options: &StepOptions) -> Result<Vec<(String, Work)>> {
    let plan = Rc::new(Plan::new(options)?);
    let (training, predicting) = (plan.clone(), plan.clone());
    let train: Work = Box::new(move |planner| trainer(&training, planner)?().map(drop));
    let predict: Work = Box::new(move |planner| {
        let inputs = predicting.inputs(planner, predicting.n, |_| Vec::new())?;
        predicting.model(planner)?.forward(&Tape::off(), &inputs, Mode::Eval).map(drop)
    });
    let train = (!options.predict_only).then(|| (format!("train_step {}", plan.name), train));
    Ok(train.into_iter().chain([(format!("predict {}", plan.name), predict)]).collect())
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
