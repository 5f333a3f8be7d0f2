//! How much memory there is: the host's for software devices, the device's own otherwise.

use crate::gpu::memory_limit;

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// Bytes that the system can give to this process without swapping, such as Linux's `MemAvailable`, or less where a batch system, a
/// container or a shell allows less; `None` where nobody tells.
pub(super) fn of_host() -> Option<u64> {
    let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    // 0 where the system is unknown to the crate or does not answer.
    let machine = Some(System::new_with_specifics(memory).available_memory()).filter(|bytes| *bytes > 0);
    [machine, memory_limit::left()].into_iter().flatten().min()
}

/// Bytes of the largest memory heap that the Vulkan driver calls the device's own; `None` under another API.
#[cfg(any(target_os = "linux", target_os = "windows"))]
pub(super) fn of_adapter(adapter: &wgpu::Adapter) -> Option<u64> {
    /// `VK_MEMORY_HEAP_DEVICE_LOCAL_BIT` (Vulkan 1.3, VkMemoryHeapFlagBits).
    const DEVICE_LOCAL: u32 = 1;
    // SAFETY: the guard is only read from, and dropped before the adapter.
    let raw = unsafe { adapter.as_hal::<wgpu::hal::api::Vulkan>() }?;
    let instance = raw.shared_instance().raw_instance();
    // SAFETY: the physical device belongs to this instance; both live as long as the guard. The call has no other precondition.
    let memory = unsafe { instance.get_physical_device_memory_properties(raw.raw_physical_device()) };
    let heaps = memory.memory_heaps.iter().take(memory.memory_heap_count as usize);
    heaps.filter(|heap| heap.flags.as_raw() & DEVICE_LOCAL != 0).map(|heap| heap.size).max()
}

/// Other systems' APIs do not tell.
#[cfg(not(any(target_os = "linux", target_os = "windows")))]
pub(super) fn of_adapter(_adapter: &wgpu::Adapter) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::of_host;

    #[test]
    fn the_host_tells_its_memory_in_bytes() {
        if !sysinfo::IS_SUPPORTED_SYSTEM {
            assert_eq!(of_host(), None);
            return;
        }
        // More than this test takes, less than any machine has.
        let bytes = of_host().unwrap();
        assert!((1 << 24..1 << 48).contains(&bytes), "{bytes}");
    }
}
