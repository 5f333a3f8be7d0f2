//! Running means of radar maps against sums by hand, and `meltcore baseline` as a process.

use meltcore::baselines::TimeInterpolateSar;
use meltcore::config::Config;
use meltcore::data::day::Day;
use meltcore::data::geotags::GeoTags;
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use meltcore::synth::georeference::albers;
use std::path::Path;
use std::process::{Command, Output};

const ROWS: usize = 3;
const COLS: usize = 5;
/// Not in order of time, as in a drawn split.
const TRAIN: [&str; 6] = ["2018_07_03", "2018_06_01", "2018_06_13", "2017_06_13", "2018_08_08", "2018_06_25"];

fn geo() -> GeoTags {
    albers(100.0)
}

/// Melt of the n-th train day: n everywhere; day 1 saw nothing in column 1, nobody column 2; column 4 of row 0 is ocean.
fn make(root: &Path) {
    let save = |name: String, pixel: &dyn Fn(usize, usize) -> f32| {
        let pixels: Vec<f32> = (0..ROWS * COLS).map(|i| pixel(i / COLS, i % COLS)).collect();
        write_geotiff(root.join(name), ROWS, COLS, &pixels, &geo()).unwrap();
    };
    for (n, day) in TRAIN.iter().enumerate() {
        save(format!("melt/{day}.tif"), &|_, col| match col {
            1 if n == 1 => f32::NAN,
            2 => f32::NAN,
            _ => n as f32,
        });
    }
    for day in ["2018_06_20", "2019_05_05"] {
        save(format!("melt/{day}.tif"), &|_, _| 99.0);
    }
    save("land.tif".into(), &|row, col| if (row, col) == (0, 4) { -1.0 } else { 1.0 });
    std::fs::write(root.join("train.csv"), TRAIN.map(|day| format!("{day}.tif\n")).concat()).unwrap();
    std::fs::write(root.join("test.csv"), "2019_05_05.tif\n2018_06_20.tif\n2018_06_13.tif\n").unwrap();
    std::fs::write(root.join("deploy.csv"), "2018_06_21.tif\n").unwrap();
    let text = format!(
        "data_root: {0}\npath_melt: melt\npath_landmask: land.tif\npath_train_split_csv: {0}/train.csv\n\
         path_test_split_csv: {0}/test.csv\npath_deploy_split_csv: {0}/deploy.csv\npath_predictions: {0}/maps\npath_deploy: {0}/deployed\n\
         in_keys: [pmw, time_interpolate_sar]\npath_pmw: nowhere\npath_time_interpolate_sar: nowhere\n",
        root.display()
    );
    std::fs::write(root.join("run.yaml"), text).unwrap();
}

fn neighbours(root: &Path, day: &str, previous: usize, posterior: usize) -> Vec<usize> {
    let set = [format!("n_previous_dates={previous}"), format!("n_posterior_dates={posterior}")];
    let baseline = TimeInterpolateSar::new(&Config::load(&root.join("run.yaml"), &set).unwrap()).unwrap();
    baseline.neighbours(&Day::from_file_name(&format!("{day}.tif")).unwrap())
}

#[test]
fn neighbours_go_by_rank_within_the_year() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let of = |day, previous, posterior| neighbours(folder.path(), day, previous, posterior);
    assert_eq!(of("2018_06_20", 1, 1), [2, 5]);
    assert_eq!(of("2018_06_20", 3, 3), [1, 2, 5, 0, 4]);
    assert_eq!(of("2018_06_13", 3, 1), [1, 5], "the day itself is never used");
    assert_eq!(of("2018_08_30", 0, 3), [1, 2, 5, 0, 4], "0 takes all earlier days");
    assert_eq!(of("2018_06_20", 0, 0), [1, 2], "0 takes no later days");
    assert_eq!(of("2018_01_01", 2, 2), [1, 2]);
    assert_eq!(of("2017_06_13", 3, 3), [0; 0]);
    assert_eq!(of("2019_05_05", 3, 3), [0; 0]);
}

fn baseline(root: &Path, arguments: &[&str]) -> Output {
    let config = root.join("run.yaml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    command.args(["baseline", arguments[0], "--config"]).arg(config).args(&arguments[1..]).output().unwrap()
}

fn pixels(path: &Path) -> Vec<f32> {
    let raster = Raster::open(path).unwrap();
    assert_eq!(raster.geo(), &geo());
    raster.read_all().unwrap()
}

#[test]
fn maps_are_means_over_valid_land() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let done = baseline(root, &["time-interpolate-sar", "--split", "test"]);
    let notes = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{notes}");
    assert!(notes.contains("2019_05_05.tif") && notes.contains("zeros"), "{notes}");
    // Days 1, 2 before and 5, 0, 4 after; column 1 lacks day 1.
    let mut wanted = [[12.0f32 / 5.0, 11.0 / 4.0, 0.0, 12.0 / 5.0, 12.0 / 5.0]; ROWS];
    wanted[0][4] = 0.0;
    let got = pixels(&root.join("maps/2018_06_20.tif"));
    assert_eq!(got, wanted.as_flattened());
    assert_eq!(pixels(&root.join("maps/2019_05_05.tif")), [0.0; ROWS * COLS]);
    assert_eq!(
        std::fs::read_dir(root.join("maps")).unwrap().count(),
        9,
        "three maps with their pictures, their counts, their list and its lock"
    );

    let done =
        baseline(root, &["time_interpolate_sar", "--split", "deploy", "-q", "--set", "n_previous_dates=1", "--set", "n_posterior_dates=0"]);
    assert_eq!((done.status.code(), done.stderr.len()), (Some(0), 0));
    assert_eq!(pixels(&root.join("deployed/2018_06_21.tif"))[..4], [2.0, 2.0, 0.0, 2.0]);
    let done = baseline(root, &["time-interpolate-sar", "--split", "test", "--out", &root.join("here").display().to_string()]);
    assert!(done.status.success() && root.join("here/2018_06_13.tif").is_file());
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let occupied = root.join("land.tif").display().to_string();
    for (arguments, status, wanted) in [
        (&["threshold-pmw", "--split", "test"][..], 2, "path_pmw_winter_mean"),
        (&["time-interpolate-sar", "--fit"], 2, "interpolate-mar"),
        (&["time-interpolate-sar", "--split", "val"], 2, "path_val_split_csv"),
        (&["time-interpolate-sar", "--split", "test", "--set", "path_melt=gone"], 2, "path_melt"),
        (&["time-interpolate-sar", "--split", "test", "--out", &occupied], 4, "land.tif"),
    ] {
        let done = baseline(root, arguments);
        let message = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(status), "{message}");
        assert!(message.contains(wanted), "{message}");
    }
}
