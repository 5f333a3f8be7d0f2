//! Datasets: which files, in which channels, with which values; batches in an order that threads do not change.

use std::path::Path;
use std::sync::Arc;

use super::grid;
use meltcore::config::Config;
use meltcore::data::Window;
use meltcore::data::dataset::{Dataset, HostSample};
use meltcore::data::day::{Day, Split};
use meltcore::data::loader::{Loader, LoaderOptions};
use meltcore::data::tiles::{Crop, CropSampler};
use meltcore::data::writer::write_geotiff;
use meltcore::error::Result;
use meltcore::random::Purpose;

const ROWS: usize = 6;
const COLS: usize = 8;
const DAYS: [&str; 3] = ["2019_07_04.tif", "2017_02_01.tif", "2019_04_30.tif"];

/// Writes a map whose value is `offset` plus the pixel's index, changed by `edit`.
fn map(path: &Path, offset: f32, edit: impl FnOnce(&mut [f32])) {
    let mut pixels: Vec<f32> = (0..ROWS * COLS).map(|i| offset + i as f32).collect();
    edit(&mut pixels);
    write_geotiff(path, ROWS, COLS, &pixels, &grid(0.0, 0.0, 1)).unwrap();
}

/// A small dataset with every variable; pixel 0 of the land mask is ocean.
fn make(root: &Path) {
    for (index, day) in DAYS.iter().enumerate() {
        map(&root.join("melt").join(day), 0.0, |p| p[1] = f32::NAN);
        map(&root.join("pmw").join(day), 1000.0 * (index + 1) as f32, |_| ());
        map(&root.join("mar").join(day), 500.0, |_| ());
        map(&root.join("sar").join(day), 0.0, |p| p[2] = f32::NAN);
    }
    map(&root.join("winter/2017_jan_feb.tif"), 17.0, |_| ());
    map(&root.join("winter/2019_jan_feb.tif"), 19.0, |_| ());
    map(&root.join("dem.tif"), 7.0, |_| ());
    map(&root.join("land.tif"), 0.0, |p| {
        p.fill(1.0);
        p[0] = -1.0;
    });
    std::fs::write(root.join("days.csv"), format!("{}\r\n\n{}\n {} \n", DAYS[0], DAYS[1], DAYS[2])).unwrap();
}

const KEYS: &str = "in_keys: [time_interpolate_sar, mar_wa1, pmw]\nin_keys_static: [landmask, dem]\n\
                    in_keys_aux: [pmw_winter_mean, time_month_idx, time_cos, time_sin]\n";

fn config(root: &Path, more: &str) -> Config {
    let root = root.display();
    let text = format!(
        "model_key: unet\ndata_root: {root}\npath_melt: melt\npath_pmw: pmw\npath_mar_wa1: mar\npath_time_interpolate_sar: sar\n\
         path_pmw_winter_mean: winter\npath_dem: dem.tif\npath_landmask: land.tif\npath_train_split_csv: {root}/days.csv\n\
         path_deploy_split_csv: {root}/days.csv\n{more}"
    );
    Config::from_yaml(&text, "run.yaml", &[]).unwrap()
}

