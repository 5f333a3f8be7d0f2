//! Host twin of `adaptive_avg_pool2d`.

use super::params;

params!(
    /// Planes, their length in packs, and 1/(h·w).
    AdaptiveAvgPool2dParams for "adaptive_avg_pool2d", "adaptive_avg_pool2d_grad_input" { planes: u32, plane: u32, inverse_count: f32 }
);
