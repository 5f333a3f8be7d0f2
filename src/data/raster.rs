//! A band of a raster that reads like a matrix, whether it is mapped in place or was decoded into memory.

use std::path::{Path, PathBuf};

use super::Window;
use super::declared::declared_by;
use super::geotags::GeoTags;
use super::grey_png::{GreyImage, is_called_png, read_grey_png};
use super::ifd::Directory;
use super::linear::Linear;
use super::mapped::{FileBytes, MappedBand, map_file, map_or_read_head};
use super::mask::{decode_masked, is_masked};
use super::nearest::fill_from_nearest;
use super::no_data::NoData;
use super::notices::tell_once_a_folder;
use crate::error::{Error, Result};

/// Rows to read at once where a scene is gone through: few calls where each opens the file, and little memory.
pub(crate) fn rows_at_once(cols: usize) -> usize {
    ((1 << 16) / cols.max(1)).max(1)
}

/// Where the pixels are.
#[derive(Debug)]
enum Pixels {
    Mapped(MappedBand),
    Decoded(Vec<f32>),
    /// None has a value.
    Absent,
}

/// One band of float32 pixels with its georeference; what has no value reads as NaN, the others after the file's scale and offset.
#[derive(Debug)]
pub struct Raster {
    path: PathBuf,
    rows: usize,
    cols: usize,
    geo: GeoTags,
    /// A no-data value that mapped pixels still contain; decoded ones are NaN already.
    no_data: Option<NoData>,
    /// What makes values of mapped samples; decoded ones are values already.
    unscale: Linear,
    pixels: Pixels,
}

impl Raster {
    /// Opens a grey PNG, or a GeoTIFF with what stands beside it: uncompressed native float32 is mapped, everything else is decoded at
    /// once.
    ///
    /// # Errors
    /// [`Error::Input`] where the file is missing, damaged, no TIFF or of a kind that meltcore does not read, where what masks or places
    /// it cannot be understood, and where it changes while it is read.
    pub fn open(path: impl AsRef<Path>) -> Result<Raster> {
        Raster::of_band(path.as_ref(), None)
    }

    /// As [`Raster::open`], of one band of a file that may have several, counted from 0.
    ///
    /// # Errors
    /// Those of [`Raster::open`]; a file without that band.
    pub fn open_band(path: impl AsRef<Path>, band: usize) -> Result<Raster> {
        Raster::of_band(path.as_ref(), Some(band))
    }

    /// Its size and place, without a pixel.
    pub(super) fn outline(&self) -> Raster {
        let (path, geo, pixels) = (self.path.clone(), self.geo.clone(), Pixels::Decoded(Vec::new()));
        Raster { path, rows: self.rows, cols: self.cols, geo, no_data: None, unscale: Linear::default(), pixels }
    }

    /// A raster of this size and place under the name of a file that is not there: no pixel has a value.
    pub(super) fn absent(&self, path: &Path) -> Raster {
        Raster { path: path.to_owned(), pixels: Pixels::Absent, ..self.outline() }
    }

    /// The same raster with its values divided by `divisor`.
    pub fn divided_by(mut self, divisor: f64) -> Raster {
        let factor = Linear { scale: 1.0 / divisor, offset: 0.0 };
        match &mut self.pixels {
            Pixels::Mapped(_) => self.unscale = self.unscale.then(factor),
            Pixels::Absent => {}
            Pixels::Decoded(pixels) => pixels.iter_mut().for_each(|value| *value = factor.apply(f64::from(*value)) as f32),
        }
        self
    }

    /// [`Raster::open_band`] of a band, and [`Raster::open`] without one.
    pub(super) fn of_band(path: &Path, band: Option<usize>) -> Result<Raster> {
        if is_called_png(path) {
            return Raster::of_png(path, band);
        }
        let head = map_or_read_head(path)?;
        if !head.is_whole()
            && let Ok(raster) = Raster::of(path, head, band)
        {
            return Ok(raster);
        }
        // The beginning was not enough, or is damaged; the whole tells.
        Raster::of(path, map_file(path)?, band)
    }

    /// A grey picture, which has one band and no place.
    fn of_png(path: &Path, band: Option<usize>) -> Result<Raster> {
        if band.is_some_and(|band| band > 0) {
            return Err(Error::input(path, "is a grey picture of one band, and another one is asked for; name band 1, or none"));
        }
        let GreyImage { rows, cols, values } = read_grey_png(path)?;
        let pixels = Pixels::Decoded(values.into_iter().map(f32::from).collect());
        let (path, geo) = (path.to_owned(), GeoTags::default());
        Ok(Raster { path, rows, cols, geo, no_data: None, unscale: Linear::default(), pixels })
    }

