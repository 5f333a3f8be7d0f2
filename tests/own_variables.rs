//! Variables with any name: a network sees the same whatever they are called, and pictures call them what the configuration says.

use std::path::{Path, PathBuf};
use std::process::Command;

use meltcore::config::Config;
use meltcore::data::day::Split;
use meltcore::data::raster::Raster;
use meltcore::data::stats::{Values, channel_stats};
use meltcore::data::writer::write_geotiff;
use meltcore::synth::georeference::albers;

const SIDE: usize = 32;
const DAYS: [&str; 6] = ["2019_05_01", "2019_05_02", "2019_05_03", "2019_05_04", "2019_05_05", "2019_05_06"];

/// A smooth field that moves from day to day.
fn field(seed: usize, day: usize) -> Vec<f32> {
    let at = |i: usize| ((i / SIDE * (3 + seed) + i % SIDE * (5 + 2 * seed) + 17 * day) % 97) as f32 / 96.0;
    (0..SIDE * SIDE).map(at).collect()
}

fn save(path: PathBuf, pixels: &[f32]) {
    write_geotiff(&path, SIDE, SIDE, pixels, &albers(500.0)).unwrap();
}

/// The same data twice: under names of their own, the target in percent and two inputs in one file, and under those of the domain.
fn make(root: &Path) {
    for (n, day) in DAYS.iter().enumerate() {
        let file = format!("{day}.tif");
        // Whole percents, and hundredths that are the float32 nearest to them.
        let percent: Vec<f32> =
            field(1, n).iter().enumerate().map(|(i, x)| if i % 13 == 0 { f32::NAN } else { (x * 100.0).round() }).collect();
        let share: Vec<f32> = percent.iter().map(|x| (f64::from(*x) * (1.0 / 100.0)) as f32).collect();
        save(root.join("wetsnow").join(&file), &percent);
        save(root.join("melt").join(&file), &share);
        let (tb, water, red) = (field(2, n), field(3, n), field(4, n));
        let both = [red.clone(), vec![7.0; SIDE * SIDE], water.clone()].concat();
        save(root.join("tb").join(&file), &tb);
        save(root.join("red").join(&file), &red);
        save(root.join("water").join(&file), &water);
        save(root.join("optical").join(&file), &both);
    }
    save(root.join("slope.tif"), &field(5, 0));
    let list = |days: &[&str]| format!("{}\n", days.iter().map(|day| format!("{day}.tif")).collect::<Vec<_>>().join("\n"));
    std::fs::write(root.join("train.csv"), list(&DAYS[..4])).unwrap();
    std::fs::write(root.join("test.csv"), list(&DAYS[4..])).unwrap();
    let common = format!(
        "data_root: {0}\nmodel_key: unet\nbase_channels: 2\nimg_size: [32, 32]\nbatch_size: 2\nepochs: 2\nlearning_rate: 0.01\n\
         path_train_split_csv: {0}/train.csv\npath_test_split_csv: {0}/test.csv\ntensorboard: false\n",
        root.display()
    );
    let own = "in_keys: [tb36, optical]\nin_keys_static: [slope]\ntarget: wetsnow\npath_wetsnow: wetsnow\nmax_wetsnow: 100\n\
        path_tb36: tb\nmean_tb36: 0.5\nstd_tb36: 0.3\nlabel_tb36: Brightness temperature 36 GHz\nunit_tb36: K\nrange_tb36: [0, 1]\n\
        path_optical: optical\nbands_optical: [3, 1]\nmax_optical: 2\nmean_optical_b1: 0.2\nstd_optical_b1: 0.1\n\
        mean_optical_b3: 0.3\nstd_optical_b3: 0.2\ntb36_GaussianBlur_kernel_size: 3\ntb36_GaussianBlur_sigma: 1.0\n\
        path_slope: slope.tif\nmean_slope: 0.4\nstd_slope: 0.2\n";
    let domains = "in_keys: [modis_b1, modis_b2, pmw]\nin_keys_static: [dem]\npath_melt: melt\nmax_modis: 2\n\
        path_pmw: tb\nmean_pmw: 0.5\nstd_pmw: 0.3\npmw_GaussianBlur_kernel_size: 3\npmw_GaussianBlur_sigma: 1.0\n\
        path_modis_b1: red\nmean_modis_b1: 0.2\nstd_modis_b1: 0.1\npath_modis_b2: water\nmean_modis_b2: 0.3\nstd_modis_b2: 0.2\n\
        path_dem: slope.tif\nmean_dem: 0.4\nstd_dem: 0.2\n";
    for (name, keys) in [("own", own), ("domains", domains)] {
        let paths = format!("path_checkpoints: {0}/{name}/run\npath_predictions: {0}/{name}/maps\n", root.display());
        std::fs::write(root.join(format!("{name}.yaml")), format!("{common}{keys}{paths}")).unwrap();
    }
}

