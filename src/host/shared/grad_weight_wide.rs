//! Weight gradient of a convolution with the channels in the lanes: the product over shifted rows of the forward pass, over pixels.
//!
//! dw[o][tap, c] = Σ_pixel dy[pixel][o] · x[pixel + tap][c]. With channels innermost a row of taps of a pixel is one run of memory,
//! kernel · c_in words. So dy's rows are the factors of `tile`; x, padded and with channels innermost, is its source.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::level::level;
use super::padded::Window;
use super::scratch::with_scratch;
use super::tile::{ROWS, product};
use super::transpose::transpose_strip;

/// Pixels summed at a time: their factors and source stay in the caches, and sums of sums lose less than one long sum.
const PIXELS: usize = 512;
/// Columns that go with them: three vectors of the widest set.
const COLUMNS: usize = 48;
/// Pixels of a batch up to which sums outweigh the source: each block of them is to stay in a cache.
const FEW_PIXELS: usize = 1024;
/// Words behind the source: the last vectors of a run of taps may reach past it.
const SLACK: usize = 64;
/// Words of the copies of the images that are summed at a time.
const BATCH_WORDS: usize = 16 * 1024 * 1024;

/// How the copies lie in memory.
struct Layout<'a> {
    c: &'a Window,
    /// Rows and words of a row of the padded input.
    height: usize,
    pitch: usize,
    /// Words of taps that lie in a row, and runs of such.
    run: usize,
    runs: usize,
    /// Blocks of output channels.
    blocks: usize,
    /// Where each pixel's first tap begins.
    offsets: Vec<usize>,
}

impl<'a> Layout<'a> {
    fn new(c: &'a Window) -> Self {
        let side = |size: usize, padding: isize, out: usize, kernel: usize| {
            // The windows may reach further than the padded input, or not as far.
            ((size as isize + padding).max(0) as usize).max((out - 1) * c.stride + (kernel - 1) * c.dilation + 1)
        };
        let height = side(c.h_in, c.padding[0], c.h_out, c.kernel_h);
        let pitch = side(c.w_in, c.padding[1], c.w_out, c.kernel_w) * c.c_in;
        // Taps of a row are one run, unless they are apart.
        let run = if c.dilation == 1 { c.kernel_w * c.c_in } else { c.c_in };
        let step = [c.stride * pitch, c.stride * c.c_in];
        let offsets = (0..c.h_out * c.w_out).map(|p| p / c.w_out * step[0] + p % c.w_out * step[1]).collect();
        Layout { c, height, pitch, run, runs: c.taps() * c.c_in / run, blocks: c.c_out.div_ceil(ROWS), offsets }
    }

    /// Words of an image's copy.
    fn image(&self) -> usize {
        self.height * self.pitch
    }

    /// Words of an image's factors.
    fn factors(&self) -> usize {
        self.blocks * self.offsets.len() * ROWS
    }

    /// Words of a block's sums of one run.
    fn run_sums(&self) -> usize {
        ROWS * self.columns()
    }

    /// Words of a block's sums.
    fn sums(&self) -> usize {
        self.runs * self.run_sums()
    }

    /// Words between two rows of sums.
    fn columns(&self) -> usize {
        self.run.next_multiple_of(SLACK)
    }

    /// First word of a run's taps in the copy.
    fn shift(&self, r: usize) -> usize {
        let c = self.c;
        let (ky, kx) = if c.dilation == 1 { (r, 0) } else { (r / c.kernel_w, r % c.kernel_w) };
        c.dilation * (ky * self.pitch + kx * c.c_in)
    }
}

/// grad_weight of one group: Σ over images of the products of `input` and `grad_output`.
pub(crate) fn grad_weight(c: &Window, [images, groups, group]: [usize; 3], input: &[f32], grad_output: &[f32], grad_weight: &mut [f32]) {
    let layout = Layout::new(c);
    let (inputs, outputs) = (c.c_in * c.h_in * c.w_in, c.c_out * c.h_out * c.w_out);
    let at_once = (BATCH_WORDS / (layout.image() + layout.factors())).clamp(1, images);
    with_scratch(at_once * layout.image() + SLACK, |source| {
        with_scratch(at_once * layout.factors(), |factors| {
            let copy = |first: usize, count: usize, source: &mut [f32], factors: &mut [f32]| {
                let unit = |image: usize| (first + image) * groups + group;
                source[count * layout.image()..].fill(0.0);
                copy_inputs(&layout, |image| &input[unit(image) * inputs..][..inputs], &mut source[..count * layout.image()]);
                let dy = |image: usize| &grad_output[unit(image) * outputs..][..outputs];
                copy_factors(&layout, dy, &mut factors[..count * layout.factors()]);
            };
            // Either way a sum's terms and their order are the same.
            if at_once == images && images * layout.offsets.len() <= FEW_PIXELS && layout.blocks >= 4 * rayon::current_num_threads() {
                copy(0, images, source, factors);
                return by_blocks(&layout, images, source, factors, grad_weight);
            }
            with_scratch(layout.blocks * layout.sums(), |sums| {
                sums.fill(0.0);
                for first in (0..images).step_by(at_once) {
                    let count = at_once.min(images - first);
                    copy(first, count, source, factors);
                    by_runs(&layout, count, source, factors, sums);
                }
                let each = layout.run_sums();
                let targets = grad_weight.par_chunks_mut(ROWS * c.c_in * c.taps()).enumerate();
                targets.for_each(|(block, target)| write(&layout, |r| &sums[(r * layout.blocks + block) * each..][..each], target));
            });
        })
    })
}

