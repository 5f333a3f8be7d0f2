//! The variables of MeltwaterBench (arXiv 2512.12142), there of Helheim glacier in Greenland at 100 m; their order is that of the
//! reference's channels, for which its weights are made.

use super::{Calendar, Domain, Gaps, Look, Source, Unit, Variable};
use crate::image::Colormap;

/// Passive-microwave brightness temperature.
pub const PMW: &str = "pmw";
/// The winter mean of [`PMW`].
pub const PMW_WINTER_MEAN: &str = "pmw_winter_mean";
/// Liquid water content of the regional climate model.
pub const MAR_WA1: &str = "mar_wa1";

const DAILY: Variable = Variable::DAILY;
const LOOK: Look = DAILY.look;
/// A number a day.
const DATE: Variable = Variable { source: Source::Date(Calendar::Month), gaps: Gaps::Refused, normalised: false, ..DAILY };

/// The table.
pub static DOMAIN: Domain = Domain {
    name: "helheim",
    inputs: &INPUTS,
    // Sentinel-1 melt fraction, 0…1, NaN where not observed.
    target: Variable {
        name: "melt",
        gaps: Gaps::Masked,
        look: Look { title: "Target", unit: "melt fraction", range: Some((0.0, 1.0)), masked: true, ..LOOK },
        ..DAILY
    },
    mask: "landmask",
    map_reference: "melt_reference",
    unit: Unit::Day,
};

static INPUTS: [Variable; 11] = [
    // Passive-microwave brightness temperature, K. Its swaths leave gaps, for which the daily product has no map.
    Variable {
        name: PMW,
        blur_like: Some(PMW),
        must_be_whole: true,
        look: Look { title: "Brightness temperature", unit: "K", ..LOOK },
        ..DAILY
    },
    Variable {
        name: "modis_b1",
        divisor: Some("max_modis"),
        look: Look { title: "MODIS band 1", colormap: Colormap::Grey, ..LOOK },
        ..DAILY
    },
    Variable {
        name: "modis_b2",
        divisor: Some("max_modis"),
        look: Look { title: "MODIS band 2", colormap: Colormap::Grey, ..LOOK },
        ..DAILY
    },
    // Liquid water content of the top metre in the regional climate model MAR. The reference's batched blur takes PMW's window.
    Variable {
        name: MAR_WA1,
        divisor: Some("max_mar_wa1"),
        blur_like: Some(PMW),
        look: Look { title: "MAR liquid water", ..LOOK },
        ..DAILY
    },
    // Running mean of the target's maps around the day, 0…1; 0 where none has a value.
    Variable {
        name: "time_interpolate_sar",
        gaps: Gaps::Zero,
        normalised: false,
        made_by: Some("`meltcore baseline time-interpolate-sar` writes them for each split"),
        look: Look { title: "Running mean", range: Some((0.0, 1.0)), masked: true, ..LOOK },
        ..DAILY
    },
    // Elevation, m.
    Variable {
        name: "dem",
        source: Source::Constant,
        look: Look { title: "Elevation", unit: "m", colormap: Colormap::Elevation, masked: true, ..LOOK },
        ..DAILY
    },
    // 1 on ocean, 0 on land.
    Variable { name: "landmask", source: Source::Constant, gaps: Gaps::Masked, normalised: false, ..DAILY },
    Variable { name: "time_sin", source: Source::Date(Calendar::SeasonSine), pair: Some("time_cos"), ..DATE },
    Variable { name: "time_cos", source: Source::Date(Calendar::SeasonCosine), pair: Some("time_sin"), ..DATE },
    Variable { name: "time_month_idx", ..DATE },
    // Mean brightness temperature of January and February of the day's year, K.
    Variable {
        name: PMW_WINTER_MEAN,
        source: Source::Winter,
        normalised: false,
        made_by: Some("`meltcore stats winter-mean` writes them from the January and February maps of `path_pmw`"),
        look: Look { title: "Winter mean", unit: "K", ..LOOK },
        ..DAILY
    },
];
