//! meltcore trains and runs convolutional networks with hand-written WGSL compute kernels on any GPU (Vulkan, Metal, DX12), and with their
//! twins in Rust on the processor; made for three jobs: daily 100 m maps of surface meltwater on the Greenland ice sheet, outlines of
//! glaciers, and calving fronts.
//!
//! # The map of the house
//!
//! ```text
//!                    cli
//!                     |
//!   verify  bench  report  ablate  baselines  synth  draft  the engine proved and timed, maps shown, made up and made without a network,
//!                experiment                                 configurations made from data, many trainings compared
//!                     |
//!            train  predict  evaluate                       know a task and a network, not which
//!                     |
//!            tasks    preprocess    weights                 what is learned; rasters to inputs; weight files
//!                     |
//!       models    fronts    data    config    domains       networks; calving fronts; rasters and days; keys; what variables mean
//!          |
//!   nn  optim                                               the engine: it knows no configuration, no variable and no task
//!   ops
//!   autograd
//!   kernels
//!   tensor
//!   gpu
//!   host
//! ```
//!
//! Each room imports only from those above it in this list, and of these only what its line in `tests/layers.rs` allows. In reading order:
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`error`], [`event`], [`random`] | the one error type with its exit statuses; progress as data; seeded draws |
//! | [`ranks`] | threads and processes that share a run: bytes from one to another, a sum in one fixed order |
//! | [`files`] | files that appear whole, locks, digests |
//! | [`mod@reference`] | naive f64 loops, the meaning of each op: tests and `bench` compare with them |
//! | [`host`] | the processor as a device: one Rust twin a shader, with its parameters and bindings; threads, instruction sets |
//! | [`gpu`] | everything that names wgpu: device, buffer pool, shader assembly, pipelines, submission in bounded batches; the drivers |
//! | [`tensor`] | identity, shape and buffer; no arithmetic |
//! | [`kernels`] | one launcher a shader: parameter struct, variant, launch, cost in bytes and operations |
//! | [`autograd`] | the tape: one closure an op |
//! | [`ops`] | differentiable operations under PyTorch's functional names; **how to add one** |
//! | [`nn`], [`optim`] | layers, initialisation and state dicts; optimizers and schedules: here the engine ends |
//! | [`image`], [`domains`] | colour maps, canvas, PNG; what the variables of a kind of maps mean, as tables |
//! | [`config`] | the YAML keys of a run, a line each |
//! | [`calibrate`] | how sure maps are against how often they are right: bins, curves, the file beside the weights |
//! | [`data`] | host side only: GeoTIFFs, days and splits, crops and mosaics, prefetching |
//! | [`fronts`] | calving fronts: lines drawn from zones, distances between them |
//! | [`models`] | the networks by `model_key`; **how to add one** |
//! | [`weights`] | weight files as files: what they hold, whether they fit, how two differ, foreign encoders |
//! | [`preprocess`] | rasters to a network's named inputs |
//! | [`tasks`] | what networks are trained for: targets, losses, bands of maps, scores, words; **how to add one** |
//! | [`evaluate`], [`predict`] | maps to scores; full scenes by mosaicking tiles |
//! | [`train`], [`baselines`] | the loop, checkpoints, logs; maps without a network |
//! | [`draft`] | a configuration made from folders of rasters |
//! | [`ablate`], [`report`] | what each input is worth; one HTML page with scores, maps, curves and the run's manifest |
//! | [`experiment`] | many trainings that one file describes, and one table of their scores |
//! | [`verify`], [`mod@bench`], [`synth`] | PyTorch fixtures replayed; kernels timed; believable sample scenes |
//! | [`cli`] | arguments in, one call down, table out |
//!
//! One name finds a whole story: `rg conv2d_grad_weight` shows the shader (`shaders/conv2d_grad_weight.wgsl`), its twin on the processor
//! (`src/host/conv2d_grad_weight.rs`), its launcher
//! (`kernels::conv2d`), the op that uses it as a gradient, the naive f64 loop that defines it (`src/reference/`) and its tests.
//!
#![doc = include_str!("EXAMPLES.md")]
#![warn(missing_docs)]

