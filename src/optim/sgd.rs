//! Stochastic gradient descent with momentum: b = momentum·b + g, p −= lr·b. Shader: `shaders/sgd.wgsl`.

use super::{OptimizerSettings, Slot};
use crate::error::Result;
use crate::kernels::optimizer::{SgdStep, sgd};
use crate::tensor::Tensor;

pub(super) const STATE: &[&str] = &["momentum_buffer"];

pub(super) fn update(
    settings: &OptimizerSettings,
    parameter: &Tensor,
    gradient: &Tensor,
    scale: &Tensor,
    slot: &Slot,
    unused: &Tensor,
) -> Result<()> {
    let step = SgdStep { learning_rate: settings.learning_rate, momentum: settings.momentum, weight_decay: settings.weight_decay };
    sgd(parameter, gradient, scale, slot.tensors.first().unwrap_or(unused), step)
}
