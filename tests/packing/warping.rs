//! What `pack` does with rasters on other grids, in any build: levels, gaps, edges, a climate model.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use approx::assert_abs_diff_eq;
use libtest_mimic::Trial;
use meltcore::data::Window;
use meltcore::data::ingest::{PackOptions, Packed, Resampling, pack};
use meltcore::data::linear::Linear;
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
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
    PackOptions { like: like.to_owned(), out: out.to_owned(), workers: Some(2), ..PackOptions::default() }
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
fn what_lacks_a_place_is_taken_to_lie_on_the_grid() {
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
        (own.level, own.out) = (Some(0), folder.path().join("level"));
        run(&source, &own).unwrap();
        for out in ["own", "level"] {
            assert!(same(&values(&folder.path().join(out).join(name)), &pixels), "{name} {out}");
        }
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

fn bands_and_codecs_are_read() {
    let folder = tempfile::tempdir().unwrap();
    // The same pixels also where a coordinate system is given, so that positions are computed.
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

fn a_folder_of_either_kind_is_a_source() {
    let folder = tempfile::tempdir().unwrap();
    let (grid, inside) = (folder.path().join("grid.tif"), folder.path().join("in"));
    like(&grid, 4, 5, 100.0);
    std::fs::create_dir(&inside).unwrap();
    // Twice the grid's pixels, so that it is brought onto it; and a variable of a NetCDF file.
    let wide = inside.join("wide.tif");
    like(&wide, 2, 3, 200.0);
    write_geotiff(&wide, 2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], Raster::open(&wide).unwrap().geo()).unwrap();
    std::fs::write(inside.join("notes.txt"), "not a source").unwrap();
    let given = options(&grid, &folder.path().join("out"));
    assert_eq!(run(&inside, &given).unwrap().written, 1);
    assert_eq!(values(&given.out.join("wide.tif"))[..5], [1.0, 1.0, 2.0, 2.0, 3.0]);
    std::fs::remove_file(&wide).unwrap();
    std::fs::copy(root().join("tests/data/netcdf/groups.nc"), inside.join("groups.nc")).unwrap();
    let given = PackOptions { variable: Some("snow".into()), out: folder.path().join("snow"), ..given };
    assert_eq!(run(&inside, &given).unwrap().written, 1);
    assert_eq!(values(&given.out.join("groups_snow.tif")), [4.0; 20]);
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
pub fn no_netcdf4() -> Option<String> {
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
        bands_and_codecs_are_read,
        what_lacks_a_place_is_taken_to_lie_on_the_grid,
        resampling_leaves_missing_pixels_out,
        what_a_source_does_not_reach_has_no_value,
        a_folder_of_either_kind_is_a_source,
        a_window_of_a_scene_of_several_files
    ];
    trials.extend([
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

fn a_window_of_a_scene_of_several_files() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, cols) = (6, 8);
    let like = folder.path().join("like.tif");
    self::like(&like, rows, cols, 30.0);
    let geo = Raster::open(&like).unwrap().geo().clone();
    let value = |band: usize, row: usize, col: usize| (100 * band + 10 * row + col) as f32;
    let write = |name: &str, bands: std::ops::Range<usize>| {
        let pixels: Vec<f32> =
            bands.flat_map(|band| (0..rows).flat_map(move |row| (0..cols).map(move |col| value(band, row, col)))).collect();
        let path = folder.path().join(name);
        write_geotiff(&path, rows, cols, &pixels, &geo).unwrap();
        path
    };
    let (three, one) = (write("three.tif", 1..4), write("one.tif", 4..5));
    let window = Window { row: 2, col: 3, height: 4, width: 5 };
    let given = PackOptions { window: Some(window), scene: Some("east-1".into()), ..options(&one, &folder.path().join("out")) };
    let sources = [three.clone(), one.clone()];
    let packed = pack(&sources, &given, &mut |_| {}).unwrap();
    assert_eq!((packed.written, packed.ranges[3]), (1, Some((423.0, 457.0))));
    assert_eq!(pack(&sources, &given, &mut |_| {}).unwrap().unchanged, 1, "it is not made twice");
    let out = folder.path().join("out/east-1.tif");
    for band in 0..4 {
        let raster = Raster::open_band(&out, band).unwrap();
        let wanted: Vec<f32> = (2..6).flat_map(|row| (3..8).map(move |col| value(band + 1, row, col))).collect();
        assert_eq!(raster.read_all().unwrap(), wanted, "band {band}");
        let (here, there) = (raster.geo().transform().unwrap(), geo.transform().unwrap());
        assert_eq!(here.at(0.0, 0.0), there.at(2.0, 3.0));
    }
    // Another window is another file.
    let moved = PackOptions { window: Some(Window { row: 1, ..window }), ..given.clone() };
    assert_eq!(pack(&sources, &moved, &mut |_| {}).unwrap().written, 1);
    // One band of one file; without a name it is called as its source.
    let single = PackOptions { scene: None, level: Some(1), out: folder.path().join("single"), ..given.clone() };
    pack(std::slice::from_ref(&three), &single, &mut |_| {}).unwrap();
    assert_eq!(Raster::open(folder.path().join("single/three.tif")).unwrap().read_all().unwrap()[0], value(2, 2, 3));
    for (window, level, scene, what) in [
        (Window { width: 6, ..window }, None, "a", "does not lie within the 8 columns and 6 rows"),
        (Window { height: 0, ..window }, None, "a", "does not lie within"),
        (window, Some(9), "a", "--level takes 0 to 2"),
        (window, None, "a/b", "is no name of a file"),
    ] {
        let wrong = PackOptions { window: Some(window), level, scene: Some(scene.into()), ..given.clone() };
        let refused = pack(&sources, &wrong, &mut |_| {}).unwrap_err().to_string();
        assert!(refused.contains(what), "{refused}");
    }
}
