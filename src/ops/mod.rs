//! Differentiable operations under PyTorch's functional names: each calls launchers and records its gradient on the tape.

mod add;
mod conv2d;
mod conv_transpose2d;
mod masked_loss;

pub use add::add;
pub use conv_transpose2d::conv_transpose2d;
pub use conv2d::conv2d;
pub use masked_loss::{Reduction, masked_loss};
