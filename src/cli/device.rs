//! The device of a command: opened in one place, so that every command chooses it, its variants, and speaks of it alike.

use std::path::PathBuf;

use super::Globals;
use crate::bench::{Tuned, cache_file, variants};
use crate::error::{Error, Result};
use crate::gpu::{Capabilities, DeviceKind, Gpu};

/// What says where the file of `meltcore tune` is: a path, or `off`.
pub const TUNED: &str = "MELTCORE_TUNED";

/// Opens the device of `--device`, else of `MELTCORE_DEVICE`, else the best GPU, else the host; a note says when that is no GPU. Its
/// kernels are the variants that `meltcore tune` found for it.
///
/// # Errors
/// As [`Gpu::open`]; [`Error::Input`] for a file of `meltcore tune` that is broken.
pub fn open_device(globals: &Globals) -> Result<Gpu> {
    open(globals, |able| tuned(globals, able))
}

/// The same with the variants that `texts` name ([`variants::force`]), and the usual ones of all other kernels.
///
/// # Errors
/// As [`Gpu::open`]; [`Error::Usage`] for a variant that is not there, or that the device cannot run.
pub fn open_device_with(globals: &Globals, texts: &[String]) -> Result<Gpu> {
    open(globals, |able| {
        if able.is_host() && !texts.is_empty() {
            return Err(Error::Usage("--variant is for devices that run shaders: on the processor kernels choose by themselves".into()));
        }
        texts.iter().try_for_each(|text| variants::force(text, able))
    })
}

/// What `meltcore tune` found is taken where it is of this device.
fn tuned(globals: &Globals, able: &mut Capabilities) -> Result<()> {
    let Some(file) = tuned_file(globals, able) else { return Ok(()) };
    let tuned = Tuned::load(&file)?;
    match tuned.foreign_to(able) {
        None => {
            tuned.apply(able);
            globals.detail(&format!("variants of {} launches are those of {}", tuned.len(), file.display()));
        }
        Some(why) => globals.note(&format!("{} is left aside: {why}. `meltcore tune` makes it anew", file.display())),
    }
    Ok(())
}

/// The file in force: that of `MELTCORE_TUNED`, else that of the user's caches if it is there; none with `--untuned`.
pub fn tuned_file(globals: &Globals, able: &Capabilities) -> Option<PathBuf> {
    if globals.untuned || able.is_host() {
        return None;
    }
    match std::env::var_os(TUNED).filter(|value| !value.is_empty()) {
        Some(off) if off == "off" => None,
        Some(file) => Some(file.into()),
        None => cache_file(able).filter(|file| file.exists()),
    }
}

fn open(globals: &Globals, choose: impl FnOnce(&mut Capabilities) -> Result<()>) -> Result<Gpu> {
    let mut chosen = Ok(());
    let gpu = Gpu::open_as(globals.device.as_deref(), |able| chosen = choose(able)).map_err(|error| match error {
        Error::Device(message) => Error::Device(format!("{message}; --device chooses one, and `meltcore devices` lists them")),
        other => other,
    })?;
    chosen?;
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
