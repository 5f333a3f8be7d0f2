//! Outputs are whole or absent, and GeoTIFFs carry the georeference of their inputs.

use std::io::Write;

use super::{grid, tiff};
use meltcore::data::geotags::GeoTags;
use meltcore::data::geotiff::Layout;
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use meltcore::files::write_atomically;

#[test]
fn geotiffs_come_back_mapped_aligned_and_equal() {
    let folder = tempfile::tempdir().unwrap();
    // One pixel, less than a strip, several strips with a short last one, rows longer than a strip.
    for (rows, cols) in [(1, 1), (12, 20), (333, 217), (3, 20_000)] {
        let pixels: Vec<f32> = (0..rows * cols).map(|i| if i % 11 == 3 { f32::NAN } else { i as f32 }).collect();
        let path = folder.path().join(format!("new/{rows}_{cols}.tif"));
        let geo = Raster::open(tiff("float32_big_endian.tif")).unwrap().geo().clone();
        write_geotiff(&path, rows, cols, &pixels, &geo).unwrap();
        let raster = Raster::open(&path).unwrap();
        assert_eq!((raster.rows(), raster.cols(), raster.geo()), (rows, cols, &geo));
        assert!(raster.is_mapped());
        let slice = raster.as_slice().expect("aligned and contiguous");
        let bits = |values: &[f32]| -> Vec<u32> { values.iter().map(|v| v.to_bits()).collect() };
        assert_eq!(bits(slice), bits(&pixels));
        assert_eq!(bits(&raster.read_all().unwrap()), bits(&pixels));
        let layout = Layout::parse(&std::fs::read(&path).unwrap(), &path).unwrap();
        assert!(layout.no_data.unwrap().is_f32(f32::NAN) && layout.blocks[0].offset.is_multiple_of(64));
    }
}

#[test]
fn bands_lie_one_after_the_other_and_each_is_mapped() {
    let folder = tempfile::tempdir().unwrap();
    // Several strips a band, with a short last one.
    let (rows, cols) = (333, 217);
    let pixels: Vec<f32> = (0..3 * rows * cols).map(|i| i as f32).collect();
    let path = folder.path().join("map.tif");
    write_geotiff(&path, rows, cols, &pixels, &GeoTags::default()).unwrap();
    for (band, wanted) in pixels.chunks_exact(rows * cols).enumerate() {
        let raster = Raster::open_band(&path, band).unwrap();
        assert_eq!(raster.as_slice().expect("aligned and contiguous"), wanted);
    }
    let refused = |found: meltcore::error::Result<Raster>| found.unwrap_err().to_string();
    assert!(refused(Raster::open_band(&path, 3)).contains("band 4 is needed"));
    assert!(refused(Raster::open(&path)).contains("has 3 bands where one is expected"));
    let single = folder.path().join("single.tif");
    write_geotiff(&single, rows, cols, &pixels[..rows * cols], &GeoTags::default()).unwrap();
    assert_eq!(Raster::open_band(&single, 0).unwrap().read_all().unwrap(), pixels[..rows * cols]);
    assert!(refused(Raster::open_band(&single, 1)).contains("has 1 band(s)"));
    assert!(write_geotiff(&path, rows, cols, &pixels[1..], &GeoTags::default()).is_err());
}

#[test]
fn the_tiff_crate_reads_them_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.tif");
    let pixels: Vec<f32> = (0..333 * 217).map(|i| i as f32).collect();
    write_geotiff(&path, 333, 217, &pixels, &GeoTags::default()).unwrap();
    let mut decoder = tiff::decoder::Decoder::new(std::fs::File::open(&path).unwrap()).unwrap();
    assert_eq!(decoder.dimensions().unwrap(), (217, 333));
    let tiff::decoder::DecodingResult::F32(read) = decoder.read_image().unwrap() else { panic!("no float32") };
    assert_eq!(read, pixels);
}

#[test]
fn a_failed_write_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/table.json");
    write_atomically(&path, |out| out.write_all(b"old")).unwrap();
    let error = write_atomically(&path, |out| {
        out.write_all(b"half")?;
        Err(std::io::Error::other("disk on fire"))
    });
    let error = error.unwrap_err();
    assert_eq!(error.exit_status(), 4);
    assert!(error.to_string().contains("disk on fire"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    let names: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["table.json"]);
}

#[test]
fn unusable_destinations_are_output_errors() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    for path in [folder.path().to_owned(), file.join("under"), "/".into()] {
        let error = write_geotiff(&path, 1, 1, &[0.0], &GeoTags::default()).unwrap_err();
        assert_eq!(error.exit_status(), 4, "{error}");
    }
    let error = write_geotiff(folder.path().join("x.tif"), 2, 2, &[0.0], &grid(0.0, 0.0, 1)).unwrap_err();
    assert_eq!(error.exit_status(), 2, "{error}");
}
