//! Source coordinates of interpolation along one axis, PyTorch's rules, as in `shaders/shared/resample.wgsl`.

use super::super::interpolate::InterpolateParams;

/// How source pixels are combined: the shaders' `MODE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Nearest,
    Bilinear,
    BilinearAligned,
}

impl Mode {
    pub(crate) fn of(constant: u32) -> Mode {
        match constant {
            0 => Mode::Nearest,
            1 => Mode::Bilinear,
            _ => Mode::BilinearAligned,
        }
    }
}

/// Extents and ratio of one axis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) input: usize,
    pub(crate) output: usize,
    ratio: f32,
}

impl Extent {
    /// Rows and columns of a launch.
    pub(crate) fn of(p: &InterpolateParams) -> [Extent; 2] {
        let extent = |input: u32, output: u32, ratio| Extent { input: input as usize, output: output as usize, ratio };
        [extent(p.h_in, p.h_out, p.ratio_h), extent(p.w_in, p.w_out, p.ratio_w)]
    }

    /// First source position of an output position, and the share of the next one. In f32, so that nearest picks PyTorch's pixels.
    fn tap(&self, mode: Mode, output: usize) -> (usize, f32) {
        let source = match mode {
            Mode::Bilinear => ((output as f32 + 0.5) * self.ratio - 0.5).max(0.0),
            _ => output as f32 * self.ratio,
        };
        let low = (source as usize).min(self.input - 1);
        (low, if mode == Mode::Nearest { 0.0 } else { (source - low as f32).clamp(0.0, 1.0) })
    }

    /// Words of scratch memory that [`Axis::new`] takes.
    pub(crate) fn words(&self) -> usize {
        2 * self.output + self.input + 1
    }
}

/// Taps of all output positions of one axis.
#[derive(Clone, Copy)]
pub(crate) struct Axis<'a> {
    pub(crate) input: usize,
    nearest: bool,
    low: &'a [u32],
    share: &'a [f32],
    /// First output position with each source position as its first, and one past the last.
    start: &'a [u32],
}

impl<'a> Axis<'a> {
    /// Taps in `memory`, of which they take [`Extent::words`] words.
    pub(crate) fn new(extent: &Extent, mode: Mode, memory: &'a mut [f32]) -> Axis<'a> {
        let (low, memory) = memory.split_at_mut(extent.output);
        let (share, start) = memory.split_at_mut(extent.output);
        let (low, start) = (bytemuck::cast_slice_mut::<f32, u32>(low), bytemuck::cast_slice_mut::<f32, u32>(&mut start[..=extent.input]));
        let mut begun = 0;
        for (output, (low, share)) in low.iter_mut().zip(&mut *share).enumerate() {
            let tap = extent.tap(mode, output);
            (*low, *share) = (tap.0 as u32, tap.1);
            // First positions never decrease.
            while begun <= tap.0 {
                start[begun] = output as u32;
                begun += 1;
            }
        }
        start[begun..].fill(extent.output as u32);
        Axis { input: extent.input, nearest: mode == Mode::Nearest, low, share, start }
    }

    pub(crate) fn output(&self) -> usize {
        self.low.len()
    }

    pub(crate) fn is_nearest(&self) -> bool {
        self.nearest
    }

    /// First and second source position of an output position, and the share of the second.
    #[inline(always)]
    pub(crate) fn tap(&self, output: usize) -> (usize, usize, f32) {
        let low = self.low[output] as usize;
        (low, if self.nearest { low } else { (low + 1).min(self.input - 1) }, self.share[output])
    }

    /// Shares of the second position, by output position.
    pub(crate) fn shares(&self) -> &'a [f32] {
        self.share
    }

    /// Output positions that have source position `input` as their first.
    #[inline(always)]
    pub(crate) fn begun_at(&self, input: usize) -> std::ops::Range<usize> {
        self.start[input] as usize..self.start[input + 1] as usize
    }

    /// Output positions with a share of source position `input`, in order, each with the share.
    #[inline(always)]
    pub(crate) fn users(&self, input: usize) -> impl Iterator<Item = (usize, f32)> + use<'a> {
        let own = self.begun_at(input);
        // Those that begin at the position before have this one as their second. The last position is also its own neighbour.
        let first = if self.nearest || input == 0 { own.start } else { self.start[input - 1] as usize };
        let (share, last) = (self.share, !self.nearest && input + 1 == self.input);
        (first..own.end).map(move |o| {
            (
                o,
                if o < own.start {
                    share[o]
                } else if last {
                    1.0
                } else {
                    1.0 - share[o]
                },
            )
        })
    }

    /// True where the output positions 2k and 2k + 1 begin at the source position k (nearest), or at k − 1 and k but for the first and the
    /// last two (bilinear): doubling, with corners aligned or not.
    pub(crate) fn doubles(&self) -> bool {
        let pairs = self.low.as_chunks::<2>().0;
        let back = u32::from(!self.nearest);
        let mut inside = pairs.iter().zip(0u32..).skip(back as usize).take(self.input.saturating_sub(2 * back as usize));
        self.input >= 2 && self.low.len() == 2 * self.input && inside.all(|(pair, k)| *pair == [k - back, k])
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, Extent, Mode};

    fn axis(input: usize, output: usize, mode: Mode, memory: &mut [f32]) -> Axis<'_> {
        let ratio = match mode {
            Mode::BilinearAligned => (input - 1) as f32 / (output.max(2) - 1) as f32,
            _ => input as f32 / output as f32,
        };
        Axis::new(&Extent { input, output, ratio }, mode, memory)
    }

    #[test]
    fn users_are_the_taps_seen_from_the_source() {
        for mode in [Mode::Nearest, Mode::Bilinear, Mode::BilinearAligned] {
            for (input, output) in [(1, 1), (1, 5), (5, 1), (2, 4), (7, 14), (13, 41), (41, 13), (9, 9), (3, 100)] {
                let mut memory = vec![0.0; 1000];
                let axis = axis(input, output, mode, &mut memory);
                let mut want = vec![0.0f32; input * output];
                for o in 0..output {
                    let (low, high, share) = axis.tap(o);
                    want[low * output + o] += 1.0 - share;
                    want[high * output + o] += share;
                }
                let mut got = vec![0.0f32; input * output];
                (0..input).for_each(|i| axis.users(i).for_each(|(o, share)| got[i * output + o] += share));
                let close = got.iter().zip(&want).all(|(got, want)| (got - want).abs() <= 1e-7);
                assert!(close, "{mode:?} {input} to {output}: {got:?} instead of {want:?}");
            }
        }
    }

    #[test]
    fn doubling_is_known_in_all_modes_and_nothing_else_is() {
        for mode in [Mode::Nearest, Mode::Bilinear, Mode::BilinearAligned] {
            let doubles = |input, output| axis(input, output, mode, &mut vec![0.0; 9000]).doubles();
            assert!([2, 3, 8, 41, 128, 512].into_iter().all(|side| doubles(side, 2 * side)), "{mode:?}");
            assert!(!doubles(1, 2) && !doubles(8, 8) && !doubles(8, 17) && !doubles(8, 4), "{mode:?}");
        }
    }
}
