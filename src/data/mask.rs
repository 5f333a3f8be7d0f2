//! Masks of validity: an image of its own, in a later directory of the file or in `FILE.msk` beside it, that is 0 where a pixel has no
//! value.
//!
//! Source: TIFF 6.0 section 8 (NewSubfileType, bit 2: transparency mask); GDAL's description of mask bands.

use std::path::{Path, PathBuf};

use super::beside;
use super::decode::{decode, decode_image};
use super::geotiff::Layout;
use super::ifd::{Directory, Entry};
use super::mapped::map_file;
use super::tags;
use crate::error::{Error, Result};

/// NewSubfileType: the image is a smaller copy of another one.
const REDUCED: u64 = 1;
/// NewSubfileType: the image is a mask of another one.
const MASK: u64 = 4;
/// More directories than this do not occur and would only cost time.
const MOST_DIRECTORIES: usize = 65_536;

/// What follows a raster's name in that of its mask.
const MASK_ENDINGS: &[&str] = &[".msk", ".MSK"];

/// Where a mask is.
enum Place<'a> {
    Beside(PathBuf),
    Inside(Directory<'a>),
}

/// Whether a mask says which pixels of a raster have a value; `first` is the first directory of the file `path`.
///
/// # Errors
/// [`Error::Input`] for directories that are damaged.
pub(super) fn is_masked(first: &Directory, path: &Path) -> Result<bool> {
    Ok(place(first, path)?.is_some())
}

/// All pixels of a file as [`decode`] makes them, with NaN where a mask says that they have no value.
///
/// `bytes` is the whole file that `layout` was parsed from.
///
/// # Errors
/// Those of [`decode`]; [`Error::Input`] for a mask that is damaged, of another size, or of a kind that is not read.
pub(super) fn decode_masked(bytes: &[u8], layout: &Layout, path: &Path, value: impl Fn(f64) -> f32 + Copy) -> Result<Vec<f32>> {
    let mut pixels = decode_image(bytes, layout, path, value)?;
    let first = Directory::read(bytes).map_err(|message| Error::input(path, message))?;
    let mask = match place(&first, path)? {
        None => return Ok(pixels),
        Some(Place::Inside(directory)) => read(&directory, bytes, layout, path)?,
        Some(Place::Beside(file)) => {
            let bytes = map_file(&file)?;
            read(&mask_beside(&bytes, &file)?, &bytes, layout, &file)?
        }
    };
    pixels.iter_mut().zip(mask).filter(|(_, has_value)| !has_value).for_each(|(pixel, _)| *pixel = f32::NAN);
    Ok(pixels)
}

/// The directory of a mask beside a raster, which must say that it is one.
fn mask_beside<'a>(bytes: &'a [u8], file: &Path) -> Result<Directory<'a>> {
    let refused = |message: String| Error::input(file, format!("masks the raster beside it: {message}"));
    let directory = Directory::read(bytes).map_err(refused)?;
    if !says_mask(&directory) {
        let message = "it does not say how (INTERNAL_MASK_FLAGS_1); add that with GDAL, or remove it where it means nothing";
        return Err(refused(message.into()));
    }
    Ok(directory)
}

/// Refuses a mask beside a raster that GDAL would not take for one.
///
/// # Errors
/// [`Error::Input`] for such a file, and for one that cannot be read.
#[cfg(feature = "gdal")]
pub(super) fn refuse_silent_mask(raster: &Path) -> Result<()> {
    match beside::appended(raster, MASK_ENDINGS) {
        Some(file) => mask_beside(&map_file(&file)?, &file).map(|_| ()),
        None => Ok(()),
    }
}

/// The mask of a raster; one beside the file counts instead of one inside it.
fn place<'a>(first: &Directory<'a>, path: &Path) -> Result<Option<Place<'a>>> {
    if let Some(file) = beside::appended(path, MASK_ENDINGS) {
        return Ok(Some(Place::Beside(file)));
    }
    let refused = |message: String| Error::input(path, message);
    let mut next = first.next().map_err(refused)?;
    for _ in 0..MOST_DIRECTORIES {
        let Some(directory) = next else { return Ok(None) };
        let kind = directory.one(tags::NEW_SUBFILE_TYPE).map_err(refused)?.unwrap_or(0);
        if kind & MASK != 0 && kind & REDUCED == 0 {
            return Ok(Some(Place::Inside(directory)));
        }
        next = directory.next().map_err(refused)?;
    }
    Err(refused("its directories do not end; the file is damaged: copy or download it again".into()))
}

/// GDAL's metadata in a file of masks.
fn says_mask(directory: &Directory) -> bool {
    let metadata = directory.entry(tags::GDAL_METADATA).map(|entry| String::from_utf8_lossy(entry.value));
    metadata.is_some_and(|text| text.contains("INTERNAL_MASK_FLAGS_1"))
}

/// Reads the mask that a directory describes.
fn read(directory: &Directory, bytes: &[u8], image: &Layout, path: &Path) -> Result<Vec<bool>> {
    let refused = |message: String| Error::input(path, format!("its mask of validity: {message}"));
    let (rows, cols) = (
        directory.required(tags::IMAGE_LENGTH).map_err(refused)? as usize,
        directory.required(tags::IMAGE_WIDTH).map_err(refused)? as usize,
    );
    if (rows, cols) != (image.rows, image.cols) {
        return Err(refused(format!("it has {rows} rows × {cols} columns where the image has {} × {}", image.rows, image.cols)));
    }
    if directory.one(tags::BITS_PER_SAMPLE).map_err(refused)?.unwrap_or(1) == 8 {
        let layout = directory.layout(None).map_err(refused)?;
        return Ok(decode(bytes, &Layout { no_data: None, ..layout }, path, |value| value as f32)?
            .iter()
            .map(|value| *value != 0.0)
            .collect());
    }
    // Single bits, eight to a byte and rows from whole bytes: an image of bytes that is an eighth as wide.
    let packed = |cols: u64| (cols as u32).div_ceil(8);
    let tile_width = directory.one(tags::TILE_WIDTH).map_err(refused)?.filter(|_| directory.entry(tags::TILE_OFFSETS).is_some());
    if tile_width.is_some_and(|width| width % 8 != 0) {
        return Err(refused("its tiles are no multiple of 8 wide; the file is damaged".into()));
    }
    let changed = [
        (tags::IMAGE_WIDTH, packed(cols as u64)),
        (tags::BITS_PER_SAMPLE, 8),
        (tags::TILE_WIDTH, packed(tile_width.unwrap_or(8))),
        (tags::SAMPLE_FORMAT, 1),
    ]
    .map(|(tag, value)| (tag, if directory.little_endian() { value.to_le_bytes() } else { value.to_be_bytes() }));
    let one_bit = directory.one(tags::BITS_PER_SAMPLE).map_err(refused)?.unwrap_or(1) == 1;
    if !one_bit {
        return Err(refused("it has samples of other than 1 or 8 bits, which is no mask that meltcore reads".into()));
    }
    let of_bytes = directory.with(changed.iter().map(|(tag, value)| Entry { tag: *tag, kind: 4, count: 1, value }));
    let layout = of_bytes.layout(None).map_err(refused)?;
    let bytes_across = layout.cols;
    let packed = decode(bytes, &Layout { no_data: None, ..layout }, path, |value| value as f32)?;
    let bit = |row: usize, col: usize| packed[row * bytes_across + col / 8] as u8 & (0x80 >> (col % 8)) != 0;
    Ok((0..rows).flat_map(|row| (0..cols).map(move |col| (row, col))).map(|(row, col)| bit(row, col)).collect())
}
