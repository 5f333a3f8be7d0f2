//! What a kernel takes of a device, read off its assembled WGSL, so that no list of it can be wrong.

use wgpu::naga::proc::Layouter;
use wgpu::naga::{AddressSpace, TypeInner, front};

use crate::error::{Error, Result};
use crate::gpu::shader::assemble;
use crate::gpu::{Capabilities, Plan};

/// What one variant of a kernel takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// Invocations of a workgroup.
    pub invocations: u32,
    /// Bytes that a workgroup shares.
    pub workgroup_bytes: u32,
    /// Arrays that it sees.
    pub storage_buffers: u32,
    /// Bytes of its parameters.
    pub immediate_bytes: u32,
    /// Half-precision arithmetic.
    pub f16: bool,
    /// Side of its cooperative matrices; 0 without.
    pub matrices: u32,
}

impl Needs {
    /// Those of a plan's kernel.
    ///
    /// # Errors
    /// [`Error::Kernel`] where the file lacks a constant, or is not WGSL.
    pub fn of(plan: &Plan) -> Result<Needs> {
        let broken = |message: String| Error::Kernel { stem: plan.stem.into(), message };
        let text = assemble(plan.stem, &plan.variant)?;
        let module = front::wgsl::parse_str(&text).map_err(|error| broken(error.emit_to_string(&text)))?;
        let mut sizes = Layouter::default();
        sizes.update(module.to_ctx()).map_err(|error| broken(error.to_string()))?;
        let mut needs = Needs { f16: text.lines().any(|line| line.starts_with("enable f16")), ..Needs::default() };
        for (_, variable) in module.global_variables.iter() {
            let bytes = sizes[variable.ty].size;
            match variable.space {
                AddressSpace::WorkGroup => needs.workgroup_bytes += bytes.next_multiple_of(16),
                AddressSpace::Storage { .. } => needs.storage_buffers += 1,
                AddressSpace::Immediate => needs.immediate_bytes += bytes,
                _ => {}
            }
        }
        let sides = module.types.iter().filter_map(|(_, kind)| match kind.inner {
            TypeInner::CooperativeMatrix { columns, .. } => Some(columns as u32),
            _ => None,
        });
        needs.matrices = sides.max().unwrap_or(0);
        needs.invocations = module.entry_points.iter().map(|entry| entry.workgroup_size.iter().product()).max().unwrap_or(0);
        Ok(needs)
    }

    /// What keeps a device from running it, if anything: the first limit that is too small.
    pub fn beyond(&self, able: &Capabilities) -> Option<String> {
        let limits = [
            ("invocations of a workgroup", self.invocations, able.invocations),
            ("bytes of workgroup memory", self.workgroup_bytes, able.workgroup_bytes),
            ("storage buffers", self.storage_buffers, able.storage_buffers),
            ("bytes of parameters", self.immediate_bytes, able.immediate_bytes),
            ("half-precision arithmetic", self.f16.into(), able.f16.into()),
        ];
        // The host's twins have none of these limits.
        if able.is_host() {
            return None;
        }
        let beyond = limits.into_iter().find(|(_, needed, has)| needed > has);
        let beyond = beyond.map(|(what, needed, has)| format!("{needed} {what}, and {} has {has}", able.name));
        let side = self.matrices;
        let has_matrices = side == 0 || able.matrices.contains(&side);
        beyond.or_else(|| (!has_matrices).then(|| format!("matrices of {side}×{side}, and {} has {}", able.name, able.named_matrices())))
    }
}
