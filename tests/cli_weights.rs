//! `weights` as processes: what is printed, exit statuses, and files that are no weights.

use approx::assert_abs_diff_eq;
use meltcore::nn::state_dict::{self, HostDict, HostTensor};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Output};

const CONFIG: &str = "model_key: unet\nin_keys: [pmw, mar_wa1, time_interpolate_sar]\nin_keys_static: [dem]\nbase_channels: 2\n\
    bilinear: true\nnum_extra_convs: 2\n";

fn weights(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    command.arg("weights").args(arguments.split_whitespace()).current_dir(folder).env_remove("XDG_RUNTIME_DIR").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Status and stdout as JSON.
fn json(folder: &Path, arguments: &str) -> (Option<i32>, Value) {
    let output = weights(folder, arguments);
    let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{arguments}: {e}: {}", text(&output.stderr)));
    (output.status.code(), value)
}

/// A folder with a configuration and its initial weights, `a.safetensors`.
fn sample() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("run.yaml"), CONFIG).unwrap();
    let output = weights(folder.path(), "init --config run.yaml --seed 5 --out a.safetensors -q");
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    folder
}

/// Rewrites `a.safetensors` as `b.safetensors`.
fn change(folder: &Path, change: impl FnOnce(&mut HostDict)) {
    let mut dict = state_dict::read(&folder.join("a.safetensors")).unwrap();
    change(&mut dict);
    state_dict::write(&folder.join("b.safetensors"), &dict, HashMap::new()).unwrap();
}

