//! What used to go wrong without a word: masks of zeros and ones, maps on the ocean, targets in percent, means of nothing.

use std::path::Path;
use std::process::{Command, Output};

use meltcore::data::Window;
use meltcore::data::land_mask::LandMask;
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use meltcore::synth::georeference::albers;

const SIDE: usize = 64;
const DAYS: [&str; 5] = ["2019_05_01", "2019_05_02", "2019_05_03", "2019_05_04", "2019_05_05"];

fn save(path: &Path, pixel: impl Fn(usize, usize) -> f32) {
    let pixels: Vec<f32> = (0..SIDE * SIDE).map(|i| pixel(i / SIDE, i % SIDE)).collect();
    write_geotiff(path, SIDE, SIDE, &pixels, &albers(500.0)).unwrap();
}

/// Melt in percent on the right of a coast at column 8; the lower half is seen on the last day only, which no list of train days has.
fn make(root: &Path) {
    for (n, day) in DAYS.iter().enumerate() {
        let value = |row: usize, col: usize| ((row * 7 + col * 3 + n * 11) % 101) as f32;
        let is_seen = |row: usize| row < SIDE / 2 || n == DAYS.len() - 1;
        save(&root.join(format!("melt/{day}.tif")), |row, col| if is_seen(row) { value(row, col) / 100.0 } else { f32::NAN });
        save(&root.join(format!("percent/{day}.tif")), |row, col| if is_seen(row) { value(row, col) } else { f32::NAN });
        save(&root.join(format!("water/{day}.tif")), |row, col| 0.4 * value(row, col));
    }
    for (name, ocean) in [("signs", -1.0), ("zeros", 0.0)] {
        save(&root.join(format!("{name}.tif")), |_, col| if col < 8 { ocean } else { 1.0 });
    }
    let list = |days: &[&str]| days.iter().map(|day| format!("{day}.tif\n")).collect::<String>();
    std::fs::write(root.join("train.csv"), list(&DAYS[..3])).unwrap();
    std::fs::write(root.join("test.csv"), list(&DAYS[3..])).unwrap();
    let text = format!(
        "data_root: {0}\nmodel_key: unet\nbase_channels: 2\nimg_size: [64, 64]\nbatch_size: 2\nepochs: 1\ntensorboard: false\n\
         path_train_split_csv: {0}/train.csv\npath_test_split_csv: {0}/test.csv\npath_deploy_split_csv: {0}/test.csv\n\
         path_melt: melt\npath_landmask: signs.tif\nin_keys: [mar_wa1]\npath_mar_wa1: water\nmean_mar_wa1: 20\nstd_mar_wa1: 10\n\
         path_checkpoints: {0}/run\npath_predictions: {0}/maps\npath_deploy: {0}/deploy\n",
        root.display()
    );
    std::fs::write(root.join("run.yaml"), text).unwrap();
}

fn run(root: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    command.args(arguments.split_whitespace()).args(["--config", &root.join("run.yaml").display().to_string(), "--device", "host"]);
    command.output().unwrap()
}

/// What a command that succeeds says.
fn meltcore(root: &Path, arguments: &str) -> String {
    let output = run(root, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments}: {said}");
    String::from_utf8(output.stdout).unwrap() + &said
}

fn pixels(path: &Path) -> Vec<f32> {
    Raster::open(path).unwrap().read_all().unwrap()
}

#[test]
fn both_conventions_of_masks_are_understood() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mask.tif");
    let one = |pixel: fn(usize, usize) -> f32| {
        save(&path, pixel);
        let mut ocean = vec![0.0; SIDE * SIDE];
        LandMask::open(&path).unwrap().read_ocean(Window::whole(SIDE, SIDE), &mut ocean).unwrap();
        ocean.iter().sum::<f32>() as usize / SIDE
    };
    // Columns of ocean.
    assert_eq!(one(|_, col| if col < 8 { -1.0 } else { 1.0 }), 8);
    assert_eq!(one(|_, col| if col < 8 { 0.0 } else { 1.0 }), 8);
    assert_eq!(one(|_, col| if col < 8 { 0.0 } else { 255.0 }), 8);
    assert_eq!(one(|_, col| if col < 8 { -1.0 } else { 0.0 }), 8);
    assert_eq!(one(|_, col| if col < 8 { f32::NAN } else { 1.0 }), 8);
    assert_eq!(one(|_, col| if col < 8 { f32::NAN } else { (col % 2) as f32 }), 8 + 28);
    assert_eq!((one(|_, _| 1.0), one(|_, _| 0.0)), (0, 0));
}

#[test]
fn a_mask_of_zeros_and_ones_gives_the_weights_of_one_of_signs_and_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let mut weights = Vec::new();
    for mask in ["signs", "zeros"] {
        let said = meltcore(root, &format!("train --set path_landmask={mask}.tif --set path_checkpoints={}/{mask}", root.display()));
        assert!(said.contains("takes out 12.5 % of the pixels"), "{said}");
        weights.push(std::fs::read(root.join(mask).join("best.safetensors")).unwrap());
    }
    let tensors = |bytes: &[u8]| bytes[8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize..].to_vec();
    assert!(tensors(&weights[0]) == tensors(&weights[1]));
}

