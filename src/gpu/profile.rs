//! GPU time per kernel, summed into a table: timestamps around every dispatch while profiling is on.

use std::collections::BTreeMap;

use crate::gpu::Cost;

/// Time and work of one stem.
#[derive(Debug, Clone, Default)]
pub struct ProfileRow {
    /// Dispatches.
    pub calls: u64,
    /// Device time, ms.
    pub ms: f64,
    /// Operations and bytes by napkin.
    pub cost: Cost,
}

/// Dispatches timed in one submission.
const CAPACITY: u32 = 64;

pub(super) struct Profiler {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    readable: wgpu::Buffer,
    period_ns: f64,
    pending: Vec<(&'static str, Cost)>,
    pub(super) rows: BTreeMap<&'static str, ProfileRow>,
}

impl Profiler {
    pub(super) fn new(device: &wgpu::Device, queue: &wgpu::Queue) -> Self {
        let buffer = |usage| {
            device.create_buffer(&wgpu::BufferDescriptor { label: None, size: u64::from(CAPACITY) * 16, usage, mapped_at_creation: false })
        };
        Profiler {
            queries: device.create_query_set(&wgpu::QuerySetDescriptor {
                label: None,
                ty: wgpu::QueryType::Timestamp,
                count: CAPACITY * 2,
            }),
            resolved: buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC),
            readable: buffer(wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ),
            period_ns: f64::from(queue.get_timestamp_period()),
            pending: Vec::new(),
            rows: BTreeMap::new(),
        }
    }

    pub(super) fn next(&mut self, stem: &'static str, cost: Cost) -> Option<(wgpu::QuerySet, u32)> {
        let first = self.pending.len() as u32 * 2;
        self.pending.push((stem, cost));
        Some((self.queries.clone(), first))
    }

    pub(super) fn is_full(&self) -> bool {
        self.pending.len() as u32 >= CAPACITY
    }

    pub(super) fn resolve(&mut self, encoder: &mut wgpu::CommandEncoder) {
        let count = self.pending.len() as u32 * 2;
        if count > 0 {
            encoder.resolve_query_set(&self.queries, 0..count, &self.resolved, 0);
            encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.readable, 0, u64::from(count) * 8);
        }
    }

    /// Waits for the submission and adds its times; on a failed map the batch is left out of the table.
    pub(super) fn collect(&mut self, device: &wgpu::Device) {
        if self.pending.is_empty() {
            return;
        }
        let slice = self.readable.slice(..self.pending.len() as u64 * 16);
        slice.map_async(wgpu::MapMode::Read, |_| {});
        let waited = device.poll(wgpu::PollType::wait_indefinitely());
        if let (Ok(_), Ok(view)) = (waited, slice.get_mapped_range()) {
            let ticks: Vec<u64> = view.chunks_exact(8).map(bytemuck::pod_read_unaligned).collect();
            for ((stem, cost), pair) in self.pending.iter().zip(ticks.chunks_exact(2)) {
                let row = self.rows.entry(stem).or_default();
                row.calls += 1;
                row.ms += pair[1].saturating_sub(pair[0]) as f64 * self.period_ns * 1e-6;
                row.cost.flops += cost.flops;
                row.cost.bytes += cost.bytes;
            }
        }
        self.readable.unmap();
        self.pending.clear();
    }
}
