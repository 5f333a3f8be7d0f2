//! Opens a device and carries out its three verbs: allocate, launch, read back.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use crate::error::{Error, Result};
use crate::gpu::buffer::{self, Buffer, MemoryUse, Pool};
use crate::gpu::kernel::{Cost, KernelCache, Launch};
use crate::gpu::profile::{ProfileRow, Profiler};
use crate::gpu::stream::Stream;
use crate::gpu::{Capabilities, adapter};

struct Inner {
    device: wgpu::Device,
    queue: wgpu::Queue,
    capabilities: Capabilities,
    pool: Rc<RefCell<Pool>>,
    kernels: RefCell<KernelCache>,
    stream: RefCell<Stream>,
    /// First error that the driver reported outside an error scope; raised at the next synchronisation.
    failure: Arc<Mutex<Option<String>>>,
}

/// Handle of an open device. Clones share it; it belongs to one thread.
#[derive(Clone)]
pub struct Gpu(Rc<Inner>);

impl Gpu {
    /// Opens the adapter that `choice` names (index or part of a name), else `MELTCORE_DEVICE`, else the best one.
    ///
    /// # Errors
    /// [`Error::Device`] where no adapter fits or the driver refuses.
    pub fn open(choice: Option<&str>) -> Result<Gpu> {
        Gpu::open_as(choice, |_| {})
    }

