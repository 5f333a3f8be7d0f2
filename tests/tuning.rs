//! `meltcore tune`: variants change no bit of a training, and every command takes those of the file, on the device that it is of.

mod on_device;
mod trials;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Output, Stdio};

use meltcore::bench::{Tuned, tune, variants};
use meltcore::config::Config;
use meltcore::error::Result;
use meltcore::gpu::loader::prepare_vulkan_loader;
use meltcore::gpu::{Capabilities, DeviceKind, Gpu};
use meltcore::kernels::activation::Activation;
use meltcore::kernels::conv2d::{Conv2dAttrs, Conv2dDims, conv2d, conv2d_grad_input};
use meltcore::kernels::epilogue::Epilogue;
use meltcore::kernels::linear::{linear, linear_grad_input, linear_grad_weight};
use meltcore::kernels::operands::Operands;
use meltcore::models;
use meltcore::ops::LossKind;
use meltcore::tensor::Tensor;
use meltcore::train::{self, Step, masked_loss};
use on_device::{noise, wgsl_device};
use serde_json::Value;
use trials::{needing, trial};

fn main() -> ExitCode {
    // First thing: it writes the environment.
    prepare_vulkan_loader();
    trials::run(vec![
        trial("no_variant_changes_a_bit_of_a_training_on_the_host", || no_variant_changes_a_bit("host")),
        needing("no_variant_changes_a_bit_of_a_training_in_wgsl", "wgsl", no_wgsl, || no_variant_changes_a_bit(&wgsl_device().unwrap())),
        needing("what_is_tuned_is_used_and_changes_no_bit", "wgsl", no_wgsl, what_is_tuned_is_used),
        needing("tiles_of_workgroups_are_raced_where_a_gpu_has_them", "wgsl", no_wgsl, tiles_of_workgroups),
        needing("files_of_others_are_left_aside_and_broken_ones_refused", "wgsl", no_wgsl, files_of_others),
        needing("what_cannot_be_written_is_refused_before_the_race", "wgsl", no_wgsl, unwritable),
        needing("files_of_others_are_not_replaced", "wgsl", no_wgsl, in_place_of_others),
        needing("a_signal_keeps_what_was_found", "wgsl", no_signals_or_wgsl, interrupted),
        needing("doctor_prints_its_page_beside_a_broken_file", "wgsl", no_wgsl, doctor_of_a_broken_file),
        trial("there_is_nothing_to_tune_on_the_host_where_all_else_is_well", nothing_on_the_host),
    ])
}

fn no_wgsl() -> Option<String> {
    wgsl_device().err().map(|error| error.to_string())
}

fn no_signals_or_wgsl() -> Option<String> {
    if cfg!(unix) { no_wgsl() } else { Some("there are no signals here".into()) }
}

/// The bits of what three steps of a UNet leave, and of a linear layer with its gradients.
fn bits(device: &str, choose: impl FnOnce(&mut Capabilities)) -> Vec<u32> {
    let trained = || -> Result<Vec<f32>> {
        let gpu = Gpu::open_as(Some(device), choose)?;
        let attrs = serde_json::json!({"model_key": "unet", "base_channels": 4, "optimizer": "adam", "learning_rate": 1e-3, "seed": 7});
        let config = Config::from_json(attrs.as_object().unwrap())?;
        let model = models::untrained_for(&gpu, &config, 3)?;
        let mut optimizer = train::optimizer(&config);
        let tensor = |seed: u64, shape: &[usize]| Tensor::from_slice(&gpu, shape, &noise(seed, shape.iter().product()));
        let (input, target) = (tensor(1, &[2, 3, 32, 32])?, tensor(2, &[2, 1, 32, 32])?);
        let mask = Tensor::full(&gpu, [2, 1, 32, 32], 0.0)?;
        let mut values = Vec::new();
        for _ in 0..3 {
            let mut step = Step::new(model.as_ref(), false);
            let loss = step.add(0, 1.0, &(&input).into(), &masked_loss(LossKind::Mse, &target, &mask))?;
            step.finish(&mut optimizer)?;
            values.extend(loss.to_vec()?);
        }
        for (_, parameter) in model.parameters().trainable() {
            values.extend(parameter.to_vec()?);
        }
        let (rows, weight, bias) = (tensor(3, &[70, 33])?, tensor(4, &[17, 33])?, tensor(5, &[17])?);
        let output = linear(&rows, &weight, Some(&bias), Activation::Gelu, Operands::F32)?;
        let (grad_weight, grad_bias) = linear_grad_weight(&rows, &output, &weight, Operands::F32)?;
        for tensor in [&linear_grad_input(&output, &weight, Operands::F32)?, &grad_weight, &grad_bias, &output] {
            values.extend(tensor.to_vec()?);
        }
        Ok(values)
    };
    trained().unwrap().into_iter().map(f32::to_bits).collect()
}

