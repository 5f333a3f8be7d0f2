//! The network told by its weight files.

use serde_json::json;

use super::ROOT;
use crate::models::{Recognised, Shapes};

/// The settings that names and shapes show. The tile's side follows from buffers, which files may lack.
pub(super) fn recognise(dict: &Shapes) -> Option<Recognised> {
    let named = |rest: &str| format!("{ROOT}.{rest}");
    let first = named("patch_embed.proj.weight");
    let (embed_dim, channels, patch) = (dict.axis(&first, 0)?, dict.axis(&first, 1)?, dict.axis(&first, 2)?);
    let stages = dict.modules(&named("layers"));
    let last = stages + 2;
    let depths: Vec<usize> = (0..stages).map(|stage| dict.modules(&named(&format!("layers.{stage}.blocks")))).collect();
    let heads = (0..stages).map(|stage| dict.axis(&named(&format!("layers.{stage}.blocks.0.attn.logit_scale")), 0));
    let keys = [
        ("embed_dim", json!(embed_dim)),
        ("depths", json!(depths)),
        ("num_heads", json!(heads.collect::<Option<Vec<usize>>>()?)),
        ("patch_size", json!(patch)),
        ("out_channels", json!(dict.axis(&named(&format!("pred_target.{last}.weight")), 0)?)),
    ];
    Some(Recognised::new("tyrion", channels, keys))
}
