//! Layers: parameters and the op that uses them.

use std::cell::Cell;
use std::rc::Rc;

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::conv2d::Conv2dAttrs;
use crate::nn::Mode;
use crate::ops::{self, Activation, BatchNormAttrs, Batching, Candidate, NormBefore, RunningVariance};
use crate::tensor::Tensor;

/// Momentum of the running statistics, PyTorch's default.
pub(super) const MOMENTUM: f32 = 0.1;

/// `torch.nn.Conv2d`.
pub struct Conv2d {
    pub(super) weight: Tensor,
    pub(super) bias: Option<Tensor>,
    pub(super) attrs: Conv2dAttrs,
}

impl Conv2d {
    /// y = f(x ∗ w + b); with one filter a channel by [`ops::depthwise_conv2d`].
    ///
    /// # Errors
    /// Those of [`ops::conv2d`].
    pub fn forward(&self, tape: &Tape, input: &Tensor, activation: Activation) -> Result<Tensor> {
        let op = if self.attrs.is_depthwise(&self.weight) { ops::depthwise_conv2d } else { ops::conv2d };
        op(tape, input, &self.weight, self.bias.as_ref(), &self.attrs, activation)
    }

    /// This layer as one of those that samples pick from; `None` without a bias.
    pub fn candidate(&self) -> Option<Candidate<'_>> {
        self.bias.as_ref().map(|bias| Candidate { weight: &self.weight, bias })
    }
}

/// `torch.nn.ConvTranspose2d` without padding.
pub struct ConvTranspose2d {
    pub(super) weight: Tensor,
    pub(super) bias: Tensor,
    pub(super) stride: usize,
}

impl ConvTranspose2d {
    /// The transposed convolution plus bias.
    ///
    /// # Errors
    /// Those of [`ops::conv_transpose2d`].
    pub fn forward(&self, tape: &Tape, input: &Tensor) -> Result<Tensor> {
        ops::conv_transpose2d(tape, input, &self.weight, Some(&self.bias), self.stride, 0)
    }
}

/// `torch.nn.BatchNorm2d` and the activation after it.
pub struct BatchNorm2d {
    pub(super) weight: Tensor,
    pub(super) bias: Tensor,
    pub(super) running_mean: Tensor,
    pub(super) running_var: Tensor,
    pub(super) batches: Rc<Cell<i64>>,
    pub(super) eps: f32,
    pub(super) momentum: f32,
    pub(super) variance: RunningVariance,
    /// Set by [`ParameterSet::freeze`](super::ParameterSet::freeze).
    pub(super) frozen: Rc<Cell<bool>>,
}

impl BatchNorm2d {
    /// The same layer with another kind of running variance.
    pub fn with_variance(self, variance: RunningVariance) -> BatchNorm2d {
        BatchNorm2d { variance, ..self }
    }

    /// The mode in which it computes: a frozen one always evaluates.
    pub(super) fn mode(&self, mode: Mode) -> Mode {
        if self.frozen.get() { Mode::Eval } else { mode }
    }

    /// y = f(batch_norm(x)); in training the running statistics and `num_batches_tracked` are updated, unless it is frozen.
    ///
    /// # Errors
    /// Those of [`ops::batch_norm`].
    pub fn forward(&self, tape: &Tape, input: &Tensor, mode: Mode, activation: Activation) -> Result<Tensor> {
        let training = self.mode(mode).is_training();
        let attrs = BatchNormAttrs { training, momentum: self.momentum, eps: self.eps, variance: self.variance, activation };
        let output = ops::batch_norm(tape, input, &self.weight, &self.bias, &self.running_mean, &self.running_var, &attrs)?;
        if training {
            self.count(tape);
        }
        Ok(output)
    }

    /// The norm in training for a convolution that reads through it; counts the batch.
    pub(super) fn before(&self, tape: &Tape) -> NormBefore<'_> {
        self.count(tape);
        let by = Batching { momentum: self.momentum, eps: self.eps, variance: self.variance };
        NormBefore { weight: &self.weight, bias: &self.bias, running: [&self.running_mean, &self.running_var], by }
    }

    fn count(&self, tape: &Tape) {
        if !tape.is_replaying() {
            self.batches.set(self.batches.get() + 1);
        }
    }
}

