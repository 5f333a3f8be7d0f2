//! Finds adapters and chooses one: the best real GPU, else the software device.

use crate::error::{Error, Result};
use crate::gpu::Capabilities;

/// One row of `meltcore devices`.
#[derive(Debug, Clone, serde::Serialize)]
pub struct AdapterSummary {
    /// Position in the list; `--device INDEX`.
    pub index: usize,
    /// The adapter's name.
    pub name: String,
    /// Vulkan, Metal or Dx12.
    pub backend: String,
    /// Discrete, integrated, virtual, software or other.
    pub kind: String,
    /// Driver name and version.
    pub driver: String,
    /// Lanes of a subgroup: smallest and largest.
    pub subgroup: [u32; 2],
    /// Features that some kernel or command uses.
    pub features: Vec<String>,
    /// Largest storage buffer that a kernel can see, MiB.
    pub max_binding_mib: u64,
    /// Largest buffer, MiB.
    pub max_buffer_mib: u64,
    /// Largest number of invocations in a workgroup.
    pub max_invocations: u32,
    /// True for the adapter that the current settings choose.
    pub used: bool,
}

pub(super) fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    // Validation layers and debug labels cost time and print warnings where they are not installed.
    descriptor.flags = wgpu::InstanceFlags::empty();
    wgpu::Instance::new(descriptor)
}

pub(super) fn adapters(instance: &wgpu::Instance) -> Vec<wgpu::Adapter> {
    pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()))
}

fn rank(info: &wgpu::AdapterInfo) -> u32 {
    match info.device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}

/// Position of the adapter that `choice` (an index, or part of a name) or, without one, the ranking selects.
pub(super) fn choose(infos: &[wgpu::AdapterInfo], choice: Option<&str>) -> Result<usize> {
    if infos.is_empty() {
        return Err(Error::Device(
            "no GPU and no software device was found: install a Vulkan driver (on Debian or Ubuntu `apt install libvulkan1 mesa-vulkan-drivers`, \
             which also brings the software device lavapipe), then look at `meltcore devices`"
                .into(),
        ));
    }
    let listing = || infos.iter().enumerate().map(|(i, info)| format!("{i}: {}", info.name)).collect::<Vec<_>>().join("; ");
    match choice.map(str::trim).filter(|c| !c.is_empty()) {
        None => Ok((0..infos.len()).min_by_key(|&i| (rank(&infos[i]), i)).unwrap_or(0)),
        Some(text) => {
            if let Ok(index) = text.parse::<usize>() {
                if index < infos.len() {
                    return Ok(index);
                }
                return Err(Error::Device(format!("device {index} does not exist; there are {} ({})", infos.len(), listing())));
            }
            let wanted = text.to_lowercase();
            infos.iter().position(|info| info.name.to_lowercase().contains(&wanted)).ok_or_else(|| {
                Error::Device(format!("no device has `{text}` in its name; there are: {}. Use an index or part of a name", listing()))
            })
        }
    }
}

/// The choice in force: the argument, else `MELTCORE_DEVICE`.
pub(super) fn device_choice(argument: Option<&str>) -> Option<String> {
    argument.map(str::to_owned).or_else(|| std::env::var("MELTCORE_DEVICE").ok()).filter(|c| !c.trim().is_empty())
}

pub(super) fn capabilities(adapter: &wgpu::Adapter) -> Capabilities {
    let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
    let fixed = info.subgroup_min_size == info.subgroup_max_size && features.contains(wgpu::Features::SUBGROUP);
    Capabilities {
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        backend: format!("{:?}", info.backend),
        software: info.device_type == wgpu::DeviceType::Cpu,
        subgroup_size: fixed.then_some(info.subgroup_min_size),
        timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
        max_binding_bytes: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
        max_invocations: limits.max_compute_invocations_per_workgroup,
        name: info.name,
    }
}

/// All adapters, the one that `choice` would open marked.
pub fn list_adapters(choice: Option<&str>) -> Result<Vec<AdapterSummary>> {
    let instance = instance();
    let adapters = adapters(&instance);
    let infos: Vec<_> = adapters.iter().map(|a| a.get_info()).collect();
    let used = choose(&infos, device_choice(choice).as_deref())?;
    let named = [
        (wgpu::Features::IMMEDIATES, "immediates"),
        (wgpu::Features::SUBGROUP, "subgroup"),
        (wgpu::Features::SHADER_F16, "f16"),
        (wgpu::Features::TIMESTAMP_QUERY, "timestamps"),
        (wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX, "cooperative-matrix"),
    ];
    Ok(adapters
        .iter()
        .zip(infos)
        .enumerate()
        .map(|(index, (adapter, info))| {
            let (limits, features) = (adapter.limits(), adapter.features());
            let kind = match info.device_type {
                wgpu::DeviceType::DiscreteGpu => "discrete",
                wgpu::DeviceType::IntegratedGpu => "integrated",
                wgpu::DeviceType::VirtualGpu => "virtual",
                wgpu::DeviceType::Cpu => "software",
                wgpu::DeviceType::Other => "other",
            };
            AdapterSummary {
                index,
                backend: format!("{:?}", info.backend),
                kind: kind.into(),
                driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
                subgroup: [info.subgroup_min_size, info.subgroup_max_size],
                features: named.iter().filter(|(f, _)| features.contains(*f)).map(|(_, n)| (*n).to_owned()).collect(),
                max_binding_mib: limits.max_storage_buffer_binding_size >> 20,
                max_buffer_mib: limits.max_buffer_size >> 20,
                max_invocations: limits.max_compute_invocations_per_workgroup,
                used: index == used,
                name: info.name,
            }
        })
        .collect())
}
