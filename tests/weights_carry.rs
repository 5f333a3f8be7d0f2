//! Weights that know the configuration of their training: what they carry, what is refused, and maps without a configuration.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use meltcore::config::{Carried, Config};
use meltcore::data::writer::write_geotiff;
use meltcore::nn::state_dict;
use meltcore::synth::georeference::albers;
use serde_json::{Value, json};

const SIDE: usize = 32;
const DAYS: [&str; 4] = ["2019_05_01", "2019_05_02", "2019_05_03", "2019_05_04"];

/// A smooth field that moves from day to day.
fn field(seed: usize, day: usize) -> Vec<f32> {
    let at = |i: usize| ((i / SIDE * (3 + seed) + i % SIDE * (5 + 2 * seed) + 17 * day) % 97) as f32 / 96.0;
    (0..SIDE * SIDE).map(at).collect()
}

fn save(path: PathBuf, pixels: &[f32]) {
    write_geotiff(&path, SIDE, SIDE, pixels, &albers(500.0)).unwrap();
}

const KEYS: &str = "model_key: unet\nbase_channels: 2\nactivation: gelu\nimg_size: [32, 32]\nbatch_size: 2\nepochs: 1\ntensorboard: false\n\
    in_keys: [tb36, optical]\nin_keys_static: [slope]\ntarget: wetsnow\npath_wetsnow: wetsnow\nmax_wetsnow: 2\nunit_wetsnow: share\n\
    path_tb36: tb\nmean_tb36: 0.5\nstd_tb36: 0.3\nunit_tb36: K\ntb36_GaussianBlur_kernel_size: 3\ntb36_GaussianBlur_sigma: 1.0\n\
    path_optical: optical\nbands_optical: [3, 1]\nlog_optical: true\nmean_optical_b1: 0.2\nstd_optical_b1: 0.1\nmean_optical_b3: 0.3\n\
    std_optical_b3: 0.2\npath_slope: slope.tif\nmean_slope: 0.4\nstd_slope: 0.2\nmean_dem: 7\nmax_modis: 3\n";

/// A folder with data of variables of its own, and a network trained on them, that tests share and only read.
fn trained() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for (n, day) in DAYS.iter().enumerate() {
            save(root.join("wetsnow").join(format!("{day}.tif")), &field(1, n));
            save(root.join("tb").join(format!("{day}.tif")), &field(2, n));
            let both = [field(3, n), vec![7.0; SIDE * SIDE], field(4, n)].concat();
            save(root.join("optical").join(format!("{day}.tif")), &both);
        }
        save(root.join("slope.tif"), &field(5, 0));
        let list = |days: &[&str]| days.iter().map(|day| format!("{day}.tif\n")).collect::<String>();
        std::fs::write(root.join("train.csv"), list(&DAYS[..2])).unwrap();
        std::fs::write(root.join("all.csv"), list(&DAYS)).unwrap();
        let lists = "path_train_split_csv: train.csv\npath_test_split_csv: all.csv\npath_checkpoints: run\n";
        std::fs::write(root.join("run.yaml"), format!("{KEYS}{lists}")).unwrap();
        done(root, "train --config run.yaml -q");
        done(root, "predict --config run.yaml --weights run/best.safetensors --split test --out maps -q");
        folder
    });
    folder.path()
}

fn meltcore(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    command.args(arguments.split_whitespace()).args(["--device", "host"]).current_dir(folder).output().unwrap()
}

/// Insists on success; returns what was printed and said.
fn done(folder: &Path, arguments: &str) -> (String, String) {
    let output = meltcore(folder, arguments);
    let [printed, said] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(output.status.code(), Some(0), "{arguments}: {said}");
    (printed, said)
}

/// Insists on status 2 and on words in the message.
fn refused(folder: &Path, arguments: &str, words: &[&str]) {
    let output = meltcore(folder, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments}: {said}");
    words.iter().for_each(|word| assert!(said.contains(word), "{arguments}: `{word}` is missing: {said}"));
}

