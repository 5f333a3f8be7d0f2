//! An RGB picture in memory: rectangles, frames, blending, and copies of other pictures.

/// A colour as red, green and blue.
pub type Rgb = [u8; 3];

/// Page background: paper white, a shade below pure white so that white map pixels keep an edge.
pub const PAPER: Rgb = [0xfc, 0xfc, 0xfb];
/// Text and headlines.
pub const INK: Rgb = [0x22, 0x26, 0x2b];
/// Tick labels and secondary text.
pub const INK_LIGHT: Rgb = [0x5d, 0x64, 0x6c];
/// Frames and ticks.
pub const LINE: Rgb = [0x9a, 0xa0, 0xa6];
/// Coastlines on maps that go on over the ocean.
pub const COAST: Rgb = [0x3a, 0x3f, 0x45];
/// Pixels without a value.
pub const NO_DATA: Rgb = [0xc4, 0xc6, 0xc8];

/// An RGB8 picture, row-major from the top left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canvas {
    rows: usize,
    cols: usize,
    pixels: Vec<Rgb>,
}

impl Canvas {
    /// A canvas of one colour, at least one pixel on each side.
    pub fn new(rows: usize, cols: usize, colour: Rgb) -> Self {
        let (rows, cols) = (rows.max(1), cols.max(1));
        Canvas { rows, cols, pixels: vec![colour; rows * cols] }
    }

    /// Height in pixels.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Width in pixels.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// All pixels, row-major from the top left.
    pub fn pixels(&self) -> &[Rgb] {
        &self.pixels
    }

    /// Colour at (`row`, `col`), `None` outside.
    pub fn get(&self, row: usize, col: usize) -> Option<Rgb> {
        (row < self.rows && col < self.cols).then(|| self.pixels[row * self.cols + col])
    }

    /// Sets one pixel; outside the canvas nothing happens.
    pub fn set(&mut self, row: usize, col: usize, colour: Rgb) {
        if row < self.rows && col < self.cols {
            self.pixels[row * self.cols + col] = colour;
        }
    }

    /// Mixes `colour` over one pixel with `alpha` in 0…1; outside the canvas nothing happens.
    pub fn blend(&mut self, row: isize, col: isize, colour: Rgb, alpha: f32) {
        if row < 0 || col < 0 || row as usize >= self.rows || col as usize >= self.cols {
            return;
        }
        let pixel = &mut self.pixels[row as usize * self.cols + col as usize];
        for (under, over) in pixel.iter_mut().zip(colour) {
            *under = (f32::from(*under) + (f32::from(over) - f32::from(*under)) * alpha.clamp(0.0, 1.0)).round() as u8;
        }
    }

    /// Fills a rectangle, cut at the canvas' edge.
    pub fn fill(&mut self, row: usize, col: usize, rows: usize, cols: usize, colour: Rgb) {
        let col_end = col.saturating_add(cols).min(self.cols);
        for r in row..row.saturating_add(rows).min(self.rows) {
            if col < col_end {
                self.pixels[r * self.cols + col..r * self.cols + col_end].fill(colour);
            }
        }
    }

    /// Draws a frame of one pixel just outside the given rectangle.
    pub fn frame(&mut self, row: usize, col: usize, rows: usize, cols: usize, colour: Rgb) {
        let (top, left) = (row.saturating_sub(1), col.saturating_sub(1));
        self.fill(top, left, 1, cols + 2, colour);
        self.fill(row + rows, left, 1, cols + 2, colour);
        self.fill(top, left, rows + 2, 1, colour);
        self.fill(top, col + cols, rows + 2, 1, colour);
    }

    /// Draws a straight line of one pixel between two pixels, both ends included.
    pub fn line(&mut self, from: (usize, usize), to: (usize, usize), colour: Rgb) {
        let (d_row, d_col) = (to.0 as f32 - from.0 as f32, to.1 as f32 - from.1 as f32);
        let steps = d_row.abs().max(d_col.abs()).min(1e5);
        for i in 0..=steps as usize {
            let t = if steps > 0.0 { i as f32 / steps } else { 0.0 };
            self.set((from.0 as f32 + t * d_row).round() as usize, (from.1 as f32 + t * d_col).round() as usize, colour);
        }
    }

    /// Copies `source` with its top left pixel at (`row`, `col`), cut at the canvas' edge.
    pub fn blit(&mut self, source: &Canvas, row: usize, col: usize) {
        let width = source.cols.min(self.cols.saturating_sub(col));
        for r in 0..source.rows.min(self.rows.saturating_sub(row)) {
            let target = (row + r) * self.cols + col;
            self.pixels[target..target + width].copy_from_slice(&source.pixels[r * source.cols..r * source.cols + width]);
        }
    }
}
