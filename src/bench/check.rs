//! Every kernel's row run once and checked, without a clock: whether a device computes what it should.

use std::collections::BTreeSet;

use super::kernel_cases;
use crate::error::Result;
use crate::event::Event;
use crate::gpu::Gpu;

/// What a device made of the rows.
#[derive(Debug, Default)]
pub struct Checked {
    /// Rows whose values are right.
    pub right: usize,
    /// The others, with what is wrong.
    pub wrong: Vec<String>,
    /// Kernels that ran.
    pub kernels: BTreeSet<&'static str>,
}

/// Runs every kernel's row once on inputs that are made up, and compares values of its result with the f64 definition.
///
/// # Errors
/// Whatever stops the device as a whole; what stops one row counts as wrong.
pub fn check(gpu: &Gpu, observe: &mut dyn FnMut(Event)) -> Result<Checked> {
    let cases = kernel_cases(false);
    observe(Event::Start { label: "kernels", total: cases.len(), unit: "rows" });
    let mut checked = Checked::default();
    for case in cases {
        let mut fault = Ok(());
        let launches = gpu.launches_of(|| {
            let run = || {
                let mut job = (case.prepare)(gpu)?;
                let answer = (job.run)()?;
                Ok((job.check)(answer.values()?))
            };
            fault = run().unwrap_or_else(|error: crate::error::Error| Err(error.to_string()));
            Ok(())
        })?;
        checked.kernels.extend(launches.iter().map(|launched| launched.plan.stem));
        match fault {
            Ok(()) => checked.right += 1,
            Err(fault) => checked.wrong.push(format!("{}: {fault}", case.name)),
        }
        observe(Event::Done(1));
    }
    Ok(checked)
}
