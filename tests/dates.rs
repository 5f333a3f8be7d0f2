//! Days in the names of files: `pack` finds them and says so before it writes, and folders of such files are read as they are.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use meltcore::synth::georeference::albers;

const SIDE: usize = 32;

fn save(path: PathBuf, seed: usize) {
    let at = |i: usize| ((i / SIDE * 3 + i % SIDE * 5 + 17 * seed) % 97) as f32 / 96.0;
    write_geotiff(&path, SIDE, SIDE, &(0..SIDE * SIDE).map(at).collect::<Vec<f32>>(), &albers(500.0)).unwrap();
}

fn meltcore(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_meltcore")).args(arguments).args(["--device", "host"]).output().unwrap()
}

/// What a command said on stderr, and that it ended as wanted.
fn said(arguments: &[&str], status: i32) -> String {
    let output = meltcore(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
    said
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The maps in a folder, sorted.
fn maps(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".tif")).collect();
    names.sort();
    names
}

#[test]
fn pack_calls_files_by_the_days_in_the_names_of_their_sources() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let (like, out) = (root.join("like.tif"), root.join("out"));
    save(like.clone(), 0);
    let snow = root.join("snow");
    for (name, seed) in [("wetsnow_2019-05-01.tif", 1), ("wetsnow_20190502.tif", 2), ("2019.05.03.tif", 3)] {
        save(snow.join(name), seed);
    }
    let to_out = ["pack", "--like", text(&like), "--out", text(&out)];
    let with = |more: &[&str]| [&to_out[..], more].concat().into_iter().map(str::to_owned).collect::<Vec<String>>();
    let run = |more: &[&str], status| said(&with(more).iter().map(String::as_str).collect::<Vec<_>>(), status);
    let told = run(&[text(&snow)], 0);
    for line in ["wetsnow_2019-05-01.tif  2019-05-01", "wetsnow_20190502.tif    2019-05-02", "2019.05.03.tif          2019-05-03"] {
        assert!(told.contains(line), "{line} in {told}");
    }
    assert!(told.find("2019-05-03").unwrap() < told.find("written").unwrap(), "{told}");
    let days = ["2019_05_01.tif", "2019_05_02.tif", "2019_05_03.tif"];
    assert_eq!(maps(&out), days);
    for (day, source) in days.iter().zip(["wetsnow_2019-05-01.tif", "wetsnow_20190502.tif", "2019.05.03.tif"]) {
        let of = |path: PathBuf| Raster::open(path).unwrap().read_all().unwrap();
        assert_eq!(of(out.join(day)), of(snow.join(source)), "{day}");
    }
    assert!(run(&[text(&snow)], 0).contains("3 kept from before"));

    // Sources under other names are the same sources: what was made of them is replaced, not joined.
    for (before, after) in [("wetsnow_2019-05-01.tif", "a_2019_06_01.tif"), ("wetsnow_20190502.tif", "a_2019_06_02.tif")] {
        std::fs::rename(snow.join(before), snow.join(after)).unwrap();
    }
    let told = run(&[text(&snow)], 0);
    assert!(told.contains("2 file(s) of an earlier run are replaced") && told.contains("2019_05_01.tif"), "{told}");
    assert_eq!(maps(&out), ["2019_05_03.tif", "2019_06_01.tif", "2019_06_02.tif"]);
    // So are the same sources where their names are read otherwise.
    run(&["--date", "none", text(&snow)], 0);
    assert_eq!(maps(&out), ["2019.05.03.tif", "a_2019_06_01.tif", "a_2019_06_02.tif"]);
    // Where it is the maps that were renamed, none is made beside them.
    std::fs::rename(out.join("a_2019_06_01.tif"), out.join("2019_06_01.tif")).unwrap();
    let told = run(&["--date", "none", text(&snow)], 2);
    assert!(told.contains("lacks a_2019_06_01.tif") && told.contains("holds 2019_06_01.tif"), "{told}");
    assert_eq!(maps(&out), ["2019.05.03.tif", "2019_06_01.tif", "a_2019_06_02.tif"]);
}

#[test]
fn pack_asks_for_a_pattern_where_a_name_leaves_the_day_in_doubt() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let like = root.join("like.tif");
    save(like.clone(), 0);
    for (n, name) in ["S1_20190501_20190507", "A2019121", "snow_2019-05-01", "dem"].iter().enumerate() {
        save(root.join(format!("in/{name}.tif")), n);
    }
    let source = |name: &str| root.join(format!("in/{name}.tif"));
    let run = |out: &str, date: &[&str], names: &[&str], status: i32| {
        let sources: Vec<PathBuf> = names.iter().map(|name| source(name)).collect();
        let out = root.join(out);
        let mut arguments = vec!["pack", "--like", text(&like), "--out", text(&out)];
        arguments.extend(date);
        arguments.extend(sources.iter().map(|path| text(path)));
        (said(&arguments, status), maps(&out))
    };
    for (date, names, wanted) in [
        (&[][..], &["S1_20190501_20190507"][..], "can be of 2019-05-01 and 2019-05-07"),
        (&[], &["snow_2019-05-01", "dem"], "no date in their names as others have"),
        (&["--date", "S1_%Y%m%d_*"], &["S1_20190501_20190507", "A2019121"], "no date in their names"),
        (&["--date", "snow"], &["dem"], "holds no date"),
        (&["--date", "*_%Y%m%d*"], &["S1_20190501_20190507"], "can be of 2019-05-01 and 2019-05-07"),
        (&["--date", "%Q%Y"], &["dem"], "no date in their names"),
    ] {
        let (told, made) = run("refused", date, names, 2);
        assert!(told.contains(wanted) && told.contains("--date") && !told.contains("panicked"), "{date:?} {names:?}: {told}");
        assert!(made.is_empty() && !root.join("refused").exists(), "{made:?}");
    }
    assert_eq!(run("first", &["--date", "S1_%Y%m%d_*"], &["S1_20190501_20190507"], 0).1, ["2019_05_01.tif"]);
    assert_eq!(run("julian", &["--date", "A%Y%j.tif"], &["A2019121"], 0).1, ["2019_05_01.tif"]);
    // Names without any date, and those of days already, stay what they are.
    assert_eq!(run("plain", &[], &["dem", "A2019121"], 0).1, ["A2019121.tif", "dem.tif"]);
}