fn first_value<'a>(dict: &'a mut HostDict, name: &str) -> &'a mut f32 {
    match dict.get_mut(name) {
        Some(HostTensor::F32(_, values)) => &mut values[0],
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn fresh_weights_are_recognised_and_fit() {
    let folder = sample();
    let root = folder.path();
    let (status, info) = json(root, "info a.safetensors --json --tensors");
    assert_eq!((status, &info["model"], &info["in_channels"]), (Some(0), &"unet".into(), &4.into()));
    let wanted = serde_json::json!({"base_channels": 2, "bilinear": true, "num_extra_convs": 2, "out_channels": 1});
    assert_eq!(info["config"], wanted);
    assert_eq!((info["keys"].as_u64(), info["tensors"].as_array().unwrap().len()), (Some(134), 134));
    assert_eq!(info["dtypes"], serde_json::json!({"float32": 112, "int64": 22}));
    assert_eq!((info["not_finite"].as_array().unwrap().len(), info["sha256"].as_str().unwrap().len()), (0, 64));
    let table = text(&weights(root, "info a.safetensors --tensors").stdout);
    for words in ["model            unet", "num_extra_convs  2", "types            float32 (112), int64 (22)", "[2, 4, 3, 3]"] {
        assert!(table.contains(words), "{words}: {table}");
    }

    let fits = weights(root, "check a.safetensors --config run.yaml -q");
    assert_eq!((fits.status.code(), text(&fits.stderr).as_str()), (Some(0), ""));
    assert_eq!(text(&fits.stdout), "a.safetensors fits unet of run.yaml: 134 tensors\n");
    assert_eq!(json(root, "check a.safetensors --config run.yaml --json"), (Some(0), serde_json::json!([])));

    // A checkpoint folder means its model.safetensors.
    std::fs::create_dir(root.join("last")).unwrap();
    std::fs::copy(root.join("a.safetensors"), root.join("last/model.safetensors")).unwrap();
    assert_eq!(json(root, "info last --json").1["sha256"], info["sha256"]);
}

#[test]
fn the_seed_decides_fresh_weights_and_nothing_is_overwritten() {
    let folder = sample();
    let root = folder.path();
    let refused = weights(root, "init --config run.yaml --out a.safetensors -q");
    assert_eq!(refused.status.code(), Some(4));
    assert!(text(&refused.stderr).contains("--force"), "{}", text(&refused.stderr));
    for (seed, wanted) in [(5, 0), (6, 1)] {
        let again = weights(root, &format!("init --config run.yaml --seed {seed} --out b.safetensors --force"));
        assert_eq!(again.status.code(), Some(0));
        assert!(text(&again.stderr).contains(&format!("seed {seed}")), "{}", text(&again.stderr));
        assert_eq!(weights(root, "diff a.safetensors b.safetensors").status.code(), Some(wanted));
    }
}

#[test]
fn every_tensor_that_does_not_fit_is_named() {
    let folder = sample();
    let root = folder.path();
    let set = "--set bilinear=false --set num_extra_convs=1 --set in_keys_static=[]";
    let output = weights(root, &format!("check a.safetensors --config run.yaml -q {set}"));
    assert_eq!(output.status.code(), Some(1));
    let table = text(&output.stdout);
    for line in [
        "mis-shaped  inc.double_conv.0.weight                         float32 [2, 4, 3, 3]    float32 [2, 3, 3, 3]",
        "missing     up1.up.bias                                      -                       float32 [16]",
        "extra       extraincs.1.res_conv.1.num_batches_tracked       int64 []                -",
    ] {
        assert!(table.lines().any(|found| found == line), "{line}\n{table}");
    }
    let said = text(&output.stderr);
    assert!(said.contains("4 input channels, base_channels: 2, bilinear: true, num_extra_convs: 2"), "{said}");
    let (status, faults) = json(root, &format!("check a.safetensors --config run.yaml --json {set}"));
    assert_eq!((status, faults.as_array().unwrap().len()), (Some(1), table.lines().count() - 1));

    change(root, |dict| *first_value(dict, "extraincs.1.res_conv.0.weight") += 1.0);
    let (status, faults) = json(root, "check b.safetensors --config run.yaml --json");
    assert_eq!((status, &faults[0]["fault"], &faults[1]), (Some(1), &"copies-differ".into(), &Value::Null));
    // Index 0 alone is enough.
    change(root, |dict| dict.retain(|name, _| !name.contains(".1.res_conv")));
    assert_eq!(json(root, "check b.safetensors --config run.yaml --json").0, Some(0));
}

#[test]
fn differences_are_sorted_and_tolerated() {
    let folder = sample();
    let root = folder.path();
    assert_eq!(text(&weights(root, "diff a.safetensors a.safetensors").stdout), "134 tensors compared, 134 equal\n");
    change(root, |dict| {
        *first_value(dict, "outc.conv.0.bias") *= 1.001;
        *first_value(dict, "inc.double_conv.1.bias") = 1e-3;
        dict.insert("up1.conv.double_conv.1.num_batches_tracked".into(), HostTensor::I64(7));
    });
    let (status, found) = json(root, "diff a.safetensors b.safetensors --json");
    let names: Vec<&str> = found["differing"].as_array().unwrap().iter().map(|row| row["tensor"].as_str().unwrap()).collect();
    assert_eq!((status, names.len(), names[2]), (Some(1), 3, "outc.conv.0.bias"));
    assert_abs_diff_eq!(found["differing"][2]["max_rel"].as_f64().unwrap(), 1e-3, epsilon = 1e-6);
    let lines = text(&weights(root, "diff a.safetensors b.safetensors").stdout);
    assert!(lines.lines().nth(3).is_some_and(|line| line.starts_with("outc.conv.0.bias")), "{lines}");

    change(root, |dict| *first_value(dict, "outc.conv.0.bias") *= 1.001);
    for (tolerance, status) in [("1e-4", 1), ("2e-3", 0)] {
        assert_eq!(weights(root, &format!("diff a.safetensors b.safetensors --tolerance {tolerance}")).status.code(), Some(status));
    }
    assert_eq!(weights(root, "diff a.safetensors b.safetensors --tolerance -1").status.code(), Some(2));

    change(root, |dict| {
        dict.remove("outc.conv.0.bias");
        dict.insert("more".into(), HostTensor::I64(1));
        dict.insert("inc.double_conv.1.bias".into(), HostTensor::F32(vec![1], vec![0.0]));
        *first_value(dict, "outc.conv.0.weight") = f32::NAN;
    });
    let output = weights(root, "diff a.safetensors b.safetensors --tolerance 10");
    let table = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    for line in ["outc.conv.0.bias        only in A", "more                    only in B", "inc.double_conv.1.bias  [2] and [1]"] {
        assert!(table.lines().any(|found| found.trim_end() == line), "{line}\n{table}");
    }
    assert!(table.contains("inf"), "{table}");
    let (_, info) = json(root, "info b.safetensors --json");
    assert_eq!(info["not_finite"], serde_json::json!(["outc.conv.0.weight"]));
}

/// Bytes of a safetensors file with one tensor `x` of two values.
fn one_tensor(dtype: &str, values: &[u8]) -> Vec<u8> {
    let header = format!(r#"{{"x":{{"dtype":"{dtype}","shape":[2],"data_offsets":[0,{}]}}}}"#, values.len());
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), values].concat()
}