pub mod ablate;
pub mod autograd;
pub mod baselines;
pub mod bench;
pub mod calibrate;
#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
pub mod data;
pub mod domains;
pub mod draft;
pub mod error;
pub mod evaluate;
pub mod event;
pub mod experiment;
pub mod files;
pub mod fronts;
pub mod gpu;
pub mod image;
pub mod models;
pub mod nn;
pub mod optim;
pub mod predict;
pub mod preprocess;
pub mod random;
pub mod ranks;
#[cfg(feature = "report")]
pub mod report;
#[cfg(feature = "synth")]
pub mod synth;
pub mod tasks;
pub mod tensor;
pub mod train;
pub mod verify;
pub mod weights;

// The rooms through which an op goes, so that a new one is listed in one place: see `ops/ADDING.md`.

// Index loops are the notation of the formulas, and the arguments are those of the ops.
#[allow(clippy::needless_range_loop, clippy::too_many_arguments)]
pub mod reference {
    //! The meaning of every op: naive f64 loops over NCHW slices, written to be read and checked, never to be fast.
    //!
    //! One file per stem family; a function carries its stem's name, so that searching for a stem shows the kernel, its launcher and its
    //! meaning together. Where PyTorch defines an op, these functions follow PyTorch, and `tests/reference_fixtures.rs` proves it with
    //! fixtures that PyTorch made. Tests compare every device's kernels with them, and `bench` checks with them what it then times.
    //!
    //! Methods that are no ops (mosaics, the baselines without a network, scores over groups of days) have their naive forms here, too.
    //!
    //! Gradients take the gradient of the output first, then the forward's arguments, and return the gradient of what they name. Nothing
    //! here checks its arguments: slices that do not have the length that their shape says panic, or give nonsense.

    pub mod activation;
    pub mod adaptive_avg_pool2d;
    pub mod add;
    pub mod add_row;
    pub mod batch_norm;
    pub mod cat;
    pub mod confidence;
    pub mod conv2d;
    pub mod conv_transpose2d;
    pub mod cross_entropy;
    pub mod depthwise_conv2d;
    pub mod dice_loss;
    pub mod dropout;
    pub mod focal_loss;
    pub mod front;
    pub mod gather_tokens;
    pub mod gaussian_blur;
    pub mod gradient_clipping;
    pub mod group_norm;
    pub mod interpolate;
    pub mod interpolate_mar;
    pub mod layer_norm;
    pub mod linear;
    pub mod lr_schedule;
    pub mod masked_loss;
    pub mod masked_metrics;
    pub mod masked_ssim;
    pub mod masked_ssim_loss;
    pub mod max_pool2d;
    pub mod mosaic;
    pub mod mul_row;
    pub mod mul_scalar;
    pub mod narrow;
    pub mod normalize;
    pub mod operands;
    pub mod optimizers;
    pub mod pad;
    pub mod relative_position_bias;
    pub mod scaled_dot_product_attention;
    pub mod scatter_tokens;
    pub mod scene_groups;
    pub mod segmentation_scores;
    pub(crate) mod shape;
    pub mod softmax;
    pub mod space_to_depth;
    pub mod threshold_pmw;
    pub mod time_interpolate_sar;
    pub mod transpose;
    pub mod window_partition;
    pub mod window_reverse;

    pub use shape::{Shape, at, count, place};
}

