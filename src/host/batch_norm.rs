//! Host twin of `batch_norm` with its activation: y = f((x − mean)·invstd·weight + bias). The mean is subtracted in two parts, exact for
//! data with a large offset.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::{CHUNK, items_a_task};
use super::shared::functions::{activate, for_kind};
use super::shared::level::level;

params!(
    /// Planes of all images as packs, cut into chunks; `lanes` invocations walk one plane.
    BatchNormParams for "batch_norm" { planes: u32, c: u32, plane: u32, step: u32, chunks: u32, lanes: u32 }
);

pub(super) fn batch_norm(job: &Job<BatchNormParams>, [input, stats, weight, bias]: Inputs<4>, [output]: Outputs<1>) {
    let (planes, c, plane) = (job.params.planes as usize, job.params.c as usize, job.elements(job.params.plane));
    let code = job.constant("KIND");
    let planes = output[..planes * plane].par_chunks_exact_mut(plane).zip(input.par_chunks_exact(plane)).enumerate();
    planes.with_min_len(items_a_task(plane)).for_each(|(i, (output, input))| {
        let channel = i % c;
        let [shift, rest, invstd, _] = stats.as_chunks::<4>().0[channel];
        let line = [shift, rest, invstd, weight[channel], bias[channel]];
        output.par_chunks_mut(CHUNK).zip(input.par_chunks(CHUNK)).for_each(|(output, input)| {
            for_kind!(code, KIND => dispatch!(level(), simd => of_chunk::<_, KIND>(simd, input, line, code, output)));
        });
    });
}

#[simd]
fn of_chunk<S: Simd, const KIND: u32>(_: S, input: &[f32], [shift, rest, invstd, weight, bias]: [f32; 5], code: u32, output: &mut [f32]) {
    output.iter_mut().zip(input).for_each(|(y, &x)| *y = activate::<KIND>((x - shift - rest) * invstd * weight + bias, code));
}