/// Every variant of every kernel is taken once.
fn no_variant_changes_a_bit(device: &str) {
    let usual = bits(device, |_| {});
    assert!(usual.len() > 1000 && usual.iter().all(|bits| f32::from_bits(*bits).is_finite()));
    let most = variants::SELECTABLE.iter().map(|selectable| selectable.values.len()).max().unwrap();
    for k in 0..most {
        let chosen = bits(device, |able| {
            for selectable in variants::SELECTABLE {
                assert!(able.choices.force(selectable, selectable.values[k % selectable.values.len()]));
            }
        });
        assert!(chosen == usual, "variants number {k} change bits");
    }
}

fn meltcore(device: &str, tuned: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    command.args(["--device", device]).args(arguments).env("MELTCORE_TUNED", tuned).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const STEP: [&str; 9] = ["--step", "unet", "--set", "base_channels=4", "--batch", "2", "--size", "32x32", "--seconds"];

/// Writes a tuned file of the step above at `file`, and gives the races.
fn tuned(device: &str, file: &Path) -> Vec<Value> {
    let arguments = [&["-q", "tune", "--json", "--out", file.to_str().unwrap()], &STEP[..], &["0.002"]].concat();
    let output = meltcore(device, Path::new("off"), &arguments);
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), ""));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn what_is_tuned_is_used() {
    let (folder, device) = (tempfile::tempdir().unwrap(), wgsl_device().unwrap());
    let file = folder.path().join("tuned.json");
    let races = tuned(&device, &file);
    let kernels: Vec<&str> = races.iter().map(|race| race["kernel"].as_str().unwrap()).collect();
    assert!(["conv2d", "conv2d_grad_input", "conv2d_grad_weight"].iter().all(|kernel| kernels.contains(kernel)), "{kernels:?}");
    for race in &races {
        assert!(race["tried"].as_u64().unwrap() > 1 && race["refused"].as_array().unwrap().is_empty(), "{race}");
        assert!(race["fastest_ms"].as_f64().unwrap() <= race["usual_ms"].as_f64().unwrap(), "{race}");
    }
    let tuned = Tuned::load(&file).unwrap();
    assert_eq!(tuned.len(), races.iter().filter(|race| race["fastest"] != race["usual"]).count());
    let choose = |able: &mut Capabilities| {
        assert_eq!(tuned.foreign_to(able), None);
        tuned.apply(able);
    };
    assert!(bits(&device, choose) == bits(&device, |_| {}));
    // Every command that opens the device says so.
    let used = format!("variants of {} launches are those of {}", tuned.len(), file.display());
    for (arguments, is_used) in [
        (&["-v", "bench", "--plans", "--filter", "add 8"][..], true),
        (&["-v", "bench", "--plans", "--filter", "add 8", "--untuned"], false),
        (&["-v", "doctor", "--help"], false),
    ] {
        let output = meltcore(&device, &file, arguments);
        assert_eq!((output.status.code(), said(&output).contains(&used)), (Some(0), is_used), "{arguments:?}: {}", said(&output));
    }
}

/// On a GPU, whose usual variants of wide layers are other kernels; layers that leave nothing to choose are not raced.
fn tiles_of_workgroups() {
    let gpu = Gpu::open_as(Some(&wgsl_device().unwrap()), |able| able.kind = DeviceKind::Gpu).unwrap();
    let convolve = |planner: &Gpu, [c_in, c_out, kernel]: [usize; 3]| {
        let (input, weight) = (Tensor::empty(planner, [1, c_in, 8, 8])?, Tensor::empty(planner, [c_out, c_in, kernel, kernel])?);
        let attrs = Conv2dAttrs { padding: kernel / 2, ..Conv2dAttrs::PLAIN };
        let output = conv2d(&input, &weight, &attrs, &Epilogue::default())?;
        conv2d_grad_input(&Conv2dDims::forward(&input, &weight, &attrs)?, &output, &weight, None)
    };
    let work = |planner: &Gpu| {
        for layer in [[64, 40, 1], [64, 64, 3], [4, 4, 3], [512, 64, 1]] {
            convolve(planner, layer)?;
        }
        Ok(())
    };
    let tuning = tune(&gpu, &work, 0.002, &|| false, &mut |_| {}).unwrap();
    let raced: Vec<(&str, &str)> = tuning.found.iter().map(|found| (found.of.stem, found.usual.stem)).collect();
    // The last one's sum is split, its input gradient is not.
    let wanted =
        [("conv2d", "conv2d_tile"), ("conv2d_grad_input", "conv2d_grad_input_tile"), ("conv2d_grad_input", "conv2d_grad_input_tile")];
    assert_eq!(raced, wanted);
    for found in &tuning.found {
        assert!(found.tried > 4 && found.refused.is_empty(), "{found:?}");
    }
}

