//! `meltcore split` and `meltcore stats` as processes: membership of the lists, statistics against naive sums, winter means.

mod trials;

use approx::{assert_abs_diff_eq, relative_eq};
use meltcore::config::Config;
use meltcore::data::complete::Season;
use meltcore::data::day::Day;
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use meltcore::synth::georeference::albers;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, ExitCode, Output};

const ROWS: usize = 5;
const COLS: usize = 7;
const DAYS_OF_MONTH: [u8; 7] = [1, 5, 9, 13, 17, 30, 31];

/// Every day of the made data: April to June and September of three years.
fn days() -> Vec<Day> {
    let months = (2016..=2018).flat_map(|year| [4, 5, 6, 9].map(move |month| (year, month)));
    let days = months.flat_map(|(year, month)| DAYS_OF_MONTH.map(move |day| Day { year, month, day, ..Day::UNDATED }));
    days.filter(|day| Day::from_file_name(&day.file_name()).is_some()).collect()
}

fn save(root: &Path, name: &str, pixels: &[f32]) {
    write_geotiff(root.join(name), ROWS, COLS, pixels, &albers(100.0)).unwrap();
}

/// A pixel of a variable on its n-th day.
fn pixel(offset: f32, n: usize, i: usize) -> f32 {
    offset + ((n * 37 + i * 11) % 101) as f32 / 100.0
}

/// Targets on all days but September 2018; `mar_wa1` lacks 5 May 2017; `pmw` has NaN on 9 May 2017; the first column is ocean.
fn make(root: &Path) {
    let field = |offset: f32, n: usize| (0..ROWS * COLS).map(|i| pixel(offset, n, i)).collect::<Vec<f32>>();
    for (n, day) in days().iter().enumerate() {
        let name = day.file_name();
        let mut melt = field(0.0, n);
        melt[n % (ROWS * COLS)] = f32::NAN;
        if (day.year, day.month) != (2018, 9) {
            save(root, &format!("melt/{name}"), &melt);
        }
        if name != "2017_05_05.tif" {
            save(root, &format!("mar/{name}"), &field(0.01, n));
        }
        let mut pmw = field(2e5, n);
        if name == "2017_05_09.tif" {
            pmw[3] = f32::NAN;
        }
        save(root, &format!("pmw/{name}"), &pmw);
    }
    save(root, "dem.tif", &field(1000.0, 1));
    save(root, "land.tif", &(0..ROWS * COLS).map(|i| if i % COLS == 0 { -1.0 } else { 1.0 }).collect::<Vec<_>>());
    std::fs::write(root.join("melt/notes.txt"), "no day").unwrap();
    let text = format!(
        "data_root: {0}\npath_melt: melt\npath_mar_wa1: mar\npath_pmw: pmw\npath_dem: dem.tif\npath_landmask: land.tif\n\
         path_time_interpolate_sar: made_later\npath_pmw_winter_mean: winter\nin_keys: [pmw, mar_wa1, time_interpolate_sar]\n\
         in_keys_static: [dem]\nin_keys_aux: [time_month_idx]\nmax_mar_wa1: 0.5\n\
         path_train_split_csv: {0}/lists/train.csv\npath_val_split_csv: {0}/lists/val.csv\npath_test_split_csv: {0}/lists/test.csv\n\
         path_deploy_split_csv: {0}/lists/deploy.csv\npath_all_split_csv: {0}/lists/all.csv\n\
         deploy_start_time: '2017_04_01'\ndeploy_end_time: '2018_09_30'\nsplit_cfg: stratified_time\nn_imgs_per_month: 2\n",
        root.display()
    );
    std::fs::write(root.join("run.yaml"), text).unwrap();
}

fn meltcore(root: &Path, words: &str) -> Output {
    let (command, more) = words.split_once(' ').unwrap_or((words, ""));
    let mut process = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    let arguments = more.split_whitespace().map(|word| word.replace("ROOT", &root.display().to_string()));
    process.arg(command).arg("--config").arg(root.join("run.yaml")).args(arguments).output().unwrap()
}

