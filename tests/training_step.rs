//! One step of the optimizer: several micro-batches in place of one batch, and activations computed twice in place of kept.

mod on_device;
mod tree;

use meltcore::autograd::{Gradients, Tape};
use meltcore::config::Config;
use meltcore::error::Result;
use meltcore::gpu::Gpu;
use meltcore::kernels::conv2d::Conv2dAttrs;
use meltcore::models::{self, Inputs, Model, Outputs};
use meltcore::nn::state_dict::{self, HostDict, HostTensor};
use meltcore::nn::{BatchNorm2d, Builder, Conv2d, Mode, ParameterSet};
use meltcore::ops::{self, Activation, LossKind, Reduction};
use meltcore::tensor::Tensor;
use meltcore::train::{self, Step, masked_loss};
use on_device::{assert_close, noise, wide};
use tree::by_levels;

/// conv → (batch norm) → GELU → conv → sigmoid.
struct Small {
    first: Conv2d,
    norm: Option<BatchNorm2d>,
    last: Conv2d,
    parameters: ParameterSet,
}

impl Small {
    fn new(gpu: &Gpu, norm: bool) -> Small {
        let mut b = Builder::new(gpu, 3);
        let same = Conv2dAttrs { padding: 1, ..Default::default() };
        let first = b.conv2d("first", 2, 6, 3, same, true).unwrap();
        let norm = norm.then(|| b.batch_norm2d("norm", 6, 1e-5).unwrap());
        let last = b.conv2d("last", 6, 1, 3, same, true).unwrap();
        Small { first, norm, last, parameters: b.finish() }
    }
}

impl Model for Small {
    fn forward(&self, tape: &Tape, inputs: &Inputs, mode: Mode) -> Result<Outputs> {
        let z = self.first.forward(tape, inputs.only()?, Activation::None)?;
        let y = match &self.norm {
            Some(norm) => norm.forward(tape, &z, mode, Activation::Gelu)?,
            None => ops::gelu(tape, &z)?,
        };
        Ok(self.last.forward(tape, &y, Activation::Sigmoid)?.into())
    }

    fn parameters(&self) -> &ParameterSet {
        &self.parameters
    }
}

/// Input, target and mask of `n` images from number `first` on, of a series that does not depend on how it is cut.
fn batch(gpu: &Gpu, channels: usize, first: usize, n: usize, side: usize) -> [Tensor; 3] {
    let images = |seed: u64, c: usize| -> Vec<f32> {
        (first..first + n).flat_map(|image| noise(seed * 1000 + image as u64, c * side * side)).collect()
    };
    let target: Vec<f32> = images(2, 1).iter().map(|v| 0.5 * (v + 1.0)).collect();
    let mask: Vec<f32> = images(3, 1).iter().map(|v| f32::from(*v > 0.4)).collect();
    let tensor = |c: usize, values: &[f32]| Tensor::from_slice(gpu, [n, c, side, side], values).unwrap();
    [tensor(channels, &images(1, channels)), tensor(1, &target), tensor(1, &mask)]
}

/// Weights after one step over micro-batches of these sizes, with SGD at rate 1 and without clipping: the gradient itself.
fn stepped(gpu: &Gpu, model: &Small, sizes: &[usize]) -> Vec<(String, Tensor)> {
    let attrs = serde_json::json!({"model_key": "unet", "optimizer": "sgd", "learning_rate": 1.0, "gradient_clipping": 1e9});
    let mut optimizer = train::optimizer(&Config::from_json(attrs.as_object().unwrap()).unwrap());
    let mut step = Step::new(model, false);
    let (all, mut first) = (sizes.iter().sum::<usize>(), 0);
    for (draw, &n) in sizes.iter().enumerate() {
        let [input, target, mask] = batch(gpu, 2, first, n, 12);
        let loss = masked_loss(LossKind::Mse, &target, &mask);
        step.add(draw as u64, n as f32 / all as f32, &(&input).into(), &loss).unwrap();
        first += n;
    }
    assert!(step.finish(&mut optimizer).unwrap().is_some());
    model.parameters.trainable()
}

