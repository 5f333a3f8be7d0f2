//! Opens a device and carries out its three verbs: allocate, launch, read back.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::error::{Error, Result};
use crate::gpu::adapter::Found;
use crate::gpu::buffer::{self, Buffer, Limits, MemoryUse, Pool};
use crate::gpu::driver::Driver;
use crate::gpu::host_driver::HostDriver;
use crate::gpu::kernel::{Cost, Launch};
use crate::gpu::launched::Launched;
use crate::gpu::profile::ProfileRow;
use crate::gpu::wgpu_driver::WgpuDriver;
use crate::gpu::{Capabilities, DeviceKind, adapter, memory_size, rounding};

struct Inner {
    capabilities: Capabilities,
    limits: Limits,
    /// Bytes of the device's own memory, where the driver tells.
    heap: Option<u64>,
    pool: Rc<RefCell<Pool>>,
    /// None in a planner.
    driver: Option<Driver>,
    /// Every launch, while somebody wants to know.
    launched: RefCell<Option<Vec<Launched>>>,
}

/// Handle of an open device. Clones share it; it belongs to one thread.
#[derive(Clone)]
pub struct Gpu(Rc<Inner>);

impl Gpu {
    /// Opens the device that `choice` names (index, `host`, or part of a name), else `MELTCORE_DEVICE`, else the best GPU, else the host.
    ///
    /// # Errors
    /// [`Error::Device`] where no device fits or the driver refuses.
    pub fn open(choice: Option<&str>) -> Result<Gpu> {
        Gpu::open_as(choice, |_| {})
    }

    /// Like [`Gpu::open`], with `less` taking away some of what the device can do. Kernels are selected by these facts alone, so
    /// tests reach here launches that another device would make, such as those split over images.
    ///
    /// # Errors
    /// Those of [`Gpu::open`].
    pub fn open_as(choice: Option<&str>, less: impl FnOnce(&mut Capabilities)) -> Result<Gpu> {
        let Found { adapter, mut capabilities } = adapter::find(choice)?;
        less(&mut capabilities);
        let Some(adapter) = adapter else {
            let limits = Limits { binding: capabilities.max_binding_bytes, buffer: isize::MAX as u64 };
            let driver = Some(Driver::Host(HostDriver::default()));
            return Ok(Gpu(Rc::new(Inner { capabilities, limits, heap: None, pool: Rc::default(), driver, launched: RefCell::default() })));
        };
        if !adapter::is_usable(&adapter) {
            return Err(Error::Device(format!(
                "{} does not offer immediates (push constants), which every kernel needs: choose another device",
                capabilities.name
            )));
        }
        let limits = Limits { binding: capabilities.max_binding_bytes, buffer: adapter.limits().max_buffer_size };
        let heap = memory_size::of_adapter(&adapter).filter(|_| capabilities.kind == DeviceKind::Gpu);
        let mut driver = Driver::Wgpu(Box::new(WgpuDriver::open(&adapter, &capabilities.name)?));
        // Where the trial fails kernels round by the bits; a device that is lost says so at the next command.
        capabilities.f16_nearest = capabilities.f16 && rounding::is_nearest(&mut driver, limits).unwrap_or(false);
        let driver = Some(driver);
        Ok(Gpu(Rc::new(Inner { capabilities, limits, heap, pool: Rc::default(), driver, launched: RefCell::default() })))
    }

    /// A device like this one that only counts: it hands out buffers without memory, launches and copies nothing, and has no values to
    /// read.
    ///
    /// The same calls in the same order leave the same [`Gpu::memory`] as on the device itself.
    pub fn planner(&self) -> Gpu {
        let Inner { capabilities, limits, heap, .. } = &*self.0;
        Gpu::counting(capabilities.clone(), *limits, *heap)
    }

    /// A [planner](Gpu::planner) of a device that nobody has, by what it can do.
    pub fn invented(capabilities: Capabilities) -> Gpu {
        let limits = Limits { binding: capabilities.max_binding_bytes, buffer: isize::MAX as u64 };
        Gpu::counting(capabilities, limits, None)
    }

    fn counting(capabilities: Capabilities, limits: Limits, heap: Option<u64>) -> Gpu {
        Gpu(Rc::new(Inner { capabilities, limits, heap, pool: Rc::default(), driver: None, launched: RefCell::default() }))
    }

    /// What `work` launches on this device, in order; on a planner it is not carried out.
    ///
    /// # Errors
    /// Those of the work.
    pub fn launches_of(&self, work: impl FnOnce() -> Result<()>) -> Result<Vec<Launched>> {
        let outer = self.0.launched.replace(Some(Vec::new()));
        let done = work();
        let found = self.0.launched.replace(outer).unwrap_or_default();
        done.map(|()| found)
    }

    /// True where nothing is computed, so that values need not be made.
    pub fn is_planner(&self) -> bool {
        self.0.driver.is_none()
    }

    /// What the device can do.
    pub fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    /// Bytes that the device has: the available memory now for the host and software devices, else the size of the device's own memory,
    /// whoever else may use it; `None` where that cannot be found out.
    pub fn memory_size(&self) -> Option<u64> {
        if self.0.capabilities.kind == DeviceKind::Gpu { self.0.heap } else { memory_size::of_host() }
    }

