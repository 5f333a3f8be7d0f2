//! What a file that no reader knows is, from its first bytes: a web page, a pointer to a file elsewhere, a download that stopped.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes looked at.
const HEAD: u64 = 512;
const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";

/// A clause about the file: "it begins with …"; it never fails.
#[cfg(feature = "gdal")]
pub(crate) fn words(path: &Path) -> String {
    if path.is_dir() {
        return "it is a folder without a GeoTIFF, NetCDF file or Zarr store in it".into();
    }
    match read(path) {
        Ok((head, length)) => fault(&head, length).unwrap_or_else(|| kind(&head)),
        Err(e) => format!("it cannot be read: {e}"),
    }
}

/// A clause about a file that no program could read as it is: a web page, a pointer to a file elsewhere, a download that stopped.
pub(crate) fn fault_of(path: &Path) -> Option<String> {
    let (head, length) = read(path).ok()?;
    fault(&head, length)
}

/// A clause about a file that is neither GeoTIFF nor NetCDF; none for one that may be either.
pub(crate) fn stranger(path: &Path) -> Option<String> {
    let (head, length) = read(path).ok()?;
    let known = [&b"II"[..], b"MM", b"CDF", HDF5].iter().any(|magic| head.starts_with(magic));
    (!known).then(|| fault(&head, length).unwrap_or_else(|| format!("it is neither GeoTIFF nor NetCDF: it begins with {}", shown(&head))))
}

/// The first bytes and the length.
fn read(path: &Path) -> std::io::Result<(Vec<u8>, u64)> {
    let (mut head, file) = (Vec::new(), File::open(path)?);
    let length = file.metadata()?.len();
    file.take(HEAD).read_to_end(&mut head)?;
    Ok((head, length))
}

fn fault(head: &[u8], length: u64) -> Option<String> {
    let start = String::from_utf8_lossy(head).trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']).to_ascii_lowercase();
    let begins = |words: &[&str]| words.iter().any(|word| start.starts_with(word));
    if head.is_empty() {
        return Some("it is empty: an incomplete download? Get it again".into());
    }
    if begins(&["<!doctype html", "<html", "<head"]) || (begins(&["<?xml", "<!--"]) && start.contains("<html")) {
        let begin = shown(head);
        return Some(format!("it begins with {begin}: a web page in place of the file (a page to log in, or an error); download it again"));
    }
    if begins(&["version https://git-lfs.github.com"]) {
        return Some("it is a pointer of Git LFS to the file, not the file; fetch it with `git lfs pull`".into());
    }
    if begins(&["/annex/objects", "../.git/annex", ".git/annex"]) {
        return Some("it is a pointer of git-annex to the file, not the file; fetch it with `git annex get`".into());
    }
    if let Some(wanted) = hdf5_length(head).filter(|wanted| *wanted > length) {
        let lengths = format!("of {wanted} bytes that ends after {length}");
        return Some(format!("it is an HDF5 or NetCDF-4 file {lengths}: an incomplete download? Get it again"));
    }
    let packed: [(&[u8], &str, &str); 5] = [
        (b"\x1f\x8b", "compressed with gzip", "gunzip"),
        (b"BZh", "compressed with bzip2", "bunzip2"),
        (b"\xfd7zXZ\0", "compressed with xz", "unxz"),
        (b"\x28\xb5\x2f\xfd", "compressed with zstd", "unzstd"),
        (b"PK\x03\x04", "a ZIP archive", "unzip"),
    ];
    if let Some((_, what, program)) = packed.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return Some(format!("it is {what}; unpack it first ({program})"));
    }
    head.iter().all(|byte| *byte == 0).then(|| "it begins with zeros: an incomplete download? Get it again".into())
}

