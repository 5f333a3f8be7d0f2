//! Maps from methods that are no networks: what a trained model has to beat, and the running mean that is also one of its inputs.

pub mod fit;
pub mod interpolate_mar;
mod maps;
pub mod threshold_pmw;
pub mod time_interpolate_sar;
pub mod winter_mean;

pub use fit::{FitOptions, Fitted, fit};
pub use interpolate_mar::InterpolateMar;
pub use threshold_pmw::ThresholdPmw;
pub use time_interpolate_sar::TimeInterpolateSar;
