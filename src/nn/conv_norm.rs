//! Convolution → batch norm → activation, in one pass where no gradient is wanted.

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

impl ConvNorm {
    /// y = f(batch_norm(x ∗ w)), without a norm f(x ∗ w + b); in evaluation, as a frozen norm always is, without gradients by
    /// [`ops::conv2d_batch_norm`].
    ///
    /// # Errors
    /// Those of [`ops::conv2d`] and [`ops::batch_norm`].
    pub fn forward(&self, tape: &Tape, input: &Tensor, mode: Mode, activation: Activation) -> Result<Tensor> {
        let ConvNorm { conv: Conv2d { weight, attrs, .. }, norm } = self;
        let Some(norm) = norm else { return self.conv.forward(tape, input, activation) };
        let BatchNorm2d { running_mean, running_var, eps, .. } = norm;
        let running = RunningNorm { weight: &norm.weight, bias: &norm.bias, running_mean, running_var, eps: *eps };
        if !norm.mode(mode).is_training() && running.fuses(tape, input, weight) {
            return ops::conv2d_batch_norm(tape, input, weight, &running, attrs, activation);
        }
        norm.forward(tape, &self.conv.forward(tape, input, Activation::None)?, mode, activation)
    }

    /// As [`ConvNorm::forward`], of tensors joined along the channels as by [`ops::cat_padded`].
    ///
    /// # Errors
    /// Those of [`ConvNorm::forward`] and [`ops::cat_padded`].
    pub fn forward_cat(&self, tape: &Tape, inputs: &[&Tensor], mode: Mode, activation: Activation) -> Result<Tensor> {
        match (&self.norm, inputs) {
            (_, [only]) => self.forward(tape, only, mode, activation),
            (Some(norm), _) if norm.mode(mode).is_training() && ops::reads_apart(inputs) => {
                norm.forward(tape, &ops::conv2d_of_cat(tape, inputs, &self.conv.weight, &self.conv.attrs)?, mode, activation)
            }
            _ => self.forward(tape, &ops::cat_padded(tape, inputs)?, mode, activation),
        }
    }
}
