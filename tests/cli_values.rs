//! What the commands make of values: declared scale and offset, infinite values, fill values, systems that differ, reading without maps.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use meltcore::data::writer::write_geotiff;
use meltcore::synth::georeference::albers;

const ROWS: usize = 36;
const COLS: usize = 40;
const DAYS: [&str; 3] = ["2018_06_01.tif", "2018_06_05.tif", "2018_06_09.tif"];

fn melt(day: usize, i: usize) -> f32 {
    ((day * 31 + i * 17) % 101) as f32 / 100.0
}

fn save(root: &Path, name: &str, pixel: impl Fn(usize) -> f32) {
    write_geotiff(root.join(name), ROWS, COLS, &(0..ROWS * COLS).map(pixel).collect::<Vec<_>>(), &albers(100.0)).unwrap();
}

/// Targets, elevation, land mask and a configuration of the linear model.
fn make() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (index, day) in DAYS.iter().enumerate() {
        save(root, &format!("melt/{day}"), |i| melt(index, i));
        save(root, &format!("maps/{day}"), |i| (melt(index, i) * 0.9).min(1.0));
    }
    save(root, "dem.tif", |i| i as f32);
    save(root, "land.tif", |i| if i % 7 == 0 { -1.0 } else { 1.0 });
    fs::write(root.join("days.csv"), DAYS.map(|day| format!("{day}\n")).concat()).unwrap();
    let text = format!(
        "data_root: {0}\nmodel_key: linear_dem\nin_keys: []\nin_keys_static: [dem]\nin_keys_aux: [time_month_idx]\npath_melt: melt\n\
         path_dem: dem.tif\npath_landmask: land.tif\nmean_dem: 700\nstd_dem: 400\npath_train_split_csv: {0}/days.csv\n\
         path_val_split_csv: {0}/days.csv\npath_test_split_csv: {0}/days.csv\npath_checkpoints: {0}/run\npath_predictions: {0}/predictions\n\
         time_channel_idx: 1\nimg_size: [32, 32]\nbatch_size: 1\nepochs: 1\nperiodical_evaluation: false\nn_previous_dates: 2\n\
         n_posterior_dates: 2\n",
        root.display()
    );
    fs::write(root.join("run.yaml"), text).unwrap();
    folder
}

