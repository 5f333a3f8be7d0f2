//! `config new`: folders of rasters become a configuration that every command runs with as it is, from any directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use meltcore::config::Config;
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use meltcore::synth::georeference::albers;

const SIDE: usize = 32;
const DAYS: usize = 8;

/// A smooth field of 0…1 that moves from day to day.
fn field(seed: usize, day: usize) -> Vec<f32> {
    let at = |i: usize| ((i / SIDE * (3 + seed) + i % SIDE * (5 + 2 * seed) + 17 * day) % 97) as f32 / 96.0;
    (0..SIDE * SIDE).map(at).collect()
}

fn save(path: PathBuf, pixels: &[f32]) {
    write_geotiff(&path, SIDE, SIDE, pixels, &albers(500.0)).unwrap();
}

/// Rasters of somebody else: dates in names, percent, two bands in a file, a mask of 0 and 1, words in notes beside.
fn make(root: &Path) {
    for day in 1..=DAYS {
        let percent: Vec<f32> =
            field(1, day).iter().enumerate().map(|(i, x)| if i % 13 == 0 { f32::NAN } else { (x * 97.0).round() }).collect();
        let target = root.join(format!("data/wetsnow/wetsnow_2019-05-{day:02}.tif"));
        save(target.clone(), &percent);
        let words = "<Description>Wet snow</Description><UnitType>%</UnitType>";
        let notes = format!("<PAMDataset><PAMRasterBand band=\"1\">{words}</PAMRasterBand></PAMDataset>");
        std::fs::write(target.with_extension("tif.aux.xml"), notes).unwrap();
        save(
            root.join(format!("data/AMSR2/AMSR2_TB36V_201905{day:02}.tif")),
            &field(2, day).iter().map(|x| x * 40.0 + 220.0).collect::<Vec<_>>(),
        );
        save(root.join(format!("data/optical/2019_05_{day:02}.tif")), &[field(3, day), field(4, day)].concat());
    }
    save(root.join("data/slope.tif"), &field(5, 0));
    save(root.join("data/land.tif"), &(0..SIDE * SIDE).map(|i| if i % SIDE < 4 { 0.0 } else { 1.0 }).collect::<Vec<_>>());
}

fn run(directory: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    command.current_dir(directory).args(arguments.split_whitespace()).args(["--device", "host"]).output().unwrap()
}

/// What a command said on stdout and on stderr.
fn done(directory: &Path, arguments: &str) -> [String; 2] {
    let output = run(directory, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments}: {said}");
    [String::from_utf8(output.stdout).unwrap(), said]
}

fn refused(directory: &Path, arguments: &str) -> String {
    let output = run(directory, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && !said.contains("panicked"), "{arguments}: {said}");
    said
}

const NEW: &str =
    "config new --target data/wetsnow --input tb36=data/AMSR2 --input data/optical --static data/slope.tif --mask data/land.tif";

