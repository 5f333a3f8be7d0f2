//! L1 and squared loss over valid pixels, per image, and its gradient.
//!
//! An image's loss is Σ e · (1 − mask) / Σ (1 − mask) with e = |pred − target| or (pred − target)², 0 for an image without a valid
//! pixel. `mean` divides the sum of the images' losses by the number of images, those without valid pixels included.

/// What is measured at a pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LossKind {
    /// |pred − target|.
    L1,
    /// (pred − target)².
    Mse,
}

/// How the images' losses become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reduction {
    /// One loss an image.
    None,
    /// Their sum over the number of images.
    Mean,
    /// Their sum.
    Sum,
}

/// The loss, one value or one an image; `images` is the batch size and mask is 1 where a pixel is invalid.
pub fn masked_loss(pred: &[f64], target: &[f64], mask: &[f64], images: usize, kind: LossKind, reduction: Reduction) -> Vec<f64> {
    let values = pred.len() / images;
    let losses: Vec<f64> = (0..images)
        .map(|image| {
            let (mut sum, mut valid) = (0.0, 0.0);
            for position in image * values..(image + 1) * values {
                let error = pred[position] - target[position];
                sum += (1.0 - mask[position]) * if kind == LossKind::L1 { error.abs() } else { error * error };
                valid += 1.0 - mask[position];
            }
            sum / f64::max(valid, 1.0)
        })
        .collect();
    match reduction {
        Reduction::None => losses,
        Reduction::Mean => vec![losses.iter().sum::<f64>() / images as f64],
        Reduction::Sum => vec![losses.iter().sum()],
    }
}

/// The gradient of the prediction for an upstream gradient of the loss' length; 0 where L1's error is exactly 0.
pub fn masked_loss_grad_pred(
    grad_loss: &[f64],
    pred: &[f64],
    target: &[f64],
    mask: &[f64],
    images: usize,
    kind: LossKind,
    reduction: Reduction,
) -> Vec<f64> {
    let values = pred.len() / images;
    let mut grad_pred = vec![0.0; pred.len()];
    for image in 0..images {
        let pixels = image * values..(image + 1) * values;
        let valid: f64 = pixels.clone().map(|position| 1.0 - mask[position]).sum();
        let upstream = match reduction {
            Reduction::None => grad_loss[image],
            Reduction::Mean => grad_loss[0] / images as f64,
            Reduction::Sum => grad_loss[0],
        };
        for position in pixels {
            let error = pred[position] - target[position];
            let slope = match kind {
                LossKind::L1 if error == 0.0 => 0.0,
                LossKind::L1 => error.signum(),
                LossKind::Mse => 2.0 * error,
            };
            grad_pred[position] = upstream * (1.0 - mask[position]) * slope / valid.max(1.0);
        }
    }
    grad_pred
}
