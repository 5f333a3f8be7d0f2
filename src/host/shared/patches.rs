//! Windows that do not overlap, side by side: `[channel, tap, pixel]`. A convolution over them is a matrix product.
//!
//! Where the weights are small, a task takes a band of the output's rows and keeps its patches in the cache; where they are large, all
//! patches are made at once and the product is shared out over the weights' rows.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::chunks::items_a_task;
use super::extents::Extents;
use super::level::level;
use super::padded::{copy, every_second};
use super::parts::Parts;

/// Words of a band's patches, and of weights that each band may read anew.
const BAND_WORDS: usize = 64 * 1024;

/// The patches of a convolution without padding whose stride is at least its window.
#[derive(Clone, Copy)]
pub(crate) struct Patches {
    e: Extents,
}

/// Rows `first` to `first + rows` of the output of one group of one image.
#[derive(Clone, Copy)]
pub(crate) struct Band {
    pub(crate) unit: usize,
    pub(crate) first: usize,
    pub(crate) rows: usize,
}

impl Patches {
    /// `None` where windows overlap or reach past the input.
    pub(crate) fn of(e: &Extents) -> Option<Patches> {
        let apart = e.dilation == 1 || e.taps() == 1;
        (e.padding == 0 && apart && e.stride >= e.kernel_h.max(e.kernel_w)).then_some(Patches { e: *e })
    }

    /// True where the patches are the input itself.
    pub(crate) fn is_identity(&self) -> bool {
        self.e.taps() == 1 && self.e.stride == 1
    }

    /// True where bands pay: every one of them reads all weights of its group.
    pub(crate) fn has_small_weights(&self) -> bool {
        self.e.weights() / self.e.groups <= BAND_WORDS
    }

    /// Bands of the output; they depend on the shape alone.
    pub(crate) fn bands(&self) -> usize {
        self.e.n * self.e.groups * self.e.h_out.div_ceil(self.band_rows())
    }

    /// A band by its number.
    pub(crate) fn band(&self, number: usize) -> Band {
        let rows = self.band_rows();
        let each = self.e.h_out.div_ceil(rows);
        let first = number % each * rows;
        Band { unit: number / each, first, rows: rows.min(self.e.h_out - first) }
    }

    fn band_rows(&self) -> usize {
        let words = self.e.c_in.max(self.e.c_out) * self.e.taps() * self.e.w_out;
        (BAND_WORDS / words).clamp(1, self.e.h_out)
    }

    /// patches[c, ky, kx, y, x] = input[c, y·stride + ky, x·stride + kx] of all images.
    pub(crate) fn gather(&self, input: &[f32], patches: &mut [f32]) {
        let (plane, patch) = (self.e.h_in * self.e.w_in, self.e.taps() * self.e.h_out * self.e.w_out);
        let planes = patches.par_chunks_exact_mut(patch).zip(input.par_chunks_exact(plane));
        planes.with_min_len(items_a_task(patch)).for_each(|(patches, plane)| {
            dispatch!(level(), simd => self.gather_rows(simd, plane, [0, self.e.h_out], patches));
        });
    }

    /// The patches of a band.
    pub(crate) fn gather_band(&self, band: &Band, input: &[f32], patches: &mut [f32]) {
        let (plane, patch) = (self.e.h_in * self.e.w_in, self.e.taps() * band.rows * self.e.w_out);
        let planes = input[band.unit * self.e.c_in * plane..].chunks_exact(plane);
        for (plane, patches) in planes.zip(patches.chunks_exact_mut(patch)).take(self.e.c_in) {
            dispatch!(level(), simd => self.gather_rows(simd, plane, [band.first, band.rows], patches));
        }
    }