#[test]
fn every_command_runs_with_it_as_it_is() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = folder.path();
    make(root);
    let [table, _] = done(root, &format!("{NEW} --out run.yaml"));
    for words in ["wetsnow", "2019-05-08", "optical_b2", "6 train, 1 val, 1 test", "Wet snow", "meltcore train --config run.yaml"] {
        assert!(table.contains(words), "{words} in {table}");
    }
    let yaml = std::fs::read_to_string(root.join("run.yaml")).unwrap();
    for line in yaml.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let comment = line.split_once("  # ").map_or("", |(_, comment)| comment);
        assert!(comment.len() > 3, "{line}");
    }
    for key in [
        "data_root: \"data\"  ",
        "target: wetsnow  ",
        "in_keys: [tb36, optical]  ",
        "in_keys_static: [slope]  ",
        "path_tb36: \"AMSR2\"  ",
        "bands_optical: [1, 2]  ",
        "label_wetsnow: \"Wet snow\"  ",
        "max_wetsnow: 100  ",
        "mask_outputs: true  ",
        "img_size: [32, 32]  ",
        "path_test_split_csv: \"run/splits/test.csv\"  ",
    ] {
        assert!(yaml.contains(&format!("\n{key}")), "{key} in {yaml}");
    }
    // Percent are shown as the fractions that they are learnt as.
    assert!(!yaml.contains("unit_wetsnow"), "{yaml}");

    // Means and deviations are those of `stats`, the lists those of `split`.
    let [stats, _] = done(root, "stats --config run.yaml");
    let config = Config::load(&root.join("run.yaml"), &[]).unwrap();
    for (name, mean) in &config.mean {
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("mean_{name}: "))).unwrap();
        assert!((line.parse::<f64>().unwrap() - mean).abs() <= 1e-6 * mean.abs(), "{name}: {line} and {mean}");
    }
    assert_eq!(config.mean.keys().collect::<Vec<_>>(), ["optical_b1", "optical_b2", "slope", "tb36"]);
    done(root, "split --config run.yaml --out again");
    for split in ["train", "val", "test", "all", "deploy"] {
        let of = |folder: &str| std::fs::read_to_string(root.join(folder).join(format!("{split}.csv"))).unwrap();
        assert_eq!(of("run/splits"), of("again"), "{split}");
    }

    // The commands that it names, from a directory of no account; only the number of epochs is another.
    let at = root.display().to_string();
    let next: Vec<String> = table.lines().filter_map(|line| line.trim().strip_prefix("meltcore ")).map(str::to_owned).collect();
    assert_eq!(next.len(), 4, "{table}");
    for command in next {
        let mut command = command.replace(" run.yaml", &format!(" {at}/run.yaml")).replace(" run/", &format!(" {at}/run/"));
        command = command.replace("=run/", &format!("={at}/run/"));
        if command.starts_with("train") {
            command.push_str(" --set epochs=2 --set T_0=2 -v");
        }
        let [_, said] = done(elsewhere.path(), &command);
        assert!(!command.starts_with("train") || said.contains("taken from the folder of the file"), "{said}");
    }
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0, "outputs lie beside the configuration");
    let test = std::fs::read_to_string(root.join("run/splits/test.csv")).unwrap();
    let map = Raster::open(root.join("run/predictions").join(test.trim())).unwrap().read_all().unwrap();
    // No data on the ocean, fractions on land.
    assert!(map.iter().enumerate().all(|(i, value)| if i % SIDE < 4 { value.is_nan() } else { (0.0..=1.0).contains(value) }));
    assert!(root.join("run/report.html").is_file() && root.join("run/scores").is_dir());
    // One run, whichever directory it is looked at from.
    let show = |directory: &Path, config: &str| done(directory, &format!("config show --config {config}"))[0].clone();
    assert_eq!(show(root, "run.yaml"), show(elsewhere.path(), &format!("{at}/run.yaml")));
    done(root, "train --config run.yaml --resume auto --set epochs=3 --set T_0=2");

    let said = refused(root, &format!("{NEW} --out run.yaml"));
    assert!(said.contains("run.yaml is there already") && said.contains("--force"), "{said}");
    done(root, &format!("{NEW} --out run.yaml --force --json"));
    assert_eq!(std::fs::read_to_string(root.join("run.yaml")).unwrap(), yaml);
}

#[test]
fn what_cannot_be_used_is_refused_with_what_to_type() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    write_geotiff(root.join("data/coarse/2019_05_01.tif"), 4, 4, &[1.0; 16], &albers(4000.0)).unwrap();
    write_geotiff(root.join("data/moved.tif"), SIDE, SIDE, &field(1, 1), &albers(700.0)).unwrap();
    save(root.join("data/flat.tif"), &[3.0; SIDE * SIDE]);
    std::fs::write(root.join("data/water.nc"), b"CDF").unwrap();
    save(root.join("data/nameless/a.tif"), &field(1, 1));
    for (arguments, wanted) in [
        ("--input data/coarse", "coarse has 4 × 4 pixels: `meltcore pack --like data/wetsnow/wetsnow_2019-05-01.tif --out coarse_on_grid"),
        ("--input data/coarse", "then --input coarse=coarse_on_grid"),
        ("--static data/moved.tif", "moved lies elsewhere"),
        ("--static data/moved.tif", "--static moved=moved_on_grid/moved.tif"),
        ("--static data/flat.tif", "`flat` is 3 everywhere"),
        (
            "--input data/water.nc",
            "`meltcore pack --like data/wetsnow/wetsnow_2019-05-01.tif --out water data/water.nc`, then --input water",
        ),
        ("--static data/slope.tif --mask data/flat.tif", "takes out no pixel"),
        ("--static data/AMSR2", "--input AMSR2=data/AMSR2"),
        ("--input data/slope.tif", "--static slope=data/slope.tif"),
        ("--input data/nameless", "pack --date PATTERN"),
        ("--input data/absent", "cannot be read"),
        ("--input tb=data/AMSR2 --input tb=data/optical", "called tb"),
        ("--input checkpoints=data/AMSR2", "another name"),
        ("--input 2tb=data/AMSR2", "begins with a letter"),
        ("--input dem=data/AMSR2", "in_keys_static"),
    ] {
        let said = refused(root, &format!("config new --target data/wetsnow {arguments} --out run.yaml"));
        assert!(said.contains(wanted), "{arguments}: {said}");
        assert!(!root.join("run.yaml").exists() && !root.join("run").exists(), "{arguments}");
    }
    for (arguments, wanted) in [
        ("--target melt=data/wetsnow --input data/AMSR2 --out run.yaml", "--target NAME=data/wetsnow"),
        ("--target data/optical --input data/AMSR2 --out run.yaml", "2 bands"),
        ("--target data/wetsnow --input data/AMSR2 --out run", "YAML"),
    ] {
        let said = refused(root, &format!("config new {arguments}"));
        assert!(said.contains(wanted), "{arguments}: {said}");
    }
}

