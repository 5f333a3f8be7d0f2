//! The network told by its weight files.

use serde_json::json;

use crate::models::{Recognised, Shapes};

/// The settings that names and shapes show; the number of heads and the sides of a tile leave no trace but the number of tokens.
pub(super) fn recognise(dict: &Shapes) -> Option<Recognised> {
    let patch = dict.axis("vit.patch_embed.weight", 2)?;
    let features = dict.0.iter().filter(|(name, _)| name.starts_with("fusion.") && name.ends_with(".conv1.weight"));
    let channels = features.filter_map(|(_, shape)| shape.get(1)).sum();
    let keys = [
        ("width", json!(dict.axis("vit.patch_embed.weight", 0)?)),
        ("hidden", json!(dict.axis("vit.blocks.0.mlp.fc1.weight", 0))),
        ("blocks", json!(dict.modules("vit.blocks"))),
        ("patch", json!(patch)),
        ("resunet_steps", json!(dict.modules("resunet.up"))),
        ("out_channels", json!(dict.axis("head.weight", 0)?)),
        ("deep_supervision", json!(dict.has("aux_head.weight"))),
    ];
    Some(Recognised::new("glavitu", channels, keys))
}