/// `torch.nn.Linear`.
pub struct Linear {
    pub(super) weight: Tensor,
    pub(super) bias: Tensor,
}

impl Linear {
    /// y = f(x·wᵀ + b), over the last axis.
    ///
    /// # Errors
    /// Those of [`ops::linear`].
    pub fn forward(&self, tape: &Tape, input: &Tensor, activation: Activation) -> Result<Tensor> {
        ops::linear(tape, input, &self.weight, Some(&self.bias), activation)
    }

    /// As [`Linear::forward`] without an activation, of the part `index` of `parts` equal ones of the outputs.
    ///
    /// # Errors
    /// Those of [`ops::linear`] and [`ops::narrow`].
    pub fn part(&self, tape: &Tape, input: &Tensor, index: usize, parts: usize) -> Result<Tensor> {
        let length = self.bias.len() / parts;
        let weight = ops::narrow(tape, &self.weight, index * length, length)?;
        let bias = ops::narrow(tape, &self.bias, index * length, length)?;
        ops::linear(tape, input, &weight, Some(&bias), Activation::None)
    }
}

/// `torch.nn.LayerNorm` over the last axis.
pub struct LayerNorm {
    pub(super) weight: Tensor,
    pub(super) bias: Tensor,
    pub(super) eps: f32,
}

impl LayerNorm {
    /// y = (x − μ)/√(σ² + eps)·weight + bias.
    ///
    /// # Errors
    /// Those of [`ops::layer_norm`].
    pub fn forward(&self, tape: &Tape, input: &Tensor) -> Result<Tensor> {
        ops::layer_norm(tape, input, &self.weight, &self.bias, self.eps)
    }
}

/// `torch.nn.GroupNorm` and the activation after it.
pub struct GroupNorm {
    pub(super) weight: Tensor,
    pub(super) bias: Tensor,
    pub(super) groups: usize,
    pub(super) eps: f32,
}

impl GroupNorm {
    /// y = f((x − μ)/√(σ² + eps)·weight + bias), μ and σ² those of an image's group of channels.
    ///
    /// # Errors
    /// Those of [`ops::group_norm`].
    pub fn forward(&self, tape: &Tape, input: &Tensor, activation: Activation) -> Result<Tensor> {
        ops::group_norm(tape, input, self.groups, &self.weight, &self.bias, self.eps, activation)
    }
}

/// `torch.nn.Dropout`, with draws that depend on its seed and the pass alone.
pub struct Dropout {
    pub(super) p: f64,
    pub(super) seed: u64,
}

impl Dropout {
    /// Each value 0 with probability p, else times 1/(1 − p); in evaluation the input.
    ///
    /// # Errors
    /// Those of [`ops::dropout`].
    pub fn forward(&self, tape: &Tape, input: &Tensor, mode: Mode) -> Result<Tensor> {
        mode.draw().map_or_else(|| Ok(input.clone()), |draw| ops::dropout(tape, input, self.p, self.seed, draw))
    }

    /// As [`Dropout::forward`], of whole channels: `torch.nn.Dropout2d`.
    ///
    /// # Shapes
    /// input `[n, c, h, w]`.
    ///
    /// # Errors
    /// Those of [`ops::dropout`] and [`ops::mul_row`].
    pub fn of_maps(&self, tape: &Tape, input: &Tensor, mode: Mode) -> Result<Tensor> {
        let Some(draw) = mode.draw().filter(|_| self.p > 0.0) else { return Ok(input.clone()) };
        let [n, c, ..] = input.nchw("dropout")?;
        let kept = ops::dropout(&Tape::off(), &Tensor::full(input.gpu(), [n, c], 1.0)?, self.p, self.seed, draw)?;
        ops::mul_row(tape, input, &kept)
    }
}
