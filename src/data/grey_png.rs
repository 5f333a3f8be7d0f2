//! Grey PNG files, a byte a pixel: radar scenes, maps of zones and fronts where they have no georeference.
//!
//! Read is what holds a byte a pixel without loss: grey of 1, 2, 4 and 8 bits (fewer bits are spread to 0…255, as pictures mean them), of
//! 16 bits where both bytes are the same, palettes and colours whose channels agree. Pixels that are wholly transparent are 0, partly
//! transparent ones are refused.
//! Source: PNG specification, third edition (W3C, 2025), sections 6 and 11.2.

use std::io::Cursor;
use std::path::Path;

use png::{BitDepth, Decoder, DecodingError, Reader, Transformations};

use super::geotiff::MAX_PIXELS;
use super::mapped::map_file;
use crate::error::{Error, Result};
use crate::files::write_atomically;
use crate::image::grey_to_png;

/// What deflate can make of one byte at most.
const MOST_PER_BYTE: u64 = 1032;

/// The bytes that each PNG file begins with.
pub const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];

/// A grey picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GreyImage {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// 0…255 of each pixel, row after row.
    pub values: Vec<u8>,
}

/// Whether a file is called a PNG: by its ending, in capitals or not.
pub fn is_called_png(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"))
}

/// Rows and columns of a PNG file, without its pixels.
///
/// # Errors
/// [`Error::Input`] where the file is missing or no PNG, or declares no pixels, more than a scene may have, or more than it can hold.
pub fn grey_png_size(path: &Path) -> Result<[usize; 2]> {
    opened(path, &bytes_of(path)?).map(|(_, size)| size)
}

/// Reads a PNG file as a byte a pixel.
///
/// # Errors
/// Those of [`grey_png_size`]; [`Error::Input`] for a damaged or cut file, and for one whose pixels are no single byte each.
pub fn read_grey_png(path: &Path) -> Result<GreyImage> {
    let bytes = bytes_of(path)?;
    let (mut reader, [rows, cols]) = opened(path, &bytes)?;
    let (color, depth) = reader.output_color_type();
    let length = reader.output_buffer_size().ok_or_else(|| Error::input(path, "has more pixels than this computer can count"))?;
    let mut samples = vec![0; length];
    reader.next_frame(&mut samples).map_err(|e| damaged(path, e))?;
    let grey = |(at, pixel): (usize, &[u8])| {
        let byte = if depth == BitDepth::Sixteen { of_sixteen_bits(pixel) } else { of_bytes(pixel) };
        byte.map_err(|what| Error::input(path, format!("{what} at row {}, column {}{CURE}", at / cols, at % cols)))
    };
    let bytes_a_pixel = color.samples() * if depth == BitDepth::Sixteen { 2 } else { 1 };
    let values = match bytes_a_pixel {
        1 => samples,
        _ => samples.chunks_exact(bytes_a_pixel).enumerate().map(grey).collect::<Result<_>>()?,
    };
    Ok(GreyImage { rows, cols, values })
}

/// Writes bytes, one a pixel, as a grey PNG file, which appears whole or not at all.
///
/// # Shapes
/// `size`: rows and columns; `values`: rows × columns, row after row.
///
/// # Errors
/// Those of [`grey_to_png`] and [`write_atomically`].
pub fn write_grey_png(path: &Path, size: [usize; 2], values: &[u8]) -> Result<()> {
    let bytes = grey_to_png(size, values)?;
    write_atomically(path, |file| std::io::Write::write_all(file, &bytes))
}

/// What a user does about pixels that are no single byte.
const CURE: &str = ", and a scene has one value of 0 to 255 a pixel; write it as 8-bit grey: backscatter by gdal_translate -b 1 -ot Byte \
                    -scale, zones and fronts without -scale, which would change their greys; or take GeoTIFF";

fn bytes_of(path: &Path) -> Result<super::mapped::FileBytes> {
    if path.is_dir() {
        return Err(Error::input(path, "is a folder where a PNG file is expected; name the file itself"));
    }
    map_file(path)
}

/// A file whose pixels are to be read.
type Opened<'b> = Reader<Cursor<&'b [u8]>>;

