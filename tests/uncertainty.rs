//! What maps of melt say of how sure they are, from training to scores: quantiles, networks side by side, views of tiles, calibration.

mod runs;

use std::path::Path;
use std::process::Command;

use meltcore::data::described::bands_of;
use meltcore::data::raster::Raster;
use runs::Run;
use serde_json::Value;

/// What a command prints.
fn printed(command: &mut Command) -> String {
    let done = command.stdout(std::process::Stdio::piped()).output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// The bands beside the first map of a folder, by their titles.
fn beside(maps: &Path) -> Vec<(String, Vec<f32>)> {
    let files = std::fs::read_dir(maps.join("probability")).unwrap().map(|entry| entry.unwrap().path());
    let file = files.filter(|path| path.extension().is_some_and(|extension| extension == "tif")).min().unwrap();
    let titles = bands_of(&file).unwrap().into_iter().enumerate();
    titles.map(|(at, band)| (band.title, Raster::open_band(&file, at).unwrap().read_all().unwrap())).collect()
}

fn titles(bands: &[(String, Vec<f32>)]) -> Vec<&str> {
    bands.iter().map(|(title, _)| title.as_str()).collect()
}

fn first_map(maps: &Path) -> Vec<f32> {
    let files = std::fs::read_dir(maps).unwrap().map(|entry| entry.unwrap().path());
    let file = files.filter(|path| path.extension().is_some_and(|extension| extension == "tif")).min().unwrap();
    Raster::open(&file).unwrap().read_all().unwrap()
}

/// Maps of the test days in the run's folder.
fn map(run: &Run, out: &str, more: &[&str]) -> std::path::PathBuf {
    let out = run.folder.path().join(out);
    let fixed = ["--set", "prediction_stride=24", "--split", "test", "--no-png", "--quiet", "--out", out.to_str().unwrap()];
    printed(&mut run.command_of("predict", &[&fixed, more].concat()));
    out
}

/// What `eval` says of how sure maps are, and their mean absolute error.
fn scored(run: &Run, maps: &Path) -> (Value, f64) {
    let pred = format!("net={}", maps.display());
    let text = printed(&mut run.command_of("eval", &["--split", "test", "--json", "--quiet", "--pred", &pred]));
    let mut scores = serde_json::from_str::<Value>(&text).unwrap();
    let model = scores["models"]["net"].take();
    let mae = model["weighted_mean"]["mae"].as_f64().unwrap_or_else(|| panic!("{model}"));
    (model["certainty"].clone(), mae)
}

const SAID: &str = "share above 0.1 as the network says it";
const CALIBRATED: &str = "calibrated probability of a fraction above 0.1";

#[test]
fn quantiles_are_learnt_mapped_and_scored() {
    let run = Run::new(&["loss_function=pinball", "quantiles=[0.1, 0.5, 0.9]", "out_channels=3", "epochs=12", "learning_rate=0.01"]);
    run.trained(&[]);
    let best = run.checkpoints().join("best.safetensors");
    let weights = ["--weights", best.to_str().unwrap()];
    let plain = map(&run, "plain", &weights);
    assert!(!plain.join("probability").exists(), "nobody asked for it");
    let maps = map(&run, "maps", &[&weights[..], &["--uncertainty"]].concat());
    let bands = beside(&maps);
    assert_eq!(titles(&bands), ["quantile 0.1", "quantile 0.5", "quantile 0.9", SAID]);
    assert_eq!(first_map(&maps), first_map(&plain));
    assert_eq!(first_map(&maps), bands[1].1, "the map is the median");
    let pixels = bands[0].1.len();
    assert!((0..pixels).all(|i| bands[0].1[i] <= bands[1].1[i] && bands[1].1[i] <= bands[2].1[i]));
    assert!((0..pixels).any(|i| bands[2].1[i] - bands[0].1[i] > 0.02), "the levels differ");
    let (certainty, mae) = scored(&run, &maps);
    let crps = certainty["crps"].as_f64().unwrap();
    // A distribution around a median scores better than the median alone.
    assert!(0.0 < crps && crps < mae, "{crps} and {mae}: {certainty}");
    assert!(certainty["said"]["brier"].as_f64().unwrap() > 0.0);
    assert!(scored(&run, &plain).0.is_null());
}

#[test]
fn networks_views_and_calibration_say_how_sure_maps_are() {
    let run = Run::new(&["loss_function=mse", "epochs=6", "learning_rate=0.01"]);
    let members: Vec<String> = (1..=3)
        .map(|seed| {
            let member = Run::new(&["loss_function=mse", "epochs=6", "learning_rate=0.01", &format!("seed={seed}")]);
            member.trained(&[]);
            let file = run.folder.path().join(format!("members/{seed}.safetensors"));
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::copy(member.checkpoints().join("best.safetensors"), &file).unwrap();
            file.display().to_string()
        })
        .collect();
    let folder = run.folder.path().join("members").display().to_string();
    let alone: Vec<Vec<f32>> = members
        .iter()
        .enumerate()
        .map(|(i, file)| first_map(&map(&run, &format!("alone{i}"), &["--weights", file, "--set", &format!("seed={}", i + 1)])))
        .collect();

    // The same network twice is no ensemble.
    let twice = ["--weights", &members[0], "--weights", &members[0], "--set", "seed=1", "--set", "prediction_stride=24", "--split", "test"];
    let said = runs::text(&run.command_of("predict", &[&twice[..], &["--out", "never"]].concat()).output().unwrap());
    assert!(said.contains("are the same network"), "{said}");

    // The maps' mean, their deviation, and each of them in ascending order.
    let all = map(&run, "all", &["--weights", &folder, "--uncertainty", "--accept-changed-config"]);
    let (bands, mean) = (beside(&all), first_map(&all));
    let levels: Vec<String> = [1.0, 3.0, 5.0].iter().map(|i| meltcore::calibrate::quantiles::title(i / 6.0)).collect();
    let wanted = [SAID, "standard deviation over several maps", &levels[0], &levels[1], &levels[2]];
    assert_eq!(titles(&bands), wanted);
    for pixel in 0..mean.len() {
        let mut values: Vec<f32> = alone.iter().map(|map| map[pixel]).collect();
        values.sort_by(f32::total_cmp);
        let average = values.iter().sum::<f32>() / 3.0;
        let variance = values.iter().map(|value| (value - average).powi(2)).sum::<f32>() / 3.0;
        assert!((mean[pixel] - average).abs() < 1e-6 && (bands[1].1[pixel] - variance.sqrt()).abs() < 1e-5, "{pixel}");
        assert!(values.iter().enumerate().all(|(k, value)| (bands[2 + k].1[pixel] - value).abs() < 1e-6), "{pixel}: {values:?}");
    }
    let (certainty, mae) = scored(&run, &all);
    assert!(certainty["crps"].as_f64().unwrap() < mae, "{certainty} and {mae}");

    // A curve of their mean maps lies beside them, and later maps say by it how likely a pixel melts.
    let before = certainty["said"]["brier"].as_f64().unwrap();
    for method in ["temperature", "isotonic"] {
        let calibrate = [
            "--set",
            "prediction_stride=24",
            "--weights",
            &folder,
            "--split",
            "val",
            "--method",
            method,
            "--quiet",
            "--accept-changed-config",
        ];
        printed(&mut run.command_of("calibrate", &calibrate));
        let again = map(&run, "all", &["--weights", &folder, "--uncertainty", "--accept-changed-config"]);
        let bands = beside(&again);
        assert_eq!(titles(&bands)[..2], [SAID, CALIBRATED]);
        assert_eq!((bands.len(), first_map(&again)), (6, mean.clone()));
        let after = scored(&run, &again).0;
        assert!(after["calibrated"]["brier"].as_f64().unwrap() < 1.05 * before, "{method}: {after} after {before}");
    }
    assert!(Path::new(&folder).join("ensemble.calibration.json").is_file());

    // In the map's own values, whatever power maps are raised to.
    let raised = map(&run, "raised", &["--weights", &folder, "--uncertainty", "--uncalibrated", "--set", "map_power=2"]);
    let (bands, squares) = (beside(&raised), first_map(&raised));
    for pixel in 0..mean.len() {
        let mut values: Vec<f32> = alone.iter().map(|map| map[pixel].powi(2)).collect();
        values.sort_by(f32::total_cmp);
        assert!((squares[pixel] - mean[pixel].powi(2)).abs() < 1e-6, "{pixel}");
        assert!(values.iter().enumerate().all(|(k, value)| (bands[2 + k].1[pixel] - value).abs() < 1e-6), "{pixel}: {values:?}");
    }

    // What is missing beside a map is made again; what nobody asks for any more does not stay beside other maps.
    let file = std::fs::read_dir(raised.join("probability")).unwrap().next().unwrap().unwrap().path();
    let (bytes, scored_all) = (std::fs::read(&file).unwrap(), scored(&run, &raised).0);
    std::fs::remove_file(&file).unwrap();
    let pred = format!("net={}", raised.display());
    let said = runs::text(&run.command_of("eval", &["--split", "test", "--pred", &pred]).output().unwrap());
    assert!(said.contains("maps of the model `net` have a file in probability/"), "{said}");
    map(&run, "raised", &["--weights", &folder, "--uncertainty", "--uncalibrated", "--set", "map_power=2"]);
    assert!(std::fs::read(&file).unwrap() == bytes && scored(&run, &raised).0 == scored_all);
    map(&run, "raised", &["--weights", &folder, "--set", "map_power=2"]);
    assert!(!file.exists() && scored(&run, &raised).0.is_null());
    // A file of that name that says nothing of the kind is somebody's own.
    std::fs::write(&file, "notes").unwrap();
    map(&run, "raised", &["--weights", &folder, "--set", "map_power=2", "--overwrite"]);
    assert_eq!(std::fs::read(&file).unwrap(), b"notes");

    // Turned tiles, of one network: the map is the one without, and how far they are apart comes with it.
    let one = ["--weights", &members[0], "--set", "seed=1", "--tta", "d4"];
    let (turned, said) = (map(&run, "turned", &one), map(&run, "said", &[&one[..], &["--uncertainty"]].concat()));
    let bands = beside(&said);
    assert_eq!(titles(&bands), [SAID, "standard deviation over several maps"]);
    assert_eq!(first_map(&turned), first_map(&said));
    let deviation = &bands[1].1;
    assert!(deviation.iter().all(|value| (0.0..0.5).contains(value)) && deviation.iter().any(|value| *value > 1e-4));
}

#[test]
fn levels_and_their_loss_go_together() {
    let refused = |overrides: &[&str], words: &[&str]| Run::new(overrides).refused(&[], 2, words);
    refused(&["loss_function=pinball"], &["quantiles", "is missing"]);
    refused(&["loss_function=pinball", "quantiles=[]"], &["quantiles", "is missing"]);
    refused(&["quantiles=[0.1, 0.5]"], &["quantiles", "loss_function: pinball"]);
    for levels in ["[0.1, 0.9]", "[0.5, 0.1]", "[0, 0.5]", "0.5"] {
        refused(&["loss_function=pinball", &format!("quantiles={levels}")], &["quantiles", "ascending", "0.5"]);
    }
    refused(&["loss_function=pinball", "quantiles=[0.1, 0.5, 0.9]", "out_channels=2"], &["out_channels", "give 3"]);
}
