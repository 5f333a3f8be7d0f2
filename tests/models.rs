//! The networks: state dicts equal the reference's lists, first values follow the rules, and each published configuration trains a step and
//! makes a map at reduced size.

mod on_device;
mod trials;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use meltcore::autograd::Tape;
use meltcore::config::{Config, ModelKey};
use meltcore::error::Error;
use meltcore::gpu::Gpu;
use meltcore::kernels::conv2d::Conv2dAttrs;
use meltcore::models::{self, Inputs, Model, Outputs};
use meltcore::nn::state_dict::{apply, to_host};
use meltcore::nn::{Builder, Conv2d, Dropout, Init, Mode, ParameterSet, Value};
use meltcore::ops::Activation;
use meltcore::optim::Optimizer;
use meltcore::tensor::Tensor;
use meltcore::train::{masked_loss, optimizer, training_step};
use on_device::{gpu, noise, wide, within};

/// A published configuration with overrides.
fn published(name: &str, overrides: &[&str]) -> Config {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/config/{name}.yaml"));
    let overrides: Vec<_> = overrides.iter().map(|text| text.to_string()).collect();
    Config::load(&file, &overrides).unwrap()
}

fn build(gpu: &Gpu, config: &Config) -> Box<dyn Model> {
    let in_channels = config.in_keys.len() + config.in_keys_static.len() + config.in_keys_aux.len();
    models::untrained_for(gpu, config, in_channels).unwrap()
}

fn refused(gpu: &Gpu, name: &str, overrides: &[&str], in_channels: usize) -> String {
    match models::untrained_for(gpu, &published(name, overrides), in_channels) {
        Ok(_) => panic!("{name} with {overrides:?} was built"),
        Err(error) => {
            assert_eq!(error.exit_status(), 2, "{error}");
            error.to_string()
        }
    }
}

/// Names and shapes of a model's state dict.
fn shapes(model: &dyn Model) -> BTreeMap<String, Vec<usize>> {
    let shape = |value: &Value| match value {
        Value::Parameter(tensor) | Value::Buffer(tensor) => tensor.shape().dims().to_vec(),
        Value::Counter(_) | Value::Derived(_) => Vec::new(),
    };
    model.parameters().entries().iter().map(|(name, value)| (name.clone(), shape(value))).collect()
}

/// A list of keys of the reference: lines `name (extents)`, those of `section` where the list has several.
fn listed(file: &Path, section: Option<&str>) -> BTreeMap<String, Vec<usize>> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut wanted = section.is_none();
    let mut list = BTreeMap::new();
    for line in text.lines() {
        if line.starts_with('#') {
            wanted = section.is_none_or(|section| line.contains(section));
        } else if let (true, Some((name, rest))) = (wanted, line.split_once(char::is_whitespace)) {
            let inside = rest.trim_start_matches('(').split(')').next().unwrap_or_default();
            let extents = inside.split(',').filter_map(|extent| extent.trim().parse().ok());
            list.insert(name.to_owned(), extents.collect());
        }
    }
    list
}

fn assert_same_keys(what: &str, got: &BTreeMap<String, Vec<usize>>, want: &BTreeMap<String, Vec<usize>>) {
    let one_sided: Vec<_> = got
        .iter()
        .filter(|(name, shape)| want.get(*name) != Some(shape))
        .chain(want.iter().filter(|(name, shape)| got.get(*name) != Some(shape)))
        .collect();
    assert!(one_sided.is_empty(), "{what}: {:?} …", &one_sided[..one_sided.len().min(4)]);
}

/// The keys of a published network; its weights are not drawn.
fn published_keys(name: &str, overrides: &[&str]) -> BTreeMap<String, Vec<usize>> {
    shapes(build(&gpu().planner(), &published(name, overrides)).as_ref())
}

fn unet_smp_has_the_keys_of_the_reference(list: &Path) {
    assert_same_keys("unet_smp", &published_keys("unet_smp", &["encoder_weights=null"]), &listed(list, None));
}

