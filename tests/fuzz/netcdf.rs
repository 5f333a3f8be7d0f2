//! NetCDF files of all kinds, as sources of `pack` and as the grid that others are brought to.

use std::path::Path;

use meltcore::data::ingest::{PackOptions, Resampling, pack};
use meltcore::data::raster::Raster;

use crate::target::{Answer, Target};

/// The targets of this file.
pub const TARGETS: &[Target] = &[Target {
    name: "netcdf",
    extension: "nc",
    more_seeds: &[("tests/data/netcdf", 20_000)],
    // A chunk may declare up to 256 MiB, and becomes float64.
    mebibytes: 1024,
    dictionary: &[
        b"CDF\x01",
        b"CDF\x02",
        b"CDF\x05",
        b"\0\0\0\x0a",
        b"\0\0\0\x0b",
        b"\0\0\0\x0c",
        b"OHDR",
        b"OCHK",
        b"TREE",
        b"SNOD",
        b"HEAP",
        b"FRHP",
        b"FHDB",
        b"BTHD",
        b"BTLF",
        b"GCOL",
        b"deflate",
        b"_FillValue",
        b"valid_range",
        b"scale_factor",
        b"days since 2000-01-01",
        b"degrees_north",
        b"DIMENSION_LIST",
    ],
    repair: None,
    reader: |folder| {
        let (out, grid) = (folder.join("out"), Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tiff/float32.tif"));
        Box::new(move |path| {
            let as_grid = read(&grid, path, &out, None);
            let as_source = read(path, &grid, &out, None);
            let of_several = if let Answer::Refused(message) = &as_source { named(message) } else { None };
            let as_source = if of_several.is_some() { read(path, &grid, &out, of_several) } else { as_source };
            // Read in either way is read.
            if matches!(as_grid, Answer::Read) { as_grid } else { as_source }
        })
    },
}];

/// The first of the variables that a refusal lists.
fn named(message: &str) -> Option<String> {
    let list = message.split_once("--variable: ")?.1;
    list.split_once(" [").map(|(name, _)| name.to_owned())
}

/// Packs a file; every map has the size of the grid.
fn read(path: &Path, like: &Path, out: &Path, variable: Option<String>) -> Answer {
    let _ = std::fs::remove_dir_all(out);
    let options = PackOptions {
        like: like.to_owned(),
        out: out.to_owned(),
        variable,
        resampling: Resampling::Bilinear,
        workers: Some(1),
        ..PackOptions::default()
    };
    match pack(&[path.to_owned()], &options, &mut |_| ()) {
        Ok(packed) => {
            let maps = std::fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path());
            let maps: Vec<_> = maps.filter(|path| path.extension().is_some_and(|ending| ending == "tif")).collect();
            assert_eq!(maps.len(), packed.written);
            for map in maps {
                let map = Raster::open(map).unwrap();
                assert_eq!(map.read_all().unwrap().len(), map.rows() * map.cols());
            }
            Answer::Read
        }
        Err(error) => Answer::Refused(error.to_string()),
    }
}
