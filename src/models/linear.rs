//! One linear model a month (`linear_dem`): y = f(w[m]·x + b[m]) at every pixel, m the month that one input channel holds.
//!
//! Baseline of MeltwaterBench, arXiv 2512.12142, there with the elevation as the only other input. Keys are
//! `linear_layers.{month − 1}.{weight, bias}`; months that a batch lacks get no gradient, so that their optimizer state rests.

use serde_json::json;

use crate::autograd::Tape;
use crate::config::{Config, ModelKey};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::kernels::cat::cat_grad_input;
use crate::models::{Inputs, Model, Network, Outputs, Recognised, Shapes};
use crate::nn::{Builder, Conv2d, Mode, ParameterSet};
use crate::ops::{self, Activation, Candidate};
use crate::tensor::{Shape, Tensor};

/// The network's entry in the table.
pub(super) const NETWORK: Network = Network {
    key: ModelKey::LinearDem,
    build: |gpu, config, channels| Ok(Box::new(LinearDem::new(gpu, config, channels.only()?)?)),
    recognise,
    ..Network::PLAIN
};

fn recognise(dict: &Shapes) -> Option<Recognised> {
    let first = "linear_layers.0.weight";
    let keys = [("n_models", json!(dict.modules("linear_layers"))), ("out_channels", json!(dict.axis(first, 0)?))];
    // The month's channel chooses the model and is no input of it.
    Some(Recognised::new("linear_dem", dict.axis(first, 1)?.saturating_add(1), keys))
}

/// The network.
pub struct LinearDem {
    linear_layers: Vec<Conv2d>,
    time_channel: usize,
    out_activation: Activation,
    parameters: ParameterSet,
}

impl LinearDem {
    /// Builds the models of a configuration: `n_models`, `time_channel_idx`, `out_channels`, `out_activation`.
    ///
    /// # Errors
    /// [`Error::Config`] where the month's channel is not among the inputs, or is the only one; out of memory.
    pub fn new(gpu: &Gpu, config: &Config, in_channels: usize) -> Result<Self> {
        let time_channel = config.time_channel_idx;
        if in_channels < 2 {
            let message =
                "has no input besides the month; name some, for example `in_keys_static: [dem]`, and `in_keys_aux: [time_month_idx]`";
            return Err(config.key_error("in_keys_static", message));
        }
        if time_channel >= in_channels {
            let message = format!(
                "is {time_channel}, but there are {in_channels} input channels, counted from 0; give the place of time_month_idx among them, \
                 for example 1 behind dem"
            );
            return Err(config.key_error("time_channel_idx", message));
        }
        let mut b = Builder::new(gpu, config.seed);
        let layer = |i: usize| b.conv2d(&format!("linear_layers.{i}"), in_channels - 1, config.out_channels, 1, Default::default(), true);
        let linear_layers = (0..config.n_models).map(layer).collect::<Result<_>>()?;
        Ok(LinearDem { linear_layers, time_channel, out_activation: config.out_activation, parameters: b.finish() })
    }

    /// The index of each sample's model.
    fn picks(&self, inputs: &Inputs) -> Result<Vec<usize>> {
        let channel = self.time_channel;
        let months = match inputs.constant(channel) {
            Some(months) => months.to_vec(),
            None => self.read_months(inputs.only()?)?,
        };
        let of_sample = |month: f32| {
            let known = (1..=self.linear_layers.len()).position(|known| known as f32 == month);
            known.ok_or_else(|| {
                let models = self.linear_layers.len();
                let message = format!(
                    "channel {channel} holds {month}, which is no month from 1 to n_models = {models}; set time_channel_idx to that of \
                     time_month_idx, or n_models to 12"
                );
                Error::shape("linear_dem", message)
            })
        };
        months.into_iter().map(of_sample).collect()
    }

    /// The month of each sample, read off its channel where the host does not know it; waits for the device.
    fn read_months(&self, input: &Tensor) -> Result<Vec<f32>> {
        let ([n, _, h, w], channel) = (input.nchw("linear_dem")?, self.time_channel);
        if input.gpu().is_planner() {
            // Nobody knows the months of a rehearsal; any will do.
            return Ok(vec![1.0; n]);
        }
        let of_sample = |plane: &[f32]| match plane {
            [month, rest @ ..] if rest.iter().all(|value| value == month) => Ok(*month),
            _ => {
                let message = format!(
                    "channel {channel} must hold one month a sample, but it varies; set time_channel_idx to that of time_month_idx"
                );
                Err(Error::shape("linear_dem", message))
            }
        };
        cat_grad_input(input, &Shape::from([n, 1, h, w]), channel)?.to_vec()?.chunks_exact(h * w).map(of_sample).collect()
    }
}

impl Model for LinearDem {
    fn forward(&self, tape: &Tape, inputs: &Inputs, _mode: Mode) -> Result<Outputs> {
        let input = inputs.only()?;
        let [_, channels, _, _] = input.nchw("linear_dem")?;
        if self.time_channel >= channels {
            return Err(Error::shape("linear_dem", format!("{} has no channel {}", input.shape(), self.time_channel)));
        }
        let picks = self.picks(inputs)?;
        let candidates: Vec<Candidate> = self.linear_layers.iter().filter_map(Conv2d::candidate).collect();
        let z = ops::conv2d_by_sample(tape, input, self.time_channel, &candidates, &picks)?;
        Ok(ops::activation(tape, self.out_activation, &z)?.into())
    }

    fn parameters(&self) -> &ParameterSet {
        &self.parameters
    }
}
