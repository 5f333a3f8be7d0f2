//! The table of bad inputs in `tests/README.md`, replayed: every row's command ends with the status and the message that stand there.

use std::fs;
use std::path::Path;
use std::process::Command;

/// What separates the parts of a message of which the middle is left out.
const GAP: &str = "…";

struct Row {
    command: String,
    status: i32,
    message: String,
}

/// The rows of the first table below the heading.
fn rows() -> Vec<Row> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/README.md")).unwrap();
    let (_, section) = text.split_once("## A hundred bad inputs").expect("the heading");
    let table = section.lines().skip_while(|line| !line.starts_with("| `")).take_while(|line| line.starts_with('|'));
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [command, status, message] = cells[..] else { panic!("three cells: {line}") };
        Row { command: command.trim_matches('`').to_owned(), status: status.parse().unwrap(), message: message.to_owned() }
    };
    table.map(row).collect()
}

/// A small data set in `d`, and the files that the commands name.
fn make(root: &Path) {
    assert!(run(root, "synth --out d --size 64x64 --days 12 -q").0 == Some(0));
    let mean = "baseline time-interpolate-sar --config d/config.yaml --split all --out d/time_interpolate_sar --no-png -q";
    assert!(run(root, mean).0 == Some(0));
    fs::create_dir(root.join("bad")).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(root.join("bad").join(name), bytes).unwrap();
    let config = fs::read_to_string(root.join("d/config.yaml")).unwrap();
    write("two.yaml", format!("{config}\n---\nseed: 1\n").as_bytes());
    write("twice.yaml", b"seed: 1\nseed: 2\n");
    write("bytes.yaml", b"seed: \xff\xfe\n");
    write("list.yaml", b"- seed\n- epochs\n");
    write("empty.yaml", b"");
    write("indent.yaml", b"seed: 1\n  epochs: 2\n");
    write("bare.yaml", b"out: o\n");
    write("folds.yaml", b"config: ../d/config.yaml\nleave_out: year\n");
    write("wide.yaml", b"config: ../d/config.yaml\nvariants: {base: {}, wide: {base_channel: 16}}\n");
    write("sweep.yaml", b"method: random\nparameters: {learning_rate: {values: [0.1]}}\n");
    write("page", b"<!DOCTYPE html><html><body>404 Not Found</body></html>");
    write("nothing", b"");
    write("object.json", b"{\"a\": 1}");
    write("list.json", b"[]");
    write("half.json", b"{\"split\": \"te");
    write("twice.csv", b"2017_04_05.tif\n2017_04_05.tif\n");
    write("february.csv", b"2017_02_29.tif\n");
    write("header.csv", b"file\n2017_04_05.tif\n");
    write("missing.csv", b"2030_04_05.tif\n");
    let raster = fs::read(root.join("d/dem.tif")).unwrap();
    write("cut.tif", &raster[..raster.len() / 2]);
    write("head.tif", &raster[..64]);
    let tag = |number: u16, from: &[u8], to: &[u8]| {
        let mut bytes = raster.clone();
        let at = (8..400).find(|&at| bytes[at..].starts_with(&number.to_le_bytes()) && bytes[at + 8..].starts_with(from)).unwrap();
        bytes[at + 8..at + 8 + to.len()].copy_from_slice(to);
        bytes
    };
    write("wide.tif", &tag(256, &[64, 0, 0, 0], &[0, 0, 0, 64]));
    write("flat.tif", &tag(257, &[64, 0, 0, 0], &[0, 0, 0, 0]));
    write("bits.tif", &tag(258, &[32, 0], &[12, 0]));
    write("codec.tif", &tag(259, &[1, 0], &[7, 0]));
    write("bands.tif", &tag(277, &[1, 0], &[3, 0]));
    write("none.tif", &tag(42113, b"nan\0", b"none"));
    write("huge.safetensors", &[&u64::MAX.to_le_bytes()[..], b"{}"].concat());
    write("types.safetensors", &[&38u64.to_le_bytes()[..], b"{\"a\":{\"dtype\":\"U16\",\"shape\":[],\"data\":1}"].concat());
}

fn run(root: &Path, command: &str) -> (Option<i32>, String) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    let done = process.current_dir(root).args(command.split_whitespace()).env("MELTCORE_DEVICE", "host").output().unwrap();
    (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
}

#[test]
fn every_row_of_the_table_holds() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let rows = rows();
    assert!(rows.len() >= 100, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for Row { command, status, message } in rows {
        let (got, said) = run(root, &command);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut rest = said.as_str();
        let in_order = message.split(GAP).map(str::trim).all(|part| match rest.split_once(part) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        });
        if got != Some(status) || !in_order {
            wrong.push(format!("{command}\n  wanted {status}: {message}\n  got {got:?}: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
