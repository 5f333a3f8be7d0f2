//! The baselines against their naive forms, and the fit of interpolate-mar.

use super::{apart, f64s, message, noise};
use meltcore::baselines::interpolate_mar::Setting;
use meltcore::baselines::{FitOptions, InterpolateMar, ThresholdPmw, TimeInterpolateSar, fit};
use meltcore::config::Config;
use meltcore::data::dataset::HostSample;
use meltcore::data::day::{Day, Split};
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use meltcore::gpu::Gpu;
use meltcore::models;
use meltcore::nn::state_dict;
use meltcore::reference::interpolate_mar::interpolate_mar;
use meltcore::reference::threshold_pmw::threshold_pmw;
use meltcore::reference::time_interpolate_sar::{Date, time_interpolate_sar};
use meltcore::synth::georeference::albers;
use std::path::Path;
use std::process::{Command, Output};

const ROWS: usize = 29;
const COLS: usize = 23;
/// Not in order of time; two years.
const DAYS: [&str; 7] = ["2018_07_03", "2018_06_01", "2018_06_13", "2017_06_13", "2018_08_08", "2018_06_25", "2017_08_01"];
const STATISTICS: [f64; 3] = [1.5, 0.006, 0.009];

/// Melt with gaps, blocky liquid water, brightness temperatures about their thresholds, a land mask with ocean in places.
fn make(root: &Path) {
    let save = |name: String, pixels: &[f32]| write_geotiff(root.join(name), ROWS, COLS, pixels, &albers(100.0)).unwrap();
    for (seed, day) in DAYS.iter().enumerate() {
        let mut noise = noise(seed as u64);
        let blocks: Vec<f32> = (0..30).map(|_| (0.08 * noise() - 0.03).max(0.0)).collect();
        let pixel = |i: usize| blocks[i / COLS / 6 * 5 + i % COLS / 5];
        save(format!("mar/{day}.tif"), &(0..ROWS * COLS).map(pixel).collect::<Vec<_>>());
        save(format!("pmw/{day}.tif"), &(0..ROWS * COLS).map(|_| 190.0 + 60.0 * noise()).collect::<Vec<_>>());
        let melt = (0..ROWS * COLS).map(|_| if noise() < 0.3 { f32::NAN } else { noise() });
        save(format!("melt/{day}.tif"), &melt.collect::<Vec<_>>());
    }
    for (seed, year) in [(20, 2017), (21, 2018)] {
        let mut noise = noise(seed);
        save(format!("winter/{year}_jan_feb.tif"), &(0..ROWS * COLS).map(|_| 147.0 + 82.0 * noise()).collect::<Vec<_>>());
    }
    let mut noise = noise(30);
    save("land.tif".into(), &(0..ROWS * COLS).map(|_| if noise() < 0.2 { -1.0 } else { 1.0 }).collect::<Vec<_>>());
    std::fs::write(root.join("days.csv"), DAYS.map(|day| format!("{day}.tif\n")).concat()).unwrap();
    std::fs::write(root.join("run.yaml"), text(root)).unwrap();
}

fn text(root: &Path) -> String {
    format!(
        "data_root: {0}\npath_melt: melt\npath_landmask: land.tif\npath_mar_wa1: mar\npath_pmw: pmw\npath_pmw_winter_mean: winter\n\
         path_train_split_csv: {0}/days.csv\npath_test_split_csv: {0}/days.csv\npath_deploy_split_csv: {0}/days.csv\n\
         path_predictions: {0}/maps\npath_deploy: {0}/deployed\nin_keys: [modis_b1]\npath_modis_b1: nowhere\n\
         max_mar_wa1: {1}\nmean_mar_wa1: {2}\nstd_mar_wa1: {3}\nkernel_size: 9\nsigma: 2.5\nbrightness_factor: 0.7\ngamma: 1.8\n",
        root.display(),
        STATISTICS[0],
        STATISTICS[1],
        STATISTICS[2]
    )
}

fn config(root: &Path, set: &[&str]) -> Config {
    let set: Vec<String> = set.iter().map(|set| set.to_string()).collect();
    Config::from_yaml(&text(root), "run.yaml", &set).unwrap()
}

