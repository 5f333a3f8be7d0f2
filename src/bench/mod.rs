//! Throughput of every kernel family and of whole steps, against ceilings that the same run measures on the same device.
//!
//! Arithmetic and traffic are counted by napkin ([`crate::gpu::Cost`]: a multiply and an add are two operations; bytes that must move at
//! least once), summed over the dispatches of one run. The share is the larger of GFLOP/s over `ceiling_fma` and GB/s over the first
//! `ceiling_copy`: how near the row is to the ceiling that binds it. Data that stays in a cache can exceed that copy's ceiling, which is
//! measured beyond the caches. Every row's result is checked before it is timed; a wrong one gets no time.
//! Names begin with the stem, then say the shape: kernel, channels in and out, batch × height × width.

mod case;
mod ceilings;
mod check;
mod class_maps;
mod compare;
mod convolution;
mod elementwise;
mod exchange;
mod masked;
mod measure;
mod normalisation;
mod optimizers;
mod parts;
mod plan;
mod plans;
mod profile;
mod resampling;
mod row;
mod rows;
mod scenes;
mod steps;
mod tokens;
mod tune;
mod tuned;
mod windows;

pub use check::{Checked, check};
pub use compare::{Earlier, load};
pub use exchange::{Exchanged, by_threads, exchange};
pub use plan::{CARDS, Needs, needs};
pub use plans::{Planned, plans, rehearse};
pub use row::{Change, Part, Report, Row};
pub use steps::StepOptions;
pub use tune::{Found, Tuning, tune};
pub use tuned::{Tuned, cache_file};

pub use crate::kernels::variants;

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::event::Event;
use crate::gpu::{Cost, DeviceKind, Gpu};
use case::Case;
use measure::{Effort, times};
use profile::Profile;
use row::Times;

/// What to measure and how long.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Shorter and fewer repetitions.
    pub quick: bool,
    /// Seconds that each row but the ceilings is timed for, instead of those of `quick` or 0.4; above 0.
    pub seconds: Option<f64>,
    /// Only rows whose name holds this text (the ceilings always), or the one row whose name it is.
    pub filter: Option<String>,
    /// Steps of this network instead of the rows of every run.
    pub step: Option<StepOptions>,
    /// No ceilings, and so no shares.
    pub no_ceilings: bool,
    /// Device time by stem behind the rows.
    pub profile: bool,
    /// Rows of an earlier run to compare with; none: no comparison.
    pub earlier: Option<Vec<Earlier>>,
}

/// The kernels' rows of every run.
fn kernel_cases(large: bool) -> Vec<Case> {
    let families = [
        convolution::cases,
        normalisation::cases,
        elementwise::cases,
        resampling::cases,
        rows::cases,
        masked::cases,
        class_maps::cases,
        scenes::cases,
        optimizers::cases,
        tokens::cases,
        windows::cases,
    ];
    families.iter().flat_map(|family| family(large)).collect()
}

/// The rows of every run.
fn all_cases(gpu: &Gpu) -> Result<Vec<Case>> {
    let large = gpu.capabilities().kind == DeviceKind::Gpu;
    Ok(kernel_cases(large).into_iter().chain(steps::cases(large)?).collect())
}

/// The ceilings, and the other rows that the options choose.
fn chosen(gpu: &Gpu, options: &Options) -> Result<[Vec<Case>; 2]> {
    let ceilings = if options.no_ceilings { Vec::new() } else { ceilings::cases(gpu) };
    let cases = options.step.as_ref().map_or_else(|| all_cases(gpu), steps::asked)?;
    let cases = filtered(cases, options.filter.as_deref(), &ceilings)?;
    Ok([ceilings, cases])
}

/// The rows of this name, or whose name holds the text; with one that only `others` hold, none.
fn filtered(mut cases: Vec<Case>, text: Option<&str>, others: &[Case]) -> Result<Vec<Case>> {
    let Some(text) = text else { return Ok(cases) };
    let names: Vec<String> = cases.iter().map(|case| case.name.clone()).collect();
    let exact = names.iter().any(|name| name == text);
    cases.retain(|case| if exact { case.name == text } else { case.name.contains(text) });
    if cases.is_empty() && !others.iter().any(|case| case.name.contains(text)) {
        let first_words: BTreeSet<&str> = names.iter().filter_map(|name| name.split(' ').next()).collect();
        let first_words = first_words.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Error::Usage(format!("--filter {text}: no row has this in its name; the names begin with {first_words}")));
    }
    Ok(cases)
}

