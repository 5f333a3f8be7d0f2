//! How sure maps are, against how often they are right: measured ([`Reliability`]), mended ([`Curve`]), and kept beside the weights
//! ([`Calibration`]); and what is known by its [`quantiles`].
//!
//! A network trained with a focal loss or smoothed labels is right far more often than it says. A curve fitted on the validation split
//! makes frequencies of what it says; it belongs to one file of weights, and to the way in which maps were made. `meltcore calibrate` fits
//! it, `meltcore predict` applies it, `meltcore eval` tells on other scenes whether it holds.

pub mod curve;
pub mod quantiles;
pub mod reliability;
mod stored;

pub use curve::{Curve, Method};
pub use reliability::{BINS, BinMeans, Reliability};
pub use stored::Calibration;

/// Bins in which what maps say is counted before a curve is fitted.
pub const FINE_BINS: usize = 10_000;
