//! What stands beside a raster or in its later directories: masks, notes, world files, coordinate systems; and files that change.

use std::fs;
use std::path::{Path, PathBuf};

use super::tiff;
use meltcore::data::Window;
use meltcore::data::geotags::GeoTransform;
use meltcore::data::raster::Raster;

const COLS: usize = 20;

/// A file of `tests/data/beside`.
fn made(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/beside").join(name)
}

/// A copy of a file in a folder of its own.
fn copied(file: &Path) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("day.tif");
    fs::copy(file, &copy).unwrap();
    (folder, copy)
}

fn note(raster: &Path, inside: &str) {
    fs::write(raster.with_extension("tif.aux.xml"), format!("<PAMDataset>\n{inside}\n</PAMDataset>\n")).unwrap();
}

fn same(a: f32, b: f32) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

/// Every pixel of a raster, read in whole and through a window, against its value by index.
fn expect(raster: &Raster, wanted: impl Fn(usize) -> f32, what: &str) {
    let all = raster.read_all().unwrap();
    assert!(all.iter().enumerate().all(|(i, v)| same(*v, wanted(i))), "{what}: {all:?}");
    let window = Window { row: 3, col: 4, height: 9, width: 15 };
    let mut out = vec![0.0; window.pixels()];
    raster.read_window(window, &mut out).unwrap();
    assert!(out.iter().enumerate().all(|(i, v)| same(*v, wanted((3 + i / 15) * COLS + 4 + i % 15))), "{what}: {out:?}");
}

fn masked(i: usize) -> f32 {
    if (i / COLS + i % COLS).is_multiple_of(3) { f32::NAN } else { i as f32 }
}

#[test]
fn nothing_is_read_under_a_mask() {
    for name in ["mask_inside", "mask_inside_tiled", "mask_beside"] {
        let raster = Raster::open(made(&format!("{name}.tif"))).unwrap();
        expect(&raster, masked, name);
        assert!(raster.as_slice().is_none_or(|slice| slice[0].is_nan()), "{name}");
    }
    // A mask beside the file counts instead of one inside: here one that masks nothing is put beside.
    let (_folder, copy) = copied(&made("mask_inside.tif"));
    let whole = fs::read(made("mask_beside.tif.msk")).unwrap();
    fs::write(copy.with_extension("tif.msk"), &whole).unwrap();
    expect(&Raster::open(&copy).unwrap(), masked, "beside");
}

#[test]
fn masks_that_cannot_be_used_are_refused() {
    let (_folder, copy) = copied(&made("plain.tif"));
    let mask = copy.with_extension("tif.msk");
    let small = fs::read(made("crs_utm_code.tif")).unwrap();
    let whole = fs::read(made("mask_beside.tif.msk")).unwrap();
    let silent = String::from_utf8_lossy(&whole).contains("INTERNAL_MASK_FLAGS_1");
    assert!(silent, "the fixture says that it is a mask");
    let without = |words: &[u8]| {
        let at = whole.windows(words.len()).position(|part| part == words).unwrap();
        let mut changed = whole.clone();
        changed[at..at + words.len()].fill(b'x');
        changed
    };
    for (bytes, words) in
        [(small, "INTERNAL_MASK_FLAGS_1"), (without(b"INTERNAL_MASK_FLAGS_1"), "INTERNAL_MASK_FLAGS_1"), (b"text".to_vec(), "not a TIFF")]
    {
        fs::write(&mask, bytes).unwrap();
        let error = Raster::open(&copy).unwrap_err();
        assert!(error.exit_status() == 2 && error.to_string().contains(words) && error.to_string().contains(".msk"), "{error}");
    }
    // Of another size.
    let (_other, small) = copied(&made("crs_utm_code.tif"));
    fs::write(small.with_extension("tif.msk"), whole).unwrap();
    let error = Raster::open(&small).unwrap_err().to_string();
    assert!(error.contains("12 rows × 20 columns where the image has 2 × 3"), "{error}");
}

