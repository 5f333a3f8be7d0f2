//! The sizes of the network, and which tiles it takes.

use crate::config::Config;
use crate::error::Result;
use crate::ops::Activation;

/// Channels within the MLP of a block's position bias.
pub(super) const BIAS_HIDDEN: usize = 512;
/// Groups of a group norm at most.
pub(super) const GROUPS: usize = 32;
/// Values that the decoder's blocks would be told of a time step; the weights for it are in every file and never act.
pub(super) const TIME_CHANNELS: usize = 512;

/// Sizes of the network.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Rows and columns of a tile.
    pub size: usize,
    /// Pixels along a patch, which makes a token.
    pub patch: usize,
    /// Channels of the first stage's tokens.
    pub embed_dim: usize,
    /// Blocks of each stage.
    pub depths: Vec<usize>,
    /// Heads of each stage's attention.
    pub num_heads: Vec<usize>,
    /// Tokens along a window.
    pub window_size: usize,
    /// Channels of the output.
    pub classes: usize,
    /// Applied to the output.
    pub out_activation: Activation,
    /// Share of values that the decoder's blocks drop in training.
    pub dropout: f64,
    /// Share of samples for which the last block's branches are dropped in training; less in front of it.
    pub drop_path: f64,
}

impl Settings {
    /// Those that a configuration asks for.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) for widths that heads do not share, lists of different lengths, and tiles that do
    /// not fit.
    pub fn of(config: &Config) -> Result<Settings> {
        let stages = config.depths.len();
        if config.num_heads.len() != stages {
            let message = format!("has {} numbers and `depths` {stages}; each stage has one of both", config.num_heads.len());
            return Err(config.key_error("num_heads", message));
        }
        if let Some(message) = misfit(config, config.img_size) {
            return Err(config.key_error("img_size", message));
        }
        for (stage, heads) in config.num_heads.iter().enumerate() {
            let width = config.embed_dim << stage;
            if !width.is_multiple_of(*heads) {
                let message =
                    format!("is {heads} in stage {stage}, whose {width} channels (embed_dim {}) it does not divide", config.embed_dim);
                return Err(config.key_error("num_heads", message));
            }
        }
        // Channels of the decoder's maps: each stage's, their doubles beside a skip, and halves in front of the next.
        let widths = (0..=stages).map(|stage| config.embed_dim << stage);
        if let Some(width) = widths.into_iter().find(|width| !width.is_multiple_of(GROUPS.min(*width))) {
            let message = format!(
                "is {}, so that a group norm would divide {width} channels into {GROUPS} groups; give a power of two below {GROUPS}, or a multiple of it",
                config.embed_dim
            );
            return Err(config.key_error("embed_dim", message));
        }
        Ok(Settings {
            size: config.img_size[0],
            patch: config.patch_size,
            embed_dim: config.embed_dim,
            depths: config.depths.clone(),
            num_heads: config.num_heads.clone(),
            window_size: config.window_size,
            classes: config.out_channels,
            out_activation: config.out_activation,
            dropout: config.dropout.unwrap_or(0.1),
            drop_path: config.drop_path,
        })
    }

    /// Channels of a stage's tokens.
    pub(super) fn width(&self, stage: usize) -> usize {
        self.embed_dim << stage
    }

    /// Tokens along a side of a stage's map.
    pub(super) fn tokens(&self, stage: usize) -> usize {
        self.size / (self.patch << stage)
    }

    /// Tokens along a window of a block, and by how much its map is rolled: a map of one window is not.
    pub(super) fn window(&self, stage: usize, block: usize) -> (usize, usize) {
        match self.tokens(stage) {
            tokens if tokens <= self.window_size => (tokens, 0),
            _ => (self.window_size, if block % 2 == 1 { self.window_size / 2 } else { 0 }),
        }
    }

    /// The share of samples for which a block's branches are dropped, growing from 0 in the first block of all to the last one.
    pub(super) fn drop_path_of(&self, stage: usize, block: usize) -> f64 {
        let (all, before): (usize, usize) = (self.depths.iter().sum(), self.depths[..stage].iter().sum());
        self.drop_path * (before + block) as f64 / (all.max(2) - 1) as f64
    }
}

/// Whether a side fits: every stage's tokens fill its windows.
fn fits(config: &Config, side: usize) -> bool {
    let last = config.patch_size << (config.depths.len().max(1) - 1);
    let stages = 0..config.depths.len();
    side > 0
        && side.is_multiple_of(last)
        && stages.map(|stage| side / (config.patch_size << stage)).all(|tokens| tokens.is_multiple_of(config.window_size.min(tokens)))
}

/// Why tiles do not fit, with sides that do: tiles are square and of the configured size, which the windows of every stage fill.
pub(super) fn misfit(config: &Config, tile: [usize; 2]) -> Option<String> {
    let [rows, cols] = tile;
    if rows == cols && fits(config, rows) {
        return (tile != config.img_size).then(|| {
            format!(
                "is {:?}, for which the network has its windows, and tiles of {tile:?} (rows, columns) were asked for; both must be equal",
                config.img_size
            )
        });
    }
    let side = rows.max(cols);
    let whole = (config.patch_size * config.window_size) << (config.depths.len().max(1) - 1);
    let below = (1..=side).rev().find(|side| fits(config, *side));
    let above = (side..=side.saturating_add(whole)).find(|side| fits(config, *side));
    let above = above.filter(|above| Some(*above) != below);
    let near: Vec<String> = below.into_iter().chain(above).map(|side| format!("[{side}, {side}]")).collect();
    let patch = config.patch_size;
    Some(format!(
        "is {tile:?}; this network takes squares whose patches of {patch} pixels fill windows of {} in each of its {} stages, or make one smaller \
         window: {}, say",
        config.window_size,
        config.depths.len(),
        near.join(" or ")
    ))
}
