//! The directory at the head of a TIFF file: tags with their values, found without trusting a single number of the file.
//!
//! Source: TIFF 6.0 section 2; the BigTIFF design of libtiff.

use super::BY_PACK;
use super::tags;

/// Directories of more entries do not occur and would only cost time.
const MAX_ENTRIES: u64 = 4096;

/// Numbers of a file in its byte order; every read is checked against the end of the file.
#[derive(Clone, Copy)]
struct Bytes<'a> {
    bytes: &'a [u8],
    little: bool,
}

impl<'a> Bytes<'a> {
    fn slice(&self, offset: u64, len: u64) -> Result<&'a [u8], String> {
        let end = offset.checked_add(len).filter(|&end| end <= self.bytes.len() as u64);
        match end {
            Some(end) => Ok(&self.bytes[offset as usize..end as usize]),
            None => Err(format!(
                "the TIFF header points to byte {} but the file has {}; it is truncated or damaged: copy or download it again",
                offset.saturating_add(len),
                self.bytes.len()
            )),
        }
    }

    /// An unsigned number of `len` ≤ 8 bytes.
    fn unsigned(&self, offset: u64, len: u64) -> Result<u64, String> {
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        let raw = self.slice(offset, len)?;
        Ok(if self.little { raw.iter().rev().fold(0, fold) } else { raw.iter().fold(0, fold) })
    }
}

/// One entry of the directory with its value where it lies.
pub(super) struct Entry<'a> {
    /// Tag number.
    pub tag: u16,
    /// Field type.
    pub kind: u16,
    /// Number of values.
    pub count: u64,
    /// The values in the file's byte order.
    pub value: &'a [u8],
}

/// Bytes of a TIFF field type, and of the number that its byte order applies to.
pub(super) fn field_size(kind: u16) -> Option<(u64, usize)> {
    match kind {
        1 | 2 | 6 | 7 => Some((1, 1)),
        3 | 8 => Some((2, 2)),
        4 | 9 | 11 | 13 => Some((4, 4)),
        5 | 10 => Some((8, 4)),
        12 | 16 | 17 | 18 => Some((8, 8)),
        _ => None,
    }
}

/// The first image file directory of a file.
pub(super) struct Directory<'a> {
    pub entries: Vec<Entry<'a>>,
    source: Bytes<'a>,
    file_len: u64,
    /// Bytes of a count and of an offset.
    lens: [u64; 2],
    /// Where the next directory lies; 0 after the last one.
    next: u64,
}

impl<'a> Directory<'a> {
    /// Finds the first directory of a file and the values of its entries.
    pub fn read(bytes: &'a [u8]) -> Result<Self, String> {
        Directory::read_part(bytes, bytes.len() as u64)
    }

    /// As [`read`](Self::read), from the beginning of a file of `file_len` bytes; fails where that holds too little.
    pub fn read_part(bytes: &'a [u8], file_len: u64) -> Result<Self, String> {
        let not_tiff = || format!("this is not a TIFF file; convert it with {BY_PACK}gdal_translate");
        let little = match bytes.get(..2) {
            Some(b"II") => true,
            Some(b"MM") => false,
            _ => return Err(not_tiff()),
        };
        let source = Bytes { bytes, little };
        // Classic TIFF counts in 2 and 4 bytes, BigTIFF in 8.
        let (first, lens) = match source.unsigned(2, 2)? {
            42 => (source.unsigned(4, 4)?, [2, 4]),
            43 if source.unsigned(4, 2)? == 8 => (source.unsigned(8, 8)?, [8, 8]),
            _ => return Err(not_tiff()),
        };
        Directory::at(source, file_len, first, lens)
    }

    /// The directory after this one; `None` after the last.
    pub fn next(&self) -> Result<Option<Self>, String> {
        if self.next == 0 { Ok(None) } else { Directory::at(self.source, self.file_len, self.next, self.lens).map(Some) }
    }

    /// This directory with some entries in the place of those of the same tags.
    pub fn with<'b>(&'b self, entries: impl Iterator<Item = Entry<'b>>) -> Directory<'b> {
        let mut changed: Vec<Entry<'b>> = entries.collect();
        let kept = self.entries.iter().filter(|entry| !changed.iter().any(|other| other.tag == entry.tag));
        let kept: Vec<Entry<'b>> = kept.map(|entry| Entry { ..*entry }).collect();
        changed.extend(kept);
        Directory { entries: changed, ..*self }
    }

    /// The directory at an offset; `lens` are the bytes of its count and of an offset.
    fn at(source: Bytes<'a>, file_len: u64, first: u64, lens: [u64; 2]) -> Result<Self, String> {
        let [count_len, offset_len] = lens;
        let entry_len = 4 + 2 * offset_len;
        let count = source.unsigned(first, count_len)?;
        if count == 0 || count > MAX_ENTRIES {
            return Err(format!("the TIFF directory claims {count} entries; the file is damaged: copy or download it again"));
        }
        let mut entries = Vec::with_capacity(count as usize);
        for index in 0..count {
            let at = first + count_len + index * entry_len;
            let (tag, kind) = (source.unsigned(at, 2)? as u16, source.unsigned(at + 2, 2)? as u16);
            let count = source.unsigned(at + 4, offset_len)?;
            // Unknown field types are to be skipped (TIFF 6.0, section 2).
            let Some((size, _)) = field_size(kind) else { continue };
            let len = count.checked_mul(size).ok_or_else(|| format!("TIFF tag {tag} claims {count} values; the file is damaged"))?;
            let field = at + 4 + offset_len;
            let value =
                if len <= offset_len { source.slice(field, len)? } else { source.slice(source.unsigned(field, offset_len)?, len)? };
            entries.push(Entry { tag, kind, count, value });
        }
        let end = first + count_len + count * entry_len;
        // Some writers leave the end of the chain away where the file ends.
        let next = if end == file_len { 0 } else { source.unsigned(end, offset_len)? };
        Ok(Directory { entries, source, file_len, lens, next })
    }

    /// Length of the whole file.
    pub fn file_len(&self) -> u64 {
        self.file_len
    }

    /// Byte order of the file.
    pub fn little_endian(&self) -> bool {
        self.source.little
    }

    /// The first entry of a tag.
    pub fn entry(&self, tag: u16) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    /// All values of an unsigned integer tag; empty where it is absent.
    pub fn all(&self, tag: u16) -> Result<Vec<u64>, String> {
        let Some(entry) = self.entry(tag) else { return Ok(Vec::new()) };
        let size = match entry.kind {
            1 => 1,
            3 => 2,
            4 | 13 => 4,
            16 | 18 => 8,
            other => {
                return Err({
                    let name = tags::name(tag);
                    format!("TIFF tag {name} has field type {other}, which holds no unsigned integer; the file is damaged")
                });
            }
        };
        let values = Bytes { bytes: entry.value, little: self.source.little };
        (0..entry.count).map(|index| values.unsigned(index * size, size)).collect()
    }

    /// The first value of an unsigned integer tag.
    pub fn one(&self, tag: u16) -> Result<Option<u64>, String> {
        Ok(self.all(tag)?.first().copied())
    }

    /// The first value of a tag that every image has.
    pub fn required(&self, tag: u16) -> Result<u64, String> {
        self.one(tag)?.ok_or_else(|| format!("TIFF tag {} is missing; the file is damaged or no image", tags::name(tag)))
    }
}
