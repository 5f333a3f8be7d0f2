//! What ranks tell each other in a step: first losses, running statistics and whether all goes well, then gradients.
//!
//! The first message is one round for all of that, so that a failure or a stop signal of any rank ends all before the weights move, at the
//! same step. Batch statistics go to all ranks, each of which moves its running ones by all of them in the order of the micro-batches, with
//! the kernel that one rank alone uses: so they are the same bits. Gradients take one flat buffer through the host.

use std::collections::HashMap;

use super::losses::Arrived;
use crate::autograd::Gradients;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::kernels::batch_norm::{RunningUpdate, batch_norm_running};
use crate::nn::{ParameterSet, Value};
use crate::ranks::Ranks;
use crate::tensor::{Tensor, TensorId};

/// The ranks of a step, of which the first ones have micro-batches.
#[derive(Clone, Copy)]
pub(super) struct Exchange<'a> {
    pub(super) ranks: &'a Ranks,
    pub(super) at_work: usize,
}

/// What a rank's passes of a step leave behind beside gradients.
pub(super) struct Passes {
    /// What each pass does to running statistics, in order.
    pub(super) updates: Vec<RunningUpdate>,
    /// Counters of batches before the step.
    counters: Vec<i64>,
}

/// What is known once all ranks have met.
pub(super) struct Met {
    /// Losses of all micro-batches, in order.
    pub(super) losses: Vec<Arrived>,
    /// Which of the trainable parameters have a gradient on some rank.
    pub(super) reached: Vec<bool>,
}

impl Passes {
    /// None yet.
    pub(super) fn new(model: &ParameterSet) -> Passes {
        Passes { updates: Vec::new(), counters: counters(model).map(|(_, counter)| counter.get()).collect() }
    }
}

fn counters(model: &ParameterSet) -> impl Iterator<Item = (usize, &std::rc::Rc<std::cell::Cell<i64>>)> {
    model.entries().iter().enumerate().filter_map(|(place, (_, value))| match value {
        Value::Counter(counter) => Some((place, counter)),
        _ => None,
    })
}

/// The message of a rank, in words of four bytes.
#[derive(Default)]
struct Message(Vec<u32>);

impl Message {
    fn put(&mut self, words: impl IntoIterator<Item = u32>) {
        self.0.extend(words);
    }

    fn bytes(self) -> Vec<u8> {
        self.0.into_iter().flat_map(u32::to_le_bytes).collect()
    }
}

/// What is left of a message that is being read.
struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or_else(|| defect("a rank's message is too short"))?;
        self.0 = rest;
        Ok(bytes)
    }

    fn take(&mut self) -> Result<u32> {
        let bytes = self.bytes(4)?;
        Ok(bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte)))
    }

    fn floats(&mut self, count: usize) -> Result<Vec<f32>> {
        (0..count).map(|_| self.take().map(f32::from_bits)).collect()
    }
}

fn defect(what: &str) -> Error {
    Error::Usage(format!("{what}; this is a defect of meltcore, please report it"))
}

