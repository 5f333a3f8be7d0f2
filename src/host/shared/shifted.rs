//! Convolutions of any window, stride and dilation as one product over shifted rows.
//!
//! A band of rows is copied with its zeros around ([`Padded`]). Over its flattened rows every tap of every channel is one run of memory:
//! out[o][q] = Σ_k w[k][o] · source[offset[k] + q], the inner loop of `tile`.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::chunks::items_a_task;
use super::epilogue::Epilogue;
use super::level::level;
use super::padded::{Padded, Window, copy};
use super::parts::Parts;
use super::scratch::with_scratch;
use super::tile::{ROWS, product};
use super::transpose::transpose_strip;

/// Products added at a time: sums of sums lose less than one long sum, most where a long sum has about as many parts as a part has terms.
const DEPTH: usize = 72;
/// Words of a band's copy. Every block of outputs reads it once at a word a cycle, which the third-level cache can serve.
const BAND_WORDS: usize = 256 * 1024;
/// Words of all maps' copies up to which they are made at once.
const WHOLE_WORDS: usize = 384 * 1024;
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
    let whole = Padded::new(c, c.h_out);
    let (units, blocks) = (images * groups, c.c_out.div_ceil(ROWS));
    // Either way an output's products and their order are the same.
    let by_blocks = units * c.c_in * whole.channel <= WHOLE_WORDS && groups * blocks >= 4 * rayon::current_num_threads();
    let rows = if by_blocks { c.h_out } else { band_rows(c, units) };
    let padded = Padded::new(c, rows);
    let job =
        Convolution { c, groups, offsets: padded.offsets(c), padded, rows, blocks, input, weight, epilogue, output: Parts::new(output) };
    if by_blocks { job.by_blocks(units) } else { job.by_bands(units) }
}

/// What all tasks share.
struct Convolution<'a> {
    c: &'a Window,
    groups: usize,
    padded: Padded,
    offsets: Vec<usize>,
    /// Rows of a band.
    rows: usize,
    /// Blocks of output channels.
    blocks: usize,
    input: &'a [f32],
    weight: &'a [f32],
    epilogue: &'a Epilogue<'a>,
    output: Parts<'a>,
}