fn deeplabv3_has_the_keys_of_the_reference(list: &Path) {
    let encoder = listed(&list.with_file_name("xception71-unet-keys.txt"), None);
    let encoder = || encoder.clone().into_iter().filter(|(name, _)| name.starts_with("encoder."));
    let mut wanted = listed(list, Some("batch_norm True"));
    wanted.extend(encoder().filter(|(name, _)| !name.contains("blocks_4.shortcut")));
    assert_same_keys("deeplabv3", &published_keys("deeplabv3", &["encoder_weights=null"]), &wanted);

    let mut wanted = listed(list, Some("batch_norm False"));
    wanted.extend(encoder());
    let overrides = ["encoder_weights=null", "encoder_output_stride=16", "batch_norm=false", "activation=gelu", "batch_size=1"];
    assert_same_keys("deeplabv3 at stride 16", &published_keys("deeplabv3", &overrides), &wanted);
}

/// Maps of convolutions in one pass with their batch norms equal those of both apart, which a tape that watches the parameters gets.
/// Leaves noise in the norms' weights and biases.
fn assert_one_pass_is_two(gpu: &Gpu, model: &dyn Model, x: &Tensor) {
    let parameters: BTreeMap<_, _> = model.parameters().trainable().into_iter().collect();
    let norms: Vec<_> = model.parameters().entries().iter().filter_map(|(name, _)| name.strip_suffix(".running_mean")).collect();
    for (name, seed) in norms.iter().zip(10..) {
        let [weight, bias] = ["weight", "bias"].map(|which| &parameters[&format!("{name}.{which}")]);
        let values = noise(seed, 2 * weight.len());
        weight.write(&values[..weight.len()].iter().map(|v| 1.0 + 0.3 * v).collect::<Vec<_>>()).unwrap();
        bias.write(&values[weight.len()..].iter().map(|v| 0.2 * v).collect::<Vec<_>>()).unwrap();
    }
    let pass = |tape: &Tape| {
        let before = gpu.work().bytes;
        let map = model.map(tape, x, Mode::Eval).unwrap();
        (map.to_vec().unwrap(), gpu.work().bytes - before)
    };
    let (one, bytes_of_one) = pass(&Tape::off());
    let watching = Tape::recording();
    model.parameters().watch(&watching);
    let (two, bytes_of_two) = pass(&watching);
    within("the map in one pass", &one, &wide(&two), 7e-7, 0.0).unwrap();
    assert_eq!(bytes_of_one < bytes_of_two, !norms.is_empty(), "{bytes_of_one} bytes in one pass, {bytes_of_two} in two");
}

/// One optimizer step on noise (a quarter of it masked) and one map; the month, where there is one, is that of `months`.
fn step_and_map(gpu: &Gpu, config: &Config, model: &dyn Model, [n, h, w]: [usize; 3], draw: u64) -> (f32, Vec<f32>) {
    let channels = config.in_keys.len() + config.in_keys_static.len() + config.in_keys_aux.len();
    let mut x = noise(3, n * channels * h * w);
    if config.model_key == ModelKey::LinearDem {
        for (plane, values) in x.chunks_exact_mut(h * w).enumerate().filter(|(plane, _)| plane % channels == config.time_channel_idx) {
            values.fill(4.0 + (plane / channels) as f32);
        }
    }
    let tensor = |shape: [usize; 4], values: Vec<f32>| Tensor::from_slice(gpu, shape, &values).unwrap();
    let x = tensor([n, channels, h, w], x);
    let target = tensor([n, 1, h, w], noise(4, n * h * w).iter().map(|v| v.abs()).collect());
    let mask = tensor([n, 1, h, w], noise(5, n * h * w).iter().map(|v| f32::from(*v > 0.5)).collect());
    let loss = training_step(model, &mut optimizer(config), draw, &(&x).into(), &masked_loss(config.loss_kind(), &target, &mask)).unwrap();
    let map = model.map(&Tape::off(), &x, Mode::Eval).unwrap();
    assert_eq!(map.shape().dims(), [n, 1, h, w]);
    let (loss, map) = (loss.to_vec().unwrap()[0], map.to_vec().unwrap());
    assert!(loss.is_finite() && loss > 0.0 && loss < 1.0, "loss {loss}");
    assert!(map.iter().all(|value| (0.0..=1.0).contains(value)), "a map outside 0…1");
    // The map is one of its input: another input gives another.
    let other = Tensor::full(gpu, [n, channels, h, w], 4.0).unwrap();
    assert_ne!(model.map(&Tape::off(), &other, Mode::Eval).unwrap().to_vec().unwrap(), map);
    assert_one_pass_is_two(gpu, model, &x);
    (loss, map)
}