    /// Like [`Gpu::open`], with `less` taking away some of what the device can do. Kernels are selected by these facts alone, so
    /// tests reach on a software device the portable kernels that real GPUs run.
    ///
    /// # Errors
    /// Those of [`Gpu::open`].
    pub fn open_as(choice: Option<&str>, less: impl FnOnce(&mut Capabilities)) -> Result<Gpu> {
        let instance = adapter::instance();
        let mut adapters = adapter::adapters(&instance);
        let infos: Vec<_> = adapters.iter().map(|a| a.get_info()).collect();
        let chosen = adapter::choose(&infos, adapter::device_choice(choice).as_deref())?;
        let adapter = adapters.swap_remove(chosen);
        let mut capabilities = adapter::capabilities(&adapter);
        less(&mut capabilities);
        if !adapter.features().contains(wgpu::Features::IMMEDIATES) {
            return Err(Error::Device(format!(
                "{} does not offer immediates (push constants), which every kernel needs: choose another device with --device",
                capabilities.name
            )));
        }
        let wanted = wgpu::Features::IMMEDIATES | wgpu::Features::SUBGROUP | wgpu::Features::TIMESTAMP_QUERY;
        let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("meltcore"),
            required_features: adapter.features() & wanted,
            required_limits: adapter.limits(),
            ..Default::default()
        }))
        .map_err(|e| Error::Device(format!("{} could not be opened: {e}. Choose another device with --device", capabilities.name)))?;
        let failure = Arc::new(Mutex::new(None));
        let remember = |slot: &Arc<Mutex<Option<String>>>, message: String| {
            if let Ok(mut guard) = slot.lock() {
                guard.get_or_insert(message);
            }
        };
        let slot = failure.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| remember(&slot, error.to_string())));
        let slot = failure.clone();
        device.set_device_lost_callback(move |_, message| remember(&slot, format!("the device was lost: {message}")));
        Ok(Gpu(Rc::new(Inner {
            device,
            queue,
            capabilities,
            pool: Rc::default(),
            kernels: RefCell::default(),
            stream: RefCell::default(),
            failure,
        })))
    }

    /// What the device can do.
    pub fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    /// Bytes in use, their peak, and bytes held from the driver.
    pub fn memory(&self) -> MemoryUse {
        self.0.pool.borrow().memory()
    }

    /// Measures the peak anew from here on.
    pub fn reset_peak(&self) {
        self.0.pool.borrow_mut().reset_peak();
    }

    /// Bind groups made so far; a warm training step adds none, because it takes the same buffers in the same order.
    pub fn bind_groups_made(&self) -> u64 {
        self.0.kernels.borrow().bind_groups_made
    }

    /// A buffer of at least `words` float32 words with unspecified contents.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] beyond the device's limits or memory.
    pub fn allocate(&self, words: usize) -> Result<Buffer> {
        buffer::take(&self.0.pool, &self.0.device, words, self.0.capabilities.max_binding_bytes)
    }

    /// Fills the first `values.len()` words of a buffer.
    pub fn write(&self, buffer: &Buffer, values: &[f32]) {
        // Queue writes take effect before everything not yet submitted, which may still use the buffer's former contents.
        self.submit();
        self.0.queue.write_buffer(buffer.raw(), 0, bytemuck::cast_slice(values));
    }

    /// Records a copy of `words` words from one buffer to another.
    pub fn copy(&self, source: &Buffer, target: &Buffer, words: usize) {
        self.copy_words((source, 0), (target, 0), words);
    }

    /// Records a copy of `words` words from one buffer to another, each from the given word on.
    pub fn copy_words(&self, (source, from): (&Buffer, usize), (target, to): (&Buffer, usize), words: usize) {
        if words > 0 && source.id() != target.id() {
            self.0.stream.borrow_mut().copy(&self.0.device, (source.raw(), from), (target.raw(), to), words);
        }
    }

    /// Records one dispatch.
    ///
    /// # Errors
    /// [`Error::Kernel`] where the shader does not compile here, or the launch exceeds 65 535 groups along an axis.
    pub fn launch(&self, launch: &Launch) -> Result<()> {
        if launch.groups.iter().any(|&g| g > 65_535) {
            let message = format!("{:?} workgroups exceed 65535 along an axis", launch.groups);
            return Err(Error::Kernel { stem: launch.stem.into(), message });
        }
        if launch.groups.contains(&0) {
            return Ok(());
        }
        let mut kernels = self.0.kernels.borrow_mut();
        let pipeline = kernels.pipeline(&self.0.device, launch)?;
        let bind_group = kernels.bind_group(&self.0.device, &pipeline, launch.buffers);
        if self.0.stream.borrow_mut().dispatch(&self.0.device, &pipeline.raw, &bind_group, launch) {
            self.submit();
        }
        Ok(())
    }

    /// Submits what was recorded, without waiting.
    pub fn submit(&self) {
        self.0.stream.borrow_mut().submit(&self.0.device, &self.0.queue);
    }

    /// Submits and waits until the device is idle.
    ///
    /// # Errors
    /// [`Error::Device`] where the device was lost or refused a command since the last call.
    pub fn synchronize(&self) -> Result<()> {
        self.submit();
        let waited = self.0.device.poll(wgpu::PollType::wait_indefinitely());
        self.check()?;
        waited.map(|_| ()).map_err(|e| Error::Device(format!("waiting for {} failed: {e}", self.0.capabilities.name)))
    }

    fn check(&self) -> Result<()> {
        let failure = self.0.failure.lock().ok().and_then(|mut slot| slot.take());
        match failure {
            None => Ok(()),
            Some(message) => Err(Error::Device(format!(
                "{} failed: {message}. Run again with a smaller batch_size, or on another device with --device",
                self.0.capabilities.name
            ))),
        }
    }

    /// Reads the first `words` words back; waits for all recorded work.
    ///
    /// # Errors
    /// [`Error::Device`] where the device failed.
    pub fn read(&self, buffer: &Buffer, words: usize) -> Result<Vec<f32>> {
        let bytes = words as u64 * 4;
        if words == 0 {
            return Ok(Vec::new());
        }
        let staging = self.0.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("read-back"),
            size: bytes,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.0.stream.borrow_mut().copy(&self.0.device, (buffer.raw(), 0), (&staging, 0), words);
        self.submit();
        let slice = staging.slice(..);
        slice.map_async(wgpu::MapMode::Read, |_| {});
        self.synchronize()?;
        let view =
            slice.get_mapped_range().map_err(|e| Error::Device(format!("reading back from {} failed: {e}", self.0.capabilities.name)))?;
        let values = bytemuck::pod_collect_to_vec(&view[..]);
        drop(view);
        staging.unmap();
        Ok(values)
    }

    /// Arithmetic and traffic of all dispatches so far, by napkin.
    pub fn work(&self) -> Cost {
        self.0.stream.borrow().work
    }

    /// Switches timing of every dispatch on or off; false where the device has no timestamps. On clears the table.
    pub fn set_profiling(&self, on: bool) -> bool {
        self.submit();
        let possible = self.0.capabilities.timestamps;
        self.0.stream.borrow_mut().profiler = (on && possible).then(|| Profiler::new(&self.0.device, &self.0.queue));
        possible
    }

    /// Device time by stem since profiling was switched on.
    pub fn profile(&self) -> BTreeMap<&'static str, ProfileRow> {
        self.submit();
        self.0.stream.borrow().profiler.as_ref().map(|p| p.rows.clone()).unwrap_or_default()
    }
}
