//! Compressed or integer blocks to float32, through the `tiff` crate.
//!
//! The crate sees a header that is written here from the checked [`Layout`], followed by the bytes of the file: of a damaged file
//! nothing but the compressed blocks reaches it.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use tiff::decoder::{Decoder, DecodingResult, Limits};

use super::geotiff::{Compression, Layout, SampleType};
use crate::error::{Error, Result};

/// All pixels of a file as float32, row after row, with NaN where the file has its no-data value.
///
/// `bytes` is the whole file that `layout` was parsed from. Blocks that were never written hold no-data, or 0 without such a value.
/// `value` makes a pixel of a stored sample, at the precision of the file.
///
/// # Errors
/// [`Error::Input`] naming the block that does not decompress.
pub(super) fn decode(bytes: &[u8], layout: &Layout, path: &Path, value: impl Fn(f64) -> f32 + Copy) -> Result<Vec<f32>> {
    let header = header(layout);
    let largest = layout.block_rows * layout.block_cols * usize::from(layout.sample.bits() / 8);
    let mut limits = Limits::default();
    (limits.decoding_buffer_size, limits.intermediate_buffer_size, limits.ifd_value_size) =
        (largest, bytes.len().max(largest), header.len());
    let unreadable = |e: tiff::TiffError| Error::input(path, format!("cannot be decoded ({e}); copy or download it again"));
    let source = Spliced { header: &header, body: bytes, at: 0 };
    let mut decoder = Decoder::new(source).map_err(unreadable)?.with_limits(limits);

    let mut pixels = vec![0.0f32; layout.rows * layout.cols];
    for (index, block) in layout.blocks.iter().enumerate() {
        let (row, col) = (index / layout.blocks_across() * layout.block_rows, index % layout.blocks_across() * layout.block_cols);
        let (height, width) = (layout.block_rows.min(layout.rows - row), layout.block_cols.min(layout.cols - col));
        let target = Target { pixels: &mut pixels, cols: layout.cols, row, col, height, width };
        if block.len == 0 {
            target.fill(if layout.no_data.is_some() { f32::NAN } else { value(0.0) });
            continue;
        }
        let decoded = decoder.read_chunk(index as u32).map_err(|e| {
            let count = layout.blocks.len();
            Error::input(path, format!("block {index} of {count} cannot be decoded ({e}); the file is damaged: copy or download it again"))
        })?;
        let complete = target.store(decoded, layout.no_data, value);
        if !complete {
            return Err(Error::input(path, format!("block {index} holds fewer than {height} × {width} pixels; the file is damaged")));
        }
    }
    Ok(pixels)
}

/// The part of the scene that one block covers.
struct Target<'a> {
    pixels: &'a mut [f32],
    cols: usize,
    row: usize,
    col: usize,
    height: usize,
    width: usize,
}

impl Target<'_> {
    fn rows(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let (col, width) = (self.col, self.width);
        self.pixels.chunks_exact_mut(self.cols).skip(self.row).take(self.height).map(move |row| &mut row[col..col + width])
    }

    fn fill(mut self, value: f32) {
        self.rows().for_each(|row| row.fill(value));
    }

    /// Stores decoded samples; false where there are too few.
    fn store(self, decoded: DecodingResult, no_data: Option<f64>, value: impl Fn(f64) -> f32) -> bool {
        match decoded {
            DecodingResult::U8(samples) => self.convert(&samples, no_data, &value, f64::from),
            DecodingResult::I8(samples) => self.convert(&samples, no_data, &value, f64::from),
            DecodingResult::U16(samples) => self.convert(&samples, no_data, &value, f64::from),
            DecodingResult::I16(samples) => self.convert(&samples, no_data, &value, f64::from),
            DecodingResult::U32(samples) => self.convert(&samples, no_data, &value, f64::from),
            DecodingResult::I32(samples) => self.convert(&samples, no_data, &value, f64::from),
            DecodingResult::U64(samples) => self.convert(&samples, no_data, &value, |v| v as f64),
            DecodingResult::I64(samples) => self.convert(&samples, no_data, &value, |v| v as f64),
            DecodingResult::F32(samples) => self.convert(&samples, no_data.map(|v| f64::from(v as f32)), &value, f64::from),
            DecodingResult::F64(samples) => self.convert(&samples, no_data, &value, |v| v),
            // Half floats are refused before decoding.
            DecodingResult::F16(_) => false,
        }
    }

    /// Samples are compared with the no-data value before they lose precision.
    fn convert<T: Copy>(mut self, samples: &[T], no_data: Option<f64>, value: impl Fn(f64) -> f32, wide: impl Fn(T) -> f64) -> bool {
        if samples.len() < self.height * self.width {
            return false;
        }
        let width = self.width;
        for (row, samples) in self.rows().zip(samples.chunks_exact(width)) {
            for (pixel, &sample) in row.iter_mut().zip(samples) {
                let stored = wide(sample);
                *pixel = if Some(stored) == no_data { f32::NAN } else { value(stored) };
            }
        }
        true
    }
}

