//! What `pack` does through GDAL, and the stacks and copies that GDAL writes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use approx::assert_abs_diff_eq;
use gdal::Metadata;
use libtest_mimic::Trial;
use meltcore::data::about::{About, BandAbout};
use meltcore::data::day::Day;
use meltcore::data::ingest::{PackOptions, Packed, Resampling, pack};
use meltcore::data::linear::Linear;
use meltcore::data::raster::Raster;
use meltcore::data::stack::{StackMeta, write_cog, write_netcdf, write_zarr};
use meltcore::data::writer::{write_geotiff, write_map};
use meltcore::error::Result;

use crate::trials::{needing, needing_data, trials};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// 12 × 20 pixels of 100 m on EPSG:3413 with the value row · 20 + col, no-data at 7.
pub fn tiff(name: &str) -> PathBuf {
    root().join("tests/data/tiff").join(name)
}

pub fn options(like: &Path, out: &Path) -> PackOptions {
    PackOptions {
        like: like.to_owned(),
        out: out.to_owned(),
        variable: None,
        level: None,
        source_crs: None,
        resampling: Resampling::Nearest,
        unit: Linear::default(),
        dates: Default::default(),
        fill: None,
        workers: Some(2),
    }
}

pub fn run(source: &Path, options: &PackOptions) -> Result<Packed> {
    pack(&[source.to_owned()], options, &mut |_| ())
}

pub fn values(path: &Path) -> Vec<f32> {
    Raster::open(path).unwrap().read_all().unwrap()
}

pub fn same(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()))
}

