//! Windows that do not overlap, side by side: `[image, channel, tap, pixel]`. A convolution over them is a matrix product.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::chunks::items_a_task;
use super::extents::Extents;
use super::level::level;
use super::padded::{copy, every_second};

/// The patches of a convolution without padding whose stride is at least its window.
pub(crate) struct Patches {
    e: Extents,
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

    /// patches[c, ky, kx, y, x] = input[c, y·stride + ky, x·stride + kx] of every image.
    pub(crate) fn gather(&self, input: &[f32], patches: &mut [f32]) {
        let (plane, patch) = (self.e.h_in * self.e.w_in, self.patch());
        let least = items_a_task(patch);
        patches.par_chunks_exact_mut(patch).zip(input.par_chunks_exact(plane)).with_min_len(least).for_each(|(patches, plane)| {
            dispatch!(level(), simd => self.gather_plane(simd, plane, patches));
        });
    }

    /// The adjoint of [`Patches::gather`], plus a bias a channel; elements that no window holds are the bias alone.
    pub(crate) fn scatter(&self, patches: &[f32], bias: Option<&[f32]>, output: &mut [f32]) {
        let (plane, patch) = (self.e.h_in * self.e.w_in, self.patch());
        let channels = self.e.groups * self.e.c_in;
        let planes = output.par_chunks_exact_mut(plane).zip(patches.par_chunks_exact(patch)).enumerate();
        planes.with_min_len(items_a_task(patch)).for_each(|(i, (output, patches))| {
            let bias = bias.map_or(0.0, |bias| bias[i % channels]);
            dispatch!(level(), simd => self.scatter_plane(simd, patches, bias, output));
        });
    }

    /// Words of a channel's patches.
    fn patch(&self) -> usize {
        self.e.taps() * self.e.h_out * self.e.w_out
    }

    #[simd]
    fn gather_plane<S: Simd>(&self, simd: S, plane: &[f32], patches: &mut [f32]) {
        let e = &self.e;
        for (tap, patch) in patches.chunks_exact_mut(e.h_out * e.w_out).enumerate() {
            let (ky, kx) = (tap / e.kernel_w, tap % e.kernel_w);
            for (y, row) in patch.chunks_exact_mut(e.w_out).enumerate() {
                let from = &plane[(y * e.stride + ky) * e.w_in + kx..][..(e.w_out - 1) * e.stride + 1];
                match e.stride {
                    1 => copy(simd, from, row),
                    2 => every_second(simd, from, row),
                    stride => row.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, from)| *to = *from),
                }
            }
        }
    }

    #[simd]
    fn scatter_plane<S: Simd>(&self, _simd: S, patches: &[f32], bias: f32, plane: &mut [f32]) {
        let e = &self.e;
        if e.kernel_h != e.stride || e.kernel_w != e.stride || e.h_out * e.stride != e.h_in || e.w_out * e.stride != e.w_in {
            plane.fill(bias);
        }
        let patch = e.h_out * e.w_out;
        for ky in 0..e.kernel_h {
            for y in 0..e.h_out {
                let to = &mut plane[(y * e.stride + ky) * e.w_in..][..e.w_in];
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
