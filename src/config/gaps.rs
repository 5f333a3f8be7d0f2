//! `fill_<variable>`, `optional_<input>` and `gap_mask`: which inputs may have pixels without a value, or no file, and the channels that
//! say where those were.

use super::Config;
use super::declared::either;
use super::reader::{Reader, shown};
use crate::domains::{Domain, Fill, Gaps, Look, Source, Unit, Variable, colormap_named, interned};
use crate::error::Result;
use serde_json::Value;
use std::collections::BTreeMap;

impl Reader {
    /// A word or a raw value for each variable.
    pub(super) fn fills(&self, pattern: &str) -> Result<BTreeMap<String, Fill>> {
        self.each(pattern, self.variables(), |key| {
            let Some(value) = self.optional(key) else { return Ok(None) };
            let number = |text: &str| text.trim().parse().ok();
            let fill = match value {
                Value::String(text) => Fill::named(text).or_else(|| number(text).map(Fill::Value)),
                other => other.as_f64().map(Fill::Value),
            };
            match fill {
                Some(Fill::Value(value)) if !(value as f32).is_finite() => None,
                fill => fill,
            }
            .map(Some)
            .ok_or_else(|| {
                let words = Fill::WORDS.join(", ");
                self.error(key, format!("must be one of {words}, or a value in the unit of the rasters, but {} was given", shown(value)))
            })
        })
    }
}

impl Config {
    /// The raw value of which the configured mean is what networks are given: they see it as 0 where the variable is normalised.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) where the mean is missing.
    pub fn raw_mean(&self, variable: &Variable) -> Result<f64> {
        let (mean, divisor) = (self.require_mean(variable.name)?, self.divisor(variable));
        Ok(variable.logarithm.map_or(mean, |logarithm| logarithm.inverse(mean)) * divisor)
    }

    /// Inputs with what fills their gaps, each of those with the channel of its gaps behind it where `gap_mask` asks for it.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) for a fill that its variable cannot have, or a name that a channel of gaps takes.
    pub(super) fn filled(&self, inputs: Vec<Variable>, base: &Domain, r: &Reader) -> Result<Vec<Variable>> {
        self.check_fills(base, r)?;
        let names: Vec<&str> = inputs.iter().map(|input| input.name).collect();
        let mut filled = Vec::with_capacity(inputs.len());
        for input in inputs {
            let optional = either(&self.optional, input.name, Some(input.files_of())).copied().unwrap_or_default();
            let Some(fill) = either(&self.fill, input.name, Some(input.files_of())).or(optional.then_some(&Fill::Mean)) else {
                filled.push(input);
                continue;
            };
            if optional && (*fill == Fill::Nearest || input.source != Source::Daily) {
                let message = match input.source {
                    Source::Daily => "is true, and fill_<input> nearest finds no value where there is no file; fill it by mean or a value",
                    _ => "is true, but one file serves all days; remove the line",
                };
                return Err(r.error(&format!("optional_{}", input.files_of()), message));
            }
            if *fill == Fill::Time && (input.source != Source::Daily || base.unit == Unit::Scene) {
                let given = [input.name, input.files_of()].into_iter().find(|name| self.fill.contains_key(*name)).unwrap_or(input.name);
                let message =
                    "is time, but there is not one raster a day, so that no other day has another value; give mean, nearest or a value";
                return Err(r.error(&format!("fill_{given}"), message));
            }
            let input = Variable { gaps: Gaps::Filled(*fill), optional, ..input };
            let gap = self.gap_mask.then(|| gap_of(&input));
            if let Some(gap) = gap.as_ref().filter(|gap| names.contains(&gap.name) || self.declared.iter().any(|own| own == gap.name)) {
                let message = format!(
                    "makes an input `{}` of where `{}` has no value, and a variable has that name; rename it",
                    gap.name, input.name
                );
                return Err(r.error("gap_mask", message));
            }
            filled.extend([Some(input), gap].into_iter().flatten());
        }
        Ok(filled)
    }

    fn check_fills(&self, base: &Domain, r: &Reader) -> Result<()> {
        let is_target = |name: &str| name == base.target.name || self.target.as_deref() == Some(name);
        for name in self.fill.keys() {
            let key = format!("fill_{name}");
            if is_target(name) {
                return Err(r.error(&key, "is of the target, whose pixels without a value are left out of losses and scores; remove it"));
            }
            if name == base.mask {
                return Err(r.error(&key, "is of the land mask, which is ocean where it has no value; remove it"));
            }
        }
        if self.gap_mask && self.fill.is_empty() && !self.optional.values().any(|optional| *optional) {
            return Err(r.error("gap_mask", "is true, and no input is filled; give fill_<variable> of those that have gaps, or remove it"));
        }
        Ok(())
    }
}

/// The channel that is 1 where an input has no value, else 0.
fn gap_of(input: &Variable) -> Variable {
    let look = Look {
        title: interned(&format!("{}: gaps", input.look.title)),
        unit: "",
        colormap: colormap_named("grey"),
        range: Some((0.0, 1.0)),
        ..input.look
    };
    Variable {
        name: interned(&format!("{}_gap", input.name)),
        source: input.source,
        gaps: Gaps::Zero,
        gap_of: Some(input.name),
        band_of: input.band_of,
        optional: input.optional,
        normalised: false,
        made_by: input.made_by,
        look,
        ..Variable::DAILY
    }
}