/// Two folders of the same maps, in a run's configuration each: under the names of days, and under names with a date in them.
fn make(root: &Path) {
    let days = ["2019_05_01", "2019_05_02", "2019_05_03", "2019_05_04"];
    for (n, day) in days.iter().enumerate() {
        for (variable, prefix) in [("snow", "wetsnow_"), ("tb", "AMSR2_TB36V_")] {
            let seed = n + prefix.len();
            save(root.join("plain").join(variable).join(format!("{day}.tif")), seed);
            let date = if variable == "snow" { day.replace('_', "-") } else { day.replace('_', "") };
            save(root.join("dated").join(variable).join(format!("{prefix}{date}.tif")), seed);
        }
    }
    for name in ["plain", "dated"] {
        let folder = root.join(name);
        let list = |days: &[&str]| days.iter().map(|day| format!("{day}.tif\n")).collect::<String>();
        std::fs::write(folder.join("train.csv"), list(&days[..3])).unwrap();
        std::fs::write(folder.join("test.csv"), list(&days[3..])).unwrap();
        let at = folder.display();
        let yaml = format!(
            "data_root: {at}\nmodel_key: unet\nbase_channels: 2\nimg_size: [32, 32]\nbatch_size: 2\nepochs: 2\ntensorboard: false\n\
             target: snow\npath_snow: snow\nin_keys: [tb]\npath_tb: tb\nmean_tb: 0.5\nstd_tb: 0.3\npath_train_split_csv: {at}/train.csv\n\
             path_test_split_csv: {at}/test.csv\npath_checkpoints: {at}/run\npath_predictions: {at}/maps\nsplit_cfg: day\n\
             test_percent: 0.25\nval_percent: 0.25\n"
        );
        std::fs::write(folder.join("run.yaml"), yaml).unwrap();
    }
}

#[test]
fn folders_of_dated_files_are_read_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let outcome = |name: &str| {
        let (config, weights, lists) =
            (root.join(name).join("run.yaml"), root.join(name).join("run/best.safetensors"), root.join(name).join("lists"));
        let stats = meltcore(&["stats", "--config", text(&config)]);
        said(&["split", "--config", text(&config), "--out", text(&lists)], 0);
        said(&["train", "--config", text(&config)], 0);
        said(&["predict", "--config", text(&config), "--split", "test", "--weights", text(&weights)], 0);
        let maps_at = root.join(name).join("maps");
        let scores = meltcore(&["eval", "--config", text(&config), "--split", "test", "--pred", &format!("a={}", text(&maps_at))]);
        assert!(stats.status.success() && scores.status.success(), "{}", String::from_utf8_lossy(&scores.stderr));
        let read = |path: PathBuf| std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        [stats.stdout, scores.stdout, read(lists.join("train.csv")), read(weights), read(maps_at.join("2019_05_04.tif"))]
    };
    assert!(outcome("plain") == outcome("dated"));
}

#[test]
fn two_files_of_a_day_and_names_without_one_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let config = root.join("dated/run.yaml");
    let tb = root.join("dated/tb");
    let stats = |status: i32| said(&["stats", "--config", text(&config)], status);
    save(tb.join("note.tif"), 1);
    assert!(stats(0).contains("note.tif: does not count"));
    save(tb.join("again_20190502.tif"), 1);
    let told = stats(2);
    assert!(told.contains("AMSR2_TB36V_20190502.tif and again_20190502.tif, both of 2019-05-02"), "{told}");
    // Among files called by their day only such count, as ever.
    save(root.join("plain/tb/again_20190502.tif"), 1);
    said(&["stats", "--config", text(&root.join("plain/run.yaml"))], 0);
    for name in maps(&tb) {
        std::fs::rename(tb.join(&name), tb.join(name.replace("2019", "x"))).unwrap();
    }
    let told = said(&["train", "--config", text(&config)], 2);
    assert!(told.contains("No name there says a day") && told.contains("pack --date PATTERN"), "{told}");
    let told = said(&["split", "--config", text(&config), "--out", text(&root.join("lists"))], 2);
    assert!(told.contains("no file named as a day") && told.contains("pack --date PATTERN"), "{told}");
}
