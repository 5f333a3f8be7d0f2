//! `devices` and `verify` as processes: exit statuses, tables, JSON, and what is said on stderr.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs the program without a desktop session, as on a server.
fn meltcore(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    command.args(arguments).env_remove("XDG_RUNTIME_DIR").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&output.stdout)))
}

fn errors(output: &Output) -> Vec<String> {
    text(&output.stderr).lines().filter(|line| line.starts_with("error: ")).map(str::to_owned).collect()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format!("{name}.safetensors"))
}

/// A copy of a fixture, its bytes changed by `change`, as a path for the command line.
fn changed(folder: &Path, name: &str, as_name: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = std::fs::read(fixture(name)).unwrap();
    change(&mut bytes);
    let path = folder.join(format!("{as_name}.safetensors"));
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Sets the first value of a float32 tensor of a safetensors file.
fn set_first(bytes: &mut [u8], tensor: &str, value: f32) {
    let header = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
    let parsed: Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    let begin = 8 + header + usize::try_from(parsed[tensor]["data_offsets"][0].as_u64().unwrap()).unwrap();
    bytes[begin..begin + 4].copy_from_slice(&value.to_le_bytes());
}

/// Replaces text by text of the same length, so that the file stays whole.
fn replace(bytes: &mut [u8], old: &str, new: &str) {
    assert_eq!(old.len(), new.len());
    let at = bytes.windows(old.len()).position(|window| window == old.as_bytes()).unwrap();
    bytes[at..at + old.len()].copy_from_slice(new.as_bytes());
}

#[test]
fn devices_marks_the_one_in_use() {
    let output = meltcore(&["devices", "--json"]);
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    let adapters = json(&output);
    let adapters = adapters.as_array().unwrap();
    assert_eq!(adapters.iter().filter(|adapter| adapter["used"] == true).count(), 1);
    for (i, adapter) in adapters.iter().enumerate() {
        assert_eq!(adapter["index"], i);
        assert!(adapter["max_binding_mib"].as_u64().unwrap() > 0 && adapter["features"].is_array(), "{adapter}");
    }
    let table = text(&meltcore(&["devices"]).stdout);
    let marked: Vec<&str> = table.lines().filter(|line| line.starts_with('*')).collect();
    assert_eq!((table.lines().count(), marked.len()), (adapters.len() + 1, 1), "{table}");
    let last = (adapters.len() - 1).to_string();
    assert_eq!(json(&meltcore(&["devices", "--json", "--device", &last]))[adapters.len() - 1]["used"], true);
}

#[test]
fn a_device_that_does_not_exist_is_status_3_and_named_with_its_alternatives() {
    let file = fixture("add__w47");
    for arguments in [&["devices"][..], &["verify", file.to_str().unwrap()]] {
        let output = Command::new(env!("CARGO_BIN_EXE_meltcore")).args(arguments).env("MELTCORE_DEVICE", "nonsense").output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        let errors = errors(&output);
        assert!(output.stdout.is_empty() && errors.len() == 1, "{errors:?}");
        assert!(errors[0].contains("MELTCORE_DEVICE: ") && errors[0].contains("`nonsense`") && errors[0].contains("0: "), "{errors:?}");
    }
    assert_eq!(meltcore(&["devices", "--device", "99"]).status.code(), Some(3));
}

#[test]
fn settings_of_the_processor_that_cannot_be_are_status_2_and_named() {
    let cases = [("RAYON_NUM_THREADS", "many"), ("RAYON_NUM_THREADS", "-1"), ("RAYON_NUM_THREADS", "100000"), ("MELTCORE_ISA", "nonsense")];
    for (variable, value) in cases {
        let output =
            Command::new(env!("CARGO_BIN_EXE_meltcore")).args(["devices", "--device", "host"]).env(variable, value).output().unwrap();
        let errors = errors(&output);
        assert_eq!((output.status.code(), output.stdout.len(), errors.len()), (Some(2), 0, 1), "{variable}={value}: {errors:?}");
        assert!(errors[0].contains(variable) && errors[0].contains(value), "{errors:?}");
    }
    for threads in ["0", "100000", "many"] {
        let output = meltcore(&["devices", "--threads", threads]);
        assert_eq!(output.status.code(), Some(2), "{threads}");
        assert!(text(&output.stderr).contains("--threads"), "{threads}");
    }
}

#[test]
fn every_instruction_set_computes_what_the_fixtures_say() {
    let file = fixture("conv2d__w41");
    for set in meltcore::host::instruction_sets() {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
        let output = command.args(["verify", file.to_str().unwrap(), "--device", "host"]).env("MELTCORE_ISA", set).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{set}");
        assert!(text(&output.stderr).contains(&format!("({set}, ")), "{set}: {}", text(&output.stderr));
    }
}

#[test]
fn fixtures_that_pass_are_status_0_with_a_row_each_and_the_counts() {
    let (add, conv2d) = (fixture("add__w47"), fixture("conv2d__w41"));
    let files = [add.to_str().unwrap(), conv2d.to_str().unwrap()];
    let output = meltcore(&["verify", files[0], files[1]]);
    let table = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{table}{}", text(&output.stderr));
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), ["file", "op", "worst", "ratio", "verdict"]);
    assert!(lines[1].contains(" add ") && lines[1].ends_with("pass") && lines[2].ends_with("pass"), "{table}");
    assert_eq!(lines[3], "2 pass, 0 FAIL, 0 not replayed");

    let rows = json(&meltcore(&["verify", "--json", "-q", files[0], files[1]]));
    for (row, (file, op)) in rows.as_array().unwrap().iter().zip([(files[0], "add"), (files[1], "conv2d")]) {
        let keys: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys.len(), 5, "{keys:?}");
        assert!(row["file"] == file && row["op"] == op && row["pass"] == true, "{row}");
        assert!(row["worst"].is_string() && row["ratio"].as_f64().unwrap() <= 1.0, "{row}");
    }
}

