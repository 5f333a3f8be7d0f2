//! meltcore
pub mod autograd;
pub mod cli;
pub mod config;
pub mod data;
pub mod error;
pub mod gpu;
pub mod image;
pub mod kernels;
pub mod models;
pub mod nn;
pub mod ops;
pub mod optim;
pub mod synth;
pub mod tensor;
pub mod train;
pub mod verify;
