//! Launchers of `masked_loss`: absolute error, its square, Huber's cost, a power or a quantile's cost over valid pixels, one mean per
//! image, and its gradient.
//!
//! Two passes forward (partial sums, then one workgroup for the losses), one backward. Shaders: `shaders/masked_loss_stats.wgsl`,
//! `shaders/masked_loss.wgsl`, `shaders/masked_loss_grad_pred.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::masked_loss::MaskedLossParams;
use crate::host::masked_loss_stats::{MaskedLossPixelParams, PACKS_A_PART};
use crate::kernels::image_groups::for_images;
use crate::tensor::{Shape, Tensor};

/// What a pixel's error costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LossKind {
    /// Its absolute value; the loss is the mean absolute error over valid pixels.
    L1,
    /// Its square; the loss is the mean squared error over valid pixels.
    Mse,
    /// Half its square up to this size δ > 0, and δ·(|error| − ½ δ) beyond (Huber 1964; PyTorch's `huber_loss`).
    Huber(f64),
    /// Its absolute value weighted by a power γ > 0 of itself, |error|^(1 + γ): small errors count less, as in the focal loss (Lin et al.
    /// 2017) and its form for regression (Yang et al. 2021, arXiv 2102.09554).
    FocalL1(f64),
    /// τ times itself below the target and 1 − τ times itself above, 0 < τ < 1 (Koenker and Bassett 1978, doi 10.2307/1913643): the mean
    /// over pixels is least where the prediction is the quantile τ of the target.
    Pinball(f64),
}

impl LossKind {
    /// What the kernels call it, and its δ, γ or τ.
    ///
    /// # Errors
    /// [`Error::Shape`] where that is not above 0, or τ not below 1.
    fn coded(self, op: &'static str) -> Result<(u32, f32)> {
        let (code, shape) = match self {
            LossKind::L1 => return Ok((0, 0.0)),
            LossKind::Mse => return Ok((1, 0.0)),
            LossKind::Huber(delta) => (2, delta as f32),
            LossKind::FocalL1(gamma) => (3, gamma as f32),
            LossKind::Pinball(quantile) => (4, quantile as f32),
        };
        let most = if code == 4 { 1.0 } else { f32::INFINITY };
        if 0.0 < shape && shape < most {
            return Ok((code, shape));
        }
        Err(Error::shape(op, format!("delta or gamma of {self:?} must be above 0, and a quantile between 0 and 1")))
    }
}

/// How the losses of the images of a batch become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// One loss an image.
    None = 0,
    /// Their mean; images without a valid pixel count with 0.
    Mean = 1,
    /// Their sum.
    Sum = 2,
}

/// Images, packs of an image, and whether a pack is one element.
fn layout(op: &'static str, pred: &Tensor, target: &Tensor, mask: &Tensor) -> Result<(usize, usize, bool)> {
    let [n, c, h, w] = pred.nchw(op)?;
    if target.shape() != pred.shape() || mask.shape() != pred.shape() {
        let message = format!("pred {}, target {} and mask {} must have one shape", pred.shape(), target.shape(), mask.shape());
        return Err(Error::shape(op, message));
    }
    let values = c * h * w;
    let scalar = !values.is_multiple_of(4);
    Ok((n, if scalar { values } else { values / 4 }, scalar))
}

/// The loss, and the share of one valid pixel in it for the gradient.
///
/// # Shapes
/// `pred`, `target`, `mask` (1 = invalid): `[n, c, h, w]`; loss `[n]` without a reduction, else `[]`; share `[n]`.
///
/// # Errors
/// Shapes that differ or are empty; a δ, γ or τ out of its range; out of memory.
pub fn masked_loss(pred: &Tensor, target: &Tensor, mask: &Tensor, kind: LossKind, reduction: Reduction) -> Result<(Tensor, Tensor)> {
    let (images, packs, scalar) = layout("masked_loss", pred, target, mask)?;
    let (code, shape) = kind.coded("masked_loss")?;
    let gpu = pred.gpu();
    let parts = packs.div_ceil(PACKS_A_PART);
    let sums = Tensor::empty(gpu, [images, parts, 2])?;
    for_images("masked_loss_stats", [pred, target, mask, &sums], |[pred, target, mask, sums]| {
        let images = sums.len() / (2 * parts);
        gpu.launch(&Launch {
            plan: Plan::new("masked_loss_stats", images * parts).with([("KIND", code)]).scalar(scalar),
            params: &MaskedLossPixelParams { packs: packs as u32, parts: parts as u32, images: images as u32, shape },
            buffers: &[pred.buffer(), target.buffer(), mask.buffer(), sums.buffer()],
            cost: Cost::new(5.0 * pred.len() as f64, 3 * pred.len()),
        })
    })?;
    reduced(&sums, images, reduction as u32)
}

