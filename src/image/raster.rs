//! A raster with what is needed to show it, resampled to a picture: whole-number enlargement or box averages over valid pixels.

use super::canvas::{Canvas, INK, NO_DATA, PAPER};
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
    /// Ocean pixels whose border with the land is drawn as a thin line.
    pub coast: Option<&'a [bool]>,
    /// Names of the classes that values are numbers of, for the key; none of other values.
    pub classes: &'static [&'static str],
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
        let misfit = |mask: Option<&[bool]>| mask.is_some_and(|m| m.len() != pixels);
        if pixels == 0 || pixels != self.values.len() || misfit(self.masked) || misfit(self.coast) {
            let masked = self.masked.or(self.coast).map_or("no mask".to_owned(), |m| format!("{} mask entries", m.len()));
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
        let (reduce, enlarge) = (zoom.reduce.max(1), zoom.enlarge.max(1));
        let (values, [rows, cols]) = self.reduced(reduce)?;
        let mut canvas = Canvas::new(rows * enlarge, cols * enlarge, NO_DATA);
        for (i, value) in values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
            let colour = self.colormap.colour_in(*value, self.range);
            canvas.fill(i / cols * enlarge, i % cols * enlarge, enlarge, enlarge, colour);
        }
        if let Some(ocean) = self.coast {
            self.draw_coast(&mut canvas, ocean, reduce, enlarge);
        }
        Ok(canvas)
    }

    /// Means over squares of `reduce` pixels, of classes the one that most of them have (of equally many the first); NaN where fewer than
    /// half of the pixels are valid. Rows and columns of them.
    ///
    /// # Errors
    /// [`Error::Shape`] as [`Field::check`].
    pub fn reduced(&self, reduce: usize) -> Result<(Vec<f32>, [usize; 2])> {
        self.check()?;
        let reduce = reduce.max(1);
        let (rows, cols) = (self.rows.div_ceil(reduce), self.cols.div_ceil(reduce));
        let (mut means, mut counts) = (Vec::with_capacity(rows * cols), vec![0usize; self.classes.len()]);
        for row in 0..rows {
            for col in 0..cols {
                let (mut sum, mut valid, mut seen) = (0.0f64, 0usize, 0usize);
                counts.fill(0);
                for r in row * reduce..((row + 1) * reduce).min(self.rows) {
                    for c in col * reduce..((col + 1) * reduce).min(self.cols) {
                        let i = r * self.cols + c;
                        seen += 1;
                        if !self.values[i].is_nan() && !self.masked.is_some_and(|m| m[i]) {
                            sum += f64::from(self.values[i]);
                            valid += 1;
                            counts.get_mut(self.values[i] as usize).into_iter().for_each(|count| *count += 1);
                        }
                    }
                }
                let most = counts.iter().copied().max().unwrap_or_default();
                let class = counts.iter().position(|count| *count == most && most > 0);
                let value = class.map_or((sum / valid.max(1) as f64) as f32, |class| class as f32);
                means.push(if valid > 0 && 2 * valid >= seen { value } else { f32::NAN });
            }
        }
        Ok((means, [rows, cols]))
    }

    /// Marks the edge of each ocean pixel of the picture that has land beside it.
    fn draw_coast(&self, canvas: &mut Canvas, ocean: &[bool], reduce: usize, enlarge: usize) {
        let (rows, cols) = (self.rows.div_ceil(reduce), self.cols.div_ceil(reduce));
        let mid = |i: usize, side: usize| (i * reduce + reduce / 2).min(side - 1);
        let wet = |row: usize, col: usize| ocean[mid(row, self.rows) * self.cols + mid(col, self.cols)];
        for row in 0..rows {
            for col in (0..cols).filter(|col| wet(row, *col)) {
                let (top, left) = (row * enlarge, col * enlarge);
                let beside = [
                    (row > 0 && !wet(row - 1, col), (top, left), (0, 1)),
                    (row + 1 < rows && !wet(row + 1, col), (top + enlarge - 1, left), (0, 1)),
                    (col > 0 && !wet(row, col - 1), (top, left), (1, 0)),
                    (col + 1 < cols && !wet(row, col + 1), (top, left + enlarge - 1), (1, 0)),
                ];
                for (_, from, step) in beside.into_iter().filter(|side| side.0) {
                    (0..enlarge).for_each(|i| mark_coast(canvas, from.0 + i * step.0, from.1 + i * step.1));
                }
            }
        }
    }
}

/// Draws a pixel of a coast, light on dark ground and dark on light; one that is drawn already stays as it is.
fn mark_coast(canvas: &mut Canvas, row: usize, col: usize) {
    let Some(ground) = canvas.get(row, col).filter(|colour| ![INK, PAPER].contains(colour)) else { return };
    let [r, g, b] = ground.map(u32::from);
    canvas.set(row, col, if 3 * r + 6 * g + b < 1000 { PAPER } else { INK });
}
