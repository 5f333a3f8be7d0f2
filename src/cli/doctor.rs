//! `meltcore doctor`: what somebody who helps must know of a machine, on one page.

use std::path::PathBuf;

use super::Globals;
use super::device::{TUNED, open_device_to_report};
use super::output::{Table, print_line};
use super::progress::Progress;
use super::{devices, version};
use crate::bench::{self, Options, Row, StepOptions};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::gpu::{Gpu, list_adapters, shader::CATALOGUE};
use crate::host;

/// Look at this machine and its device in a minute, and print one page to put into a report of a fault
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  meltcore doctor\n  meltcore doctor --device 0 > doctor.txt\n\n\
    It needs no files and writes none. The page names the device and its driver, but neither the user nor any folder beside those of\n\
    graphics drivers.\n\
    Exit status: 0 all well; 1 a kernel computes something wrong, or a part could not be done; 3 no usable device.")]
pub struct Args {}

/// Prints the page.
///
/// # Errors
/// [`Error::CheckFailed`] where something is wrong, after the page; [`Error::Device`] where no device opens; stdout cannot be written.
pub fn run(_: &Args, globals: &Globals) -> Result<()> {
    print_line(&format!("meltcore {} on {} {}", version(), std::env::consts::OS, std::env::consts::ARCH))?;
    print_line(&format!("processor: {}, {} threads", host::instruction_set(), rayon::current_num_threads()))?;
    section("Devices")?;
    let (adapters, missing) = list_adapters(globals.device.as_deref())?;
    devices::table(&adapters).print()?;
    missing.map_or(Ok(()), print_line)?;
    drivers()?;
    let (gpu, tuned) = open_device_to_report(globals)?;
    let mut faults = Vec::new();
    device(&gpu, tuned.as_ref().map_or("broken", String::as_str))?;
    faults.extend(tuned.err().map(|error| format!("tuned variants: {error}")));
    kernels(globals, &gpu, &mut faults)?;
    rows(globals, &gpu, &mut faults)?;
    memory(&gpu)?;
    section("Verdict")?;
    match faults.is_empty() {
        true => print_line("all well"),
        false => {
            faults.iter().try_for_each(|fault| print_line(fault))?;
            let count = faults.len();
            Err(Error::CheckFailed(format!("{count} {} wrong; see the page above", if count == 1 { "thing is" } else { "things are" })))
        }
    }
}

fn section(title: &str) -> Result<()> {
    print_line(&format!("\n## {title}"))
}

/// The drivers that the Vulkan loader is told of, and the variables that choose among them.
fn drivers() -> Result<()> {
    const FOLDERS: [&str; 4] =
        ["/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/usr/share/vulkan/icd.d", "/usr/local/etc/vulkan/icd.d"];
    const VARIABLES: [&str; 8] = [
        "VK_DRIVER_FILES",
        "VK_ICD_FILENAMES",
        "VK_ADD_DRIVER_FILES",
        "NVIDIA_DRIVER_CAPABILITIES",
        "MELTCORE_DEVICE",
        "MELTCORE_MMAP",
        TUNED,
        "RAYON_NUM_THREADS",
    ];
    if cfg!(target_os = "linux") {
        let listed =
            FOLDERS.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let mut files: Vec<PathBuf> = listed.filter(|path| path.extension().is_some_and(|found| found == "json")).collect();
        files.sort();
        let names: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
        print_line(&format!("driver files: {}", if names.is_empty() { "none".into() } else { names.join(", ") }))?;
    }
    let set = VARIABLES.iter().filter_map(|name| Some(format!("{name}={}", std::env::var(name).ok()?)));
    let set: Vec<String> = set.collect();
    print_line(&format!("variables: {}", if set.is_empty() { "none".into() } else { set.join(", ") }))
}