/// A BigTIFF header in the byte order of the file whose blocks lie behind it.
fn header(layout: &Layout) -> Vec<u8> {
    let blocks = layout.blocks.len() as u64;
    let compression = match layout.compression {
        Compression::None => 1,
        Compression::Lzw => 5,
        Compression::Deflate => 8,
        Compression::PackBits => 32773,
    };
    let format = match layout.sample {
        SampleType::Unsigned(_) => 1,
        SampleType::Signed(_) => 2,
        SampleType::Float(_) => 3,
    };
    let (offsets_tag, lens_tag) = if layout.tiled { (324, 325) } else { (273, 279) };
    let mut fields: Vec<(u16, u64)> = vec![
        (256, layout.cols as u64),
        (257, layout.rows as u64),
        (258, u64::from(layout.sample.bits())),
        (259, compression),
        (262, 1),
        (277, 1),
        (317, u64::from(layout.predictor)),
        (339, format),
        (offsets_tag, 0),
        (lens_tag, 0),
    ];
    if layout.tiled {
        fields.extend([(322, layout.block_cols as u64), (323, layout.block_rows as u64)]);
    } else {
        fields.push((278, layout.block_rows as u64));
    }
    fields.sort_unstable();

    let directory_end = 16 + 8 + 20 * fields.len() as u64 + 8;
    let header_len = directory_end + 16 * blocks;
    let mut out = Ordered { bytes: Vec::with_capacity(header_len as usize), little: layout.little_endian };
    out.bytes.extend_from_slice(if layout.little_endian { b"II" } else { b"MM" });
    out.number(43, 2);
    out.number(8, 2);
    out.number(0, 2);
    out.number(16, 8);
    out.number(fields.len() as u64, 8);
    for (tag, value) in fields {
        let is_array = tag == offsets_tag || tag == lens_tag;
        out.number(u64::from(tag), 2);
        out.number(16, 2);
        out.number(if is_array { blocks } else { 1 }, 8);
        let list: fn(&super::geotiff::Block) -> u64 = if tag == offsets_tag { |block| block.offset } else { |block| block.len };
        let shift = if tag == offsets_tag { header_len } else { 0 };
        match is_array {
            false => out.number(value, 8),
            // A single value stands in the entry itself.
            true if blocks == 1 => out.number(list(&layout.blocks[0]) + shift, 8),
            true => out.number(directory_end + if tag == offsets_tag { 0 } else { 8 * blocks }, 8),
        }
    }
    out.number(0, 8);
    layout.blocks.iter().for_each(|block| out.number(block.offset.saturating_add(header_len), 8));
    layout.blocks.iter().for_each(|block| out.number(block.len, 8));
    out.bytes
}

/// Bytes under construction in a chosen byte order.
struct Ordered {
    bytes: Vec<u8>,
    little: bool,
}

impl Ordered {
    fn number(&mut self, value: u64, len: usize) {
        let little = value.to_le_bytes();
        match self.little {
            true => self.bytes.extend_from_slice(&little[..len]),
            false => self.bytes.extend(little[..len].iter().rev()),
        }
    }
}

/// The header followed by the file, as one stream.
struct Spliced<'a> {
    header: &'a [u8],
    body: &'a [u8],
    at: u64,
}

impl Read for Spliced<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let at = usize::try_from(self.at).unwrap_or(usize::MAX);
        let rest = match self.header.get(at..) {
            Some(rest) if !rest.is_empty() => rest,
            _ => self.body.get(at.saturating_sub(self.header.len())..).unwrap_or(&[]),
        };
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        self.at += len as u64;
        Ok(len)
    }
}

impl Seek for Spliced<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let end = (self.header.len() + self.body.len()) as u64;
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => end.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
