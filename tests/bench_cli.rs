//! `bench` as a process: rows, keys, and exit statuses.

use serde_json::Value;
use std::process::{Command, Output};

fn bench(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    command.arg("bench").args(arguments).env_remove("XDG_RUNTIME_DIR").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_quick_run_of_one_kernel_gives_the_ceilings_and_its_rows() {
    let output = bench(&["-q", "--quick", "--filter", "add", "--json"]);
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = rows.as_array().unwrap();
    let stems: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap().split(' ').next().unwrap()).collect();
    assert_eq!(stems, ["ceiling_copy", "ceiling_fma", "add"]);
    for row in rows {
        let keys: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys.len(), 5, "{keys:?}");
        let number = |key: &str| row[key].as_f64().unwrap();
        assert!(number("ms") > 0.0 && number("gbps") > 0.0 && number("gflops") >= 0.0 && number("share") > 0.0, "{row}");
    }
    assert!(rows[1]["gflops"].as_f64().unwrap() > rows[2]["gflops"].as_f64().unwrap(), "{rows:?}");
}

#[test]
fn a_filter_that_fits_nothing_is_status_2_and_names_the_rows() {
    let output = bench(&["-q", "--filter", "no-such-kernel"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let told = text(&output.stderr);
    assert!(told.starts_with("error: ") && told.contains("conv2d") && told.contains("train_step"), "{told}");
}
