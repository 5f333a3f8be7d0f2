//! What a device can do, as plain data: the only thing that kernel selection looks at.

use crate::gpu::Choices;
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
    /// Who made it, where that is known: NVIDIA, AMD, Intel, Apple, Qualcomm, Arm, Mesa.
    pub vendor: String,
    /// Lanes of a subgroup: smallest and largest.
    pub subgroup: [u32; 2],
    /// Invocations of a workgroup at most.
    pub invocations: u32,
    /// Bytes that a workgroup shares at most.
    pub workgroup_bytes: u32,
    /// Arrays that a kernel sees at most.
    pub storage_buffers: u32,
    /// Bytes of a kernel's parameters at most.
    pub immediate_bytes: u32,
    /// Half-precision arithmetic in shaders.
    pub f16: bool,
    /// Its conversion from f32 to f16 rounds to nearest, ties to even: tried when a device with half-precision arithmetic is opened.
    pub f16_nearest: bool,
    /// Sides of the square matrices of f16 whose products, summed in f32, a whole subgroup computes at once (cooperative matrices).
    pub matrices: Vec<u32>,
    /// Kernels can be timed on the device.
    pub timestamps: bool,
    /// Largest storage buffer that a kernel can see, bytes.
    pub max_binding_bytes: u64,
    /// Trips that the loops of one invocation may take together, where the device ends them after so many without a word: longer sums are
    /// split over workgroups, or refused. Leaving a loop counts as a trip; loops that the compiler unrolls do not count.
    pub loop_trips: Option<usize>,
    /// Which of the variants of equal bits run, where that is not left to the launchers.
    pub choices: Choices,
}

impl Capabilities {
    /// A GPU with the limits that WebGPU gives to every page, 128 MiB to a binding, and nothing that is optional.
    ///
    /// Source: W3C, WebGPU, section 3.6.2 (limits); immediates as they are proposed there.
    pub fn webgpu(name: &str) -> Capabilities {
        Capabilities {
            name: name.into(),
            backend: "Vulkan".into(),
            driver: String::new(),
            kind: DeviceKind::Gpu,
            vendor: String::new(),
            subgroup: [4, 128],
            invocations: 256,
            workgroup_bytes: 16 << 10,
            storage_buffers: 8,
            immediate_bytes: 64,
            f16: false,
            f16_nearest: false,
            matrices: Vec::new(),
            timestamps: false,
            max_binding_bytes: 128 << 20,
            loop_trips: None,
            choices: Choices::default(),
        }
    }

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

    /// The sides of its cooperative matrices, as `8×8, 16×16`, or `none`.
    pub fn named_matrices(&self) -> String {
        let named: Vec<String> = self.matrices.iter().map(|side| format!("{side}×{side}")).collect();
        if named.is_empty() { "none".into() } else { named.join(", ") }
    }

    /// True where `trips` trips of an invocation's loops come to an end.
    pub fn loops(&self, trips: usize) -> bool {
        self.loop_trips.is_none_or(|most| trips <= most)
    }
}