fn opened<'b>(path: &Path, bytes: &'b [u8]) -> Result<(Opened<'b>, [usize; 2])> {
    if !bytes.starts_with(&SIGNATURE) {
        return Err(Error::input(path, "is no PNG file, whatever its name; give it its own ending, or copy or download it again"));
    }
    let mut decoder = Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    let info = decoder.read_header_info().map_err(|e| damaged(path, e))?;
    let (rows, cols) = (u64::from(info.height), u64::from(info.width));
    let pixels = rows * cols;
    if pixels == 0 || pixels > MAX_PIXELS {
        return Err(Error::input(path, format!("the header declares {rows} rows × {cols} columns; a scene has 1 to {MAX_PIXELS} pixels")));
    }
    let needed = pixels.saturating_mul(info.bits_per_pixel() as u64) / 8;
    if needed / MOST_PER_BYTE > bytes.len() as u64 {
        let message =
            format!("declares {rows} × {cols} pixels in a file of {} bytes; it is damaged: copy or download it again", bytes.len());
        return Err(Error::input(path, message));
    }
    let reader = decoder.read_info().map_err(|e| damaged(path, e))?;
    Ok((reader, [rows as usize, cols as usize]))
}

fn damaged(path: &Path, e: DecodingError) -> Error {
    let message = match &e {
        DecodingError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => "ends before its last pixels".to_owned(),
        DecodingError::LimitsExceeded => "holds more beside its pixels than any picture needs".to_owned(),
        _ => format!("is damaged ({e})"),
    };
    Error::input(path, format!("{message}; copy or download it again")).because(e)
}

/// A pixel of 8 bits a channel: grey, grey and opacity, colours, colours and opacity.
fn of_bytes(pixel: &[u8]) -> Result<u8, String> {
    let (colours, opacity) = match pixel {
        [grey, opacity] => (&[*grey][..], *opacity),
        [colours @ .., opacity] if pixel.len() == 4 => (colours, *opacity),
        colours => (colours, 255),
    };
    match (opacity, colours) {
        (0, _) => Ok(0),
        (255, [grey, others @ ..]) if others.iter().all(|other| other == grey) => Ok(*grey),
        (255, _) => Err(format!("holds a colour (red, green, blue: {})", listed(colours))),
        _ => Err(format!("is partly transparent ({opacity} of 255)")),
    }
}

/// A pixel of 16 bits a channel.
fn of_sixteen_bits(pixel: &[u8]) -> Result<u8, String> {
    let mut halves = [0; 4];
    for (half, channel) in halves.iter_mut().zip(pixel.chunks_exact(2)) {
        if channel[0] != channel[1] {
            return Err(format!("holds {}, which is more than 8 bits,", u16::from_be_bytes([channel[0], channel[1]])));
        }
        *half = channel[0];
    }
    of_bytes(&halves[..pixel.len() / 2])
}

