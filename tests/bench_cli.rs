//! `bench` as a process: rows, keys, steps, profiles, comparisons, and exit statuses.

use serde_json::{Value, json};
use std::fs;
use std::process::{Command, Output};

fn bench(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    command.arg("bench").args(arguments).env_remove("XDG_RUNTIME_DIR").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The rows of a run that ended well and said nothing.
fn rows(arguments: &[&str]) -> Vec<Value> {
    let output = bench(&[&["-q", "--quick", "--json"], arguments].concat());
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""), "{arguments:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["name"].as_str().unwrap()).collect()
}

fn number(row: &Value, key: &str) -> f64 {
    row[key].as_f64().unwrap_or_else(|| panic!("{key} of {row}"))
}

/// What a run that must fail says, after its exit status.
fn refusal(status: i32, arguments: &[&str]) -> String {
    let output = bench(&[&["-q", "--quick"], arguments].concat());
    let told = text(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(status), 0), "{arguments:?}: {told}");
    assert!(told.starts_with("error: "), "{told}");
    told
}

#[test]
fn a_quick_run_of_one_kernel_gives_the_ceilings_and_its_rows() {
    let rows = rows(&["--filter", "add 8"]);
    let (ceilings, others): (Vec<&Value>, Vec<&Value>) = rows.iter().partition(|row| row["name"].as_str().unwrap().starts_with("ceiling_"));
    let stems: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap().split(' ').next().unwrap()).collect();
    assert_eq!((&stems[..2], others.len(), *stems.last().unwrap()), (["ceiling_copy", "ceiling_fma"].as_slice(), 1, "add"));
    for row in &rows {
        let keys: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys.len(), 6, "{keys:?}");
        let number = |key: &str| number(row, key);
        assert!(number("ms") > 0.0 && number("gbps") > 0.0 && number("gflops") >= 0.0 && number("share") > 0.0, "{row}");
        assert!(number("spread") >= 0.0, "{row}");
    }
    // Shares are of the first copy and of the arithmetic.
    assert_eq!((number(ceilings[0], "share"), number(ceilings[1], "share")), (1.0, 1.0));
    assert!(number(ceilings[1], "gflops") > number(others[0], "gflops"), "{rows:?}");
}

#[test]
fn a_filter_that_is_a_name_chooses_that_row_alone() {
    let name = "conv2d 3x3 8>8 8x128x128";
    assert_eq!(names(&rows(&["--no-ceilings", "--filter", name])), [name]);
}

#[test]
fn a_filter_that_fits_nothing_is_status_2_and_says_what_names_begin_with() {
    let told = refusal(2, &["--filter", "no-such-kernel"]);
    for kernel in ["conv2d", "train_step", "masked_ssim", "gaussian_blur"] {
        assert_eq!(told.split([' ', ',', '\n']).filter(|word| word == &kernel).count(), 1, "{kernel} in {told}");
    }
}

#[test]
fn a_step_is_a_row_of_training_and_one_of_prediction_for_every_network() {
    let step = |model: &'static str, set: &'static str, size: &'static str, more: &[&'static str]| {
        rows(&[&["--no-ceilings", "--step", model, "--set", set, "--batch", "2", "--size", size], more].concat())
    };
    let unet = step("unet", "base_channels=2", "32x48", &["--set", "accumulate_steps=2"]);
    assert_eq!(names(&unet), ["train_step", "predict"].map(|what| format!("{what} unet base_channels=2 accumulate_steps=2 2x32x48")));
    assert!(unet.iter().all(|row| row["share"].is_null() && number(row, "ms") > 0.0), "{unet:?}");
    assert_eq!(names(&step("linear_dem", "n_models=2", "16x16", &["--predict"])), ["predict linear_dem n_models=2 2x16x16"]);
    let encoder = step("unet_smp", "decoder_channels=[8, 8, 8, 8, 8]", "32x32", &["--predict"]);
    assert_eq!(names(&encoder), ["predict unet_smp decoder_channels=[8, 8, 8, 8, 8] 2x32x32"]);
    let pyramid = step("deeplabv3", "decoder_channels=8", "32x32", &["--set", "encoder_output_stride=16", "--filter", "predict"]);
    assert_eq!(names(&pyramid), ["predict deeplabv3 decoder_channels=8 encoder_output_stride=16 2x32x32"]);
    let small = ["--set", "heads=2", "--set", "blocks=1", "--set", "resunet_steps=1"];
    let transformer = step("glavitu", "width=8", "32x48", &small);
    let of = |what: &str| format!("{what} glavitu width=8 heads=2 blocks=1 resunet_steps=1 2x32x48");
    assert_eq!(names(&transformer), ["train_step", "predict"].map(of));
}

#[test]
fn a_plan_says_what_batches_take_and_which_cards_hold_them() {
    let rows = rows(&["--device", "host", "--step", "glavitu", "--batch", "6", "--size", "384x384", "--plan"]);
    let told: Vec<(u64, bool)> = rows.iter().map(|row| (row["batch"].as_u64().unwrap(), row["recompute"].as_bool().unwrap())).collect();
    assert_eq!(told, [1, 2, 4, 6].map(|batch| [(batch, false), (batch, true)]).concat());
    let mib = |index: usize| number(&rows[index], "mib");
    for index in 2..rows.len() {
        assert!(mib(index) > mib(index - 2), "{rows:?}");
    }
    for (index, row) in rows.iter().enumerate() {
        assert!(index % 2 == 0 || mib(index) < 0.7 * mib(index - 1), "{rows:?}");
        let holds: Vec<u64> = [8, 12, 24, 80].into_iter().filter(|gib| mib(index) <= 0.9 * 1024.0 * *gib as f64).collect();
        assert_eq!(row["fits_gib"], json!(holds), "{row}");
    }
    assert!(rows[6]["fits_gib"] != rows[7]["fits_gib"], "recomputing six crops takes a smaller card: {rows:?}");
}

