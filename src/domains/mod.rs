//! What the variables of a kind of maps mean: tables, no code. A domain says which inputs there are, in the order that networks see them,
//! and what is special about each; every other room asks the table instead of knowing a name. A configuration may declare variables of its
//! own, which come behind those of its domain.
//!
//! To add a domain: a file here with its table, one arm of [`DomainKey::domain`], and nothing else.

mod declared;
mod fill;
pub mod helheim;
mod logarithm;
mod scene_name;
pub mod scenes;
mod zones;

pub use declared::{COLORS, Declared, colormap_named, interned};
pub use fill::Fill;
pub use logarithm::Logarithm;
pub use scene_name::{SceneName, Season};
pub use zones::{ZONE_GREYS, ZONES, class_colour, class_colours, zones_from_bytes};

use serde::{Deserialize, Serialize};

use crate::image::Colormap;

/// Which domain a configuration speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DomainKey {
    /// Daily melt of Greenland's Helheim glacier, and of any ice sheet described by the same variables.
    #[default]
    Helheim,
    /// Satellite scenes, each on a grid of its own and called by name, with maps of their classes.
    Scenes,
}

impl DomainKey {
    /// Their names in configurations.
    pub const WORDS: &[&str] = &["helheim", "scenes"];

    /// Its table.
    pub fn domain(self) -> &'static Domain {
        match self {
            DomainKey::Helheim => &helheim::DOMAIN,
            DomainKey::Scenes => &scenes::DOMAIN,
        }
    }
}

/// A table of variables.
#[derive(Debug, PartialEq)]
pub struct Domain {
    /// Its name.
    pub name: &'static str,
    /// What networks may take as inputs, in the order of their channels, whatever the order of a configuration's lists.
    pub inputs: &'static [Variable],
    /// What maps are trained on and scored against, in `path_<name>`.
    pub target: Variable,
    /// The variable whose raster says which pixels count: below 0, or without a value, is ocean and does not.
    pub mask: &'static str,
    /// The raster that gives maps without a target their place.
    pub map_reference: &'static str,
    /// What its maps are of.
    pub unit: Unit,
}

/// What each map is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A day; all days lie on one grid.
    Day,
    /// A scene with a name and a grid of its own.
    Scene,
}

impl Unit {
    /// Several of them, in words.
    pub fn plural(self) -> &'static str {
        match self {
            Unit::Day => "days",
            Unit::Scene => "scenes",
        }
    }
}

impl Domain {
    /// The input of this name.
    pub fn input(&'static self, name: &str) -> Option<&'static Variable> {
        self.inputs.iter().find(|variable| variable.name == name)
    }

    /// Every variable that has a file or folder of its own, the target first.
    pub fn rasters(&'static self) -> impl Iterator<Item = &'static Variable> {
        std::iter::once(&self.target).chain(self.inputs).filter(|variable| !variable.is_scalar())
    }
}

/// Where the values of a variable come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// One raster a day, in the folder `path_<name>`; named by `in_keys`.
    Daily,
    /// One raster for all days, the file `path_<name>`; named by `in_keys_static`.
    Constant,
    /// One raster a year, `YYYY_jan_feb.tif` in the folder `path_<name>`; named by `in_keys_aux`.
    Winter,
    /// One number a day, made from its date; named by `in_keys_aux`.
    Date(Calendar),
}

/// A number made from a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calendar {
    /// Sine of 2π·d/360, d = days since 1 January.
    SeasonSine,
    /// Cosine of the same angle.
    SeasonCosine,
    /// Month, 1…12.
    Month,
}

/// What a pixel without a value means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gaps {
    /// The day cannot be used.
    Refused,
    /// A value that the configuration says.
    Filled(Fill),
    /// The value 0.
    Zero,
    /// Nothing is known there, as everywhere outside the mask.
    Masked,
}