#[test]
fn other_types_are_converted() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    // 1.5 and −2 in each type.
    let doubles: Vec<u8> = [1.5_f64, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    for (dtype, name, bytes) in [
        ("F16", "float16", &[0x00, 0x3e, 0x00, 0xc0][..]),
        ("BF16", "bfloat16", &[0xc0, 0x3f, 0x00, 0xc0]),
        ("F64", "float64", &doubles),
        ("F32", "float32", &[0x00, 0x00, 0xc0, 0x3f, 0x00, 0x00, 0x00, 0xc0]),
    ] {
        std::fs::write(root.join("in"), one_tensor(dtype, bytes)).unwrap();
        assert_eq!(json(root, "info in --json").1["dtypes"], serde_json::json!({ name: 1 }));
        let output = weights(root, "convert in --out out/f32.safetensors --force");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let read = state_dict::read(&root.join("out/f32.safetensors")).unwrap();
        assert_eq!(read["x"], HostTensor::F32(vec![2], vec![1.5, -2.0]), "{dtype}");
        assert_eq!(weights(root, "diff in out/f32.safetensors").status.code(), Some(0), "a type is no difference");
    }
    for (dtype, bytes, wanted) in [
        ("F64", 1e300_f64.to_le_bytes().repeat(2), "1e300"),
        ("I64", vec![0; 16], "only counters of one value"),
        ("BOOL", vec![0; 2], "BOOL"),
    ] {
        std::fs::write(root.join("in"), one_tensor(dtype, &bytes)).unwrap();
        let output = weights(root, "convert in --out refused");
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("`x`") && text(&output.stderr).contains(wanted), "{}", text(&output.stderr));
        assert!(!root.join("refused").exists());
    }
}

#[test]
fn halves_of_a_file_fit_its_model() {
    let folder = sample();
    let root = folder.path();
    let output = weights(root, "convert a.safetensors --to float16 --out half.safetensors");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let size = |name: &str| std::fs::metadata(root.join(name)).unwrap().len();
    assert!(size("half.safetensors") < size("a.safetensors") * 2 / 3);
    assert_eq!(weights(root, "check half.safetensors --config run.yaml").status.code(), Some(0));
    // Half a unit of the eleventh bit.
    assert_eq!(weights(root, "diff a.safetensors half.safetensors --tolerance 4.9e-4").status.code(), Some(0));
    assert_eq!(weights(root, "diff a.safetensors half.safetensors").status.code(), Some(1));

    std::fs::write(root.join("large"), one_tensor("F32", &[70000.0_f32, 1.0].map(f32::to_le_bytes).concat())).unwrap();
    let output = weights(root, "convert large --to float16 --out refused");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("`x` holds 7e4, which float16 cannot") && !root.join("refused").exists());
}

