//! What a run is trained on and what it owes: data that changed under it, targets without a valid pixel, maps and logs that were lost.

mod runs;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use runs::{FILES, Run, text, write_data};
use serde_json::Value;

fn first_line(path: &Path) -> String {
    fs::read_to_string(path).unwrap().lines().next().unwrap().to_owned()
}

fn log(run: &Run) -> Vec<Value> {
    let text = fs::read_to_string(run.checkpoints().join("log.jsonl")).unwrap();
    text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_resume_on_changed_data_is_refused_unless_accepted() {
    let data = tempfile::tempdir().unwrap();
    write_data(data.path());
    let (train, test) = (data.path().join("splits/train.csv"), data.path().join("splits/test.csv"));
    let begun = Run::on(data.path(), &[]);
    begun.trained(&["--set", "epochs=2"]);
    let resume = ["--resume", "auto", "--set", "epochs=3"];
    let refused = |words: &[&str]| begun.refused(&resume, 2, &[words, &["--accept-changed-data"]].concat());

    // A test day moves into the train list; the order of the train list.
    let (days, moved) = (fs::read_to_string(&train).unwrap(), first_line(&test));
    fs::write(&train, format!("{days}{moved}\n")).unwrap();
    refused(&["the train list has gained 1", &moved]);
    let mut turned: Vec<&str> = days.lines().collect();
    let lost = turned.remove(0);
    fs::write(&train, turned.join("\n")).unwrap();
    refused(&["the train list has lost 1", lost]);
    turned.push(lost);
    fs::write(&train, turned.join("\n")).unwrap();
    refused(&["train list are in another order"]);
    fs::write(&train, &days).unwrap();
    let tests = fs::read_to_string(&test).unwrap();
    fs::write(&test, tests.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    refused(&["the test list has lost 1", &moved]);
    fs::write(&test, tests).unwrap();

    // Inputs and targets: replaced by an older file, by one of another length, by other pixels of the same length and time.
    for variable in ["pmw", "melt"] {
        let path = data.path().join(variable).join(lost);
        let (bytes, time) = (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap());
        let set_time = |time: SystemTime| File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
        let name = format!("{variable}/{lost}");
        set_time(time - Duration::from_secs(3600));
        refused(&["1 file was changed or replaced", &name, "another time"]);
        fs::write(&path, [&bytes[..], b"more"].concat()).unwrap();
        set_time(time);
        refused(&[&name, &format!("{} bytes then, {} now", bytes.len(), bytes.len() + 4)]);
        let mut other = bytes.clone();
        other[1000] ^= 1;
        fs::write(&path, other).unwrap();
        set_time(time);
        refused(&[&name, "other first bytes"]);
        fs::write(&path, &bytes).unwrap();
        set_time(time);
    }
    // Nothing was changed by all that.
    let unbroken = begun.copied();
    unbroken.trained(&resume);

    fs::write(&train, turned.join("\n")).unwrap();
    let said = begun.trained(&[&resume[..], &["--accept-changed-data"]].concat());
    assert!(said.contains("going on although the data changed: the days of the train list"), "{said}");
    // From now on the new list is that of the run.
    let said = begun.trained(&["--resume", "auto", "--set", "epochs=4"]);
    assert!(!said.contains("data changed"), "{said}");
    begun.refused(&["--accept-changed-data"], 2, &["required arguments"]);
}

/// Notes and masks beside a raster change what it means, so that they count as it does; nor may they keep another file from counting.
#[test]
fn what_stands_beside_a_raster_is_part_of_the_data() {
    let data = tempfile::tempdir().unwrap();
    write_data(data.path());
    let day = first_line(&data.path().join("splits/train.csv"));
    let beside = |variable: &str| data.path().join(variable).join(format!("{day}.aux.xml"));
    let notes = |scale: &str| {
        format!("<PAMDataset><PAMRasterBand band=\"1\"><Scale>{scale}</Scale><Offset>0</Offset></PAMRasterBand></PAMDataset>")
    };
    fs::write(beside("pmw"), notes("1")).unwrap();
    let begun = Run::on(data.path(), &[]);
    begun.trained(&["--set", "epochs=1"]);
    let resume = ["--resume", "auto", "--set", "epochs=2"];
    let refused = |words: &[&str]| begun.refused(&resume, 2, &[words, &["--accept-changed-data"]].concat());

    for variable in ["melt", "mar_wa1"] {
        fs::write(beside(variable), notes("0.5")).unwrap();
        refused(&["1 file was changed", &format!("{variable}/{day}.aux.xml (was not there then)")]);
        fs::remove_file(beside(variable)).unwrap();
    }
    let time = fs::metadata(beside("pmw")).unwrap().modified().unwrap();
    fs::remove_file(beside("pmw")).unwrap();
    refused(&["1 file was changed", &format!("pmw/{day}.aux.xml (is no longer there)")]);
    fs::write(beside("pmw"), notes("1")).unwrap();
    File::options().append(true).open(beside("pmw")).unwrap().set_modified(time).unwrap();
    // The last of the inputs, behind one with notes.
    let dem = data.path().join("dem.tif");
    let time = fs::metadata(&dem).unwrap().modified().unwrap();
    let set_time = |time: SystemTime| File::options().append(true).open(&dem).unwrap().set_modified(time).unwrap();
    set_time(time - Duration::from_secs(3600));
    refused(&["1 file was changed", "dem/dem.tif (another time"]);
    set_time(time);
    begun.trained(&resume);
    begun.refused(
        &["--resume", &begun.checkpoints().join("epoch_0099").display().to_string()],
        2,
        &["epoch_0099", "state.json is missing"],
    );
}

/// A dataset with targets of nothing but NaN on the days of a list, all but the first `left` ones.
fn without_pixels(list: &str, left: usize) -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    write_data(data.path());
    for name in fs::read_to_string(data.path().join("splits").join(list)).unwrap().lines().skip(left) {
        let path = data.path().join("melt").join(name);
        let raster = Raster::open(&path).unwrap();
        let (rows, cols, geo) = (raster.rows(), raster.cols(), raster.geo().clone());
        drop(raster);
        write_geotiff(&path, rows, cols, &vec![f32::NAN; rows * cols], &geo).unwrap();
    }
    data
}

#[test]
fn a_split_without_a_valid_pixel_is_refused_before_anything_is_written() {
    for (list, words) in [("val.csv", "the val split"), ("train.csv", "the train split")] {
        let data = without_pixels(list, 0);
        let run = Run::on(data.path(), &[]);
        run.refused(&[], 2, &[list, words, "no valid pixel"]);
        assert!(!run.checkpoints().exists());
    }
}

#[test]
fn an_epoch_without_a_valid_pixel_has_no_score() {
    // One valid pixel in a corner, which random crops of a tenth of the scene seldom meet.
    let data = without_pixels("val.csv", 0);
    let name = first_line(&data.path().join("splits/val.csv"));
    let path = data.path().join("melt").join(name);
    let raster = Raster::open(&path).unwrap();
    let (rows, cols, geo) = (raster.rows(), raster.cols(), raster.geo().clone());
    drop(raster);
    let ocean = Raster::open(data.path().join("landmask.tif")).unwrap().read_all().unwrap();
    let land = ocean.iter().position(|value| *value > 0.0).unwrap();
    let mut melt = vec![f32::NAN; rows * cols];
    melt[land] = 0.5;
    write_geotiff(&path, rows, cols, &melt, &geo).unwrap();
    let run = Run::on(data.path(), &["epochs=6", "lr_scheduler=ReduceLROnPlateau", "lr_patience=100", "img_size=[32, 32]"]);
    let output = run.train(&[]);
    let (said, log) = (text(&output), log(&run));
    let scored: Vec<&Value> = log.iter().filter(|entry| !entry["val_loss"].is_null()).collect();
    let state: Value = serde_json::from_slice(&run.bytes("last/state.json")).unwrap();
    assert!(scored.len() < log.len() && log.iter().all(|entry| entry["train_loss"].is_f64()), "{said}");
    assert_eq!(said.matches("val none (no valid pixel in the val split)").count(), log.len() - scored.len(), "{said}");
    if scored.is_empty() {
        assert!(output.status.code() == Some(2) && said.contains("no valid pixel in any crop of 6 epochs"), "{said}");
        assert!(state["best"].is_null() && !run.checkpoints().join("best.safetensors").exists());
        return;
    }
    let best = scored.iter().min_by(|a, b| a["val_loss"].as_f64().unwrap().total_cmp(&b["val_loss"].as_f64().unwrap())).unwrap();
    assert_eq!((output.status.code(), &state["best"]["epoch"]), (Some(0), &best["epoch"]), "{said}");
    // The schedule has seen scored epochs only.
    let stalled = &state["schedule"]["ReduceLROnPlateau"]["stalled"];
    assert!(stalled.as_u64().unwrap() < scored.len() as u64, "{state}");
}

/// The maps and pictures of evaluation with their bytes.
fn maps(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for epoch in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        for path in fs::read_dir(&epoch).unwrap().map(|entry| entry.unwrap().path()) {
            found.push((path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn maps_that_a_run_owes_are_drawn_when_it_is_resumed() {
    let overrides = ["periodical_evaluation=true", "epochs_between_periodical_evaluation=1", "prediction_stride=20", "epochs=2"];
    let drawing = |run: &Run| format!("path_eval={}", run.folder.path().join("eval").display());
    let straight = Run::new(&overrides);
    straight.trained(&["--set", &drawing(&straight)]);
    let wanted = maps(&straight.folder.path().join("eval"));
    assert!(wanted.len() >= 4, "{wanted:?}");
    for epochs in ["1", "2"] {
        let run = Run::new(&overrides);
        run.trained(&["--set", &drawing(&run), "--set", &format!("epochs={epochs}")]);
        // As a kill behind the renaming of `last` leaves it: a map is missing, and another is of an earlier run.
        let folder = run.folder.path().join(format!("eval/epoch_000{epochs}"));
        let mut paths: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        fs::remove_file(&paths[0]).unwrap();
        fs::write(&paths[3], "of an earlier run").unwrap();
        let earlier = SystemTime::now() - Duration::from_secs(3600);
        File::options().append(true).open(&paths[3]).unwrap().set_modified(earlier).unwrap();
        let said = run.trained(&["--set", &drawing(&run), "--resume", "auto"]);
        assert!(said.contains(&format!("drawing 2 map(s) of epoch {epochs} that are missing")), "{said}");
        assert!(maps(&run.folder.path().join("eval")) == wanted, "after epoch {epochs}");
        let said = run.trained(&["--set", &drawing(&run), "--resume", "auto"]);
        assert!(!said.contains("that are missing"), "{said}");
    }
}

#[test]
fn a_damaged_log_and_event_file_keep_what_is_intact() {
    let run = Run::new(&[]);
    run.trained(&["--set", "epochs=3"]);
    let path = run.checkpoints().join("log.jsonl");
    let mut bytes = fs::read(&path).unwrap();
    let second = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).unwrap().0 + 1;
    bytes[second + 3] = 0xff;
    fs::write(&path, bytes).unwrap();
    let entries = fs::read_dir(run.checkpoints()).unwrap().map(|entry| entry.unwrap().path());
    let events = entries.filter(|path| path.to_string_lossy().contains("tfevents")).max().unwrap();
    let mut bytes = fs::read(&events).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&events, bytes).unwrap();
    let said = run.trained(&["--resume", "auto"]);
    assert!(said.contains("log.jsonl: line 3 of the earlier epochs cannot be read"), "{said}");
    assert!(said.contains("1 damaged piece(s) are left out of the curves"), "{said}");
    assert_eq!(run.logged(), [1, 3, 4]);
    let straight = Run::new(&[]);
    straight.trained(&[]);
    FILES.iter().for_each(|file| assert!(straight.bytes(file) == run.bytes(file), "{file}"));
}

#[cfg_attr(not(unix), ignore = "only POSIX systems remove a folder with open files")]
#[test]
fn a_run_whose_folder_is_removed_says_so() {
    let run = Run::new(&["epochs=500"]);
    let mut child = run.command(&[]).spawn().unwrap();
    run.wait_for_epochs(&mut child, 2);
    fs::rename(run.checkpoints(), run.folder.path().join("moved")).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = text(&output);
    assert!(output.status.code() == Some(4) && said.contains("removed, moved or replaced"), "{said}");
    assert!(run.folder.path().join("moved/last/state.json").is_file());
}

#[cfg_attr(not(unix), ignore = "needs a POSIX shell to signal another process")]
#[test]
fn a_signal_within_a_long_step_is_answered() {
    // A step takes many seconds; nothing polls meanwhile.
    let run = Run::new(&["base_channels=64", "img_size=[64, 64]", "batch_size=11", "epochs=1"]);
    let mut child = run.command(&["--device", "host", "--threads", "1"]).spawn().unwrap();
    let start = Instant::now();
    while !run.checkpoints().join("last/state.json").is_file() {
        assert!(start.elapsed() < Duration::from_secs(120), "no checkpoint of the beginning within two minutes");
        std::thread::sleep(Duration::from_millis(10));
    }
    let signalled = Instant::now();
    assert!(Command::new("sh").args(["-c", &format!("kill -15 {}", child.id())]).status().unwrap().success());
    let status = child.wait().unwrap();
    // Two seconds, and what a busy machine takes on top.
    assert!(signalled.elapsed() < Duration::from_secs(4), "{:?}", signalled.elapsed());
    assert_eq!(status.code(), Some(143));
}
