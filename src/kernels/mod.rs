//! Launchers: one file per stem family with its parameter struct, variant selection, dispatch and cost. No tape here.

pub mod add;
pub mod params;

pub(crate) use params::params;
