//! Sums in a fixed number of lanes and a fixed order, the same on every instruction set: a compiler may not reorder a plain sum, and
//! many short sums lose less than one long one.

/// Lanes: two vectors of the widest set.
const LANES: usize = 32;

/// Elements that are summed in f32 before their sum joins others in f64.
pub(crate) const RUN: usize = 4096;

/// `N` sums, each in lanes.
pub(crate) struct LaneSums<const N: usize>([[f32; LANES]; N]);

impl<const N: usize> LaneSums<N> {
    #[inline(always)]
    pub(crate) fn zero() -> Self {
        LaneSums([[0.0; LANES]; N])
    }

    /// Adds `term(0)` to `term(len − 1)`. To be called in a `#[simd]` function, of which it becomes a part.
    #[inline(always)]
    pub(crate) fn add(&mut self, len: usize, term: impl Fn(usize) -> [f32; N]) {
        let whole = len / LANES * LANES;
        // A copy that never leaves the registers.
        let mut sums = self.0;
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
        self.0 = sums;
    }

    /// The lanes of each sum added up, as a tree.
    #[inline(always)]
    pub(crate) fn total(self) -> [f32; N] {
        self.0.map(|mut lanes| {
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
}

/// The sums of `term(0)` to `term(len − 1)`. To be called in a `#[simd]` function, of which it becomes a part.
#[inline(always)]
pub(crate) fn lane_sums<const N: usize>(len: usize, term: impl Fn(usize) -> [f32; N]) -> [f32; N] {
    let mut sums = LaneSums::zero();
    sums.add(len, term);
    sums.total()
}