/// Buffers that a network derives stay unless they are asked to be left out; without them the file fits as well.
#[test]
fn buffers_are_left_out_on_request() {
    let folder = sample();
    let root = folder.path();
    let network = "task: calving_front\nin_keys: [sar]\npath_sar: s\nmodel_key: tyrion\nimg_size: [64, 64]\nembed_dim: 8\ndepths: [2, 2]\n\
        num_heads: [1, 2]\n";
    std::fs::write(root.join("run.yaml"), network).unwrap();
    let output = weights(root, "init --config run.yaml --out t.safetensors");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let derived = |file: &str| -> usize {
        let names = state_dict::read(&root.join(file)).unwrap();
        names.keys().filter(|name| name.contains("attn_mask") || name.contains("relative_")).count()
    };
    for (arguments, wanted) in [("whole", 8), ("without --without-buffers", 0)] {
        let output = weights(root, &format!("convert t.safetensors --to float16 --out {arguments}"));
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert_eq!(derived(arguments.split(' ').next().unwrap()), wanted);
    }
    assert_eq!(weights(root, "check without --config run.yaml").status.code(), Some(0));
    // Which tensors these are follows from a configuration.
    std::fs::write(root.join("bare"), one_tensor("F32", &[0; 8])).unwrap();
    let output = weights(root, "convert bare --without-buffers --out refused");
    assert!(output.status.code() == Some(2) && text(&output.stderr).contains("--config"), "{}", text(&output.stderr));
    assert!(!root.join("refused").exists());
}

#[test]
fn files_that_are_no_weights_end_with_status_2_and_one_paragraph() {
    let folder = sample();
    let root = folder.path();
    let whole = std::fs::read(root.join("a.safetensors")).unwrap();
    std::fs::write(root.join("truncated"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(root.join("header"), &whole[..50]).unwrap();
    std::fs::write(root.join("empty"), "").unwrap();
    std::fs::write(root.join("text"), CONFIG).unwrap();
    std::fs::create_dir(root.join("folder")).unwrap();
    for (file, wanted) in [
        ("missing", "cannot be read"),
        ("truncated", "not a whole safetensors file"),
        ("header", "not a whole safetensors file"),
        ("empty", "not a whole safetensors file"),
        ("text", "not a whole safetensors file"),
        ("folder", "neither model.safetensors"),
    ] {
        for arguments in [
            format!("info {file}"),
            format!("check {file} --config run.yaml"),
            format!("diff a.safetensors {file}"),
            format!("convert {file} --out o"),
        ] {
            let output = weights(root, &arguments);
            let said = text(&output.stderr);
            assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments}: {said}");
            assert!(said.lines().count() == 1 && said.starts_with("error: ") && said.contains(wanted), "{arguments}: {said}");
        }
    }
    for (arguments, wanted) in [
        ("init --config run.yaml --set in_keys=[] --set in_keys_static=[] --out o", "in_keys"),
        ("init --config run.yaml --set model_key=threshold_pmw --out o", "model_key"),
        ("check a.safetensors --config nowhere.yaml", "nowhere.yaml"),
        ("init --out o", "--config"),
    ] {
        let output = weights(root, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(text(&output.stderr).contains(wanted), "{arguments}: {}", text(&output.stderr));
    }
    // Weights of something else are told from their names.
    state_dict::write(&root.join("other"), &HostDict::from([("fc.weight".into(), HostTensor::I64(0))]), HashMap::new()).unwrap();
    assert!(text(&weights(root, "info other").stdout).contains("not one of meltcore's"));
}

#[test]
fn training_asks_for_the_encoder_that_the_configuration_names() {
    let folder = tempfile::tempdir().unwrap();
    let meltcore = |arguments: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
        command.args(arguments.split_whitespace()).current_dir(folder.path()).output().unwrap()
    };
    assert_eq!(meltcore("synth --out sample --size 64x64 --days 12 -q").status.code(), Some(0));
    let train = "train --config sample/config.yaml --set in_keys=[pmw,mar_wa1] --set model_key=unet_smp --set encoder_weights=";
    for (given, wanted) in [("imagenet", "tools/export_weights.py imagenet --channels 3"), ("no.safetensors", "no file no.safetensors")] {
        let output = meltcore(&format!("{train}{given} --set path_checkpoints={given}"));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("key `encoder_weights`") && said.contains(wanted), "{said}");
    }
    // With weights of its own a run does not ask; here they are not of this model.
    weights(folder.path(), "init --config sample/config.yaml --out unet.safetensors -q");
    let output = meltcore(&format!("{train}imagenet --weights unet.safetensors"));
    let said = text(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("unet.safetensors: this is not a state dict"), "{said}");
}