#[test]
fn micro_batches_without_batch_norm_equal_one_batch() {
    let gpu = Gpu::open(None).unwrap();
    let one = stepped(&gpu, &Small::new(&gpu, false), &[6]);
    // The last cut has shares that differ.
    for sizes in [&[2, 2, 2][..], &[1; 6], &[4, 2]] {
        for ((name, got), (_, want)) in stepped(&gpu, &Small::new(&gpu, false), sizes).iter().zip(&one) {
            assert_close(&format!("{name} by {sizes:?}"), got, &wide(&want.to_vec().unwrap()), 2e-7);
        }
    }
}

#[test]
fn micro_batches_with_batch_norm_equal_the_sum_by_hand() {
    let gpu = Gpu::open(None).unwrap();
    let model = Small::new(&gpu, true);
    let mut sums: Vec<Vec<f64>> = model.parameters.trainable().iter().map(|(_, w)| wide(&w.to_vec().unwrap())).collect();
    for first in [0, 3] {
        let [input, target, mask] = batch(&gpu, 2, first, 3, 12);
        let tape = Tape::recording();
        model.parameters.watch(&tape);
        let output = model.map(&tape, &input, Mode::Train { draw: 0 }).unwrap();
        let loss = ops::masked_loss(&tape, &output, &target, &mask, LossKind::Mse, Reduction::Mean).unwrap();
        let gradients = tape.backward(&[(&loss, Tensor::full(&gpu, [], 1.0).unwrap())]).unwrap();
        for ((_, w), sum) in model.parameters.trainable().iter().zip(&mut sums) {
            let gradient = gradients.get(w).unwrap().to_vec().unwrap();
            sum.iter_mut().zip(gradient).for_each(|(sum, g)| *sum -= 0.5 * f64::from(g));
        }
    }
    let by_hand = state_dict::to_host(&model.parameters).unwrap();
    let fresh = Small::new(&gpu, true);
    for ((name, got), want) in stepped(&gpu, &fresh, &[3, 3]).iter().zip(&sums) {
        assert_close(name, got, want, 1.2e-7);
    }
    // The statistics of each micro-batch went into the running ones, in order.
    let accumulated = state_dict::to_host(&fresh.parameters).unwrap();
    for name in ["norm.running_mean", "norm.running_var", "norm.num_batches_tracked"] {
        assert!(accumulated[name] == by_hand[name], "{name}");
    }
    assert!(accumulated["norm.num_batches_tracked"] == HostTensor::I64(2));
}

#[test]
fn gradients_of_micro_batches_are_summed_in_one_tree() {
    let gpu = Gpu::open(None).unwrap();
    for m in 1..=9 {
        let model = Small::new(&gpu, true);
        let before: Vec<Vec<f32>> = model.parameters.trainable().iter().map(|(_, w)| w.to_vec().unwrap()).collect();
        let mut gradients = vec![Vec::new(); before.len()];
        for draw in 0..m {
            let [input, target, mask] = batch(&gpu, 2, draw, 1, 12);
            let tape = Tape::recording();
            model.parameters.watch(&tape);
            let output = model.map(&tape, &input, Mode::Train { draw: draw as u64 }).unwrap();
            let loss = ops::masked_loss(&tape, &output, &target, &mask, LossKind::Mse, Reduction::Mean).unwrap();
            let found = tape.backward(&[(&loss, Tensor::full(&gpu, [], 1.0 / m as f32).unwrap())]).unwrap();
            for ((_, w), rows) in model.parameters.trainable().iter().zip(&mut gradients) {
                rows.push(found.get(w).unwrap().to_vec().unwrap());
            }
        }
        for (((name, got), before), rows) in stepped(&gpu, &Small::new(&gpu, true), &vec![1; m]).iter().zip(before).zip(gradients) {
            let want: Vec<f32> = before.iter().zip(by_levels(rows)).map(|(w, g)| w - g).collect();
            assert!(got.to_vec().unwrap() == want, "{name} of {m} micro-batches");
        }
    }
}