#[test]
fn a_device_that_is_no_gpu_is_announced_once_and_q_is_silent() {
    let adapters = json(&meltcore(&["devices", "--json"]));
    let used = adapters.as_array().unwrap().iter().find(|adapter| adapter["used"] == true).unwrap();
    let file = fixture("add__w47");
    let told = text(&meltcore(&["verify", file.to_str().unwrap()]).stderr);
    let words = match used["kind"].as_str() {
        Some("software") => Some("software device"),
        Some("host") => Some("on the processor"),
        _ => None,
    };
    let expected = usize::from(words.is_some());
    assert_eq!((words.map_or(0, |words| told.matches(words).count()), told.lines().count()), (expected, expected), "{told}");
    assert_eq!(text(&meltcore(&["verify", "-q", file.to_str().unwrap()]).stderr), "");
}

#[test]
fn a_fixture_out_of_tolerance_is_status_1_unless_the_tolerance_is_scaled() {
    let folder = tempfile::tempdir().unwrap();
    let tampered = changed(folder.path(), "add__w47", "tampered", |bytes| set_first(bytes, "out.y", 1e3));
    let whole = fixture("add__w47");
    let output = meltcore(&["verify", "-q", &tampered, whole.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let table = text(&output.stdout);
    assert!(table.contains("out.y") && table.contains("FAIL\n") && table.ends_with("\n1 pass, 1 FAIL, 0 not replayed\n"), "{table}");
    let errors = errors(&output);
    assert!(errors.len() == 1 && errors[0].contains("1 of 2 fixtures") && errors[0].contains("tampered"), "{errors:?}");
    assert_eq!(meltcore(&["verify", "-q", &tampered, "--rtol-scale", "1e7"]).status.code(), Some(0));

    let nan = changed(folder.path(), "conv2d__one_px", "nan", |bytes| set_first(bytes, "out.y", f32::NAN));
    let rows = json(&meltcore(&["verify", "-q", "--json", &nan]));
    assert!(rows[0]["pass"] == false && rows[0]["ratio"].as_f64() == Some(f64::MAX), "{rows}");
}

#[test]
fn files_that_cannot_be_replayed_are_told_each_and_the_others_are_finished() {
    let folder = tempfile::tempdir().unwrap();
    let unknown = changed(folder.path(), "add__w47", "a_unknown", |bytes| replace(bytes, r#"\"add\""#, r#"\"axx\""#));
    let cut = changed(folder.path(), "add__w47", "b_cut", |bytes| bytes.truncate(bytes.len() / 2));
    changed(folder.path(), "add__w47", "c_whole", |_| {});
    changed(folder.path(), "add__w47", "d_tampered", |bytes| set_first(bytes, "out.y", 1e3));
    std::fs::write(folder.path().join("notes.txt"), "no fixture").unwrap();

    // The folder stands for its fixtures in order; unusable files outweigh those that fail.
    let output = meltcore(&["verify", "-q", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let table = text(&output.stdout);
    assert!(table.ends_with("\n1 pass, 1 FAIL, 2 not replayed\n") && table.lines().count() == 4, "{table}");
    let told = errors(&output);
    assert!(told.len() == 2 && told[0].contains(&unknown) && told[1].contains(&cut), "{told:?}");
    assert!(told[0].contains("`axx` is unknown") && told[1].contains("not a usable fixture"), "{told:?}");
    assert_eq!(json(&meltcore(&["verify", "-q", "--json", folder.path().to_str().unwrap()])).as_array().unwrap().len(), 2);

    let missing = folder.path().join("missing.safetensors");
    let output = meltcore(&["verify", "-q", missing.to_str().unwrap()]);
    assert_eq!((output.status.code(), errors(&output).len()), (Some(2), 1));
    let empty = tempfile::tempdir().unwrap();
    let output = meltcore(&["verify", "-q", empty.path().to_str().unwrap()]);
    assert_eq!((output.status.code(), errors(&output).len()), (Some(2), 1));
}
