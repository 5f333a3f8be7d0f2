//! Maps and other rasters as float32 GeoTIFFs, and rasters of bytes with a colour for each value.
//!
//! Source: TIFF 6.0 sections 5 and 8; the BigTIFF design of libtiff; GDAL's no-data tag 42113.

use std::io::Write;
use std::path::Path;

use super::about::About;
use super::geotags::{GeoTag, GeoTags};
use super::ifd::Directory;
use super::tags;
use crate::error::{Error, Result};
use crate::files::write_atomically;

/// Strips of about this size read fast row by row and in whole.
const STRIP_BYTES: usize = 1 << 16;
/// Pixels begin at a multiple of this, so that mapped rows are aligned for any vector unit.
const PIXEL_ALIGNMENT: u64 = 64;

/// Writes a float32 raster as an uncompressed striped GeoTIFF (BigTIFF past 4 GiB) with the given georeference and NaN as no-data; several
/// bands lie one after the other (PlanarConfiguration 2).
///
/// # Shapes
/// `pixels`: bands × rows × cols, row after row.
///
/// # Errors
/// [`Error::Shape`] where `pixels` has another length; those of [`write_atomically`].
pub fn write_geotiff(path: impl AsRef<Path>, rows: usize, cols: usize, pixels: &[f32], geo: &GeoTags) -> Result<()> {
    write(path.as_ref(), &float_header([rows, cols], pixels, geo, None)?, bytemuck::cast_slice(pixels), size_of::<f32>())
}

/// As [`write_geotiff`], for a map that says what it is.
///
/// # Shapes
/// `scene`: rows and columns; `pixels`: bands × rows × columns, row after row.
///
/// # Errors
/// Those of [`write_geotiff`].
pub fn write_map(path: &Path, scene: [usize; 2], pixels: &[f32], geo: &GeoTags, about: &About) -> Result<()> {
    write(path, &float_header(scene, pixels, geo, Some(about))?, bytemuck::cast_slice(pixels), size_of::<f32>())
}

/// Whether a file is what [`write_map`] would write, whatever version of the program made it.
///
/// # Errors
/// [`Error::Shape`] where `pixels` has another length.
pub fn is_map(path: &Path, scene: [usize; 2], pixels: &[f32], geo: &GeoTags, about: &About) -> Result<bool> {
    let Ok(bytes) = std::fs::read(path) else { return Ok(false) };
    let made_by = Directory::read(&bytes).ok().and_then(|directory| directory.text(tags::SOFTWARE).map(<[u8]>::to_vec));
    let Some(software) = made_by.and_then(|text| String::from_utf8(text).ok()) else { return Ok(false) };
    let about = About { software: software.trim_end_matches('\0').to_owned(), ..about.clone() };
    let Some(stored) = bytes.strip_prefix(float_header(scene, pixels, geo, Some(&about))?.as_slice()) else { return Ok(false) };
    let (stored, rest) = stored.as_chunks::<4>();
    Ok(rest.is_empty() && stored.iter().copied().eq(pixels.iter().map(|pixel| pixel.to_le_bytes())))
}

/// Writes one band of bytes as an uncompressed striped GeoTIFF whose values have colours (PhotometricInterpretation 3).
///
/// # Shapes
/// `scene`: rows and columns; `pixels`: rows × columns; `colours`: one for each of the 256 values.
///
/// # Errors
/// Those of [`write_geotiff`].
pub(super) fn write_coloured(
    path: &Path,
    scene: [usize; 2],
    pixels: &[u8],
    geo: &GeoTags,
    about: &About,
    (colours, no_data): (&[[u8; 3]; 256], u8),
) -> Result<()> {
    // All reds, then all greens, then all blues, of 16 bits each.
    let map: Vec<u16> = (0..3).flat_map(|channel| colours.iter().map(move |colour| u16::from(colour[channel]) * 257)).collect();
    let samples =
        Samples { bytes: 1, format: 1, no_data: Some(no_data.to_string()), colours: Some(GeoTag::of_shorts(tags::COLOR_MAP, &map)) };
    write(path, &header(scene, pixels.len(), &samples, geo, Some(about))?, pixels, 1)
}

