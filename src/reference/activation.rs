//! The element-wise activations and their gradients.
//!
//! relu(x) = max(x, 0) with gradient 0 at 0; leaky_relu(x) = x where x > 0, else slope · x, with gradient slope at 0;
//! gelu(x) = x · Φ(x) with the exact normal distribution Φ (erf form);
//! sigmoid(x) = 1 / (1 + e⁻ˣ); tanhshelf(x) = ½ (tanh(x + 4) + tanh(4 − x)); sigmoidcutoff(x) = sigmoid(10 − x⁶);
//! silu(x) = x / (1 + e⁻ˣ); clamped_exp(x) = exp(min(x, ln 100)), the logarithm as float32 has it.

use std::f64::consts::{FRAC_2_SQRT_PI, PI, SQRT_2};

/// max(x, 0); NaN stays NaN.
pub fn relu(input: &[f64]) -> Vec<f64> {
    input.iter().map(|&x| if x < 0.0 { 0.0 } else { x }).collect()
}

/// The gradient of `relu`: the upstream one where x > 0.
pub fn relu_grad_input(grad_output: &[f64], input: &[f64]) -> Vec<f64> {
    chain(grad_output, input, |x| if x > 0.0 { 1.0 } else { 0.0 })
}

/// x where x > 0, else slope · x.
pub fn leaky_relu(input: &[f64], slope: f64) -> Vec<f64> {
    input.iter().map(|&x| if x > 0.0 { x } else { slope * x }).collect()
}

/// The gradient of `leaky_relu`: the upstream one where x > 0, else slope times it.
pub fn leaky_relu_grad_input(grad_output: &[f64], input: &[f64], slope: f64) -> Vec<f64> {
    chain(grad_output, input, |x| if x > 0.0 { 1.0 } else { slope })
}

/// x · Φ(x).
pub fn gelu(input: &[f64]) -> Vec<f64> {
    input.iter().map(|&x| x * normal_distribution(x)).collect()
}

/// The gradient of `gelu`: Φ(x) + x · φ(x).
pub fn gelu_grad_input(grad_output: &[f64], input: &[f64]) -> Vec<f64> {
    chain(grad_output, input, |x| normal_distribution(x) + x * (-0.5 * x * x).exp() / (2.0 * PI).sqrt())
}

/// 1 / (1 + e⁻ˣ).
pub fn sigmoid(input: &[f64]) -> Vec<f64> {
    input.iter().map(|&x| logistic(x)).collect()
}

/// The gradient of `sigmoid`: s(x) · s(−x), which keeps its precision in both tails.
pub fn sigmoid_grad_input(grad_output: &[f64], input: &[f64]) -> Vec<f64> {
    chain(grad_output, input, |x| logistic(x) * logistic(-x))
}

/// ½ (tanh(x + 4) + tanh(4 − x)).
pub fn tanhshelf(input: &[f64]) -> Vec<f64> {
    input.iter().map(|&x| 0.5 * ((x + 4.0).tanh() + (4.0 - x).tanh())).collect()
}

/// The gradient of `tanhshelf`: ½ (tanh²(4 − x) − tanh²(x + 4)), written with sech² for precision where both are near 1.
pub fn tanhshelf_grad_input(grad_output: &[f64], input: &[f64]) -> Vec<f64> {
    let sech_squared = |x: f64| 1.0 / x.cosh().powi(2);
    chain(grad_output, input, |x| 0.5 * (sech_squared(x + 4.0) - sech_squared(4.0 - x)))
}

/// sigmoid(10 − x⁶).
pub fn sigmoidcutoff(input: &[f64]) -> Vec<f64> {
    input.iter().map(|&x| logistic(10.0 - x.powi(6))).collect()
}

/// The gradient of `sigmoidcutoff`: −6 x⁵ · s(u) · s(−u) with u = 10 − x⁶.
pub fn sigmoidcutoff_grad_input(grad_output: &[f64], input: &[f64]) -> Vec<f64> {
    chain(grad_output, input, |x| {
        let u = 10.0 - x.powi(6);
        let slope = logistic(u) * logistic(-u);
        // Far out the slope underflows to 0 while x⁵ may be infinite: the product's limit is 0.
        if slope == 0.0 { 0.0 } else { -6.0 * x.powi(5) * slope }
    })
}

/// x / (1 + e⁻ˣ).
pub fn silu(input: &[f64]) -> Vec<f64> {
    input.iter().map(|&x| x * logistic(x)).collect()
}

/// The gradient of `silu`: s(x) + x · s(x) · s(−x).
pub fn silu_grad_input(grad_output: &[f64], input: &[f64]) -> Vec<f64> {
    chain(grad_output, input, |x| logistic(x) + x * logistic(x) * logistic(-x))
}

/// ln 100 as float32 has it.
const LN_100: f64 = 4.605_170_249_938_965;

/// exp(min(x, ln 100)); NaN stays NaN.
pub fn clamped_exp(input: &[f64]) -> Vec<f64> {
    input.iter().map(|&x| if x > LN_100 { LN_100.exp() } else { x.exp() }).collect()
}

/// The gradient of `clamped_exp`: e^x, 0 above ln 100.
pub fn clamped_exp_grad_input(grad_output: &[f64], input: &[f64]) -> Vec<f64> {
    chain(grad_output, input, |x| if x > LN_100 { 0.0 } else { x.exp() })
}

/// The error function to f64 precision.
pub fn erf(x: f64) -> f64 {
    if x.abs() < 3.0 { erf_series(x) } else { (1.0 - erfc_fraction(x.abs())).copysign(x) }
}

/// 1 − erf(x), with full relative precision for large positive x.
pub fn erfc(x: f64) -> f64 {
    if x < 3.0 { 1.0 - erf(x) } else { erfc_fraction(x) }
}

/// erf as 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!, whose terms all have one sign.
fn erf_series(x: f64) -> f64 {
    let mut term = x;
    let mut sum = x;
    for n in 1..200 {
        term *= 2.0 * x * x / (2 * n + 1) as f64;
        sum += term;
    }
    FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

/// erfc for x ≥ 3 as e^(−x²)/√π / (x + ½/(x + 1/(x + 3⁄2/(x + …)))), evaluated from the inside.
fn erfc_fraction(x: f64) -> f64 {
    let mut denominator = x;
    for k in (1..200).rev() {
        denominator = x + 0.5 * k as f64 / denominator;
    }
    (-x * x).exp() / PI.sqrt() / denominator
}

/// Φ(x) = ½ erfc(−x/√2).
fn normal_distribution(x: f64) -> f64 {
    0.5 * erfc(-x / SQRT_2)
}

/// 1 / (1 + e⁻ˣ).
fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The chain rule: the upstream gradient times the slope at each element.
fn chain(grad_output: &[f64], input: &[f64], slope: impl Fn(f64) -> f64) -> Vec<f64> {
    grad_output.iter().zip(input).map(|(grad, &x)| grad * slope(x)).collect()
}
