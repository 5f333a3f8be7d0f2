//! Convolution → batch norm → activation: in one pass where no gradient is wanted, and in training with the norm left to the convolution
//! behind it where that reads through it.

use super::{BatchNorm2d, Conv2d, Mode};
use crate::autograd::Tape;
use crate::error::Result;
use crate::ops::{self, Activation, RunningNorm};
use crate::tensor::Tensor;

/// A convolution and the batch norm behind it, made by [`super::Builder::conv_norm`]; or [from](From) a convolution alone, where a
/// configuration has no norm.
pub struct ConvNorm {
    pub(super) conv: Conv2d,
    /// Never beside a bias of the convolution.
    pub(super) norm: Option<BatchNorm2d>,
}

impl From<Conv2d> for ConvNorm {
    fn from(conv: Conv2d) -> Self {
        ConvNorm { conv, norm: None }
    }
}

/// A tensor behind a norm and an activation that are not computed yet: a convolution may do so as it reads.
#[must_use = "without it the norm's running statistics do not move"]
pub struct Pending<'a> {
    tensor: Tensor,
    /// One that takes its statistics from the batch, with the mode of the pass.
    norm: Option<(&'a BatchNorm2d, Mode)>,
    activation: Activation,
}

impl From<&Tensor> for Pending<'_> {
    fn from(tensor: &Tensor) -> Self {
        Pending::activated(tensor, Activation::None)
    }
}

impl<'a> Pending<'a> {
    /// f(x).
    pub fn activated(tensor: &Tensor, activation: Activation) -> Pending<'a> {
        Pending { tensor: tensor.clone(), norm: None, activation }
    }

    /// The tensor, computed.
    ///
    /// # Errors
    /// Those of [`ops::batch_norm`] and [`ops::activation`].
    pub fn tensor(self, tape: &Tape) -> Result<Tensor> {
        let Pending { tensor, norm, activation } = self;
        match norm {
            Some((norm, mode)) => norm.forward(tape, &tensor, mode, activation),
            None => ops::activation(tape, activation, &tensor),
        }
    }

    /// Its convolution before another norm, which computes norm and activation as it reads where that saves passes over memory.
    fn convolved(self, tape: &Tape, conv: &Conv2d) -> Result<Tensor> {
        let Pending { ref tensor, norm, activation } = self;
        let is_plain = norm.is_none() && activation == Activation::None;
        // Depthwise kernels leave the norm behind them its statistics, whatever is before them.
        let is_read = matches!(activation, Activation::None | Activation::Relu) && (!is_plain || conv.attrs.is_depthwise(&conv.weight));
        if !is_read || conv.bias.is_some() || !ops::reads_through(tape, tensor, &conv.weight, &conv.attrs) {
            return conv.forward(tape, &self.tensor(tape)?, Activation::None);
        }
        let before = norm.map(|(norm, _)| norm.before(tape));
        ops::conv2d_of_norm(tape, tensor, before, activation, &conv.weight, &conv.attrs, true)
    }
}

impl ConvNorm {
    /// y = f(batch_norm(x ∗ w)), without a norm f(x ∗ w + b); in evaluation, as a frozen norm always is, without gradients by
    /// [`ops::conv2d_batch_norm`].
    ///
    /// # Errors
    /// Those of [`ops::conv2d`] and [`ops::batch_norm`].
    pub fn forward(&self, tape: &Tape, input: &Tensor, mode: Mode, activation: Activation) -> Result<Tensor> {
        self.follow(tape, input.into(), mode, activation)?.tensor(tape)
    }

    /// As [`ConvNorm::forward`], of a tensor whose own norm is pending; in training the result's is left pending, too.
    ///
    /// # Errors
    /// Those of [`ConvNorm::forward`].
    pub fn follow(&self, tape: &Tape, input: Pending, mode: Mode, activation: Activation) -> Result<Pending<'_>> {
        match self.training_norm(mode) {
            Some(norm) => Ok(Pending { tensor: input.convolved(tape, &self.conv)?, norm: Some((norm, mode)), activation }),
            None => Ok((&self.evaluated(tape, &input.tensor(tape)?, mode, activation)?).into()),
        }
    }

    /// The norm, where it takes its statistics from the batch.
    fn training_norm(&self, mode: Mode) -> Option<&BatchNorm2d> {
        self.norm.as_ref().filter(|norm| norm.mode(mode).is_training())
    }

    fn evaluated(&self, tape: &Tape, input: &Tensor, mode: Mode, activation: Activation) -> Result<Tensor> {
        let ConvNorm { conv: Conv2d { weight, attrs, .. }, norm } = self;
        let Some(norm) = norm else { return self.conv.forward(tape, input, activation) };
        let BatchNorm2d { running_mean, running_var, eps, .. } = norm;
        let running = RunningNorm { weight: &norm.weight, bias: &norm.bias, running_mean, running_var, eps: *eps };
        if running.fuses(tape, input, weight) {
            return ops::conv2d_batch_norm(tape, input, weight, &running, attrs, activation);
        }
        norm.forward(tape, &self.conv.forward(tape, input, Activation::None)?, mode, activation)
    }

    /// As [`ConvNorm::follow`], of tensors joined along the channels as by [`ops::cat_padded`].
    ///
    /// # Errors
    /// Those of [`ConvNorm::forward`] and [`ops::cat_padded`].
    pub fn follow_cat(&self, tape: &Tape, inputs: &[&Tensor], mode: Mode, activation: Activation) -> Result<Pending<'_>> {
        match (self.training_norm(mode), inputs) {
            (_, [only]) => self.follow(tape, (*only).into(), mode, activation),
            (Some(norm), _) if ops::reads_apart(inputs) => {
                let tensor = ops::conv2d_of_cat(tape, inputs, &self.conv.weight, &self.conv.attrs)?;
                Ok(Pending { tensor, norm: Some((norm, mode)), activation })
            }
            _ => self.follow(tape, (&ops::cat_padded(tape, inputs)?).into(), mode, activation),
        }
    }
}
