//! Dropout: elements whose random word lies below p·2³² become 0, the others are divided by 1 − p; the gradient is the same function of
//! the upstream one. The word of element i: a PCG hash of i and one half of the key, hashed again with the other half.

/// The random word of one element.
pub fn word(key: [u32; 2], element: u32) -> u32 {
    hashed(hashed(element ^ key[0]).wrapping_add(key[1]))
}

/// One linear congruential step and the RXS-M-XS output permutation (O'Neill 2014, HMC-CS-2014-0905, section 6.3).
fn hashed(x: u32) -> u32 {
    let state = x.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    let word = ((state >> ((state >> 28) + 4)) ^ state).wrapping_mul(277_803_737);
    (word >> 22) ^ word
}

/// Forward and gradient alike.
pub fn dropout(x: &[f64], p: f64, key: [u32; 2]) -> Vec<f64> {
    let kept = |i: usize| f64::from(word(key, i as u32)) >= (p * 4_294_967_296.0).floor();
    (0..x.len()).map(|i| if kept(i) { x[i] / (1.0 - p) } else { 0.0 }).collect()
}
