//! Every parser under mutants of small files: no panic, no abort, no hang, no memory that the file cannot justify; and what is read keeps
//! its promises (it is written and read back to the same, a raster has all its pixels).
//!
//! A target is a row in a table of `rasters.rs`, `netcdf.rs`, `text.rs`, `weights.rs` or `records.rs`; its seeds lie in `seeds/<target>`.
//! Each gets `MELTCORE_FUZZ_SECONDS` (3); the mutants are the same in every run, only how many are reached differs. `tools/fuzz.sh` gives
//! them minutes. A finding is left in the build folder, with a message that says where: copied into the target's seeds under its own name
//! (`found…`) it is tried first for ever.

mod memory;
mod mutate;
#[cfg(not(feature = "gdal"))]
mod netcdf;
mod rasters;
mod records;
mod target;
mod text;
mod weights;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use target::Target;

#[global_allocator]
static MEMORY: memory::Counting = memory::Counting;

/// All targets.
const TARGETS: [&[Target]; 5] = [rasters::TARGETS, NETCDF, text::TARGETS, weights::TARGETS, records::TARGETS];

/// In a build with GDAL its libraries read what the own readers refuse, and those are tried elsewhere.
#[cfg(feature = "gdal")]
const NETCDF: &[Target] = &[];
#[cfg(not(feature = "gdal"))]
const NETCDF: &[Target] = netcdf::TARGETS;

fn main() -> ExitCode {
    // What a parser's panic says is told with the finding; a backtrace of each would take longer than the mutants.
    std::panic::set_hook(Box::new(|_| ()));
    let trials = TARGETS.into_iter().flatten().map(Target::trial).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