impl Convolution<'_> {
    /// Words of a band's copy.
    fn source(&self) -> usize {
        self.c.c_in * self.padded.channel + SLACK
    }

    /// Words of a block of packed weights.
    fn packed(&self) -> usize {
        self.offsets.len() * ROWS
    }

    /// One group of one image.
    fn image(&self, unit: usize) -> &[f32] {
        let words = self.c.c_in * self.c.h_in * self.c.w_in;
        &self.input[unit * words..][..words]
    }

    /// Weights of a group.
    fn weights(&self, group: usize) -> &[f32] {
        let words = self.c.c_out * self.offsets.len();
        &self.weight[group * words..][..words]
    }

    /// Small maps with many channels: all maps are copied first; then a task packs a block of weights and goes over all of them, while
    /// the block is in its cache.
    fn by_blocks(&self, units: usize) {
        with_scratch(units * self.source(), |sources| {
            let channel = self.padded.channel;
            sources.par_chunks_exact_mut(self.source()).enumerate().for_each(|(unit, source)| {
                let (maps, slack) = source.split_at_mut(self.c.c_in * channel);
                slack.fill(0.0);
                let planes = self.image(unit).par_chunks_exact(self.c.h_in * self.c.w_in);
                let maps = maps.par_chunks_exact_mut(channel).zip(planes).with_min_len(items_a_task(channel));
                maps.for_each(|(map, plane)| dispatch!(level(), simd => fill(simd, &self.padded, self.c, plane, 0, map)));
            });
            let sources = &*sources;
            (0..self.groups * self.blocks).into_par_iter().for_each(|task| {
                let (group, block) = (task / self.blocks, task % self.blocks);
                with_scratch(self.packed(), |packed| {
                    dispatch!(level(), simd => pack(simd, self.c, self.weights(group), block, packed));
                    for unit in (group..units).step_by(self.groups) {
                        let band = Band { unit, group, first: 0, rows: self.rows };
                        let source = &sources[unit * self.source()..][..self.source()];
                        with_scratch(ROWS * self.pitch(&band), |sums| {
                            dispatch!(level(), simd => self.block(simd, &band, block, packed, source, sums));
                        });
                    }
                });
            });
        });
    }

    /// Larger maps: all weights are packed first; then a task copies a band and goes over the blocks of weights.
    fn by_bands(&self, units: usize) {
        let bands = self.c.h_out.div_ceil(self.rows);
        // Few bands: tasks share the output channels out too and copy the band again.
        let shares = (4 * rayon::current_num_threads()).div_ceil(units * bands).min(self.blocks);
        with_scratch(self.groups * self.blocks * self.packed(), |packed| {
            packed.par_chunks_exact_mut(self.packed()).enumerate().for_each(|(i, packed)| {
                let weights = self.weights(i / self.blocks);
                dispatch!(level(), simd => pack(simd, self.c, weights, i % self.blocks, packed));
            });
            let packed = &*packed;
            (0..units * bands * shares).into_par_iter().for_each(|task| {
                let (unit, first, share) = (task / (bands * shares), task / shares % bands * self.rows, task % shares);
                let band = Band { unit, group: unit % self.groups, first, rows: self.rows.min(self.c.h_out - first) };
                with_scratch(self.source(), |source| {
                    with_scratch(ROWS * self.pitch(&band), |sums| {
                        let (maps, slack) = source.split_at_mut(self.c.c_in * self.padded.channel);
                        slack.fill(0.0);
                        dispatch!(level(), simd => fill(simd, &self.padded, self.c, self.image(unit), first, maps));
                        for block in share * self.blocks / shares..(share + 1) * self.blocks / shares {
                            let packed = &packed[(band.group * self.blocks + block) * self.packed()..][..self.packed()];
                            dispatch!(level(), simd => self.block(simd, &band, block, packed, source, sums));
                        }
                    })
                });
            });
        });
    }

    /// Flattened outputs of a band.
    fn columns(&self, band: &Band) -> usize {
        (band.rows - 1) * self.padded.pitch + self.c.w_out
    }

    /// Words between two rows of sums.
    fn pitch(&self, band: &Band) -> usize {
        self.columns(band).next_multiple_of(SLACK)
    }

    /// One block of channels of a band.
    #[simd]
    fn block<S: Simd>(&self, simd: S, band: &Band, block: usize, packed: &[f32], source: &[f32], sums: &mut [f32]) {
        let (c, columns, pitch) = (self.c, self.columns(band), self.pitch(band));
        for (i, (factors, offsets)) in packed.chunks(DEPTH * ROWS).zip(self.offsets.chunks(DEPTH)).enumerate() {
            product(simd, factors, offsets, source, sums, [pitch, columns], i > 0);
        }
        for (o, sums) in (block * ROWS..c.c_out.min((block + 1) * ROWS)).zip(sums.chunks_exact(pitch)) {
            let at = ((band.unit * c.c_out + o) * c.h_out + band.first) * c.w_out;
            // SAFETY: every (image, channel, band) belongs to one task.
            let target = unsafe { self.output.part(at, band.rows * c.w_out) };
            for (target, sums) in target.chunks_exact_mut(c.w_out).zip(sums.chunks(self.padded.pitch)) {
                copy(simd, &sums[..c.w_out], target);
            }
            self.epilogue.apply(simd, band.group * c.c_out + o, target);
        }
    }
}

/// Some rows of one group of one image.
struct Band {
    /// Group of all images.
    unit: usize,
    group: usize,
    first: usize,
    rows: usize,
}

#[simd]
fn fill<S: Simd>(simd: S, padded: &Padded, c: &Window, planes: &[f32], first: usize, source: &mut [f32]) {
    padded.fill(simd, c, planes, first, source, false);
}
