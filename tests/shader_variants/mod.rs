//! Every text that a launcher can assemble: the constants it may rewrite with the values it gives them, and both widths of memory.
// Every test crate uses only a part of these functions.
#![allow(dead_code)]

use meltcore::gpu::shader::{CATALOGUE, Variant, assemble};
use meltcore::kernels::variants::SELECTABLE;
use naga::Module;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use std::collections::BTreeSet;

/// Codes of the activations; the last is the bits of a leaky ReLU's slope, 0.2, which stands for all.
const ACTIVATIONS: &[u32] = &[0, 1, 2, 3, 4, 5, 6, 7, 0x3e4c_cccd];
/// Operands as they are, rounded to f16, rounded by the device.
const HALF: &[u32] = &[0, 1, 2];
/// Activations as they are, as f16 read by the bits, by the device.
const PACKED: &[u32] = &[0, 1, 2];
/// What is made of numbers that are read: nothing, a norm, with a rectifier, a rectifier alone.
const SOURCES: &[u32] = &[0, 1, 2, 3];
/// Parts of the channels that are summed apart: none, the fewest, the most.
const PARTS: &[u32] = &[1, 2, 32];
/// Sides of cooperative matrices: Metal's and lavapipe's, and those of other GPUs; lanes of subgroups that hold them: lavapipe's, most
/// GPUs', and AMD's; subgroups of a tile below each other.
const SIZES: &[u32] = &[8, 16];
const LANES: &[u32] = &[8, 32, 64];
const STACKED: &[u32] = &[1, 2];
/// Quads of a row of attention: the fewest, the most, and some between.
const QUADS: &[u32] = &[1, 2, 4, 9, 16];

