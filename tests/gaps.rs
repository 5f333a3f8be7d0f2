//! Inputs with gaps: filled in the same way whatever is read at once, by training and prediction alike; days of which nothing is known.

use std::path::{Path, PathBuf};
use std::process::Command;

use meltcore::config::Config;
use meltcore::data::Window;
use meltcore::data::dataset::{Dataset, HostSample};
use meltcore::data::day::Split;
use meltcore::data::nearest::fill_from_nearest;
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use meltcore::synth::georeference::albers;

const ROWS: usize = 40;
const COLS: usize = 36;
const EMPTY_INPUT: &str = "2019_05_07";
const EMPTY_TARGET: &str = "2019_05_08";
const DAYS: [&str; 8] = ["2019_05_01", "2019_05_02", "2019_05_03", "2019_05_04", "2019_05_05", "2019_05_06", EMPTY_INPUT, EMPTY_TARGET];
const TEST: [&str; 3] = ["2019_05_05", "2019_05_06", EMPTY_TARGET];

/// A field without a repetition that a wrong pixel could hide behind; far above its mean, so that a filled 0 would stand out.
fn field(seed: usize, day: usize) -> Vec<f32> {
    (0..ROWS * COLS).map(|i| 200.0 + ((i * 7919 + seed * 104_729 + day * 1299) % 3571) as f32 / 100.0).collect()
}

/// Pixels of an input without a value on a day: a swath that moves, single pixels, and a coast that is never seen.
fn is_gap(day: usize, i: usize) -> bool {
    let (row, col) = (i / COLS, i % COLS);
    (row + 2 * col + 9 * day) % 60 < 14 || (i * 31 + day).is_multiple_of(23) || row < 3
}

fn holed(seed: usize, day: usize) -> Vec<f32> {
    field(seed, day).into_iter().enumerate().map(|(i, value)| if is_gap(day, i) { f32::NAN } else { value }).collect()
}

fn save(path: PathBuf, pixels: &[f32]) {
    write_geotiff(&path, ROWS, COLS, pixels, &albers(500.0)).unwrap();
}

/// `tb` has gaps, and no value at all on one day; `wet` has none on land on another; `slope` has some.
fn make(root: &Path) {
    for (n, day) in DAYS.iter().enumerate() {
        let file = format!("{day}.tif");
        let tb = if *day == EMPTY_INPUT { vec![f32::NAN; ROWS * COLS] } else { holed(1, n) };
        save(root.join("tb").join(&file), &tb);
        // The last column is ocean.
        let seen = |i: usize| *day != EMPTY_TARGET || i % COLS == COLS - 1;
        let wet = field(2, n).iter().enumerate().map(|(i, x)| if seen(i) { (x - 200.0) / 40.0 } else { f32::NAN }).collect::<Vec<_>>();
        save(root.join("wet").join(&file), &wet);
    }
    save(root.join("slope.tif"), &holed(3, 0));
    save(root.join("land.tif"), &(0..ROWS * COLS).map(|i| if i % COLS == COLS - 1 { -1.0 } else { 1.0 }).collect::<Vec<_>>());
    let list = |days: &[&str]| days.iter().map(|day| format!("{day}.tif\n")).collect::<String>();
    std::fs::write(root.join("train.csv"), list(&DAYS[..4])).unwrap();
    std::fs::write(root.join("test.csv"), list(&TEST)).unwrap();
    std::fs::write(root.join("all.csv"), list(&DAYS)).unwrap();
    let text = format!(
        "data_root: {0}\nmodel_key: unet\nbase_channels: 2\nimg_size: [32, 32]\nbatch_size: 2\nepochs: 2\nlearning_rate: 0.01\n\
         tensorboard: false\npath_train_split_csv: {0}/train.csv\npath_test_split_csv: {0}/test.csv\npath_all_split_csv: {0}/all.csv\n\
         path_checkpoints: {0}/run\npath_predictions: {0}/maps\nprediction_stride: 4\n\
         in_keys: [tb]\nin_keys_static: [slope]\ntarget: wet\npath_wet: wet\npath_tb: tb\nmean_tb: 217.5\nstd_tb: 10\n\
         path_slope: slope.tif\nmean_slope: 218\nstd_slope: 9\npath_landmask: land.tif\n",
        root.display()
    );
    std::fs::write(root.join("run.yaml"), text).unwrap();
}

fn config(root: &Path, set: &[&str]) -> Config {
    Config::load(&root.join("run.yaml"), &set.iter().map(|text| text.to_string()).collect::<Vec<_>>()).unwrap()
}

