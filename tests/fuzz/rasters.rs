//! Rasters: GeoTIFFs with their tags and blocks, GDAL's metadata in them, and what stands beside them.

use std::fs;
use std::path::{Path, PathBuf};

use meltcore::data::Window;
use meltcore::data::crs::Crs;
use meltcore::data::gdal_metadata::unscale;
use meltcore::data::raster::Raster;

use crate::target::{Answer, Reader, Target};

/// The targets of this file.
pub const TARGETS: &[Target] = &[
    Target {
        name: "tiff",
        extension: "tif",
        more_seeds: &[("tests/data/tiff", 4096), ("tests/data/beside", 4096)],
        // Blocks that were never written are allowed for up to 256 MiB of pixels, which are copied once here.
        mebibytes: 640,
        // Tags and types as little-endian directories have them, and texts that tags hold.
        dictionary: &[
            b"II*\0",
            b"MM\0*",
            b"II+\0\x08\0\0\0",
            b"\x00\x01\x04\0\x01\0\0\0",
            b"\x01\x01\x04\0\x01\0\0\0",
            b"\x02\x01\x03\0\x01\0\0\0",
            b"\x03\x01\x03\0\x01\0\0\0",
            b"\x0a\x01\x03\0\x01\0\0\0",
            b"\x11\x01\x10\0",
            b"\x15\x01\x03\0\x01\0\0\0",
            b"\x17\x01\x04\0",
            b"\x1c\x01\x03\0",
            b"\x3d\x01\x03\0",
            b"\x42\x01\x03\0",
            b"\x44\x01\x10\0",
            b"\x52\x01\x03\0",
            b"\x53\x01\x03\0",
            b"\x0e\x83\x0c\0\x03\0\0\0",
            b"\x82\x84\x0c\0\x06\0\0\0",
            b"\x80\xa4\x02\0",
            b"\x81\xa4\x02\0",
            b"nan\0",
            b"-9999\0",
            b"-3.40282e+38\0",
            b"-1.#INF\0",
        ],
        repair: None,
        reader: |_| Box::new(raster),
    },
    Target {
        name: "gdal_metadata",
        extension: "xml",
        more_seeds: &[],
        mebibytes: 64,
        dictionary: &[
            b"<Item ",
            b"</Item>",
            b"name=\"SCALE\"",
            b"name=\"OFFSET\"",
            b"sample=\"0\"",
            b"sample='1'",
            b"role=\"scale\"",
            b"role=\"offset\"",
            b"role='scale'",
            b"<GDALMetadata>",
            b"&#45;",
            b"\xb0",
        ],
        repair: None,
        reader: |_| Box::new(gdal_metadata),
    },
    Target {
        name: "aux_xml",
        extension: "xml",
        more_seeds: &[],
        mebibytes: 64,
        dictionary: &[
            b"<PAMDataset>",
            b"</PAMDataset>",
            b"<PAMRasterBand band=\"1\">",
            b"<NoDataValue>nan</NoDataValue>",
            b"<NoDataValue le_hex_equiv=\"000000000000F07F\">",
            b"<Scale>0</Scale>",
            b"<Offset>",
            b"<GeoTransform>",
            b"<SRS>EPSG:3413</SRS>",
            b"<SRS dataAxisToSRSAxisMapping=\"2,1\">",
            b"<GCPList>",
            b"<Metadata domain=\"RPC\">",
            b"<MDI key=\"NODATA_VALUES\">",
            b"<!DOCTYPE a [<!ENTITY b \"c\">]>",
            b"&b;",
            b"<![CDATA[",
            b"<!--",
        ],
        repair: None,
        reader: |folder| beside(folder, "plain.tif", "plain.tif.aux.xml"),
    },
    Target {
        name: "world_file",
        extension: "tfw",
        more_seeds: &[],
        mebibytes: 64,
        dictionary: &[b"\r\n", b",", b"1e308", b"-1e-308", b"inf", b"0\n0\n"],
        repair: None,
        reader: |folder| beside(folder, "sparse.tif", "sparse.tfw"),
    },
    Target {
        name: "mask",
        extension: "msk",
        more_seeds: &[("tests/data/beside", 300)],
        mebibytes: 640,
        dictionary: &[b"\xfe\0\x04\0\x01\0\0\0", b"\x02\x01\x03\0\x01\0\0\0", b"\x03\x01\x03\0\x01\0\0\0", b"INTERNAL_MASK_FLAGS_1"],
        repair: None,
        reader: |folder| beside(folder, "mask_beside.tif", "mask_beside.tif.msk"),
    },
    Target {
        name: "wkt",
        extension: "wkt",
        more_seeds: &[],
        mebibytes: 64,
        dictionary: &[
            b"PROJCS[",
            b"GEOGCS[",
            b"PROJCRS[",
            b"COMPD_CS[",
            b"BOUNDCRS[SOURCECRS[",
            b"PARAMETER[\"",
            b"SPHEROID[",
            b"AUTHORITY[\"EPSG\",\"",
            b"UNIT[",
            b"[[[[[[[[",
            b"]]",
            b"\"\"",
            b"EPSG:",
            b"+proj=stere +lat_0=90",
            b" +lat_ts=",
            b" +units=km",
            b"+proj=utm +zone=",
            b"urn:ogc:def:crs:EPSG::",
        ],
        repair: None,
        reader: |_| Box::new(wkt),
    },
];

/// Reads the mutants under a name beside a raster of the repository.
fn beside(folder: &Path, raster: &str, name: &str) -> Reader {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let from = ["tiff", "beside"].map(|below| root.join(below).join(raster)).into_iter().find(|path| path.is_file()).unwrap();
    let (copy, mutant): (PathBuf, PathBuf) = (folder.join(raster), folder.join(name));
    fs::copy(from, &copy).unwrap();
    Box::new(move |path| {
        fs::copy(path, &mutant).unwrap();
        self::raster(&copy)
    })
}

/// A definition is the same as itself, where it is understood.
fn wkt(path: &Path) -> Answer {
    let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let crs = Crs::of_definition(&text);
    assert_ne!(crs.is_same(&crs), Some(false), "{text}");
    Answer::Read
}

/// A raster has as many pixels as rows times columns, and its corner reads like the whole.
fn raster(path: &Path) -> Answer {
    let of_bands = || (0..3).rev().find_map(|band| Raster::open_band(path, band).ok());
    let raster = match Raster::open(path).or_else(|error| of_bands().ok_or(error)) {
        Ok(raster) => raster,
        Err(error) => return Answer::Refused(error.to_string()),
    };
    let (rows, cols) = (raster.rows(), raster.cols());
    assert!(rows > 0 && cols > 0);
    raster.geo().transform();
    raster.has_nan().unwrap();
    // The mutant of a mapped file may declare far more than it holds only if the layout was not checked.
    let all = raster.read_all().unwrap();
    assert_eq!(Some(all.len()), rows.checked_mul(cols));
    let window = Window { row: rows - 1, col: cols - 1, height: 1, width: 1 };
    let mut corner = [0.0];
    raster.read_window(window, &mut corner).unwrap();
    assert_eq!(corner[0].to_bits(), all[all.len() - 1].to_bits());
    assert!(raster.same_grid(&raster));
    Answer::Read
}

/// Scale and offset are finite whatever the text.
fn gdal_metadata(path: &Path) -> Answer {
    match unscale(&fs::read(path).unwrap(), 0) {
        Ok((linear, _)) => {
            assert!(linear.scale.is_finite() && linear.offset.is_finite());
            Answer::Read
        }
        Err(message) => Answer::Refused(message),
    }
}
