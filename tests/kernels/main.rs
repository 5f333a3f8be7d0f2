//! One table of cases over every device: the host's kernels, WGSL on the device at hand, and each variant that can be forced, all against
//! the f64 definitions of `meltcore::reference`.
//!
//! A trial's name is `device::family::case`; `cargo test --test kernels conv2d` runs a part. What this machine lacks reads as ignored.
//! `tests/README.md` says how to add a case.

mod activation;
mod attention;
mod batch_norm;
mod case;
mod class_maps;
mod conv2d;
mod conv2d_by_sample;
mod conv2d_cases;
mod conv2d_of_norm;
mod conv_transpose2d;
mod depthwise_conv2d;
mod devices;
mod dropout;
mod gaussian_blur;
mod gradcheck;
mod graphs;
mod graphs_in_f64;
mod half;
mod joining;
mod masked_loss;
mod masked_metrics;
mod masked_ssim;
mod masked_ssim_loss;
mod not_finite;
#[path = "../on_device/mod.rs"]
mod on_device;
mod optimizers;
mod resampling;
mod rows;
mod tokens;
#[path = "../trials/mod.rs"]
mod trials;
mod warm_step;
mod windows;

use std::collections::BTreeSet;
use std::process::ExitCode;

use case::Case;
use devices::DEVICES;
use libtest_mimic::{Arguments, Trial};
use meltcore::gpu::loader::prepare_vulkan_loader;

/// A family's name, and what makes its cases.
type Family = (&'static str, fn() -> Vec<Case>);

/// All families of ops.
const FAMILIES: &[Family] = &[
    ("activation", activation::cases),
    ("attention", attention::cases),
    ("batch_norm", batch_norm::cases),
    ("class_maps", class_maps::cases),
    ("conv2d", conv2d::cases),
    ("conv2d_by_sample", conv2d_by_sample::cases),
    ("conv_transpose2d", conv_transpose2d::cases),
    ("depthwise_conv2d", depthwise_conv2d::cases),
    ("dropout", dropout::cases),
    ("gaussian_blur", gaussian_blur::cases),
    ("gradcheck", gradcheck::cases),
    ("half", half::cases),
    ("conv2d_of_norm", conv2d_of_norm::cases),
    ("joining", joining::cases),
    ("masked_loss", masked_loss::cases),
    ("masked_metrics", masked_metrics::cases),
    ("masked_ssim", masked_ssim::cases),
    ("masked_ssim_loss", masked_ssim_loss::cases),
    ("not_finite", not_finite::cases),
    ("optimizers", optimizers::cases),
    ("resampling", resampling::cases),
    ("rows", rows::cases),
    ("tokens", tokens::cases),
    ("warm_step", warm_step::cases),
    ("windows", windows::cases),
];

fn main() -> ExitCode {
    // First thing: it writes the environment.
    prepare_vulkan_loader();
    let mut arguments = Arguments::from_args();
    // A device belongs to one thread, and is opened once.
    arguments.test_threads = Some(1);
    let mut trials = Vec::new();
    for device in &DEVICES {
        FAMILIES.iter().for_each(|(family, cases)| trials.extend(device.trials(family, cases())));
    }
    let names: BTreeSet<&str> = trials.iter().map(Trial::name).collect();
    assert_eq!(names.len(), trials.len(), "two cases of a family have one name");
    let conclusion = libtest_mimic::run(&arguments, trials);
    devices::close();
    conclusion.exit_code()
}
