//! Experiments: many trainings that one file describes, each with its maps and scores, and one table of all.
//!
//! Seasons or regions left out of training one after the other, inputs left out, shares of the days to learn from, variants of a
//! configuration, sweeps over keys, all with several seeds. [`Experiment`] reads the file ([`sweep`] sets of values), [`folds`] and `area`
//! say what is left out, [`Plan`] lists the runs and does them ([`run`]), [`table`] sums up what is finished.
//!
//! A run is a folder with a configuration that `meltcore train` takes, and everything in it is what `train`, `predict` and `eval` would
//! write. Whoever is stopped goes on; processes share the runs by their positions.

mod area;
mod fields;
pub mod file;
pub mod folds;
pub mod plan;
pub mod run;
pub mod sweep;
pub mod table;

pub use file::Experiment;
pub use plan::{Plan, Run};
pub use run::Progress;
pub use table::Results;
