//! A map alone as a small PNG: one byte a pixel into a palette of its colours, no data transparent, for pages that show many.

use super::raster::Field;
use crate::error::{Error, Result};

/// Colours of the palette, an odd number so that the middle of the range has one of its own.
const LEVELS: u8 = 253;

impl Field<'_> {
    /// The map in its colours, each pixel the mean over squares of `reduce` pixels as in [`Field::reduced`], as a PNG file in memory.
    ///
    /// # Errors
    /// [`Error::Shape`] as [`Field::check`]; [`Error::Encoding`] if a side exceeds what PNG can store.
    pub fn to_indexed_png(&self, reduce: usize) -> Result<Vec<u8>> {
        let (values, [rows, cols]) = self.reduced(reduce)?;
        let (low, span) = (self.range.0, self.range.1 - self.range.0);
        let top = f32::from(LEVELS - 1);
        let index = |value: &f32| if value.is_nan() { LEVELS } else { ((value - low) / span * top).round().clamp(0.0, top) as u8 };
        let pixels: Vec<u8> = values.iter().map(index).collect();
        let mut palette: Vec<u8> = (0..LEVELS).flat_map(|level| self.colormap.colour(f32::from(level) / top)).collect();
        palette.extend([0, 0, 0]);
        let mut opacity = vec![255; usize::from(LEVELS)];
        opacity.push(0);

        let failed =
            |e: String| Error::Encoding(format!("a map of {rows} × {cols} pixels cannot be encoded as PNG ({e}); leave the pictures out"));
        let side = |side: usize| u32::try_from(side).map_err(|e| failed(e.to_string()));
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, side(cols)?, side(rows)?);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        encoder.set_filter(png::Filter::NoFilter);
        encoder.set_palette(palette);
        encoder.set_trns(opacity);
        let mut writer = encoder.write_header().map_err(|e| failed(e.to_string()))?;
        writer.write_image_data(&pixels).map_err(|e| failed(e.to_string()))?;
        writer.finish().map_err(|e| failed(e.to_string()))?;
        Ok(bytes)
    }
}
