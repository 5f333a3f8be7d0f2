//! The layouts of all parameter structs, for the test that compares them with the WGSL files.

use crate::host;
pub use crate::host::params::Params;
pub(crate) use crate::host::params::params;

/// Layout of one parameter struct, for the reflection test.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Stems that use it.
    pub stems: &'static [&'static str],
    /// Field names and types in order.
    pub fields: &'static [(&'static str, &'static str)],
    /// Size of the Rust struct, bytes.
    pub size: usize,
}

impl Layout {
    const fn of<P: Params>() -> Self {
        Layout { stems: P::STEMS, fields: P::FIELDS, size: size_of::<P>() }
    }
}

/// Every parameter struct of the crate, one a line.
#[rustfmt::skip]
pub const LAYOUTS: &[Layout] = &[
    Layout::of::<host::activation::ActivationParams>(),
    Layout::of::<host::adaptive_avg_pool2d::AdaptiveAvgPool2dParams>(),
    Layout::of::<host::add::AddParams>(),
    Layout::of::<host::batch_norm_affine::BatchNormAffineParams>(),
    Layout::of::<host::batch_norm_grad_input::BatchNormGradInputParams>(),
    Layout::of::<host::batch_norm_grad_stats_merge::BatchNormGradStatsMergeParams>(),
    Layout::of::<host::batch_norm::BatchNormParams>(),
    Layout::of::<host::batch_norm_running::BatchNormRunningParams>(),
    Layout::of::<host::batch_norm_stats_merge::BatchNormStatsMergeParams>(),
    Layout::of::<host::batch_norm_stats::BatchNormStatsParams>(),
    Layout::of::<host::batch_norm_stats_running::BatchNormStatsRunningParams>(),
    Layout::of::<host::ceiling_copy::CeilingCopyParams>(),
    Layout::of::<host::ceiling_fma::CeilingFmaParams>(),
    Layout::of::<host::clip_grad_norm::ClipGradNormParams>(),
    Layout::of::<host::clip_grad_norm_scale::ClipGradNormScaleParams>(),
    Layout::of::<host::clip_grad_norm_stats::ClipGradNormStatsParams>(),
    Layout::of::<host::conv2d_grad_bias::Conv2dGradBiasParams>(),
    Layout::of::<host::conv2d_grad_weight::Conv2dGradWeightParams>(),
    Layout::of::<host::conv2d::Conv2dParams>(),
    Layout::of::<super::depthwise_conv2d::Depthwise3x3Params>(),
    Layout::of::<super::depthwise_conv2d::Depthwise3x3Stride2Params>(),
    Layout::of::<super::depthwise_conv2d::DepthwiseGradInput3x3Stride2Params>(),
    Layout::of::<host::depthwise_conv2d_grad_input::DepthwiseGradInputParams>(),
    Layout::of::<host::depthwise_conv2d::DepthwiseParams>(),
    Layout::of::<super::depthwise_conv2d::GradWeight3x3Params>(),
    Layout::of::<super::depthwise_conv2d::GradWeight3x3Stride2Params>(),
    Layout::of::<host::depthwise_conv2d_grad_weight::DepthwiseGradWeightParams>(),
    Layout::of::<host::dropout::DropoutParams>(),
    Layout::of::<host::gaussian_blur::GaussianBlurParams>(),
    Layout::of::<host::interpolate::InterpolateParams>(),
    Layout::of::<host::masked_loss::MaskedLossParams>(),
    Layout::of::<host::masked_loss_stats::MaskedLossPixelParams>(),
    Layout::of::<host::masked_metrics::MaskedMetricsParams>(),
    Layout::of::<host::masked_ssim::MaskedSsimParams>(),
    Layout::of::<host::masked_ssim_prepare::MaskedSsimPrepareParams>(),
    Layout::of::<host::max_pool2d::MaxPool2dParams>(),
    Layout::of::<host::adam::AdamParams>(),
    Layout::of::<host::rmsprop::RmsPropParams>(),
    Layout::of::<host::sgd::SgdParams>(),
    Layout::of::<host::pad::PadParams>(),
    Layout::of::<host::sum_partials::SumPartialsParams>(),
];
