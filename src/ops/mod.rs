#![doc = include_str!("ADDING.md")]

mod activation;
mod adaptive_avg_pool2d;
mod add;
mod batch_norm;
mod cat;
mod conv2d;
mod conv2d_batch_norm;
mod conv2d_by_sample;
mod conv_transpose2d;
mod depthwise_conv2d;
mod dropout;
mod interpolate;
mod masked_loss;
mod max_pool2d;
mod pad;

pub use activation::{Activation, activation, gelu, relu, sigmoid, sigmoidcutoff, tanhshelf};
pub use adaptive_avg_pool2d::adaptive_avg_pool2d;
pub use add::add;
pub use batch_norm::{BatchNormAttrs, batch_norm};
pub use cat::{cat, cat_padded};
pub use conv_transpose2d::conv_transpose2d;
pub use conv2d::conv2d;
pub use conv2d_batch_norm::{RunningNorm, conv2d_batch_norm};
pub use conv2d_by_sample::{Candidate, conv2d_by_sample};
pub use depthwise_conv2d::depthwise_conv2d;
pub use dropout::dropout;
pub use interpolate::{Interpolation, Target, interpolate};
pub use masked_loss::{LossKind, Reduction, masked_loss};
pub use max_pool2d::{Window, max_pool2d};
pub use pad::{Sides, pad};