/// The grid of the sample files with pixels of `size` metres, `rows` × `cols` of them.
pub fn like(path: &Path, rows: usize, cols: usize, size: f64) {
    let mut geo = Raster::open(tiff("float32.tif")).unwrap().geo().clone();
    let scale = geo.tags.iter_mut().find(|tag| tag.tag == 33550).unwrap();
    scale.bytes = [size, size, 0.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    write_geotiff(path, rows, cols, &vec![0.0; rows * cols], &geo).unwrap();
}

/// What lacks a coordinate system, or any place, is taken to lie on a grid of its size, however it is read.
/// What the stacks say of themselves.
fn meta() -> StackMeta {
    let [variable, long_name, units, title, source] =
        ["melt", "surface melt fraction", "1", "Daily maps of surface melt", "meltcore"].map(str::to_owned);
    StackMeta { variable, long_name, units, title, source, attributes: vec![("weights_sha256".into(), "0123abcd".into())] }
}

fn both_ways_take_the_grid_for_what_lacks_a_place() {
    let folder = tempfile::tempdir().unwrap();
    let like = tiff("float32.tif");
    let raster = Raster::open(&like).unwrap();
    let (rows, cols, pixels) = (raster.rows(), raster.cols(), raster.read_all().unwrap());
    let of_place = |tag: u16| [33550, 33922, 34264].contains(&tag);
    for (name, keep) in [("no_crs.tif", of_place as fn(u16) -> bool), ("no_place.tif", |_| false)] {
        let source = folder.path().join(name);
        let mut geo = raster.geo().clone();
        geo.tags.retain(|tag| keep(tag.tag));
        write_geotiff(&source, rows, cols, &pixels, &geo).unwrap();
        let mut own = options(&like, &folder.path().join("own"));
        run(&source, &own).unwrap();
        (own.level, own.out) = (Some(0), folder.path().join("gdal"));
        run(&source, &own).unwrap();
        let [own, gdal] = ["own", "gdal"].map(|out| values(&folder.path().join(out).join(name)));
        assert!(same(&own, &pixels) && same(&gdal, &pixels), "{name}");
    }
    // Elsewhere or of another size it stays refused.
    let mut geo = raster.geo().clone();
    geo.tags.retain(|tag| of_place(tag.tag));
    let source = folder.path().join("smaller.tif");
    write_geotiff(&source, rows - 1, cols, &pixels[cols..], &geo).unwrap();
    let mut other = options(&like, &folder.path().join("other"));
    other.level = Some(0);
    assert!(run(&source, &other).unwrap_err().to_string().contains("no coordinate system"));
}

fn bands_formats_and_codecs_of_gdal_are_read() {
    let folder = tempfile::tempdir().unwrap();
    // As read by the crate itself; through GDAL because a coordinate system is given.
    let mut given = options(&tiff("float32.tif"), &folder.path().join("own"));
    given.source_crs = Some("EPSG:3413".into());
    for resampling in [Resampling::Nearest, Resampling::Bilinear, Resampling::Average] {
        given.resampling = resampling;
        for name in ["int16_packbits.tif", "float64_lzw3_tiled.tif"] {
            run(&tiff(name), &given).unwrap();
            assert!(same(&values(&given.out.join(name)), &values(&tiff("float32.tif"))), "{resampling:?} {name}");
        }
    }
    given.unit = Linear { scale: 2.0, offset: 1.0 };
    run(&tiff("int16_scaled.tif"), &given).unwrap();
    assert_eq!(values(&given.out.join("int16_scaled.tif"))[20..22], [19.0, 20.0]);

    let mut bands = options(&tiff("three_bands.tif"), &folder.path().join("bands"));
    let message = run(&tiff("three_bands.tif"), &bands).unwrap_err().to_string();
    assert!(message.contains("3 of bands") && message.contains("--level"), "{message}");
    bands.level = Some(2);
    assert_eq!(run(&tiff("three_bands.tif"), &bands).unwrap().written, 1);
}

fn resampling_leaves_missing_pixels_out() {
    let folder = tempfile::tempdir().unwrap();
    let (coarse, fine) = (folder.path().join("coarse.tif"), folder.path().join("fine.tif"));
    like(&coarse, 2, 3, 300.0);
    like(&fine, 6, 9, 100.0);
    let (nan, geo) = (f32::NAN, Raster::open(&coarse).unwrap().geo().clone());
    write_geotiff(&coarse, 2, 3, &[1.0, 2.0, 4.0, 7.0, nan, 16.0], &geo).unwrap();

    let mut to_fine = options(&fine, &folder.path().join("out"));
    run(&coarse, &to_fine).unwrap();
    let near = values(&to_fine.out.join("coarse.tif"));
    assert!(same(&near[..9], &[1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 4.0, 4.0, 4.0]) && same(&near[27..33], &[7.0, 7.0, 7.0, nan, nan, nan]));

    to_fine.resampling = Resampling::Bilinear;
    run(&coarse, &to_fine).unwrap();
    let between = values(&to_fine.out.join("coarse.tif"));
    // First row: above the first centres, so constant down the column; 1 to 2 in thirds.
    assert!(same(&between[..2], &[1.0, 1.0]), "{between:?}");
    assert_abs_diff_eq!(between[2], 4.0 / 3.0, epsilon = 1e-6);
    // Row 2, column 2: weights 2/3 and 1/3 both ways, without the fourth neighbour.
    let wanted = (1.0 * 4.0 + 2.0 * 2.0 + 7.0 * 2.0) / 8.0;
    assert_abs_diff_eq!(between[2 * 9 + 2], wanted, epsilon = 1e-6);
    assert!(between[4 * 9 + 4].is_nan() && between.iter().filter(|value| value.is_nan()).count() == 9, "{between:?}");

    let mut to_coarse = options(&coarse, &folder.path().join("means"));
    to_coarse.resampling = Resampling::Average;
    let (rows, cols) = (6, 9);
    let mut pixels: Vec<f32> = (0..rows * cols).map(|i| i as f32).collect();
    pixels[0] = nan;
    write_geotiff(&fine, rows, cols, &pixels, Raster::open(&fine).unwrap().geo()).unwrap();
    run(&fine, &to_coarse).unwrap();
    let means = values(&to_coarse.out.join("fine.tif"));
    assert_abs_diff_eq!(means[0], 90.0 / 8.0, epsilon = 1e-5);
    assert_abs_diff_eq!(means[5], 43.0, epsilon = 1e-5);
}

fn what_a_source_does_not_reach_has_no_value() {
    let folder = tempfile::tempdir().unwrap();
    let (left, right, far) = (folder.path().join("a.tif"), folder.path().join("b.tif"), folder.path().join("far.tif"));
    like(&left, 4, 4, 100.0);
    like(&right, 4, 4, 100.0);
    like(&far, 4, 4, 100.0);
    // The corner of b is 4 pixels further east than that of a, so that each has a half of the grid; far lies elsewhere.
    let moved = |path: &Path, metres: f64| {
        let mut geo = Raster::open(path).unwrap().geo().clone();
        let tie = geo.tags.iter_mut().find(|tag| tag.tag == 33922).unwrap();
        let x = f64::from_le_bytes(tie.bytes[24..32].try_into().unwrap()) + metres;
        tie.bytes[24..32].copy_from_slice(&x.to_le_bytes());
        write_geotiff(path, 4, 4, &[3.0; 16], &geo).unwrap();
    };
    moved(&left, 0.0);
    moved(&right, 400.0);
    moved(&far, 1e6);
    let grid = folder.path().join("grid.tif");
    like(&grid, 4, 8, 100.0);
    let mut given = options(&grid, &folder.path().join("out"));
    given.workers = Some(1);
    // One worker makes all of them one after the other: nothing of a map may be left in the next.
    let packed = pack(&[left, right, far], &given, &mut |_| ()).unwrap();
    let row = |name: &str| values(&given.out.join(name))[..8].to_vec();
    let n = f32::NAN;
    assert!(same(&row("a.tif"), &[3.0, 3.0, 3.0, 3.0, n, n, n, n]), "{:?}", row("a.tif"));
    assert!(same(&row("b.tif"), &[n, n, n, n, 3.0, 3.0, 3.0, 3.0]), "{:?}", row("b.tif"));
    assert!(same(&row("far.tif"), &[n; 8]), "{:?}", row("far.tif"));
    assert_eq!(packed.empty, [given.out.join("far.tif")]);
}

/// Three days of the sample pattern with gaps.
fn days(folder: &Path) -> Vec<(Day, PathBuf)> {
    let geo = Raster::open(tiff("float32.tif")).unwrap().geo().clone();
    let day = |(index, name): (usize, &str)| {
        let mut pixels: Vec<f32> = (0..240).map(|i| (i as f32 / 240.0).powi(index as i32 + 1)).collect();
        pixels[11 * index + 3] = f32::NAN;
        let path = folder.join(name);
        write_geotiff(&path, 12, 20, &pixels, &geo).unwrap();
        (Day::from_file_name(name).unwrap(), path)
    };
    ["2019_12_31.tif", "2020_01_01.tif", "2020_02_29.tif"].into_iter().enumerate().map(day).collect()
}

fn stacks_return_the_maps_that_they_were_made_of() {
    let folder = tempfile::tempdir().unwrap();
    let files = days(folder.path());
    let out = folder.path().join("melt.nc");
    write_netcdf(&files, &out, &meta()).unwrap();
    let mut back = options(&files[0].1, &folder.path().join("back"));
    for (resampling, variable) in [(Resampling::Nearest, None), (Resampling::Bilinear, Some("melt".to_owned()))] {
        (back.resampling, back.variable) = (resampling, variable);
        assert_eq!(run(&out, &back).unwrap().written, 3);
        for (day, path) in &files {
            assert!(same(&values(&back.out.join(day.file_name())), &values(path)), "{day}");
        }
    }
    back.variable = Some("snow".into());
    assert!(run(&out, &back).unwrap_err().to_string().contains("melt"));

    write_zarr(&files, &folder.path().join("melt.zarr"), &meta()).unwrap();
    assert!(folder.path().join("melt.zarr/melt/.zarray").is_file() && folder.path().join("melt.zarr/.zmetadata").is_file());
    assert_eq!(write_zarr(&files, &folder.path().join("melt.zarr"), &meta()).unwrap_err().exit_status(), 4);
    (back.variable, back.out) = (None, folder.path().join("of_zarr"));
    assert_eq!(run(&folder.path().join("melt.zarr"), &back).unwrap().written, 3);
    for (day, path) in &files {
        assert!(same(&values(&back.out.join(day.file_name())), &values(path)), "Zarr {day}");
    }
    let backwards = [files[1].clone(), files[0].clone()];
    assert_eq!(write_netcdf(&backwards, &out, &meta()).unwrap_err().exit_status(), 2);
    assert_eq!(write_netcdf(&[], &out, &meta()).unwrap_err().exit_status(), 2);
    let names: Vec<String> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| !name.contains(".part")), "{names:?}");
}

