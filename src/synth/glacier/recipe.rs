//! The configurations that belong to written glacier scenes, and the commands that use them.
//!
//! Inputs are scaled as GlaViTU's program scales its own (Maslov et al. 2025, doi 10.1038/s41467-024-54956-x): from 0 to 1 between the
//! least and the largest value of its training data, so that its weights fit; a mean is that least value, a standard deviation the range.

use std::path::Path;

use super::super::recipe::quoted;
use super::super::steps::shell_word;
use super::GlacierOptions;

/// Least and largest value of each optical band.
const OPTICAL: [[f64; 2]; 6] = [
    [-0.003735552541911602, 2.0468],
    [-0.01996774598956108, 2.1253],
    [-0.018574437126517296, 2.2303],
    [-0.02698885276913643, 2.6781],
    [-0.025462698191404343, 2.1246],
    [-0.02451178804039955, 2.1602],
];
/// Least and largest elevation, m, and slope, degrees.
const DEM: [[f64; 2]; 2] = [[-103.29675627387357, 8349.427068840781], [0.0, 88.97835244066131]];

/// The networks that a dataset comes with configurations for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// A small GlaViTU.
    Glavitu,
    /// A small UNet.
    Unet,
}

impl Network {
    /// All of them.
    pub const ALL: [Network; 2] = [Network::Glavitu, Network::Unet];

    /// Its `model_key`.
    pub fn key(self) -> &'static str {
        match self {
            Network::Glavitu => "glavitu",
            Network::Unet => "unet",
        }
    }

    /// The name of its configuration.
    pub fn file(self) -> String {
        format!("{}.yaml", self.key())
    }

    /// Its shape, small enough to be trained without a GPU.
    fn shape(self) -> &'static str {
        match self {
            Network::Glavitu => {
                "# Small enough for some minutes without a GPU; as published: width 64, blocks 12, heads 4, img_size [384, 384].
width: 16
blocks: 4
heads: 2
patch: 16
resunet_steps: 3
"
            }
            Network::Unet => {
                "# Small enough for some minutes without a GPU; with one, base_channels: 64 is the published width.
base_channels: 8
activation: relu
bilinear: false
num_extra_convs: 0
"
            }
        }
    }
}

/// All that the configurations depend on.
pub struct Recipe<'a> {
    /// Folder of the dataset, as the user gave it.
    pub out_dir: &'a Path,
    /// What it was made from.
    pub options: &'a GlacierOptions,
}

impl Recipe<'_> {
    /// The commands from a fresh dataset to a page about a network, in their order.
    pub fn commands(&self, network: Network) -> Vec<String> {
        let at = |name: &str| shell_word(&self.out_dir.join(name).to_string_lossy());
        let run = format!("runs/{}", network.key());
        let (config, weights, scores) =
            (at(&network.file()), at(&format!("{run}/checkpoints/best.safetensors")), at(&format!("{run}/scores")));
        let maps = self.out_dir.join(format!("{run}/predictions"));
        let maps = shell_word(&format!("{}={}", network.key(), maps.display()));
        vec![
            format!("meltcore train --config {config}"),
            format!("meltcore calibrate --config {config} --weights {weights}"),
            format!("meltcore predict --config {config} --weights {weights} --split test"),
            format!("meltcore eval --config {config} --split test --pred {maps} --out {scores}"),
            format!("meltcore report --config {config} --split test --pred {maps} --scores {scores} --out {}", at("report.html")),
        ]
    }

    /// The text of a network's configuration, with the commands that use it on top.
    pub fn yaml(&self, network: Network) -> String {
        let GlacierOptions { rows, cols, scenes, seed, .. } = *self.options;
        let inside = |name: &str| quoted(&self.out_dir.join(name));
        let next: String = self.commands(network).iter().map(|command| format!("#   {command}\n")).collect();
        let split = |name: &str| format!("path_{name}_split_csv: {}\n", inside(&format!("splits/{name}.csv")));
        let splits: String = ["train", "val", "test", "eval", "all", "deploy"].map(split).concat();
        let scales: String = [("optical", &OPTICAL[..]), ("dem", &DEM)].map(|(name, bands)| scales(name, bands)).concat();
        // A multiple of the patches and of the halvings.
        let tile = (rows.min(cols) / 16 * 16).min(96);
        let run = format!("runs/{}", network.key());
        format!(
            "# {scenes} invented scenes of {rows} x {cols} pixels, seed {seed}. Next, in this order:
{next}task: segmentation
classes: [background, glacier]
model_key: {key}
seed: {seed}

# Data: variables relative to data_root, everything else to the current directory.
data_root: {root}
in_keys: [optical, dem]
bands_optical: [1, 2, 3, 4, 5, 6]
bands_dem: [1, 2]
path_optical: optical
path_dem: dem
path_classes: classes
{splits}
# Least values and ranges of GlaViTU's training data: inputs are 0 to 1 between them.
normalize_inputs: true
{scales}
{shape}
img_size: [{tile}, {tile}]
batch_size: 4
epochs: 30
optimizer: adam
learning_rate: 0.001
loss_function: focal
lr_scheduler: CosineAnnealingWarmRestarts
T_0: 30
T_mult: 1
augment_flip: true
augment_turn: true
path_checkpoints: {checkpoints}
path_eval: {eval}

# Maps.
prediction_batch_size: 4
prediction_stride: {stride}
path_predictions: {predictions}
path_deploy: {deploy}
",
            key = network.key(),
            root = quoted(self.out_dir),
            shape = network.shape(),
            stride = tile / 2,
            checkpoints = inside(&format!("{run}/checkpoints")),
            eval = inside(&format!("{run}/eval")),
            predictions = inside(&format!("{run}/predictions")),
            deploy = inside(&format!("{run}/deploy")),
        )
    }
}

/// Mean and standard deviation keys of bands that shall be 0 to 1 between two values.
fn scales(name: &str, bands: &[[f64; 2]]) -> String {
    let keys = |(band, [least, largest]): (usize, &[f64; 2])| {
        format!("mean_{name}_b{number}: {least}\nstd_{name}_b{number}: {}\n", largest - least, number = band + 1)
    };
    bands.iter().enumerate().map(keys).collect()
}
