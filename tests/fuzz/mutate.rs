//! Mutants of a seed: the same number gives the same mutant on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Whole numbers at which sizes and counts go wrong.
const INTERESTING: [u64; 18] =
    [0, 1, 2, 7, 8, 15, 16, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, i64::MAX as u64, u64::MAX];

/// Numbers as text, for formats that are text.
const NUMBERS: [&str; 14] =
    ["0", "-1", "1", "65536", "2147483648", "4294967295", "18446744073709551615", "1e308", "1e999", "-0.0", "0.1", "NaN", "null", "1e-320"];

/// Random choices of one mutant.
pub struct Choices(ChaCha8Rng);

impl Choices {
    /// Those of the mutant `number` of a target.
    pub fn of(target: &str, number: u64) -> Choices {
        let name = target.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        Choices(ChaCha8Rng::seed_from_u64(name ^ number))
    }

    /// A number below `count`, 0 where that is 0.
    pub fn below(&mut self, count: usize) -> usize {
        if count == 0 { 0 } else { (self.0.next_u64() % count as u64) as usize }
    }

    /// One of some.
    pub fn one<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    /// A part of `len` things, at most `most` long: where it begins and ends.
    fn part(&mut self, len: usize, most: usize) -> (usize, usize) {
        let start = self.below(len + 1);
        let length = 1 + self.below(most);
        (start, (start + length).min(len))
    }
}

/// A mutant of `seed`: one to four changes, of which parts of `other` and words of `dictionary` may be some.
pub fn mutant(choices: &mut Choices, seed: &[u8], other: &[u8], dictionary: &[&[u8]]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..1 + choices.below(4) {
        change(choices, &mut bytes, other, dictionary);
    }
    bytes
}

fn change(choices: &mut Choices, bytes: &mut Vec<u8>, other: &[u8], dictionary: &[&[u8]]) {
    let at = choices.below(bytes.len());
    match choices.below(12) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << choices.below(8),
        1 if !bytes.is_empty() => bytes[at] = choices.below(256) as u8,
        2 => drop(bytes.drain(bounds(choices, bytes.len(), 16))),
        3 => bytes.truncate(at),
        // A part once more, somewhere else.
        4 => {
            let part = bytes[bounds(choices, bytes.len(), 64)].to_vec();
            bytes.splice(at..at, part);
        }
        // A part of another seed in the place of a part.
        5 => {
            let part = other[bounds(choices, other.len(), 64)].to_vec();
            let place = bounds(choices, bytes.len(), 64);
            bytes.splice(place, part);
        }
        // The end of another seed.
        6 => {
            let from = choices.below(other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        // A whole number of 1, 2, 4 or 8 bytes in either order.
        7 | 8 => {
            let number = INTERESTING[choices.below(INTERESTING.len())].wrapping_add(choices.below(3) as u64).wrapping_sub(1);
            let width = 1 << choices.below(4);
            let mut digits = number.to_le_bytes()[..width].to_vec();
            if choices.below(2) == 0 {
                digits.reverse();
            }
            let end = (at + width).min(bytes.len());
            digits.truncate(end - at);
            bytes[at..end].copy_from_slice(&digits);
        }
        // A number as text, in the place of one.
        9 => {
            let number = choices.one(&NUMBERS).as_bytes().to_vec();
            let place = digits_from(bytes, at).unwrap_or(at..at);
            bytes.splice(place, number);
        }
        // A digit, so that the length stays.
        10 => {
            if let Some(place) = digits_from(bytes, at) {
                let digit = place.start + choices.below(place.len());
                bytes[digit] = b'0' + choices.below(10) as u8;
            }
        }
        _ if !dictionary.is_empty() => {
            let word = choices.one(dictionary).to_vec();
            let over = if choices.below(2) == 0 { at..(at + word.len()).min(bytes.len()) } else { at..at };
            bytes.splice(over, word);
        }
        _ => bytes.insert(at, choices.below(256) as u8),
    }
}

fn bounds(choices: &mut Choices, len: usize, most: usize) -> std::ops::Range<usize> {
    let (start, end) = choices.part(len, most);
    start..end
}

/// The first run of decimal digits at or after a place.
fn digits_from(bytes: &[u8], at: usize) -> Option<std::ops::Range<usize>> {
    let start = at + bytes.get(at..)?.iter().position(u8::is_ascii_digit)?;
    let len = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    Some(start..start + len)
}