fn listed(values: &[u8]) -> String {
    values.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use png::{ColorType, Encoder};

    use super::*;

    /// A PNG of 2 rows × 3 columns.
    fn written(path: &Path, color: ColorType, depth: BitDepth, palette: Option<Vec<u8>>, samples: &[u8]) {
        let mut encoder = Encoder::new(fs::File::create(path).unwrap(), 3, 2);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if let Some(palette) = palette {
            encoder.set_palette(palette);
        }
        encoder.write_header().unwrap().write_image_data(samples).unwrap();
    }

    fn read(color: ColorType, depth: BitDepth, palette: Option<Vec<u8>>, samples: &[u8]) -> Result<Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scene.png");
        written(&path, color, depth, palette, samples);
        assert_eq!(grey_png_size(&path).unwrap(), [2, 3]);
        read_grey_png(&path).map(|image| image.values)
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scene.PNG");
        let values: Vec<u8> = (0..7 * 301).map(|at| (at * 31 % 256) as u8).collect();
        write_grey_png(&path, [7, 301], &values).unwrap();
        assert_eq!(read_grey_png(&path).unwrap(), GreyImage { rows: 7, cols: 301, values });
        assert_eq!(grey_png_size(&path).unwrap(), [7, 301]);
        assert!(is_called_png(&path) && !is_called_png(Path::new("scene.tif")));
        assert!(write_grey_png(&path, [7, 301], &[0]).is_err() && write_grey_png(&path, [0, 5], &[]).is_err());
    }

    #[test]
    fn other_kinds_are_read_where_they_lose_nothing() {
        let wanted = vec![0, 255, 255, 255, 0, 0];
        assert_eq!(read(ColorType::Grayscale, BitDepth::One, None, &[0b0110_0000, 0b1000_0000]).unwrap(), wanted);
        assert_eq!(read(ColorType::Grayscale, BitDepth::Two, None, &[0b0001_1000, 0b1100_0000]).unwrap(), [0, 85, 170, 255, 0, 0]);
        assert_eq!(read(ColorType::Grayscale, BitDepth::Four, None, &[0x0f, 0x10, 0x20, 0x30]).unwrap(), [0, 255, 17, 34, 0, 51]);
        let palette = Some(vec![0, 0, 0, 64, 64, 64, 254, 254, 254]);
        assert_eq!(read(ColorType::Indexed, BitDepth::Eight, palette, &[0, 1, 2, 2, 1, 0]).unwrap(), [0, 64, 254, 254, 64, 0]);
        let double = |values: &[u8], times: usize| values.iter().flat_map(|value| vec![*value; times]).collect::<Vec<u8>>();
        let values = [0, 1, 127, 128, 254, 255];
        assert_eq!(read(ColorType::Grayscale, BitDepth::Sixteen, None, &double(&values, 2)).unwrap(), values);
        assert_eq!(read(ColorType::Rgb, BitDepth::Eight, None, &double(&values, 3)).unwrap(), values);
        let seen = [9, 0, 9, 255, 9, 255, 8, 255, 8, 255, 0, 255];
        assert_eq!(read(ColorType::GrayscaleAlpha, BitDepth::Eight, None, &seen).unwrap(), [0, 9, 9, 8, 8, 0]);
        let seen: Vec<u8> = [5, 5, 5, 255].into_iter().cycle().take(24).collect();
        assert_eq!(read(ColorType::Rgba, BitDepth::Eight, None, &seen).unwrap(), [5; 6]);
    }

    #[test]
    fn pixels_that_are_no_single_byte_are_named() {
        let refused = |color, depth, samples: &[u8]| read(color, depth, None, samples).unwrap_err().to_string();
        let mut colours = [7; 18];
        colours[14] = 9;
        let message = refused(ColorType::Rgb, BitDepth::Eight, &colours);
        assert!(message.contains("scene.png: holds a colour (red, green, blue: 7, 7, 9) at row 1, column 1, and a scene has"), "{message}");
        let message = refused(ColorType::Grayscale, BitDepth::Sixteen, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert!(message.contains("holds 258, which is more than 8 bits, at row 1, column 2"), "{message}");
        let message = refused(ColorType::GrayscaleAlpha, BitDepth::Eight, &[7, 200, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert!(message.contains("is partly transparent (200 of 255) at row 0, column 0"), "{message}");
    }

    #[test]
    fn damaged_and_foreign_files_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scene.png");
        let values: Vec<u8> = (0..40 * 50).map(|at| (at * at % 251) as u8).collect();
        write_grey_png(&path, [40, 50], &values).unwrap();
        let whole = fs::read(&path).unwrap();
        let refused = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            read_grey_png(&path).map(|image| image.rows).map_err(|e| e.to_string())
        };
        for length in 1..whole.len() - 12 {
            let read = refused(&whole[..length]);
            // Behind the last pixels stand four bytes of a checksum, and the end.
            assert!(read.is_err() || length > whole.len() - 24, "{length} of {} bytes are read", whole.len());
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x55;
            // What it reads as is of no account: it is to answer.
            let _ = refused(&bytes);
        }
        let mut huge = whole.clone();
        huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0x40, 0]);
        let sum = crc(&huge[12..29]).to_be_bytes();
        huge[29..33].copy_from_slice(&sum);
        assert!(refused(&huge).unwrap_err().contains("declares 16384 × 65536 pixels in a file of"));
        huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        let sum = crc(&huge[12..29]).to_be_bytes();
        huge[29..33].copy_from_slice(&sum);
        assert!(refused(&huge).unwrap_err().contains("a scene has 1 to 2147483647 pixels"));
        assert!(refused(b"II*\0").unwrap_err().contains("is no PNG file"));
        assert!(refused(b"").unwrap_err().contains("is empty"));
        assert!(read_grey_png(folder.path()).unwrap_err().to_string().contains("is a folder"));
        assert!(grey_png_size(&folder.path().join("none.png")).unwrap_err().to_string().contains("cannot be opened"));
    }

    /// The checksum of a chunk (PNG specification, annex D).
    fn crc(bytes: &[u8]) -> u32 {
        let step = |rest: u32| if rest & 1 == 1 { 0xedb8_8320 ^ (rest >> 1) } else { rest >> 1 };
        !bytes.iter().fold(u32::MAX, |rest, byte| (0..8).fold(rest ^ u32::from(*byte), |rest, _| step(rest)))
    }
}
