//! One strip or tile as it was before it was packed: codec, order of bits, predictor.
//!
//! Source: TIFF 6.0 sections 8 (FillOrder), 9 (PackBits), 13 (LZW), 14 (horizontal differences); Adobe's technical notes on deflate
//! and on the floating point predictor.

use flate2::{Decompress, FlushDecompress};

use super::geotiff::{Compression, Layout};
use super::lzw;

/// The most bytes that one stored byte can hold.
///
/// Of deflate it is what a match of 258 bytes in 2 bits gives. Codecs that only GDAL reads are taken to be denser than they are.
pub(super) fn largest_ratio(compression: Compression) -> u64 {
    match compression {
        Compression::None => 1,
        Compression::Lzw => lzw::LARGEST_RATIO,
        Compression::Deflate => 1040,
        Compression::PackBits => 64,
        Compression::Other(_) => 1 << 15,
    }
}

/// The samples of a block in the byte order of the file, from its stored bytes; an error is a message that follows the block's name.
///
/// `room` is used where they are not stored as they are; `needed` bytes are wanted and more are cut off.
pub(super) fn unpack<'a>(stored: &'a [u8], layout: &Layout, needed: usize, room: &'a mut Vec<u8>) -> Result<&'a [u8], String> {
    let reversed: Vec<u8>;
    let stored = if layout.bits_reversed {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(stored.len()).map_err(|_| no_memory(stored.len()))?;
        bytes.extend(stored.iter().map(|byte| byte.reverse_bits()));
        if layout.compression == Compression::None {
            *room = bytes;
            return room.get(..needed).ok_or_else(|| too_few(stored.len(), needed));
        }
        reversed = bytes;
        &reversed
    } else if layout.compression == Compression::None {
        return stored.get(..needed).ok_or_else(|| too_few(stored.len(), needed));
    } else {
        stored
    };
    // Said before room is made for what cannot come.
    if (stored.len() as u64).saturating_mul(largest_ratio(layout.compression)) < needed as u64 {
        return Err(too_few(stored.len(), needed));
    }
    room.clear();
    room.try_reserve_exact(needed).map_err(|_| no_memory(needed))?;
    room.resize(needed, 0);
    match layout.compression {
        Compression::Lzw => lzw::unpack(stored, room)?,
        Compression::Deflate => inflate(stored, room)?,
        Compression::PackBits => unpack_bits(stored, room)?,
        Compression::None | Compression::Other(_) => return Err("is packed in a way that meltcore does not read".into()),
    }
    let (row_bytes, interleaved) = (layout.block_cols * layout.pixel_bytes(), layout.interleaved);
    match layout.predictor {
        2 => room.chunks_exact_mut(row_bytes).for_each(|row| add_up(row, layout.sample.bytes(), interleaved, layout.little_endian)),
        3 => {
            let mut planes = vec![0; row_bytes];
            let rows = room.chunks_exact_mut(row_bytes);
            rows.for_each(|row| join_planes(row, &mut planes, layout.sample.bytes(), interleaved, layout.little_endian));
        }
        _ => {}
    }
    Ok(room)
}

fn too_few(stored: usize, needed: usize) -> String {
    format!("stores {stored} bytes, too few for the {needed} of its pixels")
}

pub(super) fn no_memory(bytes: usize) -> String {
    format!("takes {bytes} bytes of memory, more than this process can get")
}

/// zlib until `out` is full.
fn inflate(stored: &[u8], out: &mut [u8]) -> Result<(), String> {
    let mut zlib = Decompress::new(true);
    zlib.decompress(stored, out, FlushDecompress::Finish).map_err(|e| format!("its deflate stream is broken ({e})"))?;
    match zlib.total_out() {
        got if got == out.len() as u64 => Ok(()),
        got => Err(format!("its deflate stream ends after {got} of {} bytes", out.len())),
    }
}