/// Passes of one layer over the batch of a PyTorch fixture, which says where the running statistics are after the first: from there on they
/// approach the batch's by the same share each time. Twice within one pass, and once more in another, computed once or twice.
#[test]
fn running_statistics_follow_pytorch_pass_by_pass() {
    let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/batch_norm__train_b2.safetensors")).unwrap();
    let fixture = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let case: serde_json::Value = serde_json::from_str(&header.metadata().clone().unwrap()["case"]).unwrap();
    let [momentum, eps] = ["momentum", "eps"].map(|key| case["attrs"][key].as_f64().unwrap());
    let values = |name: &str| -> Vec<f32> {
        fixture.tensor(name).unwrap().data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    };
    let gpu = Gpu::open(None).unwrap();
    let tensor = |name: &str| Tensor::from_slice(&gpu, fixture.tensor(name).unwrap().shape(), &values(name)).unwrap();
    for recompute in [false, true] {
        let [x, weight, bias, mean, var] = ["in.x", "param.weight", "param.bias", "in.running_mean", "in.running_var"].map(tensor);
        let attrs = ops::BatchNormAttrs {
            training: true,
            momentum: momentum as f32,
            eps: eps as f32,
            variance: Default::default(),
            activation: Activation::None,
        };
        for uses in [2, 1] {
            let tape = if recompute { Tape::recomputing() } else { Tape::recording() };
            [&weight, &bias].into_iter().for_each(|leaf| tape.watch(leaf));
            let mut sum = x.clone();
            for _ in 0..uses {
                let (x, weight, bias, mean, var) = (x.clone(), weight.clone(), bias.clone(), mean.clone(), var.clone());
                let segment = move |tape: &Tape| ops::batch_norm(tape, &x, &weight, &bias, &mean, &var, &attrs);
                sum = ops::add(&tape, &sum, &tape.segment(segment).unwrap()).unwrap();
            }
            tape.backward(&[(&sum, x.clone())]).unwrap();
        }
        for (name, got) in [("running_mean", &mean), ("running_var", &var)] {
            let want: Vec<f64> = wide(&values(&format!("in.{name}")))
                .iter()
                .zip(wide(&values(&format!("out.{name}"))))
                .map(|(before, after)| {
                    let batch = before + (after - before) / momentum;
                    batch + (before - batch) * (1.0 - momentum).powi(3)
                })
                .collect();
            assert_close(&format!("{name}, recomputing: {recompute}"), got, &want, 6e-7);
        }
    }
}