fn meltcore(arguments: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    let output = command.args(arguments.split_whitespace()).args(["--device", "host"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments}: {said}");
    String::from_utf8(output.stdout).unwrap() + &said
}

#[test]
fn any_name_gives_the_maps_that_the_domains_names_give() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    // The order of channels is that of names: optical_b1, optical_b3, slope, tb36 here; pmw, modis_b1, modis_b2, dem there. A network of
    // one channel more or less alike is not the same one, so that the channels are compared one input at a time.
    for (own, domains) in [("[tb36]", "[pmw]"), ("[optical]", "[modis_b1, modis_b2]")] {
        for (name, inputs) in [("own", own), ("domains", domains)] {
            let config = root.join(format!("{name}.yaml"));
            let set = format!("--config {} --set in_keys_static=[] --set in_keys={}", config.display(), inputs.replace(' ', ""));
            let _ = std::fs::remove_dir_all(root.join(name));
            meltcore(&format!("train {set}"));
            meltcore(&format!("predict {set} --split test --weights {}", root.join(name).join("run/best.safetensors").display()));
        }
        for day in &DAYS[4..] {
            let of = |name: &str| Raster::open(root.join(name).join("maps").join(format!("{day}.tif"))).unwrap().read_all().unwrap();
            let (own_map, domains_map) = (of("own"), of("domains"));
            assert!(own_map == domains_map, "{own}, {day}: {} and {}", own_map[0], domains_map[0]);
            assert!(own_map.iter().any(|value| *value > 0.0 && *value < 1.0), "{own}: a map of nothing");
        }
    }
}

#[test]
fn pictures_and_tables_call_them_what_the_configuration_says() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let config = root.join("own.yaml");
    let loaded = Config::load(&config, &[]).unwrap();
    let names: Vec<&str> = loaded.inputs().unwrap().iter().map(|input| input.name).collect();
    assert_eq!(names, ["optical_b1", "optical_b3", "slope", "tb36"]);
    assert_eq!(loaded.inputs().unwrap()[3].look.unit, "K");
    let table = meltcore(&format!("stats --config {} --split train", config.display()));
    for key in ["mean_tb36:", "std_optical_b3:", "mean_slope:", "wetsnow"] {
        assert!(table.contains(key), "{key} in {table}");
    }
    meltcore(&format!("train --config {}", config.display()));
    let maps = root.join("own/maps");
    meltcore(&format!("predict --config {0} --split test --weights {1}/own/run/best.safetensors", config.display(), root.display()));
    let panels = root.join("panels");
    meltcore(&format!("eval --config {} --split test --pred unet={} --panels {}", config.display(), maps.display(), panels.display()));
    assert!(std::fs::read_dir(&panels).unwrap().count() > 0);
    let shown = meltcore(&format!("config show --config {}", config.display()));
    for line in
        ["target: \"wetsnow\"\n", "bands_optical: [1,3]\n", "max_wetsnow: 100.0\n", "label_tb36: \"Brightness temperature 36 GHz\"\n"]
    {
        assert!(shown.contains(line), "{line} in {shown}");
    }
}

#[test]
fn logarithms_are_of_divided_values_and_their_moments_too() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let of = |set: &[&str]| {
        let set: Vec<String> = set.iter().map(|text| text.to_string()).collect();
        let config = Config::load(&root.join("own.yaml"), &set).unwrap();
        channel_stats(&config, Split::Train, Values::Prepared, &mut |_| ()).unwrap()
    };
    let found = of(&["in_keys=[tb36]", "log_tb36=true", "max_tb36=0.25"]);
    let stats = found.iter().find(|stats| stats.name == "tb36").unwrap();
    let values: Vec<f64> = (0..4).flat_map(|day| field(2, day)).map(|x| (f64::from(x) / 0.25).ln_1p()).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len() as f64;
    assert!((stats.moments.mean() - mean).abs() < 1e-12 && (stats.moments.std() - variance.sqrt()).abs() < 1e-12);
}

