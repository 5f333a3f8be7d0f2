//! A single-band raster that reads like a matrix, whether it is mapped in place or was decoded into memory.

use std::path::{Path, PathBuf};

use super::Window;
use super::decode::decode;
use super::geotags::GeoTags;
use super::geotiff::Layout;
use super::mapped::{MappedBand, map_file};
use crate::error::{Error, Result};

/// Where the pixels are.
#[derive(Debug)]
enum Pixels {
    Mapped(MappedBand),
    Decoded(Vec<f32>),
}

/// One band of float32 pixels with its georeference; no-data reads as NaN.
#[derive(Debug)]
pub struct Raster {
    path: PathBuf,
    rows: usize,
    cols: usize,
    geo: GeoTags,
    /// A no-data value that mapped pixels still contain; decoded ones are NaN already.
    no_data: Option<f32>,
    pixels: Pixels,
}

impl Raster {
    /// Opens a GeoTIFF: uncompressed native float32 is mapped, everything else is decoded at once.
    ///
    /// # Errors
    /// [`Error::Input`] where the file is missing, damaged, no TIFF or of a kind that meltcore does not read.
    pub fn open(path: impl AsRef<Path>) -> Result<Raster> {
        let path = path.as_ref();
        let map = map_file(path)?;
        let layout = Layout::parse(&map, path)?;
        let (rows, cols) = (layout.rows, layout.cols);
        let (pixels, no_data) = if MappedBand::suits(&layout) {
            let no_data = layout.no_data.map(|value| value as f32).filter(|value| !value.is_nan());
            (Pixels::Mapped(MappedBand::new(map, &layout)), no_data)
        } else {
            (Pixels::Decoded(decode(&map, &layout, path, |value| value as f32)?), None)
        };
        Ok(Raster { path: path.to_owned(), rows, cols, geo: layout.geo, no_data, pixels })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Rows of the scene.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of the scene.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The georeference tags.
    pub fn geo(&self) -> &GeoTags {
        &self.geo
    }

    /// Whether pixels are read from the mapped file without a copy in memory.
    pub fn is_mapped(&self) -> bool {
        matches!(self.pixels, Pixels::Mapped(_))
    }

    /// Bytes that the pixels take, in memory or mapped.
    pub fn bytes(&self) -> usize {
        self.rows * self.cols * size_of::<f32>()
    }

    /// Whether the other raster has the same size and, where both are georeferenced, the same grid to a hundredth of a pixel.
    pub fn same_grid(&self, other: &Raster) -> bool {
        let apart = self.geo.misalignment(&other.geo, self.rows, self.cols).unwrap_or(0.0);
        (self.rows, self.cols) == (other.rows, other.cols) && apart <= 0.01
    }

    /// All pixels in place, row after row, where they lie aligned in one piece and need no replacement of no-data values.
    pub fn as_slice(&self) -> Option<&[f32]> {
        match &self.pixels {
            Pixels::Mapped(band) => band.as_slice().filter(|_| self.no_data.is_none()),
            Pixels::Decoded(pixels) => Some(pixels),
        }
    }

    /// Copies a window into `out`, row after row, with NaN for no-data.
    ///
    /// # Shapes
    /// `out`: height × width.
    ///
    /// # Errors
    /// [`Error::Shape`] where the window leaves the scene or `out` has another length.
    pub fn read_window(&self, window: Window, out: &mut [f32]) -> Result<()> {
        let Window { row, col, height, width } = window;
        let fits = |start: usize, len: usize, size: usize| start.checked_add(len).is_some_and(|end| end <= size);
        if !fits(row, height, self.rows) || !fits(col, width, self.cols) {
            let (rows, cols) = (self.rows, self.cols);
            return Err(Error::shape(
                "read_window",
                format!(
                    "{height} × {width} pixels from row {row}, column {col} leave the {rows} × {cols} scene {}; choose a smaller `img_size`",
                    self.path.display()
                ),
            ));
        }
        if out.len() != window.pixels() {
            let (expected, got) = (window.pixels(), out.len());
            return Err(Error::shape("read_window", format!("the destination holds {got} pixels, the window {expected}")));
        }
        if width == 0 {
            return Ok(());
        }
        for (inner, target) in out.chunks_exact_mut(width).enumerate() {
            self.copy_row(row + inner, col, target);
        }
        Ok(())
    }

    /// All pixels, row after row, with NaN for no-data.
    pub fn read_all(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.rows * self.cols];
        for (row, target) in out.chunks_exact_mut(self.cols).enumerate() {
            self.copy_row(row, 0, target);
        }
        out
    }

    /// Whether any pixel is NaN or no-data.
    pub fn has_nan(&self) -> bool {
        let mut buffer = vec![0.0; self.cols];
        (0..self.rows).any(|row| {
            self.copy_row(row, 0, &mut buffer);
            buffer.iter().any(|value| value.is_nan())
        })
    }

    /// Fills `target` from a row; the range was checked by the caller.
    fn copy_row(&self, row: usize, col: usize, target: &mut [f32]) {
        match &self.pixels {
            Pixels::Decoded(pixels) => target.copy_from_slice(&pixels[row * self.cols + col..][..target.len()]),
            Pixels::Mapped(band) => {
                let mut done = 0;
                while done < target.len() {
                    let part = band.row_bytes(row, col + done, target.len() - done);
                    let pixels = part.len() / size_of::<f32>();
                    // As bytes, because the file need not align its pixels.
                    bytemuck::cast_slice_mut(&mut target[done..done + pixels]).copy_from_slice(part);
                    done += pixels;
                }
                if let Some(no_data) = self.no_data {
                    target.iter_mut().filter(|value| **value == no_data).for_each(|value| *value = f32::NAN);
                }
            }
        }
    }
}
