//! The processor as a device: for each kernel a Rust twin of its WGSL file, with the same name, the same parameter struct and the same
//! buffers in the same order (as vello pairs every shader with a CPU twin).
//!
//! `twins` is the table that the driver looks stems up in; `job` hands a launch's parameters and buffers to a twin; `memory` is what
//! buffers are made of; [`threads`] says who computes. `shared/` holds what several twins use, as `shaders/shared/` does. Inner loops are
//! `#[simd]` functions that see nothing but slices: compiled once for each instruction set, chosen when they run.
//!
//! Work is shared out by outputs and never by sums of a thread's own, so that a result has the same bits for any number of threads.
//! Instruction sets may differ from each other in the last bits, as GPUs do.

pub(crate) mod job;
pub(crate) mod memory;
pub(crate) mod params;
pub(crate) mod shared;
pub mod threads;
pub(crate) mod twins;

pub(crate) mod activation;
mod activation_grad;
pub(crate) mod adam;
pub(crate) mod adaptive_avg_pool2d;
pub(crate) mod adaptive_avg_pool2d_grad_input;
pub(crate) mod add;
pub(crate) mod batch_norm;
pub(crate) mod batch_norm_affine;
pub(crate) mod batch_norm_grad_input;
mod batch_norm_grad_stats;
pub(crate) mod batch_norm_grad_stats_merge;
pub(crate) mod batch_norm_running;
pub(crate) mod batch_norm_stats;
pub(crate) mod batch_norm_stats_merge;
pub(crate) mod batch_norm_stats_running;
pub(crate) mod ceiling_copy;
pub(crate) mod ceiling_fma;
pub(crate) mod clip_grad_norm;
pub(crate) mod clip_grad_norm_scale;
pub(crate) mod clip_grad_norm_stats;
pub(crate) mod conv2d;
pub(crate) mod conv2d_grad_bias;
mod conv2d_grad_input;
pub(crate) mod conv2d_grad_weight;
pub(crate) mod depthwise_conv2d;
pub(crate) mod depthwise_conv2d_grad_input;
pub(crate) mod depthwise_conv2d_grad_weight;
pub(crate) mod dropout;
pub(crate) mod gaussian_blur;
pub(crate) mod interpolate;
pub(crate) mod interpolate_grad_input;
pub(crate) mod masked_loss;
pub(crate) mod masked_loss_grad_pred;
pub(crate) mod masked_loss_stats;
pub(crate) mod masked_metrics;
pub(crate) mod masked_ssim;
pub(crate) mod masked_ssim_prepare;
pub(crate) mod max_pool2d;
mod max_pool2d_grad_input;
pub(crate) mod pad;
pub(crate) mod rmsprop;
pub(crate) mod sgd;
pub(crate) mod sum_partials;

pub(crate) use params::params;
pub use shared::level::{check_instruction_set, instruction_set, instruction_sets};
pub use twins::stems;
