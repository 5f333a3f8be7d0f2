//! Training: one step, the loop around it, checkpoints and logs.

mod step;

pub use step::{optimizer, training_step};