/// [`Reduction`] that is one minus the mean.
pub(crate) const ONE_MINUS_MEAN: u32 = 3;

/// The loss of partial sums of each image (what is lost, and how many pixels count), and the share of one pixel in it.
///
/// # Shapes
/// `sums`: any number of pairs an image; loss `[images]` where `reduction` is [`Reduction::None`], else `[]`; share `[images]`.
///
/// # Errors
/// Out of memory.
pub(crate) fn reduced(sums: &Tensor, images: usize, reduction: u32) -> Result<(Tensor, Tensor)> {
    let gpu = sums.gpu();
    let loss = Tensor::empty(gpu, if reduction == Reduction::None as u32 { Shape::from([images]) } else { Shape::from([]) })?;
    let share = Tensor::empty(gpu, [images])?;
    gpu.launch(&Launch {
        plan: Plan::new("masked_loss", 1).with([("REDUCTION", reduction)]),
        params: &MaskedLossParams { parts: (sums.len() / (2 * images)) as u32, images: images as u32 },
        buffers: &[sums.buffer(), loss.buffer(), share.buffer()],
        cost: Cost::new(2.0 * sums.len() as f64, sums.len()),
    })?;
    Ok((loss, share))
}

/// The gradient of the prediction from that of the loss.
///
/// # Shapes
/// As [`masked_loss`]; `grad_loss` as its loss; the result as `pred`.
///
/// # Errors
/// Shapes that differ; out of memory.
pub fn masked_loss_grad_pred(
    grad_loss: &Tensor,
    pred: &Tensor,
    target: &Tensor,
    mask: &Tensor,
    share: &Tensor,
    kind: LossKind,
    reduction: Reduction,
) -> Result<Tensor> {
    let op = "masked_loss_grad_pred";
    let (images, packs, scalar) = layout(op, pred, target, mask)?;
    let (code, shape) = kind.coded(op)?;
    let upstream = if reduction == Reduction::None { images } else { 1 };
    if grad_loss.len() != upstream || share.len() != images {
        let message =
            format!("{upstream} upstream gradients and {images} shares expected, got {} and {}", grad_loss.shape(), share.shape());
        return Err(Error::shape(op, message));
    }
    let grad_pred = Tensor::empty(pred.gpu(), pred.shape())?;
    let parts = packs.div_ceil(64);
    let launch = |[pred, target, mask, share, grad_pred]: [&Tensor; 5], grad_loss: &Tensor| {
        let images = share.len();
        pred.gpu().launch(&Launch {
            plan: Plan::new(op, images * parts).with([("KIND", code), ("REDUCED", u32::from(reduction != Reduction::None))]).scalar(scalar),
            params: &MaskedLossPixelParams { packs: packs as u32, parts: parts as u32, images: images as u32, shape },
            buffers: &[pred.buffer(), target.buffer(), mask.buffer(), share.buffer(), grad_loss.buffer(), grad_pred.buffer()],
            cost: Cost::new(5.0 * pred.len() as f64, 4 * pred.len()),
        })
    };
    let tensors = [pred, target, mask, share, &grad_pred];
    if reduction == Reduction::None {
        let [pred, target, mask, share, grad_pred] = tensors;
        for_images(op, [pred, target, mask, share, grad_pred, grad_loss], |[pred, target, mask, share, grad_pred, grad_loss]| {
            launch([pred, target, mask, share, grad_pred], grad_loss)
        })?;
    } else {
        for_images(op, tensors, |tensors| launch(tensors, grad_loss))?;
    }
    Ok(grad_pred)
}