/// Measures the ceilings and every case that the options choose.
///
/// # Errors
/// [`Error::Usage`] where nothing has the wanted name, or no row is among the earlier ones; [`Error::Config`] for a step that cannot be;
/// device errors.
pub fn run(gpu: &Gpu, options: &Options, observe: &mut dyn FnMut(Event)) -> Result<Report> {
    let effort = || if options.quick { Effort::QUICK } else { Effort::FULL };
    let [ceilings, cases] = chosen(gpu, options)?;
    observe(Event::Start { label: "bench", total: ceilings.len() + cases.len(), unit: "rows" });
    let (mut report, mut most) = (Report::default(), Most::default());
    for case in ceilings {
        match measured(gpu, case, &effort(), None)? {
            Ok((name, times, cost)) => {
                most.learn(&name, times.ms, cost);
                report.rows.push(most.row(name, times.ms, cost, Some(times.spread)));
            }
            Err(wrong) => report.wrong.push(wrong),
        }
        observe(Event::Done(1));
    }
    let effort = options.seconds.map_or_else(effort, Effort::of_seconds);
    let mut profile = options.profile.then(Profile::default);
    for case in cases {
        match measured(gpu, case, &effort, profile.as_mut())? {
            Ok((name, times, cost)) => report.rows.push(most.row(name, times.ms, cost, Some(times.spread))),
            Err(wrong) => report.wrong.push(wrong),
        }
        observe(Event::Done(1));
    }
    report.rows.extend(profile.into_iter().flat_map(|profile| profile.rows(|name, ms, cost| most.row(name, ms, cost, None))));
    if let Some(earlier) = &options.earlier
        && compare::note_changes(&mut report.rows, earlier) == 0
    {
        return Err(Error::Usage("--compare: no row of this run is in that file; run the same rows as then, or leave it out".into()));
    }
    Ok(report)
}

/// The most that the device does, as far as it was measured: operations and bytes, 1e9/s.
#[derive(Default)]
struct Most(Cost);

impl Most {
    /// Takes the first copy and the first arithmetic; a later copy is one within caches.
    fn learn(&mut self, name: &str, ms: f64, cost: Cost) {
        let known = if name.starts_with("ceiling_copy") { (&mut self.0.bytes, cost.bytes) } else { (&mut self.0.flops, cost.flops) };
        if *known.0 == 0.0 {
            *known.0 = known.1 / ms * 1e-6;
        }
    }

    fn row(&self, name: String, ms: f64, cost: Cost, spread: Option<f64>) -> Row {
        let rate = |amount: f64| if ms > 0.0 { amount / ms * 1e-6 } else { 0.0 };
        let (gflops, gbps) = (rate(cost.flops), rate(cost.bytes));
        let part = |rate: f64, most: f64| (most > 0.0).then(|| rate / most);
        // None is less than any share.
        let share = part(gflops, self.0.flops).into_iter().chain(part(gbps, self.0.bytes)).reduce(f64::max);
        Row { name, ms, spread, gflops, gbps, share, part: None, change: None }
    }
}

type Measured = std::result::Result<(String, Times, Cost), String>;

/// Name, times and cost of one run; or what is wrong with its result.
fn measured(gpu: &Gpu, case: Case, effort: &Effort, profile: Option<&mut Profile>) -> Result<Measured> {
    let mut job = (case.prepare)(gpu)?;
    let before = gpu.work();
    let answer = (job.run)()?;
    let after = gpu.work();
    if let Err(fault) = (job.check)(answer.values()?) {
        return Ok(Err(format!("{}: {fault}", case.name)));
    }
    drop(answer);
    let times = Times::of(&times(gpu, effort, &mut || (job.run)().map(drop))?, case.name.starts_with("ceiling_"));
    if let Some(profile) = profile {
        profile.add(gpu, &mut job.run)?;
    }
    Ok(Ok((case.name, times, Cost { flops: after.flops - before.flops, bytes: after.bytes - before.bytes })))
}
