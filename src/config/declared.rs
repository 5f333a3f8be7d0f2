//! Variables of a configuration's own: which names it declares, and the table of variables that they make with those of its domain.
//!
//! A name is declared where `in_keys`, `in_keys_static` or `target` has it and the domain does not, or where its `path_<name>` comes with
//! another key of its own: a variable that a list leaves out for once may keep its lines, while a misspelt path alone is an unknown key.

use serde_json::{Map, Value};

use super::Config;
use super::keys::{self, Key};
use super::reader::Reader;
use super::table::KEYS;
use crate::domains::{Declared, Domain, Logarithm, Look, Source, Variable, colormap_named, interned};
use crate::error::Result;

/// Letters of a name: it becomes part of keys, column names and names of files.
const LONGEST_NAME: usize = 64;

/// The names that a file's keys declare, bands as `<name>_b<number>` behind the name that they are of.
pub(super) fn declared(keys: &Map<String, Value>, domain: &'static Domain) -> Vec<String> {
    let known: Vec<&str> = keys::variables(domain).chain([domain.map_reference]).collect();
    let listed = ["in_keys", "in_keys_static", "target"].into_iter().filter_map(|key| keys.get(key)).flat_map(|value| match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::String(name) => vec![name.as_str()],
        _ => Vec::new(),
    });
    let with_path = keys.keys().filter_map(|key| key.strip_prefix("path_")).filter(|name| {
        Key::find_in(domain, &format!("path_{name}")).is_none()
            && !keys::is_ignored(&format!("path_{name}"))
            && Key::own_names(name).any(|key| !key.starts_with("path_") && keys.contains_key(&key))
    });
    let mut names: Vec<String> = Vec::new();
    for name in listed.chain(with_path) {
        let is_taken = known.contains(&name) || keys::inputs(domain, |_| true).contains(&name) || names.iter().any(|other| other == name);
        if !is_taken && is_name(name, domain) {
            names.push(name.to_owned());
            let bands = keys.get(&format!("bands_{name}")).and_then(Value::as_array).into_iter().flatten();
            names.extend(bands.filter_map(Value::as_u64).map(|band| of_band(name, band as usize)));
        }
    }
    names.sort();
    names.dedup();
    names
}

/// The name of a band of a variable's files.
fn of_band(name: &str, band: usize) -> String {
    format!("{name}_b{band}")
}

/// Whether a variable may have this name: letters, digits and `_`, and none whose path is another key.
fn is_name(name: &str, domain: &'static Domain) -> bool {
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let path = format!("path_{name}");
    let has_own_path = !keys::is_ignored(&path) && Key::find_in(domain, &path).is_none();
    letters && name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.len() <= LONGEST_NAME && has_own_path
}

impl Reader {
    /// The declared names that a list may hold: none of a band, which comes with the variable that it is of.
    pub(super) fn listable(&self) -> impl Iterator<Item = &str> {
        self.declared.iter().map(String::as_str).filter(|name| self.keys.contains_key(&format!("path_{name}")))
    }

    /// What to add where a list names what is unknown.
    pub(super) fn how_to_declare(&self, name: &str) -> String {
        let path = format!("path_{name}");
        let is_taken = keys::is_ignored(&path) || Key::find_in(self.domain.domain(), &path).is_some();
        match name.starts_with(|first: char| first.is_ascii_alphabetic()) && is_taken {
            true => format!("`{path}` means something else, so that a variable of your own needs another name"),
            false => format!("A variable of your own needs `{path}`, and mean_{name} and std_{name} (`meltcore stats` prints them)"),
        }
    }
}

