//! Text in pictures: one line at a time, anti-aliased, at any size.
//!
//! The font is Inter (`OFL.txt` beside it), cut down to Basic Latin and the signs of units and numbers; what it lacks becomes a box.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};

use super::canvas::{Canvas, Rgb};

static FONT: LazyLock<FontRef> =
    LazyLock::new(|| FontRef::try_from_slice(include_bytes!("inter.otf")).expect("the font within the program is a font"));

/// Height of capitals as a share of the em.
const CAP: f32 = 2048.0 / 2816.0;

/// The scale at which capitals are `cap` pixels high.
fn scale(cap: f32) -> PxScale {
    // ab_glyph's scale is the height from the lowest to the highest glyph.
    let em = FONT.units_per_em().unwrap_or(1.0);
    PxScale::from(cap / CAP * FONT.height_unscaled() / em)
}

/// Where the given x coordinate lies in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// At the first glyph.
    Left,
    /// In the middle.
    Centre,
    /// Behind the last glyph.
    Right,
}

/// Width in pixels of `text` with capitals of `cap` pixels.
pub fn text_width(text: &str, cap: f32) -> f32 {
    let font = FONT.as_scaled(scale(cap));
    text.chars().map(|c| font.h_advance(font.glyph_id(c))).sum()
}

/// `text`, shortened with an ellipsis until it is at most `width` pixels wide.
pub fn fit_text(text: &str, cap: f32, width: f32) -> String {
    if text_width(text, cap) <= width {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let short: String = kept.iter().collect::<String>().trim_end().to_owned() + "…";
        if text_width(&short, cap) <= width {
            return short;
        }
    }
    String::new()
}

impl Canvas {
    /// Writes one line of text that stands on pixel row `baseline`, with capitals of `cap` pixels; unknown characters become a box.
    pub fn text(&mut self, text: &str, baseline: usize, x: f32, cap: f32, anchor: Anchor, colour: Rgb) {
        let font = FONT.as_scaled(scale(cap));
        let mut pen = match anchor {
            Anchor::Left => x,
            Anchor::Centre => x - text_width(text, cap) / 2.0,
            Anchor::Right => x - text_width(text, cap),
        };
        for glyph in text.chars().map(|c| font.glyph_id(c)) {
            let placed = glyph.with_scale_and_position(scale(cap), point(pen, baseline as f32 + 1.0));
            if let Some(outline) = font.outline_glyph(placed) {
                let corner = outline.px_bounds().min;
                let (top, left) = (corner.y as isize, corner.x as isize);
                outline.draw(|col, row, coverage| self.blend(top + row as isize, left + col as isize, colour, coverage));
            }
            pen += font.h_advance(glyph);
        }
    }
}
