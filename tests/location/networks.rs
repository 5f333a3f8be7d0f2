//! Gradients by the location, what is found by them, and the published networks.

use std::path::Path;
use std::sync::Arc;

use meltcore::autograd::Tape;
use meltcore::config::Config;
use meltcore::data::dataset::Dataset;
use meltcore::data::day::Split;
use meltcore::data::geotags::GeoTags;
use meltcore::error::Result;
use meltcore::gpu::Gpu;
use meltcore::models::glavitu::{GlaViTU, LOCATION, Settings};
use meltcore::models::{self, Input, Inputs, Model, Outputs};
use meltcore::nn::{Builder, Mode, ParameterSet, Value};
use meltcore::ops;
use meltcore::predict::{LocationSearch, Options, Predictor};
use meltcore::tensor::Tensor;

use crate::on_device::{gpu, noise};
use crate::scenes::write_scenes;

/// A network whose map is `strength` of each place of the location, once up and once down: the stronger, the surer.
struct Strengths {
    strength: Tensor,
    parameters: ParameterSet,
}

impl Model for Strengths {
    fn forward(&self, tape: &Tape, inputs: &Inputs, _: Mode) -> Result<Outputs> {
        let [n, _, h, w] = inputs.get("optical")?.nchw("strengths")?;
        let row = ops::linear(tape, inputs.get(LOCATION)?, &self.strength, None, ops::Activation::None)?;
        Ok(ops::add_row(tape, &Tensor::full(row.gpu(), [n, 2, h, w], 0.0)?, &row)?.into())
    }

    fn parameters(&self) -> &ParameterSet {
        &self.parameters
    }
}

#[test]
fn the_region_is_found_of_which_the_network_is_surest() {
    let folder = tempfile::tempdir().unwrap();
    write_scenes(folder.path(), &[("X-1", [30, 40], 0.0, GeoTags::default())], &[("train", "X-1\n"), ("test", "X-1\n")]);
    let set = ["location=region".to_owned(), "regions=[A, B, C]".to_owned()];
    let config = Config::load(&folder.path().join("config.yaml"), &set).unwrap();
    let (gpu, dataset) = (gpu(), Arc::new(Dataset::open(&config, Split::Test).unwrap()));
    // z = Σ_k share_k s_k, entropy falls as |z| grows, and no mixture has a larger z than the region of the largest s alone.
    let s = [0.5, 2.0, 1.0, 0.1];
    let strength = Tensor::from_slice(&gpu, [2, 4], &[s, s.map(|s| -s)].concat()).unwrap();
    let model = Strengths { strength, parameters: Builder::new(&gpu, 1).finish() };
    let entropy = |shares: &[f32]| {
        let z: f64 = shares.iter().zip(s).map(|(share, s)| f64::from(*share) * f64::from(s)).sum();
        let p = 1.0 / (1.0 + (-2.0 * z).exp());
        -(p * (p + 1e-6).ln() + (1.0 - p) * (1.0 - p + 1e-6).ln()) / 2f64.ln()
    };
    let find = |rate: f64| {
        let mut predictor = Predictor::new(&gpu, &config, &model, dataset.clone(), Options::of(&config), &mut |_| {}).unwrap();
        predictor.find_location(&config, &LocationSearch { seed: 7, rate }, 0, &mut |_| {}).unwrap()
    };
    let found = find(0.1);
    assert!(found.shares[1] > 0.98, "{found:?}");
    assert!((found.entropy[0] - entropy(&[0.25; 4])).abs() < 1e-5, "{found:?}, {}", entropy(&[0.25; 4]));
    assert!(entropy(&found.shares) <= found.entropy[1] + 1e-6 && found.entropy[1] < 0.15, "{found:?}");
    // At the published rate an update moves a logit by 1e-4: up for the regions that are surer than the mixture, down for the others.
    let published = find(1e-4);
    let [a, b, c, unknown] = [0, 1, 2, 3].map(|index| f64::from(published.shares[index] / published.shares[3]).ln());
    assert!(b > c && c > a.max(unknown) + 0.019 && (0.0199..0.0201).contains(&b), "{a} {b} {c} {unknown}, {published:?}");
    assert_eq!((published.epochs, find(1e-4)), (100, published));
}