fn unet(gpu: &Gpu, keys: &str) -> Box<dyn Model> {
    let mut attrs: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(r#"{"model_key": "unet", "base_channels": 4, "optimizer": "adam", "learning_rate": 0.001}"#).unwrap();
    attrs.extend(serde_json::from_str::<serde_json::Map<_, _>>(keys).unwrap());
    models::untrained_for(gpu, &Config::from_json(&attrs).unwrap(), 3).unwrap()
}

/// Everything that a pass with two images of `side`² pixels gives, and the bytes that it takes beyond the model and the batch.
fn pass(model: &dyn Model, gpu: &Gpu, tape: Tape, side: usize) -> (Vec<f32>, Gradients, HostDict, u64) {
    let [input, target, mask] = batch(gpu, 3, 0, 2, side);
    model.parameters().watch(&tape);
    gpu.reset_peak();
    let before = gpu.memory().live;
    let output = model.map(&tape, &input, Mode::Train { draw: 7 }).unwrap();
    let loss = ops::masked_loss(&tape, &output, &target, &mask, LossKind::L1, Reduction::Mean).unwrap();
    let gradients = tape.backward(&[(&loss, Tensor::full(gpu, [], 1.0).unwrap())]).unwrap();
    let peak = gpu.memory().peak - before;
    (loss.to_vec().unwrap(), gradients, state_dict::to_host(model.parameters()).unwrap(), peak)
}

#[test]
fn recomputing_gives_the_same_bits_in_less_memory() {
    let gpu = Gpu::open(None).unwrap();
    for keys in [r#"{"activation": "gelu", "num_extra_convs": 2}"#, r#"{"bilinear": true}"#] {
        let (kept, again) = (unet(&gpu, keys), unet(&gpu, keys));
        let (loss, gradients, state, peak) = pass(kept.as_ref(), &gpu, Tape::recording(), 48);
        let (other_loss, other_gradients, other_state, other_peak) = pass(again.as_ref(), &gpu, Tape::recomputing(), 48);
        assert_eq!(loss, other_loss);
        assert!(state == other_state, "running statistics and counters");
        for ((name, w), (_, other)) in kept.parameters().trainable().iter().zip(again.parameters().trainable()) {
            let [got, want] = [other_gradients.get(&other), gradients.get(w)].map(|g| g.unwrap().to_vec().unwrap());
            assert!(got == want, "{name}");
        }
        println!("{keys}: {peak} bytes kept, {other_peak} recomputed");
        assert!(other_peak * 10 < peak * 7, "{keys}: {other_peak} of {peak}");
    }
}

#[test]
fn recomputing_the_xception_models_gives_the_same_bits_in_less_memory() {
    let gpu = Gpu::open(None).unwrap();
    for keys in [r#"{"model_key": "unet_smp"}"#, r#"{"model_key": "deeplabv3", "encoder_output_stride": 16}"#] {
        let model = unet(&gpu, keys);
        let state = state_dict::to_host(model.parameters()).unwrap();
        let (loss, gradients, after, peak) = pass(model.as_ref(), &gpu, Tape::recording(), 32);
        state_dict::apply(model.parameters(), state, std::path::Path::new("the initial state")).unwrap();
        let (other_loss, other_gradients, other_after, other_peak) = pass(model.as_ref(), &gpu, Tape::recomputing(), 32);
        assert_eq!(loss, other_loss);
        assert!(after == other_after, "running statistics and counters");
        for (name, w) in model.parameters().trainable() {
            let [got, want] = [&other_gradients, &gradients].map(|g| g.get(&w).unwrap().to_vec().unwrap());
            assert!(got == want, "{name}");
        }
        println!("{keys}: {peak} bytes kept, {other_peak} recomputed");
        assert!(other_peak < peak, "{keys}: {other_peak} of {peak}");
    }
}

#[test]
fn segments_may_be_nested_idle_or_untracked() {
    let gpu = Gpu::open(None).unwrap();
    let a = Tensor::from_slice(&gpu, [2], &[1.0, 2.0]).unwrap();
    for (tape, runs) in [(Tape::recording(), 1), (Tape::recomputing(), 3)] {
        let count = std::rc::Rc::new(std::cell::Cell::new(0));
        let (counted, leaf) = (count.clone(), a.clone());
        tape.watch(&a);
        let same = tape
            .segment({
                let a = a.clone();
                move |_| Ok(a.clone())
            })
            .unwrap();
        assert_eq!(same.id(), a.id());
        let sum = tape
            .segment(move |tape| {
                let (counted, leaf) = (counted.clone(), leaf.clone());
                let doubled = tape.segment(move |tape| {
                    counted.set(counted.get() + 1);
                    ops::add(tape, &leaf, &leaf)
                })?;
                ops::add(tape, &doubled, &same)
            })
            .unwrap();
        let constant = Tensor::full(&gpu, [2], 5.0).unwrap();
        let free = tape
            .segment({
                let constant = constant.clone();
                move |tape| ops::add(tape, &constant, &constant)
            })
            .unwrap();
        assert!(!tape.tracks(&free) && tape.tracks(&sum));
        let gradients = tape.backward(&[(&sum, Tensor::full(&gpu, [2], 0.5).unwrap())]).unwrap();
        assert_eq!(gradients.get(&a).unwrap().to_vec().unwrap(), [1.5; 2]);
        assert_eq!(count.get(), runs, "passes through the inner segment");
    }
}

/// Two steps of a UNet on a device whose kernels see at most so many bytes at once: losses, the whole state, and a map.
fn trained(limit: u64, keys: &str) -> (Vec<f32>, HostDict, Vec<f32>) {
    let gpu = Gpu::open_as(None, |capabilities| capabilities.max_binding_bytes = limit.min(capabilities.max_binding_bytes)).unwrap();
    let mut attrs: serde_json::Map<String, serde_json::Value> = serde_json::from_str(keys).unwrap();
    attrs.extend([("model_key".to_owned(), "unet".into()), ("base_channels".to_owned(), 2.into()), ("optimizer".to_owned(), "sgd".into())]);
    attrs.insert("learning_rate".to_owned(), 0.1.into());
    let config = Config::from_json(&attrs).unwrap();
    let model = models::untrained_for(&gpu, &config, 3).unwrap();
    let mut optimizer = train::optimizer(&config);
    let mut losses = Vec::new();
    let [input, target, mask] = batch(&gpu, 3, 0, 8, 48);
    for draw in 0..2 {
        let mut step = Step::new(model.as_ref(), draw == 1);
        losses.extend(step.add(draw, 1.0, &(&input).into(), &masked_loss(LossKind::Mse, &target, &mask)).unwrap().to_vec().unwrap());
        step.finish(&mut optimizer).unwrap();
    }
    let map = model.map(&Tape::off(), &input, Mode::Eval).unwrap().to_vec().unwrap();
    (losses, state_dict::to_host(model.parameters()).unwrap(), map)
}

#[test]
fn arrays_beyond_the_binding_limit_are_split_over_the_batch() {
    let close = |what: &str, got: &[f32], want: &[f32], rtol: f32| {
        let largest = want.iter().fold(1e-3, |most: f32, value| most.max(value.abs()));
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() <= rtol * largest, "{what}: {got}, expected {want} of {largest}");
        }
    };
    // 18 KiB an image at full resolution, twice that where maps are joined: runs of two or five images of eight. GELU, since rounding that
    // moves one value over ReLU's kink already shows in the third digit of a gradient.
    for keys in [r#"{"num_extra_convs": 1, "activation": "gelu"}"#, r#"{"bilinear": true, "activation": "gelu"}"#] {
        let (losses, state, map) = trained(u64::MAX, keys);
        let (split_losses, split_state, split_map) = trained(96 << 10, keys);
        close("losses", &split_losses, &losses, 3e-7);
        close("map", &split_map, &map, 6e-7);
        for (name, value) in &state {
            match (value, &split_state[name]) {
                (HostTensor::F32(_, want), HostTensor::F32(_, got)) => close(name, got, want, 1.6e-5),
                (want, got) => assert!(want == got, "{name}"),
            }
        }
    }
}

