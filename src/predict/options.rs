//! Departures from the reference's way of making maps; none by default.

use serde::Serialize;

use super::location_search::LocationSearch;
use crate::config::{Config, LocationKey, UNKNOWN};
use crate::domains::{Unit, interned};
use crate::error::{Error, Result};
use crate::tasks::Task;

/// How overlapping tiles are averaged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Blend {
    /// With equal weights, as the reference does.
    #[default]
    Equal,
    /// With weights that fall off from a tile's centre as a Gaussian of an eighth of its side (Isensee et al. 2021,
    /// doi 10.1038/s41592-020-01008-z), so that no tile's edge shows.
    Gaussian,
    /// As [`Blend::Gaussian`], of half the side, which leaves a corner e⁻¹ of the centre's weight (Maslov et al. 2025,
    /// doi 10.1038/s41467-024-54956-x).
    Wide,
    /// Of each tile its middle alone (`centre`), with weights that fall off as a Gaussian of an eighth of the middle's side (Gourmelon et
    /// al. 2025, arXiv 2507.01747); its peak is the pixel behind the middle of an even side.
    CentreGaussian,
}

impl Blend {
    /// Weights along one side of a tile of `len` pixels, in (0, 1].
    pub fn factors(self, len: usize) -> Vec<f32> {
        let centre = (len as f64 - 1.0) / 2.0;
        let of = |i: usize| match self {
            Blend::Equal => 1.0,
            Blend::Wide => (-0.5 * ((i as f64 - centre) / centre.max(0.5)).powi(2)).exp() as f32,
            // Of the pixels that are kept.
            Blend::CentreGaussian => (-0.5 * ((i as f64 - (len / 2) as f64) / (len as f64 / 8.0)).powi(2)).exp() as f32,
            Blend::Gaussian => (-0.5 * ((i as f64 - centre) / (len as f64 / 8.0)).powi(2)).exp() as f32,
        };
        (0..len).map(of).collect()
    }
}

/// What a prediction does beyond the configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Options {
    /// Average each tile over its eight flips and quarter turns (the dihedral group D4).
    pub d4: bool,
    /// How overlapping tiles are averaged.
    pub blend: Blend,
    /// Rows and columns of the window of a median filter over maps of classes; none leaves them as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median: Option<usize>,
    /// The region that every scene is taken to be of, whatever its name says; of a network that sees regions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<&'static str>,
    /// Look for the location of every scene first, whatever its name says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationSearch>,
    /// So many predictions of each tile with dropout, averaged (Gal and Ghahramani 2016, arXiv 1506.02142); none: one without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mc_dropout: Option<usize>,
    /// Whether maps say beside how sure they are where their task does not always do so, and how far views of a tile are apart.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub uncertainty: bool,
    /// Over how many quarter turns of the whole scene a map is averaged; none: the scene as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turns: Option<usize>,
}

impl Options {
    /// What a configuration's maps are made with where nobody asks for something else: of scenes a wide blend, of zones of radar scenes
    /// that of tiles' middles.
    pub fn of(config: &Config) -> Options {
        let blend = match config.domain().unit {
            Unit::Scene if config.has_zones() => Blend::CentreGaussian,
            Unit::Scene => Blend::Wide,
            Unit::Day => Blend::Equal,
        };
        Options { blend, ..Options::default() }
    }

    /// Has a task say what these ask for of maps that are means over so many networks.
    pub(super) fn prepare(&self, task: &mut dyn Task, networks: usize) {
        if self.uncertainty {
            task.say_certainty();
            task.give_members(networks);
        }
        if networks > 1 || self.turns.is_some() || self.compares_views() {
            task.spread();
        }
    }

    /// Whether what is averaged over views of a tile comes with how far they are apart.
    pub(super) fn compares_views(&self) -> bool {
        self.uncertainty && (self.d4 || self.mc_dropout.is_some())
    }

    /// As these, with all scenes of one region, or of none that the network knows (`unknown`).
    ///
    /// # Errors
    /// [`Error::Usage`] for a code that the network does not know, naming those that it does, and for one that sees no regions.
    pub fn of_region(self, config: &Config, code: &str) -> Result<Options> {
        let known = || config.regions.iter().map(String::as_str).chain([UNKNOWN]).collect::<Vec<_>>().join(", ");
        match config.location {
            LocationKey::Region if code == UNKNOWN || config.region_place(code).is_some() => {
                Ok(Options { region: Some(interned(code)), ..self })
            }
            LocationKey::Region => Err(Error::Usage(format!("--region {code} is none that these weights know; they know {}", known()))),
            other => {
                let message = format!("--region {code}: this network sees no region (`location: {}`); leave it out", other.name());
                Err(Error::Usage(message))
            }
        }
    }
}
