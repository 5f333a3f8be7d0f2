//! A training that several ranks share, as threads of one process: the same bits as alone, whatever their number, and one end for all.

mod runs;

use std::fs;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use runs::{FILES, Run, text, write_data};

/// Settings that ranks can share.
const SHARED: [&str; 4] = ["batch_size=2", "accumulate_steps=4", "epochs=2", "tensorboard=true"];

fn devices(count: usize) -> [String; 2] {
    ["--devices".into(), vec!["host"; count].join(",")]
}

impl Run {
    /// Trains on so many ranks and insists on success.
    fn by(&self, ranks: usize, more: &[&str]) -> String {
        let devices = devices(ranks);
        let arguments: Vec<&str> = devices.iter().map(String::as_str).chain(more.iter().copied()).collect();
        self.trained(&arguments)
    }

    /// All of the log but what the clock says.
    fn log_without_times(&self) -> Vec<serde_json::Value> {
        let log = fs::read_to_string(self.checkpoints().join("log.jsonl")).unwrap();
        let mut lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for line in &mut lines {
            if let Some(entry) = line.as_object_mut() {
                entry.retain(|key, _| !["seconds", "crops_per_s", "wait_share", "device_bytes", "config"].contains(&key.as_str()));
            }
        }
        lines
    }

    fn equals(&self, other: &Run, what: &str) {
        for file in FILES {
            assert!(self.bytes(file) == other.bytes(file), "{what}: {file}");
        }
        assert_eq!(self.log_without_times(), other.log_without_times(), "{what}");
    }
}

