//! PyTorch's fixtures computed again on every device and in every way that kernels can be built: as the device has it, as a GPU has it, and
//! each variant that can be chosen.
//!
//! The fixtures are those in `tests/fixtures`; `MELTCORE_FIXTURES` names other folders instead, separated by colons.

mod on_device;
mod trials;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Completion, Trial};
use meltcore::error::Result;
use meltcore::gpu::loader::prepare_vulkan_loader;
use meltcore::gpu::{Capabilities, DeviceKind, Gpu};
use meltcore::kernels::variants::SELECTABLE;
use meltcore::verify::replay;
use on_device::wgsl_device;
use trials::absent;

/// Beginnings of the names of fixtures whose kernels have variants, or others on a GPU.
const VARIED: [&str; 6] = ["cat", "conv", "linear", "model", "scaled_dot_product_attention", "train_steps"];

fn main() -> ExitCode {
    // First thing: it writes the environment.
    prepare_vulkan_loader();
    let mut all = vec![
        trial("host", "host", None, || Gpu::open(Some("host"))),
        trial("wgsl", "wgsl", None, || opened(|_| {})),
        trial("wgsl-gpu", "wgsl", Some(&VARIED), || opened(|able| able.kind = DeviceKind::Gpu)),
    ];
    let most = SELECTABLE.iter().map(|selectable| selectable.values.len()).max().unwrap_or(0);
    all.extend((0..most).map(|k| trial(&format!("wgsl-variant-{k}"), "wgsl", Some(&VARIED), move || opened(|able| choose_all(able, k)))));
    trials::run(all)
}

fn opened(less: impl FnOnce(&mut Capabilities)) -> Result<Gpu> {
    Gpu::open_as(Some(&wgsl_device()?), less)
}

/// Makes every launch take the K-th variant of its kernel, counted round.
fn choose_all(able: &mut Capabilities, k: usize) {
    for selectable in SELECTABLE {
        assert!(able.choices.force(selectable, selectable.values[k % selectable.values.len()]));
    }
}

/// The fixtures, those whose names begin so.
fn fixtures(beginnings: Option<&[&str]>) -> Vec<PathBuf> {
    let folders = std::env::var("MELTCORE_FIXTURES").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures").into());
    let files = folders.split(':').flat_map(|folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    let begins = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.ends_with(".safetensors") && beginnings.is_none_or(|all| all.iter().any(|beginning| name.starts_with(beginning)))
    };
    let mut found: Vec<PathBuf> = files.filter(|path| begins(path)).collect();
    found.sort();
    assert!(found.len() > 10, "only {} fixtures in {folders}", found.len());
    found
}

/// Replays the fixtures on a device that `open` opens; ignored where it cannot.
fn trial(
    name: &str,
    feature: &'static str,
    beginnings: Option<&'static [&'static str]>,
    open: impl FnOnce() -> Result<Gpu> + Send + 'static,
) -> Trial {
    Trial::ignorable_test(name, move || {
        let gpu = match open() {
            Ok(gpu) => gpu,
            Err(error) => return absent(feature, &error.to_string()),
        };
        let mut faults = Vec::new();
        for path in fixtures(beginnings) {
            let row = replay(&gpu, &path, 1.0).map_err(|error| error.to_string())?;
            if !row.pass {
                faults.push(format!("{}: {} is {} times its allowance away", row.file, row.worst, row.ratio));
            }
        }
        if faults.is_empty() { Ok(Completion::Completed) } else { Err(faults.join("\n").into()) }
    })
}
