//! What a TIFF, BigTIFF or GeoTIFF file declares: size, sample type, blocks of pixels, no-data value and georeference.
//!
//! Only the first image of a file is read; GDAL keeps overviews and masks in the later ones.
//! Source: TIFF 6.0 sections 8 (baseline fields) and 15 (tiles); GDAL's tags 42112 and 42113.

use std::path::Path;

use super::BY_PACK;
use super::gdal_metadata;
use super::geotags::{CARRIED_TAGS, GeoTag, GeoTags};
use super::ifd::{Directory, field_size};
use super::linear::Linear;
use super::no_data::{Declared, NoData};
use super::tags;
use super::unpack::largest_ratio;
use crate::error::{Error, Result};

/// Scenes of more pixels are refused: their indices would not fit 32 bits on the device.
pub(super) const MAX_PIXELS: u64 = i32::MAX as u64;

/// Bands of a file: TIFF counts them in 16 bits.
const MAX_BANDS: u64 = 1 << 16;

/// Scenes up to so many pixels may have blocks that were never written, or that share their bytes; of larger ones the stored bytes
/// must be able to hold them all.
const MAX_UNSTORED: u64 = 1 << 27;

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

    /// Bytes of one sample.
    pub fn bytes(self) -> usize {
        usize::from(self.bits() / 8)
    }

    /// Least and largest value of an integer; `None` for floating point.
    pub fn range(self) -> Option<(i128, i128)> {
        match self {
            SampleType::Unsigned(bits) => Some((0, (1 << bits) - 1)),
            SampleType::Signed(bits) => Some((-(1 << (bits - 1)), (1 << (bits - 1)) - 1)),
            SampleType::Float(_) => None,
        }
    }

    /// The value of a sample that is nearest to this one; of integers 0 for NaN.
    pub(super) fn nearest(self, value: f64) -> f64 {
        match self.range() {
            None => value,
            Some(_) if value.is_nan() => 0.0,
            Some((low, high)) => value.clamp(low as f64, high as f64),
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
    /// Another of TIFF's numbers, which only GDAL reads.
    Other(u16),
}

/// Where one strip or tile lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// First byte.
    pub offset: u64,
    /// Bytes; 0 for a block that was never written (GDAL's sparse files).
    pub len: u64,
}

/// The declarations of a band of a raster, checked against each other and against the length of the file.
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
    /// Whether the bits of each stored byte stand in the other order (FillOrder 2).
    pub bits_reversed: bool,
    /// The value that stands for "not observed".
    pub no_data: Option<NoData>,
    /// The sample that a block never written stands for; NaN for no-data.
    pub unwritten: f64,
    /// Which band it is, counted from 0.
    pub band: usize,
    /// Samples of a pixel that lie beside each other in a block: the bands of a file, or 1 where it has one or each lies apart.
    pub interleaved: usize,
    /// What makes values of samples (GDAL's tag 42112); [`Raster`](super::raster::Raster) reads the samples, `pack` applies it.
    pub unscale: Linear,
    /// The georeference.
    pub geo: GeoTags,
    /// What a user should know of declarations that were not followed to the letter: what they are about, and words that follow the
    /// file's name.
    pub notes: Vec<(&'static str, String)>,
}

impl Layout {
    /// Number of blocks side by side.
    pub fn blocks_across(&self) -> usize {
        self.cols.div_ceil(self.block_cols)
    }

    /// Bytes of a pixel in a block, whatever bands lie there together.
    pub fn pixel_bytes(&self) -> usize {
        self.interleaved * self.sample.bytes()
    }

    /// Bytes of block `index` once decompressed: tiles are stored whole, the last strip only as far as the scene.
    pub fn block_bytes(&self, index: usize) -> u64 {
        let rows = if self.tiled { self.block_rows } else { self.block_rows.min(self.rows - (index * self.block_rows).min(self.rows)) };
        rows as u64 * self.block_cols as u64 * self.pixel_bytes() as u64
    }

    /// Takes another no-data value, as something beside the file names it.
    pub(super) fn set_no_data(&mut self, value: f64) {
        self.no_data = NoData::new(value, self.sample);
        self.unwritten = if self.no_data.is_some() { f64::NAN } else { self.sample.nearest(value) };
    }

