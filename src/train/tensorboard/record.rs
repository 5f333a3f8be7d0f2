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

/// The records of a file, and how many damaged pieces stand between them; a torn end is none.
pub(super) fn records(mut file: &[u8]) -> (Vec<&[u8]>, usize) {
    let (mut found, mut damaged) = (Vec::new(), 0);
    while !file.is_empty() {
        if let Some((record, rest)) = first(file) {
            found.push(record);
            file = rest;
            continue;
        }
        // A length by chance has its checksum once in 2³² places, and its record once in as many more.
        match (1..file.len()).find(|at| length(&file[*at..]).is_some() && first(&file[*at..]).is_some()) {
            Some(next) => {
                damaged += 1;
                file = &file[next..];
            }
            None => {
                // Whole, but with other bytes: damage; cut short: torn.
                damaged += usize::from(length(file).is_some_and(|length| file.len() - HEAD >= length.saturating_add(TAIL)));
                break;
            }
        }
    }
    (found, damaged)
}

/// The length of the record that a file begins with, where its checksum is right.
fn length(file: &[u8]) -> Option<usize> {
    let sound = word(file, 8)? == masked_crc(&file[..8]);
    sound.then(|| usize::try_from(u64::from_le_bytes(*file.first_chunk()?)).ok())?
}

fn word(file: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*file.get(at..)?.first_chunk()?))
}

/// The first record and what follows it.
fn first(file: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = HEAD.checked_add(length(file)?)?;
    let record = file.get(HEAD..end)?;
    (word(file, end)? == masked_crc(record)).then(|| (record, &file[end + TAIL..]))
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
    fn records_come_back_around_a_torn_or_damaged_one() {
        let mut file = Vec::new();
        [&b"first"[..], b"", b"third"].into_iter().for_each(|record| append(&mut file, record));
        let read = |file: &[u8]| {
            let (records, damaged) = records(file);
            (records.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>(), damaged)
        };
        assert_eq!(read(&file), (vec![b"first".to_vec(), b"".to_vec(), b"third".to_vec()], 0));
        let third = 2 * (HEAD + TAIL) + 5;
        for end in third..file.len() {
            let (records, damaged) = read(&file[..end]);
            assert_eq!((records.len(), damaged), (2, 0), "{end}");
        }
        for bit in 0..8 * file.len() {
            let mut bytes = file.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let (records, damaged) = read(&bytes);
            // A last length that is no longer one looks like a torn end.
            let is_last_length = (third..third + HEAD).contains(&(bit / 8));
            assert_eq!((records.len(), damaged), (2, usize::from(!is_last_length)), "bit {bit}");
        }
    }
}
