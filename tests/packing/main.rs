//! `pack` as a library: NetCDF of many kinds, other grids and coordinate systems; and in a build with GDAL what only that does.

mod classic;
mod netcdf;
#[cfg(feature = "gdal")]
mod outlines;
mod scenes;
#[path = "../trials/mod.rs"]
mod trials;
mod warping;
#[cfg(feature = "gdal")]
mod with_gdal;

use std::process::ExitCode;

fn main() -> ExitCode {
    let everywhere = warping::trials().into_iter().chain(netcdf::trials()).chain(scenes::trials());
    #[cfg(feature = "gdal")]
    let through_gdal = with_gdal::trials().into_iter().chain(outlines::trials());
    #[cfg(not(feature = "gdal"))]
    let through_gdal = {
        let missing = || Some("this build lacks the cargo feature gdal".into());
        vec![trials::needing("everything_through_gdal", "gdal", missing, || ())]
    };
    trials::run(everywhere.chain(through_gdal).collect())
}
