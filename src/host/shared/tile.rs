//! The one inner loop of all convolutions: a register tile of sums, `OUT` rows × `VECS` vectors.
use std::array::from_fn;

use fearless_simd::{Simd, prelude::*};
use fearless_simd_macros::simd;

/// Rows of a block: factors are stored eight at a time.
pub(crate) const ROWS: usize = 8;

/// out[o·pitch + q] (+)= Σ_k factors[k][o] · source[offsets[k] + q] for the 8 rows o of a block and `columns` values of q, rounded up to
/// whole vectors.
#[inline(always)]
pub(crate) fn product<S: Simd>(
    simd: S,
    factors: &[f32],
    offsets: &[usize],
    source: &[f32],
    out: &mut [f32],
    [pitch, columns]: [usize; 2],
    add: bool,
) {
    let lanes = S::f32s::LEN;
    // 32 registers hold 8 × 3 sums, 3 vectors and a factor; 16 registers hold 4 × 2 sums, twice in turn.
    let wide = lanes == 16 || cfg!(target_arch = "aarch64");
    let (mut vectors, mut q) = (columns.div_ceil(lanes), 0);
    while vectors > 0 {
        let (source, out) = (&source[q..], &mut out[q..]);
        let step = match vectors {
            1 => 1,
            3 | 5.. if wide => 3,
            _ => 2,
        };
        match (wide, step) {
            (true, 3) => tile::<S, 0, 8, 3>(simd, factors, offsets, source, out, pitch, add),
            (true, 2) => tile::<S, 0, 8, 2>(simd, factors, offsets, source, out, pitch, add),
            (false, 2) => {
                tile::<S, 0, 4, 2>(simd, factors, offsets, source, out, pitch, add);
                tile::<S, 4, 4, 2>(simd, factors, offsets, source, out, pitch, add);
            }
            _ => tile::<S, 0, 8, 1>(simd, factors, offsets, source, out, pitch, add),
        }
        vectors -= step;
        q += step * lanes;
    }
}

/// Rows `FROM` to `FROM + OUT` of a block and `VECS` vectors.
#[simd]
fn tile<S: Simd, const FROM: usize, const OUT: usize, const VECS: usize>(
    simd: S,
    factors: &[f32],
    offsets: &[usize],
    source: &[f32],
    out: &mut [f32],
    pitch: usize,
    add: bool,
) {
    let lanes = S::f32s::LEN;
    let mut sums = [[S::f32s::splat(simd, 0.0); VECS]; OUT];
    for (factor, &offset) in factors.as_chunks::<ROWS>().0.iter().zip(offsets) {
        let x = &source[offset..offset + VECS * lanes];
        let x: [S::f32s; VECS] = from_fn(|v| S::f32s::from_slice(simd, &x[v * lanes..][..lanes]));
        for o in 0..OUT {
            let factor = S::f32s::splat(simd, factor[FROM + o]);
            for v in 0..VECS {
                sums[o][v] = factor.mul_add(x[v], sums[o][v]);
            }
        }
    }
    for o in 0..OUT {
        for v in 0..VECS {
            let out = &mut out[(FROM + o) * pitch + v * lanes..][..lanes];
            // Added last: sums of sums lose less than one long sum.
            let sum = if add { S::f32s::from_slice(simd, out) + sums[o][v] } else { sums[o][v] };
            sum.store_slice(out);
        }
    }
}