fn the_calendar_of_a_stack_is_that_of_xarray() {
    let folder = tempfile::tempdir().unwrap();
    let files = days(folder.path());
    let out = folder.path().join("melt.nc");
    write_netcdf(&files, &out, &meta()).unwrap();
    let script = "import sys, netCDF4\nf = netCDF4.Dataset(sys.argv[1])\nt = f['time']\nv = f['melt']\n\
        print(' '.join(d.strftime('%Y-%m-%d') for d in netCDF4.num2date(t[:], t.units, t.calendar)), v.dimensions, v.dtype, v.units, \
        v.long_name, hasattr(f[v.grid_mapping], 'crs_wkt'), f[v.grid_mapping].grid_mapping_name, f.Conventions, v.chunking(), v.filters()['zlib'], f.weights_sha256)\n\
        print(f['x'].units, f['x'][0], f['y'].standard_name, f['y'][0], f['y'][1])";
    let read = Command::new("python3").args(["-c", script]).arg(&out).output().unwrap();
    let said = String::from_utf8(read.stdout).unwrap();
    let wanted = "2019-12-31 2020-01-01 2020-02-29 ('time', 'y', 'x') float32 1 surface melt fraction True polar_stereographic CF-1.8 [1, 12, 20] True 0123abcd\n\
        m 226550.0 projection_y_coordinate -263450.0 -263550.0\n";
    assert_eq!(said, wanted, "{}", String::from_utf8_lossy(&read.stderr));
}