fn read(root: &Path, name: String) -> Vec<f64> {
    f64s(&Raster::open(root.join(name)).unwrap().read_all().unwrap())
}

fn ocean(root: &Path) -> Vec<f64> {
    read(root, "land.tif".into()).iter().map(|land| if *land < 0.0 { 1.0 } else { 0.0 }).collect()
}

fn date(day: &str) -> Date {
    [day[..4].parse().unwrap(), day[5..7].parse().unwrap(), day[8..].parse().unwrap()]
}

#[test]
fn time_interpolate_sar_equals_its_naive_form() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let train: Vec<_> = DAYS.iter().map(|day| (date(day), read(root, format!("melt/{day}.tif")))).collect();
    for (previous, posterior) in [(3, 3), (1, 2), (0, 0), (0, 9), (2, 0)] {
        let set = [format!("n_previous_dates={previous}"), format!("n_posterior_dates={posterior}")];
        let baseline = TimeInterpolateSar::new(&config(root, &[&set[0], &set[1]])).unwrap();
        for day in DAYS.into_iter().chain(["2018_06_14", "2017_01_01", "2018_12_31", "2016_06_13"]) {
            let (got, seen) = baseline.map(&Day::from_file_name(&format!("{day}.tif")).unwrap()).unwrap();
            let wanted = time_interpolate_sar(date(day), &train, &ocean(root), previous, posterior);
            assert!(apart(&got, &wanted) < 3e-7, "{day} {previous} {posterior}");
            let others = baseline.neighbours(&Day::from_file_name(&format!("{day}.tif")).unwrap());
            let ocean = ocean(root);
            for (pixel, count) in seen.iter().enumerate() {
                let saw = others.iter().filter(|other| !train[**other].1[pixel].is_nan()).count();
                assert_eq!(*count, if ocean[pixel] > 0.0 { 0.0 } else { saw as f32 }, "{day} {previous} {posterior}: pixel {pixel}");
            }
        }
    }
}

#[test]
fn threshold_pmw_equals_its_naive_form() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let baseline = ThresholdPmw::new(&config(root, &[]), Split::Test).unwrap();
    let mut sample = HostSample::default();
    for (index, day) in DAYS.iter().enumerate() {
        let (pmw, winter) = (read(root, format!("pmw/{day}.tif")), read(root, format!("winter/{}_jan_feb.tif", &day[..4])));
        let near = pmw.iter().zip(&winter).any(|(pmw, winter)| (pmw - 0.48 * winter - 128.0).abs() < 3e-5);
        assert!(!near, "a pixel at the threshold would be decided by rounding");
        let wanted = threshold_pmw(&pmw, &winter, &ocean(root));
        assert!(wanted.contains(&0.0) && wanted.contains(&1.0));
        assert_eq!(apart(&baseline.map(index, &mut sample).unwrap(), &wanted), 0.0, "{day}");
    }
    // Exactly at the threshold is not above it.
    assert!(!meltcore::baselines::threshold_pmw::melts(0.48f32 * 200.0 + 128.0, 200.0));
}

#[test]
fn interpolate_mar_equals_its_naive_form() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let gpu = Gpu::open(None).unwrap();
    let mut sample = HostSample::default();
    for (set, max, mean, std) in [
        (&[][..], 1.5, 0.006, 0.009),
        (&["normalize_inputs=false", "max_mar_wa1=0.08"], 0.08, 0.0, 1.0),
        (&["use_batch_blur=true"], 1.5, 0.006, 0.009),
    ] {
        let baseline = InterpolateMar::new(&gpu, &config(root, set), Split::Test).unwrap();
        for (kernel_size, sigma, brightness_factor, gamma) in [(9, 2.5, 0.7, 1.8), (1, 1.0, 0.3, 0.4), (45, 15.0, 1.4, 3.0)] {
            let setting = Setting { kernel_size, sigma, gamma, brightness_factor };
            let window = baseline.window(&setting).unwrap();
            for (index, day) in DAYS.iter().enumerate().take(2) {
                let got = baseline.map(index, &setting, &window, &mut sample).unwrap();
                let mar = read(root, format!("mar/{day}.tif"));
                let wanted =
                    interpolate_mar(&mar, &ocean(root), [ROWS, COLS], [max, mean, std], kernel_size, sigma, brightness_factor, gamma);
                assert!(wanted.iter().any(|x| *x > 0.01 && *x < 0.99), "not all of it is clamped");
                let error = apart(&got, &wanted);
                assert!(error < 3e-6, "{set:?} {setting:?} {day}: {error}");
            }
        }
    }
}