/// Largest magnitude, mean and standard deviation.
fn moments(values: &[f32]) -> (f64, f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let variance = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
    (values.iter().fold(0.0, |m: f64, v| m.max(f64::from(v.abs()))), mean, variance.sqrt())
}

/// Whether values look drawn uniformly from ±bound: five standard deviations of each estimate.
fn assert_uniform(what: &str, values: &[f32], bound: f64) {
    let (largest, mean, std) = moments(values);
    let n = values.len() as f64;
    let sigma = bound / 3f64.sqrt();
    assert!(largest <= bound * (1.0 + 1e-6), "{what}: {largest} exceeds {bound}");
    // The largest of n values falls short of the bound by a share of about 1/n.
    assert!(largest >= bound * (1.0 - 20.0 / n), "{what}: {largest} is far below {bound}");
    assert!(mean.abs() <= 5.0 * sigma / n.sqrt(), "{what}: mean {mean}, bound {bound}");
    assert!((std / sigma - 1.0).abs() <= 5.0 * (0.2 / n).sqrt(), "{what}: std {std} where {sigma} is expected");
}

fn first_values_follow_their_rules() {
    let gpu = gpu();
    let depthwise = Conv2dAttrs { groups: 600, ..Default::default() };
    // fan_in and fan_out by hand: 24·9 and 64·9; 9 and 600·9.
    let cases = [
        (Init::Default, 1.0 / 216f64.sqrt(), 1.0 / 3.0),
        (Init::KaimingRelu, (6.0 / 216.0f64).sqrt(), (6.0 / 9.0f64).sqrt()),
        (Init::Xavier, (6.0 / (216.0 + 576.0f64)).sqrt(), (6.0 / (9.0 + 5400.0f64)).sqrt()),
    ];
    for (rule, dense, of_depthwise) in cases {
        let mut b = Builder::new(&gpu, 1);
        b.initialise(rule);
        b.conv2d("dense", 24, 64, 3, Default::default(), true).unwrap();
        b.conv2d("depthwise", 600, 600, 3, depthwise, true).unwrap();
        let set = b.finish();
        let values: BTreeMap<_, _> = set.trainable().into_iter().map(|(name, tensor)| (name, tensor.to_vec().unwrap())).collect();
        assert_uniform(&format!("{rule:?} dense"), &values["dense.weight"], dense);
        assert_uniform(&format!("{rule:?} depthwise"), &values["depthwise.weight"], of_depthwise);
        match rule {
            Init::Default => assert_uniform("bias", &values["depthwise.bias"], 1.0 / 3.0),
            _ => assert!(values["dense.bias"].iter().chain(&values["depthwise.bias"]).all(|bias| *bias == 0.0), "{rule:?}"),
        }
    }
}

