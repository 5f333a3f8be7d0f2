//! Checks the naive references, our definition of every op, against fixtures that PyTorch made. Needs no GPU.
//!
//! The fixtures are those in `tests/fixtures`; `MELTCORE_FIXTURES` names other folders instead, separated by colons.

#[path = "reference_fixtures/class_maps.rs"]
mod class_maps;
#[path = "reference_fixtures/masked.rs"]
mod masked;
#[path = "reference_fixtures/windows.rs"]
mod windows;

use class_maps::class_maps;
use masked::masked;
use meltcore::reference::activation::*;
use meltcore::reference::adaptive_avg_pool2d::*;
use meltcore::reference::add::add;
use meltcore::reference::add_row::*;
use meltcore::reference::batch_norm::*;
use meltcore::reference::cat::*;
use meltcore::reference::conv_transpose2d::*;
use meltcore::reference::conv2d::*;
use meltcore::reference::gaussian_blur::gaussian_blur;
use meltcore::reference::gradient_clipping::clip_grad_norm;
use meltcore::reference::interpolate::*;
use meltcore::reference::layer_norm::*;
use meltcore::reference::linear::*;
use meltcore::reference::lr_schedule::*;
use meltcore::reference::max_pool2d::*;
use meltcore::reference::mul_row::*;
use meltcore::reference::mul_scalar::mul_scalar;
use meltcore::reference::narrow::*;
use meltcore::reference::operands::nearest_f16s;
use meltcore::reference::optimizers::*;
use meltcore::reference::pad::*;
use meltcore::reference::softmax::*;
use meltcore::reference::transpose::transpose;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One fixture: its case and its tensors as f64.
struct Fixture {
    op: String,
    attrs: Value,
    case: Value,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f64>)>,
}

impl Fixture {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let metadata = header.metadata().clone().unwrap();
        assert_eq!(metadata["format"], "meltcore-fixture/1", "{}", path.display());
        let case: Value = serde_json::from_str(&metadata["case"]).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let tensors = tensors.tensors().into_iter().map(|(name, view)| {
            let values = match view.dtype() {
                safetensors::Dtype::F32 => view.data().chunks(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect(),
                safetensors::Dtype::I64 => view.data().chunks(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64).collect(),
                other => panic!("{name} in {} is {other:?}", path.display()),
            };
            (name, (view.shape().to_vec(), values))
        });
        Self { op: case["op"].as_str().unwrap().to_owned(), attrs: case["attrs"].clone(), tensors: tensors.collect(), case }
    }

    fn get(&self, name: &str) -> &[f64] {
        &self.tensors.get(name).unwrap_or_else(|| panic!("{name} is missing")).1
    }

    fn find(&self, name: &str) -> Option<&[f64]> {
        self.tensors.get(name).map(|(_, values)| values.as_slice())
    }

    /// Values as products take them.
    fn operand(&self, name: &str) -> Vec<f64> {
        match self.attrs.get("autocast") {
            None => self.get(name).to_vec(),
            Some(_) => nearest_f16s(self.get(name)),
        }
    }

    fn shape(&self, name: &str) -> [usize; 4] {
        self.tensors[name].0.as_slice().try_into().unwrap()
    }

    fn number(&self, key: &str) -> f64 {
        self.attrs[key].as_f64().unwrap_or_else(|| panic!("attribute {key} is missing"))
    }

    fn size(&self, key: &str) -> usize {
        self.number(key) as usize
    }

    fn numbers(&self, key: &str) -> Vec<f64> {
        self.attrs[key].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
    }

    /// The step gradients of an optimizer fixture.
    fn steps(&self) -> Vec<Vec<f64>> {
        let grads = self.get("in.grads");
        grads.chunks(grads.len() / self.size("steps")).map(<[f64]>::to_vec).collect()
    }
}

/// What the references say about a fixture: tensor name and values.
type Answers = Vec<(String, Vec<f64>)>;

fn answer(name: &str, values: Vec<f64>) -> (String, Vec<f64>) {
    (name.to_owned(), values)
}

