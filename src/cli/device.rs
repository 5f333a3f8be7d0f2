//! The device of a command: opened in one place, so that every command chooses it and speaks of it alike.

use super::Globals;
use crate::error::Result;
use crate::gpu::Gpu;

/// Opens the device of `--device`, else of `MELTCORE_DEVICE`, else the best one; a note says when that is a software device.
///
/// # Errors
/// As [`Gpu::open`].
pub fn open_device(globals: &Globals) -> Result<Gpu> {
    let gpu = Gpu::open(globals.device.as_deref())?;
    let found = gpu.capabilities();
    if found.kind != crate::gpu::DeviceKind::Gpu {
        globals.note(&format!(
            "no GPU in use: running on the software device {}, many times slower than a GPU (see `meltcore devices`)",
            found.name
        ));
    } else {
        globals.detail(&format!("device: {} ({}, {})", found.name, found.backend, found.driver));
    }
    Ok(gpu)
}
