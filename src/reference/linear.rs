//! The fully connected layer over rows: y[r,o] = b[o] + Σ_i w[o,i] · x[r,i]. As `torch.nn.functional.linear`.

/// The rows of `input`, c_in values each, by `weight` `[c_out, c_in]`.
pub fn linear(input: &[f64], weight: &[f64], bias: Option<&[f64]>, [c_in, c_out]: [usize; 2]) -> Vec<f64> {
    let mut output = Vec::new();
    for x in input.chunks(c_in) {
        for o in 0..c_out {
            let sum: f64 = (0..c_in).map(|i| weight[o * c_in + i] * x[i]).sum();
            output.push(sum + bias.map_or(0.0, |bias| bias[o]));
        }
    }
    output
}

/// The gradient of the input: Σ_o w[o,i] · dy[r,o].
pub fn linear_grad_input(grad_output: &[f64], weight: &[f64], [c_in, c_out]: [usize; 2]) -> Vec<f64> {
    let mut grad_input = Vec::new();
    for dy in grad_output.chunks(c_out) {
        for i in 0..c_in {
            grad_input.push((0..c_out).map(|o| weight[o * c_in + i] * dy[o]).sum());
        }
    }
    grad_input
}

/// The gradient of the weight: Σ_r dy[r,o] · x[r,i].
pub fn linear_grad_weight(grad_output: &[f64], input: &[f64], [c_in, c_out]: [usize; 2]) -> Vec<f64> {
    let mut grad_weight = vec![0.0; c_out * c_in];
    for (dy, x) in grad_output.chunks(c_out).zip(input.chunks(c_in)) {
        for o in 0..c_out {
            for i in 0..c_in {
                grad_weight[o * c_in + i] += dy[o] * x[i];
            }
        }
    }
    grad_weight
}

/// The gradient of the bias: Σ_r dy[r,o].
pub fn linear_grad_bias(grad_output: &[f64], c_out: usize) -> Vec<f64> {
    (0..c_out).map(|o| grad_output.iter().skip(o).step_by(c_out).sum()).collect()
}