/// What a file of no evident fault may be.
#[cfg(feature = "gdal")]
fn kind(head: &[u8]) -> String {
    let like = |what: &str, driver: &str| {
        format!("it begins like {what}: damaged, or this GDAL lacks the driver {driver} (`gdalinfo --formats` lists those that it has)")
    };
    let kinds: [(&[u8], &str, &str); 7] = [
        (b"CDF", "a classic NetCDF file", "netCDF"),
        (HDF5, "HDF5 or NetCDF-4", "netCDF or HDF5"),
        (b"\x0e\x03\x13\x01", "HDF4", "HDF4"),
        (b"GRIB", "GRIB", "GRIB"),
        (b"II", "a TIFF", "GTiff"),
        (b"MM", "a TIFF", "GTiff"),
        (b"\0\0\0\x0cjP", "JPEG 2000", "JP2OpenJPEG"),
    ];
    if head.starts_with(b"CDF\x05") {
        return "it is a CDF-5 file, which GDAL reads only along axes with coordinates; convert it with `nccopy -k nc4`".into();
    }
    match kinds.iter().find(|(magic, ..)| head.starts_with(magic)) {
        Some((_, what, driver)) => like(what, driver),
        None => format!("it begins with {}: an incomplete download, or a format that it does not know", shown(head)),
    }
}

/// The first characters, in quotes.
fn shown(head: &[u8]) -> String {
    let line: String = String::from_utf8_lossy(head).trim_start().chars().take_while(|c| *c != '\n').take(32).collect();
    format!("{line:?}")
}

/// The length that the superblock of an HDF5 file notes (format specification 3.0, section II.A).
fn hdf5_length(head: &[u8]) -> Option<u64> {
    if !head.starts_with(HDF5) {
        return None;
    }
    let (offset_bytes, at) = match *head.get(8)? {
        version @ (0 | 1) => (*head.get(13)?, if version == 0 { 24 } else { 28 } + 16),
        2 | 3 => (*head.get(9)?, 12 + 16),
        _ => return None,
    };
    // Base address and one more come before the end of the file, all of the same width.
    (offset_bytes == 8).then(|| head.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_say_what_a_file_is() {
        let mut hdf5 = HDF5.to_vec();
        hdf5.extend([2, 8, 8, 0]);
        for address in [0, u64::MAX, 12_345] {
            hdf5.extend(address.to_le_bytes());
        }
        for (head, length, wanted) in [
            (&b"\n<!DOCTYPE html>\n<html>"[..], 54, "begins with \"<!DOCTYPE html>\": a web page"),
            (b"<?xml version=\"1.0\"?><html xmlns=", 54, "a web page"),
            (b"version https://git-lfs.github.com/spec/v1\noid", 130, "git lfs pull"),
            (b"/annex/objects/MD5E-s1--1.nc", 28, "git annex get"),
            (b"\x1f\x8b\x08\0", 20, "gunzip"),
            (b"PK\x03\x04", 20, "a ZIP archive; unpack it first (unzip)"),
            (b"\0\0\0\0", 20, "zeros"),
            (b"", 0, "empty"),
            (&hdf5, 10_000, "of 12345 bytes that ends after 10000"),
        ] {
            let words = fault(head, length).unwrap();
            assert!(words.contains(wanted), "{words}");
        }
        for (head, length) in [(&hdf5[..], 12_345), (&hdf5[..9], 9), (b"<Error><Code>AccessDenied", 25), (b"CDF\x01", 4), (b"II*\0", 8)] {
            assert_eq!(fault(head, length), None);
        }
    }

    #[cfg(feature = "gdal")]
    #[test]
    fn other_files_are_described() {
        for (head, wanted) in [
            (&b"CDF\x05\0\0"[..], "CDF-5"),
            (b"CDF\x01\0\0", "lacks the driver netCDF"),
            (b"<Error><Code>AccessDenied", "begins with \"<Error><Code>AccessDenied\""),
            (b"\xff\xfe\x01", "does not know"),
        ] {
            let words = kind(head);
            assert!(words.contains(wanted), "{words}");
        }
    }
}
