//! Limits of kinds of devices, as data: what plans look like on devices that are not at hand, and whether they keep to their limits.
//!
//! The numbers are meant to be those of the makers' specifications and of common drivers, the smaller one where they differ, and bindings
//! those that wgpu passes on; none was seen on a device. Nothing runs by them: a device at hand is asked itself.

use crate::gpu::Capabilities;

const KIB: u32 = 1 << 10;
const MIB: u64 = 1 << 20;

/// The kinds of devices, WebGPU's own limits last.
pub fn device_classes() -> Vec<Capabilities> {
    vec![
        // Metal feature set tables (family Apple 7): 32 KiB a threadgroup, 1024 threads, 31 buffers; simdgroup matrices of 8 × 8.
        Capabilities {
            backend: "Metal".into(),
            vendor: "Apple".into(),
            subgroup: [32, 32],
            invocations: 1024,
            workgroup_bytes: 32 * KIB,
            storage_buffers: 30,
            immediate_bytes: 4096,
            f16: true,
            f16_nearest: true,
            matrices: vec![8],
            max_binding_bytes: 1024 * MIB,
            ..Capabilities::webgpu("Apple M1")
        },
        // Mesa's anv on Xe-LP; its matrices are 8 × 8 × 16, and WGSL has types of square ones alone.
        Capabilities {
            vendor: "Intel".into(),
            subgroup: [8, 32],
            invocations: 1024,
            workgroup_bytes: 64 * KIB,
            storage_buffers: 64,
            immediate_bytes: 128,
            f16: true,
            f16_nearest: true,
            max_binding_bytes: 1024 * MIB,
            ..Capabilities::webgpu("Intel Xe")
        },
        // The Windows driver shares 32 KiB, Mesa's radv 64.
        Capabilities {
            vendor: "AMD".into(),
            subgroup: [32, 64],
            invocations: 1024,
            workgroup_bytes: 32 * KIB,
            storage_buffers: 64,
            immediate_bytes: 128,
            f16: true,
            f16_nearest: true,
            max_binding_bytes: 2048 * MIB - 4,
            ..Capabilities::webgpu("AMD RDNA2")
        },
        // 48 KiB without the opt-in that only CUDA has; of the matrices of VK_KHR_cooperative_matrix WGSL has types for 16 × 16 × 16.
        Capabilities {
            vendor: "NVIDIA".into(),
            subgroup: [32, 32],
            invocations: 1024,
            workgroup_bytes: 48 * KIB,
            storage_buffers: 64,
            immediate_bytes: 128,
            f16: true,
            f16_nearest: true,
            matrices: vec![16],
            max_binding_bytes: 2048 * MIB - 4,
            ..Capabilities::webgpu("NVIDIA Ampere")
        },
        Capabilities {
            vendor: "Qualcomm".into(),
            subgroup: [64, 128],
            invocations: 1024,
            workgroup_bytes: 32 * KIB,
            storage_buffers: 24,
            immediate_bytes: 128,
            f16: true,
            f16_nearest: true,
            max_binding_bytes: 128 * MIB,
            ..Capabilities::webgpu("Adreno 7xx")
        },
        Capabilities::webgpu("WebGPU"),
    ]
}
