//! exp, the activations and their derivatives as plain scalar code without branches or calls: loops over it become vector instructions.
//!
//! The formulas are those of `shaders/shared/activate.wgsl`. Products and sums are rounded apart (no fused multiply-add), so that every
//! instruction set gives the same bits.

/// Smallest and largest argument whose exponential is a normal number, about.
const EXP_MIN: f32 = -87.336_54;
const EXP_MAX: f32 = 88.722_83;

/// eˣ within one ulp; 0 below the normal range, the largest numbers above it; NaN for NaN.
///
/// x = n·ln 2 + r (Cody and Waite's two-part ln 2), a polynomial of degree 7 for eʳ.
#[inline(always)]
pub(crate) fn exp(argument: f32) -> f32 {
    let x = argument.clamp(EXP_MIN, EXP_MAX);
    // Adding 1.5·2²³ rounds to a whole number, which then lies in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * 0.693_359_4) - n * -2.121_944_4e-4;
    let p = 1.987_569_1e-4_f32;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let p = (p * r) * r + r + 1.0;
    // 2ⁿ in two halves: 2¹²⁸ itself is no number.
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    let half = n >> 1;
    let power = |n: i32| f32::from_bits(((n + 127) << 23) as u32);
    let power = p * power(half) * power(n - half);
    if argument < EXP_MIN { 0.0 } else { power }
}

/// 1 / (1 + e⁻ˣ), both tails with full relative accuracy.
#[inline(always)]
fn logistic(x: f32) -> f32 {
    let e = exp(-x.abs());
    let above = if x < 0.0 { e } else { 1.0 };
    above / (1.0 + e)
}

/// Φ(x) = ½ erfc(−x/√2), the Chebyshev fit of `activate.wgsl`.
#[inline(always)]
fn normal_cdf(x: f32) -> f32 {
    let a = if x.abs() > 20.0 { 20.0 } else { x.abs() };
    let t = 1.0 / (1.0 + 0.353_553_4 * a);
    let q = -0.029_857_46 * t + 0.143_884_15;
    let q = q * t - 0.246_931_93;
    let q = q * t + 0.142_848_86;
    let q = q * t - 0.015_920_88;
    let q = q * t + 0.102_426_83;
    let q = q * t + 0.121_286_444;
    let q = q * t + 0.141_222_52;
    let q = q * t + 0.141_041_34;
    let tail = q * t * exp(-0.5 * a * a);
    if x < 0.0 { tail } else { 1.0 - tail }
}

const SINH_8: f32 = 1_490.478_8;
const COSH_8: f32 = 1_490.479_1;

/// ln 100, where the exponential of cosine attention ends.
const LN_100: f32 = 4.605_170_2;

/// ½(tanh(x + 4) + tanh(4 − x)) = sinh 8 / (cosh 2x + cosh 8), with u = e^(−2|x|).
#[inline(always)]
fn shelf(u: f32) -> f32 {
    2.0 * SINH_8 * u / (1.0 + u * (2.0 * COSH_8 + u))
}

/// x⁶, held at 4⁶ beyond |x| = 4; NaN for NaN.
#[inline(always)]
fn sixth_power(x: f32) -> f32 {
    let square = if x * x > 16.0 { 16.0 } else { x * x };
    square * square * square
}

/// f(x) of the activation with the number `KIND`. Constant in every loop, so that each has a loop of its own; the code itself is read for
/// a slope alone.
#[inline(always)]
pub(crate) fn activate<const KIND: u32>(x: f32, code: u32) -> f32 {
    match KIND {
        1 if x < 0.0 => 0.0,
        2 => x * normal_cdf(x),
        3 => logistic(x),
        4 => shelf(exp(-2.0 * x.abs())),
        5 => logistic(10.0 - sixth_power(x)),
        6 => x * logistic(x),
        7 => exp(if x > LN_100 { LN_100 } else { x }),
        LEAKY if x < 0.0 => x * f32::from_bits(code),
        _ => x,
    }
}

/// f'(x) of the activation with the number `KIND` and this code.
#[inline(always)]
pub(crate) fn activate_derivative<const KIND: u32>(x: f32, code: u32) -> f32 {
    match KIND {
        1 if x <= 0.0 => 0.0,
        2 => {
            let near = x.clamp(-20.0, 20.0);
            normal_cdf(x) + near * 0.398_942_3 * exp(-0.5 * near * near)
        }
        3 => logistic(x) * logistic(-x),
        4 => {
            let u = exp(-2.0 * x.abs());
            let sign = if x > 0.0 {
                1.0
            } else if x < 0.0 {
                -1.0
            } else {
                x
            };
            -2.0 * sign * shelf(u) * (1.0 - u * u) / (1.0 + u * (2.0 * COSH_8 + u))
        }
        5 => {
            let near = x.clamp(-4.0, 4.0);
            let z = 10.0 - sixth_power(x);
            -6.0 * near * near * near * near * near * logistic(z) * logistic(-z)
        }
        6 => {
            let near = x.clamp(-200.0, 200.0);
            logistic(x) * (1.0 + near * logistic(-x))
        }
        7 => {
            if x > LN_100 {
                0.0
            } else {
                exp(x)
            }
        }
        LEAKY if x <= 0.0 => f32::from_bits(code),
        _ => 1.0,
    }
}

/// Number of the leaky ReLUs, whose codes are the bits of their slopes.
pub(crate) const LEAKY: u32 = 8;

/// Calls `$body` with the constant `$KIND`, the number of an activation by its code.
macro_rules! for_kind {
    ($code:expr, $KIND:ident => $body:expr) => {
        match $code {
            1 => {
                const $KIND: u32 = 1;
                $body
            }
            2 => {
                const $KIND: u32 = 2;
                $body
            }
            3 => {
                const $KIND: u32 = 3;
                $body
            }
            4 => {
                const $KIND: u32 = 4;
                $body
            }
            5 => {
                const $KIND: u32 = 5;
                $body
            }
            6 => {
                const $KIND: u32 = 6;
                $body
            }
            7 => {
                const $KIND: u32 = 7;
                $body
            }
            0 => {
                const $KIND: u32 = 0;
                $body
            }
            _ => {
                const $KIND: u32 = $crate::host::shared::functions::LEAKY;
                $body
            }
        }
    };
}
pub(crate) use for_kind;
