//! Classic NetCDF files that end too early: how long a file must be, from its header.
//!
//! The NetCDF library gives zeros for what lies behind the end of a classic file, and zero is a value. Source: the specification of
//! the classic format in the NetCDF User's Guide (CDF-1, CDF-2), and PnetCDF's of CDF-5.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek};
use std::path::Path;

use crate::error::{Error, Result};

const DIMENSIONS: u64 = 0x0a;
const VARIABLES: u64 = 0x0b;
const ATTRIBUTES: u64 = 0x0c;

/// Refuses a classic file that is shorter than its header says; a file of any other kind passes.
///
/// # Errors
/// [`Error::Input`] with both lengths, or where the header itself ends early or makes no sense.
pub(super) fn refuse_truncated(path: &Path) -> Result<()> {
    let unreadable = |e: io::Error| Error::input(path, format!("cannot be read ({e}); check the path and its permissions")).because(e);
    if !path.is_file() {
        return Ok(());
    }
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let again = "probably an incomplete download; get it again";
    match needed_bytes(&mut BufReader::new(file)) {
        Ok(Some(needed)) if needed > length => {
            Err(Error::input(path, format!("ends before its data: its header describes {needed} bytes, and there are {length}; {again}")))
        }
        Ok(_) => Ok(()),
        Err(e) if e.kind() == ErrorKind::UnexpectedEof => Err(Error::input(path, format!("ends within its NetCDF header; {again}"))),
        Err(e) if e.kind() == ErrorKind::InvalidData => Err(Error::input(path, format!("has a damaged NetCDF header ({e}); {again}"))),
        Err(e) => Err(unreadable(e)),
    }
}

/// A variable as far as it matters.
struct Variable {
    begin: u64,
    /// Bytes of a record, or of the whole where it has none.
    bytes: u64,
    sample: u64,
    has_records: bool,
}

/// The least length of a classic file; none for a file of another kind.
fn needed_bytes(file: &mut (impl Read + Seek)) -> io::Result<Option<u64>> {
    let mut magic = [0; 4];
    if let Err(e) = file.read_exact(&mut magic) {
        return if e.kind() == ErrorKind::UnexpectedEof { Ok(None) } else { Err(e) };
    }
    let version = magic[3];
    if &magic[..3] != b"CDF" || !matches!(version, 1 | 2 | 5) {
        return Ok(None);
    }
    let mut header = Header { file, version };
    let streaming = if version == 5 { u64::MAX } else { u64::from(u32::MAX) };
    let records = header.count()?;
    let lengths = header.list(DIMENSIONS, |header| {
        header.skip_name()?;
        header.count()
    })?;
    header.list(ATTRIBUTES, Header::skip_attribute)?;
    let variables = header.list(VARIABLES, |header| header.variable(&lengths))?;

    let overflow = || damaged("its sizes multiply to more than any file");
    let padded = |bytes: u64| bytes.checked_next_multiple_of(4).ok_or_else(overflow);
    let of_records: Vec<&Variable> = variables.iter().filter(|variable| variable.has_records).collect();
    let record = match of_records[..] {
        // A single variable's records follow each other without padding.
        [only] if only.sample < 4 => only.bytes,
        _ => of_records.iter().try_fold(0u64, |sum, variable| sum.checked_add(padded(variable.bytes)?).ok_or_else(overflow))?,
    };
    // The number of records of a stream is not in its header.
    let records = if records == streaming { 0 } else { records };
    let mut needed = header.file.stream_position()?;
    for variable in variables.iter().filter(|variable| variable.bytes > 0 && (!variable.has_records || records > 0)) {
        let earlier = if variable.has_records { record.checked_mul(records - 1) } else { Some(0) };
        let end = earlier.and_then(|earlier| variable.begin.checked_add(earlier)?.checked_add(variable.bytes));
        needed = needed.max(end.ok_or_else(overflow)?);
    }
    Ok(Some(needed))
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

/// Reads a header from its third field on.
struct Header<'a, F> {
    file: &'a mut F,
    version: u8,
}