/// What launchers rewrite beside what can be chosen freely (`SELECTABLE`): shader, constant, its values. (A stride may be any; one past the
/// usual two stands for the others.)
#[rustfmt::skip]
pub const REWRITTEN: &[(&str, &str, &[u32])] = &[
    ("activation", "KIND", ACTIVATIONS),
    ("activation_grad", "KIND", ACTIVATIONS),
    ("adam", "DECOUPLED", &[0, 1]),
    ("batch_norm", "KIND", ACTIVATIONS),
    ("batch_norm_grad_input", "KIND", ACTIVATIONS),
    ("batch_norm_grad_input", "PACKED", PACKED),
    ("batch_norm_grad_stats", "KIND", ACTIVATIONS),
    ("batch_norm_grad_stats", "PACKED", PACKED),
    ("conv2d", "ACTIVATION", ACTIVATIONS),
    ("conv2d", "HALF", HALF),
    ("conv2d_coop", "ACTIVATION", ACTIVATIONS),
    ("conv2d_coop", "LANES", LANES),
    ("conv2d_coop", "SIZE", SIZES),
    ("conv2d_coop", "STACKED", STACKED),
    ("conv2d_grad_input", "HALF", HALF),
    ("conv2d_grad_input_coop", "LANES", LANES),
    ("conv2d_grad_input_coop", "SIZE", SIZES),
    ("conv2d_grad_input_coop", "STACKED", STACKED),
    ("conv2d_grad_input_tile", "HALF", HALF),
    ("conv2d_grad_input_tile", "PARTS", PARTS),
    ("conv2d_grad_weight", "HALF", HALF),
    ("conv2d_grad_weight_narrow", "HALF", HALF),
    ("conv2d_grad_weight_narrow", "SOURCE", SOURCES),
    ("conv2d_grad_weight_narrow", "OUT", &[4, 8]),
    ("conv2d_grad_weight_narrow", "PACKED", PACKED),
    ("conv2d_grad_weight_coop", "LANES", LANES),
    ("conv2d_grad_weight_coop", "PACKED", PACKED),
    ("conv2d_grad_weight_coop", "SIZE", SIZES),
    ("conv2d_grad_weight_coop", "STACKED", STACKED),
    ("conv2d_grad_weight_tile", "HALF", HALF),
    ("conv2d_grad_weight_tile", "IN", &[32, 64]),
    ("conv2d_grad_weight_tile", "OUT", &[32, 64]),
    ("conv2d_grad_weight_tile", "PACKED", PACKED),
    ("conv2d_narrow", "ACTIVATION", ACTIVATIONS),
    ("conv2d_narrow", "HALF", HALF),
    ("conv2d_narrow", "SOURCE", SOURCES),
    ("conv2d_narrow", "IN", &[4, 8]),
    ("conv2d_narrow", "OUT", &[4, 8]),
    ("conv2d_narrow", "TRANSPOSED", &[0, 1]),
    ("conv2d_tile", "ACTIVATION", ACTIVATIONS),
    ("conv2d_sum", "ACTIVATION", ACTIVATIONS),
    ("conv2d_tile", "HALF", HALF),
    ("conv2d_tile", "PARTS", PARTS),
    ("conv2d_winograd", "ACTIVATION", ACTIVATIONS),
    ("conv2d_winograd", "HALF", HALF),
    ("conv2d_winograd", "SOURCE", SOURCES),
    ("conv2d_winograd", "PARTS", PARTS),
    ("conv2d_winograd_grad_weight", "HALF", HALF),
    ("conv2d_winograd_grad_weight", "SOURCE", SOURCES),
    ("conv2d_winograd_grad_weight", "PACKED", PACKED),
    ("conv2d_winograd_weight", "HALF", HALF),
    ("conv2d_winograd_weight", "TRANSPOSED", &[0, 1]),
    ("cross_entropy_grad_logits", "WEIGHTED", &[0, 1]),
    ("cross_entropy_stats", "WEIGHTED", &[0, 1]),
    ("depthwise_conv2d", "ACTIVATION", ACTIVATIONS),
    ("depthwise_conv2d", "HALF", HALF),
    ("depthwise_conv2d_3x3", "ACTIVATION", ACTIVATIONS),
    ("depthwise_conv2d_3x3", "HALF", HALF),
    ("depthwise_conv2d_3x3", "MOMENTS", &[0, 1]),
    ("depthwise_conv2d_3x3", "SOURCE", SOURCES),
    ("depthwise_conv2d_3x3", "SIDES", &[0, 1, 2, 4]),
    ("depthwise_conv2d_3x3_stride2", "ACTIVATION", ACTIVATIONS),
    ("depthwise_conv2d_3x3_stride2", "HALF", HALF),
    ("depthwise_conv2d_3x3_stride2", "MOMENTS", &[0, 1]),
    ("depthwise_conv2d_3x3_stride2", "SOURCE", SOURCES),
    ("depthwise_conv2d_grad_input", "HALF", HALF),
    ("depthwise_conv2d_grad_input", "STRIDE", &[1, 2, 3]),
    ("depthwise_conv2d_grad_input_3x3_stride2", "HALF", HALF),
    ("depthwise_conv2d_grad_weight", "HALF", HALF),
    ("depthwise_conv2d_grad_weight_3x3", "HALF", HALF),
    ("depthwise_conv2d_grad_weight_3x3", "SOURCE", SOURCES),
    ("depthwise_conv2d_grad_weight_3x3", "SIDES", &[0, 1, 2, 4]),
    ("depthwise_conv2d_grad_weight_3x3_stride2", "HALF", HALF),
    ("depthwise_conv2d_grad_weight_3x3_stride2", "SOURCE", SOURCES),
    ("focal_loss_grad_probabilities", "MASKED", &[0, 1]),
    ("focal_loss_grad_probabilities", "WEIGHTED", &[0, 1]),
    ("focal_loss_stats", "MASKED", &[0, 1]),
    ("focal_loss_stats", "WEIGHTED", &[0, 1]),
    ("group_norm_grad_input", "KIND", ACTIVATIONS),
    ("interpolate", "MODE", &[0, 1, 2]),
    ("interpolate", "SLIDE", &[0, 1]),
    ("interpolate_grad_input", "MODE", &[0, 1, 2]),
    ("linear", "ACTIVATION", ACTIVATIONS),
    ("linear", "HALF", HALF),
    ("linear", "TRANSPOSED", &[0, 1]),
    ("linear_coop", "ACTIVATION", ACTIVATIONS),
    ("linear_coop", "LANES", LANES),
    ("linear_coop", "SIZE", SIZES),
    ("linear_coop", "STACKED", STACKED),
    ("linear_coop", "TRANSPOSED", &[0, 1]),
    ("linear_grad_weight", "HALF", HALF),
    ("linear_grad_weight_coop", "LANES", LANES),
    ("linear_grad_weight_coop", "SIZE", SIZES),
    ("linear_grad_weight_coop", "STACKED", STACKED),
    ("linear_grad_weight_tile", "HALF", HALF),
    ("linear_tile", "ACTIVATION", ACTIVATIONS),
    ("linear_tile", "HALF", HALF),
    ("linear_tile", "TRANSPOSED", &[0, 1]),
    ("masked_loss", "REDUCTION", &[0, 1, 2, 3]),
    ("masked_loss_grad_pred", "KIND", &[0, 1, 2, 3, 4]),
    ("masked_loss_grad_pred", "REDUCED", &[0, 1]),
    ("masked_loss_stats", "KIND", &[0, 1, 2, 3, 4]),
    ("pack_half", "HALF", &[1, 2]),
    ("rmsprop", "MOMENTUM", &[0, 1]),
    ("scaled_dot_product_attention", "HALF", HALF),
    ("scaled_dot_product_attention", "QUADS", QUADS),
    ("scaled_dot_product_attention_grad", "HALF", HALF),
    ("scaled_dot_product_attention_grad", "QUADS", QUADS),
    ("scaled_dot_product_attention_grad_bias", "HALF", HALF),
    ("sgd", "MOMENTUM", &[0, 1]),
];

