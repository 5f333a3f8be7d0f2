//! Differentiable operations under PyTorch's functional names: each calls launchers and records its gradient on the tape.

mod add;

pub use add::add;