/// The same settings alone and by ranks.
fn same_bits(overrides: &[&str], ranks: &[usize]) {
    let overrides = [&SHARED[..], overrides].concat();
    let alone = Run::new(&overrides);
    alone.trained(&[]);
    for &ranks in ranks {
        let shared = Run::new(&overrides);
        let said = shared.by(ranks, &["--threads", "2"]);
        assert!(said.contains(&format!("the first of {ranks} devices")), "{said}");
        alone.equals(&shared, &format!("{overrides:?} by {ranks}"));
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_ranks() {
    // 18 days of which 12 or so train: the last step of an epoch lacks micro-batches, so that the last ranks have none.
    same_bits(&[], &[2, 4]);
}

#[test]
fn nor_do_they_with_recomputing_and_a_schedule_of_the_validation() {
    same_bits(&["recompute=true", "lr_scheduler=ReduceLROnPlateau", "lr_patience=1", "epochs=3"], &[2]);
}

#[test]
fn nor_without_batch_norm_where_the_last_batch_is_cut() {
    same_bits(&["batch_norm=false", "batch_size=3", "optimizer=rmsprop"], &[4]);
}

#[test]
fn nor_in_mixed_precision_uphill() {
    same_bits(&["precision=mixed", "sharpness_aware=0.05"], &[2]);
}

#[test]
fn nor_of_networks_with_dropout() {
    same_bits(&["model_key=glavitu", "dropout=0.1", "epochs=1"], &[2]);
}

#[test]
fn a_run_goes_on_with_any_number_of_ranks() {
    let overrides = ["batch_size=2", "accumulate_steps=4"];
    let straight = Run::new(&overrides);
    straight.trained(&["--set", "epochs=3"]);
    let changing = Run::new(&overrides);
    changing.by(2, &["--set", "epochs=1"]);
    changing.trained(&["--set", "epochs=2", "--resume", "auto"]);
    changing.by(4, &["--set", "epochs=3", "--resume", "auto"]);
    straight.equals(&changing, "2, 1 and 4 ranks");
}

#[test]
fn what_ranks_cannot_share_is_refused_with_what_they_can() {
    for (steps, ranks, nearest) in [("1", 2, "for example 2."), ("6", 2, "for example 4 or 8."), ("8", 3, "for example 6 or 12.")] {
        let run = Run::new(&["batch_size=2", &format!("accumulate_steps={steps}")]);
        let devices = devices(ranks);
        run.refused(&[&devices[0], &devices[1]], 2, &["`accumulate_steps`", nearest]);
        assert!(!run.checkpoints().join("last").exists());
    }
    let run = Run::new(&SHARED);
    run.refused(&["--devices", "host,host", "--device", "host"], 2, &["--device and --devices"]);
    run.refused(&["--devices", "host,nothing of this name"], 3, &["nothing of this name"]);
    run.refused(&["--devices", "host,host", "--memory", "0.0001"], 3, &["training would need"]);
}

#[test]
fn a_stop_signal_ends_all_at_one_step() {
    let run = Run::new(&["batch_size=2", "accumulate_steps=2", "epochs=500"]);
    for signal in ["TERM", "USR1"] {
        let mut command = run.command(&["--devices", "host,host", "--resume", "auto"]);
        let mut child = command.spawn().unwrap();
        let before = run.logged().len();
        run.wait_for_epochs(&mut child, before + 2);
        let asked = Instant::now();
        Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(asked.elapsed() < Duration::from_secs(5));
        let said = text(&output);
        assert_eq!(output.status.code(), Some(if signal == "TERM" { 143 } else { 138 }), "{said}");
        assert!(said.contains("--resume auto goes on from the end of epoch"), "{said}");
        assert_eq!(said.matches("interrupted by signal").count(), 1, "{said}");
    }
    let done = run.logged().len();
    let more = format!("epochs={}", done + 1);
    run.by(2, &["--resume", "auto", "--set", &more]);
    let straight = Run::new(&["batch_size=2", "accumulate_steps=2"]);
    straight.trained(&["--set", &more]);
    for file in &FILES[..2] {
        assert!(straight.bytes(file) == run.bytes(file), "{file}");
    }
}

/// The words of the error of a run, without the folder of its checkpoints.
fn words_of(run: &Run, output: &Output) -> String {
    let said = text(output);
    assert_eq!(said.matches("error: ").count(), 1, "{said}");
    let error = said.lines().find(|line| line.starts_with("error: ")).unwrap();
    error.replace(run.checkpoints().to_str().unwrap(), "checkpoints")
}

#[test]
fn what_one_rank_meets_ends_all_with_its_words() {
    // What the network cannot use, and what makes its loss NaN; on the last train day, whosever it is.
    for (value, status) in [(f32::NAN, 2), (1e38, 5)] {
        let data = tempfile::tempdir().unwrap();
        write_data(data.path());
        let day = fs::read_to_string(data.path().join("splits/train.csv")).unwrap().lines().last().unwrap().trim().to_owned();
        let path = data.path().join("pmw").join(&day);
        let raster = Raster::open(&path).unwrap();
        let (rows, cols, geo) = (raster.rows(), raster.cols(), raster.geo().clone());
        drop(raster);
        write_geotiff(&path, rows, cols, &vec![value; rows * cols], &geo).unwrap();
        let mut named = 0;
        // Each seed puts the day elsewhere in the epoch, so that either rank meets it.
        for seed in ["seed=1", "seed=2", "seed=3"] {
            let overrides = ["batch_size=2", "accumulate_steps=4", "epochs=2", seed];
            let alone = Run::on(data.path(), &overrides);
            let wanted = alone.train(&[]);
            let shared = Run::on(data.path(), &overrides);
            let begun = Instant::now();
            let output = shared.train(&["--devices", "host,host"]);
            assert!(begun.elapsed() < Duration::from_secs(20));
            assert_eq!((wanted.status.code(), output.status.code()), (Some(status), Some(status)), "{}", text(&output));
            let words = words_of(&shared, &output);
            assert_eq!(words, words_of(&alone, &wanted));
            named += usize::from(words.contains(&day));
        }
        // A crop that is large and yet finite is found in the weights after it.
        assert!(named >= if status == 2 { 3 } else { 1 }, "{value}: {named} of 3 name {day}");
    }
}

/// The rows of a command that prints JSON.
fn rows(command: &mut Command) -> Vec<serde_json::Value> {
    let output = command.stdout(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn steps_of_more_ranks_are_planned_and_nothing_is_written() {
    let run = Run::new(&["batch_size=2", "accumulate_steps=2"]);
    let plan = |network| rows(&mut run.command(&["--plan", "--json", "--ranks", "12", "--device", "host", "--network", network]));
    let (fast, slow) = (plan("10"), plan("0.0001"));
    assert!(!run.checkpoints().exists());
    let numbers = |key: &str| fast.iter().map(|row| row[key].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(numbers("ranks"), [1, 2, 4, 8, 12]);
    // Of fewer micro-batches than ranks there are as many.
    assert_eq!(numbers("accumulate_steps"), [2, 2, 4, 8, 12]);
    assert!(numbers("memory_bytes").iter().all(|bytes| *bytes > 1 << 19));
    let of = |row: &serde_json::Value, key: &str| row[key].as_f64().unwrap();
    assert!(of(&fast[0], "exchange_s") == 0.0 && of(&fast[0], "efficiency") == 1.0 && of(&fast[0], "compute_s") > 0.0);
    for pair in fast.windows(2) {
        assert!(of(&pair[1], "sent_bytes") > of(&pair[0], "sent_bytes") && of(&pair[1], "efficiency") < 1.0, "{pair:?}");
    }
    for (fast, slow) in fast.iter().zip(&slow).skip(1) {
        // The bytes take as long as the network says.
        let bytes = of(fast, "sent_bytes");
        assert_eq!(bytes, of(slow, "sent_bytes"));
        let longer = of(slow, "exchange_s") - of(fast, "exchange_s");
        assert!((longer / (bytes / 1e5 - bytes / 1e10) - 1.0).abs() < 0.2, "{longer} s for {bytes} bytes");
    }
}

#[test]
fn the_exchange_is_timed_by_size() {
    let rows = rows(Command::new(env!("CARGO_BIN_EXE_meltcore")).args(["bench", "--ranks", "3", "--json"]).stderr(Stdio::piped()));
    assert!(rows.len() >= 5 && rows.iter().all(|row| row["ranks"] == 3 && row["seconds"].as_f64().unwrap() > 0.0), "{rows:?}");
    assert!(rows.windows(2).all(|pair| pair[0]["words"].as_u64() < pair[1]["words"].as_u64()));
}
