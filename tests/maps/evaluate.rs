//! Scores over a split against the naive reference, and `meltcore eval` as a process.

use super::{f64s, message, noise};
use approx::{assert_abs_diff_eq, relative_eq};
use meltcore::config::Config;
use meltcore::data::day::Split;
use meltcore::data::writer::write_geotiff;
use meltcore::error::Result;
use meltcore::evaluate::{Evaluation, GroupBy, evaluate};
use meltcore::event::Event;
use meltcore::gpu::Gpu;
use meltcore::kernels::masked_metrics::SceneSums;
use meltcore::reference::masked_metrics::masked_metrics;
use meltcore::reference::masked_ssim::masked_ssim;
use meltcore::reference::scene_groups;
use meltcore::synth::georeference::albers;
use meltcore::tasks::masked;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The scores of a scene in the order of files.
const SCORE_NAMES: [&str; 10] = ["mae", "mse", "rmse", "r2", "accuracy", "precision", "recall", "f1", "ssim", "valid_px"];

/// Within 3e-7, or that share of the larger one.
fn close(got: f64, wanted: f64) -> bool {
    relative_eq!(got, wanted, epsilon = 3e-7, max_relative = 3e-7)
}

pub const DAYS: [&str; 4] = ["2019_07_04.tif", "2018_04_01.tif", "2019_04_30.tif", "2017_06_30.tif"];

/// A scene of `size`, its maps and its land, kept for the reference.
pub struct Made {
    pub size: [usize; 2],
    pub targets: Vec<Vec<f32>>,
    pub maps: Vec<Vec<f32>>,
    pub ocean: Vec<f32>,
}

/// Day 1 is half seen, day 3 not at all; map 1 has NaN at 11 valid pixels; every seventh column is ocean.
pub fn make(root: &Path, size: [usize; 2]) -> Made {
    let [rows, cols] = size;
    let mut noise = noise(3);
    let save = |name: String, pixels: &[f32]| write_geotiff(root.join(name), rows, cols, pixels, &albers(100.0)).unwrap();
    let ocean: Vec<f32> = (0..rows * cols).map(|i| f32::from(u8::from(i % cols % 7 == 3))).collect();
    let (mut targets, mut maps) = (Vec::new(), Vec::new());
    for (index, day) in DAYS.iter().enumerate() {
        let pixel = |i: usize| match index {
            1 if i % cols > cols / 2 => f32::NAN,
            3 => f32::NAN,
            _ => ((i / cols) as f32 / rows as f32 * 1.4 - 0.3).clamp(0.0, 1.0),
        };
        let target: Vec<f32> = (0..rows * cols).map(pixel).collect();
        let mut map: Vec<f32> = target.iter().map(|x| (if x.is_nan() { 0.5 } else { *x } + 0.4 * noise() - 0.2).clamp(0.0, 1.0)).collect();
        if index == 1 {
            (0..rows * cols).filter(|i| !target[*i].is_nan() && ocean[*i] == 0.0).take(11).for_each(|i| map[i] = f32::NAN);
        }
        save(format!("melt/{day}"), &target);
        save(format!("a/{day}"), &map);
        save(format!("b/{day}"), &vec![0.05; rows * cols]);
        targets.push(target);
        maps.push(map);
    }
    save("land.tif".into(), &ocean.iter().map(|ocean| 1.0 - 2.0 * ocean).collect::<Vec<_>>());
    std::fs::write(root.join("test.csv"), DAYS.map(|day| format!("{day}\n")).concat()).unwrap();
    std::fs::write(root.join("unseen.csv"), "2017_06_30.tif\n").unwrap();
    let text = format!(
        "data_root: {0}\npath_melt: melt\npath_landmask: land.tif\npath_test_split_csv: {0}/test.csv\npath_val_split_csv: {0}/unseen.csv\n\
         path_deploy_split_csv: {0}/test.csv\nin_keys: [pmw]\npath_pmw: nowhere\n",
        root.display()
    );
    std::fs::write(root.join("run.yaml"), text).unwrap();
    Made { size, targets, maps, ocean }
}

