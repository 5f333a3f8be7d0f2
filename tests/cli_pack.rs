//! `meltcore pack` as a process: GeoTIFFs on the grid, what it refuses, and restarts after `kill -9`. Its rasters of other kinds
//! are in `packing/`.

mod trials;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::time::{Duration, Instant};

use meltcore::data::geotags::{GeoTag, GeoTags};
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;

fn command(like: &Path, out: &Path, arguments: &[&str], sources: &[PathBuf]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    command.args(["pack", "--like"]).arg(like).arg("--out").arg(out).args(arguments).args(sources);
    command
}

fn pack(like: &Path, out: &Path, arguments: &[&str], sources: &[PathBuf]) -> Output {
    command(like, out, arguments, sources).output().unwrap()
}

fn notes(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn packed(like: &Path, out: &Path, arguments: &[&str], sources: &[PathBuf]) -> String {
    let done = pack(like, out, arguments, sources);
    assert_eq!(done.status.code(), Some(0), "{}", notes(&done));
    notes(&done)
}

/// A file of `tests/data/tiff`: 12 × 20 pixels with the value row · 20 + col, no-data at 7.
fn tiff(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tiff").join(name)
}

fn bits(path: &Path) -> Vec<u32> {
    // Not observed is not observed, whatever bits a NaN has.
    let number = |value: &f32| if value.is_nan() { f32::NAN.to_bits() } else { value.to_bits() };
    Raster::open(path).unwrap().read_all().unwrap().iter().map(number).collect()
}

/// Names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn every_kind_of_geotiff_becomes_a_mapped_one() {
    let folder = tempfile::tempdir().unwrap();
    let kinds =
        ["float32_big_endian", "float32_deflate3", "float64_lzw3_tiled", "uint8_lzw", "int16_packbits", "int32_lzw2_bigtiff_big_endian"];
    let sources: Vec<PathBuf> = kinds.iter().map(|kind| tiff(&format!("{kind}.tif"))).collect();
    packed(&tiff("float32.tif"), folder.path(), &[], &sources);
    for kind in kinds {
        let raster = Raster::open(folder.path().join(format!("{kind}.tif"))).unwrap();
        assert!(raster.is_mapped() && raster.same_grid(&Raster::open(tiff("float32.tif")).unwrap()), "{kind}");
        assert_eq!(bits(raster.path()), bits(&tiff("float32.tif")), "{kind}");
    }
}

fn units_follow_the_files_own_scale() {
    let folder = tempfile::tempdir().unwrap();
    packed(&tiff("float32.tif"), folder.path(), &["--scale", "2", "--offset", "-10"], &[tiff("int16_scaled.tif")]);
    let values = Raster::open(folder.path().join("int16_scaled.tif")).unwrap().read_all().unwrap();
    for (index, value) in values.iter().enumerate() {
        // Stored with a scale of 0.5 and an offset of -1.
        assert!(if index == 7 { value.is_nan() } else { *value == (index as f32 * 0.5 - 1.0) * 2.0 - 10.0 }, "{index}: {value}");
    }
}

fn real_melt_maps_keep_every_bit(data: &Path) {
    let folder = tempfile::tempdir().unwrap();
    for variable in ["melt", "coarse"] {
        let out = folder.path().join(variable);
        let sources: Vec<PathBuf> = names(&data.join(variable)).iter().step_by(15).map(|name| data.join(variable).join(name)).collect();
        packed(&data.join("dem.tif"), &out, &[], &sources);
        for source in &sources {
            let made = out.join(source.file_name().unwrap());
            assert!(Raster::open(&made).unwrap().is_mapped());
            assert_eq!(bits(&made), bits(source), "{}", source.display());
        }
    }
    packed(&data.join("dem.tif"), folder.path(), &[], &[data.join("dem.tif")]);
    assert_eq!(bits(&folder.path().join("dem.tif")), bits(&data.join("dem.tif")));
}

/// `--like`, `--out`, further arguments, sources, and a part of the message.
type Case<'a> = (&'a Path, &'a Path, &'a [&'a str], &'a [PathBuf], &'a str);

fn what_cannot_be_packed_is_refused_in_one_paragraph() {
    let folder = tempfile::tempdir().unwrap();
    let like = tiff("float32.tif");
    let other = folder.path().join("other.tif");
    write_geotiff(&other, 3, 4, &[1.0; 12], &GeoTags::default()).unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "no raster at all").unwrap();
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    std::fs::copy(&like, taken.join("float32.tif")).unwrap();
    let foreign = folder.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("pack.json"), "{\"files\": 3}").unwrap();
    let out = folder.path().join("out");
    let same = folder.path().join("float32.tif");
    std::fs::copy(&like, &same).unwrap();

    let gdal = cfg!(feature = "gdal");
    let cases: &[Case] = &[
        (&like, &out, &[], &[folder.path().join("absent.tif")], "absent.tif: cannot be read"),
        (&folder.path().join("absent.tif"), &out, &[], std::slice::from_ref(&like), "absent.tif: cannot be opened"),
        (&like, &out, &[], std::slice::from_ref(&other), "has no georeference"),
        (&like, &out, &[], std::slice::from_ref(&text), if gdal { "GDAL cannot open it" } else { "begins with \"no raster at all\"" }),
        (&like, &out, &["--variable", "TT"], std::slice::from_ref(&like), "has no variables"),
        (&like, &out, &["--level", "4"], std::slice::from_ref(&like), "leave --level away"),
        (&like, &out, &["--source-crs", "EPSG:x"], std::slice::from_ref(&like), "EPSG:x"),
        (&like, &out, &[], &[like.clone(), same], "two folders"),
        (&like, &out, &["--scale", "0"], std::slice::from_ref(&like), "--scale 0"),
        (&like, &out, &["--offset", "inf"], std::slice::from_ref(&like), "finite"),
        (&like, &taken, &[], std::slice::from_ref(&like), "that pack did not make"),
        (&like, &foreign, &[], std::slice::from_ref(&like), "no record of pack"),
    ];
    for (like, out, arguments, sources, wanted) in cases {
        let refused = pack(like, out, arguments, sources);
        let said = notes(&refused);
        assert!(refused.status.code() == Some(2) && said.contains(wanted), "{arguments:?} {sources:?}: {said}");
        assert!(!said.contains("panicked") && !said.contains("meltcore pack"), "{said}");
    }
    assert!(!out.exists(), "refused before anything is written");
}

