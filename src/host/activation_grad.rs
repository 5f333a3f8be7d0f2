//! Host twin of `activation_grad`: ∂L/∂x = ∂L/∂y · f'(x).

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::activation::ActivationParams;
use super::job::{Inputs, Job, Outputs};
use super::shared::chunks::CHUNK;
use super::shared::functions::{activate_derivative, for_kind};
use super::shared::level::level;

pub(super) fn activation_grad(job: &Job<ActivationParams>, [input, grad_output]: Inputs<2>, [grad_input]: Outputs<1>) {
    let (len, code) = (job.elements(job.params.packs), job.constant("KIND"));
    let sides = input[..len].par_chunks(CHUNK).zip(grad_output[..len].par_chunks(CHUNK));
    grad_input[..len].par_chunks_mut(CHUNK).zip(sides).for_each(|(grad_input, (input, grad_output))| {
        for_kind!(code, KIND => dispatch!(level(), simd => of_chunk::<_, KIND>(simd, [input, grad_output], code, grad_input)));
    });
}

#[simd]
fn of_chunk<S: Simd, const KIND: u32>(_: S, [input, grad_output]: [&[f32]; 2], code: u32, grad_input: &mut [f32]) {
    grad_input.iter_mut().zip(input.iter().zip(grad_output)).for_each(|(dx, (&x, &dy))| *dx = dy * activate_derivative::<KIND>(x, code));
}