/// Checks the convolutions of a model with an smp decoder: encoder by PyTorch's rule, decoder for ReLU, head by Xavier's; norms 1 and 0.
fn assert_initialised_as_smp(model: &dyn Model) {
    for (name, tensor) in model.parameters().trainable() {
        let values = tensor.to_vec().unwrap();
        let rule = match name.split('.').next() {
            Some("encoder") => Init::Default,
            Some("decoder") => Init::KaimingRelu,
            _ => Init::Xavier,
        };
        match *tensor.shape().dims() {
            [c_out, in_per_group, h, w] => assert_uniform(&name, &values, rule.weight_bound(in_per_group * h * w, c_out * h * w)),
            _ if name.ends_with(".weight") => assert!(values.iter().all(|v| *v == 1.0), "{name}"),
            _ => assert!(values.iter().all(|v| *v == 0.0), "{name}"),
        }
    }
}

fn unet_smp_is_the_published_network() {
    let gpu = gpu();
    let config = published("unet_smp", &["encoder_weights=null"]);
    let model = build(&gpu, &config);
    assert_eq!((model.parameters().count(), shapes(model.as_ref()).len()), (49_569_369, 898));
    assert_initialised_as_smp(model.as_ref());
    // Sides that are no multiples of 32, of 2 or of each other.
    step_and_map(&gpu, &config, model.as_ref(), [2, 37, 18], 0);
    let tiny = Tensor::full(&gpu, [1, 4, 1, 3], 0.5).unwrap();
    assert_eq!(model.map(&Tape::off(), &tiny, Mode::Eval).unwrap().shape().dims(), [1, 1, 1, 3]);
}

fn unet_smp_with_batch_norm_in_a_narrow_decoder() {
    let gpu = gpu();
    let overrides =
        ["encoder_weights=null", "decoder_use_batchnorm=true", "decoder_channels=[16, 12, 8, 8, 4]", "out_activation=tanhshelf"];
    let config = published("unet_smp", &overrides);
    let model = build(&gpu, &config);
    let keys = shapes(model.as_ref());
    // 20 convolutions fewer have a bias, and each gets a norm of five entries.
    assert_eq!(keys.len(), 898 - 10 + 50);
    assert_eq!(keys["decoder.blocks.0.conv1.0.weight"], [16, 2048 + 1024, 3, 3]);
    assert_eq!(keys["decoder.blocks.3.conv2.1.running_var"], [8]);
    assert!(!keys.contains_key("decoder.blocks.0.conv1.0.bias"));
    step_and_map(&gpu, &config, model.as_ref(), [2, 32, 32], 0);
}

fn deeplabv3_is_the_published_network_and_draws_by_pass() {
    let gpu = gpu();
    let config = published("deeplabv3", &["encoder_weights=null"]);
    let model = build(&gpu, &config);
    let keys = shapes(model.as_ref());
    assert_eq!((model.parameters().count(), keys.len()), (42_928_137, 931));
    assert_initialised_as_smp(model.as_ref());

    // The output of a training pass depends on its number, and on nothing that came before: a resumed run draws the same.
    let x = Tensor::from_slice(&gpu, [2, 4, 16, 8], &noise(1, 2 * 4 * 16 * 8)).unwrap();
    let pass = |draw| model.map(&Tape::off(), &x, Mode::Train { draw }).unwrap().to_vec().unwrap();
    let third = pass(3);
    assert_ne!(pass(4), third);
    assert_eq!(pass(3), third);
    let eval = || model.map(&Tape::off(), &x, Mode::Eval).unwrap().to_vec().unwrap();
    assert_eq!(eval(), eval());
    step_and_map(&gpu, &config, model.as_ref(), [2, 16, 8], 0);

    let refused = |shape: [usize; 4], mode| {
        let x = Tensor::full(&gpu, shape, 0.1).unwrap();
        match model.map(&Tape::off(), &x, mode) {
            Err(error @ Error::Shape { .. }) => error.to_string(),
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("{shape:?} went through"),
        }
    };
    let message = refused([2, 4, 37, 100], Mode::Eval);
    assert!(message.contains("[40, 104]"), "{message}");
    let message = refused([2, 4, 3, 16], Mode::Eval);
    assert!(message.contains("[8, 16]"), "{message}");
    let message = refused([1, 4, 16, 16], Mode::Train { draw: 0 });
    assert!(message.contains("batch_size to 2") && message.contains("batch_norm: false"), "{message}");
}

