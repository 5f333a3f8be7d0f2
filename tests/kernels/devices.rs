//! The devices of the table, each opened once.

use std::cell::RefCell;

use libtest_mimic::{Completion, Trial};
use meltcore::error::{Error, Result};
use meltcore::gpu::{Capabilities, DeviceKind, Gpu};
use meltcore::kernels::variants::SELECTABLE;

use crate::case::Case;
use crate::on_device::wgsl_device;
use crate::trials::{absent, is_required};

/// A device, or a variant of one that a test can force.
pub struct Device {
    /// First part of its trials' names.
    name: &'static str,
    /// Its word in `MELTCORE_REQUIRE`.
    feature: &'static str,
    /// Which cases of a family run here: a variant takes those whose kernels it changes.
    takes: fn(&str, &Case) -> bool,
    open: fn() -> Result<Gpu>,
}

/// All devices. A new variant that selects other kernels or cuts them otherwise gets a line here.
pub const DEVICES: [Device; 22] = [
    // The processor by its own kernels.
    Device { name: "host", feature: "host", takes: |_, _| true, open: || Gpu::open(Some("host")) },
    // The same where variants are chosen, of which its kernels know nothing.
    Device { name: "host-variant", feature: "host", takes: has_variants, open: || Gpu::open_as(Some("host"), choose_all::<0>) },
    // WGSL as this device gets it: a GPU where there is one, else Mesa's lavapipe.
    Device { name: "wgsl", feature: "wgsl", takes: |_, _| true, open: || wgsl(|_| {}) },
    // WGSL as a GPU without cooperative matrices gets it: tiles of whole workgroups where they pay there.
    Device { name: "wgsl-gpu", feature: "wgsl", takes: |family, _| has_gpu_kernels(family), open: || wgsl(gpu_without_matrices) },
    // And as a GPU gets it that has them, for what is in mixed precision.
    Device { name: "wgsl-matrices", feature: "matrices", takes: has_matrices, open: || gpu_with_matrices(|_| {}) },
    // The same where subgroups may be wider than they are, so that workgroups have more of them than their tiles need.
    Device { name: "wgsl-matrices-wide", feature: "matrices", takes: has_matrices, open: || gpu_with_matrices(widen) },
    // Kernels that see so few bytes at once that launches are split over images, and that do without the device's f16.
    Device { name: "wgsl-bounded", feature: "wgsl", takes: |_, case| case.splits, open: || wgsl(bounded) },
    // Every variant that can be chosen: the K-th of each kernel.
    variant::<0>("wgsl-variant-0"),
    variant::<1>("wgsl-variant-1"),
    variant::<2>("wgsl-variant-2"),
    variant::<3>("wgsl-variant-3"),
    variant::<4>("wgsl-variant-4"),
    variant::<5>("wgsl-variant-5"),
    variant::<6>("wgsl-variant-6"),
    variant::<7>("wgsl-variant-7"),
    variant::<8>("wgsl-variant-8"),
    variant::<9>("wgsl-variant-9"),
    variant::<10>("wgsl-variant-10"),
    variant::<11>("wgsl-variant-11"),
    variant::<12>("wgsl-variant-12"),
    variant::<13>("wgsl-variant-13"),
    variant::<14>("wgsl-variant-14"),
];

const fn variant<const K: usize>(name: &'static str) -> Device {
    Device { name, feature: "wgsl", takes: has_variants, open: || wgsl(choose_all::<K>) }
}

/// Variants of a kernel that the devices above run: so many are tried, and no kernel has more.
const MOST_VARIANTS: usize = 15;

/// Makes every launch take the K-th variant of its kernel, counted round.
fn choose_all<const K: usize>(able: &mut Capabilities) {
    for selectable in SELECTABLE {
        assert!(selectable.values.len() <= MOST_VARIANTS, "{} has variants that no device of the table runs", selectable.stem);
        assert!(able.choices.force(selectable, selectable.values[K % selectable.values.len()]));
    }
}

/// Families that have kernels with variants.
fn is_varied(family: &str) -> bool {
    ["conv2d", "conv_transpose2d", "rows"].contains(&family)
}