#[test]
fn a_fit_finds_what_made_the_target() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let made = [7.0, 2.0, 0.5, 1.5];
    for day in DAYS {
        let mar = read(root, format!("mar/{day}.tif"));
        let map = interpolate_mar(&mar, &ocean(root), [ROWS, COLS], STATISTICS, 7, made[1], made[2], made[3]);
        let map: Vec<f32> = map.iter().map(|x| *x as f32).collect();
        write_geotiff(root.join(format!("melt/{day}.tif")), ROWS, COLS, &map, &albers(100.0)).unwrap();
    }
    let gpu = Gpu::open(None).unwrap();
    let config = config(root, &["brightness_factor=143.0", "gamma=29.0"]);
    let options = FitOptions { trials: 1500, seed: 1, days: 4 };
    let found = fit(&gpu, &config, &options, &mut |_| ()).unwrap();
    let (loss, before) = (found.loss, found.loss_before.unwrap());
    assert!(loss < 0.02 && loss < before / 5.0, "{found:?}");
    assert_eq!((found.days, found.of_days, found.pixels), (4, 7, found.of_pixels));
    assert_eq!(fit(&gpu, &config, &options, &mut |_| ()).unwrap(), found, "the same seed finds the same");
    let own = fit(&gpu, &config, &FitOptions { trials: 1, ..options }, &mut |_| ()).unwrap();
    assert_eq!((own.setting, own.loss), (Setting::of(&config), before), "the first trial is the configuration's");
}

#[test]
fn linear_dem_equals_predict_and_its_formula() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let mut noise = noise(40);
    let dem: Vec<f32> = (0..ROWS * COLS).map(|_| 3000.0 * noise()).collect();
    write_geotiff(root.join("dem.tif"), ROWS, COLS, &dem, &albers(100.0)).unwrap();
    let inputs = "path_dem: dem.tif\nmean_dem: 1200.0\nstd_dem: 900.0\nin_keys_static: [dem]\nin_keys_aux: [time_month_idx]\n\
                  out_activation: sigmoid\nimg_size: [100, 100]\nprediction_stride: null\n";
    let text = text(root).replace("in_keys: [modis_b1]\n", inputs);
    std::fs::write(root.join("run.yaml"), &text).unwrap();
    let config = Config::from_yaml(&text, "run.yaml", &["model_key=linear_dem".into()]).unwrap();
    let model = models::untrained_for(&Gpu::open(None).unwrap(), &config, 2).unwrap();
    let weights = root.join("linear.safetensors");
    state_dict::save(model.parameters(), &weights).unwrap();
    let weights = weights.display().to_string();
    let done = baseline(root, &["linear-dem", "--split", "test", "--weights", &weights, "--no-png"]);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let mut predict = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    let predicted = root.join("predicted");
    predict.args(["predict", "--split", "test", "--no-png", "--set", "model_key=linear_dem", "--weights", &weights, "--out"]);
    assert!(predict.arg(&predicted).arg("--config").arg(root.join("run.yaml")).output().unwrap().status.success());
    let of = |name: String| {
        let parameter = model.parameters().trainable().iter().find(|(key, _)| *key == name).unwrap().1.to_vec().unwrap();
        f64::from(parameter[0])
    };
    for day in DAYS {
        let file = format!("{day}.tif");
        let map = std::fs::read(root.join("maps").join(&file)).unwrap();
        assert_eq!(map, std::fs::read(predicted.join(&file)).unwrap(), "{day}");
        let month = date(day)[1] - 1;
        let (weight, bias) = (of(format!("linear_layers.{month}.weight")), of(format!("linear_layers.{month}.bias")));
        let sigmoid = |x: f64| 1.0 / (1.0 + (-(weight * x + bias)).exp());
        let wanted: Vec<f64> = f64s(&dem).iter().map(|x| sigmoid((x - 1200.0) / 900.0)).collect();
        let got = Raster::open(root.join("maps").join(&file)).unwrap().read_all().unwrap();
        assert!(apart(&got, &wanted) < 5e-7, "{day}");
    }
}

