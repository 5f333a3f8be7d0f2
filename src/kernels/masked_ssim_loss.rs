//! Launchers of `masked_ssim_loss`: one minus the mean SSIM of a batch, and its gradient, without a readback.
//!
//! Tile by tile like [`masked_ssim`](super::masked_ssim), so that the device holds some 30 MiB beside the images whatever their size. The
//! gradient computes the moments again, of all pixels whose windows reach a tile, and blurs their slopes with the same window, which is its
//! own mirror image. Shaders: those of `masked_ssim`, `shaders/masked_loss.wgsl`, `shaders/masked_ssim_loss_grad_moments.wgsl`,
//! `shaders/masked_ssim_loss_grad_pred.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::masked_ssim_loss_grad_moments::MaskedSsimLossGradMomentsParams;
use crate::host::masked_ssim_loss_grad_pred::MaskedSsimLossGradPredParams;
use crate::kernels::gaussian_blur::blur_inside;
use crate::kernels::masked_loss::{ONE_MINUS_MEAN, reduced};
use crate::kernels::masked_ssim::{Compared, MOMENTS, Tile, tiles};
use crate::tensor::Tensor;

/// Slopes with respect to the mean, the mean square and the mean product.
const SLOPES: usize = 3;

/// The loss, and the share of one valid pixel's similarity in it; none where no pixel lies inside the frame, of which the loss is 1.
///
/// # Shapes
/// `pred`, `target`, `mask` (1 = invalid): `[n, c, h, w]`; loss `[]`; share `[n]`.
///
/// # Errors
/// Shapes that differ; a sigma or data range that is empty; out of memory.
pub fn masked_ssim_loss(
    pred: &Tensor,
    target: &Tensor,
    mask: &Tensor,
    sigma: f64,
    data_range: [f64; 2],
) -> Result<(Tensor, Option<Tensor>)> {
    match Compared::new("masked_ssim_loss", [pred, target, mask], sigma, data_range)? {
        None => Ok((Tensor::full(pred.gpu(), [], 1.0)?, None)),
        Some(compared) => {
            let (loss, share) = reduced(&compared.sums()?, compared.extents[0], ONE_MINUS_MEAN)?;
            Ok((loss, Some(share)))
        }
    }
}

/// The gradient of the prediction from that of the loss.
///
/// # Shapes
/// As [`masked_ssim_loss`]; `grad_loss` `[]`; the result as `pred`.
///
/// # Errors
/// Shapes that differ; out of memory.
pub fn masked_ssim_loss_grad_pred(
    grad_loss: &Tensor,
    pred: &Tensor,
    target: &Tensor,
    mask: &Tensor,
    share: Option<&Tensor>,
    sigma: f64,
    data_range: [f64; 2],
) -> Result<Tensor> {
    let op = "masked_ssim_loss_grad_pred";
    let compared = Compared::new(op, [pred, target, mask], sigma, data_range)?;
    let (Some(compared), Some(share)) = (compared, share) else { return Tensor::full(pred.gpu(), pred.shape(), 0.0) };
    let [images, planes, rows, cols] = compared.extents;
    if grad_loss.len() != 1 || share.len() != images {
        let message = format!("one upstream gradient and {images} shares expected, got {} and {}", grad_loss.shape(), share.shape());
        return Err(Error::shape(op, message));
    }
    let grad_pred = Tensor::empty(pred.gpu(), pred.shape())?;
    let pass = Pass { compared: &compared, share, grad_loss, grad_pred: &grad_pred };
    let tiles = tiles([rows, cols], 0);
    for plane in 0..images * planes {
        for tile in &tiles {
            pass.write(plane, tile)?;
        }
    }
    Ok(grad_pred)
}

/// What all tiles share.
struct Pass<'a> {
    compared: &'a Compared<'a>,
    share: &'a Tensor,
    grad_loss: &'a Tensor,
    grad_pred: &'a Tensor,
}

impl Pass<'_> {
    /// Writes the gradient of a tile of a plane.
    fn write(&self, plane: usize, tile: &Tile) -> Result<()> {
        let Compared { extents: [_, planes, rows, cols], ref window, frame, data_range: [low, high], .. } = *self.compared;
        let first = plane * rows * cols;
        let slopes = self.slopes(first, tile)?;
        let turned = blur_inside(&slopes, tile.width + 2 * frame, window)?;
        drop(slopes);
        let blurred = blur_inside(&turned, tile.height, window)?;
        let [pred, target, mask] = self.compared.images;
        let params = MaskedSsimLossGradPredParams {
            origin: (first + tile.row * cols + tile.col) as u32,
            cols: cols as u32,
            height: tile.height as u32,
            width: tile.width as u32,
            pitch: (blurred.len() / (SLOPES * tile.height)) as u32,
            image: (plane / planes) as u32,
            low: low as f32,
            high: high as f32,
            centre: self.compared.constants()[0],
        };
        let (share, upstream, output) = (self.share.buffer(), self.grad_loss.buffer(), self.grad_pred.buffer());
        let pixels = tile.height * tile.width;
        pred.gpu().launch(&Launch {
            plan: Plan::each("masked_ssim_loss_grad_pred", pixels),
            params: &params,
            buffers: &[blurred.buffer(), pred.buffer(), target.buffer(), mask.buffer(), share, upstream, output],
            cost: Cost::new(10.0 * pixels as f64, (SLOPES + 4) * pixels),
        })
    }

    /// The slopes of the pixels whose windows reach a tile: `[3, height, width]` with the margin, rows padded to whole packs.
    fn slopes(&self, first: usize, tile: &Tile) -> Result<Tensor> {
        let Compared { extents: [_, _, rows, cols], frame, .. } = *self.compared;
        // Those of the margin that lie inside the frame, beginning and end.
        let inside = |at: usize, side: usize, whole: usize| (at.saturating_sub(frame).max(frame), (at + side + frame).min(whole - frame));
        let (top, bottom) = inside(tile.row, tile.height, rows);
        let (left, right) = inside(tile.col, tile.width, cols);
        let seen = Tile { row: top, col: left, height: bottom - top, width: right - left };
        let moments = self.compared.blurred(first, &seen)?;
        let (height, pitch_out) = (tile.height + 2 * frame, (tile.width + 2 * frame).next_multiple_of(4));
        let slopes = Tensor::empty(moments.gpu(), [SLOPES, height, pitch_out])?;
        let [centre, c1, c2] = self.compared.constants();
        let params = MaskedSsimLossGradMomentsParams {
            origin: (first + seen.row * cols + seen.col) as u32,
            cols: cols as u32,
            top: (seen.row + frame - tile.row) as u32,
            left: (seen.col + frame - tile.col) as u32,
            height: seen.height as u32,
            width: seen.width as u32,
            pitch: (moments.len() / (MOMENTS * seen.height)) as u32,
            rows: height as u32,
            pitch_out: pitch_out as u32,
            centre,
            c1,
            c2,
        };
        let pixels = height * pitch_out;
        moments.gpu().launch(&Launch {
            plan: Plan::each("masked_ssim_loss_grad_moments", pixels),
            params: &params,
            buffers: &[moments.buffer(), self.compared.images[2].buffer(), slopes.buffer()],
            cost: Cost::new(30.0 * pixels as f64, (MOMENTS + 1 + SLOPES) * pixels),
        })?;
        Ok(slopes)
    }
}
