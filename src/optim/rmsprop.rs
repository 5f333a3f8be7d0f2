//! RMSprop, not centred: s = α·s + (1 − α)·g², b = momentum·b + g / (√s + eps), p −= lr·b. Shader: `shaders/rmsprop.wgsl`.

use super::{OptimizerSettings, Slot};
use crate::error::Result;
use crate::kernels::optimizer::{RmsPropStep, rmsprop};
use crate::tensor::Tensor;

pub(super) const STATE: &[&str] = &["square_avg", "momentum_buffer"];

pub(super) fn update(
    settings: &OptimizerSettings,
    parameter: &Tensor,
    gradient: &Tensor,
    scale: &Tensor,
    slot: &Slot,
    unused: &Tensor,
) -> Result<()> {
    let step = RmsPropStep {
        learning_rate: settings.learning_rate,
        alpha: settings.alpha,
        eps: settings.eps,
        momentum: settings.momentum,
        weight_decay: settings.weight_decay,
    };
    rmsprop(parameter, gradient, scale, &slot.tensors[0], slot.tensors.get(1).unwrap_or(unused), step)
}
