//! Launcher of `confidence`: how sure a network is of a pixel's class. Shader: `shaders/confidence.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::confidence::ConfidenceParams;
use crate::kernels::class_maps::ClassMaps;
use crate::kernels::image_groups::for_images;
use crate::tensor::Tensor;

/// 1 − H / ln classes of every pixel, H the entropy of its probabilities clipped to [1e-6, 1 − 1e-6]: 0 where all are alike, nearly 1 where
/// one is 1. NaN stays NaN.
///
/// # Shapes
/// `probabilities` `[n, classes, h, w]`; the result `[n, 1, h, w]`.
///
/// # Errors
/// Fewer than two classes, or empty maps; out of memory.
pub fn confidence(probabilities: &Tensor) -> Result<Tensor> {
    let op = "confidence";
    let maps = ClassMaps::of(op, probabilities)?;
    if maps.classes < 2 {
        return Err(Error::shape(op, format!("two classes at least were expected, got maps of shape {}", probabilities.shape())));
    }
    let [n, _, h, w] = probabilities.nchw(op)?;
    let output = Tensor::empty(probabilities.gpu(), [n, 1, h, w])?;
    let parts = maps.pixels.div_ceil(64);
    for_images(op, [probabilities, &output], |[probabilities, output]| {
        let images = output.len() / maps.pixels;
        probabilities.gpu().launch(&Launch {
            plan: Plan::new("confidence", images * parts),
            params: &ConfidenceParams {
                pixels: maps.pixels as u32,
                parts: parts as u32,
                images: images as u32,
                classes: maps.classes as u32,
            },
            buffers: &[probabilities.buffer(), output.buffer()],
            cost: Cost::new(6.0 * probabilities.len() as f64, probabilities.len() + output.len()),
        })
    })?;
    Ok(output)
}
