//! Launchers of `focal_loss`: the mean over counted pixels, and its gradient.
//!
//! Two passes forward (partial sums, then one workgroup for the loss), one backward. Shaders: `shaders/focal_loss_stats.wgsl`,
//! `shaders/weighted_mean.wgsl`, `shaders/focal_loss_grad_probabilities.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::focal_loss_stats::{FocalLossParams, PIXELS_A_PART};
use crate::kernels::class_maps::{ClassMaps, one_value};
use crate::kernels::image_groups::for_images;
use crate::kernels::weighted_mean::weighted_mean;
use crate::tensor::Tensor;

/// Exponent, smoothing and weights of a focal loss.
#[derive(Clone, Copy, Default)]
pub struct FocalLossAttrs<'a> {
    /// γ, 0 or above: how much less a pixel counts that is nearly right. 0 leaves the cross entropy.
    pub gamma: f64,
    /// Share of each pixel's target that all classes divide, from 0 to 1.
    pub label_smoothing: f64,
    /// `[classes]`, a factor of each class's term; without it every class weighs 1.
    pub class_weights: Option<&'a Tensor>,
}

/// Extents of the maps, all of which are checked.
fn checked(op: &'static str, probabilities: &Tensor, target: &Tensor, mask: Option<&Tensor>, attrs: &FocalLossAttrs) -> Result<ClassMaps> {
    let maps = ClassMaps::of(op, probabilities)?;
    if target.shape() != probabilities.shape() {
        return Err(Error::shape(op, format!("probabilities {} and target {} must have one shape", probabilities.shape(), target.shape())));
    }
    if let Some(mask) = mask {
        maps.check_beside(&[("mask", mask)])?;
    }
    maps.check_attrs(attrs.label_smoothing, attrs.class_weights)?;
    if !(attrs.gamma >= 0.0 && attrs.gamma.is_finite()) {
        return Err(Error::shape(op, format!("gamma must be 0 or above, got {}", attrs.gamma)));
    }
    Ok(maps)
}

fn params(maps: &ClassMaps, parts: usize, images: usize, attrs: &FocalLossAttrs) -> FocalLossParams {
    FocalLossParams {
        pixels: maps.pixels as u32,
        parts: parts as u32,
        images: images as u32,
        classes: maps.classes as u32,
        gamma: attrs.gamma as f32,
        smoothing: attrs.label_smoothing as f32,
    }
}

fn consts(mask: Option<&Tensor>, attrs: &FocalLossAttrs) -> [(&'static str, u32); 2] {
    [("MASKED", u32::from(mask.is_some())), ("WEIGHTED", u32::from(attrs.class_weights.is_some()))]
}

/// The loss, and the share of one counted pixel in it for the gradient.
///
/// # Shapes
/// `probabilities`, `target`: `[n, classes, h, w]`; `mask` (1 = not counted) `[n, 1, h, w]`, without it all pixels count; both results
/// `[]`.
///
/// # Errors
/// Shapes that do not fit or are empty; a smoothing outside 0…1 or an exponent below 0; out of memory.
pub fn focal_loss(probabilities: &Tensor, target: &Tensor, mask: Option<&Tensor>, attrs: &FocalLossAttrs) -> Result<(Tensor, Tensor)> {
    let op = "focal_loss_stats";
    let maps = checked("focal_loss", probabilities, target, mask, attrs)?;
    let gpu = probabilities.gpu();
    let parts = maps.pixels.div_ceil(PIXELS_A_PART);
    let sums = Tensor::empty(gpu, [maps.images, parts, 2])?;
    // (What is not looked at may be any buffer.)
    for_images(op, [probabilities, target, mask.unwrap_or(target), &sums], |[probabilities, target, mask_or_any, sums]| {
        let images = sums.len() / (2 * parts);
        let weights = attrs.class_weights.unwrap_or(target);
        gpu.launch(&Launch {
            plan: Plan::new(op, images * parts).with(consts(mask, attrs)),
            params: &params(&maps, parts, images, attrs),
            buffers: &[probabilities.buffer(), target.buffer(), mask_or_any.buffer(), weights.buffer(), sums.buffer()],
            cost: Cost::new(12.0 * target.len() as f64, 2 * target.len()),
        })
    })?;
    weighted_mean(&sums)
}

/// The gradient of the probabilities from that of the loss.
///
/// # Shapes
/// As [`focal_loss`]; `grad_loss` and `share` hold one value; the result as `probabilities`.
///
/// # Errors
/// As [`focal_loss`].
pub fn focal_loss_grad_probabilities(
    grad_loss: &Tensor,
    probabilities: &Tensor,
    target: &Tensor,
    mask: Option<&Tensor>,
    share: &Tensor,
    attrs: &FocalLossAttrs,
) -> Result<Tensor> {
    let op = "focal_loss_grad_probabilities";
    let maps = checked(op, probabilities, target, mask, attrs)?;
    one_value(op, &[("grad_loss", grad_loss), ("share", share)])?;
    let gradient = Tensor::empty(probabilities.gpu(), probabilities.shape())?;
    let parts = maps.pixels.div_ceil(64);
    for_images(op, [probabilities, target, mask.unwrap_or(target), &gradient], |[probabilities, target, mask_or_any, gradient]| {
        let images = target.len() / (maps.pixels * maps.classes);
        let weights = attrs.class_weights.unwrap_or(target);
        let read = [probabilities, target, mask_or_any, weights, share, grad_loss].map(Tensor::buffer);
        probabilities.gpu().launch(&Launch {
            plan: Plan::new(op, images * parts).with(consts(mask, attrs)),
            params: &params(&maps, parts, images, attrs),
            buffers: &[&read[..], &[gradient.buffer()]].concat(),
            cost: Cost::new(20.0 * target.len() as f64, 3 * target.len()),
        })
    })?;
    Ok(gradient)
}
