//! Where a crop lies, as far as a network sees it: nothing, the region of its scene, or coordinates; and which region a scene is of.
//!
//! A scene's region is what `path_regions` says of it. Else its name begins with it, up to the first `-`: as it stands where `regions` has
//! it so, otherwise without the digits at its end, so that `SC1-2-3` and `SC2-59-84` are both of `SC`. A beginning that is no letter says
//! nothing. A region that is not among `regions` is unknown, which has the last place.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::reader::Reader;
use super::{Config, LocationKey, ModelKey};
use crate::domains::Unit;
use crate::error::{Error, Result};

/// The region of scenes of which nobody knows it.
pub const UNKNOWN: &str = "unknown";
/// Sine and cosine of latitude and longitude.
const COORDINATES: usize = 4;
/// Endings of names in lists of scenes.
const ENDINGS: [&str; 3] = [".tif", ".tiff", ".png"];

impl Reader {
    /// Codes of regions, each once; absence and null are none.
    pub(super) fn regions(&self, key: &str) -> Result<Vec<String>> {
        let Some(value) = self.optional(key) else { return Ok(Vec::new()) };
        let code = |item: &serde_json::Value| item.as_str().map(|code| code.trim().to_owned()).filter(|code| !code.is_empty());
        let codes: Option<Vec<String>> = value.as_array().and_then(|items| items.iter().map(code).collect());
        let codes = codes.ok_or_else(|| self.wrong(key, value, "a list of codes of regions, for example [ALP, HMA]"))?;
        if codes.iter().any(|code| code == UNKNOWN) {
            return Err(self.error(key, format!("names {UNKNOWN}, which has a place of its own behind them; take it out")));
        }
        match codes.iter().enumerate().find(|(index, code)| codes[..*index].contains(code)) {
            Some((_, code)) => Err(self.error(key, format!("names {code} twice; keep one of the two"))),
            None => Ok(codes),
        }
    }
}

impl Config {
    /// Refuses a location that nothing looks at, and what only a location of another kind has.
    pub(super) fn check_location(&self, r: &Reader) -> Result<()> {
        if self.location != LocationKey::None && self.model_key != ModelKey::Glavitu {
            let message = format!(
                "is {}, and `model_key: {}` sees no location, only glavitu does; remove the line",
                self.location.name(),
                self.model_key.name()
            );
            return Err(r.error("location", message));
        }
        if self.location == LocationKey::Region {
            return match self.domain().unit {
                Unit::Scene => Ok(()),
                Unit::Day => Err(r.error("location", "is region, and days of one place have none; write coordinates, or remove the line")),
            };
        }
        let of_regions = [
            ("regions", !self.regions.is_empty()),
            ("path_regions", self.path_regions.is_some()),
            ("augment_unknown_region", self.augment_unknown_region > 0.0),
        ];
        match of_regions.into_iter().find(|(_, is_given)| *is_given) {
            None => Ok(()),
            Some((key, _)) => {
                let message = format!("is for `location: region`, and `location` is {}; change one of the two", self.location.name());
                Err(r.error(key, message))
            }
        }
    }

    /// Reads what `path_regions` says, and takes the regions of the train list where none are given.
    ///
    /// # Errors
    /// [`Error::Input`] for lines of `path_regions` that say nothing. A train list that is not there, or no list, is none here.
    pub(super) fn find_regions(&mut self) -> Result<()> {
        if let Some(path) = &self.path_regions {
            self.scene_regions = read_regions(path)?;
        }
        if self.location != LocationKey::Region || !self.regions.is_empty() {
            return Ok(());
        }
        let list = self.split_csv.get("train").and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let names = list.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|name| !name.is_empty());
        let codes: BTreeSet<&str> = names.filter_map(|name| self.told_region(name).map(|[_, code]| code)).collect();
        self.regions = codes.into_iter().filter(|code| *code != UNKNOWN).map(str::to_owned).collect();
        Ok(())
    }

    /// What is said of a scene's region:
    /// as it stands, and without the digits at its end, nor what joins them (`COL` of `COL_2011-11-13_…`).
    fn told_region<'a>(&'a self, scene: &'a str) -> Option<[&'a str; 2]> {
        let name = stem(scene);
        if let Some(code) = self.scene_regions.get(name) {
            return Some([code, code]);
        }
        let beginning = name.split('-').next().filter(|beginning| beginning.starts_with(char::is_alphabetic))?;
        Some([beginning, beginning.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '_')])
    }

    /// The code of a scene's region, whether a network knows it or not; none of a name without one.
    pub fn region_name<'a>(&'a self, scene: &'a str) -> Option<&'a str> {
        let is_told = self.scene_regions.contains_key(stem(scene)) || scene.contains('-');
        let [whole, bare] = self.told_region(scene).filter(|_| is_told)?;
        Some(if self.region_place(whole).is_some() { whole } else { bare })
    }

    /// The place of a scene's region among [`Config::regions`]; none of a scene of an unknown region.
    pub fn region_of(&self, scene: &str) -> Option<usize> {
        self.told_region(scene)?.into_iter().find_map(|code| self.region_place(code))
    }

    /// The place of a code among [`Config::regions`].
    pub fn region_place(&self, code: &str) -> Option<usize> {
        self.regions.iter().position(|known| known == code)
    }

    /// How many numbers tell a network where a crop lies; 0 where it sees nothing of that.
    ///
    /// # Errors
    /// [`Error::Config`] where there are to be regions and it is not known which.
    pub fn location_numbers(&self) -> Result<usize> {
        match self.location {
            LocationKey::None => Ok(0),
            LocationKey::Coordinates => Ok(COORDINATES),
            LocationKey::Region if self.regions.is_empty() => {
                let message = "is missing, and there is no train list whose scenes' names begin with their regions, as ALP-1 does; list their \
                               codes, for example [ALP, HMA], or say in a file which scene is of which (`path_regions`)";
                Err(self.key_error("regions", message))
            }
            LocationKey::Region => Ok(self.regions.len() + 1),
        }
    }
}

/// The name of a scene, of a line in a list of scenes.
fn stem(name: &str) -> &str {
    ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

/// Regions by scenes: lines `NAME,REGION`, further columns aside, and perhaps a header of these words.
fn read_regions(path: &Path) -> Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::input(path, format!("the list of regions cannot be read ({e}); check `path_regions`")).because(e))?;
    let mut regions = BTreeMap::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let is_header = index == 0 && cells.len() > 1 && cells[0].eq_ignore_ascii_case("name") && cells[1].eq_ignore_ascii_case("region");
        if line.trim().is_empty() || is_header {
            continue;
        }
        let told = cells.first().zip(cells.get(1)).filter(|(name, region)| !name.is_empty() && !region.is_empty());
        let wrong = |what: &str| Error::input(path, format!("line {}: `{}` {what}", index + 1, line.trim()));
        let (name, region) = told.ok_or_else(|| wrong("says no region; each line holds the name of a scene and its region, ALP-1,ALP"))?;
        if regions.insert(stem(name).to_owned(), (*region).to_owned()).is_some_and(|before| before != *region) {
            return Err(wrong("says another region than a line before; remove one of the two"));
        }
    }
    Ok(regions)
}
