//! What a device can do, as plain data: the only thing that kernel selection looks at.

use crate::host;

/// What computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// A real GPU.
    Gpu,
    /// A software device behind the graphics API (lavapipe, WARP): for checking WGSL.
    Software,
    /// The processor itself, through the twins of [`crate::host`].
    Host,
}

/// Facts of a device that decide which kernel variant runs. Built by hand in tests.
#[derive(Debug, Clone, PartialEq)]
pub struct Capabilities {
    /// The adapter's name, or the processor's.
    pub name: String,
    /// Graphics API: Vulkan, Metal or Dx12; `host` without one.
    pub backend: String,
    /// Driver name and version; of the host, instruction set and threads.
    pub driver: String,
    /// What computes.
    pub kind: DeviceKind,
    /// Kernels can be timed on the device.
    pub timestamps: bool,
    /// Largest storage buffer that a kernel can see, bytes.
    pub max_binding_bytes: u64,
    /// Trips that the loops of one invocation may take together, where the device ends them after so many without a word: longer sums are
    /// split over workgroups, or refused. Leaving a loop counts as a trip; loops that the compiler unrolls do not count.
    pub loop_trips: Option<usize>,
}

impl Capabilities {
    /// What decides the bits of results: devices of another name round differently, and the host with another instruction set.
    pub fn identity(&self) -> String {
        match self.kind {
            DeviceKind::Host => format!("{} ({})", self.name, host::instruction_set()),
            _ => self.name.clone(),
        }
    }

    /// True for the host: launchers then choose among its twins.
    pub fn is_host(&self) -> bool {
        self.kind == DeviceKind::Host
    }

    /// True where `trips` trips of an invocation's loops come to an end.
    pub fn loops(&self, trips: usize) -> bool {
        self.loop_trips.is_none_or(|most| trips <= most)
    }
}