fn notes(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn succeeds(root: &Path, words: &str) -> (String, String) {
    let done = meltcore(root, words);
    assert_eq!(done.status.code(), Some(0), "{words}: {}", notes(&done));
    (String::from_utf8_lossy(&done.stdout).into_owned(), notes(&done))
}

fn list(root: &Path, name: &str) -> Vec<Day> {
    let text = std::fs::read_to_string(root.join(name)).unwrap();
    text.lines().map(|line| Day::from_file_name(line).unwrap()).collect()
}

fn stratified_lists_follow_the_rule() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let (table, said) = succeeds(root, "split");
    assert!(said.contains("1 day(s) with a target lack the input `mar_wa1`") && said.contains("2017_05_05.tif"), "{said}");
    assert!(said.contains("path_eval_split_csv") && said.contains("check_for_invalid_entries"), "{said}");
    assert!(table.starts_with("split   year  Apr  May  Jun  Sep  days"), "{table}");
    let of = |name: &str| list(root, &format!("lists/{name}.csv"));
    let (train, val, test, all) = (of("train"), of("val"), of("test"), of("all"));
    let wanted: Vec<Day> = days().into_iter().filter(|d| (d.year, d.month) != (2018, 9) && d.file_name() != "2017_05_05.tif").collect();
    assert_eq!(all, wanted, "complete days with a target, in order of time");
    let mut together = [train.clone(), val.clone(), test.clone()].concat();
    together.sort();
    assert_eq!(together, all, "each day in one list");
    for (year, month) in all.iter().map(|day| (day.year, day.month)).collect::<BTreeSet<_>>() {
        let count = |days: &[Day]| days.iter().filter(|day| (day.year, day.month) == (year, month)).count();
        let drawn = if year == 2016 { 0 } else { 2 };
        assert_eq!((count(&test), count(&val)), (drawn, drawn), "{year} {month}");
    }
    for days in [&train, &val, &test] {
        assert!(days.is_sorted());
    }

    // The same seed draws the same, in whatever folder; another seed does not.
    succeeds(root, "split --out ROOT/again");
    for name in ["train", "val", "test", "all", "deploy"] {
        assert_eq!(of(name), list(root, &format!("again/{name}.csv")));
    }
    let eval = list(root, "again/eval.csv");
    assert!(eval.len() == 3 && eval.iter().all(|day| val.contains(day)));
    succeeds(root, "split --out ROOT/other --set seed=43");
    assert_ne!(test, list(root, "other/test.csv"));
    // One month's days have no effect on the draw of another.
    std::fs::remove_file(root.join("melt/2018_04_05.tif")).unwrap();
    succeeds(root, "split --out ROOT/less");
    let others = |days: Vec<Day>| days.into_iter().filter(|day| (day.year, day.month) != (2018, 4)).collect::<Vec<_>>();
    assert_eq!(others(test), others(list(root, "less/test.csv")));
}

