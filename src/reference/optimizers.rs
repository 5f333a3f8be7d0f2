//! Adam, AdamW, SGD and RMSprop with PyTorch's order of operations; weight decay is added to the gradient but for AdamW's.
//!
//! Each function runs one parameter through all `gradients`, one a step, and returns the parameter after the last.

/// What every optimizer takes.
#[derive(Clone, Copy, Debug)]
pub struct OptimizerAttrs {
    /// Learning rate.
    pub lr: f64,
    /// Share of the parameter that is added to its gradient.
    pub weight_decay: f64,
}

/// Adam (Kingma & Ba 2015): p −= lr · m̂ / (√v̂ + eps) with bias-corrected moments.
pub fn adam(param: &[f64], gradients: &[Vec<f64>], attrs: &OptimizerAttrs, betas: [f64; 2], eps: f64) -> Vec<f64> {
    adam_steps(param, gradients, attrs, betas, eps, [false, false])
}

/// Adam as Keras has it: p −= lr · √(1 − β2^t) / (1 − β1^t) · m / (√v + eps), so that eps is outside of the bias correction.
pub fn adam_keras(param: &[f64], gradients: &[Vec<f64>], attrs: &OptimizerAttrs, betas: [f64; 2], eps: f64) -> Vec<f64> {
    adam_steps(param, gradients, attrs, betas, eps, [true, false])
}

/// AdamW (Loshchilov & Hutter 2019): p −= lr · weight_decay · p, then Adam's step, or Keras' one, by the gradient alone.
pub fn adamw(param: &[f64], gradients: &[Vec<f64>], attrs: &OptimizerAttrs, betas: [f64; 2], eps: f64, keras: bool) -> Vec<f64> {
    adam_steps(param, gradients, attrs, betas, eps, [keras, true])
}

fn adam_steps(
    param: &[f64],
    gradients: &[Vec<f64>],
    attrs: &OptimizerAttrs,
    betas: [f64; 2],
    eps: f64,
    [keras, decoupled]: [bool; 2],
) -> Vec<f64> {
    let mut param = param.to_vec();
    let (mut first, mut second) = (vec![0.0; param.len()], vec![0.0; param.len()]);
    for (step, gradient) in gradients.iter().enumerate() {
        let step = step as i32 + 1;
        let bias = betas.map(|beta| 1.0 - beta.powi(step));
        for i in 0..param.len() {
            let decay = attrs.weight_decay * param[i];
            let grad = gradient[i] + if decoupled { 0.0 } else { decay };
            param[i] -= if decoupled { attrs.lr * decay } else { 0.0 };
            first[i] = betas[0] * first[i] + (1.0 - betas[0]) * grad;
            second[i] = betas[1] * second[i] + (1.0 - betas[1]) * grad * grad;
            param[i] -= match keras {
                true => attrs.lr * bias[1].sqrt() / bias[0] * first[i] / (second[i].sqrt() + eps),
                false => attrs.lr * (first[i] / bias[0]) / ((second[i] / bias[1]).sqrt() + eps),
            };
        }
    }
    param
}

/// SGD with momentum: b = momentum · b + g (the first b is g), p −= lr · b.
pub fn sgd(param: &[f64], gradients: &[Vec<f64>], attrs: &OptimizerAttrs, momentum: f64) -> Vec<f64> {
    let mut param = param.to_vec();
    let mut buffer = vec![0.0; param.len()];
    for gradient in gradients {
        for i in 0..param.len() {
            let grad = gradient[i] + attrs.weight_decay * param[i];
            buffer[i] = momentum * buffer[i] + grad;
            param[i] -= attrs.lr * buffer[i];
        }
    }
    param
}

/// RMSprop, not centred: s = alpha · s + (1 − alpha) · g², b = momentum · b + g / (√s + eps), p −= lr · b.
pub fn rmsprop(param: &[f64], gradients: &[Vec<f64>], attrs: &OptimizerAttrs, alpha: f64, eps: f64, momentum: f64) -> Vec<f64> {
    let mut param = param.to_vec();
    let (mut square, mut buffer) = (vec![0.0; param.len()], vec![0.0; param.len()]);
    for gradient in gradients {
        for i in 0..param.len() {
            let grad = gradient[i] + attrs.weight_decay * param[i];
            square[i] = alpha * square[i] + (1.0 - alpha) * grad * grad;
            buffer[i] = momentum * buffer[i] + grad / (square[i].sqrt() + eps);
            param[i] -= attrs.lr * buffer[i];
        }
    }
    param
}
