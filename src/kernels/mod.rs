//! Launchers: one file per stem family with its parameter struct, variant selection, dispatch and cost. No tape here.

pub mod activation;
pub mod adaptive_avg_pool2d;
pub mod add;
pub mod batch_norm;
pub mod cat;
pub mod ceiling;
pub mod clip_grad_norm;
pub mod conv2d;
pub mod depthwise_conv2d;
pub mod dropout;
pub mod epilogue;
pub mod gaussian_blur;
mod image_groups;
pub mod interpolate;
pub mod masked_loss;
pub mod masked_metrics;
pub mod masked_ssim;
pub mod max_pool2d;
pub mod optimizer;
pub mod pad;
pub mod params;
mod strips;
pub mod sum_partials;

pub(crate) use params::params;
