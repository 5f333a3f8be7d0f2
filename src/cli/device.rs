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
    let (gpu, tuned) = open_device_to_report(globals)?;
    tuned.map(|_| gpu)
}

/// The same, whatever is wrong with the file of `meltcore tune`, and what is made of that file in a few words.
///
/// # Errors
/// As [`Gpu::open`].
pub fn open_device_to_report(globals: &Globals) -> Result<(Gpu, Result<String>)> {
    let mut of_file = Ok(String::new());
    let gpu = open(globals, |able| {
        of_file = tuned(globals, able);
        Ok(())
    })?;
    Ok((gpu, of_file))
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
fn tuned(globals: &Globals, able: &mut Capabilities) -> Result<String> {
    let Some(file) = tuned_file(globals, able) else { return Ok("none".into()) };
    let tuned = Tuned::load(&file)?;
    if let Some(why) = tuned.foreign_to(able) {
        globals.note(&format!("{} is left aside: {why}. `meltcore tune` makes it anew", file.display()));
        return Ok(format!("left aside: {why}"));
    }
    tuned.apply(able);
    globals.detail(&format!("variants of {} launches are those of {}", tuned.len(), file.display()));
    Ok(format!("in use, of {} launches", tuned.len()))
}

/// The file in force: that of `MELTCORE_TUNED`, else that of the user's caches if it is there; none with `--untuned`.
fn tuned_file(globals: &Globals, able: &Capabilities) -> Option<PathBuf> {
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