fn deploy_lists_take_month_and_day_of_the_month_apart() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let of_season = |keep: bool| -> Vec<Day> {
        let days = days().into_iter().filter(|day| day.year >= 2017 && (keep || day.day <= 30));
        days.filter(|day| !["2017_05_05.tif", "2017_05_09.tif"].contains(&day.file_name().as_str())).collect()
    };
    succeeds(root, "split");
    assert_eq!(list(root, "lists/deploy.csv"), of_season(false), "complete inputs, no NaN in pmw, no 31st; no target needed");
    let (json, said) = succeeds(root, "split --force --keep-31st --set check_for_invalid_entries=true --json");
    assert_eq!(list(root, "lists/deploy.csv"), of_season(true));
    assert!(said.contains("2017_05_09.tif"), "{said}");
    assert!(!list(root, "lists/all.csv").iter().any(|day| day.file_name() == "2017_05_09.tif"));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["deploy"]["days"], of_season(true).len());
    assert_eq!(json["train"]["by_month"]["2016-04"], 6);
    // Without a daily raster among the inputs the calendar is mapped.
    succeeds(root, "split --out ROOT/calendar --set in_keys=[] --set deploy_start_time='2018_05_01' --set deploy_end_time='2018_06_30'");
    assert_eq!(list(root, "calendar/deploy.csv").len(), 60);
    // Winter means are per year.
    save(root, "winter/2017_jan_feb.tif", &[1.0; ROWS * COLS]);
    succeeds(root, "split --out ROOT/winter --set in_keys_aux=[pmw_winter_mean] --set split_cfg=day");
    assert!(list(root, "winter/deploy.csv").iter().all(|day| day.year == 2017));

    let day = |text: &str| Day::from_file_name(&format!("{text}.tif"));
    let season = |first, last, keep_31st| Season { first: day(first), last: day(last), keep_31st };
    let holds = |season: &Season, text| season.contains(&day(text).unwrap());
    let south = season("2015_12_10", "2020_02_15", false);
    assert!(holds(&south, "2016_01_31") && holds(&south, "2016_12_10") && holds(&south, "2017_02_15"));
    assert!(!holds(&south, "2016_12_09") && !holds(&south, "2017_02_16") && !holds(&south, "2020_12_12") && !holds(&south, "2016_07_01"));
    let north = season("2017_04_10", "2018_09_20", false);
    assert!(holds(&north, "2017_05_10") && !holds(&north, "2017_05_09") && !holds(&north, "2017_05_21"));
    let north = season("2017_04_10", "2018_09_20", true);
    assert!(holds(&north, "2017_05_09") && !holds(&north, "2018_04_09") && !holds(&north, "2017_09_21"));
}

fn shares_of_days_are_rounded_down() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    succeeds(root, "split --set split_cfg=day --set val_percent=0.11 --set test_percent=0.3 -q");
    let [train, val, test, all] = ["train", "val", "test", "all"].map(|name| list(root, &format!("lists/{name}.csv")));
    let count = all.len();
    assert_eq!((val.len(), test.len()), (count * 11 / 100, count * 3 / 10));
    assert_eq!(train.len() + val.len() + test.len(), count);
    assert!(test.iter().any(|day| day.year == 2016), "the first year is drawn from, too");
}

fn what_cannot_be_drawn_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    std::fs::create_dir_all(root.join("empty")).unwrap();
    for (words, status, wanted) in [
        ("split --set split_cfg=csv", 2, "stratified_time"),
        ("split --set path_mar_wa1=gone", 2, "path_mar_wa1"),
        ("split --set path_melt=empty", 2, "2017_06_04.tif"),
        ("split --set path_dem=gone.tif", 2, "path_dem"),
        ("split --set path_all_split_csv=ROOT/lists/train.csv", 2, "a file of its own"),
        ("split --set path_pmw=melt --set in_keys=[pmw] --set check_for_invalid_entries=true", 2, "none is left for train"),
        ("split --out ROOT/land.tif", 4, "land.tif"),
        ("stats --split train", 2, "meltcore split"),
        ("stats --split val --force", 2, "--force"),
        ("stats winter-mean", 2, "no day of January or February"),
        ("stats winter-mean --split val", 2, "leave --split out"),
    ] {
        let done = meltcore(root, words);
        let said = notes(&done);
        assert!(done.status.code() == Some(status) && said.contains(wanted), "{words}: {said}");
        assert!(!root.join("lists").exists(), "{words}: nothing is written");
    }
    succeeds(root, "split");
    let before = std::fs::read(root.join("lists/test.csv")).unwrap();
    std::fs::remove_file(root.join("lists/train.csv")).unwrap();
    // Stopped before the last list was written: the same command goes on.
    succeeds(root, "split");
    assert!(root.join("lists/train.csv").exists() && std::fs::read(root.join("lists/test.csv")).unwrap() == before);
    std::fs::remove_file(root.join("lists/train.csv")).unwrap();
    let done = meltcore(root, "split --set seed=1");
    assert!(done.status.code() == Some(2) && notes(&done).contains("--force"), "{}", notes(&done));
    assert!(!root.join("lists/train.csv").exists() && std::fs::read(root.join("lists/test.csv")).unwrap() == before);
    // A single year has nothing to draw from.
    for day in days().iter().filter(|day| day.year > 2016) {
        let _ = std::fs::remove_file(root.join("melt").join(day.file_name()));
    }
    let (_, said) = succeeds(root, "split --force");
    assert!(said.contains("test: no day") && said.contains("first year"), "{said}");
    assert_eq!(list(root, "lists/val.csv").len(), 0);
}

