//! The grid that everything is brought onto: that of the raster named by `--like`.

use std::path::{Path, PathBuf};

use crate::data::declared::declared;
use crate::data::geotags::GeoTags;
use crate::data::geotiff::Layout;
use crate::data::mapped::map_file;
use crate::error::Result;
use crate::files::fnv1a;

/// Size and georeference of the target.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    /// The raster that it was taken from.
    pub path: PathBuf,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// Tags for the outputs.
    pub geo: GeoTags,
}

impl Grid {
    /// Takes the grid of a raster; a GeoTIFF, or with GDAL any kind.
    pub fn open(path: &Path) -> Result<Grid> {
        let own = map_file(path).and_then(|map| declared(&map, path));
        match own {
            Ok(Layout { rows, cols, geo, .. }) => Ok(Grid { path: path.to_owned(), rows, cols, geo }),
            #[cfg(feature = "gdal")]
            Err(_) if path.exists() => super::classic_netcdf::refuse_truncated(path).and_then(|()| super::gdal_source::grid(path)),
            Err(error) => Err(error),
        }
    }

    /// What tells it from other grids.
    pub fn words(&self) -> String {
        let bytes = self.geo.tags.iter().flat_map(|tag| tag.tag.to_le_bytes().into_iter().chain(tag.bytes.iter().copied()));
        format!("{} x {} pixels, georeference {:016x}", self.rows, self.cols, fnv1a(bytes))
    }
}