#[test]
fn masked_outputs_have_no_value_on_the_ocean_and_the_others_do() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    meltcore(root, "train");
    let weights = root.join("run/best.safetensors");
    let map = |arguments: &str, folder: &str| {
        meltcore(root, arguments);
        pixels(&root.join(folder).join("2019_05_04.tif"))
    };
    let predict = format!("predict --weights {}", weights.display());
    let plain = map(&format!("{predict} --split deploy"), "deploy");
    let masked = map(&format!("{predict} --split deploy --set mask_outputs=true"), "deploy");
    let tested = map(&format!("{predict} --split test --set mask_outputs=true"), "maps");
    for (i, (plain, (masked, tested))) in plain.iter().zip(masked.iter().zip(&tested)).enumerate() {
        assert!(plain.is_finite());
        assert_eq!((masked.is_nan(), tested.is_nan()), (i % SIDE < 8, i % SIDE < 8), "pixel {i}");
        assert!(masked.is_nan() || masked == plain, "pixel {i}");
    }
    // They score as the others do.
    let scores = |folder: &str| meltcore(root, &format!("eval --split test --json --pred unet={}", root.join(folder).display()));
    let masked_scores = scores("maps");
    meltcore(root, &format!("{predict} --split test"));
    let of = |text: &str| text.lines().filter(|line| line.contains("\"mae\"") || line.contains("\"f1\"")).collect::<String>();
    assert!(!of(&masked_scores).is_empty() && of(&masked_scores) == of(&scores("maps")));
    let out = root.join("mar");
    meltcore(root, &format!("baseline interpolate-mar --split test --set kernel_size=5 --set mask_outputs=true --out {}", out.display()));
    assert!(pixels(&out.join("2019_05_04.tif")).iter().enumerate().all(|(i, value)| value.is_nan() == (i % SIDE < 8)));
}

#[test]
fn targets_in_percent_are_named_with_the_divisor_that_fits() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    assert!(!meltcore(root, "train").contains("max_"));
    let own = format!("train --set target=snow --set path_snow=percent --set path_checkpoints={}/own", root.display());
    let said = meltcore(root, &own);
    assert!(said.contains("the target `snow` holds values of 0 to 100") && said.contains("write max_snow: 100"), "{said}");
    let divided =
        format!("train --set target=snow --set path_snow=percent --set max_snow=100 --set path_checkpoints={}/divided", root.display());
    assert!(!meltcore(root, &divided).contains("holds values"));
    let said = meltcore(root, &format!("train --set path_melt=percent --set path_checkpoints={}/domains", root.display()));
    assert!(said.contains("pack --scale 0.01"), "{said}");
}

#[test]
fn what_no_train_day_saw_is_counted_and_shown_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let (zero, nan) = (root.join("mean"), root.join("nan"));
    meltcore(
        root,
        &format!(
            "baseline time-interpolate-sar --split all --set path_all_split_csv={0}/test.csv --out {1}",
            root.display(),
            zero.display()
        ),
    );
    let day = "2019_05_04.tif";
    let (map, seen) = (pixels(&zero.join(day)), pixels(&zero.join("seen").join(day)));
    for i in 0..SIDE * SIDE {
        let is_seen = i / SIDE < SIDE / 2 && i % SIDE >= 8;
        assert_eq!(seen[i], if is_seen { 3.0 } else { 0.0 }, "pixel {i}");
        assert!(is_seen || map[i] == 0.0);
    }
    meltcore(root, &format!("baseline time-interpolate-sar --split test --unseen nan --out {}", nan.display()));
    let with_nan = pixels(&nan.join(day));
    assert!(with_nan.iter().zip(&seen).zip(&map).all(|((nan, seen), map)| if *seen == 0.0 { nan.is_nan() } else { nan == map }));
    // Scores stay those of zeros, and how many pixels that concerns is said.
    let scores = |folder: &Path| meltcore(root, &format!("eval --split test --json --pred mean={}", folder.display()));
    let (with_counts, bare) = (scores(&zero), {
        std::fs::remove_dir_all(zero.join("seen")).unwrap();
        scores(&zero)
    });
    let table = |text: &str| text.lines().filter(|line| line.contains("\"mae\"")).collect::<String>();
    assert!(!table(&bare).is_empty() && table(&with_counts) == table(&bare));
    assert!(with_counts.contains("of which nothing was seen") && !bare.contains("of which nothing was seen"), "{with_counts}");
    let refused = run(root, "baseline interpolate-mar --split test --unseen nan");
    assert!(refused.status.code() == Some(2) && String::from_utf8_lossy(&refused.stderr).contains("--unseen"));
}

#[test]
fn interpolate_mar_warns_of_a_field_of_another_scale_unless_its_numbers_are_given() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let command = |set: &str| format!("baseline interpolate-mar --split test {set} --out {}/mar", root.display());
    let said = meltcore(root, &command(""));
    assert!(said.contains("the field goes up to 40") && said.contains("--fit"), "{said}");
    assert!(!meltcore(root, &command("--set max_mar_wa1=400")).contains("--fit"));
    assert!(!meltcore(root, &command("--set kernel_size=93")).contains("--fit"));
}
