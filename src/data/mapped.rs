//! The content of raster files: memory-mapped, or read where mapping is switched off, and bands of uncompressed float32 in either.
//!
//! Nobody must shorten or rewrite a file in place while it is mapped; meltcore itself replaces files only by renaming. Whether another
//! program did is looked up before and after each read (`file_stamp.rs`), and the last resort is `sigbus.rs`. Without maps
//! ([`set_mapping`]) a band is read from its file at every request, and a file that shrinks is an ordinary error: for file systems
//! where others write, or that have no coherent maps.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use memmap2::Mmap;

use super::file_stamp::FileStamp;
use super::geotiff::{Compression, Layout, SampleType};
use super::sigbus::Watched;
use crate::error::{Error, Result};

/// What is read of a file at first, where it is not mapped: enough for the header of most.
const HEAD_BYTES: u64 = 1 << 16;

static MAPPING: AtomicBool = AtomicBool::new(true);

/// Whether files are mapped from now on, in the whole process.
pub fn set_mapping(on: bool) {
    MAPPING.store(on, Ordering::Relaxed);
}

#[derive(Debug)]
enum Bytes {
    /// In this order: the range is no longer watched when it is unmapped.
    Mapped {
        _watched: Watched,
        map: Mmap,
    },
    Read(Vec<u8>),
}

/// The content of a file, or its beginning.
#[derive(Debug)]
pub struct FileBytes {
    bytes: Bytes,
    stamp: FileStamp,
}

impl Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Mapped { map, .. } => map,
            Bytes::Read(bytes) => bytes,
        }
    }
}

impl FileBytes {
    /// The file as it was opened.
    pub(super) fn stamp(&self) -> &FileStamp {
        &self.stamp
    }

    /// Whether all of the file is here.
    pub(super) fn is_whole(&self) -> bool {
        self.len() as u64 == self.stamp.len()
    }

    fn is_mapped(&self) -> bool {
        matches!(self.bytes, Bytes::Mapped { .. })
    }
}

/// The content of a whole file: mapped, or read where mapping is switched off.
///
/// # Errors
/// [`Error::Input`] where the file is missing, unreadable, empty or not a file.
pub fn map_file(path: &Path) -> Result<FileBytes> {
    content(path, u64::MAX)
}

/// [`map_file`], but only the beginning of a file that is not mapped.
///
/// # Errors
/// Those of [`map_file`].
pub(super) fn map_or_read_head(path: &Path) -> Result<FileBytes> {
    content(path, HEAD_BYTES)
}

fn content(path: &Path, most: u64) -> Result<FileBytes> {
    let unopened = |e| Error::input(path, format!("cannot be opened ({e}); check the path and its permissions")).because(e);
    // Asked before it is opened, since Windows opens no folder.
    let meta = std::fs::metadata(path).map_err(unopened)?;
    if !meta.is_file() {
        return Err(Error::input(path, "is a folder or a device where a GeoTIFF file is expected; name the file itself"));
    }
    let file = File::open(path).map_err(unopened)?;
    let stamp = FileStamp::of(&file.metadata().map_err(unopened)?);
    if stamp.len() == 0 {
        return Err(Error::input(path, "is empty (0 bytes); copy or download it again"));
    }
    if !MAPPING.load(Ordering::Relaxed) {
        let mut bytes = Vec::new();
        file.take(most.min(stamp.len())).read_to_end(&mut bytes).map_err(|e| unreadable(path, e))?;
        return Ok(FileBytes { bytes: Bytes::Read(bytes), stamp });
    }
    // SAFETY: the mapping is read-only and private to this value. Rust cannot rule out that another process shortens the file
    // meanwhile, which would end this process with a signal; the module's documentation says what is done about that.
    let map = unsafe { Mmap::map(&file) }.map_err(|e| {
        Error::input(path, format!("cannot be mapped into memory ({e}); --no-mmap (or MELTCORE_MMAP=off) reads it without a map"))
            .because(e)
    })?;
    Ok(FileBytes { bytes: Bytes::Mapped { _watched: Watched::new(&map, path), map }, stamp })
}

fn unreadable(path: &Path, e: std::io::Error) -> Error {
    match e.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::input(path, "became shorter while it was read; start again when nothing writes to it"),
        _ => Error::input(path, format!("cannot be read ({e}); check its disk or network, and start again")),
    }
}

/// Where pixels lie in a file.
#[derive(Debug)]
struct Places {
    /// First byte of each block.
    offsets: Vec<usize>,
    cols: usize,
    block_rows: usize,
    block_cols: usize,
}

