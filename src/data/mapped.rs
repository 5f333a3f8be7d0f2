//! A memory-mapped band: uncompressed float32 pixels read in place, as slices of the file where it aligns them.
//!
//! The file must not be shortened by another process while it is mapped; meltcore itself replaces files only by renaming.

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;

use super::geotiff::{Compression, Layout, SampleType};
use crate::error::{Error, Result};

/// Maps a whole file for reading.
///
/// # Errors
/// [`Error::Input`] where the file is missing, unreadable, empty or not a file.
pub fn map_file(path: &Path) -> Result<Mmap> {
    let unopened = |e| Error::input(path, format!("cannot be opened ({e}); check the path and its permissions"));
    // Asked before it is opened, since Windows opens no folder.
    let meta = std::fs::metadata(path).map_err(unopened)?;
    if !meta.is_file() {
        return Err(Error::input(path, "is a folder or a device where a GeoTIFF file is expected; name the file itself"));
    }
    let file = File::open(path).map_err(unopened)?;
    if meta.len() == 0 {
        return Err(Error::input(path, "is empty (0 bytes); copy or download it again"));
    }
    // SAFETY: the mapping is read-only and private to this value. Rust cannot rule out that another process shortens the file
    // meanwhile, which would end this process with a signal; the module's documentation states that condition.
    unsafe { Mmap::map(&file) }.map_err(|e| Error::input(path, format!("cannot be mapped into memory ({e})")))
}

/// One band of native-endian float32 pixels in a mapped file.
#[derive(Debug)]
pub struct MappedBand {
    map: Mmap,
    /// First byte of each block.
    offsets: Vec<usize>,
    cols: usize,
    block_rows: usize,
    block_cols: usize,
    /// Byte range of all pixels, where strips follow each other without a gap.
    contiguous: Option<std::ops::Range<usize>>,
}

impl MappedBand {
    /// Whether the pixels can be read in place: uncompressed float32 in this machine's byte order, every block present.
    pub fn suits(layout: &Layout) -> bool {
        layout.sample == SampleType::Float(32)
            && layout.compression == Compression::None
            && layout.little_endian == cfg!(target_endian = "little")
            && layout.blocks.iter().all(|block| block.len > 0)
    }

    /// Wraps a mapped file; `layout` must come from its bytes and [`suit`](Self::suits).
    pub fn new(map: Mmap, layout: &Layout) -> Self {
        let offsets: Vec<usize> = layout.blocks.iter().map(|block| block.offset as usize).collect();
        let follows = |index: usize| offsets[index] as u64 + layout.block_bytes(index) == offsets[index + 1] as u64;
        let contiguous = (!layout.tiled && (0..offsets.len() - 1).all(follows))
            .then(|| offsets[0]..offsets[0] + layout.rows * layout.cols * size_of::<f32>());
        MappedBand { map, offsets, cols: layout.cols, block_rows: layout.block_rows, block_cols: layout.block_cols, contiguous }
    }

    /// The bytes of up to `len` pixels of a row from column `col` on, ending early at the edge of a tile.
    ///
    /// # Panics
    /// Where `row` or `col` lies outside the scene; [`Raster`](super::raster::Raster) checks windows first.
    pub fn row_bytes(&self, row: usize, col: usize, len: usize) -> &[u8] {
        let (block_row, block_col) = (row / self.block_rows, col / self.block_cols);
        let offset = self.offsets[block_row * self.cols.div_ceil(self.block_cols) + block_col];
        let (inner_row, inner_col) = (row % self.block_rows, col % self.block_cols);
        let len = len.min(self.block_cols - inner_col).min(self.cols - col);
        let start = offset + (inner_row * self.block_cols + inner_col) * size_of::<f32>();
        &self.map[start..start + len * size_of::<f32>()]
    }

    /// [`row_bytes`](Self::row_bytes) as pixels, with no-data values as they are stored; `None` where the file does not align them
    /// to 4 bytes, as happens with GDAL's (`meltcore pack` and [`writer`](super::writer) align them).
    ///
    /// # Panics
    /// As [`row_bytes`](Self::row_bytes).
    pub fn row_slice(&self, row: usize, col: usize, len: usize) -> Option<&[f32]> {
        bytemuck::try_cast_slice(self.row_bytes(row, col, len)).ok()
    }

    /// All pixels, row after row, where the file stores them in one aligned piece.
    pub fn as_slice(&self) -> Option<&[f32]> {
        bytemuck::try_cast_slice(&self.map[self.contiguous.clone()?]).ok()
    }
}
