//! `meltcore calibrate` as a process: the curve is beside the weights, its band beside the maps, and both are about these weights.

use std::path::Path;
use std::process::{Command, Output};

use meltcore::calibrate::{Calibration, Curve, Method, Reliability};
use meltcore::data::described::bands_of;
use meltcore::data::raster::Raster;
use serde_json::Value;

const CONFIG: &str = "g/everything.yaml";
const BEST: &str = "best.safetensors";

fn meltcore(root: &Path, arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_meltcore")).current_dir(root).args(arguments.split(' ')).output().unwrap()
}

fn succeeds(root: &Path, arguments: &str) -> String {
    let done = meltcore(root, arguments);
    assert!(done.status.success(), "{arguments}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// What a command that ends with 2 says.
fn refused(root: &Path, arguments: &str, words: &[&str]) {
    let done = meltcore(root, arguments);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(2), "{arguments}: {said}");
    words.iter().for_each(|word| assert!(said.contains(word), "{arguments}: `{word}` is not in: {said}"));
}

fn eval(root: &Path) -> Value {
    let text = succeeds(root, &format!("eval --config {CONFIG} --split test --pred net=maps --json --quiet"));
    serde_json::from_str::<Value>(&text).unwrap()["models"]["net"]["certainty"].take()
}

/// A small network trained on invented scenes, in `run/checkpoints`.
fn trained(root: &Path) -> String {
    succeeds(root, "synth --task glacier --out g --size 96x96 --scenes 6 --seed 3 --quiet");
    let config = std::fs::read_dir(root.join("g")).unwrap().map(|entry| entry.unwrap().path());
    let config = config.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")).max().unwrap();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(root.join(CONFIG), text).unwrap();
    let set = "--set base_channels=4 --set img_size=[64,64] --set epochs=3 --set batch_size=4 --set path_checkpoints=run/checkpoints";
    succeeds(root, &format!("train --config {CONFIG} {set} --quiet"));
    format!("run/checkpoints/{BEST}")
}

#[test]
fn a_curve_goes_from_weights_to_maps_scores_and_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let weights = trained(root);
    let set = "--set base_channels=4 --set img_size=[64,64]";
    let predict =
        |more: &str| succeeds(root, &format!("predict --config {CONFIG} {set} --weights {weights} --split test --out maps --quiet{more}"));
    let bands = || {
        let file = std::fs::read_dir(root.join("maps/probability")).unwrap().map(|entry| entry.unwrap().path()).min().unwrap();
        (bands_of(&file).unwrap().into_iter().map(|band| band.title).collect::<Vec<_>>(), file)
    };
    predict("");
    assert_eq!(bands().0.last().unwrap(), "confidence of the class");
    let before = eval(root);
    assert!(before["said"]["expected_calibration_error"].is_number() && before["calibrated"].is_null(), "{before}");

    let table = succeeds(root, &format!("calibrate --config {CONFIG} {set} --weights {weights} --json --quiet"));
    let said: Value = serde_json::from_str(&table).unwrap();
    let beside = Calibration::beside(&[root.join(&weights)]);
    assert!(beside.ends_with("run/checkpoints/best.calibration.json"));
    let calibration = Calibration::read(&beside).unwrap().unwrap();
    assert_eq!(serde_json::to_value(&calibration).unwrap(), said);
    let [raw, fitted] = calibration.expected_calibration_error;
    // The halves of one scene, of a network of three epochs.
    assert!(fitted > 1e-4 && fitted < 0.8 * raw, "{raw} and {fitted} of pixels that no curve was fitted to");
    // The same curve again, and another of another method.
    succeeds(root, &format!("calibrate --config {CONFIG} {set} --weights {weights} --out again.json --quiet"));
    assert_eq!(std::fs::read(&beside).unwrap(), std::fs::read(root.join("again.json")).unwrap());
    succeeds(root, &format!("calibrate --config {CONFIG} {set} --weights {weights} --out kernel.json --method kernel --quiet"));
    let kernel = Calibration::read(&root.join("kernel.json")).unwrap().unwrap();
    assert!(kernel.curve.method == Method::Kernel && kernel.curve.at(0.0).abs() < 1e-9 && (kernel.curve.at(1.0) - 1.0).abs() < 1e-9);

    // The folder's maps are made again, by the curve beside the weights.
    predict("");
    let (titles, file) = bands();
    assert_eq!(titles[titles.len() - 2..], ["confidence of the class", "calibrated confidence of the class"]);
    let [sure, calibrated] = [2, 1].map(|back| Raster::open_band(&file, titles.len() - back).unwrap().read_all().unwrap());
    for (sure, calibrated) in sure.iter().zip(&calibrated) {
        assert_eq!(*calibrated, calibration.curve.at(f64::from(*sure)) as f32);
    }
    let after = eval(root);
    assert_eq!(after["said"], before["said"]);
    let error = |of: &Value| of["expected_calibration_error"].as_f64().unwrap();
    assert!(error(&after["calibrated"]) < error(&after["said"]), "{after}");
    let page = "report --config g/everything.yaml --pred net=maps --out page.html --scenes 1 --quiet";
    succeeds(root, page);
    let page = std::fs::read_to_string(root.join("page.html")).unwrap();
    assert!(page.contains("expected calibration error") && page.contains("calibrated confidence"));
    let table = succeeds(root, &format!("eval --config {CONFIG} --split test --pred net=maps --reliability --quiet"));
    assert!(table.contains("ece_calibrated") && table.contains("net calibrated"), "{table}");

    predict(" --uncalibrated");
    assert_eq!(bands().0, titles[..titles.len() - 1]);
}