/// Writes one band of bytes, each of which is a value, as an uncompressed striped GeoTIFF in grey without no-data.
///
/// # Shapes
/// `scene`: rows and columns; `pixels`: rows × columns.
///
/// # Errors
/// Those of [`write_geotiff`].
pub fn write_bytes(path: &Path, scene: [usize; 2], pixels: &[u8], geo: &GeoTags, about: &About) -> Result<()> {
    let samples = Samples { bytes: 1, format: 1, no_data: None, colours: None };
    write(path, &header(scene, pixels.len(), &samples, geo, Some(about))?, pixels, 1)
}

/// The bytes of a file that [`write_geotiff`] would write.
///
/// # Errors
/// [`Error::Shape`] where `pixels` has another length.
#[cfg(feature = "gdal")]
pub(super) fn geotiff_bytes(scene: [usize; 2], pixels: &[f32], geo: &GeoTags) -> Result<Vec<u8>> {
    let mut bytes = float_header(scene, pixels, geo, None)?;
    bytes.extend(pixels.iter().flat_map(|pixel| pixel.to_le_bytes()));
    Ok(bytes)
}

/// `pixels`: the bytes of samples of `size` bytes, as they lie in memory.
fn write(path: &Path, header: &[u8], pixels: &[u8], size: usize) -> Result<()> {
    write_atomically(path, |out| {
        out.write_all(header)?;
        if cfg!(target_endian = "little") {
            return out.write_all(pixels);
        }
        pixels.chunks(size).try_for_each(|sample| out.write_all(&sample.iter().rev().copied().collect::<Vec<u8>>()))
    })
}

/// What the samples of a file are.
struct Samples {
    /// Bytes of one.
    bytes: usize,
    /// TIFF's number of their format: 1 unsigned, 3 floating point.
    format: u64,
    /// What stands for none, where anything does.
    no_data: Option<String>,
    /// The colours of values, where they have some.
    colours: Option<GeoTag>,
}

fn float_header(scene: [usize; 2], pixels: &[f32], geo: &GeoTags, about: Option<&About>) -> Result<Vec<u8>> {
    let samples = Samples { bytes: size_of::<f32>(), format: 3, no_data: Some("nan".into()), colours: None };
    header(scene, pixels.len(), &samples, geo, about)
}

/// An unsigned field; LONG8 exists in BigTIFF only.
fn field(tag: u16, kind: u16, values: &[u64]) -> GeoTag {
    let len = match kind {
        3 => 2,
        4 => 4,
        _ => 8,
    };
    let bytes = values.iter().flat_map(|value| value.to_le_bytes().into_iter().take(len)).collect();
    GeoTag { tag, kind, count: values.len() as u64, bytes }
}

