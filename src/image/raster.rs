//! A raster with what is needed to show it, resampled to a picture: whole-number enlargement or box averages over valid pixels.

use super::canvas::{Canvas, NO_DATA};
use super::colormap::Colormap;
use crate::error::{Error, Result};

/// One map as it is to be shown.
#[derive(Debug, Clone)]
pub struct Field<'a> {
    /// What it shows, for example `Target`.
    pub title: String,
    /// Values, row-major, `rows * cols` of them; NaN is drawn as no data.
    pub values: &'a [f32],
    /// Rows of the raster.
    pub rows: usize,
    /// Columns of the raster.
    pub cols: usize,
    /// Pixels to draw as no data whatever their value.
    pub masked: Option<&'a [bool]>,
    /// Values at the two ends of the colour bar.
    pub range: (f32, f32),
    /// Colours.
    pub colormap: Colormap,
    /// Unit beside the title, empty if none.
    pub unit: String,
}

/// A resampling by a whole number, the only kind that keeps pixels crisp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zoom {
    /// Picture pixels a raster pixel.
    pub enlarge: usize,
    /// Raster pixels averaged into one on each side.
    pub reduce: usize,
}

impl Zoom {
    /// The zoom that brings the longer side to at most `most` pixels, and to about `least` where it is smaller.
    pub fn for_sides(rows: usize, cols: usize, least: usize, most: usize) -> Self {
        let long = rows.max(cols).max(1);
        if long > most {
            Zoom { enlarge: 1, reduce: long.div_ceil(most.max(1)) }
        } else {
            Zoom { enlarge: least.div_ceil(long).min(most / long).max(1), reduce: 1 }
        }
    }

    /// Picture size of a raster side.
    pub fn apply(self, side: usize) -> usize {
        side.div_ceil(self.reduce.max(1)) * self.enlarge
    }
}

impl Field<'_> {
    /// Checks that values, mask and size belong together.
    ///
    /// # Errors
    /// [`Error::Shape`] where they do not.
    pub fn check(&self) -> Result<()> {
        let pixels = self.rows.checked_mul(self.cols).unwrap_or(0);
        if pixels == 0 || pixels != self.values.len() || self.masked.is_some_and(|m| m.len() != pixels) {
            let masked = self.masked.map_or("no mask".to_owned(), |m| format!("{} mask entries", m.len()));
            let message =
                format!("`{}`: {} values and {masked} do not fill {} × {} pixels", self.title, self.values.len(), self.rows, self.cols);
            return Err(Error::shape("image", message));
        }
        Ok(())
    }

    /// The map alone in its colours; a reduced pixel is the mean of its valid pixels, and no data where fewer than half are valid.
    ///
    /// # Errors
    /// [`Error::Shape`] as [`Field::check`].
    pub fn draw(&self, zoom: Zoom) -> Result<Canvas> {
        self.check()?;
        let (reduce, enlarge) = (zoom.reduce.max(1), zoom.enlarge.max(1));
        let (rows, cols) = (self.rows.div_ceil(reduce), self.cols.div_ceil(reduce));
        let mut canvas = Canvas::new(rows * enlarge, cols * enlarge, NO_DATA);
        for row in 0..rows {
            for col in 0..cols {
                let (mut sum, mut valid, mut seen) = (0.0f64, 0usize, 0usize);
                for r in row * reduce..((row + 1) * reduce).min(self.rows) {
                    for c in col * reduce..((col + 1) * reduce).min(self.cols) {
                        let i = r * self.cols + c;
                        seen += 1;
                        if !self.values[i].is_nan() && !self.masked.is_some_and(|m| m[i]) {
                            sum += f64::from(self.values[i]);
                            valid += 1;
                        }
                    }
                }
                if valid > 0 && 2 * valid >= seen {
                    let colour = self.colormap.colour_in((sum / valid as f64) as f32, self.range);
                    canvas.fill(row * enlarge, col * enlarge, enlarge, enlarge, colour);
                }
            }
        }
        Ok(canvas)
    }
}
