//! What a TIFF, BigTIFF or GeoTIFF file declares: size, sample type, blocks of pixels, no-data value and georeference.
//!
//! Only the first image of a file is read; GDAL keeps overviews and masks in the later ones.
//! Source: TIFF 6.0 sections 8 (baseline fields) and 15 (tiles); GDAL's tags 42112 and 42113.

use std::path::Path;

use super::geotags::{CARRIED_TAGS, GeoTag, GeoTags};
use super::ifd::{Directory, field_size};
use super::linear::Linear;
use crate::error::{Error, Result};

/// Scenes of more pixels are refused: their indices would not fit 32 bits on the device.
const MAX_PIXELS: u64 = i32::MAX as u64;

/// Type of one sample as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleType {
    /// Unsigned integer of this many bits (8, 16, 32 or 64).
    Unsigned(u16),
    /// Signed integer of this many bits (8, 16, 32 or 64).
    Signed(u16),
    /// IEEE float of this many bits (32 or 64).
    Float(u16),
}

impl SampleType {
    /// Bits of one sample.
    pub fn bits(self) -> u16 {
        match self {
            SampleType::Unsigned(bits) | SampleType::Signed(bits) | SampleType::Float(bits) => bits,
        }
    }
}

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Plain samples.
    None,
    /// Lempel–Ziv–Welch.
    Lzw,
    /// zlib, under its new or its old number.
    Deflate,
    /// Run lengths.
    PackBits,
}

/// Where one strip or tile lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// First byte.
    pub offset: u64,
    /// Bytes; 0 for a block that was never written (GDAL's sparse files).
    pub len: u64,
}

/// The declarations of a single-band raster, checked against each other and against the length of the file.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Rows of the scene.
    pub rows: usize,
    /// Columns of the scene.
    pub cols: usize,
    /// Type of a sample.
    pub sample: SampleType,
    /// Compression of each block.
    pub compression: Compression,
    /// 1 none, 2 horizontal differences, 3 floating point; always 1 where nothing is compressed.
    pub predictor: u16,
    /// Rows of a block; the last strip may have fewer.
    pub block_rows: usize,
    /// Columns of a block; the scene's for strips.
    pub block_cols: usize,
    /// Tiles (always stored whole) rather than strips.
    pub tiled: bool,
    /// The blocks, row after row of blocks.
    pub blocks: Vec<Block>,
    /// Byte order of the samples.
    pub little_endian: bool,
    /// The value that stands for "not observed".
    pub no_data: Option<f64>,
    /// What makes values of samples (GDAL's tag 42112); [`Raster`](super::raster::Raster) reads the samples, `pack` applies it.
    pub unscale: Linear,
    /// The georeference.
    pub geo: GeoTags,
}

impl Layout {
    /// Number of blocks side by side.
    pub fn blocks_across(&self) -> usize {
        self.cols.div_ceil(self.block_cols)
    }

    /// Bytes of block `index` once decompressed: tiles are stored whole, the last strip only as far as the scene.
    pub fn block_bytes(&self, index: usize) -> u64 {
        let rows = if self.tiled { self.block_rows } else { self.block_rows.min(self.rows - (index * self.block_rows).min(self.rows)) };
        rows as u64 * self.block_cols as u64 * u64::from(self.sample.bits() / 8)
    }

    /// Reads the declarations from the bytes of a whole file; `path` is for messages only.
    ///
    /// # Errors
    /// [`Error::Input`] where the file is not a TIFF, ends early, contradicts itself or holds what meltcore does not read.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Layout> {
        Directory::read(bytes).and_then(|directory| directory.layout()).map_err(|message| Error::input(path, message))
    }
}

