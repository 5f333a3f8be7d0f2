//! PNG encoding of a canvas (RGB8, deflate) and of grey bytes, for whoever writes the bytes whole or not at all.
//!
//! Pictures name this program as their software (PNG specification, tEXt keywords), which tells them from those of others.

use super::canvas::Canvas;
use crate::error::{Error, Result};

/// The `Software` of every picture.
pub const SOFTWARE: &str = "meltcore";

impl Canvas {
    /// The canvas as a complete PNG file in memory.
    ///
    /// # Errors
    /// [`Error::Encoding`] if a side exceeds what PNG can store.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        encoded([self.rows(), self.cols()], png::ColorType::Rgb, self.pixels().as_flattened())
    }
}

/// Bytes, one a pixel, as a complete grey PNG file of 8 bits in memory.
///
/// # Shapes
/// `size`: rows and columns; `values`: rows × columns, row after row.
///
/// # Errors
/// [`Error::Encoding`] if a side is 0 or exceeds what PNG can store, and for another number of values.
pub fn grey_to_png(size: [usize; 2], values: &[u8]) -> Result<Vec<u8>> {
    encoded(size, png::ColorType::Grayscale, values)
}

fn encoded([rows, cols]: [usize; 2], color: png::ColorType, samples: &[u8]) -> Result<Vec<u8>> {
    let failed = |message: String| {
        Error::Encoding(format!("a picture of {rows} × {cols} pixels cannot be encoded as PNG ({message}); draw fewer or smaller maps"))
    };
    let width = u32::try_from(cols).map_err(|e| failed(e.to_string()))?;
    let height = u32::try_from(rows).map_err(|e| failed(e.to_string()))?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.add_text_chunk("Software".into(), SOFTWARE.into()).map_err(|e| failed(e.to_string()))?;
    let mut writer = encoder.write_header().map_err(|e| failed(e.to_string()))?;
    writer.write_image_data(samples).map_err(|e| failed(e.to_string()))?;
    writer.finish().map_err(|e| failed(e.to_string()))?;
    Ok(bytes)
}
