//! meltcore
pub mod autograd;
pub mod baselines;
pub mod cli;
pub mod config;
pub mod data;
pub mod error;
pub mod evaluate;
pub mod gpu;
pub mod image;
pub mod kernels;
pub mod ops;
pub mod optim;
pub mod predict;
pub mod preprocess;
pub mod synth;
pub mod tensor;
pub mod verify;
