//! Host twin of `batch_norm`.

use super::params;

params!(
    /// Planes of all images as packs, cut into chunks; `lanes` invocations walk one plane.
    BatchNormParams for "batch_norm" { planes: u32, c: u32, plane: u32, step: u32, chunks: u32, lanes: u32 }
);