impl Places {
    /// First byte and number of up to `len` pixels of a row from column `col` on, ending early at the edge of a tile.
    fn of_row(&self, row: usize, col: usize, len: usize) -> (usize, usize) {
        let (block_row, block_col) = (row / self.block_rows, col / self.block_cols);
        let offset = self.offsets[block_row * self.cols.div_ceil(self.block_cols) + block_col];
        let (inner_row, inner_col) = (row % self.block_rows, col % self.block_cols);
        let len = len.min(self.block_cols - inner_col).min(self.cols - col);
        (offset + (inner_row * self.block_cols + inner_col) * size_of::<f32>(), len)
    }
}

/// One band of native-endian float32 pixels in a file.
#[derive(Debug)]
pub struct MappedBand {
    path: PathBuf,
    file: FileBytes,
    places: Places,
    /// Byte range of all pixels, where strips follow each other without a gap.
    contiguous: Option<std::ops::Range<usize>>,
}

impl MappedBand {
    /// Whether the pixels can be read in place: uncompressed float32 in this machine's byte order, every block present.
    pub fn suits(layout: &Layout) -> bool {
        layout.sample == SampleType::Float(32)
            && layout.compression == Compression::None
            && layout.interleaved == 1
            && !layout.bits_reversed
            && layout.little_endian == cfg!(target_endian = "little")
            && layout.blocks.iter().all(|block| block.len > 0)
    }

    /// Wraps a file; `layout` must come from its bytes and [`suit`](Self::suits).
    pub fn new(path: &Path, file: FileBytes, layout: &Layout) -> Self {
        let offsets: Vec<usize> = layout.blocks.iter().map(|block| block.offset as usize).collect();
        let follows = |index: usize| offsets[index] as u64 + layout.block_bytes(index) == offsets[index + 1] as u64;
        let contiguous = (!layout.tiled && file.is_mapped() && (0..offsets.len() - 1).all(follows))
            .then(|| offsets[0]..offsets[0] + layout.rows * layout.cols * size_of::<f32>());
        let places = Places { offsets, cols: layout.cols, block_rows: layout.block_rows, block_cols: layout.block_cols };
        // Of a file that is not mapped nothing but its stamp is needed.
        let file = if file.is_mapped() { file } else { FileBytes { bytes: Bytes::Read(Vec::new()), stamp: file.stamp } };
        MappedBand { path: path.to_owned(), file, places, contiguous }
    }

    /// Whether pixels are mapped rather than read at each request.
    pub fn is_mapped(&self) -> bool {
        self.file.is_mapped()
    }

    /// Copies a window row after row, with no-data values as they are stored.
    ///
    /// # Shapes
    /// `out`: rows of `width` pixels; the caller has checked that they lie inside the scene.
    ///
    /// # Errors
    /// [`Error::Input`] where the file changed since it was opened, or cannot be read any more.
    pub fn read(&self, row: usize, col: usize, width: usize, out: &mut [f32]) -> Result<()> {
        self.file.stamp.refuse_changed(&self.path)?;
        let mut opened = match &self.file.bytes {
            Bytes::Mapped { .. } => None,
            Bytes::Read(_) => {
                let unopened =
                    |e| Error::input(&self.path, format!("cannot be opened again ({e}); start again when nothing writes to it")).because(e);
                let file = File::open(&self.path).map_err(unopened)?;
                let now = FileStamp::of(&file.metadata().map_err(unopened)?);
                self.file.stamp.refuse_other(&now, &self.path)?;
                Some(file)
            }
        };
        for (inner, target) in out.chunks_exact_mut(width).enumerate() {
            let mut done = 0;
            while done < width {
                let (start, pixels) = self.places.of_row(row + inner, col + done, width - done);
                // As bytes, because the file need not align its pixels.
                let part: &mut [u8] = bytemuck::cast_slice_mut(&mut target[done..done + pixels]);
                match &mut opened {
                    None => part.copy_from_slice(&self.file[start..start + part.len()]),
                    Some(file) => {
                        file.seek(SeekFrom::Start(start as u64))
                            .and_then(|_| file.read_exact(part))
                            .map_err(|e| unreadable(&self.path, e))?;
                    }
                }
                done += pixels;
            }
        }
        self.file.stamp.refuse_changed(&self.path)
    }

    /// All pixels, row after row, where the file stores them in one aligned piece and is mapped.
    pub fn as_slice(&self) -> Option<&[f32]> {
        bytemuck::try_cast_slice(&self.file[self.contiguous.clone()?]).ok()
    }
}