/// Pixels of which the scene says nothing have no class, and no confidence to count.
#[test]
fn pixels_that_nobody_mapped_do_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let weights = trained(root);
    let (set, unseen) = ("--set base_channels=4 --set img_size=[64,64] --set fill_optical=mean --accept-changed-config", 30);
    let list = |split: &str| std::fs::read_to_string(root.join(format!("g/splits/{split}.csv"))).unwrap();
    let scenes: Vec<String> = ["val", "test"].iter().flat_map(|split| list(split).lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    for scene in &scenes {
        let file = root.join(format!("g/optical/{scene}.tif"));
        let mut values = Vec::new();
        for band in 0..6 {
            let raster = Raster::open_band(&file, band).unwrap();
            let of_band = raster.read_all().unwrap();
            values.extend(of_band.iter().enumerate().map(|(pixel, value)| if pixel % 96 < unseen { f32::NAN } else { *value }));
        }
        let geo = Raster::open_band(&file, 0).unwrap().geo().clone();
        meltcore::data::writer::write_geotiff(&file, 96, 96, &values, &geo).unwrap();
    }
    succeeds(root, &format!("calibrate --config {CONFIG} {set} --weights {weights} --quiet"));
    let calibration = Calibration::read(&Calibration::beside(&[root.join(&weights)])).unwrap().unwrap();
    assert_eq!(calibration.valid_px as usize, list("val").lines().count() * 96 * (96 - unseen));
    succeeds(root, &format!("predict --config {CONFIG} {set} --weights {weights} --split test --out maps --quiet"));
    let certainty = eval(root);
    for of in ["said", "calibrated"] {
        assert!(certainty[of]["expected_calibration_error"].is_number(), "{certainty}");
        let pixels: u64 = certainty[of]["bins"].as_array().unwrap().iter().map(|bin| bin["valid_px"].as_u64().unwrap()).sum();
        assert_eq!(pixels as usize, list("test").lines().count() * 96 * (96 - unseen), "{of}");
    }
}

#[test]
fn a_curve_is_of_its_weights() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let weights = trained(root);
    let set = "--set base_channels=4 --set img_size=[64,64]";
    let of = |more: &str| format!("--config {CONFIG} {set} --weights {weights}{more}");
    succeeds(root, &format!("calibrate {}", of(" --quiet")));
    let beside = Calibration::beside(&[root.join(&weights)]);
    let mut other = Calibration::read(&beside).unwrap().unwrap();
    other.weights = "0".repeat(64);
    other.write(&beside).unwrap();
    let done = meltcore(root, &format!("predict {}", of(" --split test --out maps")));
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success() && said.contains("is the calibration of other weights"), "{said}");
    let predict = |more: &str| format!("predict {}", of(&format!(" --split test --out maps {more}")));
    refused(
        root,
        &predict(&format!("--calibration {}", beside.display())),
        &["best.calibration.json", "of other weights", "meltcore calibrate"],
    );
    refused(root, &predict("--calibration missing.json"), &["missing.json", "there is no such calibration"]);
    std::fs::write(root.join("broken.json"), "{\"format\": \"meltcore-calibration/1\"").unwrap();
    refused(root, &predict("--calibration broken.json"), &["broken.json", "this is no calibration"]);
    std::fs::write(root.join("mine.txt"), "notes").unwrap();
    assert_eq!(meltcore(root, &format!("calibrate {}", of(" --out mine.txt"))).status.code(), Some(2));
    assert_eq!(std::fs::read_to_string(root.join("mine.txt")).unwrap(), "notes");
    refused(root, &format!("calibrate {}", of(" --split deploy")), &["deploy"]);
}

#[test]
fn maps_of_quantities_have_nothing_to_calibrate() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    succeeds(root, "synth --out d --size 96x96 --days 16 --quiet");
    std::fs::write(root.join("w.safetensors"), "").unwrap();
    let words = &["regression", "do not say how sure they are"];
    refused(root, "calibrate --config d/config.yaml --set task=regression --weights w.safetensors", words);
}

#[test]
fn curves_hold_on_other_pixels() {
    // Right with the probability of x², whatever is said: a curve fitted to some pixels makes frequencies of others.
    let pixels = |seed: u64| {
        let mut of = Reliability::of_bins(meltcore::calibrate::FINE_BINS);
        let mut random = meltcore::random::Draw::weights(seed);
        let (said, right): (Vec<f32>, Vec<f32>) = (0..200_000)
            .map(|_| {
                let x = random.unit();
                (x as f32, f32::from(random.unit() < x * x))
            })
            .unzip();
        of.add(&said, &right, &vec![0.0; said.len()]);
        of
    };
    let (train, test) = (pixels(1), pixels(2));
    let raw = test.coarser(100).expected_calibration_error().unwrap();
    assert!((raw - 1.0 / 6.0).abs() < 0.01, "{raw}: the mean of x − x²");
    // No temperature makes a square of what is said.
    for method in [Method::Isotonic, Method::Kernel, Method::Ridge] {
        let curve = Curve::fit(method, &train).unwrap();
        let error = test.mapped(|x| curve.at(x)).coarser(100).expected_calibration_error().unwrap();
        assert!(error < 0.012, "{method:?}: {error}");
        assert!((curve.at(0.5) - 0.25).abs() < 0.03, "{method:?}: {}", curve.at(0.5));
        let calibration = Calibration::fit(method, &[train.clone(), test.clone()], String::new(), Value::Null, "val").unwrap();
        let [before, after] = calibration.expected_calibration_error;
        assert!((before - raw).abs() < 0.005 && after > 1e-4 && after < 0.012, "{method:?}: {before} and {after}");
    }
}