/// Run lengths until `out` is full.
fn unpack_bits(stored: &[u8], out: &mut [u8]) -> Result<(), String> {
    let (mut from, mut at) = (0, 0);
    while at < out.len() {
        let ended = || format!("its PackBits stream ends after {at} of {} bytes", out.len());
        let count = usize::from(*stored.get(from).ok_or_else(ended)?);
        let room = out.len() - at;
        match count {
            0..128 => {
                let len = (count + 1).min(room);
                let literal = stored.get(from + 1..from + 1 + len).ok_or_else(ended)?;
                out[at..at + len].copy_from_slice(literal);
                (from, at) = (from + 1 + len, at + len);
            }
            128 => from += 1,
            _ => {
                let len = (257 - count).min(room);
                let byte = *stored.get(from + 1).ok_or_else(ended)?;
                out[at..at + len].fill(byte);
                (from, at) = (from + 2, at + len);
            }
        }
    }
    Ok(())
}

/// Predictor 2: each sample was stored as its difference from the one of its band before it in the row, modulo its width.
fn add_up(row: &mut [u8], sample_bytes: usize, interleaved: usize, little: bool) {
    macro_rules! add_up {
        ($number:ty) => {{
            let mut sums: Vec<$number> = vec![0; interleaved];
            for pixel in row.chunks_exact_mut(size_of::<$number>() * interleaved) {
                for (bytes, sum) in pixel.chunks_exact_mut(size_of::<$number>()).zip(&mut sums) {
                    // The chunks have just this length.
                    let Ok(word) = (&*bytes).try_into() else { continue };
                    let difference = if little { <$number>::from_le_bytes(word) } else { <$number>::from_be_bytes(word) };
                    *sum = sum.wrapping_add(difference);
                    bytes.copy_from_slice(&if little { sum.to_le_bytes() } else { sum.to_be_bytes() });
                }
            }
        }};
    }
    match sample_bytes {
        1 => add_up!(u8),
        2 => add_up!(u16),
        4 => add_up!(u32),
        _ => add_up!(u64),
    }
}

/// Predictor 3: the row was stored as differences of bytes from those of the pixel before, first the highest byte of all its samples, then
/// the next.
fn join_planes(row: &mut [u8], planes: &mut [u8], sample_bytes: usize, interleaved: usize, little: bool) {
    for (index, &difference) in row.iter().enumerate() {
        let before = if index < interleaved { 0 } else { planes[index - interleaved] };
        planes[index] = difference.wrapping_add(before);
    }
    let samples = row.len() / sample_bytes;
    for (index, plane) in planes.chunks_exact(samples).enumerate() {
        let place = if little { sample_bytes - 1 - index } else { index };
        row.iter_mut().skip(place).step_by(sample_bytes).zip(plane).for_each(|(to, from)| *to = *from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_lengths_of_the_paper() {
        // TIFF 6.0 section 9's example, with a byte that means nothing in front.
        let packed = [0x80, 0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0xFD, 0xAA, 0x03, 0x80, 0x00, 0x2A, 0x22, 0xF7, 0xAA];
        let wanted = [
            0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0xAA, 0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0x22, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA,
            0xAA, 0xAA, 0xAA,
        ];
        for len in 0..=wanted.len() {
            let mut out = vec![0; len];
            unpack_bits(&packed, &mut out).unwrap();
            assert_eq!(out, wanted[..len]);
        }
        assert!(unpack_bits(&packed, &mut [0; 25]).unwrap_err().contains("24 of 25"));
        assert!(unpack_bits(&packed[..15], &mut [0; 24]).unwrap_err().contains("14 of 24"));
    }

    #[test]
    fn predictors_in_both_byte_orders() {
        let mut row = [1, 0, 1, 0, 0xFF, 0xFF];
        add_up(&mut row, 2, 1, true);
        assert_eq!(row, [1, 0, 2, 0, 1, 0]);
        let mut row = [0, 1, 0, 1, 0xFF, 0xFF];
        add_up(&mut row, 2, 1, false);
        assert_eq!(row, [0, 1, 0, 2, 0, 1]);
        // Two float32: 0x3F800000 and 0x40000000 as planes 3F 40 | 80 00 | 00 00 | 00 00, each byte less the one before.
        let stored = [0x3F, 0x01, 0x40, 0x80, 0x00, 0x00, 0x00, 0x00];
        for little in [true, false] {
            let mut row = stored;
            join_planes(&mut row, &mut [0; 8], 4, 1, little);
            let float = |bytes: &[u8]| {
                if little { f32::from_le_bytes(bytes.try_into().unwrap()) } else { f32::from_be_bytes(bytes.try_into().unwrap()) }
            };
            assert_eq!((float(&row[..4]), float(&row[4..])), (1.0, 2.0));
        }
    }
}