fn cloud_optimized_copies_have_the_same_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let map = folder.path().join("map.tif");
    like(&map, 700, 900, 100.0);
    let geo = Raster::open(&map).unwrap().geo().clone();
    let pixels: Vec<f32> = (0..700 * 900).map(|i| if i % 1001 == 0 { f32::NAN } else { (i % 977) as f32 / 977.0 }).collect();
    let bands = vec![BandAbout { description: "surface melt & more".into(), unit: "1".into() }];
    let (software, day) = ("meltcore 1.2".into(), Day { year: 2019, month: 7, day: 4 });
    let about = About { software, day, bands, items: vec![("TASK", "melt_fraction".into()), ("WEIGHTS_SHA256", "0123".into())] };
    write_map(&map, [700, 900], &pixels, &geo, &about).unwrap();
    let copy = folder.path().join("cog/map.tif");
    write_cog(&map, &copy).unwrap();
    assert!(same(&values(&copy), &pixels) && Raster::open(&copy).unwrap().same_grid(&Raster::open(&map).unwrap()));
    // Both say what they are.
    for file in [&map, &copy] {
        let opened = gdal::Dataset::open(file).unwrap();
        let item = |name: &str| opened.metadata_item(name, "").unwrap_or_default();
        let names = ["DATE", "TASK", "WEIGHTS_SHA256", "TIFFTAG_SOFTWARE", "TIFFTAG_DATETIME", "TIFFTAG_IMAGEDESCRIPTION"];
        let wanted = ["2019-07-04", "melt_fraction", "0123", "meltcore 1.2", "2019:07:04 00:00:00", "surface melt & more, 2019-07-04"];
        assert_eq!(names.map(item), wanted, "{}", file.display());
        let band = opened.rasterband(1).unwrap();
        assert_eq!((band.description().unwrap(), band.unit()), ("surface melt & more".into(), "1".into()), "{}", file.display());
    }
    let opened = gdal::Dataset::open(&copy).unwrap();
    assert_eq!(opened.metadata_item("LAYOUT", "IMAGE_STRUCTURE").as_deref(), Some("COG"));
    assert_eq!(opened.rasterband(1).unwrap().overview_count().unwrap(), 1);
}

const MAR_DATA: &str = "data/mar-greenland";
const MAR: &str = "../shared/data/mar-greenland/MARv3.11.2-ERA5-15km-TT.2020.06.01-10.nc";
const MAR_CRS: &str = "+proj=stere +lat_0=70.5 +lon_0=-40 +R=6371229";

