//! Outputs are whole or absent, and GeoTIFFs carry the georeference of their inputs.

use std::io::Write;

use super::{grid, tiff};
use meltcore::data::about::{About, BandAbout};
use meltcore::data::day::Day;
use meltcore::data::geotags::GeoTags;
use meltcore::data::geotiff::Layout;
use meltcore::data::raster::Raster;
use meltcore::data::writer::{is_map, write_geotiff, write_map};
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

/// What a map of melt says; the software's version aside it is always the same.
fn about(software: &str, day: u8) -> About {
    let bands = vec![BandAbout { description: "snow & <ice>".into(), unit: "kg m\u{207b}²".into() }];
    About {
        software: software.into(),
        day: Day { year: 2019, month: 7, day, ..Day::UNDATED },
        bands,
        items: vec![("TASK", "melt\u{0}_fraction".into()), ("WEIGHTS_SHA256", "0123".into())],
    }
}

#[test]
fn maps_say_what_they_are_and_hold_the_same_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let (map, plain) = (folder.path().join("map.tif"), folder.path().join("plain.tif"));
    let (scene, geo) = ([333, 217], Raster::open(tiff("float32.tif")).unwrap().geo().clone());
    for bands in [1, 2] {
        let pixels: Vec<f32> = (0..bands * scene[0] * scene[1]).map(|i| if i % 11 == 3 { f32::NAN } else { i as f32 }).collect();
        write_map(&map, scene, &pixels, &geo, &about("meltcore 1.2", 4)).unwrap();
        write_geotiff(&plain, scene[0], scene[1], &pixels, &geo).unwrap();
        let bytes = std::fs::read(&map).unwrap();
        // What stands before the pixels is all that differs.
        let pixel_bytes = 4 * pixels.len();
        assert_eq!(bytes[bytes.len() - pixel_bytes..], std::fs::read(&plain).unwrap()[bytes_before(&plain, pixel_bytes)..]);
        let mut decoder = tiff::decoder::Decoder::new(std::fs::File::open(&map).unwrap()).unwrap();
        let mut text = |tag: u16| decoder.get_tag_ascii_string(tiff::tags::Tag::from_u16_exhaustive(tag)).unwrap();
        assert_eq!(text(270), "snow & <ice>, 2019-07-04");
        assert_eq!((text(305), text(306)), ("meltcore 1.2".into(), "2019:07:04 00:00:00".into()));
        let xml = text(42112);
        let document = roxmltree::Document::parse(&xml).unwrap();
        let items = document.root_element().children().filter(|node| node.is_element());
        let found: Vec<_> = items
            .map(|item| (item.attribute("name").unwrap(), item.attribute("sample"), item.attribute("role"), item.text().unwrap()))
            .collect();
        let wanted = [
            ("DATE", None, None, "2019-07-04"),
            ("TASK", None, None, "melt _fraction"),
            ("WEIGHTS_SHA256", None, None, "0123"),
            // GDAL reads what XML says once more as XML.
            ("DESCRIPTION", Some("0"), Some("description"), "snow &amp; &lt;ice&gt;"),
            ("UNITTYPE", Some("0"), Some("unittype"), "kg m\u{207b}²"),
        ];
        assert_eq!(found, wanted);
        // It reads as before, with nothing to say of its metadata.
        for band in 0..bands {
            let raster = Raster::open_band(&map, band).unwrap();
            assert_eq!((raster.as_slice().is_some(), raster.geo()), (true, &geo));
        }
        if bands == 1 {
            let layout = Layout::parse(&bytes, &map).unwrap();
            assert!(layout.notes.is_empty() && layout.unscale.is_identity() && layout.blocks[0].offset.is_multiple_of(64));
        }
        // The same map of another version is the same map; one of other pixels, of another day, of another place is not.
        let mut others = pixels.clone();
        others[7] = -1.0;
        let is = |pixels: &[f32], geo: &GeoTags, day| is_map(&map, scene, pixels, geo, &about("meltcore 9.9", day)).unwrap();
        assert!(is(&pixels, &geo, 4));
        assert!(!is(&others, &geo, 4) && !is(&pixels, &geo, 5) && !is(&pixels, &GeoTags::default(), 4));
        assert!(!is_map(&plain, scene, &pixels, &geo, &about("meltcore 9.9", 4)).unwrap());
        std::fs::OpenOptions::new().append(true).open(&map).unwrap().write_all(&[0]).unwrap();
        assert!(!is(&pixels, &geo, 4), "a byte too many");
    }
}

/// How many bytes of a file come before its last ones.
fn bytes_before(path: &std::path::Path, last: usize) -> usize {
    std::fs::metadata(path).unwrap().len() as usize - last
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
