//! The device's own ceilings: memory traffic by copies, arithmetic by multiplications and additions in registers.

use crate::bench::case::{Case, Job, noisy};
use crate::gpu::{DeviceKind, Gpu};
use crate::host::instruction_sets;
use crate::kernels::ceiling::{CHAINS, STEPS, ceiling_copy, ceiling_fma};
use crate::tensor::Tensor;

const RECURRENCE: [f32; 2] = [0.75, 0.5];

/// Megabytes of a copy that stays in a processor's last cache.
const CACHED: u64 = 4;

/// The copy and the arithmetic that shares are of, in this order; on a processor then a copy within its caches, which many rows of small
/// maps come near, and the arithmetic of each of its instruction sets.
pub(super) fn cases(gpu: &Gpu) -> Vec<Case> {
    let software = gpu.capabilities().kind != DeviceKind::Gpu;
    // Past the last-level cache of the largest devices, within what one binding may see.
    let largest: u64 = if software { 64 << 20 } else { 1 << 30 };
    let bytes = largest.min(gpu.capabilities().max_binding_bytes);
    let work = if software { [1 << 14, 64] } else { [1 << 20, 256] };
    // On the host, what its lesser instruction sets reach, too.
    let sets = instruction_sets().enumerate().filter(|_| gpu.capabilities().is_host());
    let by_set = sets.map(|(number, set)| arithmetic(format!("ceiling_fma {set}"), work, Some(number)));
    let cached = software.then(|| copy(CACHED << 20));
    [copy(bytes), arithmetic("ceiling_fma".into(), work, None)].into_iter().chain(cached).chain(by_set).collect()
}

fn arithmetic(name: String, [threads, rounds]: [usize; 2], isa: Option<usize>) -> Case {
    Case::new(name, move |gpu| {
        let gpu = gpu.clone();
        let expected = move |i: usize| {
            let chain = |start: usize| {
                let step = |a: f64| a * f64::from(RECURRENCE[0]) + f64::from(RECURRENCE[1]);
                (0..rounds * STEPS).fold((i % 64 + start) as f64, |a, _| step(a))
            };
            (0..CHAINS).map(chain).sum()
        };
        Ok(Job::new(move || ceiling_fma(&gpu, threads, rounds, RECURRENCE, isa), expected, 1e-5))
    })
}

fn copy(bytes: u64) -> Case {
    let words = (bytes / 4) as usize;
    Case::new(format!("ceiling_copy {}MiB", bytes >> 20), move |gpu| {
        let (input, values) = noisy(gpu, 1, [words])?;
        let output = Tensor::empty(gpu, [words])?;
        let run = move || ceiling_copy(&input, &output).map(|()| output.clone());
        Ok(Job::new(run, move |i| f64::from(values[i]), 0.0))
    })
}
