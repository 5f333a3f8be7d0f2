//! One training step: forward, masked loss, backward, clipped update.

use crate::autograd::Tape;
use crate::config::{Config, LossKind};
use crate::error::Result;
use crate::models::Model;
use crate::nn::Mode;
use crate::ops::{self, Reduction};
use crate::optim::{Optimizer, OptimizerSettings};
use crate::tensor::Tensor;

/// The optimizer that a configuration asks for.
pub fn optimizer(config: &Config) -> Optimizer {
    let mut settings = OptimizerSettings::new(config.optimizer, config.learning_rate);
    settings.weight_decay = config.weight_decay;
    settings.max_norm = Some(config.gradient_clipping);
    if let Some(momentum) = config.momentum {
        settings.momentum = momentum;
    }
    Optimizer::new(settings)
}

/// Updates the model from one batch and returns the loss before the update, still on the device (shape []).
/// `draw` numbers the step within its run ([`Mode::Train`]).
///
/// # Shapes
/// input `[n, c, h, w]`; target and mask (1 = invalid) as the model's output.
///
/// # Errors
/// Shapes that do not fit; out of memory.
pub fn training_step(
    model: &dyn Model,
    optimizer: &mut Optimizer,
    loss: LossKind,
    draw: u64,
    input: &Tensor,
    target: &Tensor,
    mask: &Tensor,
) -> Result<Tensor> {
    let tape = Tape::recording();
    model.parameters().watch(&tape);
    let output = model.forward(&tape, input, Mode::Train { draw })?;
    let loss = ops::masked_loss(&tape, &output, target, mask, loss, Reduction::Mean)?;
    let one = Tensor::full(input.gpu(), loss.shape(), 1.0)?;
    let gradients = tape.backward(&[(&loss, one)])?;
    optimizer.step(&model.parameters().trainable(), &gradients)?;
    Ok(loss)
}