#[test]
fn a_batch_that_cannot_be_is_a_row_of_its_plan_that_says_why() {
    let small = ["--step", "deeplabv3", "--batch", "2", "--size", "32x32", "--set", "decoder_channels=8", "--plan"];
    let rows = rows(&small);
    assert!(rows[0]["mib"].is_null() && rows[0]["refused"].as_str().unwrap().contains("batch_norm"), "{rows:?}");
    assert!(rows[2]["refused"].is_null() && number(&rows[2], "mib") > 0.0, "{rows:?}");
}

#[test]
fn steps_that_cannot_be_are_status_2_and_say_what_to_change() {
    let cases: &[(&[&str], &str)] = &[
        (&["--step", "resnet"], "unet_smp"),
        (&["--step", "unet", "--size", "128"], "128x128"),
        (&["--step", "unet", "--size", "0x64"], "from 1 to 65535"),
        (&["--step", "unet", "--batch", "0"], "--batch"),
        (&["--step", "unet", "--set", "base_chanels=8"], "base_channels"),
        (&["--step", "unet", "--set", "batch_size=2"], "--batch"),
        (&["--step", "deeplabv3", "--size", "100x100"], "multiples of 8"),
        (&["--step", "deeplabv3", "--batch", "1", "--size", "32x32", "--set", "decoder_channels=8"], "batch_norm"),
        (&["--step", "linear_dem", "--set", "time_channel_idx=9"], "4 input channels"),
        (&["--predict"], "--step"),
        (&["--size", "64x64"], "--step"),
        (&["--seconds", "0"], "above 0"),
        (&["--seconds", "nan"], "above 0"),
    ];
    for (arguments, hint) in cases {
        let told = refusal(2, arguments);
        assert!(told.contains(hint), "{arguments:?}: {hint} in {told}");
    }
}

#[test]
fn steps_that_no_memory_holds_are_status_3_before_anything_is_made() {
    for size in ["65535x65535", "4096x4096"] {
        let told = refusal(3, &["--device", "host", "--no-ceilings", "--step", "unet", "--batch", "64", "--size", size]);
        assert!(told.contains("MiB") && told.contains("size"), "{told}");
    }
}

#[test]
fn a_profile_names_each_kernel_of_a_step_with_its_share() {
    let rows = rows(&["--step", "unet", "--set", "base_channels=2", "--batch", "1", "--size", "32x32", "--filter", "train", "--profile"]);
    let stems: Vec<&Value> = rows.iter().filter(|row| row["name"].as_str().unwrap().starts_with("profile ")).collect();
    let (sum, stems) = stems.split_last().unwrap();
    assert_eq!(sum["name"], "profile (all kernels)");
    for stem in ["profile adam", "profile add", "profile masked_loss"] {
        assert!(stems.iter().any(|row| row["name"] == stem), "{stem} in {:?}", names(&rows));
    }
    let total = |key: &str| stems.iter().map(|row| number(row, key)).sum::<f64>();
    // Four levels are pooled in one step, whatever algorithm does it, and however many runs the mean is of.
    let pools = |row: &Value| row["name"].as_str().is_some_and(|name| name.starts_with("profile max_pool2d") && !name.contains("grad"));
    assert_eq!(stems.iter().filter(|row| pools(row)).map(|row| number(row, "calls")).sum::<f64>(), 4.0);
    assert_eq!(number(sum, "calls"), total("calls"));
    assert!((total("time_share") - 1.0).abs() < 1e-9 && (total("ms") - number(sum, "ms")).abs() < 1e-6 * number(sum, "ms"), "{rows:?}");
    assert!(number(sum, "ms") > 0.0 && sum.get("spread").is_none() && number(sum, "share") > 0.0, "{sum}");
}

#[test]
fn a_comparison_is_status_1_where_a_row_became_slower_and_0_where_it_became_faster() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("earlier.json");
    let run = |earlier: Value| {
        fs::write(&file, earlier.to_string()).unwrap();
        bench(&["-q", "--quick", "--no-ceilings", "--filter", "adam", "--compare", file.to_str().unwrap()])
    };
    let slow = run(json!([{"name": "adam 524288", "ms": 1e-6}]));
    let told = text(&slow.stderr);
    assert_eq!(slow.status.code(), Some(1), "{told}");
    assert!(told.contains("adam 524288") && told.contains("5 %") && text(&slow.stdout).contains("SLOWER"), "{told}");
    let fast = run(json!([{"name": "adam 524288", "ms": 1e6, "spread": 0.1, "gflops": 1.0}, {"name": "gone", "ms": 1.0}]));
    let table = text(&fast.stdout);
    assert_eq!((fast.status.code(), table.contains("SLOWER"), table.contains("ratio")), (Some(0), false, true), "{table}");
    for (earlier, hint) in [
        (json!([{"name": "gone", "ms": 1.0}]), "no row of this run"),
        (json!([{"name": "adam 524288", "ms": 0.0}]), "0 ms"),
        (json!({"rows": []}), "no list of rows"),
    ] {
        let output = run(earlier);
        let told = text(&output.stderr);
        assert!(output.status.code() == Some(2) && told.contains(hint), "{hint} in {told}");
    }
    assert!(refusal(2, &["--compare", "/no/such/file"]).contains("cannot be read"));
}
