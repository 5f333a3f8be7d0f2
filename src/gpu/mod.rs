//! The device: everything that names wgpu lives in this folder, and nothing above it imports wgpu.
//!
//! [`Gpu`] is a cheap handle of one open device, whose driver is wgpu, the [host](crate::host), or none in a planner. Buffers come from its
//! pool ([`buffer`]), kernels are assembled from the WGSL catalogue ([`shader`]), compiled once a variant ([`kernel`]), recorded and
//! submitted in bounded batches (`stream`).

mod adapter;
pub mod buffer;
mod capabilities;
mod classes;
mod context;
mod driver;
mod host_driver;
pub mod kernel;
mod launched;
pub mod loader;
mod memory_limit;
mod memory_size;
mod needs;
mod plan;
mod profile;
mod rounding;
pub mod shader;
mod stream;
mod wgpu_driver;

pub use adapter::{AdapterSummary, list_adapters, nth_of_best};
pub use buffer::{Buffer, MemoryUse};
pub use capabilities::{Capabilities, DeviceKind};
pub use classes::device_classes;
pub use context::Gpu;
pub use kernel::{Cost, Launch};
pub use launched::{Launched, Replay};
pub use needs::Needs;
pub use plan::{Choices, LEAST_TILE, Parameters, Plan, Selectable};
pub use profile::ProfileRow;