fn run(root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    let (verb, rest) = arguments.split_at(if arguments[0] == "baseline" { 2 } else { 1 });
    command.args(verb).arg("--config").arg(root.join("run.yaml")).args(rest).args(["--device", "host"]).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a successful command printed and said.
fn done(root: &Path, arguments: &[&str]) -> (String, String) {
    let output = run(root, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
    (String::from_utf8_lossy(&output.stdout).into_owned(), said(&output))
}

fn refused(root: &Path, arguments: &[&str], words: &[&str]) {
    let output = run(root, arguments);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    let error = said.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
    words.iter().for_each(|words| assert!(error.contains(words), "{arguments:?}, `{words}`: {said}"));
}

fn commands(root: &Path) -> [Vec<String>; 4] {
    let maps = format!("maps={}", root.join("maps").display());
    let out = root.join("mean").display().to_string();
    [
        vec!["stats".into()],
        vec!["train".into()],
        vec!["eval".into(), "--split".into(), "test".into(), "--json".into(), "--pred".into(), maps],
        ["baseline", "time-interpolate-sar", "--split", "test", "--no-png", "--out", &out].map(str::to_owned).into(),
    ]
}

fn strs(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

#[test]
fn a_declared_scale_changes_no_result_and_is_said_once_a_folder() {
    let (plain, packed) = (make(), make());
    for (index, day) in DAYS.iter().enumerate() {
        let file = format!("melt/{day}");
        save(packed.path(), &file, |i| ((melt(index, i) - 3.0) / 0.01).round());
        let note = "<PAMDataset><PAMRasterBand band=\"1\"><Offset>3</Offset><Scale>0.01</Scale></PAMRasterBand></PAMDataset>";
        fs::write(packed.path().join(format!("{file}.aux.xml")), note).unwrap();
    }
    for (a, b) in commands(plain.path()).iter().zip(commands(packed.path())) {
        let (wanted, _) = done(plain.path(), &strs(a));
        let (got, said) = done(packed.path(), &strs(&b));
        assert_eq!(got, wanted, "{b:?}");
        assert_eq!(said.matches("a scale of 0.01 and an offset of 3, which are applied").count(), 1, "{b:?}: {said}");
    }
    for day in DAYS {
        let [wanted, got] = [&plain, &packed].map(|folder| fs::read(folder.path().join("mean").join(day)).unwrap());
        assert_eq!(got, wanted, "{day}");
    }
}

#[test]
fn infinite_values_are_refused_by_every_command() {
    let folder = make();
    let root = folder.path();
    for infinite in [f32::INFINITY, f32::NEG_INFINITY] {
        save(root, &format!("melt/{}", DAYS[1]), |i| if i == 33 { infinite } else { melt(1, i) });
        for arguments in commands(root) {
            refused(root, &strs(&arguments), &[DAYS[1], "holds infinite values"]);
        }
    }
    assert!(!root.join("mean").join(DAYS[0]).exists(), "a mean of infinite values was written");
    save(root, &format!("melt/{}", DAYS[1]), |i| melt(1, i));
    done(root, &["train"]);
    // Inputs, and maps to be scored.
    save(root, &format!("maps/{}", DAYS[2]), |i| if i == 33 { f32::INFINITY } else { 0.5 });
    refused(root, &strs(&commands(root)[2]), &[DAYS[2], "holds infinite values"]);
    save(root, "dem.tif", |i| if i == 33 { f32::INFINITY } else { i as f32 });
    let weights = root.join("run/best.safetensors").display().to_string();
    refused(root, &["predict", "--split", "test", "--weights", &weights], &["dem.tif", "holds infinite values"]);
    refused(root, &["stats"], &["dem.tif", "holds infinite values"]);
}

#[test]
fn a_fill_value_that_no_tag_declares_is_named() {
    let folder = make();
    let (_, said) = done(folder.path(), &["stats"]);
    assert!(!said.contains("98 of 100"), "{said}");
    for leak in [-9999.0, 9.96921e36] {
        save(folder.path(), "dem.tif", |i| if i % 50 == 3 { leak } else { i as f32 });
        let (_, said) = done(folder.path(), &["stats"]);
        assert!(said.contains("value of `dem` is ") && said.contains("98 of 100 other values lie between"), "{said}");
    }
}

#[test]
fn a_day_in_another_system_is_refused_though_its_numbers_agree() {
    let folder = make();
    let root = folder.path();
    let note = |srs: &str| {
        let file = root.join(format!("melt/{}.aux.xml", DAYS[1]));
        fs::write(file, format!("<PAMDataset><SRS>{srs}</SRS></PAMDataset>")).unwrap();
    };
    note("EPSG:3413");
    for arguments in commands(root) {
        refused(root, &strs(&arguments), &[DAYS[1], "has another coordinate system"]);
    }
    // The same in other words, with the parallels the other way round.
    let spelt = "PROJCS[&quot;Greenland&quot;,GEOGCS[&quot;WGS 84&quot;,DATUM[&quot;WGS_1984&quot;,SPHEROID[&quot;WGS 84&quot;,6378137,298.257223563]],\
        PRIMEM[&quot;Greenwich&quot;,0],UNIT[&quot;degree&quot;,0.0174532925199433]],PROJECTION[&quot;Albers_Conic_Equal_Area&quot;],\
        PARAMETER[&quot;standard_parallel_1&quot;,80],PARAMETER[&quot;standard_parallel_2&quot;,60],PARAMETER[&quot;latitude_of_center&quot;,70],\
        PARAMETER[&quot;longitude_of_center&quot;,-45],UNIT[&quot;metre&quot;,1]]";
    note(spelt);
    for arguments in commands(root) {
        done(root, &strs(&arguments));
    }
}

#[test]
fn a_raster_without_a_place_is_said() {
    let folder = make();
    let pixels: Vec<f32> = (0..ROWS * COLS).map(|i| melt(1, i)).collect();
    write_geotiff(folder.path().join("melt").join(DAYS[1]), ROWS, COLS, &pixels, &Default::default()).unwrap();
    for arguments in commands(folder.path()) {
        let (_, said) = done(folder.path(), &strs(&arguments));
        assert_eq!(said.matches("has no georeference; it is taken to lie on the grid of").count(), 1, "{arguments:?}: {said}");
    }
}

#[test]
fn nothing_depends_on_maps_in_memory() {
    let folder = make();
    for arguments in commands(folder.path()) {
        let (wanted, _) = done(folder.path(), &strs(&arguments));
        let weights = fs::read(folder.path().join("run/best.safetensors"));
        let elsewhere = format!("path_checkpoints={}/unmapped", folder.path().display());
        let unmapped: Vec<&str> = strs(&arguments).into_iter().chain(["--set", &elsewhere, "--no-mmap"]).collect();
        assert_eq!(done(folder.path(), &unmapped).0, wanted, "{arguments:?}");
        if arguments[0] == "train" {
            assert_eq!(fs::read(folder.path().join("unmapped/best.safetensors")).unwrap(), weights.unwrap());
        }
    }
    let asked = |value: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
        command.args(["stats", "--config"]).arg(folder.path().join("run.yaml")).env("MELTCORE_MMAP", value).output().unwrap()
    };
    assert_eq!(asked("off").stdout, asked("on").stdout);
    let refused = asked("perhaps");
    assert!(refused.status.code() == Some(2) && said(&refused).contains("MELTCORE_MMAP is `perhaps`"));
}