fn run(root: &Path, split: Split, models: &[(&str, &str)]) -> (Result<Evaluation>, Vec<String>) {
    run_with(root, split, models, &[])
}

fn run_with(root: &Path, split: Split, models: &[(&str, &str)], overrides: &[String]) -> (Result<Evaluation>, Vec<String>) {
    let config = Config::load(&root.join("run.yaml"), overrides).unwrap();
    let models: Vec<(String, PathBuf)> = models.iter().map(|(name, folder)| (name.to_string(), root.join(folder))).collect();
    let mut notes = Vec::new();
    let evaluation = evaluate(&Gpu::open(None).unwrap(), &config, split, &models, &mut |event| {
        if let Event::Note(note) = event {
            notes.push(note);
        }
    });
    (evaluation, notes)
}

/// The ten scores of a scene by the reference.
fn by_reference(made: &Made, index: usize) -> [f64; 10] {
    let [rows, cols] = made.size;
    let (target, mask) = masked(&made.targets[index], &made.ocean);
    let map: Vec<f64> = f64s(&made.maps[index]).iter().map(|x| if x.is_nan() { 0.0 } else { *x }).collect();
    let (target, mask) = (f64s(&target), f64s(&mask));
    let m = masked_metrics(&map, &target, &mask, 1, 0.1);
    let ssim = masked_ssim(&map, &target, &mask, [1, 1, rows, cols], 10.0, [0.0, 1.0])[0];
    [m.mae[0], m.mse[0], m.mse[0].sqrt(), m.r2[0], m.accuracy[0], m.precision[0], m.recall[0], m.f1[0], ssim, m.valid_px[0]]
}

#[test]
fn scores_follow_the_reference_and_means_their_weights() {
    let folder = tempfile::tempdir().unwrap();
    let made = make(folder.path(), [90, 83]);
    let (evaluation, notes) = run(folder.path(), Split::Test, &[("mine", "a"), ("low", "b")]);
    let evaluation = evaluation.unwrap();
    assert_eq!(notes.len(), 2);
    assert!(notes[0].contains("no valid pixel") && notes[0].contains(DAYS[3]), "{notes:?}");
    assert!(notes[1].contains("11 pixels without a value") && notes[1].contains("mine"), "{notes:?}");
    let wanted: Vec<[f64; 10]> = (0..4).map(|index| by_reference(&made, index)).collect();
    let model = &evaluation.models[0];
    for (index, ((file, scene), wanted)) in model.scenes.iter().zip(&wanted).enumerate().take(3) {
        assert_eq!(file, DAYS[index]);
        for ((name, got), wanted) in SCORE_NAMES.iter().zip(&scene.scored.values).zip(wanted) {
            assert!(close(*got, *wanted), "{name} of scene {index}: {got}, not {wanted}");
        }
    }
    // Nothing was seen on the last day: neither a perfect score nor a bad one.
    let (scores, valid) = model.scenes[3].1.scored.values.split_at(9);
    assert!(scores.iter().all(|score| score.is_nan()) && valid == [0.0], "{scores:?}");
    let weight: f64 = wanted.iter().map(|scene| scene[9]).sum();
    let mean = |score: usize| wanted.iter().map(|scene| scene[9] * scene[score]).sum::<f64>() / weight;
    let std = |score: usize| (wanted.iter().map(|scene| scene[9] * (scene[score] - mean(score)).powi(2)).sum::<f64>() / weight).sqrt();
    for (score, name) in SCORE_NAMES.iter().enumerate() {
        let wanted = if *name == "rmse" { mean(1).sqrt() } else { mean(score) };
        let (got, spread) = (model.weighted_mean()[score], model.weighted_std()[score]);
        assert!(close(got, wanted), "mean {name}: {got}, not {wanted}");
        assert!(close(spread, std(score)), "std {name}: {spread}, not {}", std(score));
    }
    // Pooled, by counting pixels of all scenes at once.
    let (mut hits, mut predicted, mut melting) = (0.0, 0.0, 0.0);
    for (target, map) in made.targets.iter().zip(&made.maps) {
        for ((target, map), ocean) in target.iter().zip(map).zip(&made.ocean).filter(|((t, _), ocean)| !t.is_nan() && **ocean == 0.0) {
            let _ = ocean;
            hits += f64::from(u8::from(*target > 0.1 && *map > 0.1));
            predicted += f64::from(u8::from(*map > 0.1));
            melting += f64::from(u8::from(*target > 0.1));
        }
    }
    let [("precision", precision), ("recall", recall), ("f1", f1)] = evaluation.pooled(model)[..] else { panic!("other names") };
    assert_abs_diff_eq!(precision, hits / predicted, epsilon = 1e-15);
    assert_abs_diff_eq!(recall, hits / melting, epsilon = 1e-15);
    assert_abs_diff_eq!(f1, 2.0 * hits / (predicted + melting), epsilon = 1e-15);
    // Nothing predicted: precision 1, recall 0, F1 0.
    assert_eq!(evaluation.pooled(&evaluation.models[1]), [("precision", 1.0), ("recall", 0.0), ("f1", 0.0)]);
}

