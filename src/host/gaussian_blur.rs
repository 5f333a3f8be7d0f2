//! Host twin of `gaussian_blur`: one direction of a separable blur, written transposed,
//! output[col, row] = Σ_t window[t] · scale·(input[reflect(row + t − radius), col] − offset).
//!
//! A task copies a strip of columns with its reflected rows, sums it in register tiles of eight rows, where each loaded vector serves all
//! eight, and transposes those in registers. As in the WGSL a row's sum also has zeros times up to seven rows beside its window.

use std::array::from_fn;

use fearless_simd::{Simd, dispatch, prelude::*};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::level::level;
use super::shared::scratch::with_scratch;
use super::shared::transpose::transpose_strip;

params!(
    /// Extents of the pass, its window, and the normalisation scale·(x − offset) applied on load.
    GaussianBlurParams for "gaussian_blur" {
        rows: u32, cols: u32, packs: u32, blocks: u32, planes: u32, pitch_out: u32, radius: u32, taps: u32, offset: f32, scale: f32
    }
);

/// Columns of a strip: three vectors of the widest set, whole vectors of all.
const STRIP: usize = 48;
/// Output rows of a tile.
const ROWS: usize = 8;
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
    let (weights, tiled) = (taps + 2 * (ROWS - 1), outputs.next_multiple_of(ROWS));
    output[..planes * cols * pitch_out].par_chunks_exact_mut(cols * pitch_out).enumerate().for_each(|(plane, output)| {
        let input = &input[plane * rows * pitch..][..rows * pitch];
        output.par_chunks_mut(STRIP * pitch_out).enumerate().for_each(|(strip, output)| {
            let (first, width) = (strip * STRIP, output.len() / pitch_out);
            let source_rows = tiled + taps - 1;
            with_scratch(weights.next_multiple_of(16) + (source_rows + ROWS) * STRIP, |memory| {
                let (factors, memory) = memory.split_at_mut(weights.next_multiple_of(16));
                let (tile, source) = memory.split_at_mut(ROWS * STRIP);
                factors.fill(0.0);
                factors[ROWS - 1..][..taps].copy_from_slice(&window[..taps]);
                for (i, row) in source.chunks_exact_mut(STRIP).enumerate() {
                    match reflected(i, radius, rows).map(|at| &input[at * pitch + first..][..width]) {
                        Some(input) => dispatch!(level(), simd => normalise(simd, input, p.offset, p.scale, row)),
                        None => row.fill(0.0),
                    }
                }
                for row in (0..outputs).step_by(ROWS) {
                    let (source, output) = (&source[row * STRIP..][..(taps + ROWS - 1) * STRIP], &mut output[row..]);
                    let extents = [(outputs - row).min(ROWS), width, pitch_out];
                    dispatch!(level(), simd => blur_rows(simd, factors, source, tile, output, extents));
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
    source: &[f32],
    sums: &mut [f32],
    output: &mut [f32],
    [rows, width, pitch_out]: [usize; 3],
) {
    let lanes = S::f32s::LEN;
    // 32 registers hold 8 × 3 sums, 3 vectors and a factor; 16 registers hold 4 × 2 sums, twice in turn.
    let wide = lanes == 16 || cfg!(target_arch = "aarch64");
    let (mut vectors, mut col) = (width.div_ceil(lanes), 0);
    while vectors > 0 {
        let (source, sums) = (&source[col..], &mut sums[col..]);
        let step = match vectors {
            1 => 1,
            3 | 5.. if wide => 3,
            _ => 2,
        };
        match (wide, step) {
            (true, 3) => tile::<S, 0, 8, 3>(simd, factors, source, sums),
            (true, 2) => tile::<S, 0, 8, 2>(simd, factors, source, sums),
            (false, 2) => {
                tile::<S, 0, 4, 2>(simd, factors, source, sums);
                tile::<S, 4, 4, 2>(simd, factors, source, sums);
            }
            _ => tile::<S, 0, 8, 1>(simd, factors, source, sums),
        }
        vectors -= step;
        col += step * lanes;
    }
    transpose_strip(simd, sums, STRIP, rows, width, output, pitch_out);
}

/// Rows `FROM` to `FROM + OUT` of `VECS` vectors of columns: source row k is tap k − r of row r.
#[simd]
fn tile<S: Simd, const FROM: usize, const OUT: usize, const VECS: usize>(simd: S, factors: &[f32], source: &[f32], sums: &mut [f32]) {
    let lanes = S::f32s::LEN;
    let mut tile = [[S::f32s::splat(simd, 0.0); VECS]; OUT];
    // The last row of a source cut from its first column on may be short.
    for (factors, row) in factors.windows(ROWS).zip(source.chunks(STRIP)) {
        let row = &row[..VECS * lanes];
        let x: [S::f32s; VECS] = from_fn(|v| S::f32s::from_slice(simd, &row[v * lanes..][..lanes]));
        for o in 0..OUT {
            let factor = S::f32s::splat(simd, factors[ROWS - 1 - FROM - o]);
            for v in 0..VECS {
                tile[o][v] = factor.mul_add(x[v], tile[o][v]);
            }
        }
    }
    for o in 0..OUT {
        for v in 0..VECS {
            tile[o][v].store_slice(&mut sums[(FROM + o) * STRIP + v * lanes..][..lanes]);
        }
    }
}