fn message<T>(result: Result<T>) -> String {
    let error = result.err().expect("an error");
    assert_eq!(error.exit_status(), 2);
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

#[test]
fn days_are_parsed_strictly() {
    let day = Day::from_file_name("2020_12_31.tif").unwrap();
    assert_eq!((day.day_of_year(), day.file_name().as_str(), day.winter_file_name().as_str()), (365, "2020_12_31.tif", "2020_jan_feb.tif"));
    for bad in
        ["2019_02_29.tif", "2019_13_01.tif", "2019_00_01.tif", "2019_01_00.tif", "2019-01-01.tif", "2019_01_01", "201９_1_01.tif", ""]
    {
        assert_eq!(Day::from_file_name(bad), None, "{bad}");
    }
    assert_eq!("deploy".parse::<Split>().unwrap(), Split::Deploy);
    assert!(message("tset".parse::<Split>()).contains("test"));
}

#[test]
fn channels_have_one_order_whatever_the_lists_say() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let data = Dataset::open(&config(folder.path(), KEYS), Split::Train).unwrap();
    let order = ["pmw", "mar_wa1", "time_interpolate_sar", "dem", "landmask", "time_sin", "time_cos", "time_month_idx", "pmw_winter_mean"];
    let names: Vec<&str> = data.inputs().iter().map(|input| input.name).collect();
    assert_eq!((names.as_slice(), data.in_channels(), data.scene(0)), (order.as_slice(), 9, [ROWS, COLS]));

    let mut sample = HostSample::default();
    data.read(1, Window { row: 0, col: 0, height: 2, width: 3 }, &mut sample).unwrap();
    let at = |channel| &sample.channels[order.iter().position(|c| *c == channel).unwrap()];
    assert_eq!(at("pmw"), &[2000.0, 2001.0, 2002.0, 2008.0, 2009.0, 2010.0]);
    assert_eq!(at("pmw_winter_mean")[0], 17.0, "the winter of the day's own year");
    assert_eq!(at("time_interpolate_sar"), &[0.0, 1.0, 0.0, 8.0, 9.0, 10.0], "no value is 0");
    assert_eq!(at("landmask"), &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(sample.ocean, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(at("time_month_idx"), &[2.0]);
    // 1 February is day 31 from 0.
    let angle = std::f64::consts::TAU * 31.0 / 360.0;
    assert_eq!((at("time_sin")[0], at("time_cos")[0]), (angle.sin() as f32, angle.cos() as f32));
    assert!(sample.target[1].is_nan() && sample.target[3] == 8.0);
}

#[test]
fn deploy_needs_no_target() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    std::fs::remove_dir_all(folder.path().join("melt")).unwrap();
    let data = Dataset::open(&config(folder.path(), KEYS), Split::Deploy).unwrap();
    let mut sample = HostSample::default();
    data.read(0, Window::whole(ROWS, COLS), &mut sample).unwrap();
    assert!(sample.target.iter().all(|v| *v == 0.0) && sample.ocean[0] == 1.0);
    assert_eq!(data.output_geo(0).unwrap(), grid(0.0, 0.0, 1));
    assert!(message(data.target_raster(0)).contains("deploy"));
    assert!(message(Dataset::open(&config(folder.path(), KEYS), Split::Train)).contains("3 target file(s)"));
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let open = |more: &str| Dataset::open(&config(root, more), Split::Train);
    std::fs::remove_dir_all(root.join("sar")).unwrap();
    let text = message(open(KEYS));
    assert!(text.contains("baseline time-interpolate-sar") && text.contains("3 file(s)") && text.contains(DAYS[0]), "{text}");
    std::fs::remove_file(root.join("winter/2017_jan_feb.tif")).unwrap();
    assert!(message(open("in_keys_aux: [pmw_winter_mean]\n")).contains("2017_jan_feb.tif"));
    assert!(message(open("in_keys: [modis_b1]\n")).contains("path_modis_b1"));
    assert!(message(Dataset::open(&config(root, ""), Split::Val)).contains("path_val_split_csv"));
    for (csv, words) in [("", "no day"), ("2019_07_04\n", "line 1"), ("2019_07_04.tif\n2019_07_04.tif\n", "twice"), ("file\n", "header")] {
        std::fs::write(root.join("days.csv"), csv).unwrap();
        assert!(message(open("")).contains(words), "{csv}");
    }
}

#[test]
fn other_grids_and_nan_inputs_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let pmw = "in_keys: [pmw]\n";
    map(&root.join("pmw").join(DAYS[2]), 0.0, |p| p[40] = f32::NAN);
    let data = Dataset::open(&config(root, pmw), Split::Train).unwrap();
    let mut sample = HostSample::default();
    data.read(2, Window { row: 0, col: 0, height: 5, width: 8 }, &mut sample).unwrap();
    assert!(message(data.read(2, Window::whole(ROWS, COLS), &mut sample)).contains(DAYS[2]));
    let text = message(Dataset::open(&config(root, &format!("{pmw}check_for_invalid_entries: true\n")), Split::Train));
    assert!(text.contains(DAYS[2]) && text.contains("NaN"), "{text}");

    write_geotiff(root.join("pmw").join(DAYS[1]), 2, 2, &[0.0; 4], &grid(0.0, 0.0, 1)).unwrap();
    let data = Dataset::open(&config(root, pmw), Split::Train).unwrap();
    assert!(message(data.read(1, Window::whole(2, 2), &mut sample)).contains("2 rows × 2 columns"));
    write_geotiff(root.join("dem.tif"), ROWS, COLS, &[0.0; ROWS * COLS], &grid(90.0, 0.0, 1)).unwrap();
    assert!(message(Dataset::open(&config(root, "in_keys_static: [dem]\n"), Split::Train)).contains("0.9 pixels"));
}

