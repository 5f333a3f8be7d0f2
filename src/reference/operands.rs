//! Operands of products in half precision: the number of IEEE 754's binary16 nearest to x, ties to the even one.

/// x rounded to binary16: to a multiple of 2^(e − 10), where 2^e ≤ |x| < 2^(e + 1), and e = −14 for smaller ones; infinite from 65520 on.
/// As `Tensor.to(torch.float16)`.
pub fn nearest_f16(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let mut exponent = -14;
    while 2f64.powi(exponent + 1) <= x.abs() && exponent < 16 {
        exponent += 1;
    }
    let step = 2f64.powi(exponent - 10);
    let rounded = (x / step).round_ties_even() * step;
    if rounded.abs() >= 65536.0 { f64::INFINITY.copysign(x) } else { rounded }
}

/// All of them rounded.
pub fn nearest_f16s(values: &[f64]) -> Vec<f64> {
    values.iter().map(|&value| nearest_f16(value)).collect()
}
