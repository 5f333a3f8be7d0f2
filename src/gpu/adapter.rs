//! Finds devices and chooses one: the best real GPU, else the host.

use crate::error::{Error, Result};
use crate::gpu::{Capabilities, Choices, DeviceKind};
use crate::host;

/// Name of the processor as a device.
const HOST: &str = "host";
/// What to do where no graphics driver is there.
const NO_DRIVER: &str =
    "No graphics driver was found: to use a GPU install its Vulkan driver and loader (on Debian or Ubuntu `apt install libvulkan1`)";
/// Arrays beyond this are launched by runs of images on the host: lengths in parameters are u32, in elements.
const MAX_HOST_BYTES: u64 = 4 * (1 << 32) - 64;
/// Trips of an invocation's loops on lavapipe, which ends every loop after 65 535 trips in all, without a word.
const LAVAPIPE_LOOP_TRIPS: usize = 60_000;
/// What Mesa calls lavapipe, as a driver and at the beginning of its devices' names.
const LAVAPIPE: &str = "llvmpipe";
/// What makes the GPUs of Macs, as a vendor and at the beginning of their names.
const APPLE: &str = "Apple";
/// What kernels of cooperative matrices need, together.
pub(super) const FOR_MATRICES: wgpu::Features =
    wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX.union(wgpu::Features::SUBGROUP).union(wgpu::Features::SHADER_F16);

/// One row of `meltcore devices`.
#[derive(Debug, Clone, serde::Serialize)]
pub struct AdapterSummary {
    /// Position in the list.
    pub index: usize,
    /// The adapter's name.
    pub name: String,
    /// Vulkan, Metal, Dx12 or host.
    pub backend: String,
    /// Discrete, integrated, virtual, host, software or other.
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

/// A device that can be opened: the host, or an adapter by its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Candidate {
    Adapter(usize),
    Host,
}

/// All devices in the order of their indices: GPUs, the host, software devices.
fn candidates(adapters: &[wgpu::Adapter]) -> Vec<Candidate> {
    let is_software = |i: &usize| adapters[*i].get_info().device_type == wgpu::DeviceType::Cpu;
    let gpus = (0..adapters.len()).filter(|i| !is_software(i)).map(Candidate::Adapter);
    let software = (0..adapters.len()).filter(is_software).map(Candidate::Adapter);
    gpus.chain([Candidate::Host]).chain(software).collect()
}

/// Whether an adapter offers what every kernel needs.
pub(super) fn is_usable(adapter: &wgpu::Adapter) -> bool {
    adapter.features().contains(wgpu::Features::IMMEDIATES)
}

/// The best devices have the least rank.
fn rank(candidate: Candidate, adapters: &[wgpu::Adapter]) -> u32 {
    let Candidate::Adapter(i) = candidate else { return 4 };
    match adapters[i].get_info().device_type {
        _ if !is_usable(&adapters[i]) => 6,
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 5,
    }
}

/// Position among the candidates of the one that `choice` (an index, or part of a name) or, without one, the ranking selects.
fn choose(candidates: &[Candidate], adapters: &[wgpu::Adapter], choice: Option<&Choice>) -> Result<usize> {
    let name = |&candidate: &Candidate| match candidate {
        Candidate::Host => HOST.to_owned(),
        Candidate::Adapter(i) => adapters[i].get_info().name,
    };
    let listing = || candidates.iter().enumerate().map(|(i, candidate)| format!("{i}: {}", name(candidate))).collect::<Vec<_>>().join("; ");
    let Some((text, source)) = choice.map(|choice| (choice.text.trim(), choice.source)) else {
        return Ok((0..candidates.len()).min_by_key(|&i| (rank(candidates[i], adapters), i)).unwrap_or(0));
    };
    if let Ok(index) = text.parse::<usize>() {
        if index < candidates.len() {
            return Ok(index);
        }
        return Err(Error::Device(format!("{source}device {index} does not exist; there are: {}", listing())));
    }
    let wanted = text.to_lowercase();
    candidates.iter().position(|candidate| name(candidate).to_lowercase().contains(&wanted)).ok_or_else(|| {
        let advice = if adapters.is_empty() { format!(". {NO_DRIVER}") } else { "; use an index or part of a name".into() };
        Error::Device(format!("{source}no device has `{text}` in its name; there are: {}{advice}", listing()))
    })
}