    /// The adjoint of [`Patches::gather`], plus a bias a channel; elements that no window holds are the bias alone.
    pub(crate) fn scatter(&self, patches: &[f32], bias: Option<&[f32]>, output: &mut [f32]) {
        let units = self.e.n * self.e.groups;
        let patch = self.e.taps() * self.e.h_out * self.e.w_out;
        let output = Parts::new(output);
        (0..units * self.e.c_in).into_par_iter().with_min_len(items_a_task(patch)).for_each(|i| {
            let band = Band { unit: i / self.e.c_in, first: 0, rows: self.e.h_out };
            self.scatter_channel(&band, i % self.e.c_in, &patches[i * patch..][..patch], bias, &output);
        });
    }

    /// The adjoint of [`Patches::gather_band`], as [`Patches::scatter`].
    pub(crate) fn scatter_band(&self, band: &Band, patches: &[f32], bias: Option<&[f32]>, output: &Parts) {
        let patch = self.e.taps() * band.rows * self.e.w_out;
        for (channel, patches) in patches.chunks_exact(patch).enumerate() {
            self.scatter_channel(band, channel, patches, bias, output);
        }
    }

    fn scatter_channel(&self, band: &Band, channel: usize, patches: &[f32], bias: Option<&[f32]>, output: &Parts) {
        let e = &self.e;
        let bias = bias.map_or(0.0, |bias| bias[band.unit % e.groups * e.c_in + channel]);
        // The last band has the rows that no window reaches, too.
        let last = band.first + band.rows == e.h_out;
        let end = if last { e.h_in } else { (band.first + band.rows) * e.stride };
        let first = band.first * e.stride;
        let at = ((band.unit * e.c_in + channel) * e.h_in + first) * e.w_in;
        assert!(first < end && end <= e.h_in, "rows {first} to {end} of windows leave an input of {}", e.h_in);
        // SAFETY: bands share no rows, these lie in their own channel by the line above, and every (band, channel) belongs to one task.
        let rows = unsafe { output.part(at, (end - first) * e.w_in) };
        dispatch!(level(), simd => self.scatter_rows(simd, patches, band.rows, bias, rows));
    }

    /// Rows `first` to `first + rows` of every tap of one channel.
    #[simd]
    fn gather_rows<S: Simd>(&self, simd: S, plane: &[f32], [first, rows]: [usize; 2], patches: &mut [f32]) {
        let e = &self.e;
        for (tap, patch) in patches.chunks_exact_mut(rows * e.w_out).enumerate() {
            let (ky, kx) = (tap / e.kernel_w, tap % e.kernel_w);
            for (y, row) in (first..).zip(patch.chunks_exact_mut(e.w_out)) {
                let from = &plane[(y * e.stride + ky) * e.w_in + kx..][..(e.w_out - 1) * e.stride + 1];
                match e.stride {
                    1 => copy(simd, from, row),
                    2 => every_second(simd, from, row),
                    stride => row.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, from)| *to = *from),
                }
            }
        }
    }

    /// The adjoint for `rows` rows of windows, into the rows of one channel that they begin.
    #[simd]
    fn scatter_rows<S: Simd>(&self, _simd: S, patches: &[f32], rows: usize, bias: f32, output: &mut [f32]) {
        let e = &self.e;
        let covered = e.kernel_h == e.stride && e.kernel_w == e.stride && output.len() == rows * e.stride * e.w_in;
        if !covered || e.w_out * e.stride != e.w_in {
            output.fill(bias);
        }
        let patch = rows * e.w_out;
        for ky in 0..e.kernel_h {
            for y in 0..rows {
                let to = &mut output[(y * e.stride + ky) * e.w_in..][..e.w_in];
                let row = |kx: usize| &patches[(ky * e.kernel_w + kx) * patch + y * e.w_out..][..e.w_out];
                if e.stride == 2 && e.kernel_w == 2 {
                    // Both columns at once.
                    let pairs = to.as_chunks_mut::<2>().0.iter_mut().zip(row(0).iter().zip(row(1)));
                    pairs.for_each(|(to, (left, right))| *to = [left + bias, right + bias]);
                } else {
                    for kx in 0..e.kernel_w {
                        to[kx..].iter_mut().step_by(e.stride).zip(row(kx)).for_each(|(to, from)| *to = from + bias);
                    }
                }
            }
        }
    }
}
