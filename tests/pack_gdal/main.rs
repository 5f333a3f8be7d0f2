//! `pack` and its stacks through GDAL: only in a build with the cargo feature `gdal`, otherwise one trial that says so.

#[cfg(feature = "gdal")]
mod classic;
#[cfg(feature = "gdal")]
mod netcdf;
#[path = "../trials/mod.rs"]
mod trials;
#[cfg(feature = "gdal")]
mod with_gdal;

use std::process::ExitCode;

#[cfg(feature = "gdal")]
fn main() -> ExitCode {
    trials::run(with_gdal::trials().into_iter().chain(netcdf::trials()).collect())
}

#[cfg(not(feature = "gdal"))]
fn main() -> ExitCode {
    let missing = || Some("this build lacks the cargo feature gdal".into());
    trials::run(vec![trials::needing("everything_through_gdal", "gdal", missing, || ())])
}
