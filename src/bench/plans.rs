//! The plans of every row, made on a device that only counts: for the device at hand, or for one that nobody has.

use super::case::Case;
use super::{Options, StepOptions, filtered, kernel_cases, steps};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Launched};

/// What one row launches in a run.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The row's name.
    pub row: String,
    /// Its launches in order.
    pub launches: Vec<Launched>,
}

/// The launches of one run of every row that the options choose, on a planner: of the kernels' rows as they are for small devices, so that
/// lists for several devices have the same; or of a network's step and prediction.
///
/// # Errors
/// [`Error::Usage`] where nothing has the wanted name; [`Error::Config`] for a step that cannot be; [`Error::Limit`] for an array that
/// the device cannot hold.
pub fn plans(planner: &Gpu, options: &Options) -> Result<Vec<Planned>> {
    if let Some(step) = &options.step {
        let works = steps::works(step)?.into_iter();
        return works.map(|(row, work)| Ok(Planned { row, launches: planner.launches_of(|| work(planner))? })).collect();
    }
    filtered(kernel_cases(false), options.filter.as_deref(), &[])?.into_iter().map(|case| planned(planner, case)).collect()
}

fn planned(planner: &Gpu, Case { name: row, prepare }: Case) -> Result<Planned> {
    let mut job = prepare(planner)?;
    let launches = planner.launches_of(|| match (job.run)() {
        // A row that reads its result back has launched all by then.
        Ok(_) | Err(Error::Device(_)) => Ok(()),
        Err(error) => Err(error),
    })?;
    Ok(Planned { row, launches })
}

/// Goes through a training step and a prediction of a network on a planner.
///
/// # Errors
/// [`Error::Config`] for keys or a size that do not fit the network.
pub fn rehearse(planner: &Gpu, step: &StepOptions) -> Result<()> {
    steps::works(step)?.iter().try_for_each(|(_, work)| work(planner))
}
