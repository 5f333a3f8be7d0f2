//! Throughput of every kernel family and of whole steps, against ceilings that the same run measures on the same device.
//!
//! Arithmetic and traffic are counted by napkin ([`crate::gpu::Cost`]: a multiply and an add are two operations; bytes that must move at
//! least once), summed over the dispatches of one run. The share is the larger of GFLOP/s over `ceiling_fma` and GB/s over
//! `ceiling_copy`: how near the row is to the ceiling that binds it. Data that stays in a cache can exceed the copy's ceiling, which is
//! measured beyond the caches. Every row's result is checked before it is timed; a wrong one gets no time.
//! Names begin with the stem, then say the shape: kernel, channels in and out, batch × height × width.

mod case;
mod ceilings;
mod convolution;
mod elementwise;
mod masked;
mod measure;
mod normalisation;
mod optimizers;
mod parts;
mod resampling;
mod steps;

use crate::error::{Error, Result};
use crate::event::Event;
use crate::gpu::{Cost, Gpu};
use case::Case;
use measure::{Effort, times};

/// What to measure and how long.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Shorter and fewer repetitions.
    pub quick: bool,
    /// Only rows whose name holds this text (the ceilings always).
    pub filter: Option<String>,
}

/// One measured row.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Row {
    /// Stem and shape.
    pub name: String,
    /// Wall time of one run, ms: the median of several repetitions between synchronisations, of a ceiling the shortest.
    pub ms: f64,
    /// Operations by napkin over that time, 1e9/s.
    pub gflops: f64,
    /// Bytes by napkin over that time, 1e9/s.
    pub gbps: f64,
    /// Share of the ceiling that binds.
    pub share: f64,
}

/// Rows in order, and what computed something wrong and was not timed.
#[derive(Debug, Default)]
pub struct Report {
    /// Measured rows, the ceilings first.
    pub rows: Vec<Row>,
    /// Names with what is wrong.
    pub wrong: Vec<String>,
}

fn all_cases(gpu: &Gpu) -> Vec<Case> {
    let families = [convolution::cases, normalisation::cases, elementwise::cases, resampling::cases, masked::cases, optimizers::cases];
    let large = !gpu.capabilities().software;
    families.iter().flat_map(|family| family(large)).chain(steps::cases(large)).collect()
}

/// Measures the ceilings and every case that the options choose.
///
/// # Errors
/// [`Error::Usage`] where nothing has the wanted name; device errors.
pub fn run(gpu: &Gpu, options: &Options, observe: &mut dyn FnMut(Event)) -> Result<Report> {
    let effort = if options.quick { Effort::QUICK } else { Effort::FULL };
    let text = options.filter.as_deref().unwrap_or_default();
    let all = all_cases(gpu);
    let names: Vec<String> = all.iter().map(|case| case.name.clone()).collect();
    let chosen: Vec<Case> = all.into_iter().filter(|case| case.name.contains(text)).collect();
    let mut cases = ceilings::cases(gpu);
    if chosen.is_empty() && !cases.iter().any(|case| case.name.contains(text)) {
        return Err(Error::Usage(format!("--filter {text}: no row has this in its name; there are: {}", names.join(", "))));
    }
    cases.extend(chosen);
    observe(Event::Start { label: "bench", total: cases.len(), unit: "rows" });
    let (mut report, mut ceiling) = (Report::default(), Cost::default());
    for case in cases {
        match measured(gpu, case, &effort)? {
            Ok((name, ms, cost)) => {
                let rate = |amount: f64| amount / ms * 1e-6;
                let (gflops, gbps) = (rate(cost.flops), rate(cost.bytes));
                // The first two rows are the ceilings themselves.
                ceiling.bytes = if name.starts_with("ceiling_copy") { gbps } else { ceiling.bytes };
                ceiling.flops = if name.starts_with("ceiling_fma") { gflops } else { ceiling.flops };
                let part = |rate: f64, most: f64| if most > 0.0 { rate / most } else { 0.0 };
                let share = part(gflops, ceiling.flops).max(part(gbps, ceiling.bytes));
                report.rows.push(Row { name, ms, gflops, gbps, share });
            }
            Err(wrong) => report.wrong.push(wrong),
        }
        observe(Event::Done(1));
    }
    Ok(report)
}

/// Name, ms and cost of one run; or what is wrong with its result.
fn measured(gpu: &Gpu, case: Case, effort: &Effort) -> Result<std::result::Result<(String, f64, Cost), String>> {
    let mut job = (case.prepare)(gpu)?;
    let before = gpu.work();
    let answer = (job.run)()?;
    let after = gpu.work();
    if let Err(fault) = (job.check)(answer.values()?) {
        return Ok(Err(format!("{}: {fault}", case.name)));
    }
    drop(answer);
    let times = times(gpu, effort, &mut job.run)?;
    // A ceiling is what the device can do undisturbed.
    let ms = if case.name.starts_with("ceiling_") { times[0] } else { times[times.len() / 2] };
    Ok(Ok((case.name, ms, Cost { flops: after.flops - before.flops, bytes: after.bytes - before.bytes })))
}