/// Gradients of a chain of the ops that the vanilla UNet lacks, over seven images.
fn chain(limit: u64) -> Vec<Vec<f32>> {
    let gpu = Gpu::open_as(None, |capabilities| capabilities.max_binding_bytes = limit.min(capabilities.max_binding_bytes)).unwrap();
    let tensor = |seed: u64, shape: [usize; 4]| Tensor::from_slice(&gpu, shape, &noise(seed, shape.iter().product())).unwrap();
    let (x, w, dw) = (tensor(1, [7, 4, 48, 48]), tensor(2, [8, 4, 3, 3]), tensor(3, [8, 1, 3, 3]));
    let tape = Tape::recording();
    [&x, &w, &dw].iter().for_each(|leaf| tape.watch(leaf));
    let halved = Conv2dAttrs { stride: 2, padding: 1, ..Default::default() };
    let y = ops::conv2d(&tape, &x, &w, None, &halved, Activation::Gelu).unwrap();
    let spread = Conv2dAttrs { padding: 2, dilation: 2, groups: 8, ..Default::default() };
    let y = ops::depthwise_conv2d(&tape, &y, &dw, None, &spread, Activation::None).unwrap();
    let y = ops::interpolate(&tape, &y, ops::Target::Size([48, 48]), ops::Interpolation::BilinearAligned).unwrap();
    let y = ops::max_pool2d(&tape, &y, ops::Window { kernel: 3, stride: 2, padding: 1 }).unwrap();
    let gradients = tape.backward(&[(&y, tensor(4, [7, 8, 24, 24]))]).unwrap();
    let mut found: Vec<_> = [&x, &w, &dw].iter().map(|leaf| gradients.get(leaf).unwrap().to_vec().unwrap()).collect();
    found.push(y.to_vec().unwrap());
    found
}

#[test]
fn strided_depthwise_and_resampling_ops_are_split_over_the_batch() {
    // Whole, and in runs of one to five images: 96 KiB hold neither all outputs nor two images' windows of the strided convolution.
    for (i, (got, want)) in chain(96 << 10).iter().zip(chain(u64::MAX)).enumerate() {
        let largest = want.iter().fold(0.0, |most: f32, value| most.max(value.abs()));
        let worst = got.iter().zip(&want).fold(0.0, |most: f32, (got, want)| most.max((got - want).abs()));
        assert!(worst <= 1e-6 * largest, "result {i}: {worst} of {largest}");
    }
}