#[test]
fn what_is_no_variable_is_refused_by_name() {
    let load = |lines: &str| Config::from_yaml(&format!("model_key: unet\n{lines}"), "run.yaml", &[]).map(|_| ()).unwrap_err().to_string();
    for (lines, words) in [
        // A misspelt path alone declares nothing.
        ("path_landmsk: land.tif", "path_landmask"),
        ("in_keys: [tb36]", "path_tb36"),
        ("target: wetsnow", "path_wetsnow"),
        ("in_keys: [slope]\nin_keys_static: [slope]\npath_slope: s", "twice"),
        ("in_keys: [checkpoints]\npath_checkpoints: x", "another name"),
        ("in_keys: [tb-36]\npath_tb-36: x", "path_tb-36"),
        ("in_keys: [tb]\npath_tb: x\nmaen_tb: 1", "mean_tb"),
        ("in_keys: [tb]\npath_tb: x\nbands_tb: [0]", "whole number from 1"),
        ("in_keys: [tb]\npath_tb: x\nbands_tb: [2, 2]", "each once"),
        ("in_keys: [tb]\npath_tb: x\nbands_tb: [2]\npath_tb_b2: y", "path_tb"),
        ("in_keys: [tb]\npath_tb: x\nrange_tb: [3, 1]", "the lower one first"),
        ("in_keys: [tb]\npath_tb: x\ncolors_tb: virdis", "did you mean viridis"),
        ("in_keys: [tb]\npath_tb: x\nmax_tb: 0", "above 0"),
        ("target: snow\npath_snow: x\nbands_snow: [1]", "one band"),
        ("target: snow\npath_snow: x\nlog_snow: true", "target"),
        ("in_keys: [dem]", "in_keys_static"),
        ("in_keys: [melt]\npath_melt: x", "melt"),
    ] {
        let said = load(lines);
        assert!(said.contains(words), "{lines:?}: {said}");
    }
    // What a list leaves out for once keeps its lines.
    Config::from_yaml("model_key: unet\nin_keys: [pmw]\npath_tb: x\nmean_tb: 1.0\nstd_tb: 2.0", "run.yaml", &[]).unwrap();
}

#[test]
fn a_regression_learns_divided_targets_and_maps_their_unit() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let common = format!("--config {}/own.yaml --set in_keys=[tb36] --set in_keys_static=[] --set task=regression", root.display());
    let mut made = Vec::new();
    for (name, target) in [("percent", ""), ("share", "--set target=share --set path_share=melt")] {
        let set = format!("{common} --set out_activation=linear {target} --set path_checkpoints={}/{name}", root.display());
        let maps = root.join(name).join("maps");
        meltcore(&format!("train {set}"));
        meltcore(&format!("predict {set} --split test --weights {}/{name}/best.safetensors --out {}", root.display(), maps.display()));
        let scores: serde_json::Value = {
            let told = meltcore(&format!("eval {set} --split test --json -q --pred unet={}", maps.display()));
            serde_json::from_str(told.trim()).unwrap()
        };
        let mean = scores["models"]["unet"]["weighted_mean"].clone();
        made.push((Raster::open(maps.join(format!("{}.tif", DAYS[4]))).unwrap().read_all().unwrap(), mean));
    }
    let [(percent, of_percent), (share, of_share)] = &made[..] else { unreachable!() };
    assert!(percent.iter().zip(share).all(|(percent, share)| *percent == (f64::from(*share) * 100.0) as f32));
    let score = |scores: &serde_json::Value, name: &str| scores[name].as_f64().unwrap_or_else(|| panic!("{name} in {scores}"));
    for (name, factor) in [("mae", 100.0), ("rmse", 100.0), ("mse", 10_000.0), ("r2", 1.0), ("valid_px", 1.0)] {
        let (got, wanted) = (score(of_percent, name), factor * score(of_share, name));
        assert!((got - wanted).abs() <= 1e-6 * wanted.abs(), "{name}: {got}, not {wanted}");
    }
}
