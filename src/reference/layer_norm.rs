//! Layer normalisation, each row on its own: y = (x − mean) / √(var + eps) · weight + bias with the biased variance. As
//! `torch.nn.functional.layer_norm` over the last axis.

/// The rows of `input`, as long as `weight` and `bias`, normalised.
pub fn layer_norm(input: &[f64], weight: &[f64], bias: &[f64], eps: f64) -> Vec<f64> {
    let rows = input.chunks(weight.len()).flat_map(|x| {
        let (standard, _) = standardised(x, eps);
        (0..x.len()).map(|i| standard[i] * weight[i] + bias[i]).collect::<Vec<_>>()
    });
    rows.collect()
}

/// The gradient of the input: (g − mean(g) − x̂ · mean(g · x̂)) / √(var + eps) with g = dy · weight.
pub fn layer_norm_grad_input(grad_output: &[f64], input: &[f64], weight: &[f64], eps: f64) -> Vec<f64> {
    let c = weight.len();
    let mut grad_input = Vec::new();
    for (dy, x) in grad_output.chunks(c).zip(input.chunks(c)) {
        let (standard, invstd) = standardised(x, eps);
        let g: Vec<f64> = (0..c).map(|i| dy[i] * weight[i]).collect();
        let mean = g.iter().sum::<f64>() / c as f64;
        let along = (0..c).map(|i| g[i] * standard[i]).sum::<f64>() / c as f64;
        grad_input.extend((0..c).map(|i| (g[i] - mean - standard[i] * along) * invstd));
    }
    grad_input
}

/// The gradient of the weight: Σ over the rows of dy · x̂.
pub fn layer_norm_grad_weight(grad_output: &[f64], input: &[f64], c: usize, eps: f64) -> Vec<f64> {
    let mut grad_weight = vec![0.0; c];
    for (dy, x) in grad_output.chunks(c).zip(input.chunks(c)) {
        let (standard, _) = standardised(x, eps);
        (0..c).for_each(|i| grad_weight[i] += dy[i] * standard[i]);
    }
    grad_weight
}

/// The gradient of the bias: Σ over the rows of dy.
pub fn layer_norm_grad_bias(grad_output: &[f64], c: usize) -> Vec<f64> {
    (0..c).map(|i| grad_output.iter().skip(i).step_by(c).sum()).collect()
}

/// A row with mean 0 and variance 1, about, and 1 / √(var + eps).
fn standardised(x: &[f64], eps: f64) -> (Vec<f64>, f64) {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let var = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64;
    let invstd = 1.0 / (var + eps).sqrt();
    (x.iter().map(|x| (x - mean) * invstd).collect(), invstd)
}