/// An adapter with what it can do, or the host, which has no adapter.
pub(super) struct Found {
    pub(super) adapter: Option<wgpu::Adapter>,
    pub(super) capabilities: Capabilities,
}

/// The device in force. Where it is the host by name, no graphics driver is loaded.
pub(super) fn find(choice: Option<&str>) -> Result<Found> {
    let choice = device_choice(choice);
    let host = Found { adapter: None, capabilities: host_capabilities() };
    if choice.as_ref().is_some_and(|choice| choice.text.trim().eq_ignore_ascii_case(HOST)) {
        return Ok(host);
    }
    let mut adapters = adapters(&instance());
    let candidates = candidates(&adapters);
    Ok(match candidates[choose(&candidates, &adapters, choice.as_ref())?] {
        Candidate::Host => host,
        Candidate::Adapter(i) => {
            let adapter = adapters.swap_remove(i);
            Found { capabilities: capabilities(&adapter), adapter: Some(adapter) }
        }
    })
}

/// A device that somebody named.
struct Choice {
    text: String,
    /// Where, to begin an error with.
    source: &'static str,
}

/// The choice in force: the argument, else `MELTCORE_DEVICE`.
fn device_choice(argument: Option<&str>) -> Option<Choice> {
    let argument = argument.map(|text| Choice { text: text.to_owned(), source: "" });
    let variable = || std::env::var("MELTCORE_DEVICE").ok().map(|text| Choice { text, source: "MELTCORE_DEVICE: " });
    argument.or_else(variable).filter(|choice| !choice.text.trim().is_empty())
}

fn capabilities(adapter: &wgpu::Adapter) -> Capabilities {
    let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
    let is_lavapipe = info.driver == LAVAPIPE || info.name.starts_with(LAVAPIPE);
    // Metal says neither who made a GPU nor its lanes; all of Apple's own have 32 (Metal's thread execution width).
    let is_apple = info.backend == wgpu::Backend::Metal && info.name.starts_with(APPLE);
    Capabilities {
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        backend: format!("{:?}", info.backend),
        kind: if info.device_type == wgpu::DeviceType::Cpu { DeviceKind::Software } else { DeviceKind::Gpu },
        vendor: if is_apple { APPLE.into() } else { vendor(info.vendor) },
        subgroup: if is_apple { [32; 2] } else { [info.subgroup_min_size, info.subgroup_max_size] },
        invocations: limits.max_compute_invocations_per_workgroup,
        workgroup_bytes: limits.max_compute_workgroup_storage_size,
        storage_buffers: limits.max_storage_buffers_per_shader_stage,
        immediate_bytes: limits.max_immediate_size,
        f16: features.contains(wgpu::Features::SHADER_F16),
        // Tried on the open device.
        f16_nearest: false,
        matrices: matrices(adapter),
        timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
        max_binding_bytes: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
        loop_trips: is_lavapipe.then_some(LAVAPIPE_LOOP_TRIPS),
        choices: Choices::default(),
        name: info.name,
    }
}

/// Sides of the cooperative matrices that WGSL has types for (8 × 8 and 16 × 16), of those that multiply f16 and add in f32.
fn matrices(adapter: &wgpu::Adapter) -> Vec<u32> {
    use wgpu::CooperativeScalarType::{F16, F32};
    let offered = if adapter.features().contains(FOR_MATRICES) { adapter.cooperative_matrix_properties() } else { Vec::new() };
    let has = |side: &u32| {
        offered
            .iter()
            .any(|m| [m.m_size, m.n_size, m.k_size] == [*side; 3] && (m.ab_type, m.cr_type) == (F16, F32) && !m.saturating_accumulation)
    };
    [8, 16].into_iter().filter(has).collect()
}