fn deeplabv3_at_stride_16_without_batch_norm() {
    let gpu = gpu();
    let overrides = ["encoder_weights=null", "encoder_output_stride=16", "batch_norm=false", "activation=gelu", "batch_size=1"];
    let config = published("deeplabv3", &overrides);
    let model = build(&gpu, &config);
    // The shortcut of block 4 is a convolution at this stride: 6 entries and 531 440 parameters more.
    assert_eq!((model.parameters().count(), shapes(model.as_ref()).len()), (42_923_945 + 728 * 730, 886 + 6));
    // One crop trains here; 32 × 32 leaves the encoder's norms 2 × 2 values a channel.
    step_and_map(&gpu, &config, model.as_ref(), [1, 32, 32], 0);
}

fn linear_dem_trains_only_the_months_of_its_batch() {
    let gpu = gpu();
    let config = published("linear_dem", &[]);
    let model = build(&gpu, &config);
    assert_eq!((model.parameters().count(), shapes(model.as_ref()).len()), (24, 24));
    assert_eq!(shapes(model.as_ref())["linear_layers.11.weight"], [1, 1, 1, 1]);
    let before = to_host(model.parameters()).unwrap();
    // Months 4, 5 and 6.
    step_and_map(&gpu, &config, model.as_ref(), [3, 9, 13], 0);
    let after = to_host(model.parameters()).unwrap();
    for (name, value) in &before {
        let trained = ["linear_layers.3.", "linear_layers.4.", "linear_layers.5."].iter().any(|layer| name.starts_with(layer));
        assert_eq!(after[name] != *value, trained, "{name}");
    }

    let with_month = |month: &[f32]| {
        let x: Vec<f32> = [&[0.5; 4][..], month].concat();
        let x = Tensor::from_slice(&gpu, [1, 2, 2, 2], &x).unwrap();
        model.map(&Tape::off(), &x, Mode::Eval).map(|y| y.to_vec().unwrap())
    };
    assert!(with_month(&[12.0; 4]).is_ok());
    for (month, words) in [([4.0, 4.0, 4.0, 5.0], "varies"), ([0.0; 4], "no month"), ([13.0; 4], "no month"), ([4.5; 4], "no month")] {
        let error = with_month(&month).unwrap_err();
        assert!(error.to_string().contains(words) && error.to_string().contains("time_channel_idx"), "{error}");
    }
    assert!(refused(&gpu, "linear_dem", &["time_channel_idx=2"], 2).contains("time_channel_idx"));
    assert!(refused(&gpu, "linear_dem", &[], 1).contains("in_keys_static"));
}

fn the_vanilla_unet_of_the_published_configuration() {
    let gpu = gpu();
    let config = published("unet", &["base_channels=2"]);
    let model = build(&gpu, &config);
    step_and_map(&gpu, &config, model.as_ref(), [2, 33, 18], 0);
}

fn what_cannot_be_built_is_refused_before_anything_is_made() {
    let gpu = gpu();
    let message = refused(&gpu, "unet_smp", &["encoder_depth=4", "decoder_channels=[64, 32, 16, 8]"], 4);
    assert!(message.contains("`encoder_depth: 5`"), "{message}");
    assert!(refused(&gpu, "deeplabv3", &["encoder_depth=3"], 4).contains("encoder_depth"));
    assert!(refused(&gpu, "interpolate_mar", &[], 4).contains("baseline"));
}

/// Two convolutions with dropout between them.
struct Dropping {
    first: Conv2d,
    dropout: Dropout,
    second: Conv2d,
    parameters: ParameterSet,
}