fn statistics_equal_naive_sums() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    succeeds(root, "split -q");
    let (yaml, said) = succeeds(root, "stats --split train");
    assert!(said.contains("`time_interpolate_sar` is left out"), "{said}");
    let train = list(root, "lists/train.csv");
    let nan_day = train.iter().any(|day| day.file_name() == "2017_05_09.tif");
    assert_eq!(said.contains("1 pixels without a value"), nan_day, "{said}");
    let loaded = Config::from_yaml(&yaml, "stats", &[]).unwrap();
    let land = Raster::open(root.join("land.tif")).unwrap().read_all().unwrap();
    for (variable, divisor) in [("pmw", 1.0), ("mar_wa1", 0.5), ("dem", 1.0), ("melt", 1.0)] {
        let files: Vec<String> = match variable {
            "dem" => vec!["dem.tif".into()],
            _ => train.iter().map(|day| format!("{}/{}", variable.trim_end_matches("_wa1"), day.file_name())).collect(),
        };
        let mut values = Vec::new();
        for file in files {
            let pixels = Raster::open(root.join(file)).unwrap().read_all().unwrap();
            let kept = pixels.iter().zip(&land).filter(|(value, land)| !value.is_nan() && (variable != "melt" || **land > 0.0));
            values.extend(kept.map(|(value, _)| f64::from(*value) / divisor));
        }
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let std = (values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / values.len() as f64).sqrt();
        let (got_mean, got_std) = (loaded.mean[variable], loaded.std[variable]);
        assert!(relative_eq!(got_mean, mean, max_relative = 1e-9), "mean {variable}: {got_mean}, not {mean}");
        assert!(relative_eq!(got_std, std, max_relative = 1e-9), "std {variable}: {got_std}, not {std}");
    }
    let (json, _) = succeeds(root, "stats --json -q");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["split"], "train");
    assert_eq!(json["channels"]["dem"]["pixels"], ROWS * COLS);
    // A constant field has no standard deviation to divide by, and its keys are not printed.
    save(root, "dem.tif", &[7.0; ROWS * COLS]);
    let (yaml, _) = succeeds(root, "stats -q");
    assert!(yaml.contains("# dem is 7 everywhere") && !yaml.contains("std_dem"), "{yaml}");
    save(root, &format!("mar/{}", train[0].file_name()), &[f32::INFINITY; ROWS * COLS]);
    assert!(notes(&meltcore(root, "stats")).contains("infinite"));
    write_geotiff(root.join("mar").join(train[0].file_name()), 2, 2, &[0.0; 4], &albers(100.0)).unwrap();
    assert!(notes(&meltcore(root, "stats")).contains("2 rows × 2 columns"));
}

