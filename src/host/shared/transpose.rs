//! Transposition of 8 × 8 blocks in registers: three rounds of interleaving row i with row i + 4.
use std::array::from_fn;

use fearless_simd::{Simd, f32x8, prelude::*};

#[inline(always)]
pub(crate) fn transpose8<S: Simd>(mut rows: [f32x8<S>; 8]) -> [f32x8<S>; 8] {
    for _ in 0..3 {
        rows = from_fn(|i| if i % 2 == 0 { rows[i / 2].zip_low(rows[i / 2 + 4]) } else { rows[i / 2].zip_high(rows[i / 2 + 4]) });
    }
    rows
}

/// target[j·target_pitch + i] = source[i·source_pitch + j] for `rows` values of i (at most 8) and `columns` of j. Where rows of the target
/// follow each other without a gap (`rows` = `target_pitch`), whole vectors are written and what they write too much is overwritten next.
#[inline(always)]
pub(crate) fn transpose_strip<S: Simd>(
    simd: S,
    source: &[f32],
    source_pitch: usize,
    rows: usize,
    columns: usize,
    target: &mut [f32],
    target_pitch: usize,
) {
    let mut j = 0;
    // The last whole vector that is written must end inside the target.
    let last = (columns + 1).saturating_sub(8usize.div_ceil(rows.max(1)));
    while (rows == 8 || rows == target_pitch) && j + 8 <= last {
        let block = from_fn(|i| f32x8::from_slice(simd, &source[i.min(rows - 1) * source_pitch + j..][..8]));
        for (i, row) in transpose8(block).into_iter().enumerate() {
            row.store_slice(&mut target[(j + i) * target_pitch..][..8]);
        }
        j += 8;
    }
    for j in j..columns {
        for i in 0..rows {
            target[j * target_pitch + i] = source[i * source_pitch + j];
        }
    }
}