#[test]
fn notes_beside_a_raster_count_before_its_tags() {
    let (_folder, copy) = copied(&made("packed.tif"));
    let raster = Raster::open(&copy).unwrap();
    assert!(raster.is_mapped() && raster.as_slice().is_none());
    expect(&raster, |i| if i == 7 { f32::NAN } else { i as f32 * 0.5 - 1.0 }, "tags");
    note(&copy, "<PAMRasterBand band=\"1\"><NoDataValue>9</NoDataValue><Scale>0.01</Scale><Offset>273.15</Offset></PAMRasterBand>");
    let by_notes = |i: usize| if i == 9 { f32::NAN } else { (i as f64 * 0.01 + 273.15) as f32 };
    expect(&Raster::open(&copy).unwrap(), by_notes, "notes");
    // A scale alone leaves no offset behind, as GDAL has it; other notes change nothing.
    note(&copy, "<PAMRasterBand band=\"1\"><Histograms/><Scale>2</Scale></PAMRasterBand>");
    expect(&Raster::open(&copy).unwrap(), |i| if i == 7 { f32::NAN } else { i as f32 * 2.0 }, "scale alone");
    note(&copy, "<Metadata><MDI key=\"AREA_OR_POINT\">Area</MDI></Metadata>");
    expect(&Raster::open(&copy).unwrap(), |i| if i == 7 { f32::NAN } else { i as f32 * 0.5 - 1.0 }, "other notes");
}

#[test]
fn decoded_rasters_have_notes_too() {
    let (_folder, copy) = copied(&tiff("uint8_lzw.tif"));
    note(&copy, "<PAMRasterBand band=\"1\"><NoDataValue>200</NoDataValue><Scale>0.5</Scale></PAMRasterBand>");
    expect(&Raster::open(&copy).unwrap(), |i| if i == 200 { f32::NAN } else { i as f32 * 0.5 }, "uint8");
}

#[test]
fn rasters_lie_where_notes_and_world_files_put_them() {
    let place = |raster: &Path| Raster::open(raster).unwrap().geo().transform();
    let own = GeoTransform { origin_x: 226500.0, origin_y: -263400.0, col_x: 100.0, row_x: 0.0, col_y: 0.0, row_y: -100.0 };
    let (_folder, copy) = copied(&made("plain.tif"));
    assert_eq!(place(&copy), None);
    for name in ["day.wld", "day.tifw", "day.TFW", "day.tfw"] {
        let file = copy.with_file_name(name);
        fs::write(&file, "100.0\n0.0\n0.0\n-100.0\n226550.0\n-263450.0\n").unwrap();
        assert_eq!(place(&copy), Some(own), "{name}");
        fs::remove_file(file).unwrap();
    }
    // Notes count before tags, tags before a world file.
    note(&copy, "<GeoTransform>7, 0, 2, 8, 3, 0</GeoTransform>");
    let turned = GeoTransform { origin_x: 7.0, origin_y: 8.0, col_x: 0.0, row_x: 2.0, col_y: 3.0, row_y: 0.0 };
    assert_eq!(place(&copy), Some(turned));
    let (_folder, tagged) = copied(&tiff("float32.tif"));
    fs::write(tagged.with_extension("tfw"), "1\n0\n0\n-1\n0\n0").unwrap();
    assert_eq!(place(&tagged), Some(own));
    note(&tagged, "<SRS>EPSG:3031</SRS>");
    assert_eq!(place(&tagged), Some(own));
    let south = Raster::open(made("crs_polar_south.tif")).unwrap();
    assert_eq!(Raster::open(&tagged).unwrap().geo().same_crs(south.geo()), Some(true));
}

