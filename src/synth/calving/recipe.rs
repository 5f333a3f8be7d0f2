//! The configurations that belong to written calving scenes, and the commands that use them.

use std::path::{Path, PathBuf};

use super::super::recipe::quoted;
use super::super::steps::shell_word;
use super::place::PLACES;
use super::{CalvingOptions, Format};

/// The configuration of the small UNet.
const UNET: &str = "unet.yaml";
/// Where it leaves what it makes.
const RUN: &str = "runs/unet";
/// The configuration of its pretraining, and the folder of that.
const PRETRAIN: &str = "pretrain.yaml";
const PRETRAINING: &str = "runs/pretraining";

/// The network's own keys.
const SHAPE: &str = "# Small enough for a minute without a GPU; with one, base_channels: 64 is the published width.
base_channels: 8
activation: relu
bilinear: false
num_extra_convs: 0
";

/// All that the configurations depend on.
pub struct Recipe<'a> {
    /// Folder of the dataset, as the user gave it.
    pub out_dir: &'a Path,
    /// What it was made from.
    pub options: &'a CalvingOptions,
}

impl Recipe<'_> {
    /// The configuration that the commands name.
    pub fn config(&self) -> PathBuf {
        self.out_dir.join(UNET)
    }

    /// The commands from a fresh dataset to a page about the small UNet, in their order.
    pub fn commands(&self) -> Vec<String> {
        let at = |name: &str| shell_word(&self.out_dir.join(name).to_string_lossy());
        let (config, weights, scores) = (at(UNET), at(&format!("{RUN}/checkpoints/best.safetensors")), at(&format!("{RUN}/scores")));
        let maps = self.out_dir.join(format!("{RUN}/predictions"));
        let pred = shell_word(&format!("unet={}", maps.display()));
        vec![
            format!("meltcore train --config {config}"),
            format!("meltcore predict --config {config} --weights {weights} --split test"),
            format!("meltcore eval --config {config} --split test --pred {pred} --out {scores}"),
            self.front(&shell_word(&maps.to_string_lossy()), &at(&format!("{RUN}/fronts"))),
            format!("meltcore report --config {config} --split test --pred {pred} --scores {scores} --out {}", at("report.html")),
        ]
    }

    /// The command that draws the fronts of a folder of maps; GeoTIFFs have one centre line for all scenes of a glacier.
    fn front(&self, maps: &str, out: &str) -> String {
        let at = |name: &str| shell_word(&self.out_dir.join(name).to_string_lossy());
        let unseen = PLACES[PLACES.len() - 1].name;
        let line = match self.options.format {
            Format::Png => String::new(),
            Format::Tif => format!(" --centre-line {}", at(&format!("centre_lines/{unseen}.geojson"))),
        };
        format!("meltcore front {maps} --out {out} --bounding-boxes {} --truth {}{line}", at("bounding_boxes"), at("fronts"))
    }

    /// The configurations with the names of their files.
    pub fn configurations(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![(UNET, self.unet())];
        if self.options.unlabelled > 0 {
            all.insert(0, (PRETRAIN, self.pretrain()));
        }
        all
    }

    /// Rows and columns of crops: a multiple of the halvings.
    fn tile(&self) -> usize {
        (self.options.rows.min(self.options.cols) / 16 * 16).min(128)
    }

    /// That of a pretraining on the scenes without zones.
    fn pretrain(&self) -> String {
        let inside = |name: &str| quoted(&self.out_dir.join(name));
        let at = |name: &str| shell_word(&self.out_dir.join(name).to_string_lossy());
        let (config, unet, best) = (at(PRETRAIN), at(UNET), at(&format!("{PRETRAINING}/best.safetensors")));
        format!(
            "# A pretraining of the network of {UNET} on radar scenes beside optical ones, before it is trained on zones:
#   meltcore pretrain --config {config} --objective opttranslator
#   meltcore train --config {unet} --weights {best}
task: calving_front
model_key: unet
seed: {seed}

data_root: {root}
in_keys: [sar]
path_sar: radar
scale_sar: [80, 140]
path_twin: optical
path_train_split_csv: {train}
path_val_split_csv: {val}

{SHAPE}
img_size: [{tile}, {tile}]
batch_size: 4
epochs: 12
crops_per_epoch: 64
optimizer: adam
learning_rate: 0.002
lr_scheduler: ReduceLROnPlateau
lr_patience: 5
lr_factor: 0.5
path_pretraining: {pretraining}
",
            seed = self.options.seed,
            root = inside("pretraining"),
            train = inside("pretraining/splits/train.csv"),
            val = inside("pretraining/splits/val.csv"),
            tile = self.tile(),
            pretraining = inside(PRETRAINING),
        )
    }

    fn unet(&self) -> String {
        let CalvingOptions { scenes, seed, .. } = *self.options;
        let inside = |name: &str| quoted(&self.out_dir.join(name));
        let next: String = self.commands().iter().map(|command| format!("#   {command}\n")).collect();
        let split = |name: &str| format!("path_{name}_split_csv: {}\n", inside(&format!("splits/{name}.csv")));
        let splits: String = ["train", "val", "test", "eval", "all"].map(split).concat();
        let tile = self.tile();
        let names = PLACES.each_ref().map(|place| place.name);
        let glaciers = names.join(", ");
        let kind = match self.options.format {
            Format::Png => "grey pictures under CaFFe's names",
            Format::Tif => "GeoTIFFs",
        };
        format!(
            "# {scenes} invented radar scenes of {glaciers}, seed {seed}, as {kind}. Next, in this order:
{next}task: calving_front
model_key: unet
seed: {seed}

# Data: variables relative to data_root, everything else to the current directory.
data_root: {root}
in_keys: [sar]
path_sar: sar_images
path_classes: zones
path_fronts: fronts
path_bounding_boxes: bounding_boxes
# Greys that a network sees as 0 and 1: about the mean, and a standard deviation more.
scale_sar: [80, 140]
{splits}
{SHAPE}
img_size: [{tile}, {tile}]
batch_size: 4
epochs: 30
epochs_between_validation_maps: 10
crops_per_epoch: 128
optimizer: adam
learning_rate: 0.003
loss_function: cross_entropy+dice
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
",
            root = quoted(self.out_dir),
            stride = tile / 2,
            checkpoints = inside(&format!("{RUN}/checkpoints")),
            eval = inside(&format!("{RUN}/eval")),
            predictions = inside(&format!("{RUN}/predictions")),
        )
    }
}