fn meltcore(root: &Path, arguments: &str) -> (bool, String) {
    let (command, more) = arguments.split_once(' ').unwrap_or((arguments, ""));
    let mut process = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    process.arg(command);
    if command != "pack" {
        process.arg("--config").arg(root.join("run.yaml")).args(["--device", "host"]);
    }
    let output = process.args(more.split_whitespace().map(|word| word.replace("ROOT", &root.display().to_string()))).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr))
}

fn succeeds(root: &Path, arguments: &str) -> String {
    let (success, said) = meltcore(root, arguments);
    assert!(success, "{arguments}: {said}");
    said
}

/// The nearest pixel with a value by looking at all: the least distance, then column, then row.
fn nearest_of_all(values: &[f32], cols: usize, at: usize) -> f32 {
    let key = |i: usize| {
        let (rows_apart, cols_apart) = ((i / cols).abs_diff(at / cols), (i % cols).abs_diff(at % cols));
        (rows_apart * rows_apart + cols_apart * cols_apart, i % cols, i / cols)
    };
    let nearest = (0..values.len()).filter(|i| !values[*i].is_nan()).min_by_key(|i| key(*i)).unwrap();
    values[nearest]
}

#[test]
fn nearest_is_the_nearest_of_all_pixels() {
    // Dense, sparse, whole columns without a value, ties on both sides, one row, one column, one value.
    type Has = fn(usize) -> bool;
    let has: [(usize, usize, Has); 9] = [
        (13, 11, |i| i % 3 != 1),
        (13, 11, |i| (i * i) % 29 == 4),
        (13, 11, |i| i % 11 == 2 || i % 11 == 8),
        (13, 11, |i| i / 11 == 3 || i / 11 == 9),
        (9, 9, |i| i == 0 || i == 8 || i == 72 || i == 80),
        (1, 17, |i| i == 4 || i == 12),
        (17, 1, |i| i == 4 || i == 12),
        (7, 8, |i| i == 27),
        (31, 37, |i| (i * 7919) % 97 == 5),
    ];
    for (rows, cols, has) in has {
        let values: Vec<f32> = (0..rows * cols).map(|i| if has(i) { i as f32 } else { f32::NAN }).collect();
        let mut filled = values.clone();
        assert_eq!(fill_from_nearest(&mut filled, cols), Some(values.iter().filter(|value| value.is_nan()).count()));
        let wanted: Vec<f32> = (0..values.len()).map(|at| nearest_of_all(&values, cols, at)).collect();
        assert_eq!(filled, wanted, "{rows} × {cols}");
    }
    let mut empty = vec![f32::NAN; 12];
    assert_eq!(fill_from_nearest(&mut empty, 4), None);
    assert_eq!(fill_from_nearest(&mut [1.0, 2.0], 2), Some(0));
}

#[test]
fn a_crop_reads_what_the_scene_reads_and_each_fill_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let day = 2;
    let (tb, cut) = (holed(1, day), Window { row: 5, col: 3, height: 11, width: 17 });
    let on = |day: usize, i: usize| if DAYS[day] == EMPTY_INPUT { f32::NAN } else { holed(1, day)[i] };
    // Before after, near before far; the coast is never seen.
    let in_time = |i: usize| [2, 1, 3, 0, 4, 5, 6, 7].into_iter().map(|day| on(day, i)).find(|value| !value.is_nan()).unwrap_or(217.5);
    let cases: [(&str, &dyn Fn(usize) -> f32); 4] = [
        ("fill_tb=mean", &|i| if tb[i].is_nan() { 217.5 } else { tb[i] }),
        ("fill_tb=-3.5", &|i| if tb[i].is_nan() { -3.5 } else { tb[i] }),
        ("fill_tb=nearest", &|i| nearest_of_all(&tb, COLS, i)),
        ("fill_tb=time", &in_time),
    ];
    for (fill, wanted) in cases {
        let dataset = Dataset::open(&config(root, &[fill, "fill_slope=nearest", "gap_mask=true"]), Split::All).unwrap();
        let names: Vec<&str> = dataset.inputs().iter().map(|input| input.name).collect();
        assert_eq!(names, ["slope", "slope_gap", "tb", "tb_gap"]);
        let read = |window: Window| {
            let mut sample = HostSample::default();
            dataset.read(day, window, &mut sample).unwrap();
            sample.channels
        };
        let (part, whole) = (read(cut), read(Window::whole(ROWS, COLS)));
        assert_eq!(whole[2], (0..ROWS * COLS).map(wanted).collect::<Vec<_>>(), "{fill}");
        assert_eq!(whole[3], (0..ROWS * COLS).map(|i| f32::from(u8::from(is_gap(day, i)))).collect::<Vec<_>>(), "{fill}");
        assert_eq!(whole[0], (0..ROWS * COLS).map(|i| nearest_of_all(&holed(3, 0), COLS, i)).collect::<Vec<_>>(), "{fill}");
        for (part, whole) in part.iter().zip(&whole) {
            let same: Vec<f32> = (0..cut.pixels()).map(|i| whole[(cut.row + i / cut.width) * COLS + cut.col + i % cut.width]).collect();
            assert_eq!(*part, same, "{fill}");
        }
        // Days that are let go of are read again to the same values.
        dataset.release(day);
        assert_eq!(read(cut), part, "{fill}");
        let files = dataset.input_files(day);
        assert_eq!(files.contains(&root.join("tb").join("2019_05_01.tif")), fill == "fill_tb=time", "{fill}: {files:?}");
    }
}

