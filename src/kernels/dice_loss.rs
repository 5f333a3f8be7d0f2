//! Launchers of `dice_loss`: the overlap of class maps over the counted pixels of a batch, and its gradient.
//!
//! Two passes forward (partial sums, then one workgroup for the loss), one backward. Shaders: `shaders/dice_loss_stats.wgsl`,
//! `shaders/dice_loss.wgsl`, `shaders/dice_loss_grad_logits.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::dice_loss::DiceLossParams;
use crate::host::dice_loss_stats::{DiceLossPixelParams, PIXELS_A_PART};
use crate::kernels::class_maps::{ClassMaps, one_value};
use crate::kernels::image_groups::for_images;
use crate::tensor::Tensor;

fn params(maps: &ClassMaps, parts: usize, images: usize) -> DiceLossPixelParams {
    DiceLossPixelParams { pixels: maps.pixels as u32, parts: parts as u32, images: images as u32, classes: maps.classes as u32 }
}

/// The loss, and the two slopes of each class that the gradient needs.
///
/// # Shapes
/// `logits` `[n, classes, h, w]`; `target` (numbers of classes) and `mask` (1 = not counted) `[n, 1, h, w]`; loss `[]`, slopes
/// `[classes, 2]`.
///
/// # Errors
/// Shapes that do not fit or are empty; a `smooth` that is not above 0; out of memory.
pub fn dice_loss(logits: &Tensor, target: &Tensor, mask: &Tensor, smooth: f64) -> Result<(Tensor, Tensor)> {
    let op = "dice_loss_stats";
    let maps = ClassMaps::of("dice_loss", logits)?;
    maps.check_beside(&[("target", target), ("mask", mask)])?;
    if !(smooth > 0.0 && smooth.is_finite()) {
        return Err(Error::shape("dice_loss", format!("smooth must be a number above 0, got {smooth}")));
    }
    let gpu = logits.gpu();
    let parts = maps.pixels.div_ceil(PIXELS_A_PART);
    let sums = Tensor::empty(gpu, [maps.images, parts, maps.classes, 3])?;
    for_images(op, [logits, target, mask, &sums], |[logits, target, mask, sums]| {
        let images = mask.len() / maps.pixels;
        gpu.launch(&Launch {
            plan: Plan::new(op, images * parts),
            params: &params(&maps, parts, images),
            buffers: &[logits.buffer(), target.buffer(), mask.buffer(), sums.buffer()],
            cost: Cost::new(15.0 * logits.len() as f64, logits.len() + 2 * mask.len()),
        })
    })?;
    let (loss, slopes) = (Tensor::empty(gpu, [])?, Tensor::empty(gpu, [maps.classes, 2])?);
    let all = (maps.images * parts) as u32;
    gpu.launch(&Launch {
        plan: Plan::new("dice_loss", 1),
        params: &DiceLossParams { parts: all, classes: maps.classes as u32, smooth_by: smooth as f32 },
        buffers: &[sums.buffer(), loss.buffer(), slopes.buffer()],
        cost: Cost::new(sums.len() as f64, sums.len()),
    })?;
    Ok((loss, slopes))
}

/// The gradient of the logits from that of the loss.
///
/// # Shapes
/// As [`dice_loss`]; `grad_loss` holds one value; the result as `logits`.
///
/// # Errors
/// As [`dice_loss`].
pub fn dice_loss_grad_logits(grad_loss: &Tensor, logits: &Tensor, target: &Tensor, mask: &Tensor, slopes: &Tensor) -> Result<Tensor> {
    let op = "dice_loss_grad_logits";
    let maps = ClassMaps::of(op, logits)?;
    maps.check_beside(&[("target", target), ("mask", mask)])?;
    one_value(op, &[("grad_loss", grad_loss)])?;
    if slopes.shape().dims() != [maps.classes, 2] {
        return Err(Error::shape(op, format!("two slopes for each of {} classes were expected, got {}", maps.classes, slopes.shape())));
    }
    let grad_logits = Tensor::empty(logits.gpu(), logits.shape())?;
    let parts = maps.pixels.div_ceil(64);
    for_images(op, [logits, target, mask, &grad_logits], |[logits, target, mask, grad_logits]| {
        let images = mask.len() / maps.pixels;
        let read = [logits, target, mask, slopes, grad_loss].map(Tensor::buffer);
        logits.gpu().launch(&Launch {
            plan: Plan::new(op, images * parts),
            params: &params(&maps, parts, images),
            buffers: &[&read[..], &[grad_logits.buffer()]].concat(),
            cost: Cost::new(25.0 * logits.len() as f64, 2 * logits.len() + 2 * mask.len()),
        })
    })?;
    Ok(grad_logits)
}