/// A variable: an input channel, or the target.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Its name in lists of inputs and in `path_<name>`, `mean_<name>`, `std_<name>`.
    pub name: &'static str,
    /// Where its values come from.
    pub source: Source,
    /// What a pixel without a value means.
    pub gaps: Gaps,
    /// The variable whose files it is a band of, and which one, counted from 1; none where it has files of its own.
    pub band_of: Option<(&'static str, usize)>,
    /// The input of which it says where there is no value (1, else 0), whose files it is read from; none of one with values of its own.
    pub gap_of: Option<&'static str>,
    /// Whether a day or scene may lack its file: then no pixel has a value.
    pub optional: bool,
    /// What is taken of values after they were divided, before they are normalised.
    pub logarithm: Option<Logarithm>,
    /// Whether (x − mean) / std is taken where `normalize_inputs` says so.
    pub normalised: bool,
    /// The key of a number that raw values are divided by first.
    pub divisor: Option<&'static str>,
    /// Whether it may be blurred; the name is that of the variable whose window `use_batch_blur` takes for it.
    pub blur_like: Option<&'static str>,
    /// The command that makes its files, where they are made rather than observed: a day that lacks them is still a complete day.
    pub made_by: Option<&'static str>,
    /// Whether days to be mapped are left out where it has gaps, even without `check_for_invalid_entries`.
    pub must_be_whole: bool,
    /// The input that says nothing without this one, and the other way round.
    pub pair: Option<&'static str>,
    /// What stands behind a scene's name in names of its files, where these are CaFFe's; empty of what has none.
    pub suffix: &'static str,
    /// How it is shown.
    pub look: Look,
}

/// How a variable is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Title of its pictures.
    pub title: &'static str,
    /// Its unit; empty where it has none.
    pub unit: &'static str,
    /// Its colours.
    pub colormap: Colormap,
    /// The values at the ends of the colours, where they are the same for all data.
    pub range: Option<(f32, f32)>,
    /// Whether it has a meaning inside the mask only, so that it is grey elsewhere; otherwise the mask's edge is drawn.
    pub masked: bool,
}

impl Variable {
    /// A daily raster that is normalised and whole, shown in general colours: what most inputs are.
    pub const DAILY: Variable = Variable {
        name: "",
        source: Source::Daily,
        gaps: Gaps::Refused,
        band_of: None,
        gap_of: None,
        optional: false,
        logarithm: None,
        normalised: true,
        divisor: None,
        blur_like: None,
        made_by: None,
        must_be_whole: false,
        pair: None,
        suffix: "",
        look: Look { title: "", unit: "", colormap: Colormap::Viridis, range: None, masked: false },
    };

    /// The variable under whose `path_<name>` its files are: itself, but for a band or the gaps of another's.
    pub fn files_of(&self) -> &'static str {
        self.band_of.map_or(self.gap_of.unwrap_or(self.name), |(files, _)| files)
    }

    /// Which band of its files it is, counted from 0; none where they are to have one.
    pub fn band(&self) -> Option<usize> {
        self.band_of.map(|(_, band)| band.saturating_sub(1))
    }

    /// Whether it is one number a day rather than a raster.
    pub fn is_scalar(&self) -> bool {
        matches!(self.source, Source::Date(_))
    }

    /// Whether one file serves all days.
    pub fn is_constant(&self) -> bool {
        self.source == Source::Constant
    }

    /// Whether a pixel without a value makes the day unusable.
    pub fn refuses_gaps(&self) -> bool {
        !self.is_scalar() && self.gaps == Gaps::Refused
    }

    /// Whether a raster of which no pixel has a value makes the day unusable.
    pub fn refuses_empty(&self) -> bool {
        self.refuses_gaps() || matches!(self.gaps, Gaps::Filled(fill) if !fill.serves_empty())
    }

    /// The list of a configuration that names it.
    pub fn list(&self) -> &'static str {
        match self.source {
            Source::Daily => "in_keys",
            Source::Constant => "in_keys_static",
            Source::Winter | Source::Date(_) => "in_keys_aux",
        }
    }
}
