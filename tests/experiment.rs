//! `meltcore experiment` as a process: which days runs see, what they leave behind whatever stopped them, and what is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use approx::assert_abs_diff_eq;
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use serde_json::Value;

/// A network that trains in less than a second.
const SMALL: &str = "in_keys: [pmw, mar_wa1], in_keys_static: [dem], img_size: [32, 32], prediction_stride: 24, base_channels: 2, \
                     batch_size: 4, epochs: 2";

/// A made-up data set `d`, and the files of experiments beside it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place::of(&["--size", "64x64", "--days", "30"])
    }

    fn of(synth: &[&str]) -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        place.done(&[&["synth", "--out", "d", "-q"], synth].concat());
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// An experiment with the small network.
    fn experiment(&self, lines: &str) {
        self.write("x.yaml", &format!("config: d/config.yaml\nset: {{{SMALL}}}\n{lines}\n"));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
        command.args(arguments).current_dir(self.0.path()).env("MELTCORE_DEVICE", "host").stderr(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command that must succeed prints, and says.
    fn done(&self, arguments: &[&str]) -> (String, String) {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        (String::from_utf8(output.stdout).unwrap(), said)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[arguments, &["--json", "-q"]].concat()).0).unwrap()
    }

    fn refused(&self, arguments: &[&str], words: &[&str]) {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        words.iter().for_each(|word| assert!(said.contains(word), "`{word}` is missing: {said}"));
    }

    fn lines(&self, name: &str) -> BTreeSet<String> {
        self.text(name).lines().map(str::to_owned).collect()
    }

    /// Everything that must not depend on how an experiment was stopped.
    fn results(&self, out: &str) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.path(out)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                let name = entry.strip_prefix(self.path(out)).unwrap().display().to_string();
                let is_result = ["tif", "json", "csv", "md", "safetensors"].iter().any(|ending| name.ends_with(ending));
                // Stamps of files and the folders of maps are in lists of both.
                let is_of_place = name.ends_with("inputs.json") || name.ends_with("maps.json") || name.contains("/checkpoints/epoch");
                match entry.is_dir() {
                    true => folders.push(entry),
                    false if is_result && !is_of_place => drop(found.insert(name, fs::read(entry).unwrap())),
                    false => {}
                }
            }
        }
        found
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn seasons_are_left_out_and_whatever_stops_an_experiment_it_ends_alike() {
    let place = Place::new();
    place.experiment("leave_out: season\nseeds: [1, 2]\nvariants: {unet: {}, mean: {model_key: time_interpolate_sar}}");
    let plan = place.json(&["experiment", "x.yaml", "--out", "parts", "--plan"]);
    let names: Vec<&str> = plan.as_array().unwrap().iter().map(|run| run["run"].as_str().unwrap()).collect();
    let [one, two] = ["unet-2016-17", "unet-2017-18"];
    let unets = [one, two].into_iter().flat_map(|fold| [1, 2].map(|seed| format!("{fold}-seed-{seed}")));
    assert_eq!(names, unets.chain(["mean-2016-17".to_owned(), "mean-2017-18".to_owned()]).collect::<Vec<_>>());
    assert!(!place.path("parts").exists());

    // Two processes at once.
    let first = place.command(&["experiment", "x.yaml", "--out", "parts", "--shard", "0/2"]).spawn().unwrap();
    place.done(&["experiment", "x.yaml", "--out", "parts", "--shard", "1/2"]);
    assert!(first.wait_with_output().unwrap().status.success());
    let days = |list: &str| place.lines(&format!("d/splits/{list}.csv"));
    let known: BTreeSet<String> = days("train").union(&days("val")).cloned().collect();
    for (fold, is_of) in [("2016-17", true), ("2017-18", false)] {
        let of = |list: &str| place.lines(&format!("parts/folds/{fold}/{list}.csv"));
        let is_held_out = |day: &&String| (day.as_str() < "2017_07_01") == is_of;
        assert_eq!(of("held_out"), known.iter().filter(is_held_out).cloned().collect());
        for list in ["train", "val"] {
            assert_eq!(of(list), days(list).iter().filter(|day| !is_held_out(day)).cloned().collect());
        }
    }

    // One process, stopped in its second run, then in maps, and killed.
    let begun = |name: &str| {
        let start = Instant::now();
        while !place.path(name).exists() {
            assert!(start.elapsed() < Duration::from_secs(120), "{name}");
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    let whole = ["experiment", "x.yaml", "--out", "whole"];
    for (name, signal) in [
        ("whole/runs/unet-2016-17-seed-2/checkpoints/last", 15),
        ("whole/runs/unet-2017-18-seed-1/predictions/maps.json", 2),
        ("whole/runs/unet-2017-18-seed-2/checkpoints/last", 9),
    ] {
        let process = place.command(&whole).spawn().unwrap();
        begun(name);
        Command::new("kill").args([format!("-{signal}"), process.id().to_string()]).status().unwrap();
        let output = process.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_none_or(|code| code == 128 + signal || code == 0), "{name}: {said}");
    }
    place.done(&whole);
    let (_, said) = place.done(&["experiment", "x.yaml", "--out", "parts"]);
    assert!(said.contains("all of these runs are finished"), "{said}");
    let (parts, whole) = (place.results("parts"), place.results("whole"));
    assert_eq!(parts.keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>());
    parts.iter().for_each(|(name, bytes)| assert!(whole[name] == *bytes || name.ends_with("state.json"), "{name} differs"));

    // Runs are those of train, predict and eval.
    let run = "parts/runs/unet-2016-17-seed-2";
    let config = format!("{run}/config.yaml");
    place.done(&["train", "--config", &config, "--set", "path_checkpoints=plain", "-q"]);
    let best = fs::read(place.path("plain/best.safetensors")).unwrap();
    assert!(best == parts["runs/unet-2016-17-seed-2/checkpoints/best.safetensors"]);
    let maps = ["--weights", "plain/best.safetensors", "--split", "eval", "--out", "maps", "--no-png", "-q"];
    place.done(&[&["predict", "--config", &config], &maps[..]].concat());
    place.done(&["eval", "--config", &config, "--split", "eval", "--pred", "unet=maps", "--out", "scores", "-q"]);
    assert_eq!(place.text("scores/scores.json"), place.text(&format!("{run}/scores.json")));

    // The table is of these scores.
    let table = place.json(&["experiment", "x.yaml", "--out", "parts", "--table"]);
    let runs = table["runs"].as_array().unwrap();
    let f1 = |run: &str| number(&runs.iter().find(|row| row["run"] == run).unwrap()["scores"]["pooled_f1"]);
    let scores: Value = serde_json::from_str(&place.text(&format!("{run}/scores.json"))).unwrap();
    assert_eq!(f1("unet-2016-17-seed-2"), number(&scores["models"]["unet"]["pooled"]["f1"]));
    let [a, b, c, d] = [(one, 1), (one, 2), (two, 1), (two, 2)].map(|(fold, seed)| f1(&format!("{fold}-seed-{seed}")));
    let summary = table["summary"].as_array().unwrap();
    let [first, second, all] = [0, 1, 2].map(|row| &summary[row]["scores"]["pooled_f1"]);
    assert_abs_diff_eq!(number(&first["mean"]), (a + b) / 2.0, epsilon = 1e-12);
    assert_abs_diff_eq!(number(&first["std"]), (a - b).abs() / 2f64.sqrt(), epsilon = 1e-12);
    assert_abs_diff_eq!(number(&all["mean"]), (a + b + c + d) / 4.0, epsilon = 1e-12);
    let apart = (number(&first["mean"]) - number(&second["mean"])).abs();
    assert_abs_diff_eq!(number(&all["std"]), apart / 2f64.sqrt(), epsilon = 1e-12);
    assert_eq!((&summary[2]["left_out"], &summary[5]["variant"], &summary[5]["count"]), (&"all".into(), &"mean".into(), &2.into()));
    let csv = place.text("parts/table.csv");
    assert!(csv.lines().count() == 7 && csv.starts_with("run,variant,left_out,seed,best_epoch,best_by,best_value,mae,"), "{csv}");
    assert!(csv.contains("unet-2016-17-seed-1,unet,2016/17,1,") && csv.contains("\nmean-2016-17,mean,2016/17,,,,,"), "{csv}");
    assert!(place.text("parts/summary.md").contains("| unet | all | 2 |"));

    // What was begun goes by its configuration and its days.
    let refused = |words: &[&str]| place.refused(&["experiment", "x.yaml", "--out", "parts"], words);
    place.write("x.yaml", &place.text("x.yaml").replace("epochs: 2", "epochs: 3"));
    refused(&["parts/runs/unet-2016-17-seed-1", "`epochs` (2 there, 3 now)"]);
    place.write("x.yaml", &place.text("x.yaml").replace("epochs: 3", "epochs: 2").replace("leave_out", "season_start: 06-01\nleave_out"));
    refused(&["parts/folds/2016-17/train.csv", "lists other days"]);
    assert!(place.results("parts") == parts);
}

#[test]
fn what_is_in_a_region_has_no_effect_on_weights_and_alone_is_scored() {
    let place = Place::new();
    place.experiment("leave_out: region\nheld_out_from: [val]\nboxes: {west: [0, 0, 64, 32], east: [0, 32, 64, 64]}");
    let table = place.json(&["experiment", "x.yaml", "--out", "a"]);
    let valid = |table: &Value, row: usize| number(&table["runs"][row]["scores"]["valid_px"]);
    let of = |table: &Value, row: usize| table["runs"][row]["left_out"].clone();
    assert_eq!((of(&table, 0), of(&table, 1)), ("west".into(), "east".into()));
    let pixels = |scores: &str| {
        let scores: Value = serde_json::from_str(scores).unwrap();
        let scenes = scores["models"]["base"]["scenes"].as_object().unwrap().clone();
        scenes.into_iter().map(|(day, scores)| (day, number(&scores["valid_px"]))).collect::<Vec<_>>()
    };
    // Both together are all that is valid without masks.
    let of_all = ["--split", "val", "--json", "-q", "--pred", "base=a/runs/base-west/predictions"];
    let (unmasked, _) = place.done(&[&["eval", "--config", "d/config.yaml"], &of_all[..]].concat());
    let scores = |run: &str| place.text(&format!("{run}/scores.json"));
    let (west, east, all) = (pixels(&scores("a/runs/base-west")), pixels(&scores("a/runs/base-east")), pixels(&unmasked));
    assert_eq!(all.len(), 4);
    for ((west, east), all) in west.iter().zip(&east).zip(&all) {
        assert!(west.1 + east.1 == all.1 && west.0 == all.0, "{west:?} {east:?} {all:?}");
    }
    assert!(valid(&table, 0) > 0.0 && valid(&table, 1) > 0.0);

    // Other targets in the west.
    for day in fs::read_dir(place.path("d/melt")).unwrap().map(|entry| entry.unwrap().path()) {
        if day.extension().is_some_and(|extension| extension == "tif") {
            let raster = Raster::open(&day).unwrap();
            let (geo, mut values) = (raster.geo().clone(), raster.read_all().unwrap());
            let in_west = values.iter_mut().enumerate().filter(|(pixel, value)| pixel % 64 < 32 && !value.is_nan());
            in_west.for_each(|(_, value)| *value = 1.0 - *value);
            drop(raster);
            write_geotiff(&day, 64, 64, &values, &geo).unwrap();
        }
    }
    place.done(&["experiment", "x.yaml", "--out", "c", "-q"]);
    let best = |out: &str, fold: &str| fs::read(place.path(&format!("{out}/runs/base-{fold}/checkpoints/best.safetensors"))).unwrap();
    assert!(best("a", "west") == best("c", "west"), "targets of the region were learnt");
    assert!(best("a", "east") != best("c", "east"));
    assert_ne!(scores("a/runs/base-west"), scores("c/runs/base-west"));

    // The same part as a raster.
    fs::copy(place.path("a/folds/west/held_out.tif"), place.path("west.tif")).unwrap();
    place.experiment("leave_out: region\nheld_out_from: [val]\nmasks: {west: west.tif}");
    place.done(&["experiment", "x.yaml", "--out", "m", "-q"]);
    assert_eq!(scores("m/runs/base-west"), scores("c/runs/base-west"));
    place.experiment("leave_out: region\nboxes: {west: [0, 0, 65, 32]}");
    place.refused(&["experiment", "x.yaml", "--out", "n"], &["reaches beyond the 64 × 64 pixels", "`boxes`"]);
    place.experiment("leave_out: region\nheld_out_from: [val]\nboxes: {west: [0, 0, 64, 16]}");
    place.refused(&["experiment", "x.yaml", "--out", "a"], &["a/folds/west/held_out.tif", "another part"]);
}

#[test]
fn regions_of_scenes_are_left_out_by_name() {
    let place = Place::of(&["--task", "glacier", "--size", "64x64", "--scenes", "8"]);
    place.write("x.yaml", "config: d/unet.yaml\nout: o\nleave_out: region\nheld_out_from: [train, val, test]\n");
    let plan = place.json(&["experiment", "x.yaml", "--plan"]);
    let told = |run: &Value| format!("{}: {} {} {}", run["run"], run["train"], run["val"], run["scored"]);
    let plan: Vec<String> = plan.as_array().unwrap().iter().map(told).collect();
    let [train, val, test] = ["train", "val", "test"].map(|list| place.lines(&format!("d/splits/{list}.csv")));
    let regions: BTreeSet<&str> = train.union(&val).map(|name| name.split('-').next().unwrap()).collect();
    assert!(regions.len() > 1);
    let count = |names: &BTreeSet<String>, region: &str| names.iter().filter(|name| name.starts_with(region)).count();
    let wanted = regions.iter().map(|region| {
        let [of_train, of_val, of_test] = [&train, &val, &test].map(|names| count(names, region));
        format!("\"base-{region}\": {} {} {}", train.len() - of_train, val.len() - of_val, of_train + of_val + of_test)
    });
    assert_eq!(plan, wanted.collect::<Vec<_>>());
}

#[test]
fn shares_are_nested_and_inputs_are_taken_away() {
    let place = Place::new();
    place.experiment("out: o\nlearning_curve: [0.125, 0.5, 1]\nseeds: [3, 4]");
    place.done(&["experiment", "x.yaml", "-q"]);
    let list = |share: &str, seed: u64| place.lines(&format!("o/folds/share-{share}-seed-{seed}/train.csv"));
    for seed in [3, 4] {
        let [few, half, all] = ["0.125", "0.5", "1"].map(|share| list(share, seed));
        assert_eq!((few.len(), half.len()), (3, 9));
        assert!(few.is_subset(&half) && half.is_subset(&all) && all == place.lines("d/splits/train.csv"));
    }
    assert_ne!(list("0.5", 3), list("0.5", 4));
    assert!(place.text("o/table.csv").contains("\nshare-0.125-seed-4,share-0.125,,4,"));

    place.experiment("out: i\ninputs: {all: [pmw, mar_wa1, dem], bare: [pmw]}");
    place.done(&["experiment", "x.yaml", "-q"]);
    let config = place.text("i/runs/bare/config.yaml");
    assert!(config.contains("in_keys: [\"pmw\"]\n") && config.contains("in_keys_static: []\n"), "{config}");
    assert!(place.text("i/runs/all/config.yaml").contains("in_keys_static: [\"dem\"]\n"));
    let summary = place.text("i/summary.md");
    let rows: Vec<&str> = summary.lines().filter(|line| line.starts_with('|')).collect();
    assert!(rows.len() == 4 && rows[2].starts_with("| all | 1 |") && rows[3].starts_with("| bare | 1 |"), "{summary}");
}

#[test]
fn sweeps_of_wandb_are_read_drawn_alike_and_sorted() {
    let place = Place::new();
    place.write(
        "run.yaml",
        &place
            .done(&[
                "config",
                "show",
                "--config",
                "d/config.yaml",
                "--set",
                "epochs=1",
                "--set",
                "base_channels=2",
                "--set",
                "img_size=[32, 32]",
                "--set",
                "in_keys=[pmw]",
                "--set",
                "batch_size=4",
                "--set",
                "prediction_stride=24",
            ])
            .0,
    );
    let sweep = |text: &str| {
        place.write("sweep.yaml", text);
        place.json(&["experiment", "sweep.yaml", "--config", "run.yaml", "--out", "s", "--plan"])
    };
    let grid = "program: train.py\nproject: melt\ncommand: [python]\nmethod: grid\nmetric: {name: mae, goal: minimize}\n\
                parameters: {learning_rate: {values: [1e-9, 0.02]}, batch_size: {min: 2, max: 3}, optimizer: {value: adam}}\n";
    let plan = sweep(grid);
    let tried: Vec<String> = plan.as_array().unwrap().iter().map(|run| run["parameters"].to_string()).collect();
    assert_eq!(tried.len(), 4);
    assert_eq!(tried[1], r#"{"batch_size":2,"learning_rate":0.02,"optimizer":"adam"}"#);
    assert_eq!(plan[3]["run"], "sweep-004");

    let random = "method: random\nrun_cap: 40\nparameters:\n  learning_rate: {min: 1e-5, max: 1e-2, distribution: log_uniform_values}\n  \
                  weight_decay: {min: 0.0, max: 0.5}\n  base_channels: {distribution: q_uniform, min: 4, max: 32, q: 4}\n  \
                  batch_size: {min: 2, max: 5}\n  loss_function: {values: [l1, mse]}\n";
    let plan = sweep(random);
    assert_eq!(plan, sweep(random));
    let drawn = |key: &str| plan.as_array().unwrap().iter().map(|run| run["parameters"][key].clone()).collect::<Vec<_>>();
    let rates: Vec<f64> = drawn("learning_rate").iter().map(number).collect();
    assert!(rates.iter().all(|rate| (1e-5..=1e-2).contains(rate)));
    // A third of the draws, give or take, in each of three decades.
    assert!(
        [1e-5, 1e-4, 1e-3].iter().all(|from| rates.iter().filter(|rate| (*from..from * 10.0).contains(*rate)).count() >= 6),
        "{rates:?}"
    );
    assert!(drawn("base_channels").iter().map(number).all(|x| (4.0..=32.0).contains(&x) && x % 4.0 == 0.0));
    let sizes: BTreeSet<u64> = drawn("batch_size").iter().map(|size| size.as_u64().unwrap()).collect();
    assert_eq!(sizes, BTreeSet::from([2, 3, 4, 5]));
    assert!(drawn("loss_function").contains(&"l1".into()) && drawn("loss_function").contains(&"mse".into()));
    let (_, said) = place.done(&["experiment", "sweep.yaml", "--config", "run.yaml", "--out", "s", "--plan"]);
    assert!(!said.contains("without effect"), "{said}");
    place.write("sweep.yaml", &random.replace("random", "bayes"));
    let (_, said) = place.done(&["experiment", "sweep.yaml", "--config", "run.yaml", "--out", "s", "--plan"]);
    assert!(said.contains("bayes is done as random"), "{said}");

    place.write("sweep.yaml", grid);
    let (table, said) = place.done(&["experiment", "sweep.yaml", "--config", "run.yaml", "--out", "s"]);
    assert!(said.contains("without effect here: command, program, project"), "{said}");
    let results = place.json(&["experiment", "sweep.yaml", "--config", "run.yaml", "--out", "s", "--table"]);
    let errors: Vec<f64> = results["summary"].as_array().unwrap().iter().map(|group| number(&group["scores"]["mae"]["mean"])).collect();
    assert!(errors.len() == 4 && errors.is_sorted() && errors[0] < errors[3], "{table}");
    assert!(place.text("s/table.csv").starts_with("run,variant,left_out,seed,batch_size,learning_rate,optimizer,best_epoch,"));
    place.write("sweep.yaml", &grid.replace("name: mae", "name: val/acc"));
    place.refused(
        &["experiment", "sweep.yaml", "--config", "run.yaml", "--out", "s"],
        &["sweep.yaml: key `metric.name`", "val/acc", "pooled_f1"],
    );
}

#[test]
fn files_that_say_what_cannot_be_done_are_refused_by_key() {
    let place = Place::of(&["--size", "64x64", "--days", "12"]);
    for (lines, words) in [
        ("leav_out: season", &["x.yaml: key `leav_out`", "did you mean `leave_out`?"][..]),
        ("leave_out: year", &["x.yaml: key `leave_out`", "one of season, region"]),
        ("season_start: 07-01", &["key `season_start`", "belongs to `leave_out: season`"]),
        ("leave_out: season\nseason_start: 13-01", &["key `season_start`", "MM-DD", "13-01"]),
        ("leave_out: season\nsplit: val", &["key `split`", "nothing is left out"]),
        ("leave_out: region", &["needs `boxes` or `masks`"]),
        ("leave_out: region\nboxes: {a: [4, 4, 4, 8]}", &["key `boxes.a`", "[4,4,4,8]"]),
        ("leave_out: region\nboxes: {a/b: [0, 0, 4, 8]}", &["key `boxes`", "`a/b`"]),
        ("leave_out: region\nboxes: {a: [0, 0, 4, 8]}\nmasks: {a: a.tif}", &["key `masks`", "beside `boxes`"]),
        ("held_out_from: [val]", &["key `held_out_from`", "belongs to `leave_out`"]),
        ("split: deploy", &["key `split`", "train, val, test, eval, all"]),
        ("seeds: [1, 1]", &["key `seeds`", "1 twice"]),
        ("seeds: []", &["key `seeds`", "[1, 2, 3]"]),
        ("variants: {a: {epocs: 3}}", &["x.yaml: key `variants.a.epocs`", "did you mean `epochs`?"]),
        ("variants: {a: {epochs: 0}}", &["x.yaml: key `variants.a.epochs`", "but 0 was given"]),
        ("variants: {a: {path_checkpoints: c}}", &["key `variants.a.path_checkpoints`", "set by the experiment"]),
        ("seeds: [1]\nvariants: {a: {seed: 3}}", &["key `variants.a.seed`", "set by the experiment"]),
        (
            "leave_out: season\nvariants: {a: {path_train_split_csv: c}}",
            &["key `variants.a.path_train_split_csv`", "set by the experiment"],
        ),
        ("variants: {a: {}}\ninputs: {b: [pmw]}", &["key `variants`", "beside `inputs`"]),
        ("leave_out: season\ninputs: {b: [pmw]}", &["key `inputs`", "`variants` only"]),
        ("inputs: {b: [pnw]}", &["key `inputs.b`", "did you mean `pmw`?"]),
        ("learning_curve: [0.5, 2]", &["key `learning_curve`", "above 0 and up to 1"]),
        ("learning_curve: [0.5, 0.5]", &["key `learning_curve`", "share-0.5 twice"]),
        ("sweep: {method: random, parameters: {batch_size: {values: [1]}}}", &["key `sweep.runs`", "is missing"]),
        (
            "sweep: {method: grid, parameters: {learning_rate: {min: 0.1, max: 0.2}}}",
            &["key `sweep.parameters.learning_rate`", "no list of values"],
        ),
        ("sweep: {method: grid, parameters: {learning_rat: {values: [0.1]}}}", &["learning_rat", "did you mean `learning_rate`?"]),
        ("sweep: {method: random, runs: 2, parameters: {seed: {min: 2, max: 1}}}", &["key `sweep.parameters.seed.min`", "above `max`"]),
        (
            "sweep: {method: random, runs: 2, parameters: {learning_rate: {min: 0, max: 1, distribution: log_uniform_values}}}",
            &["key `sweep.parameters.learning_rate.min`", "above 0"],
        ),
        ("sweep: {method: random, runs: 2, parameters: {learning_rate: {mu: 0, sigma: 1, distribution: normal}}}", &["learning_rate.mu"]),
    ] {
        place.write("x.yaml", &format!("config: d/config.yaml\nout: o\nset: {{in_keys: [pmw]}}\n{lines}\n"));
        place.refused(&["experiment", "x.yaml"], words);
    }
    place.write("x.yaml", "out: o\n");
    place.refused(&["experiment", "x.yaml"], &["key `config`", "is missing"]);
    place.write("x.yaml", "config: nowhere.yaml\nout: o\n");
    place.refused(&["experiment", "x.yaml"], &["key `config`", "nowhere.yaml cannot be read"]);
    place.write("x.yaml", "config: d/config.yaml\n");
    place.refused(&["experiment", "x.yaml"], &["key `out`", "is missing"]);
    place.write("x.yaml", "config: d/config.yaml\nout: o\nset: {in_keys: [pmw]}\n");
    place.refused(&["experiment", "x.yaml", "--config", "d/config.yaml"], &["--config belongs to a sweep file"]);
    place.write("s.yaml", "method: grid\nparameters: {seed: {values: [1]}}\n");
    place.refused(&["experiment", "s.yaml", "--out", "o"], &["give --config FILE"]);
    assert!(!place.path("o").exists());
    // A run that another process works on.
    fs::create_dir_all(place.path("o/runs/base")).unwrap();
    let held = fs::File::create(place.path("o/runs/base/.lock")).unwrap();
    held.lock().unwrap();
    let output = place.run(&["experiment", "x.yaml"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("another process works on this run"));
}

#[test]
fn a_run_that_fails_stops_no_other_and_foreign_files_stay() {
    let place = Place::new();
    place.experiment("variants: {broken: {learning_rate: 1.0e+30, gradient_clipping: 1.0e+30}, whole: {}}");
    let output = place.run(&["experiment", "x.yaml", "--out", "o"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("run broken failed") && place.path("o/runs/whole/scores.json").is_file(), "{said}");
    assert!(place.text("o/table.csv").lines().count() == 2, "{}", place.text("o/table.csv"));

    fs::create_dir(place.path("mine")).unwrap();
    place.write("mine/table.csv", "my,own\n1,2\n");
    assert_eq!(place.run(&["experiment", "x.yaml", "--out", "mine"]).status.code(), Some(4));
    assert!(place.text("mine/table.csv") == "my,own\n1,2\n" && !place.path("mine/runs").exists());
}
