//! Damaged files give an error or pixels, never a panic or more memory than the file can justify.

use super::{grid, tiff};
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const FILES: [&str; 6] = [
    "float32.tif",
    "float32_tiled.tif",
    "float32_deflate3.tif",
    "float64_lzw3_tiled.tif",
    "int16_packbits.tif",
    "int32_lzw2_bigtiff_big_endian.tif",
];

/// Reads whatever can be read.
fn try_all(path: &std::path::Path) {
    if let Ok(raster) = Raster::open(path) {
        assert!(raster.rows() * raster.cols() <= 1 << 27);
        raster.read_all().unwrap();
        raster.geo().transform();
    }
}

#[test]
fn every_truncation_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.tif");
    for name in FILES {
        let bytes = std::fs::read(tiff(name)).unwrap();
        for len in 0..bytes.len() {
            std::fs::write(&path, &bytes[..len]).unwrap();
            try_all(&path);
        }
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let error = Raster::open(&path).unwrap_err().to_string();
        assert!(error.contains("again"), "{name}: {error}");
    }
}

#[test]
fn flipped_bytes_are_survived() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flipped.tif");
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for name in FILES {
        let bytes = std::fs::read(tiff(name)).unwrap();
        for _ in 0..400 {
            let mut damaged = bytes.clone();
            for _ in 0..1 + rng.next_u32() % 3 {
                let at = rng.next_u32() as usize % damaged.len();
                damaged[at] = [0, 0xff, rng.next_u32() as u8][rng.next_u32() as usize % 3];
            }
            std::fs::write(&path, &damaged).unwrap();
            try_all(&path);
        }
    }
}

/// Overwrites the value of a SHORT or LONG entry of a classic little-endian file.
fn set_entry(bytes: &mut [u8], tag: u16, value: u32) {
    let start = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    let count = u16::from_le_bytes(bytes[start..start + 2].try_into().unwrap()) as usize;
    let entry = (0..count).map(|i| start + 2 + 12 * i).find(|&at| bytes[at..at + 2] == tag.to_le_bytes()).unwrap();
    bytes[entry + 2..entry + 4].copy_from_slice(&4u16.to_le_bytes());
    bytes[entry + 8..entry + 12].copy_from_slice(&value.to_le_bytes());
}

#[test]
fn absurd_sizes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("absurd.tif");
    write_geotiff(&path, 3, 4, &[1.0; 12], &grid(0.0, 0.0, 1)).unwrap();
    let good = std::fs::read(&path).unwrap();
    for (tag, value, words) in [
        (256, 0, "0 columns"),
        (257, u32::MAX, "rows"),
        (256, 1 << 28, "48 bytes where 3221225472 are needed"),
        (277, 3, "3 bands"),
        (278, 0, "blocks of 0 rows"),
        (273, u32::MAX, "truncated"),
        (279, 4, "48 are needed"),
    ] {
        let mut bytes = good.clone();
        set_entry(&mut bytes, tag, value);
        std::fs::write(&path, &bytes).unwrap();
        let error = Raster::open(&path).unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains('\n'), "{tag}: {error}");
    }
}