pub mod host {
    //! The processor as a device: for each kernel a Rust twin of its WGSL file, with the same name, the same parameter struct and the same
    //! buffers in the same order (as vello pairs every shader with a CPU twin).
    //!
    //! `twins` is the table that the driver looks stems up in; `job` hands a launch's parameters and buffers to a twin; `memory` is what
    //! buffers are made of; [`threads`] says who computes. `shared/` holds what several twins use, as `shaders/shared/` does. Inner loops
    //! are
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
    pub(crate) mod add_row;
    pub(crate) mod add_row_grad_row;
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
    pub(crate) mod clip_grad_norm_gather;
    pub(crate) mod clip_grad_norm_scale;
    pub(crate) mod clip_grad_norm_stats;
    pub(crate) mod confidence;
    pub(crate) mod conv2d;
    pub(crate) mod conv2d_grad_bias;
    mod conv2d_grad_input;
    pub(crate) mod conv2d_grad_weight;
    mod cross_entropy_grad_logits;
    pub(crate) mod cross_entropy_stats;
    pub(crate) mod depthwise_conv2d;
    pub(crate) mod depthwise_conv2d_grad_input;
    pub(crate) mod depthwise_conv2d_grad_weight;
    pub(crate) mod dice_loss;
    mod dice_loss_grad_logits;
    pub(crate) mod dice_loss_stats;
    pub(crate) mod dropout;
    mod focal_loss_grad_probabilities;
    pub(crate) mod focal_loss_stats;
    pub(crate) mod gather_tokens;
    pub(crate) mod gaussian_blur;
    pub(crate) mod group_norm_grad_input;
    pub(crate) mod group_norm_grad_stats;
    pub(crate) mod group_norm_stats;
    pub(crate) mod interpolate;
    pub(crate) mod interpolate_grad_input;
    pub(crate) mod layer_norm;
    pub(crate) mod layer_norm_grad_input;
    pub(crate) mod layer_norm_grad_weight;
    pub(crate) mod linear;
    pub(crate) mod linear_grad_weight;
    pub(crate) mod masked_loss;
    pub(crate) mod masked_loss_grad_pred;
    pub(crate) mod masked_loss_stats;
    pub(crate) mod masked_metrics;
    pub(crate) mod masked_ssim;
    pub(crate) mod masked_ssim_loss_grad_moments;
    pub(crate) mod masked_ssim_loss_grad_pred;
    pub(crate) mod masked_ssim_prepare;
    pub(crate) mod max_pool2d;
    mod max_pool2d_grad_input;
    pub(crate) mod mul_row;
    pub(crate) mod mul_row_grad_row;
    pub(crate) mod mul_scalar;
    pub(crate) mod normalize;
    pub(crate) mod normalize_grad_input;
    pub(crate) mod pack_half;
    pub(crate) mod pad;
    pub(crate) mod relative_position_bias;
    mod relative_position_bias_grad_table;
    pub(crate) mod rmsprop;
    pub(crate) mod scaled_dot_product_attention;
    mod scaled_dot_product_attention_grad;
    mod scaled_dot_product_attention_grad_bias;
    pub(crate) mod scatter_tokens;
    pub(crate) mod segmentation_scores;
    pub(crate) mod sgd;
    pub(crate) mod softmax;
    mod softmax_grad_input;
    pub(crate) mod sum_partials;
    pub(crate) mod transpose;
    mod unpack_half;
    pub(crate) mod weighted_mean;
    pub(crate) mod window_partition;
    mod window_reverse;

    pub(crate) use params::params;
    pub use shared::level::{check_instruction_set, instruction_set, instruction_sets};
    pub use twins::stems;
}

pub mod kernels {
    //! Launchers: one file per stem family with its parameter struct, plan, dispatch and cost. No tape here.
    //!
    //! What is launched is a [`crate::gpu::Plan`], made of what the device can do and of extents alone. Where there is something to choose
    //! a function `plan` makes it; elsewhere it is one line of the launcher.

