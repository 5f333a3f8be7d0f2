//! Notes in the header of a safetensors file (`__metadata__`: text by name), in the order of their names.
//!
//! Format: 8 bytes, little-endian, the header's length; the header, JSON padded with spaces to a multiple of 8; the tensors' bytes.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use safetensors::{SafeTensorError, View};
use serde::Deserialize;

/// Bytes of the header's length, and what the header's own is a multiple of.
const UNIT: usize = 8;
/// Bytes of a header at most, as the format's own reader has it.
const LONGEST: u64 = 100_000_000;

/// What is looked for in a header.
#[derive(Deserialize)]
struct Header {
    #[serde(rename = "__metadata__", default)]
    notes: BTreeMap<String, String>,
}

/// The bytes of a safetensors file: those that the crate of that name writes, and always the same for the same notes.
///
/// # Errors
/// Those of the crate.
pub fn encode<V: View>(tensors: Vec<(String, V)>, notes: HashMap<String, String>) -> Result<Vec<u8>, SafeTensorError> {
    // Without tensors (an optimizer's state before its first step) notes would leave a header that no reader takes.
    let notes = if tensors.is_empty() { HashMap::new() } else { notes };
    let bytes = safetensors::serialize(tensors, None)?;
    if notes.is_empty() {
        return Ok(bytes);
    }
    let (length, rest) = bytes.split_at(UNIT);
    let length = length.iter().rev().fold(0, |length: usize, byte| length << 8 | usize::from(*byte));
    let (header, data) = rest.split_at(length);
    let sorted: BTreeMap<String, String> = notes.into_iter().collect();
    let mut with_notes = format!("{{\"__metadata__\":{},", serde_json::to_string(&sorted)?).into_bytes();
    with_notes.extend_from_slice(header.trim_ascii_end().strip_prefix(b"{").unwrap_or(header));
    with_notes.resize(with_notes.len().next_multiple_of(UNIT), b' ');
    let mut file = (with_notes.len() as u64).to_le_bytes().to_vec();
    file.extend(with_notes);
    file.extend_from_slice(data);
    Ok(file)
}

/// The notes of a file, of which no more than the header is read; none where it has none.
///
/// # Errors
/// Where the file cannot be read or does not begin as one of this format.
pub fn read(path: &Path) -> io::Result<BTreeMap<String, String>> {
    of(File::open(path)?)
}

/// As [`read`], of a file's content.
///
/// # Errors
/// Those of [`read`].
pub fn of(mut file: impl Read) -> io::Result<BTreeMap<String, String>> {
    let mut length = [0; UNIT];
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no header of a safetensors file"));
    }
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header)?;
    // Serde would take a list for the fields in their order.
    if header.first() != Some(&b'{') {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no header of a safetensors file"));
    }
    Ok(serde_json::from_slice::<Header>(&header)?.notes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::state_dict::HostTensor;

    #[test]
    fn files_are_those_of_the_crate_with_notes_in_order() {
        let tensor = HostTensor::F32(vec![3], vec![1.0, 2.0, 3.0]);
        let tensors = || vec![("b".to_owned(), &tensor), ("a".to_owned(), &HostTensor::I64(7))];
        let one = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        assert_eq!(encode(tensors(), one.clone()).unwrap(), safetensors::serialize(tensors(), Some(one)).unwrap());
        assert_eq!(encode(tensors(), HashMap::new()).unwrap(), safetensors::serialize(tensors(), None).unwrap());

        let named = |n: usize| (format!("n{n}"), format!("\"{n}\" \u{e9}{}", "x".repeat(n)));
        for count in 2..12 {
            let notes: HashMap<String, String> = (0..count).map(named).collect();
            let bytes = encode(tensors(), notes.clone()).unwrap();
            assert_eq!(bytes, encode(tensors(), (0..count).rev().map(named).collect()).unwrap());
            let read_back = safetensors::SafeTensors::deserialize(&bytes).unwrap();
            assert_eq!(read_back.tensor("b").unwrap().data(), bytemuck::cast_slice::<f32, u8>(&[1.0, 2.0, 3.0]));
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &bytes).unwrap();
            assert_eq!(read(file.path()).unwrap(), notes.into_iter().collect());
        }
    }

    #[test]
    fn what_is_no_such_file_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for bytes in [&b"abc"[..], b"\xff\xff\xff\xff\xff\xff\xff\xff{}", b"\x02\0\0\0\0\0\0\0[]", b"\x09\0\0\0\0\0\0\0{}"] {
            std::fs::write(file.path(), bytes).unwrap();
            // Of a header that ends early what is there may still be whole.
            assert_eq!(read(file.path()).is_ok(), bytes.starts_with(b"\x09"), "{bytes:?}");
        }
    }
}