#[test]
fn the_search_in_time_ends() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    for (file, value) in [("2019_04_17.tif", 1.0), ("2019_04_16.tif", 2.0), ("2019_05_16.tif", 3.0)] {
        save(root.join("tb").join(file), &[value; ROWS * COLS]);
    }
    let dataset = Dataset::open(&config(root, &["fill_tb=time", "fill_slope=0"]), Split::All).unwrap();
    let mut sample = HostSample::default();
    // Row 0 is never seen: on 1 May the 17th of April is 14 days before and the 16th of May 15 after; on 3 May the first is too far.
    for (day, wanted) in [(0, 1.0), (2, 3.0)] {
        dataset.read(day, Window { row: 0, col: 0, height: 1, width: COLS }, &mut sample).unwrap();
        assert_eq!(sample.channels[1], vec![wanted; COLS], "{}", DAYS[day]);
    }
}

#[test]
fn networks_train_on_gaps_resume_to_the_same_bits_and_draw_finite_maps() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let (refused, said) = meltcore(root, "train --set fill_slope=mean");
    assert!(!refused && said.contains("fill_tb") && said.contains("nearest"), "{said}");
    let bits = |run: &str| std::fs::read(root.join(run).join("last/model.safetensors")).unwrap();
    let mut maps = Vec::new();
    for fill in ["mean", "nearest", "time", "200"] {
        let set = format!("--set fill_tb={fill} --set fill_slope=nearest --set gap_mask=true");
        let run = format!("run_{fill}");
        let to = format!("{set} --set path_checkpoints=ROOT/{run} --set path_predictions=ROOT/maps_{fill}");
        succeeds(root, &format!("train {to}"));
        succeeds(root, &format!("predict {to} --split test --weights ROOT/{run}/best.safetensors"));
        let map = Raster::open(root.join(format!("maps_{fill}/2019_05_05.tif"))).unwrap().read_all().unwrap();
        assert!(map.iter().all(|value| value.is_finite()) && map.iter().any(|value| *value > 0.0 && *value < 1.0), "{fill}");
        maps.push(map);
        if fill == "time" {
            succeeds(root, &format!("train {set} --set path_checkpoints=ROOT/again --set epochs=1"));
            succeeds(root, &format!("train {set} --set path_checkpoints=ROOT/again --resume auto"));
            assert!(bits("again") == bits(&run), "a resumed run has other weights");
        }
    }
    assert!(maps.windows(2).all(|pair| pair[0] != pair[1]), "each fill gives other maps");
    // A map is made again where a day that its gaps are filled from is another now, and not before.
    let to = "--set fill_tb=time --set fill_slope=nearest --set gap_mask=true --set path_checkpoints=ROOT/run_time \
        --set path_predictions=ROOT/maps_time --split test --weights ROOT/run_time/best.safetensors";
    assert!(succeeds(root, &format!("predict {to}")).contains("3 of 3 maps are finished"));
    save(root.join("tb/2019_05_04.tif"), &field(1, 77));
    assert!(!succeeds(root, &format!("predict {to}")).contains("are finished already"));
}

#[test]
fn ablation_and_statistics_know_the_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let set = "--set fill_tb=nearest --set fill_slope=mean --set gap_mask=true";
    succeeds(root, &format!("train {set}"));
    let stats = succeeds(root, &format!("stats {set} --split train"));
    assert!(stats.contains("mean_tb:") && !stats.contains("tb_gap"), "{stats}");
    assert!(stats.contains("a network gets filled ones there"), "{stats}");
    assert!(succeeds(root, "stats --split train").contains("`fill_tb` fills them"));
    let table = succeeds(root, &format!("ablate {set} --split test --weights ROOT/run/best.safetensors --json"));
    let found: serde_json::Value = serde_json::from_str(table.split_inclusive("\n}").next().unwrap()).unwrap();
    let values = &found["without"][1]["values"];
    assert_eq!(found["without"][1]["inputs"], "tb+tb_gap");
    assert_eq!(values["tb"], 217.5);
    let gaps: usize = (0..4).map(|day| (0..ROWS * COLS).filter(|i| is_gap(day, *i)).count()).sum();
    assert_eq!(values["tb_gap"], gaps as f64 / (4 * ROWS * COLS) as f64);
}