/// The name behind a number of the PCI vendors' list, or of Khronos' for who is not there; else the number.
fn vendor(id: u32) -> String {
    const KNOWN: [(u32, &str); 8] = [
        (0x1002, "AMD"),
        (0x106b, APPLE),
        (0x10de, "NVIDIA"),
        (0x13b5, "Arm"),
        (0x1414, "Microsoft"),
        (0x5143, "Qualcomm"),
        (0x8086, "Intel"),
        (0x1_0005, "Mesa"),
    ];
    KNOWN.iter().find(|(known, _)| *known == id).map_or_else(|| format!("{id:#06x}"), |(_, name)| (*name).to_owned())
}

fn host_capabilities() -> Capabilities {
    Capabilities {
        backend: HOST.into(),
        driver: format!("{}, {} threads", host::instruction_set(), rayon::current_num_threads()),
        kind: DeviceKind::Host,
        subgroup: [1, 1],
        invocations: 1,
        timestamps: true,
        max_binding_bytes: MAX_HOST_BYTES,
        ..Capabilities::webgpu(HOST)
    }
}

/// All devices, the one that `choice` would open marked, and what keeps GPUs from being found, if anything.
///
/// # Errors
/// [`Error::Device`] where nothing fits the choice.
pub fn list_adapters(choice: Option<&str>) -> Result<(Vec<AdapterSummary>, Option<&'static str>)> {
    let adapters = adapters(&instance());
    let candidates = candidates(&adapters);
    let used = choose(&candidates, &adapters, device_choice(choice).as_ref())?;
    let rows = candidates.iter().enumerate().map(|(index, &candidate)| match candidate {
        Candidate::Host => host_summary(index, index == used),
        Candidate::Adapter(i) => summary(&adapters[i], index, index == used),
    });
    Ok((rows.collect(), adapters.is_empty().then_some(NO_DRIVER)))
}

/// Position in [`list_adapters`] of the `nth` of the devices that are as good as the best, from the first again after the last: so several
/// processes on one computer take one each.
pub fn nth_of_best(nth: usize) -> usize {
    let adapters = adapters(&instance());
    let candidates = candidates(&adapters);
    let ranks: Vec<u32> = candidates.iter().map(|&candidate| rank(candidate, &adapters)).collect();
    let best = ranks.iter().min();
    let equal: Vec<usize> = (0..ranks.len()).filter(|&i| Some(&ranks[i]) == best).collect();
    equal.get(nth % equal.len().max(1)).copied().unwrap_or_default()
}

fn host_summary(index: usize, used: bool) -> AdapterSummary {
    let Capabilities { name, backend, driver, max_binding_bytes, .. } = host_capabilities();
    let max = max_binding_bytes >> 20;
    let features = vec!["timestamps".to_owned()];
    AdapterSummary {
        index,
        name,
        backend,
        kind: "host".into(),
        driver,
        subgroup: [1, 1],
        features,
        max_binding_mib: max,
        max_buffer_mib: max,
        max_invocations: 1,
        used,
    }
}

fn summary(adapter: &wgpu::Adapter, index: usize, used: bool) -> AdapterSummary {
    let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
    let matrices = matrices(adapter).into_iter().map(|side| format!("matrices-{side}"));
    let named = [
        (wgpu::Features::IMMEDIATES, "immediates"),
        (wgpu::Features::SUBGROUP, "subgroup"),
        (wgpu::Features::SHADER_F16, "f16"),
        (wgpu::Features::TIMESTAMP_QUERY, "timestamps"),
    ];
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
        features: named.iter().filter(|(f, _)| features.contains(*f)).map(|(_, n)| (*n).to_owned()).chain(matrices).collect(),
        max_binding_mib: limits.max_storage_buffer_binding_size >> 20,
        max_buffer_mib: limits.max_buffer_size >> 20,
        max_invocations: limits.max_compute_invocations_per_workgroup,
        used,
        name: info.name,
    }
}