impl Exchange<'_> {
    /// Tells all ranks what this one's micro-batches came to, and does to running statistics what all micro-batches do.
    ///
    /// # Errors
    /// `own`, and those of [`Ranks::exchange`]; those of the device.
    pub(super) fn meet(
        self,
        gpu: &Gpu,
        model: &ParameterSet,
        passes: &mut Passes,
        gradients: Option<&Gradients>,
        own: Result<Vec<Arrived>>,
    ) -> Result<Met> {
        let trainable = model.trainable();
        let reached: Vec<bool> =
            trainable.iter().map(|(_, parameter)| gradients.is_some_and(|gradients| gradients.get(parameter).is_some())).collect();
        if gpu.is_planner() {
            passes.updates.clear();
            return Ok(Met { losses: own?, reached });
        }
        let message = own.and_then(|losses| {
            let mut message = Message::default();
            message.put([losses.len() as u32]);
            let losses: Vec<u8> = losses.iter().flat_map(Arrived::bytes).collect();
            message.put(losses.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)));
            message.put(reached.iter().map(|reached| u32::from(*reached)));
            let moved = counters(model).zip(&passes.counters).map(|((_, counter), before)| counter.get() - before);
            message.put(moved.map(|batches| batches as u32));
            put_updates(&mut message, gpu, model, &passes.updates)?;
            Ok(message.bytes())
        });
        let mut met = Met { losses: Vec::new(), reached: vec![false; trainable.len()] };
        let mut batches = passes.counters.clone();
        passes.updates.clear();
        for told in self.ranks.exchange(message)?.iter() {
            let mut words = Words(told);
            let losses = words.take()? as usize;
            met.losses.extend(Arrived::all(words.bytes(losses * Arrived::BYTES)?));
            for reached in &mut met.reached {
                *reached |= words.take()? != 0;
            }
            for batches in &mut batches {
                *batches += i64::from(words.take()?);
            }
            update_running(&mut words, gpu, model)?;
        }
        counters(model).zip(batches).for_each(|((_, counter), batches)| counter.set(batches));
        Ok(met)
    }

    /// The sum of the gradients of all ranks at work, of the parameters that are reached.
    ///
    /// # Errors
    /// Those of [`Ranks::sum`]; out of memory.
    pub(super) fn sum(self, gpu: &Gpu, model: &ParameterSet, reached: &[bool], own: Option<Gradients>) -> Result<Gradients> {
        let parameters: Vec<Tensor> =
            model.trainable().into_iter().zip(reached).filter(|(_, reached)| **reached).map(|((_, parameter), _)| parameter).collect();
        let words: usize = parameters.iter().map(Tensor::len).sum();
        if words == 0 {
            return Ok(Gradients::default());
        }
        let flat = gpu.allocate(words)?;
        let mut own = own.unwrap_or_default();
        let mut start = 0;
        for parameter in &parameters {
            let gradient = match own.take(parameter) {
                Some(gradient) => gradient,
                None => Tensor::full(gpu, parameter.shape(), 0.0)?,
            };
            gpu.copy_words((gradient.buffer(), 0), (&flat, start), gradient.len())?;
            start += gradient.len();
        }
        if !gpu.is_planner() {
            let mut values = gpu.read(&flat, words)?;
            self.ranks.sum(&mut values, self.at_work)?;
            gpu.write(&flat, &values);
        }
        let mut sum = Vec::with_capacity(parameters.len());
        let mut start = 0;
        for parameter in &parameters {
            let gradient = Tensor::empty(gpu, parameter.shape())?;
            gpu.copy_words((&flat, start), (gradient.buffer(), 0), gradient.len())?;
            start += gradient.len();
            sum.push((parameter.id(), gradient));
        }
        Ok(Gradients::of(sum))
    }
}

/// Adds what the passes do to running statistics: for each layer and pass the places of both among the model's entries, channels, the
/// momentum, means and variances.
fn put_updates(message: &mut Message, gpu: &Gpu, model: &ParameterSet, updates: &[RunningUpdate]) -> Result<()> {
    message.put([updates.len() as u32]);
    let words: usize = updates.iter().map(|update| 2 * update.batch_mean.len()).sum();
    if words == 0 {
        return Ok(());
    }
    let places: HashMap<TensorId, usize> = buffers(model).map(|(place, tensor)| (tensor.id(), place)).collect();
    let flat = gpu.allocate(words)?;
    let mut start = 0;
    for tensor in updates.iter().flat_map(|update| [&update.batch_mean, &update.batch_var]) {
        gpu.copy_words((tensor.buffer(), 0), (&flat, start), tensor.len())?;
        start += tensor.len();
    }
    let values = gpu.read(&flat, words)?;
    let mut values = values.as_slice();
    for update in updates {
        let place = |running: &Tensor| places.get(&running.id()).map_or(u32::MAX, |place| *place as u32);
        let c = update.batch_mean.len();
        message.put([place(&update.running_mean), place(&update.running_var), c as u32, update.momentum.to_bits()]);
        message.put(values[..2 * c].iter().map(|value| value.to_bits()));
        values = &values[2 * c..];
    }
    Ok(())
}

fn buffers(model: &ParameterSet) -> impl Iterator<Item = (usize, &Tensor)> {
    model.entries().iter().enumerate().filter_map(|(place, (_, value))| match value {
        Value::Buffer(tensor) => Some((place, tensor)),
        _ => None,
    })
}

/// Does what a message of [`put_updates`] says.
fn update_running(words: &mut Words, gpu: &Gpu, model: &ParameterSet) -> Result<()> {
    for _ in 0..words.take()? {
        let [mean, var, c] = [words.take()?, words.take()?, words.take()?];
        let momentum = f32::from_bits(words.take()?);
        let running = |place: u32| match model.entries().get(place as usize) {
            Some((_, Value::Buffer(tensor))) if tensor.len() == c as usize => Ok(tensor.clone()),
            _ => Err(defect("a rank speaks of statistics that this one's network does not have")),
        };
        let mut of_batch = || Tensor::from_slice(gpu, [c as usize], &words.floats(c as usize)?);
        let (batch_mean, batch_var) = (of_batch()?, of_batch()?);
        let (running_mean, running_var) = (running(mean)?, running(var)?);
        batch_norm_running(&RunningUpdate { running_mean, running_var, batch_mean, batch_var, momentum })?;
    }
    Ok(())
}