fn pack_mar(out: &Path, workers: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    command.args(["pack", "--like", "../shared/data/helheim/landMask_100m.tif", "--variable", "TT", "--level", "0"]);
    command
        .args(["--source-crs", MAR_CRS, "--resampling", "bilinear", "--workers", workers, "--out"])
        .arg(out)
        .arg(MAR)
        .current_dir(root());
    command
}

fn notes(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn a_killed_climate_model_goes_on_to_the_same_bytes(_: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    let done = pack_mar(&whole, "2").output().unwrap();
    assert!(done.status.success(), "{}", notes(&done));
    let count = |folder: &Path| {
        let names = std::fs::read_dir(folder).map(|names| names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect());
        let names: Vec<String> = names.unwrap_or_default();
        (names.iter().filter(|name| name.ends_with(".tif")).count(), names.iter().filter(|name| name.contains(".part")).count())
    };
    assert_eq!(count(&whole), (9, 0));
    assert!(Raster::open(whole.join("2020_06_01.tif")).unwrap().is_mapped());

    // Killed after the first files, and run again.
    let mut running = pack_mar(&cut, "1").stderr(std::process::Stdio::null()).spawn().unwrap();
    let started = std::time::Instant::now();
    while count(&cut).0 < 2 && started.elapsed().as_secs() < 120 {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    running.kill().unwrap();
    running.wait().unwrap();
    assert!((2..9).contains(&count(&cut).0), "{:?}", count(&cut));
    let done = pack_mar(&cut, "2").output().unwrap();
    assert!(done.status.success() && notes(&done).contains("kept from before"), "{}", notes(&done));
    assert_eq!(count(&cut), (9, 0));
    for entry in std::fs::read_dir(&whole).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(std::fs::read(whole.join(&name)).unwrap() == std::fs::read(cut.join(&name)).unwrap(), "{}", name.display());
    }
}

/// Why this machine cannot check NetCDF by other means, if it cannot.
fn no_netcdf4() -> Option<String> {
    let found = Command::new("python3").args(["-c", "import netCDF4, numpy"]).output();
    (!found.is_ok_and(|output| output.status.success())).then(|| "no python3 with numpy and netCDF4 is here".into())
}

fn a_climate_model_lands_where_an_independent_interpolation_puts_it() {
    let folder = tempfile::tempdir().unwrap();
    let done = pack_mar(folder.path(), "2").output().unwrap();
    assert!(done.status.success(), "{}", notes(&done));
    let mut check = Command::new("python3");
    check.arg(root().join("tools/check_pack.py")).arg(root().join(MAR)).args(["TT", "0"]).arg(folder.path());
    let checked = check.output().unwrap();
    assert!(checked.status.success(), "{}{}", String::from_utf8_lossy(&checked.stdout), notes(&checked));
}

/// What the independent interpolation needs and this machine lacks.
fn no_climate_model_or_netcdf4() -> Option<String> {
    (!root().join(MAR).is_file()).then(|| format!("{MAR} is absent")).or_else(no_netcdf4)
}

pub fn trials() -> Vec<Trial> {
    let mut trials = trials![
        bands_formats_and_codecs_of_gdal_are_read,
        both_ways_take_the_grid_for_what_lacks_a_place,
        resampling_leaves_missing_pixels_out,
        what_a_source_does_not_reach_has_no_value,
        stacks_return_the_maps_that_they_were_made_of,
        cloud_optimized_copies_have_the_same_pixels
    ];
    trials.extend([
        needing("the_calendar_of_a_stack_is_that_of_xarray", "netcdf4", no_netcdf4, the_calendar_of_a_stack_is_that_of_xarray),
        needing_data("a_killed_climate_model_goes_on_to_the_same_bytes", MAR_DATA, a_killed_climate_model_goes_on_to_the_same_bytes),
        needing(
            "a_climate_model_lands_where_an_independent_interpolation_puts_it",
            "netcdf4",
            no_climate_model_or_netcdf4,
            a_climate_model_lands_where_an_independent_interpolation_puts_it,
        ),
    ]);
    trials
}