    /// Refuses what needs another reader; an error is a message.
    pub(super) fn readable(&self) -> Result<(), String> {
        match self.compression {
            Compression::Other(number) => Err(format!(
                "uses TIFF compression {number}; meltcore reads none, LZW, deflate and PackBits: \
                 rewrite it with {BY_PACK}`gdal_translate -co COMPRESS=DEFLATE IN OUT`"
            )),
            _ => Ok(()),
        }
    }

    /// Reads the declarations from the bytes of a whole file; `path` is for messages only.
    ///
    /// # Errors
    /// [`Error::Input`] where the file is not a TIFF, ends early, contradicts itself or holds what meltcore does not read.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Layout> {
        Directory::read(bytes).and_then(|directory| directory.layout(None)).map_err(|message| Error::input(path, message))
    }
}

/// Refuses what no other reader shall try: a TIFF that declares far more pixels than it stores, for which there would be made room, and
/// numbers in tags that others would take for another value. Files of other kinds pass.
///
/// # Errors
/// [`Error::Input`] for such a file.
#[cfg(feature = "gdal")]
pub(super) fn refuse_for_all(bytes: &[u8], path: &Path) -> Result<()> {
    let Ok(directory) = Directory::read(bytes) else { return Ok(()) };
    let sample = directory.sample_type().unwrap_or(SampleType::Float(64));
    directory.said(sample, 0).map_err(|message| Error::input(path, message))?;
    // Of a file that only GDAL may read, by the whole of it.
    let number = |tag| directory.one(tag).ok().flatten();
    let (rows, cols) = (number(tags::IMAGE_LENGTH).unwrap_or(0), number(tags::IMAGE_WIDTH).unwrap_or(0));
    let ratio = directory.compression().map_or(1, largest_ratio);
    let held = (bytes.len() as u64).saturating_mul(8 * ratio) / number(tags::BITS_PER_SAMPLE).unwrap_or(1).max(1);
    if rows.saturating_mul(cols) > MAX_UNSTORED.max(held) {
        let message = format!("declares {rows} × {cols} pixels in a file of {} bytes; it is damaged", bytes.len());
        return Err(Error::input(path, message));
    }
    match directory.declarations(None) {
        Ok(layout) => check_stored(&layout).map_err(|message| Error::input(path, message)),
        Err(_) => Ok(()),
    }
}

