//! The device of a command: opened in one place, so that every command chooses it and speaks of it alike.

use super::Globals;
use crate::error::{Error, Result};
use crate::gpu::{DeviceKind, Gpu};

/// Opens the device of `--device`, else of `MELTCORE_DEVICE`, else the best GPU, else the host; a note says when that is no GPU.
///
/// # Errors
/// As [`Gpu::open`].
pub fn open_device(globals: &Globals) -> Result<Gpu> {
    let gpu = Gpu::open(globals.device.as_deref()).map_err(|error| match error {
        Error::Device(message) => Error::Device(format!("{message}; --device chooses one, and `meltcore devices` lists them")),
        other => other,
    })?;
    let found = gpu.capabilities();
    match found.kind {
        DeviceKind::Gpu => globals.detail(&format!("device: {} ({}, {})", found.name, found.backend, found.driver)),
        DeviceKind::Host => globals.note(&format!("running on the processor ({})", found.driver)),
        DeviceKind::Software => globals.note(&format!(
            "running on the software device {}, which is there to check shaders; `--device host` is many times faster",
            found.name
        )),
    }
    if found.kind == DeviceKind::Host
        && globals.verbose > 0
        && let (_, Some(missing)) = crate::gpu::list_adapters(globals.device.as_deref())?
    {
        globals.detail(missing);
    }
    Ok(gpu)
}