#[test]
fn places_that_are_no_grid_are_refused() {
    let error = Raster::open(made("control_points.tif")).unwrap_err();
    assert!(error.exit_status() == 2 && error.to_string().contains("4 ground control point(s)"), "{error}");
    let points = "<GCPList><GCP Pixel=\"0\" Line=\"0\" X=\"1\" Y=\"2\"/><GCP Pixel=\"9\" Line=\"9\" X=\"3\" Y=\"4\"/></GCPList>";
    let band = |inside: &str| format!("<PAMRasterBand band=\"1\">{inside}</PAMRasterBand>");
    for (inside, words) in [
        (points.to_owned(), "2 ground control point(s)"),
        ("<Metadata domain=\"RPC\"/>".into(), "RPC"),
        ("<Metadata domain=\"GEOLOCATION\"/>".into(), "arrays of positions"),
        ("<GeoTransform>1 2 3 4 5 6</GeoTransform>".into(), "GeoTransform is `1 2 3 4 5 6`"),
        (band("<NoDataValue>none</NoDataValue>"), "NoDataValue is `none`"),
        (band("<Scale>1,5,0</Scale>"), "Scale is `1,5,0`"),
        ("<PAM".into(), "no XML"),
    ] {
        let (_folder, copy) = copied(&made("plain.tif"));
        note(&copy, &inside);
        let error = Raster::open(&copy).unwrap_err();
        assert!(error.exit_status() == 2 && error.to_string().contains(words), "{inside}: {error}");
    }
    for (name, content, words) in [
        ("day.tfw", "1\n0\n0\n-1\n5", "5 lines"),
        ("day.tab", "!table", "MapInfo file"),
        ("day_RPC.TXT", "x", "RPC"),
        ("day.RPB", "x", "RPC"),
    ] {
        let (_folder, copy) = copied(&made("plain.tif"));
        fs::write(copy.with_file_name(name), content).unwrap();
        let error = Raster::open(&copy).unwrap_err().to_string();
        assert!(error.contains(words), "{name}: {error}");
    }
}

#[test]
fn systems_are_compared_by_what_they_mean() {
    let systems = [
        ("albers", &["albers_esri"][..]),
        ("polar_code", &["polar_spelt", "polar_esri"]),
        ("polar_south", &[]),
        ("polar_other_meridian", &[]),
        ("utm_code", &["utm_spelt"]),
    ];
    let of = |name: &str| Raster::open(made(&format!("crs_{name}.tif"))).unwrap().geo().clone();
    let all = systems.iter().enumerate().flat_map(|(index, (name, others))| others.iter().chain([name]).map(move |name| (index, *name)));
    let all: Vec<(usize, &str)> = all.collect();
    for (a, name) in &all {
        for (b, other) in &all {
            assert_eq!(of(name).same_crs(&of(other)), Some(a == b), "{name} beside {other}");
        }
        assert_eq!(of(name).same_crs(&Default::default()), Some(true), "{name} beside none");
    }
}

