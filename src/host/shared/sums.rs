//! Sums in a fixed number of lanes and a fixed order, the same on every instruction set: a compiler may not reorder a plain sum, and
//! many short sums lose less than one long one.

/// Lanes: two vectors of the widest set.
const LANES: usize = 32;

/// The sums of `term(0)` to `term(len − 1)`, each of `N` values. To be called in a `#[simd]` function, of which it becomes a part.
#[inline(always)]
pub(crate) fn lane_sums<const N: usize>(len: usize, term: impl Fn(usize) -> [f32; N]) -> [f32; N] {
    let mut sums = [[0.0f32; LANES]; N];
    let whole = len / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        for l in 0..LANES {
            let terms = term(at + l);
            for n in 0..N {
                sums[n][l] += terms[n];
            }
        }
    }
    for at in whole..len {
        let terms = term(at);
        for n in 0..N {
            sums[n][at - whole] += terms[n];
        }
    }
    sums.map(|mut lanes| {
        let mut width = LANES / 2;
        while width > 0 {
            for l in 0..width {
                lanes[l] += lanes[l + width];
            }
            width /= 2;
        }
        lanes[0]
    })
}
