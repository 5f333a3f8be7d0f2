//! Differentiable operations under PyTorch's functional names: each calls launchers and records its gradient on the tape.

mod activation;
mod add;
mod batch_norm;
mod conv2d;
mod conv_transpose2d;

pub use activation::{Activation, activation, gelu, relu, sigmoid, sigmoidcutoff, tanhshelf};
pub use add::add;
pub use batch_norm::{BatchNormAttrs, batch_norm};
pub use conv_transpose2d::conv_transpose2d;
pub use conv2d::conv2d;