fn files_of_others() {
    let (folder, device) = (tempfile::tempdir().unwrap(), wgsl_device().unwrap());
    let file = folder.path().join("tuned.json");
    let able = Gpu::open(Some(&device)).unwrap().capabilities().clone();
    Tuned::of(&Capabilities { driver: "another driver".into(), ..able }).save(&file).unwrap();
    let look = ["bench", "--plans", "--filter", "add 8"];
    let output = meltcore(&device, &file, &look);
    let words = "is left aside: it was made on `another driver`, and this is ";
    assert!(output.status.success() && said(&output).contains(words), "{}", said(&output));
    fs::write(&file, "{\"device\": ").unwrap();
    let output = meltcore(&device, &file, &look);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("is no file of `meltcore tune`") && said(&output).contains("MELTCORE_TUNED=off"), "{}", said(&output));
    for off in [Path::new("off"), Path::new("")] {
        let cached = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
        let quiet = command.args(["-q", "--device", &device]).args(look).env("MELTCORE_TUNED", off).env("XDG_CACHE_HOME", cached.path());
        let output = quiet.output().unwrap();
        assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), ""));
    }
}

fn unwritable() {
    let (folder, device) = (tempfile::tempdir().unwrap(), wgsl_device().unwrap());
    for (out, words) in [(folder.path().to_owned(), "is a folder where a file is to be written"), ("/dev/null/a".into(), "cannot be made")]
    {
        let output = meltcore(&device, Path::new("off"), &["tune", "--step", "unet", "--out", out.to_str().unwrap()]);
        let said = said(&output);
        assert!(output.status.code() == Some(4) && said.contains(words) && !said.contains("tune:"), "{said}");
    }
}

/// Files of others stay, but for one in the folder of caches.
fn in_place_of_others() {
    let (folder, device) = (tempfile::tempdir().unwrap(), wgsl_device().unwrap());
    let file = folder.path().join("config.yaml");
    fs::write(&file, "model_key: unet\n").unwrap();
    let output = meltcore(&device, Path::new("off"), &["tune", "--step", "unet", "--out", file.to_str().unwrap()]);
    let said = said(&output);
    assert!(output.status.code() == Some(4) && said.contains("no complete file of `meltcore tune`"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "model_key: unet\n");
}

fn interrupted() {
    let (folder, device) = (tempfile::tempdir().unwrap(), wgsl_device().unwrap());
    let file = folder.path().join("tuned.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    command.args(["--device", &device, "tune", "--out", file.to_str().unwrap()]).args(STEP).arg("0.05");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(std::result::Result::ok);
    assert!(lines.any(|line| line.starts_with("tune:")));
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(143), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("stopped by signal 15: ") && line.contains("launches were not raced")), "{rest:?}");
    assert_eq!(Tuned::load(&file).unwrap().foreign_to(Gpu::open(Some(&device)).unwrap().capabilities()), None);
}

fn doctor_of_a_broken_file() {
    let (folder, device) = (tempfile::tempdir().unwrap(), wgsl_device().unwrap());
    let file = folder.path().join("tuned.json");
    fs::write(&file, "{}").unwrap();
    let output = meltcore(&device, &file, &["-q", "doctor"]);
    let page = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{page}");
    let verdict = page.split("## Verdict").nth(1).unwrap().trim();
    assert!(verdict.starts_with("tuned variants: ") && verdict.lines().count() == 1, "{verdict}");
    assert!(page.contains("MELTCORE_TUNED=") && page.contains("tuned variants   broken"), "{page}");
    assert!(said(&output).contains("1 thing is wrong"), "{}", said(&output));
}

fn nothing_on_the_host() {
    let run = |arguments: &[&str]| {
        let output = meltcore("host", Path::new("off"), &[&["-q", "tune"], arguments].concat());
        assert_eq!(output.status.code(), Some(2));
        said(&output)
    };
    assert!(run(&["--step", "unet"]).contains("there is nothing to tune on the processor"));
    assert!(run(&["--config", "nowhere.yaml"]).contains("nowhere.yaml"));
    assert!(run(&["--step", "unet", "--set", "base_channel=8"]).contains("base_channel"));
}
