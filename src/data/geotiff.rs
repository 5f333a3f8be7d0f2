//! What a TIFF, BigTIFF or GeoTIFF file declares: size, sample type, blocks of pixels, no-data value and georeference.
//!
//! Only the first image of a file is read; GDAL keeps overviews and masks in the later ones.
//! Source: TIFF 6.0 sections 2 (structure), 8 (baseline fields) and 15 (tiles); the BigTIFF design of libtiff; GDAL's tag 42113.

use std::path::Path;

use super::geotags::{CARRIED_TAGS, GeoTag, GeoTags};
use crate::error::{Error, Result};

/// Scenes of more pixels are refused: their indices would not fit 32 bits on the device.
const MAX_PIXELS: u64 = i32::MAX as u64;
/// Directories of more entries do not occur and would only cost time.
const MAX_ENTRIES: u64 = 4096;

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
        let fail = |message: String| Error::input(path, message);
        let ifd = Directory::read(bytes).map_err(&fail)?;
        ifd.layout().map_err(fail)
    }
}

/// Numbers of a file in its byte order; every read is checked against the end of the file.
#[derive(Clone, Copy)]
struct Bytes<'a> {
    bytes: &'a [u8],
    little: bool,
}

impl<'a> Bytes<'a> {
    fn slice(&self, offset: u64, len: u64) -> Result<&'a [u8], String> {
        let end = offset.checked_add(len).filter(|&end| end <= self.bytes.len() as u64);
        match end {
            Some(end) => Ok(&self.bytes[offset as usize..end as usize]),
            None => Err(format!(
                "the TIFF header points to byte {} but the file has {}; it is truncated or damaged: copy or download it again",
                offset.saturating_add(len),
                self.bytes.len()
            )),
        }
    }

    /// An unsigned number of `len` ≤ 8 bytes.
    fn unsigned(&self, offset: u64, len: u64) -> Result<u64, String> {
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        let raw = self.slice(offset, len)?;
        Ok(if self.little { raw.iter().rev().fold(0, fold) } else { raw.iter().fold(0, fold) })
    }
}

/// One entry of the directory with its value where it lies.
struct Entry<'a> {
    tag: u16,
    kind: u16,
    count: u64,
    value: &'a [u8],
}

/// Bytes of a TIFF field type, and of the number that its byte order applies to.
fn field_size(kind: u16) -> Option<(u64, usize)> {
    match kind {
        1 | 2 | 6 | 7 => Some((1, 1)),
        3 | 8 => Some((2, 2)),
        4 | 9 | 11 | 13 => Some((4, 4)),
        5 | 10 => Some((8, 4)),
        12 | 16 | 17 | 18 => Some((8, 8)),
        _ => None,
    }
}

/// The first image file directory of a file.
struct Directory<'a> {
    entries: Vec<Entry<'a>>,
    source: Bytes<'a>,
}

impl<'a> Directory<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let not_tiff = || "this is not a TIFF file; convert it with `meltcore pack` or gdal_translate".to_string();
        let little = match bytes.get(..2) {
            Some(b"II") => true,
            Some(b"MM") => false,
            _ => return Err(not_tiff()),
        };
        let source = Bytes { bytes, little };
        // Classic TIFF counts in 2 and 4 bytes, BigTIFF in 8.
        let (first, count_len, entry_len, offset_len) = match source.unsigned(2, 2)? {
            42 => (source.unsigned(4, 4)?, 2, 12, 4),
            43 if source.unsigned(4, 2)? == 8 => (source.unsigned(8, 8)?, 8, 20, 8),
            _ => return Err(not_tiff()),
        };
        let count = source.unsigned(first, count_len)?;
        if count == 0 || count > MAX_ENTRIES {
            return Err(format!("the TIFF directory claims {count} entries; the file is damaged: copy or download it again"));
        }
        let mut entries = Vec::with_capacity(count as usize);
        for index in 0..count {
            let at = first + count_len + index * entry_len;
            let (tag, kind) = (source.unsigned(at, 2)? as u16, source.unsigned(at + 2, 2)? as u16);
            let count = source.unsigned(at + 4, offset_len)?;
            // Unknown field types are to be skipped (TIFF 6.0, section 2).
            let Some((size, _)) = field_size(kind) else { continue };
            let len = count.checked_mul(size).ok_or_else(|| format!("TIFF tag {tag} claims {count} values; the file is damaged"))?;
            let field = at + 4 + offset_len;
            let value = if len <= offset_len { source.slice(field, len)? } else { source.slice(source.unsigned(field, offset_len)?, len)? };
            entries.push(Entry { tag, kind, count, value });
        }
        Ok(Directory { entries, source })
    }

    fn entry(&self, tag: u16) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    /// All values of an unsigned integer tag; empty where it is absent.
    fn all(&self, tag: u16, name: &str) -> Result<Vec<u64>, String> {
        let Some(entry) = self.entry(tag) else { return Ok(Vec::new()) };
        let size = match entry.kind {
            1 => 1,
            3 => 2,
            4 | 13 => 4,
            16 | 18 => 8,
            other => return Err(format!("TIFF tag {name} has field type {other}, which holds no unsigned integer; the file is damaged")),
        };
        let values = Bytes { bytes: entry.value, little: self.source.little };
        (0..entry.count).map(|index| values.unsigned(index * size, size)).collect()
    }

    fn one(&self, tag: u16, name: &str) -> Result<Option<u64>, String> {
        Ok(self.all(tag, name)?.first().copied())
    }

    fn required(&self, tag: u16, name: &str) -> Result<u64, String> {
        self.one(tag, name)?.ok_or_else(|| format!("TIFF tag {name} is missing; the file is damaged or no image"))
    }

    fn layout(&self) -> Result<Layout, String> {
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
            little_endian: self.source.little,
            no_data: self.no_data(),
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
        let file_len = self.source.bytes.len() as u64;
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

    fn geo_tags(&self) -> GeoTags {
        let carried = self.entries.iter().filter(|entry| CARRIED_TAGS.contains(&entry.tag));
        let mut tags: Vec<GeoTag> = carried
            .map(|entry| {
                let mut bytes = entry.value.to_vec();
                if !self.source.little {
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