    /// Bytes in use, their peak, and bytes held from the driver.
    pub fn memory(&self) -> MemoryUse {
        self.0.pool.borrow().memory()
    }

    /// Sets how many percent of the bytes asked for a free buffer of the pool may have to be taken \[150\]; more of them leave fewer
    /// buffers idle and more of each unused. No result depends on it.
    pub fn set_reuse(&self, percent: u64) {
        self.0.pool.borrow_mut().set_reuse(percent);
    }

    /// Measures the peak anew from here on.
    pub fn reset_peak(&self) {
        self.0.pool.borrow_mut().reset_peak();
    }

    /// Bind groups made so far; a warm training step adds none, because it takes the same buffers in the same order.
    pub fn bind_groups_made(&self) -> u64 {
        self.0.driver.as_ref().map_or(0, Driver::bind_groups_made)
    }

    /// A buffer of at least `words` float32 words with unspecified contents. It may be larger than a kernel sees at once: launches then
    /// take [parts](Buffer::part) of it.
    ///
    /// # Errors
    /// [`Error::Limit`] beyond what the device takes at once, [`Error::OutOfMemory`] beyond what it has.
    pub fn allocate(&self, words: usize) -> Result<Buffer> {
        buffer::take(&self.0.pool, self.0.driver.as_ref(), words, self.0.limits)
    }

    /// Fills the first `values.len()` words of a buffer, which has that many.
    pub(crate) fn write(&self, buffer: &Buffer, values: &[f32]) {
        if let Some(driver) = &self.0.driver {
            driver.write(buffer, values);
        }
    }

    /// Records a copy of `words` words from one buffer to another, each from the given word on; both have them.
    ///
    /// # Errors
    /// [`Error::Kernel`] within one buffer, which not every device can do.
    pub(crate) fn copy_words(&self, source: (&Buffer, usize), target: (&Buffer, usize), words: usize) -> Result<()> {
        if source.0.id() == target.0.id() {
            return Err(Error::Kernel { stem: "copy".into(), message: "source and target are parts of one buffer".into() });
        }
        if let Some(driver) = self.0.driver.as_ref().filter(|_| words > 0) {
            driver.copy(source, target, words);
        }
        Ok(())
    }

    /// Records one dispatch. Kernels trust the parameters to fit the buffers, which launchers see to: so this is not for callers outside.
    ///
    /// # Errors
    /// [`Error::Kernel`] where the shader does not compile here, or the launch exceeds 65 535 groups along an axis;
    /// [`Error::Limit`] for a buffer that is larger than what a kernel sees at once.
    pub(crate) fn launch(&self, launch: &Launch) -> Result<()> {
        debug_assert!(launch.params.stems().contains(&launch.plan.stem), "{} has other parameters", launch.plan.stem);
        if !self.0.capabilities.is_host() && launch.plan.groups.iter().any(|&g| g > 65_535) {
            let message = format!("{:?} workgroups exceed 65535 along an axis", launch.plan.groups);
            return Err(Error::Kernel { stem: launch.plan.stem.into(), message });
        }
        if let Some(bytes) = launch.buffers.iter().map(|buffer| buffer.bytes()).find(|&bytes| bytes > self.0.limits.binding) {
            return Err(buffer::too_large(launch.plan.stem, bytes, self.0.limits.binding));
        }
        if let Some(launched) = self.0.launched.borrow_mut().as_mut() {
            launched.push(Launched::of(launch));
        }
        match &self.0.driver {
            Some(driver) if !launch.plan.groups.contains(&0) => driver.launch(launch),
            _ => Ok(()),
        }
    }

    /// Submits what was recorded, without waiting.
    pub fn submit(&self) {
        if let Some(driver) = &self.0.driver {
            driver.submit();
        }
    }

    /// Submits and waits until the device is idle.
    ///
    /// # Errors
    /// [`Error::Device`] where the device was lost or refused a command since the last call.
    pub fn synchronize(&self) -> Result<()> {
        self.0.driver.as_ref().map_or(Ok(()), Driver::synchronize)
    }

    /// Reads the first `words` words back, which the buffer has; waits for all recorded work.
    ///
    /// # Errors
    /// [`Error::Device`] where the device failed, and from a planner.
    pub(crate) fn read(&self, buffer: &Buffer, words: usize) -> Result<Vec<f32>> {
        match &self.0.driver {
            Some(driver) => driver.read(buffer, words),
            None => Err(Error::Device("a planner computes nothing, so that there is nothing to read".into())),
        }
    }

    /// Arithmetic and traffic of all dispatches so far, by napkin.
    pub fn work(&self) -> Cost {
        self.0.driver.as_ref().map_or_else(Cost::default, Driver::work)
    }

    /// Switches timing of every dispatch on or off; false where the device has no timestamps. On clears the table.
    pub fn set_profiling(&self, on: bool) -> bool {
        let possible = self.0.capabilities.timestamps;
        if let Some(driver) = &self.0.driver {
            driver.set_profiling(on && possible);
        }
        possible
    }

    /// Device time by stem since profiling was switched on.
    pub fn profile(&self) -> BTreeMap<&'static str, ProfileRow> {
        self.submit();
        self.0.driver.as_ref().map(Driver::profile).unwrap_or_default()
    }
}