#[test]
fn groups_and_reliability_follow_the_reference() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let made = make(root, [90, 83]);
    // One day after, three before across a month's end, six before; the unseen day itself and one years away.
    let train = ["2019_07_05.tif", "2018_03_29.tif", "2019_04_24.tif", "2017_06_30.tif", "2012_02_29.tif"];
    let wanted_gaps = ["1", "2-3", "4-6", "7+"];
    assert_eq!(DAYS.map(|day| scene_groups::gap(day, &train)), wanted_gaps);
    std::fs::write(root.join("train.csv"), train.join("\n")).unwrap();
    let with_train = [format!("path_train_split_csv={}", root.join("train.csv").display())];
    let evaluation = run_with(root, Split::Test, &[("mine", "a")], &with_train).0.unwrap();
    let model = &evaluation.models[0];
    let scores: Vec<[f64; 10]> = (0..4).map(|index| by_reference(&made, index)).collect();
    let labels = |by: GroupBy| match by {
        GroupBy::Month => DAYS.map(|day| day[5..7].to_owned()),
        GroupBy::Year => DAYS.map(|day| day[..4].to_owned()),
        GroupBy::Gap => wanted_gaps.map(str::to_owned),
        GroupBy::Region => unreachable!("days have no region"),
    };
    assert!(evaluation.grouped(model, GroupBy::Region).is_empty());
    for by in [GroupBy::Month, GroupBy::Year, GroupBy::Gap] {
        let labels = labels(by);
        let groups = evaluation.grouped(model, by);
        // Sorted, and without the group of which the unseen day is all.
        let mut wanted: Vec<&String> = labels[..3].iter().collect();
        wanted.sort();
        wanted.dedup();
        assert_eq!(groups.iter().map(|(label, _)| label).collect::<Vec<_>>(), wanted);
        for (label, group) in &groups {
            let scenes: Vec<usize> = (0..4).filter(|index| labels[*index] == *label).collect();
            assert_eq!(
                group.scenes.iter().map(|(file, _)| file.as_str()).collect::<Vec<_>>(),
                scenes.iter().map(|i| DAYS[*i]).collect::<Vec<_>>()
            );
            let weight: f64 = scenes.iter().map(|i| scores[*i][9]).sum();
            for (score, name) in SCORE_NAMES.iter().enumerate().filter(|(_, name)| **name != "rmse") {
                let wanted = scenes.iter().map(|i| scores[*i][9] * scores[*i][score]).sum::<f64>() / weight;
                let got = group.weighted_mean()[score];
                assert!(close(got, wanted), "{name} of {label}: {got}, not {wanted}");
            }
        }
    }
    let mut pixels = Vec::new();
    for (target, map) in made.targets.iter().zip(&made.maps) {
        let scene = target.iter().zip(map).zip(&made.ocean).filter(|((target, _), ocean)| !target.is_nan() && **ocean == 0.0);
        pixels.extend(scene.map(|((target, map), _)| (if map.is_nan() { 0.0 } else { f64::from(*map) }, f64::from(*target))));
    }
    let means = model.reliability.means();
    assert_eq!(means.iter().map(|bin| bin.valid_px).sum::<u64>(), pixels.len() as u64);
    for (index, bin) in means.iter().enumerate() {
        let (count, prediction, target) = scene_groups::reliability(&pixels, index);
        assert_eq!(bin.valid_px, count as u64, "bin {index}");
        assert_abs_diff_eq!(bin.mean_prediction.unwrap(), prediction, epsilon = 1e-14);
        assert_abs_diff_eq!(bin.mean_target.unwrap(), target, epsilon = 1e-14);
    }
    // Without the train days, or without their file, there is nothing by gap; the rest is the same.
    let (evaluation, notes) = run_with(root, Split::Test, &[("mine", "a")], &["path_train_split_csv=nowhere.csv".into()]);
    assert!(evaluation.unwrap().groups.of(GroupBy::Gap).next().is_none());
    assert!(notes.iter().any(|note| note.contains("nowhere.csv")), "{notes:?}");
}

