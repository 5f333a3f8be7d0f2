//! Weight gradient of a 3×3 convolution of stride 1 for few channels: pixels in the lanes, 8 output channels × 3 taps of sums.
//!
//! Lanes are summed at the end. Bands of rows are dealt out to a fixed number of parts, so that no result depends on the threads.

use std::array::from_fn;

use fearless_simd::{Simd, dispatch, prelude::*};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::level::level;
use super::padded::Window;
use super::scratch::with_scratch;

/// Output channels of a tile.
const OUT: usize = 8;
/// Pixels of a band of a plane: eight planes stay in the first-level cache.
const BAND_PIXELS: usize = 512;
/// Parts that add up their bands for themselves; more of them than threads.
const PARTS: usize = 16;

/// How planes are cut into bands.
struct Bands {
    /// Columns of a copied row: whole vectors.
    width: usize,
    rows: usize,
    count: usize,
    blocks: usize,
    /// Words of the sums of a tile.
    tile: usize,
    lanes: usize,
}

/// grad_weight of one group: Σ over images of the products of `input` and `grad_output`.
pub(crate) fn grad_weight(c: &Window, units: [usize; 3], input: &[f32], grad_output: &[f32], grad_weight: &mut [f32]) {
    let lanes = dispatch!(level(), simd => lanes_of(simd));
    let width = c.w_out.next_multiple_of(lanes);
    let rows = (BAND_PIXELS / width).clamp(1, c.h_out);
    let bands = Bands { width, rows, count: c.h_out.div_ceil(rows), blocks: c.c_out.div_ceil(OUT), tile: OUT * 3 * lanes, lanes };
    let part = bands.blocks * c.c_in * 3 * bands.tile;
    with_scratch(PARTS * part, |sums| {
        sums.par_chunks_exact_mut(part).enumerate().for_each(|(p, sums)| {
            let (x, dy) = (c.c_in * (rows + 2) * (width + 2), bands.blocks * OUT * rows * width);
            with_scratch(x, |x| {
                with_scratch(dy, |dy| dispatch!(level(), simd => add_part(simd, c, &bands, units, p, input, grad_output, [x, dy], sums)))
            });
        });
        for (at, value) in grad_weight.iter_mut().enumerate() {
            let (o, i, ky, kx) = (at / 9 / c.c_in, at / 9 % c.c_in, at / 3 % 3, at % 3);
            let from = ((o / OUT * c.c_in + i) * 3 + ky) * bands.tile + (o % OUT * 3 + kx) * lanes;
            *value = sums.chunks_exact(part).map(|part| part[from..from + lanes].iter().sum::<f32>()).sum();
        }
    })
}

#[simd]
fn lanes_of<S: Simd>(_: S) -> usize {
    S::f32s::LEN
}

/// The sums of part `p` of all bands.
#[simd]
#[allow(clippy::too_many_arguments)] // slices apart, so that the inner loops see nothing else
fn add_part<S: Simd>(
    simd: S,
    c: &Window,
    bands: &Bands,
    [images, groups, group]: [usize; 3],
    p: usize,
    input: &[f32],
    grad_output: &[f32],
    [x, dy]: [&mut [f32]; 2],
    sums: &mut [f32],
) {
    sums.fill(0.0);
    let &Bands { width, rows, count, blocks, tile, lanes } = bands;
    debug_assert_eq!(lanes, S::f32s::LEN);
    let (pitch, dy_plane) = (width + 2, rows * width);
    let x_plane = (rows + 2) * pitch;
    let all = images * count;
    for band in p * all / PARTS..(p + 1) * all / PARTS {
        let (unit, first) = (band / count * groups + group, (band % count * rows) as isize);
        copy_rows(&input[unit * c.c_in * c.h_in * c.w_in..], c.c_in, [c.h_in, c.w_in], first - 1, 1, x, [rows + 2, pitch]);
        let image = &grad_output[unit * c.c_out * c.h_out * c.w_out..][..c.c_out * c.h_out * c.w_out];
        // Whole vectors and whole blocks are read where they are.
        let direct = width == c.w_out && c.c_out.is_multiple_of(OUT) && c.h_out.is_multiple_of(rows);
        if !direct {
            dy[c.c_out * dy_plane..].fill(0.0);
            copy_rows(image, c.c_out, [c.h_out, c.w_out], first, 0, dy, [rows, width]);
        }
        for block in 0..blocks {
            let (dy, dy_plane) = match direct {
                true => (&image[block * OUT * c.h_out * width + first as usize * width..], c.h_out * width),
                false => (&dy[block * OUT * dy_plane..], dy_plane),
            };
            for (i, x) in x.chunks_exact(x_plane).enumerate() {
                for ky in 0..3 {
                    let sums = &mut sums[((block * c.c_in + i) * 3 + ky) * tile..][..tile];
                    add_products(simd, dy, dy_plane, &x[ky * pitch..], rows, width, sums);
                }
            }
        }
    }
}

/// Rows of every plane from `first` on, after `left` zeros and with zeros outside.
fn copy_rows(
    planes: &[f32],
    channels: usize,
    [h, w]: [usize; 2],
    first: isize,
    left: usize,
    target: &mut [f32],
    [rows, pitch]: [usize; 2],
) {
    for (plane, target) in planes.chunks_exact(h * w).zip(target.chunks_exact_mut(rows * pitch)).take(channels) {
        for (y, row) in (first..).zip(target.chunks_exact_mut(pitch)) {
            row.fill(0.0);
            if (0..h as isize).contains(&y) {
                row[left..left + w].copy_from_slice(&plane[y as usize * w..][..w]);
            }
        }
    }
}

/// sums[o][kx] += Σ dy[o][y][x] · x[y][x + kx], lane by lane.
#[simd]
fn add_products<S: Simd>(simd: S, dy: &[f32], plane: usize, x: &[f32], rows: usize, width: usize, sums: &mut [f32]) {
    let lanes = S::f32s::LEN;
    let mut tile: [[S::f32s; 3]; OUT] = from_fn(|o| from_fn(|kx| S::f32s::from_slice(simd, &sums[(o * 3 + kx) * lanes..][..lanes])));
    for y in 0..rows {
        let x = &x[y * (width + 2)..][..width + 2];
        let dy: [&[f32]; OUT] = from_fn(|o| &dy[o * plane + y * width..][..width]);
        for at in (0..width).step_by(lanes) {
            let x: [S::f32s; 3] = from_fn(|kx| S::f32s::from_slice(simd, &x[at + kx..][..lanes]));
            for o in 0..OUT {
                let dy = S::f32s::from_slice(simd, &dy[o][at..][..lanes]);
                for kx in 0..3 {
                    tile[o][kx] = dy.mul_add(x[kx], tile[o][kx]);
                }
            }
        }
    }
    for o in 0..OUT {
        for kx in 0..3 {
            tile[o][kx].store_slice(&mut sums[(o * 3 + kx) * lanes..][..lanes]);
        }
    }
}