/// Families whose kernels or launches are others on a GPU.
fn has_gpu_kernels(family: &str) -> bool {
    is_varied(family) || ["conv2d_of_norm", "half", "joining", "gradcheck", "warm_step"].contains(&family)
}

/// Cases of kernels with variants. Those of very many pixels, images or channels, and of what follows the sums, which is the same in
/// all, are left to the usual variants.
fn has_variants(family: &str, case: &Case) -> bool {
    const LEFT: [&str; 18] = [
        "million",
        "66001",
        "70001",
        "refusals",
        "scale",
        "elu",
        "sigmoid",
        "tanh",
        "silu",
        "exp",
        "many",
        "_2x300x",
        "_1x300x",
        "_2x280x",
        "_2x260x",
        "1x512x",
        "to_520",
        "beside_others",
    ];
    let is_linear = family != "rows" || case.name.starts_with("linear");
    is_varied(family) && is_linear && !LEFT.iter().any(|word| case.name.contains(word))
}

/// Cases of kernels that have one by cooperative matrices, for operands in f16.
fn has_matrices(family: &str, case: &Case) -> bool {
    (is_varied(family) || family == "half") && case.name.ends_with("f16")
}

fn gpu_without_matrices(able: &mut Capabilities) {
    able.kind = DeviceKind::Gpu;
    able.matrices.clear();
}

fn widen(able: &mut Capabilities) {
    able.subgroup[1] = able.invocations.min(256) / 4;
}

fn gpu_with_matrices(change: fn(&mut Capabilities)) -> Result<Gpu> {
    let gpu = wgsl(|able| {
        able.kind = DeviceKind::Gpu;
        change(able);
    })?;
    let able = gpu.capabilities();
    match able.matrices.is_empty() {
        false => Ok(gpu),
        true => Err(Error::Device(format!("{} ({}) offers no cooperative matrices of f16 with sums in f32", able.name, able.driver))),
    }
}

/// Bytes that kernels of the bounded device see at once.
const BOUND: u64 = 32 << 10;

fn bounded(able: &mut Capabilities) {
    (able.max_binding_bytes, able.f16) = (BOUND, false);
}

fn wgsl(less: impl FnOnce(&mut Capabilities)) -> Result<Gpu> {
    Gpu::open_as(Some(&wgsl_device()?), less)
}

impl Device {
    /// The trials of a family's cases on this device.
    pub fn trials(&'static self, family: &str, cases: Vec<Case>) -> impl Iterator<Item = Trial> {
        cases.into_iter().filter(|case| (self.takes)(family, case)).map(move |case| self.trial(family, case))
    }

    /// The trial of a case on this device: ignored where it cannot be opened.
    fn trial(&'static self, family: &str, case: Case) -> Trial {
        Trial::ignorable_test(format!("{}::{family}::{}", self.name, case.name), move || match self.opened() {
            Ok(gpu) if self.feature == "wgsl" && is_required("gpu") && gpu.capabilities().kind != DeviceKind::Gpu => {
                Err(format!("MELTCORE_REQUIRE asks for `gpu`, but WGSL runs on {}", gpu.capabilities().name).into())
            }
            Ok(gpu) => (case.run)(&gpu).map(|()| Completion::Completed).map_err(|fault| fault.to_string().into()),
            Err(reason) => absent(self.feature, &reason),
        })
    }

    /// The device, opened by the first trial that needs it; the one before is closed.
    fn opened(&'static self) -> Result<Gpu, String> {
        OPEN.with_borrow_mut(|open| {
            if open.as_ref().is_none_or(|(name, _)| *name != self.name) {
                // The last device's memory goes back first.
                *open = None;
                *open = Some((self.name, (self.open)().map_err(|error| error.to_string())));
            }
            open.as_ref().map_or_else(|| Err("no device is open".into()), |(_, device)| device.clone())
        })
    }
}

thread_local! {
    static OPEN: RefCell<Option<(&'static str, Result<Gpu, String>)>> = const { RefCell::new(None) };
}

/// Closes the device that is open, while its driver is still loaded.
pub fn close() {
    OPEN.set(None);
}
