//! The task `calving_front`: scenes as CaFFe stores them, the loss with a weighted centre, maps of tiles' middles, and training on them.

mod front_command;
mod fronts;
mod loss;
mod maps;
mod scenes;
mod training;

use std::path::Path;
use std::process::{Command, Output};

use meltcore::data::grey_png::write_grey_png;

/// The scenes that are made, with their rows and columns: none a multiple of anything, one smaller than a crop.
const SCENES: [(&str, [usize; 2]); 4] = [
    ("COL_2011-11-13_TDX_100_1_092", [40, 53]),
    ("JAC_2015-06-01_S1_100_2_010", [36, 44]),
    ("SI_2013-08-14_TSX_100_3_110", [47, 35]),
    ("DBE_2008-03-30_TSX_100_3_048", [13, 30]),
];

/// Zones by place: ocean left of a slanting front, glacier right of it, stone and nothing in two corners.
fn zone(row: usize, col: usize, [rows, cols]: [usize; 2]) -> usize {
    match () {
        () if row < 5 && col + 6 > cols => 1,
        () if row + 4 > rows && col + 6 > cols => 0,
        () if 3 * col < cols + row => 3,
        () => 2,
    }
}

/// Writes the scenes as grey PNG in CaFFe's folders, the first two to train on, and the configuration `run.yaml`.
fn make(root: &Path) {
    for (number, (name, size)) in SCENES.into_iter().enumerate() {
        let part = if number < 2 { "train" } else { "test" };
        let of =
            |value: &dyn Fn(usize, usize) -> u8| (0..size[0] * size[1]).map(|at| value(at / size[1], at % size[1])).collect::<Vec<u8>>();
        let write = |kind: &str, suffix: &str, values: &[u8]| {
            let folder = root.join(kind).join(part);
            std::fs::create_dir_all(&folder).unwrap();
            write_grey_png(&folder.join(format!("{name}{suffix}.png")), size, values).unwrap();
        };
        let speckle = |row: usize, col: usize| ((row * 13 + col * 29 + number * 7) % 37) as u8;
        write("sar_images", "", &of(&|row, col| [0, 150, 200, 40][zone(row, col, size)] + speckle(row, col)));
        // 63 is stone, too.
        let grey = |row: usize, col: usize| if row == 0 && col + 1 == size[1] { 63 } else { [0, 64, 127, 254][zone(row, col, size)] };
        write("zones", "_zones", &of(&grey));
        let is_front = |row: usize, col: usize| zone(row, col, size) == 3 && col + 1 < size[1] && zone(row, col + 1, size) == 2;
        write("fronts", "_front", &of(&|row, col| if is_front(row, col) { 255 } else { 0 }));
    }
    let list = |range: std::ops::Range<usize>| SCENES[range].iter().map(|(name, _)| format!("{name}\n")).collect::<String>();
    std::fs::write(root.join("train.txt"), list(0..2)).unwrap();
    // With and without an ending.
    std::fs::write(root.join("val.txt"), format!("{}.png\n{}\n", SCENES[2].0, SCENES[3].0)).unwrap();
    let text = format!(
        "task: calving_front\nmodel_key: unet\nbase_channels: 2\ndata_root: {0}\nin_keys: [sar]\npath_sar: sar_images\npath_classes: zones\n\
         path_fronts: fronts\npath_train_split_csv: {0}/train.txt\npath_val_split_csv: {0}/val.txt\npath_test_split_csv: {0}/val.txt\n\
         img_size: [16, 16]\nbatch_size: 4\ncrops_per_epoch: 12\nepochs: 2\nlearning_rate: 0.01\n\
         tensorboard: false\n",
        root.display()
    );
    std::fs::write(root.join("run.yaml"), text).unwrap();
}

/// A folder with the scenes.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    folder
}

/// What a command answers under `run.yaml` and these overrides.
fn meltcore(root: &Path, command: &str, arguments: &[&str], set: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    program.arg(command).arg("--config").arg(root.join("run.yaml")).args(arguments);
    for set in set {
        program.args(["--set", set]);
    }
    program.arg("--quiet").output().unwrap()
}

/// As [`meltcore`], of a command that succeeds: what it prints.
fn done(root: &Path, command: &str, arguments: &[&str], set: &[&str]) -> String {
    let output = meltcore(root, command, arguments, set);
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
