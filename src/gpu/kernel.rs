//! Pipelines and bind groups, each made once: pipelines by (stem, variant), bind groups by pipeline and buffer ids.

use std::collections::HashMap;
use std::rc::Rc;

use crate::error::{Error, Result};
use crate::gpu::shader::{Variant, assemble};
use crate::gpu::{Buffer, Parameters, Plan};

/// Arithmetic and traffic of one dispatch by napkin: a multiply and an add are two operations; bytes that must move at least once.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Floating-point operations.
    pub flops: f64,
    /// Bytes read and written.
    pub bytes: f64,
}

impl Cost {
    /// Cost of a kernel that touches `words` float32 words with `flops` operations.
    pub fn new(flops: f64, words: usize) -> Self {
        Cost { flops, bytes: words as f64 * 4.0 }
    }
}

/// One dispatch: what is planned, with which parameters, and its buffers in binding order.
pub struct Launch<'a> {
    /// Kernel, variant and workgroups.
    pub plan: Plan,
    /// The parameter struct of the kernel.
    pub params: &'a dyn Parameters,
    /// Storage buffers in binding order.
    pub buffers: &'a [&'a Buffer],
    /// For profiles and batching.
    pub cost: Cost,
}

pub(super) struct Pipeline {
    pub(super) id: u64,
    pub(super) raw: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
}

/// Bind groups kept before the cache starts afresh; a training step of the largest model takes a few thousand.
const MAX_BIND_GROUPS: usize = 32_768;

/// What identifies a bind group: the pipeline and the buffers' parts in binding order.
type BindKey = (u64, Vec<(u64, u64, u64)>);

#[derive(Default)]
pub(super) struct KernelCache {
    pipelines: HashMap<(&'static str, Variant), Rc<Pipeline>>,
    bind_groups: HashMap<BindKey, wgpu::BindGroup>,
    pub(super) bind_groups_made: u64,
}

impl KernelCache {
    pub(super) fn pipeline(&mut self, device: &wgpu::Device, launch: &Launch) -> Result<Rc<Pipeline>> {
        let key = (launch.plan.stem, launch.plan.variant.clone());
        if let Some(found) = self.pipelines.get(&key) {
            return Ok(found.clone());
        }
        let id = self.pipelines.len() as u64;
        let pipeline = Rc::new(compile(device, launch, id)?);
        self.pipelines.insert(key, pipeline.clone());
        Ok(pipeline)
    }

    pub(super) fn bind_group(&mut self, device: &wgpu::Device, pipeline: &Pipeline, buffers: &[&Buffer]) -> wgpu::BindGroup {
        if self.bind_groups.len() >= MAX_BIND_GROUPS {
            self.bind_groups.clear();
        }
        let key: BindKey = (pipeline.id, buffers.iter().map(|b| b.key()).collect());
        let made = &mut self.bind_groups_made;
        let make = || {
            *made += 1;
            let entries: Vec<_> = buffers
                .iter()
                .enumerate()
                .filter_map(|(i, b)| Some(wgpu::BindGroupEntry { binding: i as u32, resource: b.binding()? }))
                .collect();
            device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &pipeline.layout, entries: &entries })
        };
        self.bind_groups.entry(key).or_insert_with(make).clone()
    }
}

/// Access of each storage binding in order, read off the `@group(0) @binding(i) var<storage, …>` lines.
fn storage_bindings(text: &str) -> Vec<bool> {
    text.lines().filter(|line| line.trim_start().starts_with("@group(0) @binding(")).map(|line| !line.contains("read_write")).collect()
}

fn compile(device: &wgpu::Device, launch: &Launch, id: u64) -> Result<Pipeline> {
    let text = assemble(launch.plan.stem, &launch.plan.variant)?;
    let bindings = storage_bindings(&text);
    if bindings.len() != launch.buffers.len() {
        let message = format!("{} bindings in the file, {} buffers in the launch", bindings.len(), launch.buffers.len());
        return Err(Error::Kernel { stem: launch.plan.stem.into(), message });
    }
    let entries: Vec<_> = bindings
        .iter()
        .enumerate()
        .map(|(i, &read_only)| wgpu::BindGroupLayoutEntry {
            binding: i as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Storage { read_only },
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        })
        .collect();
    let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(launch.plan.stem), entries: &entries });
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(launch.plan.stem),
        bind_group_layouts: &[Some(&layout)],
        immediate_size: launch.params.bytes().len() as u32,
    });
    let source = wgpu::ShaderModuleDescriptor { label: Some(launch.plan.stem), source: wgpu::ShaderSource::Wgsl(text.into()) };
    // SAFETY: the text is one of this crate's own files. Their loops end by construction, launchers check every extent before a launch,
    // and the case tables compare every kernel with its reference at the borders of its tiles. naga's run-time checks keep Mesa from
    // unrolling the loops that hold register tiles: with them a 3×3 convolution takes 26 s to compile and runs ten times slower.
    let module = unsafe { device.create_shader_module_trusted(source, wgpu::ShaderRuntimeChecks::unchecked()) };
    let raw = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(launch.plan.stem),
        layout: Some(&pipeline_layout),
        module: &module,
        entry_point: None,
        // Every kernel writes workgroup memory before it reads it.
        compilation_options: wgpu::PipelineCompilationOptions { constants: &[], zero_initialize_workgroup_memory: false },
        cache: None,
    });
    match pollster::block_on(scope.pop()) {
        None => Ok(Pipeline { id, raw, layout }),
        Some(error) => Err(Error::Kernel { stem: launch.plan.stem.into(), message: error.to_string() }),
    }
}
