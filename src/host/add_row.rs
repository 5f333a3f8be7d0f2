//! Host twin of `add_row`: numbers added to every plane, or an array to every image.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::level::level;

params!(
    /// Elements, those of a plane, and planes after which the numbers begin anew.
    AddRowParams for "add_row" { len: u32, plane: u32, rows: u32 }
);

pub(super) fn add_row(job: &Job<AddRowParams>, [input, row]: Inputs<2>, [output]: Outputs<1>) {
    let [len, plane, rows] = [job.params.len, job.params.plane, job.params.rows].map(|number| number as usize);
    // A task is all planes of an image where numbers begin anew with each, else one plane.
    let size = if plane == 1 { rows } else { plane };
    let tasks = output[..len].par_chunks_mut(size).zip(input[..len].par_chunks(size)).enumerate();
    tasks.with_min_len(items_a_task(size)).for_each(|(index, (output, input))| match plane {
        1 => dispatch!(level(), simd => sum(simd, input, row, output)),
        _ => dispatch!(level(), simd => shifted(simd, row[index % rows], input, output)),
    });
}

#[simd]
fn sum<S: Simd>(_: S, input: &[f32], row: &[f32], output: &mut [f32]) {
    output.iter_mut().zip(input.iter().zip(row)).for_each(|(output, (input, row))| *output = input + row);
}

#[simd]
fn shifted<S: Simd>(_: S, by: f32, input: &[f32], output: &mut [f32]) {
    output.iter_mut().zip(input).for_each(|(output, input)| *output = input + by);
}
