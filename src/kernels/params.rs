//! The layouts of all parameter structs, for the test that compares them with the WGSL files.

use super::batch_norm::moments::BatchNormStatsGatherParams;
use super::conv2d::split;
use super::depthwise_conv2d as depthwise;
pub use crate::host::params::Layout;
pub(crate) use crate::host::params::params;
use crate::host::twins;

/// Structs that no twin has, of kernels for GPUs only.
const WITHOUT_TWIN: [Layout; 7] = [
    Layout::of::<BatchNormStatsGatherParams>(),
    Layout::of::<split::Conv2dSumParams>(),
    Layout::of::<depthwise::Depthwise3x3Params>(),
    Layout::of::<depthwise::Depthwise3x3Stride2Params>(),
    Layout::of::<depthwise::DepthwiseGradInput3x3Stride2Params>(),
    Layout::of::<depthwise::GradWeight3x3Params>(),
    Layout::of::<depthwise::GradWeight3x3Stride2Params>(),
];

/// Every parameter struct of the crate.
pub fn layouts() -> Vec<Layout> {
    let mut layouts = WITHOUT_TWIN.to_vec();
    for (_, layout) in twins::layouts() {
        if !layouts.contains(&layout) {
            layouts.push(layout);
        }
    }
    layouts
}