fn winter_means_leave_out_what_has_no_value() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let nan = f32::NAN;
    for (day, first, others) in [
        ("2017_01_01", 200.0, nan),
        ("2017_02_28", 210.0, nan),
        ("2017_02_01", nan, nan),
        ("2017_03_01", 300.0, 300.0),
        ("2018_01_05", 150.0, 150.0),
    ] {
        let mut pixels = [others; ROWS * COLS];
        pixels[0] = first;
        save(root, &format!("pmw/{day}.tif"), &pixels);
    }
    let (printed, said) = succeeds(root, "stats winter-mean");
    assert!(printed.is_empty() && said.contains("2016 has no day in January or February"), "{said}");
    assert!(said.contains("mean of 3 days") && said.contains("34 pixels never have a value"), "{said}");
    let winter = Raster::open(root.join("winter/2017_jan_feb.tif")).unwrap();
    let pixels = winter.read_all().unwrap();
    assert!(pixels[0] == 205.0 && pixels[1..].iter().all(|value| value.is_nan()));
    assert_eq!(winter.geo(), &albers(100.0));
    // Windows replaces no file that is mapped.
    drop(winter);
    assert_eq!(Raster::open(root.join("winter/2018_jan_feb.tif")).unwrap().read_all().unwrap(), [150.0; ROWS * COLS]);

    // What is there is kept, unless asked for.
    save(root, "pmw/2018_01_06.tif", &[160.0; ROWS * COLS]);
    assert!(succeeds(root, "stats winter_mean").1.contains("is kept"));
    assert_eq!(Raster::open(root.join("winter/2018_jan_feb.tif")).unwrap().read_all().unwrap()[0], 150.0);
    let (json, _) = succeeds(root, "stats winter-mean --force --json -q");
    assert_eq!(Raster::open(root.join("winter/2018_jan_feb.tif")).unwrap().read_all().unwrap()[0], 155.0);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json[1]["year"], &json[1]["days"]), (&2018.into(), &2.into()));

    // 0.48 · 155 + 128 = 202.4 K.
    std::fs::write(root.join("days.csv"), "2018_06_01.tif\n").unwrap();
    save(root, "pmw/2018_06_01.tif", &(0..ROWS * COLS).map(|i| if i < 20 { 202.3 } else { 202.5 }).collect::<Vec<_>>());
    let set = "--set path_test_split_csv=ROOT/days.csv --no-png -q";
    succeeds(root, &format!("baseline threshold-pmw --split test --out ROOT/maps {set}"));
    let map = Raster::open(root.join("maps/2018_06_01.tif")).unwrap().read_all().unwrap();
    let wanted: Vec<f32> = (0..ROWS * COLS).map(|i| if i >= 20 && i % COLS != 0 { 1.0 } else { 0.0 }).collect();
    assert_eq!(map, wanted);
}

fn the_antarctic_statistics_are_those_of_its_readme(data: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "data_root: {0}\npath_mar_wa1: coarse\npath_dem: dem.tif\npath_train_split_csv: {0}/splits/train.csv\nin_keys: [mar_wa1]\n\
         in_keys_static: [dem]\n",
        data.display()
    );
    std::fs::write(folder.path().join("run.yaml"), text).unwrap();
    let (yaml, _) = succeeds(folder.path(), "stats -q");
    let loaded = Config::from_yaml(&yaml, "stats", &[]).unwrap();
    for (got, wanted, unit) in [
        (loaded.mean["mar_wa1"], 0.002396, 1e-6),
        (loaded.std["mar_wa1"], 0.03714, 1e-5),
        (loaded.mean["dem"], 406.2, 0.1),
        (loaded.std["dem"], 955.4, 0.1),
    ] {
        assert_abs_diff_eq!(got, wanted, epsilon = unit / 2.0);
    }
}

fn main() -> ExitCode {
    let mut trials = trials::trials![
        stratified_lists_follow_the_rule,
        deploy_lists_take_month_and_day_of_the_month_apart,
        shares_of_days_are_rounded_down,
        what_cannot_be_drawn_is_said,
        statistics_equal_naive_sums,
        winter_means_leave_out_what_has_no_value
    ];
    trials.extend([trials::needing_data(
        "the_antarctic_statistics_are_those_of_its_readme",
        "data/antarctic-melt",
        the_antarctic_statistics_are_those_of_its_readme,
    )]);
    trials::run(trials)
}
