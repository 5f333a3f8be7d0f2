//! The driver of a wgpu device: queue, pipelines and the stream of recorded work.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};

use crate::error::{Error, Result};
use crate::gpu::adapter::FOR_MATRICES;
use crate::gpu::buffer::{self, Buffer};
use crate::gpu::kernel::{KernelCache, Launch};
use crate::gpu::profile::Profiler;
use crate::gpu::stream::Stream;

pub(super) struct WgpuDriver {
    name: String,
    pub(super) device: wgpu::Device,
    queue: wgpu::Queue,
    pub(super) kernels: RefCell<KernelCache>,
    pub(super) stream: RefCell<Stream>,
    /// First error that the driver reported outside an error scope; raised at the next synchronisation.
    failure: Arc<Mutex<Option<String>>>,
}

impl WgpuDriver {
    /// Opens device and queue of an adapter with all its limits.
    ///
    /// # Errors
    /// [`Error::Device`] where the driver refuses.
    pub(super) fn open(adapter: &wgpu::Adapter, name: &str) -> Result<WgpuDriver> {
        let mut wanted =
            wgpu::Features::IMMEDIATES | wgpu::Features::SUBGROUP | wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::SHADER_F16;
        if adapter.features().contains(FOR_MATRICES) {
            wanted |= FOR_MATRICES;
        }
        let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("meltcore"),
            required_features: adapter.features() & wanted,
            required_limits: adapter.limits(),
            // SAFETY: of wgpu's experimental features only cooperative matrices are asked for. Kernels load and store them inside their
            // workgroup memory alone, in control flow that a whole workgroup shares; the case tables compare them with their reference.
            experimental_features: unsafe { wgpu::ExperimentalFeatures::enabled() },
            ..Default::default()
        }))
        .map_err(|e| Error::Device(format!("{name} could not be opened: {e}. Choose another device")))?;
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
        Ok(WgpuDriver { name: name.to_owned(), device, queue, kernels: RefCell::default(), stream: RefCell::default(), failure })
    }

    /// A storage buffer.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub(super) fn create(&self, bytes: u64) -> Result<wgpu::Buffer> {
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let raw = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: bytes,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        match pollster::block_on(scope.pop()) {
            None => Ok(raw),
            Some(error) => Err(buffer::no_room(bytes, &format!(" ({error})"))),
        }
    }

    pub(super) fn write(&self, buffer: &Buffer, values: &[f32]) {
        // Queue writes take effect before everything not yet submitted, which may still use the buffer's former contents.
        self.submit();
        if let Some((raw, first)) = buffer.wgpu() {
            self.queue.write_buffer(raw, first, bytemuck::cast_slice(values));
        }
    }

    /// Copies `words` words, from and to the given words.
    pub(super) fn copy(&self, (source, from): (&Buffer, usize), (target, to): (&Buffer, usize), words: usize) {
        if let (Some(source), Some(target)) = (source.wgpu(), target.wgpu()) {
            let [from, to, bytes] = [from, to, words].map(|words| words as u64 * 4);
            self.stream.borrow_mut().copy(&self.device, (source.0, source.1 + from), (target.0, target.1 + to), bytes);
        }
    }

    pub(super) fn launch(&self, launch: &Launch) -> Result<()> {
        let mut kernels = self.kernels.borrow_mut();
        let pipeline = kernels.pipeline(&self.device, launch)?;
        let bind_group = kernels.bind_group(&self.device, &pipeline, launch.buffers);
        if self.stream.borrow_mut().dispatch(&self.device, &pipeline.raw, &bind_group, launch) {
            self.submit();
        }
        Ok(())
    }

    pub(super) fn submit(&self) {
        self.stream.borrow_mut().submit(&self.device, &self.queue);
    }

    pub(super) fn synchronize(&self) -> Result<()> {
        self.submit();
        let waited = self.device.poll(wgpu::PollType::wait_indefinitely());
        self.check()?;
        waited.map(|_| ()).map_err(|e| Error::Device(format!("waiting for {} failed: {e}", self.name)))
    }

    fn check(&self) -> Result<()> {
        let failure = self.failure.lock().ok().and_then(|mut slot| slot.take());
        match failure {
            None => Ok(()),
            Some(message) => {
                Err(Error::Device(format!("{} failed: {message}. Run again with less at once, or on another device", self.name)))
            }
        }
    }

    pub(super) fn read(&self, buffer: &Buffer, words: usize) -> Result<Vec<f32>> {
        let bytes = words as u64 * 4;
        let Some((raw, first)) = buffer.wgpu().filter(|_| words > 0) else { return Ok(Vec::new()) };
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("read-back"),
            size: bytes,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.stream.borrow_mut().copy(&self.device, (raw, first), (&staging, 0), bytes);
        self.submit();
        let slice = staging.slice(..);
        slice.map_async(wgpu::MapMode::Read, |_| {});
        self.synchronize()?;
        let view = slice.get_mapped_range().map_err(|e| Error::Device(format!("reading back from {} failed: {e}", self.name)))?;
        let values = bytemuck::pod_collect_to_vec(&view[..]);
        drop(view);
        staging.unmap();
        Ok(values)
    }

    /// Switches timing of every dispatch on or off.
    pub(super) fn set_profiling(&self, on: bool) {
        self.submit();
        self.stream.borrow_mut().profiler = on.then(|| Profiler::new(&self.device, &self.queue));
    }
}
