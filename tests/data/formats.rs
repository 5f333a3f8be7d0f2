//! Every kind of GeoTIFF that the dataset's layout allows reads to the same pixels and the same grid.

use super::{grid, tiff};
use approx::assert_abs_diff_eq;
use meltcore::data::Window;
use meltcore::data::raster::Raster;

const READABLE: [&str; 11] = [
    "float32",
    "float32_big_endian",
    "float32_tiled",
    "float32_deflate3",
    "float64_lzw3_tiled",
    "float64_deflate2_bigtiff",
    "uint8_lzw",
    "uint16_deflate2_tiled_big_endian",
    "int16_packbits",
    "int32_lzw2_bigtiff_big_endian",
    "uint32_deflate",
];

fn is_expected(row: usize, col: usize, value: f32) -> bool {
    let expected = row * 20 + col;
    if expected == 7 { value.is_nan() } else { value == expected as f32 }
}

#[test]
fn all_kinds_read_alike() {
    for name in READABLE {
        let raster = Raster::open(tiff(&format!("{name}.tif"))).unwrap();
        assert_eq!((raster.rows(), raster.cols()), (12, 20), "{name}");
        let all = raster.read_all().unwrap();
        assert!(all.iter().enumerate().all(|(i, &v)| is_expected(i / 20, i % 20, v)), "{name}: {all:?}");
        assert!(raster.has_nan().unwrap(), "{name}");
        // A window that crosses the tiles' edges at row and column 16.
        let window = Window { row: 0, col: 5, height: 11, width: 14 };
        let mut out = vec![0.0; window.pixels()];
        raster.read_window(window, &mut out).unwrap();
        assert!(out.iter().enumerate().all(|(i, &v)| is_expected(i / 14, 5 + i % 14, v)), "{name}: {out:?}");
        let transform = raster.geo().transform().unwrap();
        assert_eq!(transform.pixel_centre(2, 1), (226650.0, -263650.0), "{name}");
    }
}

#[test]
fn only_uncompressed_native_float32_is_mapped() {
    for name in READABLE {
        let raster = Raster::open(tiff(&format!("{name}.tif"))).unwrap();
        let native = if cfg!(target_endian = "little") { ["float32", "float32_tiled"].as_slice() } else { &["float32_big_endian"] };
        assert_eq!(raster.is_mapped(), native.contains(&name), "{name}");
    }
}

#[test]
fn big_endian_tags_are_carried_as_little_endian_ones() {
    let (little, big) = (Raster::open(tiff("float32.tif")).unwrap(), Raster::open(tiff("float32_big_endian.tif")).unwrap());
    assert_eq!(little.geo(), big.geo());
    assert!(little.same_grid(&big));
}

/// Valid streams whose buffer is full before the code that ends them, which some readers call damaged. The values are noise;
/// a sum weighted by the pixels' places tells them (computed with numpy from what GDAL reads).
#[test]
fn tiles_of_noise_in_lzw() {
    let raster = Raster::open(tiff("int16_lzw_tiled_noise.tif")).unwrap();
    let pixels = raster.read_all().unwrap();
    let weighted: f64 = pixels.iter().enumerate().map(|(index, value)| (index + 1) as f64 * f64::from(*value)).sum();
    assert_eq!((raster.rows(), raster.cols(), pixels[0], pixels[pixels.len() - 1], weighted), (50, 60, 125.0, 1164.0, 380211000.0));
}

#[test]
fn blocks_never_written_are_no_data() {
    assert!(Raster::open(tiff("sparse.tif")).unwrap().read_all().unwrap().iter().all(|v| v.is_nan()));
}

#[test]
fn other_kinds_are_refused_with_a_cure() {
    for (name, words) in [("three_bands", "gdal_translate -b 1"), ("README.md", "not a TIFF"), ("none", "opened")] {
        let name = if name.contains('.') { name.to_string() } else { format!("{name}.tif") };
        let error = Raster::open(tiff(&name)).unwrap_err();
        assert_eq!(error.exit_status(), 2);
        assert!(error.to_string().contains(words) && error.to_string().contains(&name), "{error}");
    }
    assert!(Raster::open(tiff("")).unwrap_err().to_string().contains("folder"));
}

/// Where GDAL is built in it reads the codecs that the crate does not.
#[test]
fn other_codecs_take_gdal() {
    let read = Raster::open(tiff("zstd.tif"));
    if cfg!(feature = "gdal") {
        let all = read.unwrap().read_all().unwrap();
        assert!(all.len() == 240 && all.iter().enumerate().all(|(i, &v)| is_expected(i / 20, i % 20, v)), "{all:?}");
    } else {
        let error = read.unwrap_err();
        assert!(error.exit_status() == 2 && error.to_string().contains("COMPRESS=DEFLATE"), "{error}");
    }
}

#[test]
fn tie_points_at_pixel_centres_shift_the_origin() {
    let (area, point) = (grid(1000.0, 2000.0, 1), grid(1000.0, 2000.0, 2));
    assert_eq!(area.transform().unwrap().at(0.0, 0.0), (1000.0, 2000.0));
    assert_eq!(point.transform().unwrap().pixel_centre(0, 0), (1000.0, 2000.0));
    assert_abs_diff_eq!(area.misalignment(&point, 10, 10).unwrap(), 0.5f64.hypot(0.5), epsilon = 1e-12);
}

#[test]
fn windows_outside_the_scene_are_refused() {
    let raster = Raster::open(tiff("float32.tif")).unwrap();
    for window in [
        Window { row: 10, col: 0, height: 3, width: 1 },
        Window { row: 0, col: usize::MAX, height: 1, width: 2 },
        Window { row: 0, col: 19, height: 1, width: 2 },
    ] {
        let mut out = vec![0.0; window.pixels()];
        assert!(raster.read_window(window, &mut out).is_err(), "{window:?}");
    }
    assert!(raster.read_window(Window::whole(12, 20), &mut [0.0; 3]).is_err());
    raster.read_window(Window { row: 3, col: 3, height: 2, width: 0 }, &mut []).unwrap();
}

#[test]
fn bands_of_interleaved_and_of_separate_files_are_read_one_by_one() {
    for (name, value) in [
        ("bands_uint8_lzw2.tif", (|at, band| (at % 80 + 80 * band) as f32) as fn(usize, usize) -> f32),
        ("bands_uint16_deflate2_tiled.tif", |at, band| (at + 1000 * band) as f32),
        ("bands_float32_deflate3.tif", |at, band| (at + 1000 * band) as f32),
        ("bands_float32_plain.tif", |at, band| (at + 1000 * band) as f32),
        ("bands_float64_tiled3_big.tif", |at, band| (at + 1000 * band) as f32),
        ("bands_int16_scaled_apart.tif", |at, band| (at + 1000 * band) as f32 * [1.0, 0.5, 2.0][band] + [0.0, -1.0, 3.0][band]),
    ] {
        for band in 0..3 {
            let raster = Raster::open_band(tiff(name), band).unwrap_or_else(|e| panic!("{name}: {e}"));
            let wanted: Vec<f32> = (0..13 * 21).map(|at| value(at, band)).collect();
            assert_eq!(raster.read_all().unwrap(), wanted, "{name}, band {band}");
        }
        assert!(Raster::open_band(tiff(name), 3).unwrap_err().to_string().contains("band 4 is needed"), "{name}");
        assert!(Raster::open(tiff(name)).unwrap_err().to_string().contains("has 3 bands where one is expected"), "{name}");
    }
}
