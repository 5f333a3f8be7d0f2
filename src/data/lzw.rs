//! LZW as TIFF packs it, into a buffer of known size.
//!
//! A stream is over once the buffer is full: the code that fills it is often the last one that matters, and the one that ends the
//! stream is not asked for. Each entry of the table is a piece of what was unpacked already: the string before, and the first byte
//! of the one that followed it.
//!
//! Source: TIFF 6.0 section 13. Files of the time before that paper (TIFF 5.0 left it open) have the bits of a code in the other order
//! and codes that grow one entry later; they are told apart by their first code, as libtiff does.

use std::slice::Iter;

const CLEAR: usize = 256;
const END: usize = 257;
const FIRST: usize = 258;
const WIDEST: u32 = 12;
/// A table that no 12 bits can name any more: entries beyond are counted, not kept.
const TABLE: usize = 1 << WIDEST;
/// Writers clear the table before it is full; so far libtiff bears with one that does not.
const MOST: usize = TABLE + 1023;

/// No stream unpacks to more times its own length: 3838 codes that each add one byte more than the last, then 1023 of the longest.
pub(super) const LARGEST_RATIO: u64 = 1700;

/// Unpacks a stream until `out` is full; an error is a message.
pub(super) fn unpack(packed: &[u8], out: &mut [u8]) -> Result<(), String> {
    match packed {
        // The clearing code, 256, in 9 bits from the lowest on.
        [0, second, ..] if second & 1 == 1 => unpack_codes::<true>(packed, out),
        _ => unpack_codes::<false>(packed, out),
    }
}

/// Codes of growing width from a stream of bytes.
struct Codes<'a, const OLD: bool> {
    bytes: Iter<'a, u8>,
    bits: u64,
    have: u32,
}

impl<const OLD: bool> Codes<'_, OLD> {
    fn next(&mut self, width: u32) -> Option<usize> {
        while self.have < width {
            let byte = u64::from(*self.bytes.next()?);
            self.bits = if OLD { self.bits | byte << self.have } else { self.bits << 8 | byte };
            self.have += 8;
        }
        self.have -= width;
        let code = if OLD { self.bits } else { self.bits >> self.have };
        if OLD {
            self.bits >>= width;
        }
        Some(code as usize & ((1 << width) - 1))
    }
}

fn unpack_codes<const OLD: bool>(packed: &[u8], out: &mut [u8]) -> Result<(), String> {
    let mut codes = Codes::<OLD> { bytes: packed.iter(), bits: 0, have: 0 };
    // First byte and length of each string in `out`; those of a byte are not kept.
    let mut table = [(0usize, 0usize); TABLE];
    let (mut next, mut width) = (FIRST, 9);
    let mut before: Option<(usize, usize)> = None;
    let mut at = 0;
    if !out.is_empty() && codes.next(width) != Some(CLEAR) {
        return Err("its LZW stream does not begin with the code that clears the table".into());
    }
    while at < out.len() {
        let code = match codes.next(width) {
            None | Some(END) => return Err(format!("its LZW stream ends after {at} of {} bytes", out.len())),
            Some(code) => code,
        };
        if code == CLEAR {
            (next, width, before) = (FIRST, 9, None);
            continue;
        }
        let len = if code < CLEAR {
            out[at] = code as u8;
            1
        } else {
            let (start, len) = match before {
                // The string that this very code completes: the one before and its own first byte.
                Some((start, len)) if code == next => (start, len + 1),
                Some(_) if code < next => table[code],
                _ => return Err(format!("its LZW stream names string {code} where {next} are known")),
            };
            let len = len.min(out.len() - at);
            let known = len.min(at - start);
            out.copy_within(start..start + known, at);
            if known < len {
                out[at + known] = out[at];
            }
            len
        };
        if let Some((start, len)) = before {
            if next >= MOST {
                return Err("its LZW stream does not clear the full table".into());
            }
            if let Some(entry) = table.get_mut(next) {
                *entry = (start, len + 1);
            }
            next += 1;
            let last = if OLD { 1 << width } else { (1 << width) - 1 };
            if next >= last && width < WIDEST {
                width += 1;
            }
        }
        before = Some((at, len));
        at += len;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes of 9 bits packed from the highest bit on, or from the lowest.
    fn pack(codes: &[u32], old: bool) -> Vec<u8> {
        let bits: Vec<bool> = codes.iter().flat_map(|code| (0..9).map(move |i| code >> if old { i } else { 8 - i } & 1 == 1)).collect();
        let byte = |chunk: &[bool]| chunk.iter().enumerate().map(|(i, &bit)| u8::from(bit) << if old { i } else { 7 - i }).sum();
        bits.chunks(8).map(byte).collect()
    }

    /// The example of TIFF 6.0 section 13: 7 7 7 8 8 7 7 6 6.
    const EXAMPLE: [u32; 9] = [256, 7, 258, 8, 8, 258, 6, 6, 257];

    #[test]
    fn the_paper_s_example_in_both_orders_of_bits() {
        for old in [false, true] {
            let mut out = [0; 9];
            unpack(&pack(&EXAMPLE, old), &mut out).unwrap();
            assert_eq!(out, [7, 7, 7, 8, 8, 7, 7, 6, 6], "old {old}");
        }
    }

    #[test]
    fn a_full_buffer_ends_the_stream() {
        // Without the code that ends it, and within a string.
        for (codes, len) in [(8, 9), (9, 9), (6, 6), (3, 2)] {
            let mut out = vec![0; len];
            unpack(&pack(&EXAMPLE[..codes], false), &mut out).unwrap();
            assert_eq!(out, [7, 7, 7, 8, 8, 7, 7, 6, 6][..len]);
        }
        unpack(&[], &mut []).unwrap();
    }

    #[test]
    fn broken_streams_are_named() {
        let refused = |codes: &[u32], len| unpack(&pack(codes, false), &mut vec![0; len]).unwrap_err();
        assert!(refused(&EXAMPLE, 10).contains("ends after 9 of 10"));
        assert!(refused(&EXAMPLE[..5], 9).contains("ends after 5 of 9"));
        assert!(refused(&EXAMPLE[1..], 9).contains("does not begin"));
        assert!(refused(&[256, 7, 300], 9).contains("string 300 where 258 are known"));
        assert!(refused(&[256, 300], 9).contains("string 300"));
        assert!(unpack(&[], &mut [0]).is_err());
    }

    #[test]
    fn the_densest_stream_stays_below_the_ratio() {
        // Each code names the string that it completes; widths grow on the way. Then the longest one until the table counts no more.
        let mut bits = vec![(CLEAR, 9), (0, 9)];
        let (mut total, mut width) = (1, 9);
        for code in FIRST..MOST {
            let named = code.min(TABLE - 1);
            bits.push((named, width));
            total += named - FIRST + 2;
            if code + 1 >= (1 << width) - 1 && width < WIDEST {
                width += 1;
            }
        }
        let bits: Vec<bool> = bits.iter().flat_map(|&(code, width)| (0..width).rev().map(move |bit| code >> bit & 1 == 1)).collect();
        let byte = |chunk: &[bool]| chunk.iter().enumerate().map(|(i, &bit)| u8::from(bit) << (7 - i)).sum();
        let bytes: Vec<u8> = bits.chunks(8).map(byte).collect();
        let mut out = vec![1; total];
        unpack(&bytes, &mut out).unwrap();
        assert!(out.iter().all(|byte| *byte == 0));
        let ratio = (total / bytes.len()) as u64;
        assert!((1400..LARGEST_RATIO).contains(&ratio), "{ratio}");
    }
}