impl Directory<'_> {
    /// What this directory declares; an error is a message.
    pub(super) fn layout(&self) -> Result<Layout, String> {
        let (rows, cols) = (self.required(257, "ImageLength")?, self.required(256, "ImageWidth")?);
        if rows == 0 || cols == 0 || rows.checked_mul(cols).is_none_or(|pixels| pixels > MAX_PIXELS) {
            return Err(format!("the header declares {rows} rows × {cols} columns; a scene has 1 to {MAX_PIXELS} pixels"));
        }
        let bands = self.one(277, "SamplesPerPixel")?.unwrap_or(1);
        if bands != 1 {
            return Err(format!("has {bands} bands where one is expected; extract one with `gdal_translate -b 1 IN OUT`"));
        }
        let sample = self.sample_type()?;
        let compression = match self.one(259, "Compression")?.unwrap_or(1) {
            1 => Compression::None,
            5 => Compression::Lzw,
            8 | 32946 => Compression::Deflate,
            32773 => Compression::PackBits,
            other => {
                return Err(format!(
                    "uses TIFF compression {other}; meltcore reads none, LZW, deflate and PackBits: \
                     rewrite it with `meltcore pack` or `gdal_translate -co COMPRESS=DEFLATE IN OUT`"
                ));
            }
        };
        let predictor = match (compression, self.one(317, "Predictor")?.unwrap_or(1)) {
            // The predictor belongs to the LZW and deflate codecs; the others ignore it.
            (Compression::None | Compression::PackBits, _) => 1,
            (_, predictor @ (1 | 2)) => predictor as u16,
            (_, 3) if matches!(sample, SampleType::Float(_)) => 3,
            (_, other) => return Err(format!("uses predictor {other} on {sample:?} samples, which TIFF does not define")),
        };
        let (rows, cols) = (rows as usize, cols as usize);
        let (tiled, block_rows, block_cols, blocks) = self.blocks(rows, cols, sample)?;
        let layout = Layout {
            rows,
            cols,
            sample,
            compression,
            predictor,
            block_rows,
            block_cols,
            tiled,
            blocks,
            little_endian: self.little_endian(),
            no_data: self.no_data(),
            unscale: self.unscale(),
            geo: self.geo_tags(),
        };
        if compression == Compression::None
            && let Some((index, block)) =
                layout.blocks.iter().enumerate().find(|(index, block)| block.len > 0 && block.len < layout.block_bytes(*index))
        {
            let expected = layout.block_bytes(index);
            return Err(format!("block {index} has {} bytes where {expected} are needed; the file is damaged", block.len));
        }
        Ok(layout)
    }

    fn sample_type(&self) -> Result<SampleType, String> {
        let bits = self.one(258, "BitsPerSample")?.unwrap_or(1);
        let format = self.one(339, "SampleFormat")?.unwrap_or(1);
        match (format, bits) {
            (1 | 4, 8 | 16 | 32 | 64) => Ok(SampleType::Unsigned(bits as u16)),
            (2, 8 | 16 | 32 | 64) => Ok(SampleType::Signed(bits as u16)),
            (3, 32 | 64) => Ok(SampleType::Float(bits as u16)),
            _ => Err(format!(
                "holds samples of {bits} bits in TIFF sample format {format}; meltcore reads integers of 8 to 64 bits, float32 and \
                 float64: convert it with `meltcore pack` or `gdal_translate -ot Float32 IN OUT`"
            )),
        }
    }

    /// Tiled or not, rows and columns of a block, and the blocks.
    #[allow(clippy::type_complexity)]
    fn blocks(&self, rows: usize, cols: usize, sample: SampleType) -> Result<(bool, usize, usize, Vec<Block>), String> {
        let tiled = self.entry(324).is_some();
        let (block_rows, block_cols) = if tiled {
            (self.required(323, "TileLength")?, self.required(322, "TileWidth")?)
        } else {
            (self.one(278, "RowsPerStrip")?.unwrap_or(u64::MAX).min(rows as u64), cols as u64)
        };
        // A tile may pad the scene, but one of far more pixels than the scene is a lie that would cost memory.
        let largest = (rows as u64 * cols as u64).max(1 << 20) * 4;
        if block_rows == 0 || block_cols == 0 || block_rows.checked_mul(block_cols).is_none_or(|pixels| pixels > largest) {
            return Err(format!("declares blocks of {block_rows} rows × {block_cols} columns; the file is damaged"));
        }
        let expected = (rows as u64).div_ceil(block_rows) * (cols as u64).div_ceil(block_cols);
        let (offsets, lens) = if tiled {
            (self.all(324, "TileOffsets")?, self.all(325, "TileByteCounts")?)
        } else {
            (self.all(273, "StripOffsets")?, self.all(279, "StripByteCounts")?)
        };
        if offsets.len() as u64 != expected || lens.len() as u64 != expected {
            return Err(format!(
                "declares {} block offsets and {} block sizes where {rows} × {cols} pixels need {expected}; the file is damaged",
                offsets.len(),
                lens.len()
            ));
        }
        let blocks: Vec<Block> = offsets.iter().zip(&lens).map(|(&offset, &len)| Block { offset, len }).collect();
        let file_len = self.file_len();
        for (index, block) in blocks.iter().enumerate() {
            if block.len > 0 && block.offset.checked_add(block.len).is_none_or(|end| end > file_len) {
                return Err(format!(
                    "block {index} of {expected} ends after the end of the file ({file_len} bytes); it is truncated: copy or download it again"
                ));
            }
        }
        // The densest codec here makes at most about 2800 bytes of one; empty blocks are allowed for up to 256 MiB.
        let stored = blocks.iter().fold(0u64, |sum, block| sum.saturating_add(block.len));
        let unpacked = rows as u64 * cols as u64 * u64::from(sample.bits() / 8);
        if unpacked > stored.saturating_mul(4096).saturating_add(256 << 20) {
            return Err(format!("declares {rows} × {cols} pixels but stores only {stored} bytes of them; the file is damaged"));
        }
        Ok((tiled, block_rows as usize, block_cols as usize, blocks))
    }

    /// GDAL's no-data value, a number in text.
    fn no_data(&self) -> Option<f64> {
        let entry = self.entry(42113).filter(|entry| entry.kind == 2)?;
        let text = std::str::from_utf8(entry.value).ok()?;
        text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).parse().ok()
    }

    /// GDAL's scale and offset of the band, in its XML of metadata.
    fn unscale(&self) -> Linear {
        let entry = self.entry(42112).filter(|entry| entry.kind == 2);
        entry.and_then(|entry| std::str::from_utf8(entry.value).ok()).map(Linear::of_gdal_metadata).unwrap_or_default()
    }

    fn geo_tags(&self) -> GeoTags {
        let carried = self.entries.iter().filter(|entry| CARRIED_TAGS.contains(&entry.tag));
        let mut tags: Vec<GeoTag> = carried
            .map(|entry| {
                let mut bytes = entry.value.to_vec();
                if !self.little_endian() {
                    let unit = field_size(entry.kind).map_or(1, |(_, unit)| unit);
                    bytes.chunks_mut(unit).for_each(<[u8]>::reverse);
                }
                GeoTag { tag: entry.tag, kind: entry.kind, count: entry.count, bytes }
            })
            .collect();
        tags.sort_by_key(|tag| tag.tag);
        // A repeated tag would make the outputs unreadable; the first one counts, as in other readers.
        tags.dedup_by_key(|tag| tag.tag);
        GeoTags { tags }
    }
}