#[test]
fn gaps_are_filled_and_values_below_0_are_reached() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let mut holed = field(2, 3);
    holed[5] = f32::NAN;
    save(root.join("data/AMSR2/AMSR2_TB36V_20190503.tif"), &holed);
    for day in 1..=DAYS {
        save(root.join(format!("data/air/2019_05_{day:02}.tif")), &field(1, day).iter().map(|x| x * 27.0 - 9.0).collect::<Vec<_>>());
    }
    let [_, said] = done(root, "config new --target data/air --input tb=data/AMSR2 --out made/air.yaml");
    let all = std::fs::read_to_string(root.join("made/air/splits/all.csv")).unwrap();
    assert!(all.contains("2019_05_03.tif"), "{all}: {said}");
    let yaml = std::fs::read_to_string(root.join("made/air.yaml")).unwrap();
    for key in ["task: regression  ", "fill_tb: mean  ", "max_air: 20  ", "out_activation: linear  ", "range_air: [-9, 18]  "] {
        assert!(yaml.contains(&format!("\n{key}")), "{key} in {yaml}");
    }
    // Data that are not below the configuration's folder are named by whole paths.
    let data = root.join("data").display().to_string();
    assert!(yaml.contains(&format!("data_root: \"{data}\"")), "{yaml}");
    let [_, said] = done(root, "train --config made/air.yaml --set epochs=1");
    assert!(!said.contains("if it is a fraction"), "{said}");

    // One day leaves nothing to test with.
    for name in ["air", "AMSR2"] {
        let from = std::fs::read_dir(root.join("data").join(name)).unwrap().map(|entry| entry.unwrap().path());
        let first = from.min().unwrap();
        let to = root.join("one").join(name).join("2019_05_01.tif");
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(first, to).unwrap();
    }
    let [table, said] = done(root, "config new --target one/air --input tb=one/AMSR2 --out one.yaml");
    assert!(table.contains("--split all") && said.contains("too few days"), "{table}{said}");
    done(root, "train --config one.yaml --set epochs=1");
}

#[test]
fn paths_lead_from_the_current_directory_or_else_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let yaml = "model_key: unet\ndata_root: data\nin_keys: [pmw]\npath_pmw: pmw\npath_melt: melt\npath_train_split_csv: lists/train.csv\n\
        path_val_split_csv: lists/val.csv\npath_checkpoints: runs/checkpoints\npath_predictions: runs/maps\n";
    for folder in ["study/data/pmw", "study/data/melt", "study/lists", "here/runs/maps", "bare"] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    std::fs::write(root.join("study/run.yaml"), yaml).unwrap();
    std::fs::write(root.join("bare/run.yaml"), yaml).unwrap();
    std::fs::write(root.join("study/lists/train.csv"), "2019_05_01.tif\n").unwrap();
    let said = |directory: &str, more: &str| done(&root.join(directory), &format!("config show --config ../study/run.yaml -v {more}"));
    let [shown, told] = said("here", "");
    // Lists that are still to be made, and outputs, lie beside the data; what is in the current directory counts first.
    let keys = "data_root, path_checkpoints, path_melt, path_pmw, path_train_split_csv, path_val_split_csv";
    assert!(told.contains(&format!("taken from the folder of the file: {keys}\n")), "{told}");
    // As the file has them, so that a run's digest is the same from everywhere.
    assert_eq!(shown, said("study", "")[0]);
    assert!(shown.contains("path_pmw: \"pmw\"") && shown.contains("data_root: \"data\""), "{shown}");
    // What is typed is of the shell.
    let [_, told] = said("here", "--set path_checkpoints=typed");
    assert!(!told.contains("path_checkpoints"), "{told}");
    let [_, told] = said("here", "--set data_root=typed");
    assert!(told.contains("taken from the folder of the file: path_checkpoints, path_train_split_csv, path_val_split_csv\n"), "{told}");
    // Where nothing leads anywhere, everything is of the current directory, as ever.
    let [_, told] = done(root, "config show --config bare/run.yaml -v");
    assert!(told.contains("relative paths are taken from the current directory"), "{told}");
}

#[test]
fn the_smallest_one_of_the_readme_is_one() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let section = readme.split("## Your own rasters").nth(1).unwrap();
    let yaml = section.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let config = Config::from_yaml(yaml, "README.md", &[]).unwrap();
    assert_eq!(config.domain().target.name, "wetsnow");
    assert_eq!(config.inputs().unwrap().iter().map(|input| input.name).collect::<Vec<_>>(), ["tb36"]);
    assert!(config.ignored.is_empty(), "{:?}", config.ignored);
    // The command that the section begins with is the one that is tried above, but for where the folders are.
    let typed = section.lines().find(|line| line.starts_with("meltcore config new")).unwrap();
    assert_eq!(typed, format!("meltcore {} --out run.yaml", NEW.replace("data/", "")));
}