fn baseline(root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    command.args(["baseline", arguments[0], "--config"]).arg(root.join("run.yaml")).args(&arguments[1..]).output().unwrap()
}

#[test]
fn the_process_writes_maps_and_prints_keys() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    for (name, split, out) in [("interpolate-mar", "test", "maps"), ("threshold_pmw", "deploy", "deployed")] {
        let done = baseline(root, &[name, "--split", split]);
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
        assert_eq!(std::fs::read_dir(root.join(out)).unwrap().count(), 16, "seven maps with their pictures, their list and its lock");
    }
    let map = Raster::open(root.join("maps/2018_06_01.tif")).unwrap();
    assert_eq!(map.geo(), &albers(100.0));
    let wanted = interpolate_mar(&read(root, "mar/2018_06_01.tif".into()), &ocean(root), [ROWS, COLS], STATISTICS, 9, 2.5, 0.7, 1.8);
    assert!(apart(&map.read_all().unwrap(), &wanted) < 1.2e-6);

    let done = baseline(root, &["interpolate-mar", "--fit", "--trials", "70", "--seed", "3", "-q"]);
    let yaml = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success() && done.stderr.is_empty() && yaml.contains("# 70 trials, seed 3; 7 of 7 days"), "{yaml}");
    let fitted = Config::from_yaml(&yaml, "fit", &[]).unwrap();
    assert!(fitted.given.len() == 4 && fitted.kernel_size % 2 == 1);
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let mut saved = vec![0.0; ROWS * COLS];
    saved[3] = f32::INFINITY;
    write_geotiff(root.join("odd/2019_07_04.tif"), ROWS, COLS, &saved, &albers(100.0)).unwrap();
    std::fs::write(root.join("odd.csv"), "2019_07_04.tif\n").unwrap();
    std::fs::write(root.join("none.csv"), "").unwrap();
    let (odd, none) =
        (format!("path_deploy_split_csv={}/odd.csv", root.display()), format!("path_test_split_csv={}/none.csv", root.display()));
    std::fs::remove_file(root.join("winter/2017_jan_feb.tif")).unwrap();
    for (arguments, wanted) in [
        (&["threshold-pmw", "--split", "test"][..], "stats winter-mean"),
        (&["interpolate-mar", "--split", "test", "--set", "kernel_size=47"], "45 or less"),
        (&["interpolate-mar", "--split", "test", "--set", &none], "lists no day"),
        (&["interpolate-mar", "--split", "deploy", "--set", &odd, "--set", "path_mar_wa1=odd"], "infinite"),
        (&["interpolate-mar", "--fit", "--split", "test"], "cannot be used with"),
        (&["interpolate-mar"], "--split"),
        (&["interpolate-mar", "--split", "test", "--trials", "3"], "--fit"),
        (&["interpolate-mar", "--fit", "--set", "path_landmask=melt/2018_07_03.tif", "--set", "mask_threshold=-1"], "nothing to fit"),
        (
            &["time-interpolate-sar", "--split", "test", "--set", "path_landmask=melt/2018_07_03.tif", "--set", "mask_threshold=-1"],
            "mean of",
        ),
        (&["linear-dem", "--split", "test"], "--weights"),
        (&["linear-dem", "--split", "test", "--weights", "nothing"], "`path_modis_b1`"),
    ] {
        let done = baseline(root, arguments);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.code() == Some(2) && said.contains(wanted), "{arguments:?}: {said}");
    }
    let missing = Config::from_yaml(&text(root).replace("std_mar_wa1: 0.009\n", ""), "run.yaml", &[]).unwrap();
    assert!(message(InterpolateMar::new(&Gpu::open(None).unwrap(), &missing, Split::Test).map(|_| ())).contains("std_mar_wa1"));
}