fn eval(root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    command.args(["eval", "--config"]).arg(root.join("run.yaml")).args(arguments).output().unwrap()
}

#[test]
fn the_process_prints_table_json_and_csv() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root, [30, 28]);
    let (mine, low) = (format!("mine={}", root.join("a").display()), format!("low={}", root.join("b").display()));
    let csv = root.join("scores/scenes.csv");
    let done = eval(root, &["--split", "test", "--pred", &mine, "--pred", &low, "--csv", &csv.display().to_string()]);
    let (table, notes) = (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
    assert_eq!(done.status.code(), Some(0), "{notes}");
    assert!(notes.contains("SSIM") && notes.contains("30 × 28"), "{notes}");
    assert_eq!(table.lines().count(), 7, "{table}");
    assert!(table.lines().nth(6).unwrap().starts_with("low    pooled"), "{table}");
    assert_eq!(std::fs::read_to_string(&csv).unwrap().lines().count(), 9);

    let done = eval(root, &["--split", "test", "--pred", &mine, &low, "--json", "-q"]);
    assert!(!String::from_utf8_lossy(&done.stderr).contains("SSIM"));
    let json: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(json["split"], "test");
    let of = |model: &str, part: &str| json["models"][model][part].as_object().unwrap().len();
    assert_eq!((of("mine", "scenes"), of("mine", "weighted_mean"), of("low", "weighted_std"), of("low", "pooled")), (4, 10, 10, 3));
    assert_eq!((of("mine", "by_month"), of("mine", "by_year"), of("mine", "by_gap")), (2, 2, 0));
    assert_eq!(json["models"]["mine"]["by_month"]["04"]["scenes"], 2);
    assert_eq!(json["models"]["low"]["reliability"].as_array().unwrap().len(), 10);
    let scene = &json["models"]["mine"]["scenes"]["2018_04_01.tif"];
    assert!(SCORE_NAMES.iter().all(|name| scene[name].is_number()));
    assert!(scene["valid_px"].is_u64());

    let done = eval(root, &["--split", "test", "--pred", &mine, "--by", "month,gap", "--reliability"]);
    let (text, notes) = (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
    let tables: Vec<&str> = text.split("\n\n").collect();
    assert_eq!(tables.iter().map(|table| table.lines().count()).collect::<Vec<_>>(), [4, 3, 11], "{text}");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(tables[0])[..8], ["model", "over", "scenes", "mae", "mse", "accuracy", "f1", "ssim"]);
    assert_eq!(words(tables[1].lines().nth(1).unwrap())[..3], ["mine", "04", "2"]);
    assert!(notes.contains("path_train_split_csv"), "{notes}");

    // All files of --out; the pictures need inputs that this configuration lacks.
    std::fs::create_dir(root.join("nowhere")).unwrap();
    DAYS.iter().for_each(|day| write_geotiff(root.join("nowhere").join(day), 30, 28, &[200.0; 840], &albers(100.0)).unwrap());
    let out = root.join("out");
    let done = eval(root, &["--split", "test", "--pred", &mine, &low, "--out", &out.display().to_string(), "-q"]);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let lines = |name: &str| std::fs::read_to_string(out.join(name)).unwrap().lines().count();
    assert_eq!((lines("scores.csv"), lines("groups.csv"), lines("reliability.csv")), (9, 9, 21));
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&std::fs::read(out.join("scores.json")).unwrap()).unwrap(), json);
}

