//! Losses of single pixels over valid ones, per image, and their gradients.
//!
//! An image's loss is Σ e · (1 − mask) / Σ (1 − mask) with e what the error at a pixel costs, 0 for an image without a valid
//! pixel. `mean` divides the sum of the images' losses by the number of images, those without valid pixels included.

/// What is measured at a pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LossKind {
    /// |pred − target|.
    L1,
    /// (pred − target)².
    Mse,
    /// Half the square where |pred − target| ≤ δ, else δ·(|pred − target| − ½ δ).
    Huber(f64),
    /// |pred − target|^(1 + γ).
    FocalL1(f64),
    /// (1 − τ)·(pred − target) where that is positive, else τ·(target − pred).
    Pinball(f64),
}

impl LossKind {
    fn cost(self, error: f64) -> f64 {
        match self {
            LossKind::L1 => error.abs(),
            LossKind::Mse => error * error,
            LossKind::Huber(delta) if error.abs() <= delta => 0.5 * error * error,
            LossKind::Huber(delta) => delta * (error.abs() - 0.5 * delta),
            LossKind::FocalL1(gamma) => error.abs().powf(1.0 + gamma),
            LossKind::Pinball(quantile) => f64::max((1.0 - quantile) * error, -quantile * error),
        }
    }

    fn slope(self, error: f64) -> f64 {
        match self {
            LossKind::Mse => 2.0 * error,
            LossKind::Huber(delta) => error.clamp(-delta, delta),
            LossKind::L1 | LossKind::FocalL1(_) | LossKind::Pinball(_) if error == 0.0 => 0.0,
            LossKind::L1 => error.signum(),
            LossKind::Pinball(quantile) if error > 0.0 => 1.0 - quantile,
            LossKind::Pinball(quantile) => -quantile,
            LossKind::FocalL1(gamma) => (1.0 + gamma) * error.abs().powf(gamma) * error.signum(),
        }
    }
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
                sum += (1.0 - mask[position]) * kind.cost(error);
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

/// The gradient of the prediction for an upstream gradient of the loss' length; 0 where the error is exactly 0.
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
            grad_pred[position] = upstream * (1.0 - mask[position]) * kind.slope(error) / valid.max(1.0);
        }
    }
    grad_pred
}
