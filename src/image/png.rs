//! PNG encoding of a canvas (RGB8, deflate), for whoever writes the bytes whole or not at all.
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
        let failed = |message: String| {
            let (rows, cols) = (self.rows(), self.cols());
            Error::Encoding(format!("a picture of {rows} × {cols} pixels cannot be encoded as PNG ({message}); draw fewer or smaller maps"))
        };
        let width = u32::try_from(self.cols()).map_err(|e| failed(e.to_string()))?;
        let height = u32::try_from(self.rows()).map_err(|e| failed(e.to_string()))?;
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.add_text_chunk("Software".into(), SOFTWARE.into()).map_err(|e| failed(e.to_string()))?;
        let mut writer = encoder.write_header().map_err(|e| failed(e.to_string()))?;
        writer.write_image_data(self.pixels().as_flattened()).map_err(|e| failed(e.to_string()))?;
        writer.finish().map_err(|e| failed(e.to_string()))?;
        Ok(bytes)
    }
}
