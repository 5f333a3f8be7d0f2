//! Launchers of `cross_entropy`: the mean over counted pixels, and its gradient.
//!
//! Two passes forward (partial sums, then one workgroup for the loss), one backward. Shaders: `shaders/cross_entropy_stats.wgsl`,
//! `shaders/weighted_mean.wgsl`, `shaders/cross_entropy_grad_logits.wgsl`.

use crate::error::Result;
use crate::gpu::{Cost, Launch, Plan};
use crate::host::cross_entropy_stats::{CrossEntropyParams, PIXELS_A_PART};
use crate::kernels::class_maps::{ClassMaps, one_value};
use crate::kernels::image_groups::for_images;
use crate::kernels::weighted_mean::weighted_mean;
use crate::tensor::Tensor;

/// Smoothing and weights of a cross entropy.
#[derive(Clone, Copy, Default)]
pub struct CrossEntropyAttrs<'a> {
    /// Share of each pixel's target that all classes divide, from 0 to 1.
    pub label_smoothing: f64,
    /// `[classes]`; without it every class weighs 1.
    pub class_weights: Option<&'a Tensor>,
}

fn params(maps: &ClassMaps, parts: usize, images: usize, attrs: &CrossEntropyAttrs) -> CrossEntropyParams {
    CrossEntropyParams {
        pixels: maps.pixels as u32,
        parts: parts as u32,
        images: images as u32,
        classes: maps.classes as u32,
        smoothing: attrs.label_smoothing as f32,
    }
}

fn consts(attrs: &CrossEntropyAttrs) -> [(&'static str, u32); 1] {
    [("WEIGHTED", u32::from(attrs.class_weights.is_some()))]
}

/// The loss, and the share of a pixel of weight 1 in it for the gradient.
///
/// # Shapes
/// `logits` `[n, classes, h, w]`; `target` (numbers of classes) and `mask` (1 = not counted) `[n, 1, h, w]`; both results `[]`.
///
/// # Errors
/// Shapes that do not fit or are empty; a smoothing outside 0…1; out of memory.
pub fn cross_entropy(logits: &Tensor, target: &Tensor, mask: &Tensor, attrs: &CrossEntropyAttrs) -> Result<(Tensor, Tensor)> {
    let op = "cross_entropy_stats";
    let maps = ClassMaps::of("cross_entropy", logits)?;
    maps.check_beside(&[("target", target), ("mask", mask)])?;
    maps.check_attrs(attrs.label_smoothing, attrs.class_weights)?;
    let gpu = logits.gpu();
    let parts = maps.pixels.div_ceil(PIXELS_A_PART);
    let sums = Tensor::empty(gpu, [maps.images, parts, 2])?;
    for_images(op, [logits, target, mask, &sums], |[logits, target, mask, sums]| {
        let images = sums.len() / (2 * parts);
        let weights = attrs.class_weights.unwrap_or(mask);
        gpu.launch(&Launch {
            plan: Plan::new(op, images * parts).with(consts(attrs)),
            params: &params(&maps, parts, images, attrs),
            buffers: &[logits.buffer(), target.buffer(), mask.buffer(), weights.buffer(), sums.buffer()],
            cost: Cost::new(12.0 * logits.len() as f64, logits.len() + 2 * mask.len()),
        })
    })?;
    weighted_mean(&sums)
}

/// The gradient of the logits from that of the loss.
///
/// # Shapes
/// As [`cross_entropy`]; `grad_loss` and `share` hold one value; the result as `logits`.
///
/// # Errors
/// As [`cross_entropy`].
pub fn cross_entropy_grad_logits(
    grad_loss: &Tensor,
    logits: &Tensor,
    target: &Tensor,
    mask: &Tensor,
    share: &Tensor,
    attrs: &CrossEntropyAttrs,
) -> Result<Tensor> {
    let op = "cross_entropy_grad_logits";
    let maps = ClassMaps::of(op, logits)?;
    maps.check_beside(&[("target", target), ("mask", mask)])?;
    maps.check_attrs(attrs.label_smoothing, attrs.class_weights)?;
    one_value(op, &[("grad_loss", grad_loss), ("share", share)])?;
    let grad_logits = Tensor::empty(logits.gpu(), logits.shape())?;
    let parts = maps.pixels.div_ceil(64);
    for_images(op, [logits, target, mask, &grad_logits], |[logits, target, mask, grad_logits]| {
        let images = mask.len() / maps.pixels;
        let weights = attrs.class_weights.unwrap_or(mask);
        let read = [logits, target, mask, weights, share, grad_loss].map(Tensor::buffer);
        logits.gpu().launch(&Launch {
            plan: Plan::new(op, images * parts).with(consts(attrs)),
            params: &params(&maps, parts, images, attrs),
            buffers: &[&read[..], &[grad_logits.buffer()]].concat(),
            cost: Cost::new(15.0 * logits.len() as f64, 2 * logits.len() + 2 * mask.len()),
        })
    })?;
    Ok(grad_logits)
}
