//! Host twin of `gaussian_blur`: one direction of a separable blur, written transposed,
//! output[col, row] = Σ_t window[t] · scale·(input[reflect(row + t − radius), col] − offset).
//!
//! A task copies a strip of columns with its reflected rows, sums it in register tiles of eight rows, for which the window stands in eight
//! columns, each a row lower than the one before, and transposes those in registers. As in the WGSL a row's sum also has zeros times up to
//! seven rows beside its window.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::level::level;
use super::shared::scratch::with_scratch;
use super::shared::tile::{ROWS, product};
use super::shared::transpose::transpose_strip;

params!(
    /// Extents of the pass, its window, and the normalisation scale·(x − offset) applied on load.
    GaussianBlurParams for "gaussian_blur" {
        rows: u32, cols: u32, packs: u32, blocks: u32, planes: u32, pitch_out: u32, radius: u32, taps: u32, offset: f32, scale: f32
    }
);

/// Columns of a strip: three vectors of the widest set, whole vectors of all.
const STRIP: usize = 48;
/// Output rows that the WGSL counts as one of `blocks`.
const BLOCK: usize = 16;

pub(super) fn gaussian_blur(job: &Job<GaussianBlurParams>, [input, window]: Inputs<2>, [output]: Outputs<1>) {
    let p = &job.params;
    let [rows, cols, planes, pitch_out, radius] = [p.rows, p.cols, p.planes, p.pitch_out, p.radius].map(|v| v as usize);
    let pitch = job.elements(p.packs);
    // Behind the window there are zeros for the WGSL's blocks.
    let window = &window[..4 * p.taps as usize];
    let taps = window.iter().rposition(|&weight| weight != 0.0).map_or(1, |last| last + 1);
    // A first pass that reflects gives all rows, one that does not (radius 0) those that have a whole window.
    let outputs = rows.min(p.blocks as usize * BLOCK).min((rows + 2 * radius + 1).saturating_sub(taps));
    let tiled = outputs.next_multiple_of(ROWS);
    // Source row k of a tile is tap k − r of its row r.
    let mut factors = vec![[0.0; ROWS]; taps + ROWS - 1];
    for (tap, &weight) in window[..taps].iter().enumerate() {
        (0..ROWS).for_each(|row| factors[tap + row][row] = weight);
    }
    let offsets: Vec<usize> = (0..factors.len()).map(|row| row * STRIP).collect();
    let factors = factors.as_flattened();
    output[..planes * cols * pitch_out].par_chunks_exact_mut(cols * pitch_out).enumerate().for_each(|(plane, output)| {
        let input = &input[plane * rows * pitch..][..rows * pitch];
        output.par_chunks_mut(STRIP * pitch_out).enumerate().for_each(|(strip, output)| {
            let (first, width) = (strip * STRIP, output.len() / pitch_out);
            let source_rows = tiled + taps - 1;
            with_scratch((source_rows + ROWS) * STRIP, |memory| {
                let (tile, source) = memory.split_at_mut(ROWS * STRIP);
                for (i, row) in source.chunks_exact_mut(STRIP).enumerate() {
                    match reflected(i, radius, rows).map(|at| &input[at * pitch + first..][..width]) {
                        Some(input) => dispatch!(level(), simd => normalise(simd, input, p.offset, p.scale, row)),
                        None => row.fill(0.0),
                    }
                }
                for row in (0..outputs).step_by(ROWS) {
                    let (source, output) = (&source[row * STRIP..][..(taps + ROWS - 1) * STRIP], &mut output[row..]);
                    let extents = [(outputs - row).min(ROWS), width, pitch_out];
                    dispatch!(level(), simd => blur_rows(simd, factors, &offsets, source, tile, output, extents));
                }
            });
        });
    });
}

/// Row of the input at a place counted from the reflection before its first; none past the reflection behind its last.
fn reflected(at: usize, radius: usize, rows: usize) -> Option<usize> {
    let row = at.abs_diff(radius);
    if at < rows + radius { Some(row) } else { (2 * (rows - 1)).checked_sub(row).filter(|_| at < rows + 2 * radius) }
}

/// A row of the strip, and zeros behind it.
#[simd]
fn normalise<S: Simd>(_: S, input: &[f32], offset: f32, scale: f32, row: &mut [f32]) {
    let (row, rest) = row.split_at_mut(input.len());
    row.iter_mut().zip(input).for_each(|(row, input)| *row = (input - offset) * scale);
    rest.fill(0.0);
}

/// Sums of up to eight rows, transposed to where they belong.
#[simd]
fn blur_rows<S: Simd>(
    simd: S,
    factors: &[f32],
    offsets: &[usize],
    source: &[f32],
    sums: &mut [f32],
    output: &mut [f32],
    [rows, width, pitch_out]: [usize; 3],
) {
    product(simd, factors, offsets, source, sums, [STRIP, width], false);
    transpose_strip(simd, sums, STRIP, rows, width, output, pitch_out);
}
