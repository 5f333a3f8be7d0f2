//! One linear model a month (`linear_dem`): y = f(w[m]·x + b[m]) at every pixel, m the month that one input channel holds.
//!
//! Baseline of MeltwaterBench, arXiv 2512.12142, there with the elevation as the only other input. Keys are
//! `linear_layers.{month − 1}.{weight, bias}`; months that a batch lacks get no gradient, so that their optimizer state rests.

use crate::autograd::Tape;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::kernels::cat::cat_grad_input;
use crate::models::Model;
use crate::nn::{Builder, Conv2d, Mode, ParameterSet};
use crate::ops::{self, Activation, Candidate};
use crate::tensor::{Shape, Tensor};

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
        Ok(LinearDem { linear_layers, time_channel, out_activation: config.out_activation.into(), parameters: b.finish() })
    }

    /// The index of each sample's model, read off the month's channel; waits for the device.
    fn picks(&self, input: &Tensor) -> Result<Vec<usize>> {
        let ([n, _, h, w], channel) = (input.nchw("linear_dem")?, self.time_channel);
        let months = cat_grad_input(input, &Shape::from([n, 1, h, w]), channel)?.to_vec()?;
        let of_sample = |plane: &[f32]| {
            let month = plane[0];
            if plane.iter().any(|value| *value != month) {
                let message = format!(
                    "channel {channel} must hold one month a sample, but it varies; set time_channel_idx to that of time_month_idx"
                );
                return Err(Error::shape("linear_dem", message));
            }
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
        months.chunks_exact(h * w).map(of_sample).collect()
    }
}

impl Model for LinearDem {
    fn forward(&self, tape: &Tape, input: &Tensor, _mode: Mode) -> Result<Tensor> {
        let [_, channels, _, _] = input.nchw("linear_dem")?;
        if self.time_channel >= channels {
            return Err(Error::shape("linear_dem", format!("{} has no channel {}", input.shape(), self.time_channel)));
        }
        let picks = self.picks(input)?;
        let candidates: Vec<Candidate> = self.linear_layers.iter().filter_map(Conv2d::candidate).collect();
        let z = ops::conv2d_by_sample(tape, input, self.time_channel, &candidates, &picks)?;
        ops::activation(tape, self.out_activation, &z)
    }

    fn parameters(&self) -> &ParameterSet {
        &self.parameters
    }
}
