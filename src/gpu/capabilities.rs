//! What a device can do, as plain data: the only thing that kernel selection looks at.

/// Facts of a device that decide which kernel variant runs. Built by hand in tests.
#[derive(Debug, Clone, PartialEq)]
pub struct Capabilities {
    /// The adapter's name.
    pub name: String,
    /// Graphics API: Vulkan, Metal or Dx12.
    pub backend: String,
    /// Driver name and version.
    pub driver: String,
    /// A software device (lavapipe, WARP): kernels for SIMD registers instead of for thousands of threads.
    pub software: bool,
    /// Lanes of a subgroup, where subgroup operations exist and all subgroups have the same size.
    pub subgroup_size: Option<u32>,
    /// Kernels can be timed on the device.
    pub timestamps: bool,
    /// Largest storage buffer that a kernel can see, bytes.
    pub max_binding_bytes: u64,
    /// Largest number of invocations in a workgroup.
    pub max_invocations: u32,
}

impl Capabilities {
    /// Lanes of a software device's SIMD register, where the register-blocked subgroup kernels apply (8 or 16).
    pub fn simd_lanes(&self) -> Option<u32> {
        self.subgroup_size.filter(|lanes| self.software && matches!(lanes, 8 | 16))
    }
}
