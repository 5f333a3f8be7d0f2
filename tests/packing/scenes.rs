//! Scenes of elevations, slopes and radar backscatter, in any build.

use std::path::Path;
use std::process::{Command, Output};

use approx::assert_abs_diff_eq;
use libtest_mimic::Trial;
use meltcore::data::Window;
use meltcore::data::ingest::{PackOptions, Resampling, pack};
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;

use crate::trials::trials;
use crate::warping::{like, options, run, same, values};

/// A raster of `rows` × `cols` pixels of `size` metres with these values.
fn raster(path: &Path, (rows, cols, size): (usize, usize, f64), value: impl Fn(usize, usize) -> f32) {
    like(path, rows, cols, size);
    let geo = Raster::open(path).unwrap().geo().clone();
    let pixels: Vec<f32> = (0..rows * cols).map(|index| value(index / cols, index % cols)).collect();
    write_geotiff(path, rows, cols, &pixels, &geo).unwrap();
}

fn band(path: &Path, band: usize) -> Vec<f32> {
    Raster::open_band(path, band).unwrap().read_all().unwrap()
}

fn slopes_are_those_of_the_surface_also_at_its_edges() {
    let folder = tempfile::tempdir().unwrap();
    let dem = folder.path().join("dem.tif");
    // A plane that rises by 0.3 to the east and falls by 0.4 to the south, with a hole.
    let hole = |row: usize, col: usize| (row, col) == (3, 4);
    let plane = |row: usize, col: usize| 9.0 * col as f32 - 12.0 * row as f32;
    raster(&dem, (7, 9, 30.0), |row, col| if hole(row, col) { f32::NAN } else { plane(row, col) });
    let given = PackOptions { scene: Some("west-1".into()), slope: true, ..options(&dem, &folder.path().join("out")) };
    let packed = run(&dem, &given).unwrap();
    let made = given.out.join("west-1.tif");
    assert_eq!((packed.written, packed.ranges.len()), (1, 2));
    assert!(same(&band(&made, 0), &values(&dem)));
    for (index, slope) in band(&made, 1).into_iter().enumerate() {
        let wanted = 0.5f32.atan().to_degrees();
        assert!(if hole(index / 9, index % 9) { slope.is_nan() } else { (slope - wanted).abs() < 1e-4 }, "{index}: {slope}");
    }
}

/// A window has the slopes that the whole has there: what is around it counts.
fn slopes_of_a_window_are_those_of_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let dem = folder.path().join("dem.tif");
    raster(&dem, (9, 12, 100.0), |row, col| ((row * 37 + col * 53) % 29) as f32 * 11.0);
    let whole = PackOptions { scene: Some("a".into()), slope: true, ..options(&dem, &folder.path().join("whole")) };
    run(&dem, &whole).unwrap();
    let window = Window { row: 2, col: 3, height: 4, width: 5 };
    let part = PackOptions { window: Some(window), out: folder.path().join("part"), ..whole.clone() };
    run(&dem, &part).unwrap();
    for index in 0..2 {
        let mut wanted = vec![0.0; window.pixels()];
        Raster::open_band(whole.out.join("a.tif"), index).unwrap().read_window(window, &mut wanted).unwrap();
        assert!(same(&band(&part.out.join("a.tif"), index), &wanted), "band {index}");
    }
    let two = PackOptions { out: folder.path().join("two"), ..whole };
    let refused = pack(&[dem.clone(), dem], &two, &mut |_| ()).unwrap_err().to_string();
    assert!(refused.contains("--slope takes one band, elevations, and there are 2"), "{refused}");
}