#[test]
fn systems_in_notes_are_compared_too() {
    let esri = "PROJCS[\"x\",GEOGCS[\"GCS_WGS_1984\",DATUM[\"D_WGS_1984\",SPHEROID[\"WGS_1984\",6378137.0,298.257223563]],\
        PRIMEM[\"Greenwich\",0.0],UNIT[\"Degree\",0.0174532925199433]],PROJECTION[\"Stereographic_North_Pole\"],\
        PARAMETER[\"False_Easting\",0.0],PARAMETER[\"False_Northing\",0.0],PARAMETER[\"Central_Meridian\",-45.0],\
        PARAMETER[\"Standard_Parallel_1\",70.0],UNIT[\"Meter\",1.0]]";
    let two = "PROJCRS[\"x\",BASEGEOGCRS[\"WGS 84\",ENSEMBLE[\"World Geodetic System 1984 ensemble\",MEMBER[\"a\"],\
        ELLIPSOID[\"WGS 84\",6378137,298.257223563,LENGTHUNIT[\"metre\",1]]],PRIMEM[\"Greenwich\",0]],CONVERSION[\"y\",\
        METHOD[\"Polar Stereographic (variant B)\"],PARAMETER[\"Latitude of standard parallel\",70,ANGLEUNIT[\"degree\",0.0174532925199433]],\
        PARAMETER[\"Longitude of origin\",-45,ANGLEUNIT[\"degree\",0.0174532925199433]]],CS[Cartesian,2],\
        AXIS[\"easting (X)\",south,LENGTHUNIT[\"metre\",1]]]";
    let code = Raster::open(made("crs_polar_code.tif")).unwrap();
    for (srs, wanted) in [
        (esri.to_owned(), Some(true)),
        (two.to_owned(), Some(true)),
        ("EPSG:3413".into(), Some(true)),
        ("EPSG:3031".into(), Some(false)),
        (esri.replace("-45.0", "-44.0"), Some(false)),
        (esri.replace("\"Meter\",1.0", "\"Kilometer\",1000.0"), Some(false)),
        (two.replace("6378137", "6371229"), Some(false)),
        (two.replace("variant B", "variant Z"), None),
        ("LOCAL_CS[\"somewhere\"]".into(), None),
    ] {
        let (_folder, copy) = copied(&made("plain.tif"));
        note(&copy, &format!("<SRS dataAxisToSRSAxisMapping=\"1,2\">{srs}</SRS>"));
        assert_eq!(Raster::open(&copy).unwrap().geo().same_crs(code.geo()), wanted, "{srs}");
    }
}

/// Words of the error, and what is done to the file.
#[cfg(unix)]
type Change = (&'static str, fn(&Path));

#[cfg(unix)]
#[test]
fn a_file_that_changes_under_a_raster_is_refused() {
    let changes: [Change; 2] = [
        ("has 500 now", |path| fs::File::options().write(true).open(path).unwrap().set_len(500).unwrap()),
        ("was written to", |path| {
            std::thread::sleep(std::time::Duration::from_millis(30));
            let bytes = fs::read(path).unwrap();
            fs::write(path, bytes).unwrap();
        }),
    ];
    for (words, change) in changes {
        let (_folder, copy) = copied(&tiff("float32.tif"));
        let raster = Raster::open(&copy).unwrap();
        raster.read_all().unwrap();
        change(&copy);
        let error = raster.read_all().unwrap_err();
        assert!(error.exit_status() == 2 && error.to_string().contains(words), "{error}");
    }
    // Replaced by renaming: whoever holds the old file reads it to the end.
    let (folder, copy) = copied(&tiff("float32.tif"));
    let raster = Raster::open(&copy).unwrap();
    fs::write(folder.path().join("new"), "something else").unwrap();
    fs::rename(folder.path().join("new"), &copy).unwrap();
    assert_eq!(raster.read_all().unwrap()[30], 30.0);
}

/// Runs itself in a process of its own, which maps a file, cuts it and reads on.
#[cfg(unix)]
#[test]
fn a_mapped_file_that_is_cut_short_ends_with_its_name() {
    const FILE: &str = "MELTCORE_TEST_CUT";
    if let Some(path) = std::env::var_os(FILE) {
        let path = PathBuf::from(path);
        meltcore::data::sigbus::install();
        let map = meltcore::data::mapped::map_file(&path).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        let sum: u64 = map.iter().map(|byte| u64::from(*byte)).sum();
        println!("read on to {sum}");
        std::process::exit(99);
    }
    let (_folder, copy) = copied(&tiff("float32.tif"));
    fs::write(&copy, vec![1u8; 1 << 16]).unwrap();
    let name = "beside::a_mapped_file_that_is_cut_short_ends_with_its_name";
    let child =
        std::process::Command::new(std::env::current_exe().unwrap()).args(["--exact", name, "--nocapture"]).env(FILE, &copy).output();
    let child = child.unwrap();
    let said = String::from_utf8_lossy(&child.stderr);
    assert_eq!(child.status.code(), Some(2), "{said}");
    let wanted = format!("error: {}: was shortened or rewritten while it was read", copy.display());
    assert!(said.contains(&wanted) && said.contains("--no-mmap"), "{said}");
}
