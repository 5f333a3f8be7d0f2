//! Launchers of the optimizers' updates, in place on a parameter and its state. Shaders: `shaders/adam.wgsl`, `shaders/sgd.wgsl`,
//! `shaders/rmsprop.wgsl`.
//!
//! Every kernel multiplies the gradient by the one value in `scale` first (the clipping factor, or 1), which saves a pass.

use crate::error::{Error, Result};
use crate::gpu::{Buffer, Cost, Launch, Parameters, Plan};
use crate::host::adam::AdamParams;
use crate::host::rmsprop::RmsPropParams;
use crate::host::sgd::SgdParams;
use crate::tensor::Tensor;

/// Where Adam's `eps` stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EpsMode {
    /// Beside the root of the bias-corrected second moment, as in PyTorch.
    Torch,
    /// Beside the root of the second moment itself, as in Keras: early steps see a larger one.
    Keras,
}

/// What becomes of `weight_decay` in Adam.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decay {
    /// Its product with the parameter is added to the gradient.
    OfGradient,
    /// Each step multiplies the parameter by 1 − learning rate · weight decay (Loshchilov and Hutter 2019, AdamW).
    OfParameter,
}

/// Coefficients of a step, in f64 on the host; each rule reads those that it knows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coefficients {
    /// Learning rate.
    pub learning_rate: f64,
    /// Adam: decay of the two moments.
    pub betas: [f64; 2],
    /// Adam, AdamW, RMSprop: added to the root in the denominator.
    pub eps: f64,
    /// Adam, AdamW: to which root.
    pub eps_mode: EpsMode,
    /// Added to the gradient, times the parameter; of AdamW see [`Decay::OfParameter`].
    pub weight_decay: f64,
    /// SGD, RMSprop: decay of the velocity; 0 keeps none.
    pub momentum: f64,
    /// RMSprop: decay of the mean square.
    pub alpha: f64,
}

fn check(op: &'static str, parameter: &Tensor, others: &[&Tensor], scale: &Tensor) -> Result<u32> {
    if let Some(other) = others.iter().find(|t| t.shape() != parameter.shape()) {
        return Err(Error::shape(
            op,
            format!("a gradient or state of shape {} for a parameter of shape {}", other.shape(), parameter.shape()),
        ));
    }
    if scale.len() != 1 {
        return Err(Error::shape(op, format!("the gradient's scale is one value, got {}", scale.shape())));
    }
    Ok(parameter.len().div_ceil(4) as u32)
}

fn launch(stem: &'static str, params: &dyn Parameters, rule: (&'static str, bool), buffers: &[&Buffer], parameter: &Tensor) -> Result<()> {
    parameter.gpu().launch(&Launch {
        plan: Plan::new(stem, parameter.len().div_ceil(256)).with([(rule.0, u32::from(rule.1))]),
        params,
        buffers,
        cost: Cost::new(12.0 * parameter.len() as f64, (2 * buffers.len() - 3) * parameter.len()),
    })
}

/// Adam's step number `step`, from 1 (Kingma and Ba 2015, PyTorch's order of operations), on `parameter` and its two moments:
/// p −= lr · m̂ / (√v̂ + eps) with bias-corrected moments; in Keras' mode the denominator is (√v + eps) / √(1 − β2^step).
///
/// # Errors
/// Shapes that differ.
pub fn adam(
    parameter: &Tensor,
    gradient: &Tensor,
    scale: &Tensor,
    moments: [&Tensor; 2],
    step: u64,
    decay: Decay,
    by: &Coefficients,
) -> Result<()> {
    let packs = check("adam", parameter, &[gradient, moments[0], moments[1]], scale)?;
    let [beta1, beta2] = by.betas;
    let elapsed = step as f64;
    let correction = (1.0 - beta2.powf(elapsed)).sqrt();
    let decoupled = decay == Decay::OfParameter;
    let params = AdamParams {
        packs,
        rate: (by.learning_rate / (1.0 - beta1.powf(elapsed))) as f32,
        correction: correction as f32,
        one_minus_beta1: (1.0 - beta1) as f32,
        beta2: beta2 as f32,
        one_minus_beta2: (1.0 - beta2) as f32,
        eps: match by.eps_mode {
            EpsMode::Torch => by.eps,
            EpsMode::Keras => by.eps / correction,
        } as f32,
        decay: if decoupled { 1.0 - by.learning_rate * by.weight_decay } else { by.weight_decay } as f32,
    };
    let buffers = [gradient.buffer(), scale.buffer(), parameter.buffer(), moments[0].buffer(), moments[1].buffer()];
    launch("adam", &params, ("DECOUPLED", decoupled), &buffers, parameter)
}

/// One SGD step on `parameter`, b = momentum·b + g, p −= lr·b; `velocity` b has its shape, or is any small tensor where momentum is 0.
///
/// # Errors
/// Shapes that differ.
pub fn sgd(parameter: &Tensor, gradient: &Tensor, scale: &Tensor, velocity: &Tensor, by: &Coefficients) -> Result<()> {
    let kept = by.momentum != 0.0;
    let packs = check("sgd", parameter, &[gradient, if kept { velocity } else { gradient }], scale)?;
    let params =
        SgdParams { packs, learning_rate: by.learning_rate as f32, momentum: by.momentum as f32, weight_decay: by.weight_decay as f32 };
    let buffers = [gradient.buffer(), scale.buffer(), parameter.buffer(), velocity.buffer()];
    launch("sgd", &params, ("MOMENTUM", kept), &buffers, parameter)
}

/// One RMSprop step, not centred, on `parameter` and its mean square s: s = α·s + (1 − α)·g², b = momentum·b + g / (√s + eps), p −= lr·b;
/// `velocity` b has its shape, or is any small tensor where momentum is 0.
///
/// # Errors
/// Shapes that differ.
pub fn rmsprop(
    parameter: &Tensor,
    gradient: &Tensor,
    scale: &Tensor,
    mean_square: &Tensor,
    velocity: &Tensor,
    by: &Coefficients,
) -> Result<()> {
    let kept = by.momentum != 0.0;
    let packs = check("rmsprop", parameter, &[gradient, mean_square, if kept { velocity } else { gradient }], scale)?;
    let params = RmsPropParams {
        packs,
        learning_rate: by.learning_rate as f32,
        alpha: by.alpha as f32,
        one_minus_alpha: (1.0 - by.alpha) as f32,
        eps: by.eps as f32,
        momentum: by.momentum as f32,
        weight_decay: by.weight_decay as f32,
    };
    let buffers = [gradient.buffer(), scale.buffer(), parameter.buffer(), mean_square.buffer(), velocity.buffer()];
    launch("rmsprop", &params, ("MOMENTUM", kept), &buffers, parameter)
}
