//! The device: everything that names wgpu lives in this folder, and nothing above it imports wgpu.
//!
//! [`Gpu`] is a cheap handle of one open device. Buffers come from its pool ([`buffer`]), kernels are assembled from the
//! WGSL catalogue ([`shader`]), compiled once a variant ([`kernel`]), recorded and submitted in bounded batches (`stream`).

mod adapter;
pub mod buffer;
mod capabilities;
mod context;
mod driver;
pub mod kernel;
mod memory_size;
mod profile;
pub mod shader;
pub mod software;
mod stream;

pub use adapter::{AdapterSummary, list_adapters};
pub use buffer::{Buffer, MemoryUse};
pub use capabilities::Capabilities;
pub use context::Gpu;
pub use kernel::{Cost, LOOP_TRIPS, Launch, groups_1d};
pub use profile::ProfileRow;
