//! meltcore trains and runs convolutional networks with hand-written WGSL compute kernels on any GPU (Vulkan, Metal, DX12), and with their
//! twins in Rust on the processor; made for one job first: daily 100 m maps of surface meltwater on the Greenland ice sheet.
//!
//! # The map of the house
//!
//! Each room imports only from those above it (`tests/layers.rs` checks that). In reading order:
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`error`], [`event`], [`files`] | the one error type with its exit statuses; progress as data; files that appear whole, locks, digests |
//! | [`config`] | the YAML keys of a run |
//! | [`mod@reference`] | naive f64 loops, the meaning of each op: tests and `bench` compare with them |
//! | [`host`] | the processor as a device: one Rust twin a shader, with its parameters and bindings; threads, instruction sets |
//! | [`gpu`] | everything that names wgpu: device, buffer pool, shader assembly, pipelines, submission in bounded batches; the drivers |
//! | [`data`], [`image`] | host side only: GeoTIFFs, days and splits, crops and mosaics, prefetching; colour maps, canvas, PNG |
//! | [`tensor`] | identity, shape and buffer; no arithmetic |
//! | [`kernels`] | one launcher a shader: parameter struct, variant, launch, cost in bytes and operations |
//! | [`autograd`] | the tape: one closure an op |
//! | [`ops`] | differentiable operations under PyTorch's functional names; how to add one |
//! | [`nn`], [`optim`] | layers, initialisation and state dicts; optimizers and schedules |
//! | [`models`] | the networks by `model_key` |
//! | [`weights`] | weight files as files: what they hold, whether they fit, how two differ, foreign encoders |
//! | [`preprocess`], [`evaluate`] | rasters to network inputs; maps to scores |
//! | [`predict`] | full scenes by mosaicking tiles |
//! | [`train`], [`baselines`] | the loop, checkpoints, logs; maps without a network |
//! | [`ablate`] | what each input is worth: its mean in its place |
//! | [`report`] | one HTML page with scores, maps, curves and the run's manifest |
//! | [`verify`], [`mod@bench`], [`synth`] | PyTorch fixtures replayed; kernels timed; a believable sample scene |
//! | [`cli`] | arguments in, one call down, table out |
//!
//! One name finds a whole story: `rg conv2d_grad_weight` shows the shader (`shaders/conv2d_grad_weight.wgsl`), its twin on the processor
//! (`src/host/conv2d_grad_weight.rs`), its launcher
//! (`kernels::conv2d`), the op that uses it as a gradient, the naive f64 loop that defines it (`src/reference/`) and its tests.
//!
//! # One training step
//!
//! ```
//! use meltcore::{autograd::Tape, error::Result, gpu::Gpu, nn::Builder, ops, tensor::Tensor};
//! use meltcore::optim::{Optimizer, OptimizerKind, OptimizerSettings};
//!
//! # fn main() -> Result<()> {
//! let gpu = Gpu::open(None)?; // the best GPU, else the processor
//! let mut layers = Builder::new(&gpu, 42); // a seed decides the initial weights
//! let conv = layers.conv2d("conv", 3, 1, 1, Default::default(), true)?;
//! let parameters = layers.finish();
//! let mut optimizer = Optimizer::new(OptimizerSettings::new(OptimizerKind::Adam, 0.05));
//!
//! let input = Tensor::full(&gpu, [2, 3, 16, 16], 0.5)?;
//! let target = Tensor::full(&gpu, [2, 1, 16, 16], 0.9)?;
//! let mask = Tensor::full(&gpu, [2, 1, 16, 16], 0.0)?; // 1 where the target was not observed
//! let mut losses = Vec::new();
//! for _ in 0..5 {
//!     let tape = Tape::recording();
//!     parameters.watch(&tape);
//!     let melt = conv.forward(&tape, &input, ops::Activation::Sigmoid)?;
//!     let loss = ops::masked_loss(&tape, &melt, &target, &mask, ops::LossKind::L1, ops::Reduction::Mean)?;
//!     let gradients = tape.backward(&[(&loss, Tensor::full(&gpu, [], 1.0)?)])?;
//!     optimizer.step(&parameters.trainable(), &gradients)?;
//!     losses.push(loss.to_vec()?[0]);
//! }
//! assert!(losses[4] < losses[0]);
//! # Ok(())
//! # }
//! ```
//!
//! # A model of your own
//!
//! Anything with a forward pass and a state dict trains, predicts and loads PyTorch weights under the names given here:
//!
//! ```
//! use meltcore::{autograd::Tape, error::Result, gpu::Gpu, models::{Inputs, Model, Outputs}, tensor::Tensor};
//! use meltcore::nn::{Builder, Conv2d, ConvNorm, Mode, ParameterSet};
//! use meltcore::{kernels::conv2d::Conv2dAttrs, ops::Activation};
//!
//! struct TwoLayers { first: ConvNorm, head: Conv2d, parameters: ParameterSet }
//!
//! impl TwoLayers {
//!     fn new(gpu: &Gpu, in_channels: usize) -> Result<Self> {
//!         let mut b = Builder::new(gpu, 42);
//!         let same = Conv2dAttrs { padding: 1, ..Default::default() };
//!         let first = b.conv_norm(["conv", "norm"], [in_channels, 8], 3, same, 1e-5)?;
//!         let head = b.conv2d("head", 8, 1, 1, Default::default(), true)?;
//!         Ok(TwoLayers { first, head, parameters: b.finish() })
//!     }
//! }
//!
//! impl Model for TwoLayers {
//!     fn forward(&self, tape: &Tape, inputs: &Inputs, mode: Mode) -> Result<Outputs> {
//!         let x = self.first.forward(tape, inputs.only()?, mode, Activation::Relu)?;
//!         Ok(self.head.forward(tape, &x, Activation::Sigmoid)?.into())
//!     }
//!
//!     fn parameters(&self) -> &ParameterSet {
//!         &self.parameters
//!     }
//! }
//!
//! # fn main() -> Result<()> {
//! let gpu = Gpu::open(None)?;
//! let model = TwoLayers::new(&gpu, 4)?;
//! let map = model.map(&Tape::off(), &Tensor::full(&gpu, [1, 4, 12, 20], 0.1)?, Mode::Eval)?;
//! assert_eq!(map.shape().dims(), [1, 1, 12, 20]);
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

pub mod ablate;
pub mod autograd;
pub mod baselines;
pub mod bench;
pub mod cli;
pub mod config;
pub mod data;
pub mod domains;
pub mod error;
pub mod evaluate;
pub mod event;
pub mod files;
pub mod gpu;
pub mod host;
pub mod image;
pub mod kernels;
pub mod models;
pub mod nn;
pub mod ops;
pub mod optim;
pub mod predict;
pub mod preprocess;
pub mod reference;
pub mod report;
pub mod synth;
pub mod tasks;
pub mod tensor;
pub mod train;
pub mod verify;
pub mod weights;
