//! What maps are averages of: views of a tile, passes with dropout, tiles that overlap.

use crate::config::Config;
use crate::predict::{Blend, Options};

/// How maps are averaged; the same options wherever maps are made.
#[derive(Debug, Clone, clap::Args)]
pub struct AveragingArgs {
    /// Average every tile over its eight flips and quarter turns; takes eight times as long
    #[arg(long, value_name = "GROUP")]
    tta: Option<Tta>,
    /// Average so many maps with dropout, which needs a network that has one (deeplabv3; glavitu with `dropout`); with --tta eight times as
    /// many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    mc_dropout: Option<u32>,
    /// Weights of overlapping tiles; without it equal for days, wide for scenes, centre-gaussian for
    /// `task: calving_front`
    #[arg(long, value_name = "KIND")]
    blend: Option<BlendName>,
    /// Average the maps of the whole scene in its four quarter turns
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(4..=4))]
    turns: Option<u8>,
}

/// Test-time averaging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Tta {
    /// The symmetries of the square
    D4,
}

/// How overlapping tiles are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum BlendName {
    /// Equal weights, as in the reference
    Equal,
    /// Weights that fall off from a tile's centre, as a Gaussian of an eighth of its side
    Gaussian,
    /// The same of half its side, as GlaViTU's maps are made
    Wide,
    /// Of each tile the middle alone, with weights that fall off from there, as SSL4SAR's maps are made
    CentreGaussian,
}

impl BlendName {
    fn kind(self) -> Blend {
        match self {
            BlendName::Equal => Blend::Equal,
            BlendName::Gaussian => Blend::Gaussian,
            BlendName::Wide => Blend::Wide,
            BlendName::CentreGaussian => Blend::CentreGaussian,
        }
    }
}

impl AveragingArgs {
    /// The options that were given, the blend of the configuration's maps where none is named.
    pub fn options(&self, config: &Config) -> Options {
        let usual = Options::of(config);
        Options {
            d4: self.tta.is_some(),
            blend: self.blend.map_or(usual.blend, BlendName::kind),
            turns: self.turns.map(usize::from),
            mc_dropout: self.mc_dropout.map(|passes| passes as usize),
            ..usual
        }
    }
}