#[test]
fn an_image_beyond_the_binding_limit_is_refused() {
    let gpu = Gpu::open_as(None, |capabilities| capabilities.max_binding_bytes = 1 << 12).unwrap();
    let large = Tensor::empty(&gpu, [3, 2, 32, 32]).unwrap();
    let error = ops::add(&Tape::off(), &large, &large).err().unwrap();
    assert!(error.exit_status() == 3 && error.to_string().contains("one image in an array of"), "{error}");
}

/// Two steps of `linear_dem` on seven scenes of odd sides, at which no run of images begins where a binding may: losses, weights and a map.
fn trained_on_scenes(limit: u64, loss: LossKind) -> Vec<Vec<f32>> {
    let gpu = Gpu::open_as(None, |capabilities| capabilities.max_binding_bytes = limit.min(capabilities.max_binding_bytes)).unwrap();
    let attrs = serde_json::json!({"model_key": "linear_dem", "time_channel_idx": 1, "optimizer": "sgd", "learning_rate": 0.5});
    let config = Config::from_json(attrs.as_object().unwrap()).unwrap();
    let model = models::untrained_for(&gpu, &config, 2).unwrap();
    let mut optimizer = train::optimizer(&config);
    let plane = 13 * 9;
    let tensor = |values: &[f32]| Tensor::from_slice(&gpu, [7, values.len() / plane / 7, 13, 9], values).unwrap();
    let heights = noise(1, 7 * plane);
    let input: Vec<f32> =
        heights.chunks(plane).enumerate().flat_map(|(i, dem)| [dem.to_vec(), vec![4.0 + (i / 2) as f32; plane]].concat()).collect();
    let input = tensor(&input);
    let mask: Vec<f32> = noise(3, 7 * plane).iter().map(|value| f32::from(*value > 0.5)).collect();
    let (target, mask) = (tensor(&noise(2, 7 * plane)), tensor(&mask));
    let mut found = Vec::new();
    for draw in 0..2 {
        let mut step = Step::new(model.as_ref(), false);
        found.push(step.add(draw, 1.0, &(&input).into(), &masked_loss(loss, &target, &mask)).unwrap().to_vec().unwrap());
        step.finish(&mut optimizer).unwrap();
    }
    found.push(model.map(&Tape::off(), &input, Mode::Eval).unwrap().to_vec().unwrap());
    found.extend(model.parameters().trainable().iter().map(|(_, parameter)| parameter.to_vec().unwrap()));
    found
}

#[test]
fn scenes_of_odd_sides_are_split_over_the_batch() {
    // 468 bytes a channel of a scene, 936 an input, 3744 a batch of one channel.
    for (limit, loss) in [(2048, LossKind::L1), (1536, LossKind::Mse)] {
        for (i, (got, want)) in trained_on_scenes(limit, loss).iter().zip(&trained_on_scenes(u64::MAX, loss)).enumerate() {
            let worst = got.iter().zip(want).fold(0.0, |worst: f32, (got, want)| worst.max((got - want).abs()));
            assert!(got.len() == want.len() && worst <= 5e-7, "result {i}: {worst}");
        }
    }
}

#[test]
fn images_that_begin_where_no_binding_may_are_copied() {
    let gpu = Gpu::open_as(None, |capabilities| capabilities.max_binding_bytes = 1 << 12).unwrap();
    // 81 words an image: only the 65th image begins again where a binding may.
    let values = noise(1, 40 * 81);
    let odd = Tensor::from_slice(&gpu, [40, 1, 9, 9], &values).unwrap();
    let rectified: Vec<f32> = values.iter().map(|value| value.max(0.0)).collect();
    assert_eq!(ops::relu(&Tape::off(), &odd).unwrap().to_vec().unwrap(), rectified);
    let doubled: Vec<f32> = values.iter().map(|value| 2.0 * value).collect();
    assert_eq!(ops::add(&Tape::off(), &odd, &odd).unwrap().to_vec().unwrap(), doubled);
}