#[test]
fn batches_do_not_depend_on_threads() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let data = Arc::new(Dataset::open(&config(folder.path(), KEYS), Split::Train).unwrap());
    let draw = |epoch| CropSampler::new(1, epoch, Purpose::Train, 3, data.scene(0), [4, 4]).unwrap().crops();
    let crops: Vec<Crop> = (0..5).flat_map(draw).collect();
    let load = |workers, drop_last| {
        let options = LoaderOptions { batch_size: 4, drop_last, workers, prefetch: 1 };
        Loader::new(data.clone(), crops.clone(), options).unwrap().map(|b| b.unwrap()).collect::<Vec<_>>()
    };
    let one = load(1, false);
    assert_eq!(one.iter().map(|b| b.n).collect::<Vec<_>>(), [4, 4, 4, 3]);
    assert_eq!(load(3, true).len(), 3);
    for (batch, other) in one.iter().zip(load(3, false)) {
        assert_eq!((&batch.channels, &batch.crops, &batch.ocean), (&other.channels, &other.crops, &other.ocean));
        assert_eq!((batch.channels[0].len(), batch.channels[5].len(), batch.target.len()), (batch.n * 16, batch.n, batch.n * 16));
    }
    assert_eq!(one.iter().flat_map(|b| b.crops.clone()).collect::<Vec<_>>(), crops);
    // Dropped half-way, it neither hangs nor panics.
    let mut loader = Loader::new(data.clone(), crops.clone(), LoaderOptions::default()).unwrap();
    assert!(loader.next().unwrap().is_ok() && loader.batches() == 15);
}

#[test]
fn errors_arrive_in_order_and_end_the_iteration() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let data = Arc::new(Dataset::open(&config(folder.path(), "in_keys: [pmw]\n"), Split::Train).unwrap());
    std::fs::write(folder.path().join("pmw").join(DAYS[2]), "no longer a TIFF").unwrap();
    let crops: Vec<Crop> = [0, 1, 2, 0, 1].map(|day| Crop { day, window: Window::whole(ROWS, COLS), number: day }).into();
    let loader = Loader::new(data.clone(), crops, LoaderOptions { workers: 2, ..LoaderOptions::default() }).unwrap();
    let results: Vec<_> = loader.map(|b| b.map(|b| b.days().collect::<Vec<_>>())).collect();
    assert_eq!(results.iter().map(|r| r.is_ok()).collect::<Vec<_>>(), [true, true, false]);
    let outside = vec![Crop { day: 9, window: Window::whole(1, 1), number: 9 }];
    let mut loader = Loader::new(data, outside, LoaderOptions::default()).unwrap();
    assert!(loader.next().unwrap().is_err() && loader.next().is_none());
}
