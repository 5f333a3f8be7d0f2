//! The framing of event files, as of TFRecord: length (u64), its checksum, bytes, their checksum, all little-endian.
//!
//! The checksum is CRC-32C (Castagnoli, polynomial 0x1EDC6F41, reflected) rotated right by 15 bits plus 0xa282ead8.
//! Source: "TFRecord and tf.train.Example", <https://www.tensorflow.org/tutorials/load_data/tfrecord>; RFC 3720, appendix B.4.

/// Bytes around those of a record.
const HEAD: usize = 12;
const TAIL: usize = 4;

/// The checksum of each byte alone.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut crc, mut bit) = (byte as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// CRC-32C.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize] ^ (crc >> 8))
}

/// The checksum as files hold it.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Adds a record to `out`.
pub(super) fn append(out: &mut Vec<u8>, record: &[u8]) {
    let length = (record.len() as u64).to_le_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&masked_crc(&length).to_le_bytes());
    out.extend_from_slice(record);
    out.extend_from_slice(&masked_crc(record).to_le_bytes());
}

/// The records of a file, up to the first that is torn or damaged.
pub(super) fn records(mut file: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (record, rest) = first(file)?;
        file = rest;
        Some(record)
    })
}

/// The first record and what follows it.
fn first(file: &[u8]) -> Option<(&[u8], &[u8])> {
    let word = |at: usize| Some(u32::from_le_bytes(*file.get(at..)?.first_chunk()?));
    let length = u64::from_le_bytes(*file.first_chunk()?);
    let end = HEAD.checked_add(usize::try_from(length).ok()?)?;
    let record = file.get(HEAD..end)?;
    let sound = word(8)? == masked_crc(&file[..8]) && word(end)? == masked_crc(record);
    sound.then(|| (record, &file[end + TAIL..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_rfc() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn records_come_back_up_to_a_torn_or_damaged_one() {
        let mut file = Vec::new();
        [&b"first"[..], b"", b"third"].into_iter().for_each(|record| append(&mut file, record));
        let read = |file: &[u8]| records(file).map(<[u8]>::to_vec).collect::<Vec<_>>();
        assert_eq!(read(&file), [&b"first"[..], b"", b"third"]);
        let third = 2 * (HEAD + TAIL) + 5;
        for end in third..file.len() {
            assert_eq!(read(&file[..end]).len(), 2, "{end}");
        }
        for at in third..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 0x40;
            assert_eq!(read(&damaged).len(), 2, "{at}");
        }
    }
}
