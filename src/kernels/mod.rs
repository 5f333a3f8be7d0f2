//! Launchers: one file per stem family with its parameter struct, variant selection, dispatch and cost. No tape here.

pub mod activation;
pub mod add;
pub mod batch_norm;
pub mod conv2d;
pub mod params;
pub mod sum_partials;

pub(crate) use params::params;