fn finished_files_stay_until_source_or_options_change() {
    let folder = tempfile::tempdir().unwrap();
    let (out, source) = (folder.path().join("out"), folder.path().join("2020_06_01.tif"));
    let like = tiff("float32.tif");
    std::fs::copy(tiff("uint8_lzw.tif"), &source).unwrap();
    let sources = [source.clone()];
    assert!(packed(&like, &out, &[], &sources).contains("1 file(s) written"));
    let made = out.join("2020_06_01.tif");
    let written = std::fs::metadata(&made).unwrap().modified().unwrap();
    assert!(packed(&like, &out, &[], &sources).contains("0 file(s) written, 1 kept"));
    assert_eq!(std::fs::metadata(&made).unwrap().modified().unwrap(), written);

    // A damaged file is made again, as is one whose options or source changed; other files of the folder stay.
    let whole = std::fs::read(&made).unwrap();
    std::fs::write(&made, &whole[..500]).unwrap();
    assert!(packed(&like, &out, &[], &sources).contains("1 file(s) written"));
    assert_eq!(std::fs::read(&made).unwrap(), whole);
    assert!(packed(&like, &out, &["--offset", "1"], &sources).contains("1 file(s) written"));
    assert_ne!(std::fs::read(&made).unwrap(), whole);
    std::fs::copy(tiff("int16_packbits.tif"), &source).unwrap();
    assert!(packed(&like, &out, &["--offset", "1"], &sources).contains("1 file(s) written"));
    assert!(packed(&like, &out, &[], &[tiff("uint8_lzw.tif")]).contains("1 file(s) written"));
    assert_eq!(names(&out), [".pack.lock", "2020_06_01.tif", "pack.json", "uint8_lzw.tif"]);
}

/// A grid of 100 m pixels without a named coordinate system.
fn grid() -> GeoTags {
    let doubles = |tag: u16, values: &[f64]| {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        GeoTag { tag, kind: 12, count: values.len() as u64, bytes }
    };
    GeoTags { tags: vec![doubles(33550, &[100.0, 100.0, 0.0]), doubles(33922, &[0.0, 0.0, 0.0, 5000.0, 7000.0, 0.0])] }
}

fn a_killed_run_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, cols) = (700, 800);
    let sources: Vec<PathBuf> = (1..=28).map(|day| folder.path().join(format!("in/2020_02_{day:02}.tif"))).collect();
    for (index, source) in sources.iter().enumerate() {
        let pixels: Vec<f32> = (0..rows * cols).map(|i| (i * (index + 1)) as f32).collect();
        write_geotiff(source, rows, cols, &pixels, &grid()).unwrap();
    }
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    packed(&sources[0], &whole, &[], &sources);

    let mut running = command(&sources[0], &cut, &["--workers", "1"], &sources).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    let finished = |folder: &Path| names(folder).iter().filter(|name| name.ends_with(".tif")).count();
    while (!cut.is_dir() || finished(&cut) < 3) && started.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(1));
    }
    running.kill().unwrap();
    running.wait().unwrap();
    let done = finished(&cut);
    assert!((3..sources.len()).contains(&done), "{done} files were finished when the process was killed");
    // What is there under its name is whole; what a kill leaves of another is removed by the next run.
    for name in names(&cut).iter().filter(|name| name.ends_with(".tif")) {
        assert_eq!(std::fs::read(cut.join(name)).unwrap(), std::fs::read(whole.join(name)).unwrap(), "{name}");
    }
    std::fs::write(cut.join(".2020_02_28.tif.4194304-7.part"), "half of a map").unwrap();
    let said = packed(&sources[0], &cut, &[], &sources);
    assert!(said.contains(&format!("{} file(s) written, {done} kept", sources.len() - done)), "{said}");
    assert_eq!(names(&cut), names(&whole));
    for name in names(&whole) {
        assert_eq!(std::fs::read(cut.join(&name)).unwrap(), std::fs::read(whole.join(&name)).unwrap(), "{name}");
    }
}

fn main() -> ExitCode {
    let mut trials = trials::trials![
        every_kind_of_geotiff_becomes_a_mapped_one,
        units_follow_the_files_own_scale,
        what_cannot_be_packed_is_refused_in_one_paragraph,
        finished_files_stay_until_source_or_options_change,
        a_killed_run_goes_on_to_the_same_bytes
    ];
    trials.extend([trials::needing_data("real_melt_maps_keep_every_bit", "data/antarctic-melt", real_melt_maps_keep_every_bit)]);
    trials::run(trials)
}