fn convolutions(f: &Fixture) -> Answers {
    let (x_shape, weight_shape, bias) = (f.shape("in.x"), f.shape("param.weight"), f.find("param.bias"));
    let (x, weight) = (&f.operand("in.x")[..], &f.operand("param.weight")[..]);
    let (stride, padding) = (f.size("stride"), f.size("padding"));
    let transposed = ConvTranspose2dAttrs { stride, padding };
    let is_transposed = f.op == "conv_transpose2d";
    let attrs = match is_transposed {
        true => Conv2dAttrs::default(),
        false => Conv2dAttrs { stride, padding, dilation: f.size("dilation"), groups: f.size("groups") },
    };
    let (y, y_shape) = match is_transposed {
        true => conv_transpose2d(x, x_shape, weight, weight_shape, bias, &transposed),
        false => conv2d(x, x_shape, weight, weight_shape, bias, &attrs),
    };
    assert_eq!(y_shape, f.shape("out.y"));
    let mut answers = vec![answer("out.y", y)];
    if let Some(grad) = f.find("grad_out.y") {
        answers.push(answer("grad.param.bias", conv2d_grad_bias(grad, y_shape)));
        let grad = &f.operand("grad_out.y")[..];
        let (grad_x, grad_weight) = match is_transposed {
            true => (
                conv_transpose2d_grad_input(grad, x_shape, weight, weight_shape, &transposed),
                conv_transpose2d_grad_weight(grad, x, x_shape, weight_shape, &transposed),
            ),
            false => {
                (conv2d_grad_input(grad, x_shape, weight, weight_shape, &attrs), conv2d_grad_weight(grad, x, x_shape, weight_shape, &attrs))
            }
        };
        answers.push(answer("grad.in.x", grad_x));
        answers.push(answer("grad.param.weight", grad_weight));
    }
    answers
}

fn normalisation(f: &Fixture) -> Answers {
    let (x, shape, weight) = (f.get("in.x"), f.shape("in.x"), f.get("param.weight"));
    let (mean, var) = (f.get("in.running_mean"), f.get("in.running_var"));
    let attrs = BatchNormAttrs { training: f.attrs["training"].as_bool().unwrap(), momentum: f.number("momentum"), eps: f.number("eps") };
    let result = batch_norm(x, shape, weight, f.get("param.bias"), mean, var, &attrs);
    let mut answers = vec![
        answer("out.y", result.output),
        answer("out.running_mean", result.running_mean),
        answer("out.running_var", result.running_var),
    ];
    if let Some(grad) = f.find("grad_out.y") {
        answers.push(answer("grad.in.x", batch_norm_grad_input(grad, x, shape, weight, mean, var, &attrs)));
        answers.push(answer("grad.param.weight", batch_norm_grad_weight(grad, x, shape, mean, var, &attrs)));
        answers.push(answer("grad.param.bias", batch_norm_grad_bias(grad, shape)));
    }
    answers
}

fn one_input(f: &Fixture) -> Answers {
    let (x, shape) = (f.get("in.x"), f.shape("in.x"));
    let pool = || MaxPool2dAttrs { kernel: f.size("kernel"), stride: f.size("stride"), padding: f.size("padding") };
    let mode = || match f.attrs["mode"].as_str().unwrap() {
        "nearest" => InterpolateMode::Nearest,
        _ => InterpolateMode::Bilinear { align_corners: f.attrs["align_corners"].as_bool().unwrap() },
    };
    let size = || match f.attrs.get("scale_factor") {
        Some(factor) => InterpolateSize::ScaleFactor(factor.as_f64().unwrap()),
        None => InterpolateSize::Size([f.numbers("size")[0] as usize, f.numbers("size")[1] as usize]),
    };
    let y = match f.op.as_str() {
        "relu" => relu(x),
        "leaky_relu" => leaky_relu(x, f.number("negative_slope")),
        "gelu" => gelu(x),
        "sigmoid" => sigmoid(x),
        "tanhshelf" => tanhshelf(x),
        "sigmoidcutoff" => sigmoidcutoff(x),
        "silu" => silu(x),
        "clamped_exp" => clamped_exp(x),
        "max_pool2d" => max_pool2d(x, shape, &pool()).0,
        "adaptive_avg_pool2d" => adaptive_avg_pool2d(x, shape).0,
        "interpolate" => interpolate(x, shape, mode(), size()).0,
        _ => gaussian_blur(x, shape, f.size("kernel_size"), f.number("sigma")),
    };
    let Some(grad) = f.find("grad_out.y") else { return vec![answer("out.y", y)] };
    let grad_x = match f.op.as_str() {
        "relu" => relu_grad_input(grad, x),
        "leaky_relu" => leaky_relu_grad_input(grad, x, f.number("negative_slope")),
        "gelu" => gelu_grad_input(grad, x),
        "sigmoid" => sigmoid_grad_input(grad, x),
        "tanhshelf" => tanhshelf_grad_input(grad, x),
        "sigmoidcutoff" => sigmoidcutoff_grad_input(grad, x),
        "silu" => silu_grad_input(grad, x),
        "clamped_exp" => clamped_exp_grad_input(grad, x),
        "max_pool2d" => max_pool2d_grad_input(grad, x, shape, &pool()),
        "adaptive_avg_pool2d" => adaptive_avg_pool2d_grad_input(grad, shape),
        _ => interpolate_grad_input(grad, shape, mode(), size()),
    };
    vec![answer("out.y", y), answer("grad.in.x", grad_x)]
}