/// Few pixels: a task has a block of output channels, whose sums stay in its cache.
fn by_blocks(layout: &Layout, images: usize, source: &[f32], factors: &[f32], grad_weight: &mut [f32]) {
    let targets = grad_weight.par_chunks_mut(ROWS * layout.c.c_in * layout.c.taps());
    targets.enumerate().for_each(|(block, target)| {
        with_scratch(layout.sums(), |sums| {
            sums.fill(0.0);
            for (r, sums) in sums.chunks_exact_mut(layout.run_sums()).enumerate() {
                add_images(layout, images, source, factors, [block, r], sums);
            }
            write(layout, |r| &sums[r * layout.run_sums()..][..layout.run_sums()], target);
        });
    });
}

/// Many pixels: a task has one run of taps of several blocks, which share the part of the source that is in the cache. Sums are
/// `[run][block]`.
fn by_runs(layout: &Layout, images: usize, source: &[f32], factors: &[f32], sums: &mut [f32]) {
    let groups = (4 * rayon::current_num_threads()).div_ceil(layout.runs).min(layout.blocks);
    let together = layout.blocks.div_ceil(groups);
    sums.par_chunks_exact_mut(layout.blocks * layout.run_sums()).enumerate().for_each(|(r, sums)| {
        sums.par_chunks_mut(together * layout.run_sums()).enumerate().for_each(|(group, sums)| {
            add_images(layout, images, source, factors, [group * together, r], sums);
        });
    });
}

fn copy_inputs<'a>(layout: &Layout, image: impl Fn(usize) -> &'a [f32] + Sync, source: &mut [f32]) {
    source.par_chunks_exact_mut(layout.pitch).enumerate().for_each(|(i, row)| {
        let (image, y) = (image(i / layout.height), i % layout.height);
        dispatch!(level(), simd => channels_innermost(simd, layout.c, image, y, row));
    });
}

fn copy_factors<'a>(layout: &Layout, image: impl Fn(usize) -> &'a [f32] + Sync, factors: &mut [f32]) {
    let pixels = layout.offsets.len();
    factors.par_chunks_exact_mut(pixels * ROWS).enumerate().for_each(|(i, factors)| {
        let first = i % layout.blocks * ROWS;
        let channels = ROWS.min(layout.c.c_out - first);
        if channels < ROWS {
            factors.fill(0.0);
        }
        let planes = &image(i / layout.blocks)[first * pixels..][..channels * pixels];
        dispatch!(level(), simd => transpose(simd, planes, pixels, channels, factors));
    });
}

/// Adds the images up in order, so that no result depends on the number of threads; of as many blocks from `first` on as `sums` holds.
fn add_images(layout: &Layout, images: usize, source: &[f32], factors: &[f32], [first, r]: [usize; 2], sums: &mut [f32]) {
    let (pixels, shift) = (layout.offsets.len(), layout.shift(r));
    for image in 0..images {
        let factors = &factors[(image * layout.blocks + first) * pixels * ROWS..];
        let source = &source[image * layout.image() + shift..];
        dispatch!(level(), simd => add_pixels(simd, factors, &layout.offsets, source, sums, [layout.columns(), layout.run]));
    }
}

/// The sums of a block as `[output channel][c_in][tap]`.
fn write<'a>(layout: &Layout, of_run: impl Fn(usize) -> &'a [f32], target: &mut [f32]) {
    let (c_in, taps) = (layout.c.c_in, layout.c.taps());
    for (o, target) in target.chunks_exact_mut(c_in * taps).enumerate() {
        for t in 0..taps {
            let (r, at) = (t * c_in / layout.run, t * c_in % layout.run);
            let sums = &of_run(r)[o * layout.columns() + at..][..c_in];
            target[t..].iter_mut().step_by(taps).zip(sums).for_each(|(to, &sum)| *to = sum);
        }
    }
}

/// The products of one image; `sums` are those of several blocks. Some pixels and columns at a time, which stay in the second-level cache
/// while the blocks go over them.
#[simd]
fn add_pixels<S: Simd>(simd: S, factors: &[f32], offsets: &[usize], source: &[f32], sums: &mut [f32], [pitch, columns]: [usize; 2]) {
    let of_block = offsets.len() * ROWS;
    for (i, offsets) in offsets.chunks(PIXELS).enumerate() {
        for first in (0..columns).step_by(COLUMNS) {
            let width = COLUMNS.min(columns - first);
            for (factors, sums) in factors.chunks_exact(of_block).zip(sums.chunks_exact_mut(ROWS * pitch)) {
                let factors = &factors[i * PIXELS * ROWS..][..offsets.len() * ROWS];
                product(simd, factors, offsets, &source[first..], &mut sums[first..], [pitch, width], true);
            }
        }
    }
}

#[simd]
fn transpose<S: Simd>(simd: S, planes: &[f32], pixels: usize, channels: usize, factors: &mut [f32]) {
    transpose_strip(simd, planes, pixels, channels, pixels, factors, ROWS);
}

/// One padded row of an image with the channels innermost.
#[simd]
fn channels_innermost<S: Simd>(simd: S, c: &Window, image: &[f32], y: usize, row: &mut [f32]) {
    let Some(y) = usize::try_from(y as isize - c.padding[0]).ok().filter(|&y| y < c.h_in) else {
        return row.fill(0.0);
    };
    let left = (c.padding[1] as usize * c.c_in).min(row.len());
    let (left, rest) = row.split_at_mut(left);
    let columns = c.w_in.min(rest.len() / c.c_in);
    let (middle, right) = rest.split_at_mut(columns * c.c_in);
    left.fill(0.0);
    right.fill(0.0);
    let plane = c.h_in * c.w_in;
    for first in (0..c.c_in).step_by(8) {
        let rows = &image[first * plane + y * c.w_in..];
        transpose_strip(simd, rows, plane, 8.min(c.c_in - first), columns, &mut middle[first..], c.c_in);
    }
}
