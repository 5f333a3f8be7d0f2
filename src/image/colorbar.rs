//! Horizontal colour bars with round tick values.

use super::canvas::{Canvas, INK_LIGHT, LINE};
use super::colormap::Colormap;
use super::font::{Anchor, fit_text, text_width};
use super::raster::Field;
use super::ticks::{decimals, round_step};

/// Height of the bar itself in pixels.
const BAR_ROWS: usize = 9;
/// Height of a line of classes in a key.
const LINE_ROWS: usize = BAR_ROWS + 7;

/// Height in pixels of a colour bar with tick labels of `cap` pixels.
fn colorbar_rows(cap: f32) -> usize {
    BAR_ROWS + 6 + 2 * cap.ceil() as usize
}

/// Height in pixels of what [`draw_key`] draws in `cols` pixels.
pub fn key_rows(field: &Field, cols: usize, cap: f32) -> usize {
    let lines = field.classes.len().div_ceil(classes_in_line(field, cols, cap));
    colorbar_rows(cap) + lines.saturating_sub(1) * LINE_ROWS
}

/// Width of a class's colour in a key.
fn swatch(cap: f32) -> usize {
    (1.4 * cap) as usize
}

/// Classes beside each other in a key of `cols` pixels, so that every name fits where it can.
fn classes_in_line(field: &Field, cols: usize, cap: f32) -> usize {
    let widest = field.classes.iter().map(|name| text_width(name, cap).ceil() as usize + swatch(cap) + 8).max().unwrap_or(1);
    (cols / widest).clamp(1, field.classes.len().max(1))
}

/// Draws what the colours of a field mean: a colour bar, or a key to its classes.
pub fn draw_key(canvas: &mut Canvas, row: usize, col: usize, cols: usize, field: &Field, cap: f32) {
    if field.classes.is_empty() {
        return draw_colorbar(canvas, row, col, cols, field.colormap, field.range, cap);
    }
    let (swatch, in_line) = (swatch(cap), classes_in_line(field, cols, cap));
    let each = cols / in_line;
    let room = each.saturating_sub(swatch + 8) as f32;
    for (class, name) in field.classes.iter().enumerate() {
        let (row, col) = (row + class / in_line * LINE_ROWS, col + class % in_line * each);
        canvas.fill(row, col, BAR_ROWS, swatch, field.colormap.colour_in(class as f32, field.range));
        canvas.frame(row, col, BAR_ROWS, swatch, LINE);
        canvas.text(&fit_text(name, cap, room), row + BAR_ROWS, (col + swatch + 5) as f32, cap, Anchor::Left, INK_LIGHT);
    }
}

/// Draws a colour bar of `cols` pixels with its top left at (`row`, `col`); labels have capitals of `cap` pixels and stay above its ends.
pub fn draw_colorbar(canvas: &mut Canvas, row: usize, col: usize, cols: usize, colormap: Colormap, range: (f32, f32), cap: f32) {
    let last = cols.saturating_sub(1).max(1) as f32;
    for c in 0..cols {
        canvas.fill(row, col + c, BAR_ROWS, 1, colormap.colour(c as f32 / last));
    }
    canvas.frame(row, col, BAR_ROWS, cols, LINE);
    let widest = format_value(range.0, range.1 - range.0).len().max(format_value(range.1, range.1 - range.0).len());
    let room = cols as f32 / (text_width(&"0".repeat(widest), cap) + 1.6 * cap);
    for value in ticks(range, room as usize) {
        let x = (value - range.0) / (range.1 - range.0) * last;
        let tick = col + x.round() as usize;
        canvas.fill(row + BAR_ROWS + 1, tick, 3, 1, LINE);
        let label = format_value(value, step(range, room as usize));
        let half = text_width(&label, cap) / 2.0;
        let centre = (tick as f32 + 0.5).clamp(col as f32 + half - 1.0, ((col + cols) as f32 - half + 1.0).max(col as f32 + half));
        canvas.text(&label, row + BAR_ROWS + 6 + cap.ceil() as usize, centre, cap, Anchor::Centre, INK_LIGHT);
    }
}

/// The round step with at most `most` ticks over a range.
fn step(range: (f32, f32), most: usize) -> f32 {
    round_step(f64::from((range.1 - range.0).abs()) / (most.clamp(2, 6) as f64 - 1.0)) as f32
}

/// Round tick values inside a range, at most six and at most `most` where that is two or more; none for an empty range.
pub fn ticks(range: (f32, f32), most: usize) -> Vec<f32> {
    let step = step(range, most);
    if !step.is_finite() || step <= 0.0 || !range.0.is_finite() {
        return Vec::new();
    }
    let (low, high) = (range.0.min(range.1), range.0.max(range.1));
    let first = (low / step - 1e-3).ceil() as i64;
    (0..8).map(|i| (first + i) as f32 * step).take_while(|v| *v <= high + 1e-3 * step).collect()
}

/// A tick value with as many decimals as its step needs, and a true minus sign.
pub fn format_value(value: f32, step: f32) -> String {
    let text = format!("{:.*}", decimals(step.into()), if value.abs() < 1e-6 * step.abs() { 0.0 } else { value });
    text.replace('-', "−")
}