fn two_inputs(f: &Fixture) -> Answers {
    let (a, b, a_shape, b_shape) = (f.get("in.a"), f.get("in.b"), f.shape("in.a"), f.shape("in.b"));
    let grad = f.get("grad_out.y");
    let (y, (grad_a, grad_b)) = match f.op.as_str() {
        "cat" => (cat(a, a_shape, b, b_shape).0, cat_grad_inputs(grad, a_shape, b_shape)),
        _ => (add(a, b), (grad.to_vec(), grad.to_vec())),
    };
    vec![answer("out.y", y), answer("grad.in.a", grad_a), answer("grad.in.b", grad_b)]
}

fn training(f: &Fixture) -> Answers {
    match f.op.as_str() {
        "clip_grad_norm" => {
            let names: Vec<_> = f.tensors.keys().filter_map(|name| name.strip_prefix("in.")).collect();
            let gradients: Vec<_> = names.iter().map(|name| f.get(&format!("in.{name}")).to_vec()).collect();
            let (clipped, total) = clip_grad_norm(&gradients, f.number("max_norm"));
            let mut answers = vec![answer("out.total_norm", vec![total])];
            answers.extend(names.iter().zip(clipped).map(|(name, values)| answer(&format!("out.{name}"), values)));
            answers
        }
        "optimizer" => {
            let attrs = OptimizerAttrs { lr: f.number("lr"), weight_decay: f.number("weight_decay") };
            let p = f.get("in.p");
            let updated = match f.attrs["kind"].as_str().unwrap() {
                "adam" if f.attrs["eps_mode"] == "keras" => {
                    adam_keras(p, &f.steps(), &attrs, [f.numbers("betas")[0], f.numbers("betas")[1]], f.number("eps"))
                }
                "adamw" => adamw(p, &f.steps(), &attrs, [f.numbers("betas")[0], f.numbers("betas")[1]], f.number("eps"), false),
                "adam" => adam(p, &f.steps(), &attrs, [f.numbers("betas")[0], f.numbers("betas")[1]], f.number("eps")),
                "sgd" => sgd(p, &f.steps(), &attrs, f.number("momentum")),
                _ => rmsprop(p, &f.steps(), &attrs, 0.99, f.number("eps"), f.number("momentum")),
            };
            vec![answer("out.p", updated)]
        }
        _ => {
            let lr = || f.number("lr");
            let rates = match f.attrs["kind"].as_str().unwrap() {
                "ReduceLROnPlateau" => reduce_lr_on_plateau(lr(), f.size("lr_patience"), 0.1, &f.numbers("values")),
                "CosineRestartsAt" => cosine_restarts_at(f.number("start"), &f.numbers("restarts"), &f.numbers("updates")),
                "WarmupCosine" => {
                    let of_run = ["warmup_updates", "total_updates"].map(|name| f.number(name));
                    warmup_cosine(lr(), of_run, f.number("eta_min"), &f.numbers("updates"))
                }
                _ => cosine_annealing_warm_restarts(lr(), f.size("T_0"), f.size("T_mult"), f.number("eta_min"), &f.numbers("epochs")),
            };
            vec![answer("out.lr", rates)]
        }
    }
}

