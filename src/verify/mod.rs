//! Replays numerical fixtures exported from PyTorch (`meltcore verify`); format in the README's section on numerics.
//!
//! One file is one case: inputs, parameters, expected outputs and gradients, tolerances. Each op family has a file here whose
//! functions, in its `RUNNERS`, run the case and put what they got into an [`Outcome`]; the comparison is in one place.

mod batch_norm;
mod case;
mod convolution;
mod elementwise;
mod glavitu;
mod masked;
mod model;
mod optimizers;
mod outcome;
mod resample;
mod rows;
mod segmentation;
mod tokens;
mod windows;

use std::collections::BTreeSet;
use std::path::Path;

pub use case::Case;
pub use outcome::Outcome;

use crate::error::{Error, Result};
use crate::gpu::Gpu;

/// Verdict on one fixture.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Row {
    /// The file's path as given.
    pub file: String,
    /// The operation.
    pub op: String,
    /// The tensor with the largest error relative to its allowance.
    pub worst: String,
    /// That error over its allowance; the case passes at 1 or below.
    pub ratio: f64,
    /// The verdict.
    pub pass: bool,
}

type Runner = fn(&Gpu, &Case) -> Result<Outcome>;

/// Operations by name, a file each.
const FAMILIES: &[&[(&str, Runner)]] = &[
    batch_norm::RUNNERS,
    convolution::RUNNERS,
    elementwise::RUNNERS,
    masked::RUNNERS,
    model::RUNNERS,
    optimizers::RUNNERS,
    resample::RUNNERS,
    rows::RUNNERS,
    segmentation::RUNNERS,
    tokens::RUNNERS,
    windows::RUNNERS,
];

fn runners() -> impl Iterator<Item = &'static (&'static str, Runner)> {
    FAMILIES.iter().copied().flatten()
}

/// Operations that can be replayed, sorted.
pub fn ops() -> BTreeSet<&'static str> {
    runners().map(|(name, _)| *name).collect()
}

/// Replays one fixture; `rtol_scale` multiplies its relative tolerances.
///
/// # Errors
/// [`Error::Input`] for a malformed file or an unknown op; device errors.
pub fn replay(gpu: &Gpu, path: &Path, rtol_scale: f64) -> Result<Row> {
    let case = Case::open(path)?;
    let Some((_, runner)) = runners().find(|(name, _)| *name == case.op) else {
        let known: Vec<_> = ops().into_iter().collect();
        return Err(Error::input(path, format!("op `{}` is unknown; this build knows {}", case.op, known.join(", "))));
    };
    let outcome = runner(gpu, &case).map_err(|e| match e {
        Error::Shape { .. } | Error::Usage(_) | Error::Config { .. } => Error::input(path, e.to_string()),
        Error::OutOfMemory(message) | Error::Limit(message) => Error::OutOfMemory(format!("{}: {message}", path.display())),
        other => other,
    })?;
    let (worst, ratio) = case.compare(&outcome, rtol_scale)?;
    Ok(Row { file: path.display().to_string(), op: case.op.clone(), worst, ratio, pass: ratio <= 1.0 })
}
