//! Maps from methods that are no networks: what a trained model has to beat, and the running mean that is also one of its inputs.

pub mod time_interpolate_sar;

pub use time_interpolate_sar::TimeInterpolateSar;
