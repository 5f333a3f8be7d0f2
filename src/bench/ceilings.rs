//! The device's own ceilings: memory traffic by copies, arithmetic by multiplications and additions in registers. Their kernels do nothing
//! useful, as fast as the device can. Shaders: `shaders/ceiling_copy.wgsl`, `shaders/ceiling_fma.wgsl`.

use crate::bench::case::{Case, Job, noisy};
use crate::error::{Error, Result};
use crate::gpu::{Cost, DeviceKind, Gpu, Launch, Plan};
use crate::host::ceiling_copy::CeilingCopyParams;
use crate::host::ceiling_fma::{CHAINS, CeilingFmaParams, STEPS};
use crate::host::instruction_sets;
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

/// Copies `input` into `output`.
///
/// # Shapes
/// Any, of the same length.
///
/// # Errors
/// Lengths that differ.
fn ceiling_copy(input: &Tensor, output: &Tensor) -> Result<()> {
    if input.len() != output.len() {
        return Err(Error::shape("ceiling_copy", format!("{} cannot be copied into {}", input.shape(), output.shape())));
    }
    let packs = input.len().div_ceil(4);
    input.gpu().launch(&Launch {
        plan: Plan::each("ceiling_copy", packs),
        params: &CeilingCopyParams { packs: packs as u32 },
        buffers: &[input.buffer(), output.buffer()],
        cost: Cost::new(0.0, 2 * input.len()),
    })
}

/// Runs `rounds`·[`STEPS`] steps of a ← a·factor + term in [`CHAINS`] chains of each of `len` invocations.
///
/// # Shapes
/// Gives `[len]`: the sum of each invocation's chains, which begin at (invocation mod 64) + 0, 1, … 23.
///
/// On the host `isa` may be the number of one of [`instruction_sets`], to be used instead of the one in use.
///
/// # Errors
/// Out of memory.
fn ceiling_fma(gpu: &Gpu, len: usize, rounds: usize, [factor, term]: [f32; 2], isa: Option<usize>) -> Result<Tensor> {
    let output = Tensor::empty(gpu, [len])?;
    gpu.launch(&Launch {
        plan: Plan::each("ceiling_fma", len).with(isa.map(|number| ("ISA", number as u32 + 1))),
        params: &CeilingFmaParams { len: len as u32, rounds: rounds as u32, factor, term },
        buffers: &[output.buffer()],
        cost: Cost::new(2.0 * (len * rounds * STEPS * CHAINS) as f64, len),
    })?;
    Ok(output)
}
