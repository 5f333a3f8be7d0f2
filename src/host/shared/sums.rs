//! Sums in a fixed number of lanes and a fixed order, the same on every instruction set: a compiler may not reorder a plain sum, and
//! many short sums lose less than one long one.

use std::array::from_fn;

use fearless_simd::{Simd, dispatch, f32x16, prelude::*};
use fearless_simd_macros::simd;

use super::level::level;

/// Lanes: two vectors of the widest set.
const LANES: usize = 32;

/// Elements that are summed in f32 before their sum joins others in f64.
pub(crate) const RUN: usize = 4096;

/// `N` sums, each in lanes. Its methods are to be called in a `#[simd]` function, of which they become a part.
pub(crate) struct LaneSums<S: Simd, const N: usize>([[f32x16<S>; 2]; N]);

impl<S: Simd, const N: usize> LaneSums<S, N> {
    #[inline(always)]
    pub(crate) fn zero(simd: S) -> Self {
        LaneSums([[f32x16::splat(simd, 0.0); 2]; N])
    }

    /// Adds the terms of all elements of arrays of one length.
    #[inline(always)]
    pub(crate) fn add<const A: usize>(&mut self, simd: S, arrays: [&[f32]; A], term: impl Fn([f32; A]) -> [f32; N]) {
        let len = arrays[0].len();
        let chunks: [(&[[f32; LANES]], &[f32]); A] = from_fn(|a| arrays[a][..len].as_chunks());
        for i in 0..len / LANES {
            self.add_lanes(simd, from_fn(|a| &chunks[a].0[i]), &term);
        }
        if !len.is_multiple_of(LANES) {
            // The lanes past the end get no term: zeros would do for a sum, but a term of zeros need not be zero.
            let mut terms = [[0.0; LANES]; N];
            (0..len % LANES).for_each(|l| {
                let own = term(from_fn(|a| chunks[a].1[l]));
                (0..N).for_each(|n| terms[n][l] = own[n]);
            });
            self.add_terms(simd, &terms);
        }
    }

    #[inline(always)]
    fn add_lanes<const A: usize>(&mut self, simd: S, chunk: [&[f32; LANES]; A], term: &impl Fn([f32; A]) -> [f32; N]) {
        // Terms are made apart from the sums: a loop without a sum is sure to become vector code.
        let mut terms = [[0.0; LANES]; N];
        for l in 0..LANES {
            let own = term(from_fn(|a| chunk[a][l]));
            (0..N).for_each(|n| terms[n][l] = own[n]);
        }
        self.add_terms(simd, &terms);
    }

    #[inline(always)]
    fn add_terms(&mut self, simd: S, terms: &[[f32; LANES]; N]) {
        for (sums, terms) in self.0.iter_mut().zip(terms) {
            for (sum, terms) in sums.iter_mut().zip(terms.as_chunks::<16>().0) {
                *sum += f32x16::from_slice(simd, terms);
            }
        }
    }

    /// The lanes of each sum added up, as a tree.
    #[inline(always)]
    pub(crate) fn total(self) -> [f32; N] {
        self.0.map(|[low, high]| (low + high).reduce_sum())
    }
}

/// The sums of the terms of all elements of arrays of one length. To be called in a `#[simd]` function, of which it becomes a part.
#[inline(always)]
pub(crate) fn lane_sums<S: Simd, const A: usize, const N: usize>(
    simd: S,
    arrays: [&[f32]; A],
    term: impl Fn([f32; A]) -> [f32; N],
) -> [f32; N] {
    let mut sums = LaneSums::zero(simd);
    sums.add(simd, arrays, term);
    sums.total()
}

/// The sum of all elements of arrays: of runs in f32, of those in f64, in order.
pub(crate) fn total<'a>(arrays: impl Iterator<Item = &'a [f32]>) -> f64 {
    arrays.flat_map(|array| array.chunks(RUN)).map(|run| f64::from(dispatch!(level(), simd => sum(simd, run)))).sum()
}

#[simd]
fn sum<S: Simd>(simd: S, run: &[f32]) -> f32 {
    lane_sums(simd, [run], |term| term)[0]
}
