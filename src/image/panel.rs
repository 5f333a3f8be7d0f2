//! A panel: several maps side by side under one headline, each with title, unit and colour bar.

use super::canvas::{Canvas, INK, INK_LIGHT, LINE, NO_DATA, PAPER};
use super::colorbar::{draw_key, key_rows};
use super::font::{Anchor, fit_text, text_width};
use super::raster::{Field, Zoom};
use crate::error::{Error, Result};

/// Longest side of one map in pixels.
const MOST: usize = 520;
/// Longest side of an enlarged small map, about.
const LEAST: usize = 320;
/// Width that a row of maps should not exceed.
const ROW_COLS: usize = 2000;
/// Capital heights in pixels: headline, map titles, tick labels.
const CAPS: (f32, f32, f32) = (15.0, 11.0, 8.5);
/// White space around the page and between maps.
const MARGIN: usize = 26;
const GUTTER: usize = 24;

/// Rows of maps under a headline.
#[derive(Debug, Clone)]
pub struct Panel<'a> {
    /// Above everything, for example `2018-07-14   MAE 0.047   F1 0.85`; empty if none.
    pub headline: String,
    /// The maps, row by row; rows may differ in length.
    pub rows: Vec<Vec<Field<'a>>>,
    /// What grey pixels are.
    pub grey: String,
}

impl Panel<'_> {
    /// Draws the maps in equal cells.
    ///
    /// # Errors
    /// [`Error::Shape`] without fields, or where values do not fill a field.
    pub fn draw(&self) -> Result<Canvas> {
        let draw = |f: &Field| f.draw(Zoom::for_sides(f.rows, f.cols, LEAST, MOST));
        let maps = self.rows.iter().map(|row| row.iter().map(draw).collect()).collect::<Result<Vec<Vec<_>>>>()?;
        let all = || maps.iter().flatten();
        let (Some(map_rows), Some(map_cols)) = (all().map(Canvas::rows).max(), all().map(Canvas::cols).max()) else {
            return Err(Error::shape("panel", "a panel needs at least one field"));
        };
        let cell_cols = map_cols.max(140);
        let grid_cols = maps.iter().map(Vec::len).max().unwrap_or(1);
        let title_rows = CAPS.1 as usize + 10;
        let keys = self.rows.iter().flatten().zip(all()).map(|(field, map)| key_rows(field, map.cols(), CAPS.2));
        let cell_rows = title_rows + map_rows + 12 + keys.max().unwrap_or(0);
        let head_rows = if self.headline.is_empty() { 0 } else { CAPS.0 as usize + 20 };
        let inner = grid_cols * (cell_cols + GUTTER) - GUTTER;
        let page_rows = 2 * MARGIN + head_rows + maps.len() * (cell_rows + GUTTER) - GUTTER;
        let mut canvas = Canvas::new(page_rows, inner + 2 * MARGIN, PAPER);
        if head_rows > 0 {
            self.draw_headline(&mut canvas, inner);
        }
        for (i, (fields, maps)) in self.rows.iter().zip(&maps).enumerate() {
            for (j, (field, map)) in fields.iter().zip(maps).enumerate() {
                let (row, col) = (MARGIN + head_rows + i * (cell_rows + GUTTER), MARGIN + j * (cell_cols + GUTTER));
                draw_cell(&mut canvas, row, col, (map_rows, cell_cols, title_rows), field, map);
            }
        }
        Ok(canvas)
    }

    /// The headline, and at its right end the key to the grey pixels where there are any.
    fn draw_headline(&self, canvas: &mut Canvas, inner: usize) {
        let key_cols = text_width(&self.grey, CAPS.2) as usize + 22;
        let baseline = MARGIN + CAPS.0 as usize;
        let mut fields = self.rows.iter().flatten();
        let with_gaps = fields.any(|f| f.masked.is_some_and(|m| m.contains(&true)) || f.values.iter().any(|v| v.is_nan()));
        let room = inner.saturating_sub(if with_gaps { key_cols + GUTTER } else { 0 }) as f32;
        canvas.text(&fit_text(&self.headline, CAPS.0, room), baseline, MARGIN as f32, CAPS.0, Anchor::Left, INK);
        if with_gaps && inner > key_cols {
            let col = MARGIN + inner - key_cols;
            canvas.fill(baseline - 9, col, 9, 14, NO_DATA);
            canvas.frame(baseline - 9, col, 9, 14, LINE);
            canvas.text(&self.grey, baseline, (MARGIN + inner) as f32, CAPS.2, Anchor::Right, INK_LIGHT);
        }
    }
}

/// The fields in the order given, in as many rows of equal length as a page of 2000 pixels needs.
///
/// # Errors
/// As [`Panel::draw`].
pub fn panel(headline: &str, fields: &[Field]) -> Result<Canvas> {
    let cols = |f: &Field| Zoom::for_sides(f.rows, f.cols, LEAST, MOST).apply(f.cols).max(140);
    let cell_cols = fields.iter().map(cols).max().unwrap_or(140);
    let widest = ((ROW_COLS + GUTTER) / (cell_cols + GUTTER)).max(1);
    let grid_rows = fields.len().div_ceil(widest).max(1);
    let rows = fields.chunks(fields.len().div_ceil(grid_rows).max(1)).map(<[Field]>::to_vec).collect();
    Panel { headline: headline.to_owned(), rows, grey: "no data".into() }.draw()
}

/// One cell with its top left at (`row`, `col`); `size` is the map's height, the cell's width and the title's height.
fn draw_cell(canvas: &mut Canvas, row: usize, col: usize, size: (usize, usize, usize), field: &Field, map: &Canvas) {
    let (map_rows, cell_cols, title_rows) = size;
    let baseline = row + CAPS.1 as usize;
    let unit = if field.unit.is_empty() { String::new() } else { format!("({})", field.unit) };
    let unit = fit_text(&unit, CAPS.2, cell_cols as f32 * 0.6);
    let room = cell_cols as f32 - text_width(&unit, CAPS.2) - CAPS.2;
    let title = fit_text(&field.title, CAPS.1, room);
    canvas.text(&title, baseline, col as f32, CAPS.1, Anchor::Left, INK);
    let unit_x = col as f32 + text_width(&title, CAPS.1) + 0.8 * CAPS.1;
    canvas.text(&unit, baseline, unit_x, CAPS.2, Anchor::Left, INK_LIGHT);

    let (map_row, map_col) = (row + title_rows, col + (cell_cols - map.cols()) / 2);
    canvas.blit(map, map_row, map_col);
    canvas.frame(map_row, map_col, map.rows(), map.cols(), LINE);
    draw_key(canvas, map_row + map_rows + 12, map_col, map.cols(), field, CAPS.2);
}