impl Config {
    /// The domain's table with what the configuration says of variables, its own behind the others in the order of their names.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) for a band with a path of its own, or of the target.
    pub(super) fn table_of(&self, reader: &Reader) -> Result<&'static Domain> {
        let base = self.domain.domain();
        let shown = |variable: &Variable| Variable { look: self.look(variable), ..variable.clone() };
        let mut inputs: Vec<Variable> = base.inputs.iter().map(shown).collect();
        let lists = [(&self.in_keys, Source::Daily), (&self.in_keys_static, Source::Constant)];
        let listed = lists.into_iter().flat_map(|(names, source)| names.iter().map(move |name| (name, source)));
        let mut own: Vec<_> = listed.filter(|(name, _)| base.input(name).is_none()).collect();
        own.sort_by_key(|(name, _)| *name);
        for (name, source) in own {
            match self.bands.get(name) {
                None => inputs.push(self.own(name, source, None).variable(false)),
                Some(bands) => {
                    for band in bands {
                        let key = format!("path_{}", of_band(name, *band));
                        if reader.keys.contains_key(&key) {
                            return Err(
                                reader.error(&key, format!("names band {band} of `{name}`, whose files are in `path_{name}`; remove it"))
                            );
                        }
                        inputs.push(self.own(&of_band(name, *band), source, Some((name, *band))).variable(false));
                    }
                }
            }
        }
        let target = match &self.target {
            Some(name) if name != base.target.name => {
                if self.bands.contains_key(name) {
                    return Err(reader.error(&format!("bands_{name}"), "is of the target, which is one band; remove it"));
                }
                let logarithm = [("log_", self.logarithm.contains_key(name)), ("log10_", self.decimal_logarithm.contains_key(name))];
                if let Some((key, _)) = logarithm.into_iter().find(|(_, is_given)| *is_given) {
                    return Err(reader.error(&format!("{key}{name}"), "is of the target, whose values are learnt as they are; remove it"));
                }
                self.own(name, Source::Daily, None).variable(true)
            }
            _ => shown(&base.target),
        };
        Ok(base.with(self.filled(inputs, base, reader)?, target))
    }

    /// What is said of a variable of its own; a band has what its variable has, where nothing is said of itself.
    fn own(&self, name: &str, source: Source, band_of: Option<(&str, usize)>) -> Declared {
        let files = band_of.map(|(files, _)| files);
        let title = self.label.get(name).cloned().unwrap_or_else(|| match band_of {
            Some((files, band)) => format!("{} band {band}", self.label.get(files).map_or(files, String::as_str)),
            None => name.to_owned(),
        });
        Declared {
            name: name.to_owned(),
            source,
            band_of: band_of.map(|(files, band)| (files.to_owned(), band)),
            logarithm: self.logarithm_of(name, files),
            title,
            unit: either(&self.unit, name, files).cloned().unwrap_or_default(),
            range: either(&self.range, name, files).map(|range| (range[0] as f32, range[1] as f32)),
            colormap: colormap_named(either(&self.colors, name, files).map_or("", String::as_str)),
        }
    }

    /// The logarithm that is taken of a variable of its own.
    fn logarithm_of(&self, name: &str, files: Option<&str>) -> Option<Logarithm> {
        let natural = either(&self.logarithm, name, files).copied().unwrap_or_default();
        either(&self.decimal_logarithm, name, files).map(|added| Logarithm::Decimal(*added)).or(natural.then_some(Logarithm::OfOnePlus))
    }

    /// How a variable of the domain is shown.
    fn look(&self, variable: &Variable) -> Look {
        let (name, look) = (variable.name, variable.look);
        Look {
            title: self.label.get(name).map_or(look.title, |title| interned(title)),
            unit: self.unit.get(name).map_or(look.unit, |unit| interned(unit)),
            range: self.range.get(name).map(|range| (range[0] as f32, range[1] as f32)).or(look.range),
            colormap: self.colors.get(name).map_or(look.colormap, |word| colormap_named(word)),
            masked: look.masked,
        }
    }

    /// What the raw values of a variable are divided by.
    pub fn divisor(&self, variable: &Variable) -> f64 {
        if variable.gap_of.is_some() {
            return 1.0;
        }
        let own = either(&self.divided_by, variable.name, Some(variable.files_of()));
        match (own, variable.divisor) {
            (Some(own), _) => *own,
            (None, Some("max_mar_wa1")) => self.max_mar_wa1,
            (None, Some("max_modis")) => self.max_modis,
            (None, _) => 1.0,
        }
    }

    /// A raw value of a variable as far as mean and standard deviation are of it: divided, and its logarithm where that is asked for.
    pub fn unnormalised(&self, variable: &Variable, raw: f64) -> f64 {
        let divided = raw / self.divisor(variable);
        variable.logarithm.map_or(divided, |logarithm| logarithm.of(divided))
    }

    /// The line of a key of this name in this configuration.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        let own = || KEYS.iter().find(|key| self.declared.iter().any(|variable| key.names_for(variable).is_some_and(|own| own == name)));
        Key::find_in(self.domain.domain(), name).or_else(own)
    }

    /// The names that a key stands for in this configuration.
    pub(super) fn names_of(&self, key: &Key) -> Vec<String> {
        let own = |name: &String| key.names_for(name);
        key.names_in(self.domain.domain()).into_iter().chain(self.declared.iter().flat_map(own)).collect()
    }
}

/// What a map says of a variable, or else of the one whose files it is a band of.
pub(super) fn either<'a, T>(map: &'a std::collections::BTreeMap<String, T>, name: &str, files: Option<&str>) -> Option<&'a T> {
    map.get(name).or_else(|| map.get(files?))
}

/// Whether a key is one of those that variables of their own have.
pub(super) fn is_own(key: &str, declared: &[String]) -> bool {
    declared.iter().any(|name| Key::own_names(name).any(|own| own == key))
}
