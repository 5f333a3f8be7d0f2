//! Parameter structs of kernels: one Rust struct and one WGSL struct each, proved equal by a test that reflects the WGSL.

/// A parameter struct: 4-byte scalars only, so that offsets agree in both languages by construction of the same order.
pub trait Params: bytemuck::Pod {
    /// Stems whose `var<immediate>` has this layout.
    const STEMS: &'static [&'static str];
    /// Field names and types (`u32`, `i32`, `f32`) in order.
    const FIELDS: &'static [(&'static str, &'static str)];
}

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

/// Declares a parameter struct: `params!(/// doc Name for "stem", "stem" { field: u32, … });`.
macro_rules! params {
    ($(#[$meta:meta])* $name:ident for $($stem:literal),+ { $($field:ident : $ty:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Debug, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
        pub(crate) struct $name { $(pub(crate) $field: $ty),+ }
        impl $crate::kernels::params::Params for $name {
            const STEMS: &'static [&'static str] = &[$($stem),+];
            const FIELDS: &'static [(&'static str, &'static str)] = &[$((stringify!($field), stringify!($ty))),+];
        }
    };
}
pub(crate) use params;

/// Every parameter struct of the crate, one a line.
#[rustfmt::skip]
pub const LAYOUTS: &[Layout] = &[
    Layout::of::<super::activation::ActivationParams>(),
    Layout::of::<super::adaptive_avg_pool2d::AdaptiveAvgPool2dParams>(),
    Layout::of::<super::add::AddParams>(),
    Layout::of::<super::batch_norm::BatchNormGradInputParams>(),
    Layout::of::<super::batch_norm::BatchNormGradStatsMergeParams>(),
    Layout::of::<super::batch_norm::BatchNormParams>(),
    Layout::of::<super::batch_norm::BatchNormStatsMergeParams>(),
    Layout::of::<super::batch_norm::BatchNormStatsParams>(),
    Layout::of::<super::batch_norm::BatchNormStatsRunningParams>(),
    Layout::of::<super::ceiling::CeilingCopyParams>(),
    Layout::of::<super::ceiling::CeilingFmaParams>(),
    Layout::of::<super::clip_grad_norm::ClipGradNormParams>(),
    Layout::of::<super::clip_grad_norm::ClipGradNormScaleParams>(),
    Layout::of::<super::clip_grad_norm::ClipGradNormStatsParams>(),
    Layout::of::<super::conv2d::GradBiasParams>(),
    Layout::of::<super::conv2d::portable::GradWeightParams>(),
    Layout::of::<super::conv2d::portable::PortableParams>(),
    Layout::of::<super::conv2d::software::Conv1x1Params>(),
    Layout::of::<super::conv2d::software::Conv3x3Params>(),
    Layout::of::<super::conv2d::software::GradWeight1x1Params>(),
    Layout::of::<super::conv2d::software::GradWeight3x3Params>(),
    Layout::of::<super::depthwise_conv2d::Depthwise3x3Params>(),
    Layout::of::<super::depthwise_conv2d::Depthwise3x3Stride2Params>(),
    Layout::of::<super::depthwise_conv2d::DepthwiseGradInput3x3Stride2Params>(),
    Layout::of::<super::depthwise_conv2d::DepthwiseGradInputParams>(),
    Layout::of::<super::depthwise_conv2d::DepthwiseParams>(),
    Layout::of::<super::depthwise_conv2d::GradWeight3x3Params>(),
    Layout::of::<super::depthwise_conv2d::GradWeight3x3Stride2Params>(),
    Layout::of::<super::depthwise_conv2d::GradWeightParams>(),
    Layout::of::<super::dropout::DropoutParams>(),
    Layout::of::<super::gaussian_blur::GaussianBlurParams>(),
    Layout::of::<super::interpolate::InterpolateParams>(),
    Layout::of::<super::masked_loss::MaskedLossParams>(),
    Layout::of::<super::masked_loss::MaskedLossPixelParams>(),
    Layout::of::<super::masked_metrics::MaskedMetricsParams>(),
    Layout::of::<super::masked_ssim::MaskedSsimParams>(),
    Layout::of::<super::masked_ssim::MaskedSsimPrepareParams>(),
    Layout::of::<super::max_pool2d::MaxPool2dParams>(),
    Layout::of::<super::optimizer::AdamParams>(),
    Layout::of::<super::optimizer::RmsPropParams>(),
    Layout::of::<super::optimizer::SgdParams>(),
    Layout::of::<super::pad::PadParams>(),
    Layout::of::<super::pixel_shuffle::PixelShuffleParams>(),
    Layout::of::<super::pixel_shuffle::PixelUnshuffleParams>(),
    Layout::of::<super::sum_partials::SumPartialsParams>(),
    Layout::of::<super::unfold::FoldParams>(),
    Layout::of::<super::unfold::UnfoldParams>(),
];
