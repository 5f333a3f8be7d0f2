//! Rasters, days and batches on the host: everything between the files of a dataset and slices that a device can take.
//!
//! Reading order: [`geotiff`] (what a file declares) → [`mapped`] (its pixels without a copy) → [`raster`] (any readable band)
//! → [`day`], [`dataset`] (which files make a sample; [`inputs`] whether they are still the same) → [`tiles`] (which
//! window of them) → [`loader`] (batches; [`location`] where their samples lie). Blocks are unpacked in `decode`, `unpack` and `lzw`; what
//! stands beside a raster (masks, notes, world files) is found in `beside`, `mask`, `pam` and `world_file`, and [`declared`] puts all
//! together; [`grey_png`] reads pictures that are no rasters; [`crs`] compares coordinate systems and leads from one to another, `position`
//! to longitude and latitude.
//! Lists of days come from [`complete`] (which days have all their files; `empty_days` which of them hold nothing) and [`split`] (which
//! list a day goes to), statistics of rasters from [`stats`]. Pixels without a value are filled by `gaps` and [`nearest`].
//! [`land_mask`] and `counted` say which pixels count, [`seen`] which of a map rest on observations. [`writer`]
//! makes every output file of the crate, with what [`about`] says in maps; [`class_map`] maps of classes, which [`median`] smooths and
//! [`components`] and [`polygons`] take apart; [`lines`] and [`geojson`] hold lines with what is known of them; `slope` makes slopes of
//! elevations, `cells` knows the size of pixels in metres; [`ingest`] makes mappable files of any others, [`stack`] files for other
//! programs.

pub mod about;
pub mod class_map;
pub mod class_places;
pub mod complete;
pub mod components;
pub mod crs;
pub mod csv;
pub mod dataset;
pub mod dated_names;
pub mod day;
pub mod declared;
pub mod described;
pub mod framed;
pub mod gdal_metadata;
pub mod geojson;
pub mod geotags;
pub mod geotiff;
pub mod grey_png;
pub mod ingest;
pub mod inputs;
pub mod land_mask;
pub mod linear;
pub mod lines;
pub mod loader;
pub mod location;
pub mod mapped;
pub mod median;
pub mod moments;
pub mod nearest;
pub mod no_data;
pub mod notices;
pub mod polygons;
pub mod raster;
pub mod raster_cache;
pub mod scene_crops;
pub mod seen;
pub mod sigbus;
pub mod split;
pub mod stack;
pub mod stats;
pub mod tags;
pub mod tiles;
pub mod time_axis;
pub mod writer;

mod beside;
pub(crate) mod cells;
mod counted;
mod decode;
mod empty_days;
mod extremes;
mod file_head;
mod file_stamp;
mod gaps;
#[cfg(feature = "gdal")]
mod gdal_library;
#[cfg(feature = "gdal")]
mod gdal_pixels;
mod greys;
mod ifd;
pub(crate) mod inventory;
mod lzw;
mod mask;
mod number;
mod pam;
pub(crate) mod parallel;
mod position;
mod sample;
mod slope;
pub(crate) mod symmetry;
mod target_files;
mod unpack;
pub(crate) mod variable_files;
mod world_file;

/// What makes a GeoTIFF that is read of one that is not, at the beginning of a list; `pack` leaves these words out of its own messages.
const BY_PACK: &str = "`meltcore pack` or ";

/// Whether GDAL is built in, and which, as words.
pub fn built_in() -> String {
    #[cfg(feature = "gdal")]
    let words = format!("GDAL {}", gdal::version::version_info("RELEASE_NAME"));
    #[cfg(not(feature = "gdal"))]
    let words = "without GDAL: reads GeoTIFF, NetCDF".to_owned();
    words
}

/// What a user does about a build without GDAL.
#[cfg(not(feature = "gdal"))]
const GET_GDAL: &str = "install libgdal-dev and pkg-config, and build with `cargo build --release --features gdal`";

/// A rectangle of pixels of a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First row.
    pub row: usize,
    /// First column.
    pub col: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Window {
    /// The whole of a scene of `rows` × `cols` pixels.
    pub fn whole(rows: usize, cols: usize) -> Self {
        Window { row: 0, col: 0, height: rows, width: cols }
    }

    /// Number of pixels.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }
}
