//! What several twins use.

pub(crate) mod attention;
pub(crate) mod attention_grad;
pub(crate) mod channel;
pub(crate) mod chunks;
pub(crate) mod classes;
pub(crate) mod epilogue;
pub(crate) mod exponents;
pub(crate) mod extents;
pub(crate) mod functions;
pub(crate) mod grad_weight_narrow;
pub(crate) mod grad_weight_wide;
pub(crate) mod level;
pub(crate) mod matrix;
pub(crate) mod operands;
pub(crate) mod padded;
pub(crate) mod parts;
pub(crate) mod patches;
pub(crate) mod planes;
pub(crate) mod resample;
pub(crate) mod rows;
pub(crate) mod scratch;
pub(crate) mod shifted;
pub(crate) mod sums;
pub(crate) mod tile;
pub(crate) mod transpose;
pub(crate) mod windows;