    /// A raster of its file's content, or of the beginning where that is enough.
    fn of(path: &Path, file: FileBytes, band: Option<usize>) -> Result<Raster> {
        let directory = Directory::read_part(&file, file.stamp().len()).map_err(|message| Error::input(path, message))?;
        let layout = declared_by(&directory, path, band)?;
        let (rows, cols, unscale) = (layout.rows, layout.cols, layout.unscale);
        let no_data = layout.no_data.filter(|no_data| !no_data.is_f32(f32::NAN));
        if !unscale.is_identity() {
            tell_once_a_folder(path, "unscale", || {
                let Linear { scale, offset } = unscale;
                format!("declares a scale of {scale} and an offset of {offset}, which are applied: value = sample · scale + offset")
            });
        }
        if MappedBand::suits(&layout) && !is_masked(&directory, path)? {
            let pixels = Pixels::Mapped(MappedBand::new(path, file, &layout));
            return Ok(Raster { path: path.to_owned(), rows, cols, geo: layout.geo, no_data, unscale, pixels });
        }
        if !file.is_whole() {
            return Err(Error::input(path, "is to be read as a whole"));
        }
        let pixels = decode_masked(&file, &layout, path, |sample| unscale.apply(sample) as f32)?;
        file.stamp().refuse_changed(path)?;
        let (no_data, unscale, pixels) = (None, Linear::default(), Pixels::Decoded(pixels));
        Ok(Raster { path: path.to_owned(), rows, cols, geo: layout.geo, no_data, unscale, pixels })
    }

    /// The same raster with other values, row after row.
    pub(super) fn of_values(&self, values: Vec<f32>) -> Raster {
        Raster { pixels: Pixels::Decoded(values), ..self.outline() }
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

    /// Whether pixels are read from the file without a copy of all in memory.
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

    /// All pixels in place, row after row, where they lie aligned in one piece and are values as they are stored.
    pub fn as_slice(&self) -> Option<&[f32]> {
        match &self.pixels {
            Pixels::Mapped(band) => band.as_slice().filter(|_| self.no_data.is_none() && self.unscale.is_identity()),
            Pixels::Decoded(pixels) => Some(pixels),
            Pixels::Absent => None,
        }
    }

    /// Copies a window into `out`, row after row, with NaN for no-data.
    ///
    /// # Shapes
    /// `out`: height × width.
    ///
    /// # Errors
    /// [`Error::Shape`] where the window leaves the scene or `out` has another length; [`Error::Input`] where the file changed since it
    /// was opened, or cannot be read any more.
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
        self.copy(row, col, width, out)
    }

    /// All pixels, row after row, with NaN for no-data.
    ///
    /// # Errors
    /// [`Error::Input`] where the file changed since it was opened, or cannot be read any more.
    pub fn read_all(&self) -> Result<Vec<f32>> {
        let mut out = vec![0.0; self.rows * self.cols];
        self.copy(0, 0, self.cols, &mut out)?;
        Ok(out)
    }

    /// Whether any pixel is NaN or no-data.
    ///
    /// # Errors
    /// As [`Raster::read_all`].
    pub fn has_nan(&self) -> Result<bool> {
        self.any(|_, values| values.iter().any(|value| value.is_nan()))
    }

    /// Whether `found` says yes of some rows, which it is given with the place of their first pixel among all; no more is read then.
    pub(super) fn any(&self, found: impl Fn(usize, &[f32]) -> bool) -> Result<bool> {
        let rows = rows_at_once(self.cols);
        let mut buffer = Vec::new();
        for row in (0..self.rows).step_by(rows) {
            buffer.resize(rows.min(self.rows - row) * self.cols, 0.0);
            self.copy(row, 0, self.cols, &mut buffer)?;
            if found(row * self.cols, &buffer) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// This raster with every pixel without a value filled from the nearest one, in memory; `None` where no pixel has a value.
    ///
    /// # Errors
    /// As [`Raster::read_all`].
    pub fn filled_from_nearest(&self) -> Result<Option<Raster>> {
        let mut pixels = self.read_all()?;
        Ok(fill_from_nearest(&mut pixels, self.cols).map(|_| Raster {
            path: self.path.clone(),
            rows: self.rows,
            cols: self.cols,
            geo: self.geo.clone(),
            no_data: None,
            unscale: Linear::default(),
            pixels: Pixels::Decoded(pixels),
        }))
    }

    /// Refuses infinite values, in what was read of this raster.
    ///
    /// # Errors
    /// [`Error::Input`] where there are any.
    pub fn refuse_infinite(&self, values: &[f32]) -> Result<()> {
        if !values.iter().any(|value| value.is_infinite()) {
            return Ok(());
        }
        let message = "holds infinite values, or such that float32 cannot hold; declare them as no-data (gdal_edit.py -a_nodata inf), \
            replace them, or take its day (where it has one) out of the split file";
        Err(Error::input(&self.path, message))
    }

    /// Fills `out` with rows of `width` pixels; the range was checked by the caller.
    fn copy(&self, row: usize, col: usize, width: usize, out: &mut [f32]) -> Result<()> {
        match &self.pixels {
            Pixels::Absent => out.fill(f32::NAN),
            Pixels::Decoded(pixels) => {
                for (inner, target) in out.chunks_exact_mut(width).enumerate() {
                    target.copy_from_slice(&pixels[(row + inner) * self.cols + col..][..width]);
                }
            }
            Pixels::Mapped(band) => {
                band.read(row, col, width, out)?;
                if let Some(no_data) = self.no_data {
                    out.iter_mut().filter(|value| no_data.is_f32(**value)).for_each(|value| *value = f32::NAN);
                }
                if !self.unscale.is_identity() {
                    out.iter_mut().for_each(|value| *value = self.unscale.apply(f64::from(*value)) as f32);
                }
            }
        }
        Ok(())
    }
}
