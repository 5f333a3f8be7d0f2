//! Every kind of stored block to float32 pixels, block after block.

use std::path::Path;

use super::geotiff::{Layout, SampleType};
use super::sample::Sample;
use super::unpack::{no_memory, unpack};
use crate::error::{Error, Result};

/// All pixels of a band as float32, row after row, with NaN where the file has its no-data value.
///
/// `bytes` is the whole file that `layout` was parsed from. Blocks that were never written hold no-data, or 0 without such a value.
/// `value` makes a pixel of a stored sample, at the precision of the file.
///
/// # Errors
/// [`Error::Input`] naming the block that cannot be read, or the memory that the pixels take where there is less.
pub(super) fn decode(bytes: &[u8], layout: &Layout, path: &Path, value: impl Fn(f64) -> f32 + Copy) -> Result<Vec<f32>> {
    layout.readable().and_then(|()| decode_samples(bytes, layout, value)).map_err(|message| Error::input(path, message))
}

/// [`decode`] of the first image of a file, or what GDAL makes of it where that is built in and the crate's own reader gives up.
///
/// # Errors
/// Those of [`decode`].
pub(super) fn decode_image(bytes: &[u8], layout: &Layout, path: &Path, value: impl Fn(f64) -> f32 + Copy) -> Result<Vec<f32>> {
    let own = decode(bytes, layout, path, value);
    #[cfg(feature = "gdal")]
    let own = own.or_else(|error| super::gdal_pixels::read(layout, path, value).ok_or(error));
    own
}

fn decode_samples(bytes: &[u8], layout: &Layout, value: impl Fn(f64) -> f32 + Copy) -> Result<Vec<f32>, String> {
    match layout.sample {
        SampleType::Unsigned(8) => pixels::<u8>(bytes, layout, value),
        SampleType::Unsigned(16) => pixels::<u16>(bytes, layout, value),
        SampleType::Unsigned(32) => pixels::<u32>(bytes, layout, value),
        SampleType::Unsigned(_) => pixels::<u64>(bytes, layout, value),
        SampleType::Signed(8) => pixels::<i8>(bytes, layout, value),
        SampleType::Signed(16) => pixels::<i16>(bytes, layout, value),
        SampleType::Signed(32) => pixels::<i32>(bytes, layout, value),
        SampleType::Signed(_) => pixels::<i64>(bytes, layout, value),
        SampleType::Float(32) => pixels::<f32>(bytes, layout, value),
        SampleType::Float(_) => pixels::<f64>(bytes, layout, value),
    }
}

fn pixels<T: Sample>(bytes: &[u8], layout: &Layout, value: impl Fn(f64) -> f32) -> Result<Vec<f32>, String> {
    let Layout { rows, cols, block_rows, block_cols, .. } = *layout;
    let mut pixels: Vec<f32> = Vec::new();
    pixels.try_reserve_exact(rows * cols).map_err(|_| no_memory(rows * cols * size_of::<f32>()))?;
    let unwritten = if layout.unwritten.is_nan() { f32::NAN } else { value(layout.unwritten) };
    let mut room = Vec::new();
    // Memory is taken band after band, so that a file which ends early takes no more than it holds.
    for (band, blocks) in layout.blocks.chunks(layout.blocks_across()).enumerate() {
        let (first, height) = (pixels.len(), block_rows.min(rows - band * block_rows));
        pixels.resize(first + height * cols, unwritten);
        for (across, block) in blocks.iter().enumerate().filter(|(_, block)| block.len > 0) {
            let index = band * layout.blocks_across() + across;
            let stored = bytes.get(block.offset as usize..(block.offset + block.len) as usize).unwrap_or_default();
            let samples = unpack(stored, layout, layout.block_bytes(index) as usize, &mut room).map_err(|reason| {
                format!("block {index} of {}: {reason}; the file is damaged: copy or download it again", layout.blocks.len())
            })?;
            let (col, width) = (across * block_cols, block_cols.min(cols - across * block_cols));
            let rows = pixels[first..].chunks_exact_mut(cols).map(|row| &mut row[col..col + width]);
            for (row, samples) in rows.zip(samples.chunks_exact(block_cols * layout.pixel_bytes())) {
                store::<T>(row, samples, layout, &value);
            }
        }
    }
    Ok(pixels)
}

/// A row of a block; samples are compared with the no-data value before they lose precision.
fn store<T: Sample>(row: &mut [f32], samples: &[u8], layout: &Layout, value: &impl Fn(f64) -> f32) {
    let first = if layout.interleaved == 1 { 0 } else { layout.band * T::BYTES };
    let samples = samples.chunks_exact(layout.pixel_bytes()).map(|pixel| T::of(&pixel[first..first + T::BYTES], layout.little_endian));
    match layout.no_data {
        Some(no_data) => row.iter_mut().zip(samples).for_each(|(pixel, sample)| {
            *pixel = if sample.is(no_data) { f32::NAN } else { value(sample.wide()) };
        }),
        None => row.iter_mut().zip(samples).for_each(|(pixel, sample)| *pixel = value(sample.wide())),
    }
}