fn bytes(path: PathBuf) -> Vec<u8> {
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn carried(folder: &Path, file: &str) -> Value {
    let (printed, _) = done(folder, &format!("weights info {file} --json"));
    serde_json::from_str::<Value>(&printed).unwrap()["provenance"]["config"].clone()
}

#[test]
fn a_file_carries_what_its_maps_depend_on_and_nothing_else() {
    let root = trained();
    let keys = carried(root, "run/best.safetensors");
    let expected = [
        ("model_key", json!("unet")),
        ("activation", json!("gelu")),
        ("in_keys", json!(["optical", "tb36"])),
        ("target", json!("wetsnow")),
        ("max_wetsnow", json!(2.0)),
        ("unit_wetsnow", json!("share")),
        ("unit_tb36", json!("K")),
        ("mean_tb36", json!(0.5)),
        ("tb36_GaussianBlur_sigma", json!(1.0)),
        ("bands_optical", json!([1, 3])),
        ("log_optical", json!(true)),
        ("std_optical_b3", json!(0.2)),
        ("mean_slope", json!(0.4)),
        ("img_size", json!([32, 32])),
        ("normalize_inputs", json!(true)),
    ];
    for (key, value) in expected {
        assert_eq!(keys[key], value, "{key}");
    }
    // Neither places nor training, nor variables that are no inputs.
    for key in [
        "data_root",
        "path_tb36",
        "path_slope",
        "path_checkpoints",
        "seed",
        "epochs",
        "batch_size",
        "mean_dem",
        "max_modis",
        "precision",
        "min_melt",
    ] {
        assert_eq!(keys.get(key), None, "{key}");
    }
    assert_eq!(carried(root, "run/last"), keys);
    let (printed, _) = done(root, "weights info run/best.safetensors");
    assert!(printed.contains("configuration of the training") && printed.contains("mean_tb36: 0.5"), "{printed}");

    // It rests in the header: names, types and values are those of before.
    let file = root.join("run/best.safetensors");
    let raw = bytes(file.clone());
    let length = u64::from_le_bytes(raw[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&raw[8..8 + length]).unwrap();
    let notes: BTreeSet<&String> = header["__metadata__"].as_object().unwrap().keys().collect();
    assert_eq!(notes, BTreeSet::from([&"format".to_owned(), &"meltcore".to_owned()]));
    let dict = state_dict::read(&file).unwrap();
    let plain = state_dict::encode(&file, &dict, [("format".to_owned(), "pt".to_owned())].into()).unwrap();
    let short = u64::from_le_bytes(plain[..8].try_into().unwrap()) as usize;
    assert_eq!(raw[8 + length..], plain[8 + short..]);
}

#[test]
fn conversion_keeps_what_a_file_carries_and_gives_it_to_one_without() {
    let root = trained();
    let folder = tempfile::tempdir().unwrap();
    let to = |name: &str| folder.path().join(name).display().to_string();
    let (half, whole, bare, given) = (to("half"), to("whole"), to("bare"), to("given"));
    done(root, &format!("weights convert run/best.safetensors --to float16 --out {half} -q"));
    done(root, &format!("weights convert {half} --out {whole} -q"));
    let keys = carried(root, "run/best.safetensors");
    assert_eq!([carried(root, &half), carried(root, &whole)], [keys.clone(), keys.clone()]);

    let dict = state_dict::read(&root.join("run/best.safetensors")).unwrap();
    state_dict::write(Path::new(&bare), &dict, [("format".to_owned(), "pt".to_owned())].into()).unwrap();
    assert_eq!(carried(root, &bare), Value::Null);
    done(root, &format!("weights convert {bare} --config run.yaml --out {given} -q"));
    // Another version of the program may have trained them; the same one writes the same bytes.
    assert_eq!(bytes(given.into()), bytes(root.join("run/best.safetensors")));
    refused(
        root,
        &format!("weights convert {bare} --config run.yaml --set base_channels=3 --out {}", to("no")),
        &["base_channels", "run.yaml"][1..],
    );

    // What says nothing is used as before, which is told where details are asked for.
    let predict = format!("predict --config run.yaml --split test --no-png --weights {bare} --out {}", to("maps"));
    assert!(!done(root, &predict).1.contains("says nothing"));
    assert!(done(root, &format!("{predict} -v")).1.contains("says nothing of the configuration of its training"));
    // Pixels alone: a map's tags name the file of its weights, which is another one.
    assert!(pixels(&folder.path().join("maps/2019_05_03.tif")) == pixels(&root.join("maps/2019_05_03.tif")));
    refused(root, &format!("predict --weights {bare} scene --out {}", to("maps")), &["--config is needed", "weights convert"]);
}

#[test]
fn another_configuration_is_refused_with_both_values() {
    let root = trained();
    let folder = tempfile::tempdir().unwrap();
    let predict = format!(
        "predict --config run.yaml --weights run/best.safetensors --split test --no-png --out {}",
        folder.path().join("maps").display()
    );
    for (set, words) in [
        ("mean_tb36=0", "`mean_tb36` (0.5 there, 0.0 now)"),
        ("activation=relu", "`activation` (\"gelu\" there, \"relu\" now)"),
        ("log_optical=false", "`log_optical` (true there, false now)"),
        ("normalize_inputs=false", "`normalize_inputs` (true there, false now)"),
        ("max_wetsnow=100", "`max_wetsnow` (2.0 there, 100.0 now)"),
        ("slope_GaussianBlur_kernel_size=1", "`slope_GaussianBlur_kernel_size` (absent there, 1 now)"),
        ("in_keys=[tb36]", "`in_keys` ([\"optical\",\"tb36\"] there, [\"tb36\"] now)"),
    ] {
        refused(root, &format!("{predict} --set {set}"), &["best.safetensors", words, "--accept-changed-config"]);
    }
    let (_, said) = done(root, &format!("{predict} --set mean_tb36=0 --accept-changed-config"));
    assert!(said.contains("going on although") && said.contains("`mean_tb36` (0.5 there, 0.0 now)"), "{said}");
    assert!(pixels(&folder.path().join("maps/2019_05_03.tif")) != pixels(&root.join("maps/2019_05_03.tif")));

    // Choices of whoever makes maps, the order of lists, and what is said of variables that are no inputs.
    for set in ["prediction_stride=16", "max_melt=0.5", "seed=7", "mean_dem=9", "in_keys=[optical,tb36]", "unit_tb36=C", "min_melt=0.1"] {
        let (_, said) = done(root, &format!("{predict} --overwrite --set {set}"));
        assert!(!said.contains("there,"), "{set}: {said}");
    }
    for set in ["img_size=[16,16]", "constant_inputs={\"tb36\":0.5}"] {
        let (_, said) = done(root, &format!("{predict} --set {set}"));
        assert!(said.contains("other than in the training"), "{set}: {said}");
    }
    refused(root, "ablate --config run.yaml --weights run/best.safetensors --split test --set std_tb36=3", &["`std_tb36` (0.3 there"]);
}

/// Puts the inputs of some days where a scene has them.
fn scene(root: &Path, days: &[usize]) {
    for day in days.iter().map(|day| DAYS[*day]) {
        for (from, to) in [("tb", "tb36"), ("optical", "optical")] {
            std::fs::create_dir_all(root.join(to)).unwrap();
            let file = format!("{day}.tif");
            std::fs::copy(trained().join(from).join(&file), root.join(to).join(&file)).unwrap();
        }
    }
    std::fs::copy(trained().join("slope.tif"), root.join("slope.tif")).unwrap();
}

#[test]
fn scenes_are_mapped_without_a_configuration() {
    let weights = trained().join("run/best.safetensors");
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    scene(&root.join("scene"), &[0, 2]);
    let predict = format!("predict --weights {}", weights.display());
    let is_same = |map: &str, day: usize| {
        assert_eq!(pixels(&root.join(map)), pixels(&trained().join(format!("maps/{}.tif", DAYS[day]))), "{map}");
    };
    done(root, &format!("{predict} scene --out maps"));
    is_same("maps/2019_05_01.tif", 0);
    is_same("maps/2019_05_03.tif", 2);
    assert!(!root.join("maps/2019_05_02.tif").exists());

    // A day that an input lacks is left out; an input may be elsewhere.
    std::fs::remove_file(root.join("scene/tb36/2019_05_01.tif")).unwrap();
    let (_, said) = done(root, &format!("{predict} scene --out fewer --no-png"));
    assert!(said.contains("1 day(s) lack a file") && !root.join("fewer/2019_05_01.tif").exists(), "{said}");
    std::fs::rename(root.join("scene/slope.tif"), root.join("incline.tif")).unwrap();
    refused(root, &format!("{predict} scene --out no"), &["slope (slope.tif)", "NAME=PATH"]);
    refused(root, &format!("{predict} scene slop=incline.tif --out no"), &["slop", "optical, slope, tb36"]);
    refused(root, &format!("{predict} scene slope=nothing.tif --out no"), &["there is no nothing.tif"]);
    done(root, &format!("{predict} scene slope=incline.tif --out elsewhere --no-png"));
    is_same("elsewhere/2019_05_03.tif", 2);

    // Single files: the day of their names, or a map without one.
    let files = "optical=scene/optical/2019_05_03.tif slope=incline.tif";
    done(root, &format!("{predict} tb36=scene/tb36/2019_05_03.tif {files} --out single --no-png"));
    is_same("single/2019_05_03.tif", 2);
    refused(root, &format!("{predict} tb36={0}/tb/2019_05_02.tif {files} --out no", trained().display()), &["different days"]);
    refused(root, &format!("{predict} tb36=scene/tb36 {files} --out no"), &["a folder and", "a file"]);
    std::fs::create_dir(root.join("one")).unwrap();
    for (from, to) in
        [("scene/tb36/2019_05_03.tif", "tb36.tif"), ("scene/optical/2019_05_03.tif", "optical.tif"), ("incline.tif", "slope.tif")]
    {
        std::fs::copy(root.join(from), root.join("one").join(to)).unwrap();
    }
    done(root, &format!("{predict} one --out undated"));
    is_same("undated/map.tif", 2);
    assert!(root.join("undated/map.png").is_file());

    // Choices go with --set; other statistics do not.
    done(root, &format!("{predict} one --out tiles --set prediction_stride=16 --set img_size=[16,16] --no-png"));
    refused(root, &format!("{predict} one --out no --set mean_tb36=0"), &["`mean_tb36` (0.5 there, 0.0 now)"]);
    refused(root, &format!("{predict} one --out no --set mask_outputs=true"), &["landmask.tif", "mask_outputs=false"]);
    refused(root, &format!("{predict} nowhere --out no"), &["nowhere", "NAME=PATH"]);
    refused(root, &format!("{predict} one"), &["--out"]);
    refused(root, &format!("{predict} one --out no --config run.yaml"), &["--config"]);
    assert!(!root.join("no").exists());
}

fn pixels(map: &Path) -> Vec<u32> {
    let raster = meltcore::data::raster::Raster::open(map).unwrap();
    raster.read_all().unwrap().into_iter().map(f32::to_bits).collect()
}

#[test]
fn a_scene_whose_network_needs_a_date_has_one() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let config = "model_key: unet\nbase_channels: 2\nin_keys_static: [dem]\nin_keys_aux: [time_sin, time_cos]\nimg_size: [32, 32]\nmean_dem: 0\n\
        std_dem: 1\n";
    std::fs::write(root.join("run.yaml"), config).unwrap();
    done(root, "weights init --config run.yaml --out w -q");
    save(root.join("dem.tif"), &field(5, 0));
    refused(root, "predict --weights w dem=dem.tif --out maps", &["time_sin", "the day of the scene"]);
}

#[test]
fn keys_of_other_versions_differ_where_they_are_not_at_their_defaults() {
    let config = Config::from_yaml(&format!("{KEYS}path_train_split_csv: t\n"), "run.yaml", &[]).unwrap();
    let now = config.carried_keys().unwrap();
    assert_eq!(config.differences(&now).unwrap(), []);
    // A version that did not know these keys.
    let mut before = now.clone();
    before.remove("bilinear");
    assert_eq!(config.differences(&before).unwrap(), []);
    before.remove("activation");
    let found = config.differences(&before).unwrap();
    assert_eq!((found.len(), found[0].key.as_str(), found[0].carried), (1, "activation", Carried::Binding));
    // A version that knows more.
    let mut later = now.clone();
    later.insert("attention".into(), json!("axial"));
    let found = config.differences(&later).unwrap();
    assert_eq!(found.iter().map(|found| found.words()).collect::<Vec<_>>(), ["`attention` (\"axial\" there, absent now)"]);
    // Titles are no difference, of variables that are gone either.
    later.remove("attention");
    later.insert("label_gone".into(), json!("Gone"));
    assert_eq!(config.differences(&later).unwrap(), []);
}
