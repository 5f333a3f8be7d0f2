//! Adam (Kingma and Ba 2015): p −= lr · m̂ / (√v̂ + eps) with bias-corrected moments. Shader: `shaders/adam.wgsl`.

use super::{OptimizerSettings, Slot};
use crate::error::Result;
use crate::kernels::optimizer::{AdamStep, adam};
use crate::tensor::Tensor;

pub(super) const STATE: &[&str] = &["exp_avg", "exp_avg_sq"];

pub(super) fn update(settings: &OptimizerSettings, parameter: &Tensor, gradient: &Tensor, scale: &Tensor, slot: &Slot) -> Result<()> {
    let step = AdamStep {
        step: slot.steps,
        learning_rate: settings.learning_rate,
        betas: settings.betas,
        eps: settings.eps,
        weight_decay: settings.weight_decay,
    };
    adam(parameter, gradient, scale, [&slot.tensors[0], &slot.tensors[1]], step)
}
