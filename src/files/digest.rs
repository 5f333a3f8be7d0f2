//! Digests that find damage: whether the bytes of a file are those that were written. They are no proof against intent.
//!
//! Source: XXH3, 128 bits, of the xxHash specification (<https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md>); it runs at the
//! speed of memory, so that guarding a checkpoint costs next to nothing.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use twox_hash::xxhash3_128::Hasher;

/// 128 bits that differ where any byte differs; 32 hexadecimal digits in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Digest(u128);

impl Digest {
    /// The digest of bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Hasher::oneshot(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Digest, String> {
        let digits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let value = digits.then(|| u128::from_str_radix(&text, 16).ok()).flatten();
        value.map(Digest).ok_or_else(|| format!("`{text}` is no digest of 32 hexadecimal digits"))
    }
}

/// FNV-1a, 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>): of few bytes, and where files of earlier versions have it.
pub fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The digest of a whole file, and its length in bytes.
///
/// # Errors
/// Whatever reading gives.
pub fn digest_of_file(path: &Path) -> io::Result<(Digest, u64)> {
    let mut file = File::open(path)?;
    let (mut hasher, mut buffer, mut bytes) = (Hasher::new(), vec![0; 1 << 18], 0);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((Digest(hasher.finish_128()), bytes)),
            Ok(len) => {
                hasher.write(&buffer[..len]);
                bytes += len as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_digest_of_its_bytes_and_every_bit_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let mut bytes: Vec<u8> = (0..600_000u32).map(|i| (i * 7 + i / 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(digest_of_file(&path).unwrap(), (Digest::of(&bytes), 600_000));
        let whole = Digest::of(&bytes);
        for bit in [0, 4_000_007, 4_799_999] {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(Digest::of(&bytes), whole, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        // Of the specification: the digest of nothing.
        assert_eq!(Digest::of(b"").to_string(), "99aa06d3014798d86001c324468d497f");
    }

    /// Of the test vectors of its authors.
    #[test]
    fn fnv1a_as_published() {
        let digests = ["", "a", "foobar"].map(|text| fnv1a(text.bytes()));
        assert_eq!(digests, [0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c, 0x8594_4171_f739_67e8]);
    }

    #[test]
    fn digests_survive_json_and_others_are_refused() {
        let digest = Digest::of(b"ice");
        assert_eq!(serde_json::from_str::<Digest>(&serde_json::to_string(&digest).unwrap()).unwrap(), digest);
        for text in ["\"\"", "\"99aa\"", "\"zzaa06d3014798d86001c324468d497f\"", "\"+9aa06d3014798d86001c324468d497f\"", "7"] {
            assert!(serde_json::from_str::<Digest>(text).is_err(), "{text}");
        }
    }
}