fn of_rows(f: &Fixture) -> Answers {
    let (x, weight, bias) = (f.get("in.x"), f.find("param.weight"), f.find("param.bias"));
    let grad = f.find("grad_out.y");
    if f.op == "softmax" {
        let (dims, dim) = (&f.tensors["in.x"].0, f.size("dim"));
        let extents = [dims[..dim].iter().product(), dims[dim], dims[dim + 1..].iter().product()];
        let mut answers = vec![answer("out.y", softmax(x, extents))];
        answers.extend(grad.map(|grad| answer("grad.in.x", softmax_grad_input(grad, x, extents))));
        return answers;
    }
    let weight = weight.unwrap();
    let (y, gradients) = if f.op == "linear" {
        let &[c_out, c_in] = &f.tensors["param.weight"].0[..] else { panic!("the weight of a linear layer has two axes") };
        let (x, weight) = (&f.operand("in.x")[..], &f.operand("param.weight")[..]);
        let gradients = grad.map(|own| {
            let grad = &f.operand("grad_out.y")[..];
            [linear_grad_input(grad, weight, [c_in, c_out]), linear_grad_weight(grad, x, [c_in, c_out]), linear_grad_bias(own, c_out)]
        });
        (linear(x, weight, bias, [c_in, c_out]), gradients)
    } else {
        let (c, eps) = (weight.len(), f.number("eps"));
        let gradients = grad.map(|grad| {
            [layer_norm_grad_input(grad, x, weight, eps), layer_norm_grad_weight(grad, x, c, eps), layer_norm_grad_bias(grad, c)]
        });
        (layer_norm(x, weight, bias.unwrap(), eps), gradients)
    };
    let mut answers = vec![answer("out.y", y)];
    let names = ["grad.in.x", "grad.param.weight", "grad.param.bias"];
    answers.extend(gradients.into_iter().flat_map(|gradients| names.into_iter().zip(gradients)).map(|(name, values)| answer(name, values)));
    answers
}

fn of_tokens(f: &Fixture) -> Answers {
    let dims = |name: &str| f.tensors[name].0.as_slice();
    let grad = f.get("grad_out.y");
    let one = |y: Vec<f64>, grad_x: Vec<f64>| vec![answer("out.y", y), answer("grad.in.x", grad_x)];
    let two = |y: Vec<f64>, grad_a: Vec<f64>, grad_b: Vec<f64>| {
        vec![answer("out.y", y), answer("grad.in.a", grad_a), answer("grad.in.b", grad_b)]
    };
    match f.op.as_str() {
        "mul_scalar" => one(mul_scalar(f.get("in.x"), f.number("factor")), mul_scalar(grad, f.number("factor"))),
        "narrow" => {
            let (x, start) = (f.get("in.x"), f.size("start"));
            let each = dims("in.x")[1..].iter().product();
            one(narrow(x, start, f.size("length"), each), narrow_grad_input(grad, start, each, x.len()))
        }
        "transpose" => {
            let &[n, rows, cols, ref run @ ..] = dims("in.x") else { panic!("three axes are needed") };
            let run = run.iter().product();
            one(transpose(f.get("in.x"), [n, rows, cols, run]), transpose(grad, [n, cols, rows, run]))
        }
        "mul_row" => {
            let (x, row) = (f.get("in.a"), f.get("in.b"));
            two(mul_row(x, row), mul_row(grad, row), mul_row_grad_row(grad, x, row.len()))
        }
        _ => {
            let (x, row) = (f.get("in.a"), f.get("in.b"));
            // A row of fewer axes belongs to planes; else it is the same for every image.
            let plane = if dims("in.b").len() < dims("in.a").len() { x.len() / row.len() } else { 1 };
            two(add_row(x, row, plane), grad.to_vec(), add_row_grad_row(grad, row.len(), plane))
        }
    }
}

/// The worst |got − want| / (atol + rtol · max |want|) over all expected tensors.
fn worst_ratio(f: &Fixture, answers: &Answers) -> f64 {
    let mut worst = 0.0f64;
    for (name, (_, want)) in f.tensors.iter().filter(|(name, _)| name.starts_with("out.") || name.starts_with("grad.")) {
        let got = answers.iter().find(|(answered, _)| answered == name).unwrap_or_else(|| panic!("no reference answers {name}"));
        assert_eq!(got.1.len(), want.len(), "{name}");
        let rtol = f.case["rtol_for"][name].as_f64().unwrap_or_else(|| f.case["rtol"].as_f64().unwrap());
        let largest = want.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
        let allowance = f.case["atol"].as_f64().unwrap() + rtol * largest;
        for (got, want) in got.1.iter().zip(want) {
            let ratio = (got - want).abs() / allowance;
            worst = if ratio.is_nan() { f64::INFINITY } else { worst.max(ratio) };
        }
    }
    worst
}