/// Constants of the files that nobody rewrites, except where they are listed above or can be chosen.
pub const FIXED: &[&str] = &[
    "CHANNELS",
    "COLUMNS",
    "FILTERS",
    "DEPTH",
    "GROUP",
    "KEYS",
    "LEAST",
    "PACKED",
    "PACKS_EACH",
    "PIXELS",
    "PIXELS_EACH",
    "ROWS",
    "ROW_QUADS",
    "SOURCES",
    "STEP",
    "STEPS",
    "TILE",
    "TILES",
    "STEPS",
    "SUBGROUPS",
    "TILE",
];

/// All constants that launchers rewrite: shader and name.
pub fn rewritten() -> BTreeSet<(&'static str, &'static str)> {
    let chosen = SELECTABLE.iter().flat_map(|selectable| {
        let stems = selectable.values.iter().map(|values| selectable.stem_of(values));
        stems.flat_map(|stem| selectable.names.iter().map(move |name| (stem, *name)))
    });
    REWRITTEN.iter().map(|(stem, name, _)| (*stem, *name)).chain(chosen).collect()
}

/// Whether a launcher has such constants: no activation follows sums of parts, nor gradients; what is normalised as it is read is f32, with
/// nothing behind its sums.
fn is_launched(consts: &[(&'static str, u32)]) -> bool {
    let value = |name: &str| consts.iter().find(|(own, _)| *own == name).map_or(0, |(_, value)| *value);
    let is_followed = value("ACTIVATION") == 0 || (value("PARTS") <= 1 && value("TRANSPOSED") == 0);
    let is_plain = ["ACTIVATION", "HALF"].map(value) == [0; 2];
    is_followed
        && (value("MOMENTS") == 0 || is_plain)
        && (value("SOURCE") == 0 || is_plain && ["TRANSPOSED", "PACKED"].map(value) == [0; 2])
}

/// One assembled text.
pub struct Text {
    pub stem: &'static str,
    pub variant: Variant,
    pub wgsl: String,
}

impl Text {
    /// Its name in messages.
    pub fn name(&self) -> String {
        format!("{} {:?}{}", self.stem, self.variant.consts, if self.variant.scalar { " scalar" } else { "" })
    }

    /// The side of its cooperative matrices, if it has any.
    pub fn matrices(&self) -> Option<u32> {
        let side = self.variant.consts.iter().find(|(name, _)| *name == "SIZE").map(|(_, side)| *side);
        side.filter(|_| self.wgsl.contains("\nenable wgpu_cooperative_matrix;\n"))
    }

    /// The text parsed and validated.
    pub fn module(&self) -> (Module, ModuleInfo) {
        parsed(&self.wgsl, &self.name())
    }
}

/// A text parsed and validated with what every device offers, and f16 and cooperative matrices where it enables them.
pub fn parsed(wgsl: &str, name: &str) -> (Module, ModuleInfo) {
    let module = naga::front::wgsl::parse_str(wgsl).unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(wgsl)));
    let mut capabilities = Capabilities::IMMEDIATES | Capabilities::SHADER_FLOAT16_IN_FLOAT32 | Capabilities::SHADER_FLOAT16;
    if wgsl.contains("\nenable wgpu_cooperative_matrix;\n") {
        capabilities |= Capabilities::COOPERATIVE_MATRIX | Capabilities::SUBGROUP;
    }
    let info = Validator::new(ValidationFlags::all(), capabilities).validate(&module);
    let info = info.unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(wgsl)));
    (module, info)
}

/// All texts, each once.
pub fn texts() -> Vec<Text> {
    let mut seen = BTreeSet::new();
    let mut texts = Vec::new();
    for (stem, _) in CATALOGUE {
        let sets = SELECTABLE.iter().flat_map(|s| {
            let own = s.values.iter().filter(|values| s.stem_of(values) == *stem);
            own.map(|values| s.names.iter().copied().zip(values.iter().copied()).collect())
        });
        let mut choices: Vec<Vec<(&'static str, u32)>> = sets.collect();
        if choices.is_empty() {
            choices.push(Vec::new());
        }
        for (_, name, values) in REWRITTEN.iter().filter(|(known, ..)| known == stem) {
            choices =
                choices.iter().flat_map(|chosen| values.iter().map(|value| [chosen.clone(), vec![(*name, *value)]].concat())).collect();
        }
        for consts in choices.into_iter().filter(|consts| is_launched(consts)) {
            for scalar in [false, true] {
                let variant = Variant { consts: consts.clone(), scalar };
                let wgsl = assemble(stem, &variant).unwrap();
                if seen.insert(wgsl.clone()) {
                    texts.push(Text { stem, variant, wgsl });
                }
            }
        }
    }
    texts
}
