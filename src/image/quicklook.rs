//! A quicklook: one map with its title, a small colour bar and a key to the grey pixels below.

use super::canvas::{Canvas, INK, INK_LIGHT, LINE, NO_DATA, PAPER};
use super::colorbar::{draw_key, key_rows};
use super::font::{Anchor, fit_text, text_width};
use super::raster::{Field, Zoom};
use crate::error::Result;

/// Longest side of the map in pixels.
const MOST: usize = 1200;
/// Longest side of an enlarged small map, about.
const LEAST: usize = 400;

/// One field as a picture: the map framed, the title (a date, say) and the field's own title below it, a colour bar, and what grey means.
///
/// Large maps are box-averaged to at most 1200 pixels on the longer side; small ones enlarged by a whole number to 400 or more.
///
/// # Errors
/// [`Error::Shape`](crate::error::Error::Shape) where the values do not fill the field.
pub fn quicklook(title: &str, field: &Field, grey: &str) -> Result<Canvas> {
    let map = field.draw(Zoom::for_sides(field.rows, field.cols, LEAST, MOST))?;
    let size = map.rows().max(map.cols()) as f32;
    let (title_cap, label_cap) = ((size / 55.0).clamp(10.0, 16.0), (size / 75.0).clamp(8.0, 12.0));
    let margin = (size / 40.0).clamp(12.0, 28.0) as usize;
    let inner = map.cols().max(300);
    // Room for descenders above the bar.
    let gap = 6 + (0.6 * title_cap) as usize;
    let title_rows = title_cap as usize + margin * 3 / 4;
    let swatch = (label_cap * 1.4) as usize;
    let grey_cols = swatch + 6 + text_width(grey, label_cap) as usize;
    let key_cols = (inner - grey_cols - 2 * margin).max(80);
    let rows = map.rows() + margin * 2 + title_rows + gap + key_rows(field, key_cols, label_cap);
    let mut canvas = Canvas::new(rows, inner + 2 * margin, PAPER);

    let map_col = margin + (inner - map.cols()) / 2;
    canvas.blit(&map, margin, map_col);
    canvas.frame(margin, map_col, map.rows(), map.cols(), LINE);

    let baseline = margin + map.rows() + title_rows;
    let caption = if field.unit.is_empty() { field.title.clone() } else { format!("{} ({})", field.title, field.unit) };
    let caption = fit_text(&caption, label_cap, inner as f32 * 0.5);
    let room = inner as f32 - text_width(&caption, label_cap) - label_cap;
    canvas.text(&fit_text(title, title_cap, room), baseline, margin as f32, title_cap, Anchor::Left, INK);
    canvas.text(&caption, baseline, (margin + inner) as f32, label_cap, Anchor::Right, INK_LIGHT);

    let key_row = baseline + gap;
    draw_key(&mut canvas, key_row, margin + 1, key_cols, field, label_cap);
    let grey_col = margin + inner - grey_cols;
    canvas.fill(key_row, grey_col, 9, swatch, NO_DATA);
    canvas.frame(key_row, grey_col, 9, swatch, LINE);
    canvas.text(grey, key_row + 9, (grey_col + swatch + 6) as f32, label_cap, Anchor::Left, INK_LIGHT);
    Ok(canvas)
}