/// The fixture files to replay, sorted.
fn files() -> Vec<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures").to_owned();
    let folders = std::env::var("MELTCORE_FIXTURES").unwrap_or(default);
    let entries = folders.split(':').flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
    files.sort();
    files
}

#[test]
fn references_agree_with_pytorch() {
    let mut failures = Vec::new();
    let mut ops = BTreeMap::<String, usize>::new();
    for path in files() {
        let f = Fixture::read(&path);
        *ops.entry(f.op.clone()).or_default() += 1;
        let answers = match f.op.as_str() {
            "conv2d" | "conv_transpose2d" => convolutions(&f),
            "batch_norm" => normalisation(&f),
            "relu" | "leaky_relu" | "gelu" | "sigmoid" | "tanhshelf" | "sigmoidcutoff" | "silu" | "clamped_exp" => one_input(&f),
            "max_pool2d" | "adaptive_avg_pool2d" | "interpolate" | "gaussian_blur" => one_input(&f),
            "cat" | "add" => two_inputs(&f),
            "group_norm" => windows::group_norms(&f),
            "gather_tokens" | "scatter_tokens" => windows::picked(&f),
            "normalize" | "relative_position_bias" | "space_to_depth" | "window_partition" | "window_reverse" => windows::windows(&f),
            "linear" | "layer_norm" | "softmax" => of_rows(&f),
            "scaled_dot_product_attention" => windows::attention(&f),
            "add_row" | "mul_row" | "mul_scalar" | "narrow" | "transpose" => of_tokens(&f),
            "masked_loss" | "masked_metrics" | "masked_ssim" | "masked_ssim_loss" => masked(&f),
            "confidence" | "cross_entropy" | "dice_loss" | "focal_loss" | "segmentation_scores" => class_maps(&f),
            "clip_grad_norm" | "optimizer" | "lr_schedule" => training(&f),
            // Whole networks are compositions of the ops above and have no reference of their own: `verify` replays them on the device.
            "model" | "train_steps" => continue,
            other => panic!("{}: no arm of tests/reference_fixtures.rs computes `{other}` by its definition", path.display()),
        };
        let ratio = worst_ratio(&f, &answers);
        if ratio > 1.0 {
            failures.push(format!("{} ({ratio:.3} of its allowance)", path.display()));
        }
    }
    assert!(failures.is_empty(), "references differ from PyTorch:\n{}", failures.join("\n"));
    let (held, replayed): (BTreeSet<&str>, BTreeSet<&str>) =
        (ops.keys().map(String::as_str).collect(), meltcore::verify::ops().into_iter().collect());
    let (unheld, unreplayed): (Vec<_>, Vec<_>) = (replayed.difference(&held).collect(), held.difference(&replayed).collect());
    assert!(unheld.is_empty(), "RUNNERS of src/verify replay {unheld:?}, of which tests/fixtures holds no case");
    assert!(unreplayed.is_empty(), "tests/fixtures holds cases of {unreplayed:?}, which no RUNNERS of src/verify replay");
}

/// `pad` and `erf` have no fixtures of their own: networks use the first, `gelu` the second.
#[test]
fn pad_surrounds_with_zeros_and_its_gradient_crops() {
    let attrs = PadAttrs { left: 1, right: 0, top: 0, bottom: 1 };
    let (output, shape) = pad(&[1.0, 2.0, 3.0, 4.0], [1, 1, 2, 2], &attrs);
    assert_eq!((output, shape), (vec![0.0, 1.0, 2.0, 0.0, 3.0, 4.0, 0.0, 0.0, 0.0], [1, 1, 3, 3]));
    let grad = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
    assert_eq!(pad_grad_input(&grad, [1, 1, 2, 2], &attrs), [2.0, 3.0, 5.0, 6.0]);
}

/// The values are those of the C library.
#[test]
fn erf_has_full_precision_on_both_sides_of_the_switch() {
    for (x, want) in [(0.5, 0.520_499_877_813_046_5), (1.0, 0.842_700_792_949_714_9), (2.0, 0.995_322_265_018_952_7)] {
        assert!((erf(x) - want).abs() < 1e-15 && (erf(-x) + want).abs() < 1e-15, "erf({x}) = {}", erf(x));
    }
    for (x, want) in [(3.0, 2.209_049_699_858_544e-5), (5.0, 1.537_459_794_428_035e-12)] {
        assert!((erfc(x) / want - 1.0).abs() < 1e-13, "erfc({x}) = {}", erfc(x));
    }
}
