//! Extents of a convolution, and the padded copy of its input that makes every tap a run of memory.
//!
//! The copy of stride s is split into s² phases (even and odd rows and columns for 2), so that each tap is a shift of one phase. Several
//! channels are copied with the same geometry, one after the other.

use fearless_simd::{Simd, f32x8, prelude::*};

/// A convolution of one group of channels of one image, as an inner loop sees it. All of any stride, dilation and padding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Channels that are summed over.
    pub(crate) c_in: usize,
    pub(crate) h_in: usize,
    pub(crate) w_in: usize,
    /// Channels that are computed.
    pub(crate) c_out: usize,
    pub(crate) h_out: usize,
    pub(crate) w_out: usize,
    pub(crate) kernel_h: usize,
    pub(crate) kernel_w: usize,
    pub(crate) stride: usize,
    pub(crate) dilation: usize,
    /// Zeros before the first row and column; negative: rows and columns that are left out.
    pub(crate) padding: [isize; 2],
    /// Distance of the input's rows and columns: with zeros between them the input gradient of any stride is a convolution of stride 1.
    pub(crate) spread: usize,
    /// Words between the weights of two output channels and of two input channels.
    pub(crate) weight_strides: [usize; 2],
    /// Taps in reverse, for the input gradient.
    pub(crate) flip: bool,
}

impl Window {
    pub(crate) fn taps(&self) -> usize {
        self.kernel_h * self.kernel_w
    }
}

/// The padded copy of what a band of output rows sees: `[channel][phase][row][pitch]`.
pub(crate) struct Padded {
    phase_rows: usize,
    /// Words between two output rows.
    pub(crate) pitch: usize,
    /// Words between two channels.
    pub(crate) channel: usize,
}

impl Padded {
    /// The copy for `rows` output rows.
    pub(crate) fn new(c: &Window, rows: usize) -> Padded {
        let reach = |kernel: usize| (kernel - 1) * c.dilation;
        // A row of the copy holds what an output row sees, no less than that.
        let pitch = c.w_out + reach(c.kernel_w).div_ceil(c.stride);
        let phase_rows = rows + reach(c.kernel_h).div_ceil(c.stride);
        let channel = c.stride * c.stride * phase_rows * pitch;
        // Channels a multiple of 1 KiB apart would share a few lines of the first-level cache.
        let channel = if channel.is_multiple_of(256) { channel + 16 } else { channel };
        Padded { phase_rows, pitch, channel }
    }

    /// Where each (channel, tap) begins.
    pub(crate) fn offsets(&self, c: &Window) -> Vec<usize> {
        let taps = c.taps();
        let tap = |t: usize| {
            let t = if c.flip { taps - 1 - t } else { t };
            let (y, x) = (t / c.kernel_w * c.dilation, t % c.kernel_w * c.dilation);
            let phase = y % c.stride * c.stride + x % c.stride;
            (phase * self.phase_rows + y / c.stride) * self.pitch + x / c.stride
        };
        (0..c.c_in * taps).map(|k| k / taps * self.channel + tap(k % taps)).collect()
    }

    /// Copies what the output rows from `first` on see of some channels. `cleared`: the zeros around are there already.
    #[inline(always)]
    pub(crate) fn fill<S: Simd>(&self, simd: S, c: &Window, planes: &[f32], first: usize, source: &mut [f32], cleared: bool) {
        let pitch = self.pitch;
        for (plane, target) in planes.chunks_exact(c.h_in * c.w_in).zip(source.chunks_exact_mut(self.channel)) {
            for (phase, target) in
                target[..c.stride * c.stride * self.phase_rows * pitch].chunks_exact_mut(self.phase_rows * pitch).enumerate()
            {
                for (i, row) in target.chunks_exact_mut(pitch).enumerate() {
                    let y = ((first + i) * c.stride + phase / c.stride) as isize - c.padding[0];
                    match place(y, c.spread).filter(|&y| y < c.h_in) {
                        None if cleared => (),
                        None => row.fill(0.0),
                        Some(y) => fill_row(simd, row, &plane[y * c.w_in..][..c.w_in], phase % c.stride, c, cleared),
                    }
                }
            }
        }
    }
}

/// Row or column of the input at a place of the spread input.
#[inline(always)]
fn place(at: isize, spread: usize) -> Option<usize> {
    let at = usize::try_from(at).ok()?;
    if spread == 1 { Some(at) } else { at.is_multiple_of(spread).then_some(at / spread) }
}

/// row[i] = spread input[i·stride + phase − padding], zero outside.
#[inline(always)]
fn fill_row<S: Simd>(simd: S, row: &mut [f32], input: &[f32], phase: usize, c: &Window, cleared: bool) {
    let padding = c.padding[1] - phase as isize;
    if c.spread > 1 {
        // Stride 1: the first column that is one of the input's, and every spread-th after it.
        let (left, first) = match usize::try_from(padding) {
            Ok(left) => (left, 0),
            Err(_) => {
                let first = padding.unsigned_abs().div_ceil(c.spread);
                (first * c.spread - padding.unsigned_abs(), first)
            }
        };
        row.fill(0.0);
        if let (Some(row), Some(input)) = (row.get_mut(left..), input.get(first..)) {
            row.iter_mut().step_by(c.spread).zip(input).for_each(|(to, &from)| *to = from);
        }
        return;
    }
    let left = usize::try_from(padding).unwrap_or(0).div_ceil(c.stride).min(row.len());
    let input = input.get(((left * c.stride) as isize - padding) as usize..).unwrap_or_default();
    let count = input.len().div_ceil(c.stride).min(row.len() - left);
    if !cleared {
        row[..left].fill(0.0);
        row[left + count..].fill(0.0);
    }
    let row = &mut row[left..left + count];
    match c.stride {
        1 => copy(simd, &input[..count], row),
        2 => every_second(simd, input, row),
        step => row.iter_mut().zip(input.iter().step_by(step)).for_each(|(to, &from)| *to = from),
    }
}

/// Every second word.
#[inline(always)]
pub(crate) fn every_second<S: Simd>(simd: S, from: &[f32], to: &mut [f32]) {
    let (from_blocks, from_rest) = from[..from.len().min(2 * to.len())].as_chunks::<16>();
    let (to_blocks, to_rest) = to.split_at_mut(8 * from_blocks.len());
    for (from, to) in from_blocks.iter().zip(to_blocks.as_chunks_mut::<8>().0) {
        f32x8::from_slice(simd, &from[..8]).unzip_low(f32x8::from_slice(simd, &from[8..])).store_slice(to);
    }
    to_rest.iter_mut().zip(from_rest.iter().step_by(2)).for_each(|(to, &from)| *to = from);
}

/// Copies a short row: a call of memcpy costs more than the few words.
#[inline(always)]
pub(crate) fn copy<S: Simd>(simd: S, from: &[f32], to: &mut [f32]) {
    let ((from, from_rest), (to, to_rest)) = (from.as_chunks::<8>(), to.as_chunks_mut::<8>());
    from.iter().zip(to).for_each(|(from, to)| f32x8::from_slice(simd, from).store_slice(to));
    from_rest.iter().zip(to_rest).for_each(|(from, to)| *to = *from);
}