/// A small network that sees a location, and inputs for it.
fn small(gpu: &Gpu) -> (GlaViTU, Inputs) {
    let settings = Settings {
        features: vec![("optical".into(), 2)],
        location: 3,
        size: [16, 16],
        width: 8,
        hidden: 12,
        blocks: 1,
        heads: 2,
        patch: 8,
        resunet_steps: 1,
        classes: 2,
        dropout: 0.0,
        auxiliary: None,
    };
    let image = Tensor::from_slice(gpu, [2, 2, 16, 16], &noise(5, 1024)).unwrap();
    let location = Tensor::from_slice(gpu, [2, 3], &[0.2, 0.5, 0.3, 0.9, 0.05, 0.05]).unwrap();
    let input = |(name, tensor): (&str, Tensor)| Input { name: name.to_owned(), tensor, constants: Vec::new() };
    (GlaViTU::new(gpu, &settings, 11).unwrap(), Inputs([("optical", image), (LOCATION, location)].map(input).into()))
}

#[test]
fn the_gradient_by_the_location_is_that_of_differences() {
    let gpu = gpu();
    let (network, inputs) = small(&gpu);
    let location = inputs.get(LOCATION).unwrap();
    let upstream: Vec<f32> = noise(9, 1024);
    let gradient = |tape: Tape| {
        tape.watch(location);
        let map = network.forward(&tape, &inputs, Mode::Eval).unwrap().map;
        let seed = Tensor::from_slice(&gpu, map.shape(), &upstream).unwrap();
        tape.backward(&[(&map, seed)]).unwrap().get(location).unwrap().to_vec().unwrap()
    };
    let found = gradient(Tape::recording());
    assert_eq!(gradient(Tape::recomputing()), found);
    let at = |values: &[f32]| {
        location.write(values).unwrap();
        let map = network.forward(&Tape::off(), &inputs, Mode::Eval).unwrap().map.to_vec().unwrap();
        map.iter().zip(&upstream).map(|(value, weight)| f64::from(*value) * f64::from(*weight)).sum::<f64>()
    };
    let values = location.to_vec().unwrap();
    let largest = found.iter().fold(0f32, |most, value| most.max(value.abs()));
    for (index, found) in found.iter().enumerate() {
        let moved = |by: f32| values.iter().enumerate().map(|(i, v)| if i == index { v + by } else { *v }).collect::<Vec<f32>>();
        let step = 1.0 / 256.0;
        let wanted = (at(&moved(step)) - at(&moved(-step))) / f64::from(2.0 * step);
        // Rounding of the maps, and leaky ReLUs that bend within the step.
        assert!((f64::from(*found) - wanted).abs() < 0.02 * f64::from(largest), "{index}: {found} and {wanted}");
    }
}

#[test]
fn the_published_strategies_have_as_many_values_as_published() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/configs/glavitu");
    // Without the auxiliary head, running statistics among them.
    for (name, wanted) in
        [("global", 10_031_938), ("regional", 10_031_938), ("finetuning", 10_031_938), ("region", 10_037_442), ("coordinate", 10_036_930)]
    {
        let config = Config::load(&folder.join(format!("{name}.yaml")), &["deep_supervision=false".into()]).unwrap();
        let network = models::untrained(&gpu().planner(), &config).unwrap();
        let values: usize = network
            .parameters()
            .entries()
            .iter()
            .map(|(_, value)| match value {
                Value::Parameter(tensor) | Value::Buffer(tensor) => tensor.len(),
                Value::Counter(_) | Value::Derived(_) => 0,
            })
            .sum();
        assert_eq!(values, wanted, "{name}");
    }
}
