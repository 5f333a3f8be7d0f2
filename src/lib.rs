//! meltcore
pub mod autograd;
pub mod config;
pub mod error;
pub mod gpu;
pub mod kernels;
pub mod ops;
pub mod tensor;
pub mod verify;