impl Directory<'_> {
    /// What this directory declares of its only band, or of one of several; an error is a message.
    pub(super) fn layout(&self, band: Option<usize>) -> Result<Layout, String> {
        let layout = self.declarations(band)?;
        check_stored(&layout)?;
        Ok(layout)
    }

    fn declarations(&self, band: Option<usize>) -> Result<Layout, String> {
        let (rows, cols) = (self.required(tags::IMAGE_LENGTH)?, self.required(tags::IMAGE_WIDTH)?);
        if rows == 0 || cols == 0 || rows.checked_mul(cols).is_none_or(|pixels| pixels > MAX_PIXELS) {
            return Err(format!("the header declares {rows} rows × {cols} columns; a scene has 1 to {MAX_PIXELS} pixels"));
        }
        let bands = self.one(tags::SAMPLES_PER_PIXEL)?.unwrap_or(1);
        let apart = self.one(tags::PLANAR_CONFIGURATION)? == Some(2);
        let (band, interleaved) = match band {
            None if bands == 1 => (0, 1),
            Some(band) if (band as u64) < bands.min(MAX_BANDS) => (band, if apart { 1 } else { bands as usize }),
            Some(band) => return Err(format!("has {bands} band(s), and band {} is needed", band + 1)),
            None => {
                return Err(format!(
                    "has {bands} bands where one is expected; name those that you want (`bands_<input>: [1]`), or extract one with \
                     `gdal_translate -b 1 IN OUT`"
                ));
            }
        };
        let sample = self.sample_type()?;
        let compression = self.compression()?;
        let predictor = match (compression, self.one(tags::PREDICTOR)?.unwrap_or(1)) {
            // The predictor belongs to the LZW and deflate codecs; the others ignore it, or are not read here.
            (Compression::None | Compression::PackBits | Compression::Other(_), _) => 1,
            (_, predictor @ (1 | 2)) => predictor as u16,
            (_, 3) if matches!(sample, SampleType::Float(_)) => 3,
            (_, other) => return Err(format!("uses predictor {other} on {sample:?} samples, which TIFF does not define")),
        };
        let (rows, cols) = (rows as usize, cols as usize);
        let (declared, unscale, notes) = self.said(sample, band)?;
        let mut layout = Layout {
            rows,
            cols,
            sample,
            compression,
            predictor,
            block_rows: 0,
            block_cols: 0,
            tiled: self.entry(tags::TILE_OFFSETS).is_some(),
            blocks: Vec::new(),
            little_endian: self.little_endian(),
            bits_reversed: self.one(tags::FILL_ORDER)? == Some(2),
            no_data: declared.no_data,
            unwritten: declared.unwritten,
            band,
            interleaved,
            unscale,
            geo: self.geo_tags(),
            notes,
        };
        (layout.block_rows, layout.block_cols) = self.block_size(&layout)?;
        layout.blocks = self.blocks(&layout, if interleaved == 1 { band } else { 0 })?;
        Ok(layout)
    }

    /// What GDAL's tags say in text: no-data value, scale and offset, and what a user should know of them.
    #[allow(clippy::type_complexity)]
    fn said(&self, sample: SampleType, band: usize) -> Result<(Declared, Linear, Vec<(&'static str, String)>), String> {
        let declared = self.text(tags::GDAL_NODATA).map_or_else(|| Ok(Declared::default()), |text| Declared::read(text, sample))?;
        let (unscale, note) =
            self.text(tags::GDAL_METADATA).map_or_else(|| Ok((Linear::default(), None)), |text| gdal_metadata::unscale(text, band))?;
        let several = declared.several.then(|| ("no-data value", "declares several no-data values; the first counts".to_owned()));
        Ok((declared, unscale, several.into_iter().chain(note.map(|note| ("metadata", note))).collect()))
    }

    fn compression(&self) -> Result<Compression, String> {
        Ok(match self.one(tags::COMPRESSION)?.unwrap_or(1) {
            1 => Compression::None,
            5 => Compression::Lzw,
            8 | 32946 => Compression::Deflate,
            32773 => Compression::PackBits,
            other => Compression::Other(other.try_into().unwrap_or(u16::MAX)),
        })
    }

    fn sample_type(&self) -> Result<SampleType, String> {
        let bits = self.one(tags::BITS_PER_SAMPLE)?.unwrap_or(1);
        let format = self.one(tags::SAMPLE_FORMAT)?.unwrap_or(1);
        match (format, bits) {
            (1 | 4, 8 | 16 | 32 | 64) => Ok(SampleType::Unsigned(bits as u16)),
            (2, 8 | 16 | 32 | 64) => Ok(SampleType::Signed(bits as u16)),
            (3, 32 | 64) => Ok(SampleType::Float(bits as u16)),
            _ => Err(format!(
                "holds samples of {bits} bits in TIFF sample format {format}; meltcore reads integers of 8 to 64 bits, float32 and \
                 float64: convert it with {BY_PACK}`gdal_translate -ot Float32 IN OUT`"
            )),
        }
    }

    /// Rows and columns of a block.
    fn block_size(&self, layout: &Layout) -> Result<(usize, usize), String> {
        let (rows, cols) = (layout.rows as u64, layout.cols as u64);
        let (block_rows, block_cols) = if layout.tiled {
            (self.required(tags::TILE_LENGTH)?, self.required(tags::TILE_WIDTH)?)
        } else {
            (self.one(tags::ROWS_PER_STRIP)?.unwrap_or(u64::MAX).min(rows), cols)
        };
        // A tile may pad the scene, but one of far more pixels than the scene is a lie that would cost memory.
        let largest = (rows * cols).max(1 << 20) * 4;
        if block_rows == 0 || block_cols == 0 || block_rows.checked_mul(block_cols).is_none_or(|pixels| pixels > largest) {
            return Err(format!("declares blocks of {block_rows} rows × {block_cols} columns; the file is damaged"));
        }
        Ok((block_rows as usize, block_cols as usize))
    }

    /// Where the blocks of the band at this place lie.
    fn blocks(&self, layout: &Layout, place: usize) -> Result<Vec<Block>, String> {
        let expected = layout.rows.div_ceil(layout.block_rows) * layout.blocks_across();
        let (offsets, mut lens, lens_tag) = if layout.tiled {
            (self.all(tags::TILE_OFFSETS)?, self.all(tags::TILE_BYTE_COUNTS)?, tags::TILE_BYTE_COUNTS)
        } else {
            (self.all(tags::STRIP_OFFSETS)?, self.all(tags::STRIP_BYTE_COUNTS)?, tags::STRIP_BYTE_COUNTS)
        };
        let file_len = self.file_len();
        // As in libtiff a single block of unknown size reaches to the end of the file, or as far as its pixels need it. A strip of 0 bytes
        // has no known size; several of them, and tiles of 0 bytes, were never written.
        let unknown = match lens[..] {
            [] => self.entry(lens_tag).is_none(),
            [0] => !layout.tiled,
            _ => false,
        };
        if let (true, 1, &[offset]) = (unknown, expected, &offsets[..])
            && offset > 0
        {
            lens = vec![file_len.saturating_sub(offset)];
        }
        let before = place.saturating_mul(expected);
        if offsets.len() < expected.saturating_add(before) || lens.len() < expected.saturating_add(before) {
            return Err(format!(
                "declares {} block offsets and {} block sizes where {} × {} pixels need {}; the file is damaged",
                offsets.len(),
                lens.len(),
                layout.rows,
                layout.cols,
                expected.saturating_add(before)
            ));
        }
        // Entries beyond the last block mean nothing.
        let mut blocks: Vec<Block> =
            offsets.iter().zip(&lens).skip(before).take(expected).map(|(&offset, &len)| Block { offset, len }).collect();
        for (index, block) in blocks.iter_mut().enumerate() {
            let needed = layout.block_bytes(index);
            if layout.compression == Compression::None && block.len > 0 {
                if block.len < needed {
                    return Err(format!("block {index} has {} bytes where {needed} are needed; the file is damaged", block.len));
                }
                // More than its pixels take are of no account, wherever they end.
                block.len = needed;
            }
            if block.len > 0 && block.offset.checked_add(block.len).is_none_or(|end| end > file_len) {
                return Err(format!(
                    "block {index} of {expected} ends after the end of the file ({file_len} bytes); it is truncated: copy or download it again"
                ));
            }
        }
        Ok(blocks)
    }

    /// The bytes of a text, whatever the field type it was given.
    pub(super) fn text(&self, tag: u16) -> Option<&[u8]> {
        self.entry(tag).filter(|entry| matches!(entry.kind, 1 | 2 | 6 | 7)).map(|entry| entry.value)
    }

    fn geo_tags(&self) -> GeoTags {
        // A repeated tag would make the outputs unreadable; the first one counts, as in other readers.
        let mut tags: Vec<GeoTag> = CARRIED_TAGS
            .iter()
            .filter_map(|tag| self.entry(*tag))
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
        GeoTags { tags }
    }
}

/// Refuses a scene of more pixels than its stored bytes can hold, each byte counted once however many blocks name it.
fn check_stored(layout: &Layout) -> Result<(), String> {
    let pixels = layout.rows as u64 * layout.cols as u64;
    if pixels <= MAX_UNSTORED {
        return Ok(());
    }
    let mut ranges: Vec<(u64, u64)> = layout.blocks.iter().map(|block| (block.offset, block.offset.saturating_add(block.len))).collect();
    ranges.sort_unstable();
    let (mut stored, mut reached) = (0u64, 0);
    for (start, end) in ranges {
        stored += end.saturating_sub(start.max(reached));
        reached = reached.max(end);
    }
    let held = stored.saturating_mul(largest_ratio(layout.compression)) / layout.pixel_bytes() as u64;
    if pixels > held {
        let (rows, cols) = (layout.rows, layout.cols);
        return Err(format!("declares {rows} × {cols} pixels but stores only {stored} bytes of them; the file is damaged"));
    }
    Ok(())
}