impl<F: Read + Seek> Header<'_, F> {
    fn word(&mut self) -> io::Result<u64> {
        let mut bytes = [0; 4];
        self.file.read_exact(&mut bytes)?;
        Ok(u64::from(u32::from_be_bytes(bytes)))
    }

    fn double_word(&mut self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.file.read_exact(&mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }

    /// A length or number of things.
    fn count(&mut self) -> io::Result<u64> {
        if self.version == 5 { self.double_word() } else { self.word() }
    }

    /// A list of things: its tag, how many there are, the things.
    fn list<T>(&mut self, wanted: u64, mut read: impl FnMut(&mut Self) -> io::Result<T>) -> io::Result<Vec<T>> {
        let (tag, count) = (self.word()?, self.count()?);
        if tag != wanted && (tag, count) != (0, 0) {
            return Err(damaged("a list has an unknown tag"));
        }
        // Each thing is read before the next is counted, so that a false count ends at the end of the file.
        (0..count).map(|_| read(self)).collect()
    }

    /// Skips bytes and those that fill up to a multiple of four.
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let padded = bytes.checked_next_multiple_of(4).and_then(|bytes| i64::try_from(bytes).ok());
        self.file.seek_relative(padded.ok_or_else(|| damaged("a text has an impossible length"))?)?;
        Ok(())
    }

    fn skip_name(&mut self) -> io::Result<()> {
        let bytes = self.count()?;
        self.skip(bytes)
    }

    fn skip_attribute(&mut self) -> io::Result<()> {
        self.skip_name()?;
        let bytes = self.sample()?;
        let count = self.count()?;
        self.skip(count.checked_mul(bytes).ok_or_else(|| damaged("an attribute has an impossible length"))?)
    }

    /// Bytes of a sample of the type that comes next.
    fn sample(&mut self) -> io::Result<u64> {
        Ok(match self.word()? {
            1 | 2 | 7 => 1,
            3 | 8 => 2,
            4 | 5 | 9 => 4,
            6 | 10 | 11 => 8,
            _ => return Err(damaged("a variable or attribute has an unknown type")),
        })
    }

    fn variable(&mut self, lengths: &[u64]) -> io::Result<Variable> {
        self.skip_name()?;
        let axes = self.count()?;
        let axes: Vec<u64> = (0..axes).map(|_| self.count()).collect::<io::Result<_>>()?;
        self.list(ATTRIBUTES, Header::skip_attribute)?;
        let sample = self.sample()?;
        // The stored size is too short for large variables, so the axes are asked.
        self.count()?;
        let begin = if self.version == 1 { self.word()? } else { self.double_word()? };
        let mut variable = Variable { begin, bytes: sample, sample, has_records: false };
        for (index, axis) in axes.iter().enumerate() {
            let length = usize::try_from(*axis).ok().and_then(|axis| lengths.get(axis));
            match length.ok_or_else(|| damaged("a variable has an axis that is not there"))? {
                0 if index == 0 => variable.has_records = true,
                length => {
                    let bytes = variable.bytes.checked_mul(*length);
                    variable.bytes = bytes.ok_or_else(|| damaged("its sizes multiply to more than any file"))?;
                }
            }
        }
        Ok(variable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// A file with dimensions t (records) and x = 3, a fixed int16 x, and `records` variables t × x of int16 from byte 1000 on.
    fn file(version: u8, records: u64, of_records: usize) -> Vec<u8> {
        let mut bytes = b"CDF".to_vec();
        bytes.push(version);
        let count = |bytes: &mut Vec<u8>, value: u64| match version {
            5 => bytes.extend(value.to_be_bytes()),
            _ => bytes.extend((value as u32).to_be_bytes()),
        };
        let word = |bytes: &mut Vec<u8>, value: u32| bytes.extend(value.to_be_bytes());
        let name = |bytes: &mut Vec<u8>| {
            count(bytes, 1);
            bytes.extend(b"a\0\0\0");
        };
        count(&mut bytes, records);
        word(&mut bytes, 0x0a);
        count(&mut bytes, 2);
        for length in [0, 3] {
            name(&mut bytes);
            count(&mut bytes, length);
        }
        word(&mut bytes, 0);
        count(&mut bytes, 0);
        word(&mut bytes, 0x0b);
        count(&mut bytes, 1 + of_records as u64);
        for index in 0..=of_records {
            name(&mut bytes);
            let axes: &[u64] = if index == 0 { &[1] } else { &[0, 1] };
            count(&mut bytes, axes.len() as u64);
            axes.iter().for_each(|axis| count(&mut bytes, *axis));
            word(&mut bytes, 0x0c);
            count(&mut bytes, 1);
            name(&mut bytes);
            word(&mut bytes, 3);
            count(&mut bytes, 1);
            word(&mut bytes, 7 << 16);
            word(&mut bytes, 3);
            count(&mut bytes, 8);
            let begin = if index == 0 { 900 } else { 1000 + 8 * (index as u64 - 1) };
            if version == 1 { word(&mut bytes, begin as u32) } else { bytes.extend(begin.to_be_bytes()) }
        }
        bytes
    }

    fn needed(bytes: Vec<u8>) -> Option<u64> {
        needed_bytes(&mut Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn lengths_follow_from_headers() {
        for version in [1, 2, 5] {
            assert_eq!(needed(file(version, 0, 2)), Some(906), "no records");
            assert_eq!(needed(file(version, 5, 2)), Some(1000 + 4 * 16 + 8 + 6), "two variables: each record of 6 bytes is padded to 8");
            assert_eq!(needed(file(version, 5, 1)), Some(1000 + 4 * 6 + 6), "one variable: no padding");
            let streaming = if version == 5 { u64::MAX } else { u64::from(u32::MAX) };
            assert_eq!(needed(file(version, streaming, 2)), Some(906), "unknown records");
        }
        assert_eq!(needed(b"\x89HDF\r\n\x1a\n".to_vec()), None);
        assert_eq!(needed(b"CD".to_vec()), None);
    }

    #[test]
    fn broken_headers_are_errors() {
        let whole = file(2, 5, 2);
        for length in 4..whole.len() {
            let error = needed_bytes(&mut Cursor::new(&whole[..length])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{length}");
        }
        for (at, byte) in [(11, 0x77), (12, 0xff), (19, 0xff)] {
            let mut broken = whole.clone();
            broken[at] = byte;
            assert!(needed_bytes(&mut Cursor::new(broken)).is_err(), "{at}");
        }
    }
}