fn device(gpu: &Gpu, tuned: &str) -> Result<()> {
    section("The device in use")?;
    let able = gpu.capabilities();
    let mut table = Table::new(&["what", "value"]);
    let trips = able.loop_trips.map_or_else(|| "unbounded".into(), |trips| trips.to_string());
    let half = match (able.f16, able.f16_nearest) {
        (false, _) => "none",
        (true, true) => "rounds to nearest",
        (true, false) => "rounds otherwise: not used",
    };
    for (what, value) in [
        ("name", able.name.clone()),
        ("backend", able.backend.clone()),
        ("driver", able.driver.clone()),
        ("vendor", able.vendor.clone()),
        ("kind", format!("{:?}", able.kind)),
        ("subgroup", format!("{} to {}", able.subgroup[0], able.subgroup[1])),
        ("invocations", able.invocations.to_string()),
        ("workgroup bytes", able.workgroup_bytes.to_string()),
        ("storage buffers", able.storage_buffers.to_string()),
        ("parameter bytes", able.immediate_bytes.to_string()),
        ("binding bytes", able.max_binding_bytes.to_string()),
        ("loop trips", trips),
        ("f16", half.to_owned()),
        ("matrices of f16", able.named_matrices()),
        ("timestamps", able.timestamps.to_string()),
        ("tuned variants", tuned.to_owned()),
    ] {
        table.row([what.to_owned(), value]);
    }
    table.print()
}

/// A bar for a part's events.
fn watch<T>(globals: &Globals, work: impl FnOnce(&mut dyn FnMut(Event)) -> T) -> T {
    let mut progress = None;
    work(&mut |event| match event {
        Event::Start { label, total, unit } => progress = Some(Progress::start(label, total, unit, globals.quiet)),
        Event::Done(steps) => progress.iter().for_each(|progress| progress.advance(steps)),
        Event::Note(text) => globals.note(&text),
        Event::Detail(_) | Event::Message(_) => {}
    })
}

fn kernels(globals: &Globals, gpu: &Gpu, faults: &mut Vec<String>) -> Result<()> {
    section("Kernels")?;
    let checked = watch(globals, |observe| bench::check(gpu, observe))?;
    // The ceilings are kernels, too, and come below.
    let stems = CATALOGUE.iter().map(|(stem, _)| *stem).filter(|stem| !stem.starts_with("ceiling_"));
    let (run, idle): (Vec<&str>, Vec<&str>) = stems.partition(|stem| checked.kernels.contains(stem));
    let all = checked.right + checked.wrong.len();
    print_line(&format!("{} of {all} checks right; {} of {} kernels ran", checked.right, run.len(), run.len() + idle.len()))?;
    print_line(&format!("for other devices: {}", if idle.is_empty() { "none".into() } else { idle.join(", ") }))?;
    faults.extend(checked.wrong);
    Ok(())
}

fn rows(globals: &Globals, gpu: &Gpu, faults: &mut Vec<String>) -> Result<()> {
    section("Speed")?;
    let step = StepOptions { model: "unet".into(), set: vec!["base_channels=8".into()], batch: 4, size: [64, 64], predict_only: false };
    let options = Options { quick: true, step: Some(step), ..Options::default() };
    let report = match watch(globals, |observe| bench::run(gpu, &options, observe)) {
        Ok(report) => report,
        Err(error) => {
            faults.push(format!("a training step: {error}"));
            return print_line(&format!("not measured: {error}"));
        }
    };
    let mut table = Table::new(&["what", "ms", "GFLOP/s", "GB/s"]);
    report.rows.iter().for_each(|Row { name, ms, gflops, gbps, .. }| {
        table.row([name.clone(), format!("{ms:.3}"), format!("{gflops:.1}"), format!("{gbps:.1}")]);
    });
    faults.extend(report.wrong);
    table.print()
}

fn memory(gpu: &Gpu) -> Result<()> {
    section("Memory")?;
    let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
    let used = gpu.memory();
    print_line(&format!("the device's: {}", gpu.memory_size().map_or_else(|| "unknown".into(), mib)))?;
    print_line(&format!("of all this at most in use: {}; held from the driver: {}", mib(used.peak), mib(used.allocated)))
}
