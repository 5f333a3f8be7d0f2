//! Softmax along one axis: y = eˣ / Σ eˣ. As `torch.softmax`.

/// `input` of extents `[outer, len, inner]`, along the middle one.
pub fn softmax(input: &[f64], [outer, len, inner]: [usize; 3]) -> Vec<f64> {
    let mut output = vec![0.0; input.len()];
    for o in 0..outer {
        for i in 0..inner {
            let at = |k: usize| (o * len + k) * inner + i;
            let largest = (0..len).map(|k| input[at(k)]).fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = (0..len).map(|k| (input[at(k)] - largest).exp()).sum();
            (0..len).for_each(|k| output[at(k)] = (input[at(k)] - largest).exp() / sum);
        }
    }
    output
}

/// The gradient of the input: y · (dy − Σ dy · y).
pub fn softmax_grad_input(grad_output: &[f64], input: &[f64], extents: [usize; 3]) -> Vec<f64> {
    let [outer, len, inner] = extents;
    let output = softmax(input, extents);
    let mut grad_input = vec![0.0; input.len()];
    for o in 0..outer {
        for i in 0..inner {
            let at = |k: usize| (o * len + k) * inner + i;
            let sum: f64 = (0..len).map(|k| grad_output[at(k)] * output[at(k)]).sum();
            (0..len).for_each(|k| grad_input[at(k)] = output[at(k)] * (grad_output[at(k)] - sum));
        }
    }
    grad_input
}