fn decibels_become_linear_before_they_are_averaged() {
    let folder = tempfile::tempdir().unwrap();
    let (fine, coarse) = (folder.path().join("fine.tif"), folder.path().join("coarse.tif"));
    raster(&fine, (2, 4, 100.0), |_, col| [-10.0, -20.0, 0.0, f32::NAN][col]);
    like(&coarse, 1, 2, 200.0);
    let given = PackOptions { from_db: true, resampling: Resampling::Average, ..options(&coarse, &folder.path().join("coarse")) };
    run(&fine, &given).unwrap();
    let means = values(&given.out.join("fine.tif"));
    assert_abs_diff_eq!(means[0], 0.055, epsilon = 1e-7);
    assert_abs_diff_eq!(means[1], 1.0, epsilon = 1e-7);
    // On the grid already; after a factor, in the same folder: another recipe.
    let mut given = PackOptions { from_db: true, ..options(&fine, &folder.path().join("fine")) };
    run(&fine, &given).unwrap();
    assert!(same(&values(&given.out.join("fine.tif"))[..4], &[0.1, 0.01, 1.0, f32::NAN]));
    given.unit.scale = 0.1;
    assert_eq!(run(&fine, &given).unwrap().written, 1);
    assert_abs_diff_eq!(values(&given.out.join("fine.tif"))[0], 10f32.powf(-0.1), epsilon = 1e-6);
}

fn packed(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_meltcore")).arg("pack").args(arguments).current_dir(folder).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn a_scene_has_a_grid_of_its_own_and_says_what_its_bands_look_like() {
    let folder = tempfile::tempdir().unwrap();
    raster(&folder.path().join("red.tif"), (4, 6, 30.0), |row, col| (row * 6 + col) as f32 * 100.0);
    raster(&folder.path().join("vv.tif"), (4, 6, 30.0), |row, col| -20.0 + (row + col) as f32);
    let done = packed(folder.path(), &["--out", "out", "--window", "1,0,4,2", "--scene", "a", "red.tif", "red.tif"]);
    assert!(done.status.success(), "{}", said(&done));
    assert!(said(&done).contains("bands: 100 to 1000; 100 to 1000") && said(&done).contains("--scale 0.0001"), "{}", said(&done));
    let made = Raster::open_band(folder.path().join("out/a.tif"), 1).unwrap();
    assert_eq!((made.rows(), made.cols()), (2, 4));
    let radar = packed(folder.path(), &["--out", "radar", "--scene", "a", "vv.tif"]);
    assert!(said(&radar).contains("decibels") && !said(&radar).contains("reflectances"), "{}", said(&radar));
    let linear = packed(folder.path(), &["--out", "radar", "--scene", "a", "--from-db", "vv.tif"]);
    assert!(linear.status.success() && !said(&linear).contains("give --from-db"), "{}", said(&linear));
    // Several files without a scene have several grids.
    let open = packed(folder.path(), &["--out", "open", "red.tif", "vv.tif"]);
    assert!(open.status.code() == Some(2) && said(&open).contains("name a raster with --like"), "{}", said(&open));
    for (arguments, words) in [
        (&["--out", "o", "--slope", "red.tif"][..], "--scene"),
        (&["--out", "o", "--scene", "a"], "--like"),
        (&["--out", "o", "--window", "1,2,3", "red.tif"], "four whole numbers"),
        (&["--out", "o", "--like", "red.tif", "--scene", "a", "--outlines", "x.gpkg", "red.tif"], "cannot be used with"),
    ] {
        let refused = packed(folder.path(), arguments);
        assert!(refused.status.code() == Some(2) && said(&refused).contains(words), "{arguments:?}: {}", said(&refused));
    }
    #[cfg(not(feature = "gdal"))]
    {
        let outlines = packed(folder.path(), &["--out", "o", "--like", "red.tif", "--scene", "a", "--outlines", "x.gpkg"]);
        assert!(said(&outlines).contains("--outlines takes GDAL, which this build lacks"), "{}", said(&outlines));
    }
}

pub fn trials() -> Vec<Trial> {
    trials![
        slopes_are_those_of_the_surface_also_at_its_edges,
        slopes_of_a_window_are_those_of_the_whole,
        decibels_become_linear_before_they_are_averaged,
        a_scene_has_a_grid_of_its_own_and_says_what_its_bands_look_like
    ]
}