#[test]
fn split_leaves_out_what_no_setting_can_use_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let list = |name: &str| std::fs::read_to_string(root.join("lists").join(name)).unwrap();
    let draw = "split --set split_cfg=day --set test_percent=0.3 --set val_percent=0.3 --out ROOT/lists --force \
        --set deploy_start_time=2019_05_01 --set deploy_end_time=2019_05_31";
    // Nothing is said of how gaps are filled, or something that needs a value of the same day.
    for fill in ["", " --set fill_tb=nearest"] {
        let said = succeeds(root, &format!("{draw}{fill}"));
        assert!(said.contains("1 file(s) of `tb` have no pixel with a value") && said.contains(EMPTY_INPUT), "{said}");
        assert!(said.contains("1 day(s) have no target pixel with a value on land") && said.contains(EMPTY_TARGET), "{said}");
        assert_eq!(list("all.csv"), DAYS[..6].iter().map(|day| format!("{day}.tif\n")).collect::<String>());
        assert!(!list("deploy.csv").contains(EMPTY_INPUT) && list("deploy.csv").contains(EMPTY_TARGET));
    }
    for fill in ["mean", "time", "7"] {
        let said = succeeds(root, &format!("{draw} --set fill_tb={fill}"));
        assert!(!said.contains("of `tb` have no pixel") && said.contains(EMPTY_TARGET), "{said}");
        assert!(list("all.csv").contains(EMPTY_INPUT) && list("deploy.csv").contains(EMPTY_INPUT), "{fill}");
        assert!(["train.csv", "val.csv", "test.csv", "all.csv"].iter().all(|name| !list(name).contains(EMPTY_TARGET)), "{fill}");
    }
    // A list of one's own that has such a day is answered by name.
    let dataset = Dataset::open(&config(root, &["fill_tb=nearest", "fill_slope=0"]), Split::All).unwrap();
    let error = dataset.read(6, Window::whole(ROWS, COLS), &mut HostSample::default()).unwrap_err().to_string();
    assert!(error.contains(EMPTY_INPUT) && error.contains("`fill_tb` to time, mean"), "{error}");
}

#[test]
fn a_day_without_a_valid_pixel_has_no_score() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    for (n, day) in TEST.iter().enumerate() {
        save(root.join("maps").join(format!("{day}.tif")), &vec![0.25 + 0.1 * n as f32; ROWS * COLS]);
    }
    let score = |more: &str| succeeds(root, &format!("eval --split test --pred flat=ROOT/maps {more}"));
    let said = score("--out ROOT/scores --by month");
    assert!(said.contains("no valid pixel, and no score, on 1 day(s)") && said.contains(EMPTY_TARGET), "{said}");
    let read = |name: &str| std::fs::read_to_string(root.join("scores").join(name)).unwrap();
    let with: serde_json::Value = serde_json::from_str(&read("scores.json")).unwrap();
    let empty = &with["models"]["flat"]["scenes"][format!("{EMPTY_TARGET}.tif")];
    assert!(empty["mae"].is_null() && empty["f1"].is_null() && empty["valid_px"] == 0, "{empty}");
    let line = read("scores.csv").lines().find(|line| line.contains(EMPTY_TARGET)).unwrap().to_owned();
    assert_eq!(line, format!("flat,{EMPTY_TARGET}.tif,,,,,,,,,,0"));
    // Everything else is as if the day were not in the list.
    std::fs::write(root.join("test.csv"), "2019_05_05.tif\n2019_05_06.tif\n").unwrap();
    let without: serde_json::Value = {
        score("--out ROOT/scores");
        serde_json::from_str(&read("scores.json")).unwrap()
    };
    for key in ["weighted_mean", "weighted_std", "pooled", "by_month", "by_year", "reliability"] {
        let of = |scores: &serde_json::Value| scores["models"]["flat"][key].clone();
        assert!(!of(&with).is_null());
        assert_eq!(of(&with), of(&without), "{key}");
    }
}