/// Everything before the pixels: header, directory and values, padded to the pixels' alignment.
fn header([rows, cols]: [usize; 2], count: usize, samples: &Samples, geo: &GeoTags, about: Option<&About>) -> Result<Vec<u8>> {
    let of_band = rows.checked_mul(cols).filter(|pixels| *pixels > 0 && rows.max(cols) <= u32::MAX as usize);
    let whole = of_band.filter(|of_band| count > 0 && count.is_multiple_of(*of_band));
    let Some(bands) = whole.map(|of_band| count / of_band).filter(|bands| *bands <= usize::from(u16::MAX)) else {
        return Err(Error::shape("write_geotiff", format!("{count} pixels do not make a map of {rows} rows × {cols} columns")));
    };
    let texts: Vec<GeoTag> = geo.tags.iter().cloned().chain(about.into_iter().flat_map(|about| about.tags(bands))).collect();
    let row_bytes = cols * samples.bytes;
    let strip_rows = (STRIP_BYTES / row_bytes).clamp(1, rows);
    let (strips, of_band) = (bands * rows.div_ceil(strip_rows), rows.div_ceil(strip_rows));
    // Room for the directory itself: far more than it takes, so that no offset passes 4 GiB in a classic file.
    let text_bytes: usize = texts.iter().map(|tag| tag.bytes.len() + 32).sum();
    let big = (bands * rows * row_bytes + strips * 8 + text_bytes + 4096) as u64 > u64::from(u32::MAX);
    let (offset_kind, offset_len) = if big { (16, 8u64) } else { (4, 4u64) };
    let rows_of = |strip: usize| strip_rows.min(rows - strip % of_band * strip_rows);
    let lens: Vec<u64> = (0..strips).map(|strip| (rows_of(strip) * row_bytes) as u64).collect();

    let mut fields = vec![
        field(tags::IMAGE_WIDTH, 4, &[cols as u64]),
        field(tags::IMAGE_LENGTH, 4, &[rows as u64]),
        field(tags::BITS_PER_SAMPLE, 3, &vec![8 * samples.bytes as u64; bands]),
        field(tags::COMPRESSION, 3, &[1]),
        field(tags::PHOTOMETRIC, 3, &[if samples.colours.is_some() { 3 } else { 1 }]),
        field(tags::STRIP_OFFSETS, offset_kind, &vec![0; strips]),
        field(tags::SAMPLES_PER_PIXEL, 3, &[bands as u64]),
        field(tags::ROWS_PER_STRIP, 4, &[strip_rows as u64]),
        field(tags::STRIP_BYTE_COUNTS, offset_kind, &lens),
        field(tags::PLANAR_CONFIGURATION, 3, &[if bands == 1 { 1 } else { 2 }]),
        field(tags::SAMPLE_FORMAT, 3, &vec![samples.format; bands]),
    ];
    fields.extend(samples.no_data.as_ref().map(|no_data| GeoTag::of_text(tags::GDAL_NODATA, no_data)));
    if bands > 1 {
        // ExtraSamples: beside the first one, samples of no colour.
        fields.push(field(tags::EXTRA_SAMPLES, 3, &vec![0; bands - 1]));
    }
    fields.extend(samples.colours.clone());
    fields.extend(texts);
    fields.sort_by_key(|field| field.tag);

    let (start, count_len, entry_len) = if big { (16u64, 8u64, 20u64) } else { (8, 2, 12) };
    let values_start = start + count_len + entry_len * fields.len() as u64 + offset_len;
    let outside = |field: &GeoTag| field.bytes.len() as u64 > offset_len;
    // Values begin at multiples of 8.
    let values_len: u64 = fields.iter().filter(|field| outside(field)).map(|field| (field.bytes.len() as u64).next_multiple_of(8)).sum();
    let pixels_start = (values_start.next_multiple_of(8) + values_len).next_multiple_of(PIXEL_ALIGNMENT);
    if let Some(offsets) = fields.iter_mut().find(|field| field.tag == tags::STRIP_OFFSETS) {
        let start_of = |strip: usize| (strip / of_band * rows + strip % of_band * strip_rows) * row_bytes;
        let starts: Vec<u64> = (0..strips).map(|strip| pixels_start + start_of(strip) as u64).collect();
        *offsets = field(tags::STRIP_OFFSETS, offset_kind, &starts);
    }

    let mut out = Vec::with_capacity(pixels_start as usize);
    let mut values = Vec::new();
    let put = |out: &mut Vec<u8>, value: u64, len: u64| out.extend_from_slice(&value.to_le_bytes()[..len as usize]);
    out.extend_from_slice(b"II");
    put(&mut out, if big { 43 } else { 42 }, 2);
    if big {
        put(&mut out, 8, 4);
    }
    put(&mut out, start, offset_len);
    put(&mut out, fields.len() as u64, count_len);
    for field in &fields {
        put(&mut out, u64::from(field.tag), 2);
        put(&mut out, u64::from(field.kind), 2);
        put(&mut out, field.count, offset_len);
        if outside(field) {
            put(&mut out, values_start.next_multiple_of(8) + values.len() as u64, offset_len);
            values.extend_from_slice(&field.bytes);
            values.resize(values.len().next_multiple_of(8), 0);
        } else {
            out.extend_from_slice(&field.bytes);
            out.resize(out.len() + offset_len as usize - field.bytes.len(), 0);
        }
    }
    put(&mut out, 0, offset_len);
    out.resize(out.len().next_multiple_of(8), 0);
    out.extend_from_slice(&values);
    out.resize(pixels_start as usize, 0);
    Ok(out)
}
