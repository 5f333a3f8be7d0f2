//! Convolutions of any window, stride and dilation as one product over shifted rows.
//!
//! A band of rows is copied with its zeros around ([`Padded`]). Over its flattened rows every tap of every channel is one run of memory:
//! out[o][q] = Σ_k w[k][o] · source[offset[k] + q], the inner loop of `tile`.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::level::level;
use super::matrix::Epilogue;
use super::padded::{Padded, Window, copy};
use super::parts::Parts;
use super::scratch::with_scratch;
use super::tile::{ROWS, product};
use super::transpose::transpose_strip;

/// Products added at a time: sums of sums lose less than one long sum.
const DEPTH: usize = 576;
/// Words of a band's copy. Every block of outputs reads it once at a word a cycle, which the third-level cache can serve.
const BAND_WORDS: usize = 256 * 1024;
/// Words behind a band: its last vectors may reach past the last row.
const SLACK: usize = 64;

/// Rows of outputs to compute at a time, of `units` maps.
fn band_rows(c: &Window, units: usize) -> usize {
    let words = c.c_in * Padded::new(c, 1).channel;
    let bands = c.h_out.div_ceil((BAND_WORDS / words).clamp(4, 64));
    // Nine bands would keep one of two threads waiting for a ninth of the time.
    let bands = if bands > 2 && !(units * bands).is_multiple_of(4) { bands.next_multiple_of(4) } else { bands };
    c.h_out.div_ceil(bands)
}

/// One block of weights as `[channel, tap][output in block]`, zeros past the last output.
#[simd]
fn pack<S: Simd>(simd: S, c: &Window, weight: &[f32], block: usize, packed: &mut [f32]) {
    let (taps, [o_stride, i_stride]) = (c.taps(), c.weight_strides);
    let rows = ROWS.min(c.c_out - block * ROWS);
    if rows < ROWS {
        packed.fill(0.0);
    }
    // Where the weights of all input channels lie in a row they are one strip.
    let (strips, columns) = if i_stride == taps { (1, c.c_in * taps) } else { (c.c_in, taps) };
    for (i, packed) in packed.chunks_exact_mut(columns * ROWS).enumerate().take(strips) {
        transpose_strip(simd, &weight[block * ROWS * o_stride + i * i_stride..], o_stride, rows, columns, packed, ROWS);
    }
}

/// output[image, group] = epilogue(input[image, group] ∗ weight[group]).
pub(crate) fn convolve(c: &Window, [images, groups]: [usize; 2], input: &[f32], weight: &[f32], epilogue: &Epilogue, output: &mut [f32]) {
    let rows = band_rows(c, images * groups);
    let padded = Padded::new(c, rows);
    let offsets = padded.offsets(c);
    let (bands, blocks) = (c.h_out.div_ceil(rows), c.c_out.div_ceil(ROWS));
    // Few bands: tasks share the output channels out too and copy the band again.
    let shares = (4 * rayon::current_num_threads()).div_ceil(images * groups * bands).min(blocks);
    let (output, image, of_group) = (Parts::new(output), c.c_in * c.h_in * c.w_in, c.c_out * c.c_in * c.taps());
    let packed_block = offsets.len() * ROWS;
    with_scratch(groups * blocks * packed_block, |packed| {
        packed.par_chunks_exact_mut(packed_block).enumerate().for_each(|(i, packed)| {
            let weight = &weight[i / blocks * of_group..][..of_group];
            dispatch!(level(), simd => pack(simd, c, weight, i % blocks, packed));
        });
        (0..images * groups * bands * shares).into_par_iter().for_each(|task| {
            let (unit, first, share) = (task / (bands * shares), task / shares % bands * rows, task % shares);
            let group = unit % groups;
            let band = Band {
                c,
                padded: &padded,
                offsets: &offsets,
                unit,
                group,
                first,
                rows: rows.min(c.h_out - first),
                blocks: [share * blocks / shares, (share + 1) * blocks / shares],
            };
            let packed = &packed[group * blocks * packed_block..][..blocks * packed_block];
            with_scratch(c.c_in * padded.channel + SLACK, |source| {
                with_scratch(ROWS * band.pitch(), |sums| {
                    dispatch!(level(), simd => band.compute(simd, &input[unit * image..][..image], packed, epilogue, source, sums, &output));
                })
            });
        });
    });
}

/// A task: some rows of some blocks of channels of one group of one image.
struct Band<'a> {
    c: &'a Window,
    padded: &'a Padded,
    offsets: &'a [usize],
    /// Group of all images.
    unit: usize,
    group: usize,
    first: usize,
    rows: usize,
    blocks: [usize; 2],
}

impl Band<'_> {
    fn columns(&self) -> usize {
        (self.rows - 1) * self.padded.pitch + self.c.w_out
    }

    fn pitch(&self) -> usize {
        self.columns().next_multiple_of(SLACK)
    }

    #[simd]
    #[allow(clippy::too_many_arguments)] // slices apart from `self`, so that the inner loops see nothing else
    fn compute<S: Simd>(
        &self,
        simd: S,
        image: &[f32],
        packed: &[f32],
        epilogue: &Epilogue,
        source: &mut [f32],
        sums: &mut [f32],
        output: &Parts,
    ) {
        let &Band { c, padded, offsets, unit, group, first, rows, blocks: [start, end] } = self;
        let words = source.len();
        padded.fill(simd, c, image, first, source, false);
        source[words - SLACK..].fill(0.0);
        for block in start..end {
            let factors = &packed[block * offsets.len() * ROWS..][..offsets.len() * ROWS];
            for (i, (factors, offsets)) in factors.chunks(DEPTH * ROWS).zip(offsets.chunks(DEPTH)).enumerate() {
                product(simd, factors, offsets, source, sums, [self.pitch(), self.columns()], i > 0);
            }
            for (o, sums) in (block * ROWS..c.c_out.min((block + 1) * ROWS)).zip(sums.chunks_exact(self.pitch())) {
                // SAFETY: every (image, channel, band) belongs to one task.
                let target = unsafe { output.part(((unit * c.c_out + o) * c.h_out + first) * c.w_out, rows * c.w_out) };
                for (target, sums) in target.chunks_exact_mut(c.w_out).zip(sums.chunks(padded.pitch)) {
                    copy(simd, &sums[..c.w_out], target);
                }
                epilogue.apply(simd, group * c.c_out + o, target);
            }
        }
    }
}