#[test]
fn what_cannot_be_scored_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root, [8, 9]);
    let fails = |split, models: &[(&str, &str)]| message(run(root, split, models).0);
    assert!(fails(Split::Val, &[("m", "a")]).contains("no scene of the split val has a valid pixel"));
    assert!(fails(Split::Deploy, &[("m", "a")]).contains("no targets"));
    assert!(fails(Split::Test, &[("m", "a"), ("m", "b")]).contains("twice"));
    assert!(fails(Split::Train, &[("m", "a")]).contains("path_train_split_csv"));
    std::fs::remove_file(root.join("b/2018_04_01.tif")).unwrap();
    let text = fails(Split::Test, &[("m", "a"), ("n", "b")]);
    assert!(text.contains("1 of 4") && text.contains("2018_04_01.tif") && text.contains("`n`"), "{text}");
    write_geotiff(root.join("b/2018_04_01.tif"), 9, 8, &[0.0; 72], &albers(100.0)).unwrap();
    assert!(fails(Split::Test, &[("n", "b")]).contains("share one grid"));
    let mut map = vec![0.0; 72];
    map[4] = f32::INFINITY;
    write_geotiff(root.join("b/2018_04_01.tif"), 8, 9, &map, &albers(100.0)).unwrap();
    assert!(fails(Split::Test, &[("n", "b")]).contains("infinite"));
    // What says that it is of another task, or of other bands, is not scored as if it were not.
    for (text, words) in [
        (
            "{\"task\": \"calving_front\", \"bands\": [\"front\"]}",
            ["`calving_front` with the band front", "`melt_fraction` with the band melt"],
        ),
        ("{\"task\": \"melt_fraction\", \"bands\": [\"a\", \"b\"]}", ["with the bands a, b", "with the band melt"]),
    ] {
        std::fs::write(root.join("a/maps.json"), text).unwrap();
        let said = fails(Split::Test, &[("m", "a")]);
        assert!(words.iter().all(|word| said.contains(word)) && said.contains("maps.json") && said.contains("`m`"), "{said}");
        let done = eval(root, &["--split", "test", "--pred", &format!("m={}", root.join("a").display())]);
        assert_eq!(done.status.code(), Some(2));
    }
    for (text, notes) in [("{}", 0), ("{\"task\": \"melt_fraction\"}", 0), ("no list", 1)] {
        std::fs::write(root.join("a/maps.json"), text).unwrap();
        let (scores, said) = run(root, Split::Test, &[("m", "a")]);
        let said = said.into_iter().filter(|note| note.contains("of what task")).count();
        assert!(scores.is_ok() && said == notes, "{text}");
    }
    let done = eval(root, &["--split", "test", "--pred", "nofolder"]);
    assert_eq!(done.status.code(), Some(2));
}

#[test]
fn merged_sums_are_those_of_all_pixels() {
    let part = |sq_sum, target_mean: f64| SceneSums {
        valid: 2,
        sq_sum,
        target_mean,
        target_spread: 2.0,
        target_min: target_mean as f32 - 1.0,
        target_max: target_mean as f32 + 1.0,
        ..Default::default()
    };
    let mut all = SceneSums::default();
    [part(1.0, 1.0), SceneSums::default(), part(0.5, 5.0)].iter().for_each(|part| all.merge(part));
    // 0, 2, 4, 6: mean 3, squares about it 20.
    assert_eq!((all.valid, all.target_mean, all.target_spread), (4, 3.0, 20.0));
    assert_eq!(all.r2(), 1.0 - 1.5 / 20.0);
    let none = SceneSums::default().scores();
    assert_eq!((none.mae, none.r2, none.accuracy, none.precision, none.recall, none.f1), (0.0, 0.0, 0.0, 1.0, 1.0, 1.0));
}