#[test]
fn pack_fills_and_counts() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let tb = holed(1, 0);
    let gaps = tb.iter().filter(|value| value.is_nan()).count();
    let packed = || Raster::open(root.join("out/2019_05_01.tif")).unwrap().read_all().unwrap();
    let pack = |fill: &str| succeeds(root, &format!("pack --like ROOT/land.tif --out ROOT/out ROOT/tb/2019_05_01.tif {fill}"));
    assert!(!pack("").contains("filled"));
    // Another fill is another file, made again.
    assert!(pack("--fill nearest").contains(&format!("1 file(s) written, {gaps} pixel(s) filled")));
    assert_eq!(packed(), (0..tb.len()).map(|i| nearest_of_all(&tb, COLS, i)).collect::<Vec<_>>());
    pack("--fill -5 --scale 2");
    assert_eq!(packed(), tb.iter().map(|value| if value.is_nan() { -5.0 } else { value * 2.0 }).collect::<Vec<_>>());
    let (success, said) = meltcore(root, "pack --like ROOT/land.tif --out ROOT/out ROOT/tb/2019_05_01.tif --fill mean");
    assert!(!success && said.contains("fill_<variable>: mean"), "{said}");
}

#[test]
fn what_cannot_be_filled_is_refused_by_name() {
    let base = "model_key: unet\nin_keys: [tb]\npath_tb: x\nin_keys_static: [dem]\nin_keys_aux: [pmw_winter_mean]\n";
    let load = |lines: &str| Config::from_yaml(&format!("{base}{lines}"), "run.yaml", &[]).map(|_| ()).unwrap_err().to_string();
    for (lines, words) in [
        ("fill_tb: neerest", "mean, nearest, time"),
        ("fill_tb: .nan", "mean, nearest, time"),
        ("fill_tb: 1e300", "mean, nearest, time"),
        ("fill_tb: [1]", "mean, nearest, time"),
        ("fill_melt: mean", "target"),
        ("target: wet\npath_wet: wet\nfill_wet: 0", "target"),
        ("fill_landmask: 0", "land mask"),
        ("fill_dem: time", "fill_dem"),
        ("fill_pmw_winter_mean: time", "fill_pmw_winter_mean"),
        ("gap_mask: true", "no input is filled"),
        ("fill_tb: mean\ngap_mask: true\npath_tb_gap: gaps\nmean_tb_gap: 1", "tb_gap"),
        ("fil_tb: mean", "fill_tb"),
    ] {
        let said = load(lines);
        assert!(said.contains(words), "{lines:?}: {said}");
    }
    // Digests without the keys are those of versions that had none, and each way to fill has its own.
    let digest = |lines: &str| Config::from_yaml(&format!("{base}{lines}"), "run.yaml", &[]).unwrap().digest();
    let all = ["", "fill_tb: mean", "fill_tb: time", "fill_tb: 0", "fill_tb: 0\ngap_mask: true"].map(digest);
    assert!((0..all.len()).all(|i| all[..i].iter().all(|other| *other != all[i])), "{all:?}");
    assert_eq!(all[0], digest("gap_mask: false"));
    // What is written as YAML loads again.
    let config = Config::from_yaml(&format!("{base}fill_tb: 12.5\nfill_dem: nearest"), "run.yaml", &[]).unwrap();
    let again = Config::from_yaml(&config.to_yaml(), "again.yaml", &[]).unwrap();
    assert_eq!(config.to_json(), again.to_json());
}

#[test]
fn bands_are_filled_as_their_file_or_as_themselves() {
    let lines = "model_key: unet\nin_keys: [opt]\npath_opt: x\nbands_opt: [1, 2]\nmax_opt: 10\nlog_opt: true\nmean_opt_b1: 0.5\n\
        fill_opt: mean\nfill_opt_b2: nearest\ngap_mask: true\n";
    let config = Config::from_yaml(lines, "run.yaml", &[]).unwrap();
    let inputs = config.inputs().unwrap();
    let names: Vec<_> = inputs.iter().map(|input| (input.name, input.files_of(), input.band())).collect();
    assert_eq!(
        names,
        [("opt_b1", "opt", Some(0)), ("opt_b1_gap", "opt", Some(0)), ("opt_b2", "opt", Some(1)), ("opt_b2_gap", "opt", Some(1))]
    );
    assert_ne!(inputs[0].gaps, inputs[2].gaps);
    assert_eq!((config.divisor(inputs[0]), config.divisor(inputs[1])), (10.0, 1.0));
    // ln(1 + x / 10) of it is the mean.
    assert!(((config.raw_mean(inputs[0]).unwrap() / 10.0).ln_1p() - 0.5).abs() < 1e-12);
}
