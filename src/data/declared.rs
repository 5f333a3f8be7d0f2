//! What a raster is by its own tags and by the files beside it: GDAL's notes (`FILE.aux.xml`) and world files.
//!
//! Which counts where several place a raster: the notes, its own affine transform, a world file. That is GDAL's order. Control points,
//! polynomials and arrays of positions place no grid: a raster that has nothing else is refused.

use std::path::Path;

use super::beside;
use super::geotiff::Layout;
use super::ifd::Directory;
use super::no_data::NoData;
use super::notices::tell_once_a_folder;
use super::pam::Pam;
use super::world_file;
use crate::error::{Error, Result};

/// Coefficients of rational polynomials (RPC) in a file.
const POLYNOMIALS: u16 = 50844;

/// The declarations of a raster, completed by what stands beside it.
///
/// `bytes` is the content of the file `path`.
///
/// # Errors
/// Those of [`Layout::parse`]; a file beside it that cannot be read or understood; a place that no grid describes.
pub fn declared(bytes: &[u8], path: &Path) -> Result<Layout> {
    declared_by(&Directory::read(bytes).map_err(|message| Error::input(path, message))?, path, None)
}

/// [`declared`] of a file's first directory, and of one of its bands where it has several.
pub(super) fn declared_by(directory: &Directory, path: &Path, band: Option<usize>) -> Result<Layout> {
    let mut layout = directory.layout(band).map_err(|message| Error::input(path, message))?;
    for (about, note) in &layout.notes {
        tell_once_a_folder(path, about, || note.clone());
    }
    let pam = Pam::beside(path, layout.band)?;
    if let Some(pam) = &pam {
        if let Some(value) = pam.no_data {
            layout.set_no_data(value);
        }
        if let Some(value) = pam.no_data_of_all_bands {
            match (layout.no_data, NoData::new(value, layout.sample)) {
                (Some(one), Some(other)) if !one.same(other) => {
                    let message =
                        format!("names {other} as NODATA_VALUES where {one} is the no-data value of the band; remove one of them");
                    return Err(Error::input(&pam.path, message));
                }
                (None, _) => layout.set_no_data(value),
                _ => {}
            }
        }
        layout.unscale = pam.unscale.unwrap_or(layout.unscale);
        if let Some(srs) = &pam.srs {
            layout.geo.set_crs(srs);
        }
        if let Some(transform) = pam.transform {
            layout.geo.set_transform(transform);
        }
    }
    if layout.geo.transform().is_none() {
        place(directory, path, &mut layout, pam.as_ref())?;
    }
    Ok(layout)
}

/// Places a raster that has no affine transform of its own.
fn place(directory: &Directory, path: &Path, layout: &mut Layout, pam: Option<&Pam>) -> Result<()> {
    let refused = |by: &str| {
        let cure = "which is no grid; bring it onto one with `gdalwarp IN OUT`, or remove that where it means nothing";
        Err(Error::input(path, format!("is placed by {by}, {cure}")))
    };
    if let Some(table) = beside::replaced(path, &["tab".into()]) {
        return refused(&format!("the MapInfo file {}", table.display()));
    }
    if let Some((_, transform)) = world_file::transform_beside(path)? {
        layout.geo.set_transform(transform);
        return Ok(());
    }
    let points = layout.geo.control_points().max(pam.map_or(0, |pam| pam.control_points));
    if points > 0 {
        return refused(&format!("{points} ground control point(s)"));
    }
    if let Some(by) = pam.and_then(|pam| pam.placed_by) {
        return refused(by);
    }
    let polynomials = directory.entry(POLYNOMIALS).is_some();
    let stem_has = |ending: &str| beside::appended(&path.with_extension(""), &[ending]).is_some();
    if polynomials || stem_has("_RPC.TXT") || stem_has("_rpc.txt") || beside::replaced(path, &["rpb".into()]).is_some() {
        return refused("rational polynomials (RPC)");
    }
    Ok(())
}