    pub mod activation;
    pub mod adaptive_avg_pool2d;
    pub mod add;
    pub mod add_row;
    pub mod batch_norm;
    pub mod cat;
    mod class_maps;
    pub mod clip_grad_norm;
    pub mod confidence;
    pub mod conv2d;
    pub mod cross_entropy;
    pub mod depthwise_conv2d;
    pub mod dice_loss;
    pub mod dropout;
    pub mod epilogue;
    pub mod focal_loss;
    pub mod gather_tokens;
    pub mod gaussian_blur;
    pub mod group_norm;
    mod image_groups;
    pub mod interpolate;
    pub mod layer_norm;
    pub mod linear;
    pub mod masked_loss;
    pub mod masked_metrics;
    pub mod masked_ssim;
    pub mod masked_ssim_loss;
    mod matrices;
    pub mod max_pool2d;
    pub mod mul_row;
    pub mod mul_scalar;
    pub mod normalize;
    pub mod operands;
    pub mod optimizer;
    pub mod pack_half;
    pub mod pad;
    pub mod params;
    mod planes;
    pub mod relative_position_bias;
    pub mod scaled_dot_product_attention;
    pub mod segmentation_scores;
    pub mod softmax;
    pub mod source;
    mod strips;
    pub mod sum_partials;
    pub mod transpose;
    pub mod variants;
    pub mod weighted_mean;
    pub mod window_partition;

    pub(crate) use params::params;
}

pub mod ops {
    #![doc = include_str!("ops/ADDING.md")]

    mod activation;
    mod adaptive_avg_pool2d;
    mod add;
    mod add_row;
    mod batch_norm;
    mod cat;
    mod conv2d;
    mod conv2d_batch_norm;
    mod conv2d_by_sample;
    mod conv2d_of_cat;
    mod conv2d_of_norm;
    mod conv_transpose2d;
    mod cross_entropy;
    mod dice_loss;
    mod dropout;
    mod focal_loss;
    mod gather_tokens;
    mod group_norm;
    mod interpolate;
    mod layer_norm;
    mod linear;
    mod masked_loss;
    mod masked_ssim_loss;
    mod max_pool2d;
    mod mul_row;
    mod mul_scalar;
    mod narrow;
    mod normalize;
    mod pad;
    mod relative_position_bias;
    mod reshape;
    mod scaled_dot_product_attention;
    mod scatter_tokens;
    mod softmax;
    mod space_to_depth;
    mod transpose;
    mod window_partition;
    mod window_reverse;

    pub use activation::{Activation, activation, clamped_exp, gelu, leaky_relu, relu, sigmoid, sigmoidcutoff, silu, tanhshelf};
    pub use adaptive_avg_pool2d::adaptive_avg_pool2d;
    pub use add::add;
    pub use add_row::add_row;
    pub use batch_norm::{BatchNormAttrs, Batching, RunningVariance, batch_norm};
    pub use cat::{cat, cat_padded};
    pub use conv_transpose2d::conv_transpose2d;
    pub use conv2d::{conv2d, depthwise_conv2d};
    pub use conv2d_batch_norm::{RunningNorm, conv2d_batch_norm};
    pub use conv2d_by_sample::{Candidate, conv2d_by_sample};
    pub use conv2d_of_cat::{conv2d_of_cat, reads_apart};
    pub use conv2d_of_norm::{NormBefore, conv2d_of_norm, reads_through};
    pub use cross_entropy::{CrossEntropyAttrs, cross_entropy};
    pub use dice_loss::dice_loss;
    pub use dropout::dropout;
    pub use focal_loss::{FocalLossAttrs, focal_loss};
    pub use gather_tokens::{Picked, gather_tokens};
    pub use group_norm::group_norm;
    pub use interpolate::{Interpolation, Target, interpolate};
    pub use layer_norm::layer_norm;
    pub use linear::linear;
    pub use masked_loss::{LossKind, Reduction, masked_loss};
    pub use masked_ssim_loss::masked_ssim_loss;
    pub use max_pool2d::{Window, max_pool2d};
    pub use mul_row::mul_row;
    pub use mul_scalar::mul_scalar;
    pub use narrow::narrow;
    pub use normalize::normalize;
    pub use pad::{Sides, pad};
    pub use relative_position_bias::relative_position_bias;
    pub use reshape::reshape;
    pub use scaled_dot_product_attention::{AttentionAttrs, Windows, scaled_dot_product_attention};
    pub use scatter_tokens::scatter_tokens;
    pub use softmax::softmax;
    pub use space_to_depth::space_to_depth;
    pub use transpose::transpose;
    pub use window_partition::window_partition;
    pub use window_reverse::window_reverse;
}
