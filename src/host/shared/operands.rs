//! Operands of products as f16 holds them (IEEE 754, binary16), for twins whose constant `HALF` is not 0.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::level::level;
use super::scratch::with_scratch;

/// Words of a task.
const WORDS: usize = 16 * 1024;

/// The f16 nearest to `x`, ties to even, past the largest infinite; NaN stays.
#[inline(always)]
pub(crate) fn nearest_f16(x: f32) -> f32 {
    let (sign, size) = (x.to_bits() & 0x8000_0000, x.to_bits() & 0x7fff_ffff);
    // Below 2⁻¹⁴ multiples of 2⁻²⁴, the last place of numbers from ½ to 1; above it 11 bits.
    let small = ((f32::from_bits(size) + 0.5) - 0.5).to_bits();
    let large = (size + 0xfff + ((size >> 13) & 1)) & 0xffff_e000;
    let large = if large > 0x477f_e000 { 0x7f80_0000 } else { large };
    let kept = if size < 0x3880_0000 { small } else { large };
    f32::from_bits(sign | if size > 0x7f80_0000 { size } else { kept })
}

/// The bits of the f16 nearest to `x`, in the lower half.
#[inline(always)]
pub(crate) fn f16_bits(x: f32) -> u32 {
    let nearest = nearest_f16(x).to_bits();
    let (sign, size) = (nearest >> 16 & 0x8000, nearest & 0x7fff_ffff);
    // Multiples of 2⁻²⁴, or the exponent counted from 15 instead of 127; what is not finite has the largest one.
    let small = (f32::from_bits(size.min(0x3880_0000)) * 16_777_216.0) as u32;
    let large = (size >> 13).wrapping_sub(112 << 10);
    let kept = if size < 0x3880_0000 { small } else { large };
    sign | if size > 0x7f80_0000 { 0x7e00 } else { kept.min(0x7c00) }
}

/// The number of which f16 has these bits.
#[inline(always)]
pub(crate) fn of_f16_bits(bits: u32) -> f32 {
    let (sign, size) = ((bits & 0x8000) << 16, bits & 0x7fff);
    let small = (size as f32 * (1.0 / 16_777_216.0)).to_bits();
    let large = (size << 13) + (112 << 23);
    let large = if size >= 0x7c00 { (size << 13) | 0x7f80_0000 } else { large };
    f32::from_bits(sign | if size < 0x400 { small } else { large })
}

/// Lends `arrays` as operands: as they are, or where `half` copies that are rounded.
pub(crate) fn with_operands<const N: usize>(half: bool, arrays: [&[f32]; N], body: impl FnOnce([&[f32]; N])) {
    if !half {
        return body(arrays);
    }
    with_scratch(arrays.iter().map(|array| array.len()).sum(), |mut rest| {
        let copies = arrays.map(|array| {
            let (copy, others) = std::mem::take(&mut rest).split_at_mut(array.len());
            rest = others;
            copy.par_chunks_mut(WORDS)
                .zip(array.par_chunks(WORDS))
                .for_each(|(to, from)| dispatch!(level(), simd => round(simd, from, to)));
            &*copy
        });
        body(copies);
    });
}

#[simd]
fn round<S: Simd>(_: S, from: &[f32], to: &mut [f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = nearest_f16(*from));
}