impl Dropping {
    fn new(gpu: &Gpu) -> Self {
        let mut b = Builder::new(gpu, 42);
        let first = b.conv2d("first", 2, 8, 3, Conv2dAttrs { padding: 1, ..Default::default() }, true).unwrap();
        let (dropout, second) = (b.dropout(0.5), b.conv2d("second", 8, 1, 1, Default::default(), true).unwrap());
        Dropping { first, dropout, second, parameters: b.finish() }
    }
}

impl Model for Dropping {
    fn forward(&self, tape: &Tape, inputs: &Inputs, mode: Mode) -> Result<Outputs, Error> {
        let x = self.first.forward(tape, inputs.only()?, Activation::Relu)?;
        Ok(self.second.forward(tape, &self.dropout.forward(tape, &x, mode)?, Activation::Sigmoid)?.into())
    }

    fn parameters(&self) -> &ParameterSet {
        &self.parameters
    }
}

fn a_resumed_run_drops_what_the_straight_one_drops() {
    let gpu = gpu();
    let config = published("unet", &["learning_rate=0.05"]);
    let tensor = |seed, channels: usize| {
        let values: Vec<f32> = noise(seed, 2 * channels * 99).iter().map(|v| v.abs()).collect();
        Tensor::from_slice(&gpu, [2, channels, 9, 11], &values).unwrap()
    };
    let (x, target, mask) = (tensor(1, 2), tensor(2, 1), Tensor::full(&gpu, [2, 1, 9, 11], 0.0).unwrap());
    let train = |model: &Dropping, optimizer: &mut Optimizer, steps: std::ops::Range<u64>| {
        let step = |draw| {
            training_step(model, optimizer, draw, &(&x).into(), &masked_loss(config.loss_kind(), &target, &mask)).unwrap().to_vec().unwrap()
                [0]
        };
        steps.map(step).collect::<Vec<_>>()
    };
    let (straight, mut of_straight) = (Dropping::new(&gpu), optimizer(&config));
    let losses = train(&straight, &mut of_straight, 0..4);

    let (stopped, mut of_stopped) = (Dropping::new(&gpu), optimizer(&config));
    assert_eq!(train(&stopped, &mut of_stopped, 0..2), losses[..2]);
    let (resumed, mut of_resumed) = (Dropping::new(&gpu), optimizer(&config));
    apply(resumed.parameters(), to_host(stopped.parameters()).unwrap(), Path::new("checkpoint")).unwrap();
    of_resumed.load_state(&resumed.parameters().trainable(), of_stopped.state_tensors().unwrap(), "stopped".as_ref()).unwrap();
    assert_eq!(train(&resumed, &mut of_resumed, 2..4), losses[2..]);
    assert!(to_host(resumed.parameters()).unwrap() == to_host(straight.parameters()).unwrap());

    // The passes' numbers matter: the same two steps under other numbers end elsewhere.
    assert_ne!(train(&stopped, &mut of_stopped, 7..9), losses[2..]);
}

fn main() -> ExitCode {
    let mut trials = trials::trials![
        first_values_follow_their_rules,
        unet_smp_is_the_published_network,
        unet_smp_with_batch_norm_in_a_narrow_decoder,
        deeplabv3_is_the_published_network_and_draws_by_pass,
        deeplabv3_at_stride_16_without_batch_norm,
        linear_dem_trains_only_the_months_of_its_batch,
        the_vanilla_unet_of_the_published_configuration,
        what_cannot_be_built_is_refused_before_anything_is_made,
        a_resumed_run_drops_what_the_straight_one_drops
    ];
    trials.extend([
        trials::needing_data("unet_smp_has_the_keys_of_the_reference", "xception71-unet-keys.txt", unet_smp_has_the_keys_of_the_reference),
        trials::needing_data("deeplabv3_has_the_keys_of_the_reference", "deeplabv3-keys.txt", deeplabv3_has_the_keys_of_the_reference),
    ]);
    trials::run(trials)
}
