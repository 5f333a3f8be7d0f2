//! What several twins use.

pub(crate) mod chunks;
pub(crate) mod functions;
pub(crate) mod level;
pub(crate) mod padded;
pub(crate) mod parts;
pub(crate) mod resample;
pub(crate) mod scratch;
pub(crate) mod sums;
pub(crate) mod tile;
pub(crate) mod transpose;
