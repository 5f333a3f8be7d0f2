//! How much memory there is: the host's for software devices, the device's own otherwise.

/// Bytes that the system can give to a process without swapping (`MemAvailable` of Linux); `None` elsewhere.
pub(super) fn of_host() -> Option<u64> {
    available(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
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
    use super::available;

    #[test]
    fn available_memory_is_read_in_kibibytes() {
        let text = "MemTotal:       24668768 kB\nMemFree:          100000 kB\nMemAvailable:   23515180 kB\nBuffers: 1 kB\n";
        assert_eq!(available(text), Some(23_515_180 << 10));
        assert_eq!(available("MemTotal: 5 kB\n"), None);
        assert_eq!(available("MemAvailable: plenty\n"), None);
    }
}
