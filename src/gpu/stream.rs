//! Records dispatches and submits them in bounded batches, so that no submission runs into a driver's watchdog (two seconds on
//! Windows) and no long queue builds up on the host.

use crate::gpu::Cost;
use crate::gpu::profile::Profiler;

/// Dispatches in one submission at most.
const MAX_DISPATCHES: u32 = 96;
/// Floating-point operations in one submission at most: a second on a slow device.
const MAX_FLOPS: f64 = 3e10;

#[derive(Default)]
pub(super) struct Stream {
    encoder: Option<wgpu::CommandEncoder>,
    pass: Option<wgpu::ComputePass<'static>>,
    dispatches: u32,
    flops: f64,
    /// Work of all dispatches so far.
    pub(super) work: Cost,
    pub(super) profiler: Option<Profiler>,
}

impl Stream {
    /// Adds one dispatch; true when the batch is full and should be submitted.
    pub(super) fn dispatch(
        &mut self,
        device: &wgpu::Device,
        pipeline: &wgpu::ComputePipeline,
        bind_group: &wgpu::BindGroup,
        launch: &crate::gpu::Launch,
    ) -> bool {
        let timestamps = self.profiler.as_mut().and_then(|p| p.next(launch.plan.stem, launch.cost));
        if timestamps.is_some() {
            self.pass = None;
        }
        let encoder = self.encoder.get_or_insert_with(|| device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: None }));
        let pass = self.pass.get_or_insert_with(|| {
            let timestamp_writes = timestamps.as_ref().map(|(set, first)| wgpu::ComputePassTimestampWrites {
                query_set: set,
                beginning_of_pass_write_index: Some(*first),
                end_of_pass_write_index: Some(*first + 1),
            });
            encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes }).forget_lifetime()
        });
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, bind_group, &[]);
        if !launch.params.bytes().is_empty() {
            pass.set_immediates(0, launch.params.bytes());
        }
        let [x, y, z] = launch.plan.groups;
        pass.dispatch_workgroups(x, y, z);
        if timestamps.is_some() {
            self.pass = None;
        }
        self.dispatches += 1;
        self.flops += launch.cost.flops;
        self.work.flops += launch.cost.flops;
        self.work.bytes += launch.cost.bytes;
        self.dispatches >= MAX_DISPATCHES || self.flops >= MAX_FLOPS || self.profiler.as_ref().is_some_and(Profiler::is_full)
    }

    /// Adds a copy between buffers of `bytes` bytes that begin at the given bytes.
    pub(super) fn copy(&mut self, device: &wgpu::Device, source: (&wgpu::Buffer, u64), target: (&wgpu::Buffer, u64), bytes: u64) {
        self.pass = None;
        let encoder = self.encoder.get_or_insert_with(|| device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: None }));
        encoder.copy_buffer_to_buffer(source.0, source.1, target.0, target.1, bytes);
        self.work.bytes += 2.0 * bytes as f64;
    }

    /// Submits what was recorded.
    pub(super) fn submit(&mut self, device: &wgpu::Device, queue: &wgpu::Queue) {
        self.pass = None;
        self.dispatches = 0;
        self.flops = 0.0;
        if let Some(mut encoder) = self.encoder.take() {
            if let Some(profiler) = &mut self.profiler {
                profiler.resolve(&mut encoder);
            }
            queue.submit([encoder.finish()]);
            if let Some(profiler) = &mut self.profiler {
                profiler.collect(device);
            }
        }
    }
}
