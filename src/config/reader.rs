//! Typed reading of one flat map of keys, with errors that name the key, the value given and what is allowed.

use super::{TaskKey, keys, synonyms};
use crate::domains::DomainKey;
use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Which real numbers a key takes.
#[derive(Clone, Copy)]
pub(super) enum Numbers {
    /// Any finite number.
    Finite,
    /// Finite and not below 0.
    NotNegative,
    /// Finite and above 0.
    Positive,
    /// From 0 to 1.
    Share,
}

impl Numbers {
    fn contain(self, x: f64) -> bool {
        x.is_finite()
            && match self {
                Numbers::Finite => true,
                Numbers::NotNegative => x >= 0.0,
                Numbers::Positive => x > 0.0,
                Numbers::Share => (0.0..=1.0).contains(&x),
            }
    }

    fn words(self) -> &'static str {
        match self {
            Numbers::Finite => "a finite number",
            Numbers::NotNegative => "a finite number, 0 or above",
            Numbers::Positive => "a finite number above 0",
            Numbers::Share => "a number from 0 to 1",
        }
    }
}

/// Bound of every count, so that products of sizes stay far from overflow.
pub(super) const COUNT: RangeInclusive<u64> = 1..=1_000_000;
/// As `COUNT`, with 0.
pub(super) const COUNT_OR_0: RangeInclusive<u64> = 0..=1_000_000;
/// Bound of a crop's sides, pixels.
pub(super) const SIDE: RangeInclusive<u64> = 1..=100_000;
/// Bound of batches and channels.
pub(super) const WIDTH: RangeInclusive<u64> = 1..=65_536;

/// The keys of one configuration after overrides, under their canonical names.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) file: String,
    pub(super) keys: Map<String, Value>,
    /// Keys whose value came from `--set`; errors name that instead of the file.
    pub(super) overridden: BTreeSet<String>,
    /// The task, on which defaults depend.
    pub(super) task: TaskKey,
    /// Whose variables the keys may speak of without declaring them.
    pub(super) domain: DomainKey,
    /// Names of variables that the keys declare.
    pub(super) declared: Vec<String>,
}

impl Reader {
    /// An error about `key`.
    pub(super) fn error(&self, key: &str, message: impl Into<String>) -> Error {
        let file = if self.overridden.contains(key) { "--set".to_owned() } else { self.file.clone() };
        Error::Config { file, key: key.to_owned(), message: message.into() }
    }

    pub(super) fn wrong(&self, key: &str, value: &Value, allowed: &str) -> Error {
        self.error(key, format!("must be {allowed}, but {} was given", shown(value)))
    }

    /// The value of a key for which null means the same as its absence.
    pub(super) fn optional(&self, key: &str) -> Option<&Value> {
        self.keys.get(key).filter(|value| !value.is_null())
    }

    /// The value of a key that takes no null.
    fn value(&self, key: &str, allowed: &str) -> Result<Option<&Value>> {
        match self.keys.get(key) {
            Some(Value::Null) => {
                let message = format!("must be {allowed}, but null was given; remove the line to take the default");
                Err(self.error(key, message))
            }
            other => Ok(other),
        }
    }

    pub(super) fn boolean(&self, key: &str, default: bool) -> Result<bool> {
        match self.value(key, "true or false")? {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(self.wrong(key, other, "true or false (without quotes)")),
        }
    }

    /// A whole number within `range`; 45.0 and "45" are read as 45.
    pub(super) fn integer(&self, key: &str, default: u64, range: RangeInclusive<u64>) -> Result<usize> {
        match self.value(key, &whole(&range))? {
            None => Ok(default as usize),
            Some(value) => self.integer_of(key, value, &range).map(|n| n as usize),
        }
    }

    /// As `integer`, where absence and null have a meaning of their own.
    pub(super) fn optional_integer(&self, key: &str, range: RangeInclusive<u64>) -> Result<Option<usize>> {
        self.optional(key).map(|value| self.integer_of(key, value, &range).map(|n| n as usize)).transpose()
    }

    /// A full 64-bit whole number.
    pub(super) fn seed(&self, key: &str, default: u64) -> Result<u64> {
        let range = 0..=u64::MAX;
        self.value(key, &whole(&range))?.map_or(Ok(default), |value| self.integer_of(key, value, &range))
    }

    /// A list of whole numbers; a single number is a list of one.
    pub(super) fn integers(&self, key: &str, range: RangeInclusive<u64>) -> Result<Option<Vec<usize>>> {
        let Some(value) = self.value(key, "a list of whole numbers")? else { return Ok(None) };
        let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        items.iter().map(|item| self.integer_of(key, item, &range).map(|n| n as usize)).collect::<Result<Vec<_>>>().map(Some)
    }

    fn integer_of(&self, key: &str, value: &Value, range: &RangeInclusive<u64>) -> Result<u64> {
        // Above 2^53 a float no longer says which whole number was meant, so only true integers pass there.
        let exact = |x: f64| (x.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&x)).then_some(x as u64);
        let parsed = match value {
            Value::Number(n) => n.as_u64().or_else(|| n.as_f64().and_then(exact)),
            Value::String(s) => s.trim().parse().ok().or_else(|| s.trim().parse().ok().and_then(exact)),
            _ => None,
        };
        parsed.filter(|n| range.contains(n)).ok_or_else(|| self.wrong(key, value, &whole(range)))
    }

    pub(super) fn number(&self, key: &str, default: f64, allowed: Numbers) -> Result<f64> {
        Ok(self.optional_number(key, allowed)?.unwrap_or(default))
    }

    /// A number that has no default.
    pub(super) fn optional_number(&self, key: &str, allowed: Numbers) -> Result<Option<f64>> {
        let Some(value) = self.value(key, allowed.words())? else { return Ok(None) };
        let parsed = match value {
            Value::Number(n) => n.as_f64(),
            Value::String(s) => s.trim().parse().ok(),
            _ => None,
        };
        parsed.filter(|x| allowed.contain(*x)).map(Some).ok_or_else(|| self.wrong(key, value, allowed.words()))
    }

    /// One of a fixed set of words.
    pub(super) fn choice<T: DeserializeOwned>(&self, key: &str, default: T, words: &[&str]) -> Result<T> {
        let allowed = format!("one of {}", words.join(", "));
        let Some(value) = self.value(key, &allowed)? else { return Ok(default) };
        let known = value.as_str().is_some_and(|s| words.contains(&s));
        match serde_json::from_value(value.clone()) {
            Ok(choice) if known => Ok(choice),
            _ => {
                let hint = synonyms::hint(key, &plain(value), words);
                Err(self.error(key, format!("must be {allowed}, but {} was given{hint}", shown(value))))
            }
        }
    }

    /// Text; a plain number is taken as its digits. Null and absence are `None`.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>> {
        match self.optional(key) {
            None => Ok(None),
            Some(Value::String(s)) if !s.trim().is_empty() => Ok(Some(s.clone())),
            Some(Value::Number(n)) => Ok(Some(n.to_string())),
            Some(other) => Err(self.wrong(key, other, "text that is not empty")),
        }
    }

    pub(super) fn path(&self, key: &str) -> Result<Option<PathBuf>> {
        Ok(self.text(key)?.map(PathBuf::from))
    }

    /// As `path`, with a default.
    pub(super) fn folder(&self, key: &str, default: &str) -> Result<PathBuf> {
        Ok(self.path(key)?.unwrap_or_else(|| PathBuf::from(default)))
    }

    /// Finite numbers by name; absence and null are none.
    pub(super) fn numbers_by_name(&self, key: &str, example: &str) -> Result<BTreeMap<String, f64>> {
        let Some(value) = self.optional(key) else { return Ok(BTreeMap::new()) };
        let wrong = || self.wrong(key, value, &format!("finite numbers by name, {example}"));
        let number = |(name, value): (&String, &Value)| Some((name.clone(), value.as_f64().filter(|x| x.is_finite())?));
        value.as_object().ok_or_else(wrong)?.iter().map(number).collect::<Option<_>>().ok_or_else(wrong)
    }

    /// A list of channel names out of `allowed`, each at most once; absence and null are the empty list.
    pub(super) fn names(&self, key: &str, allowed: &[&str]) -> Result<Vec<String>> {
        let Some(value) = self.optional(key) else { return Ok(Vec::new()) };
        let wanted = format!("a list of names out of {}", allowed.join(", "));
        let items = value.as_array().ok_or_else(|| self.wrong(key, value, &wanted))?;
        let mut names = Vec::with_capacity(items.len());
        for item in items {
            let name = item.as_str().ok_or_else(|| self.wrong(key, item, &wanted))?;
            if !allowed.contains(&name) {
                let advice = match keys::list_of_channel(self.domain.domain(), name) {
                    Some(list) => format!("; {name} belongs in {list}"),
                    None => {
                        let nearest = keys::nearest(name, allowed.iter().copied()).map(|n| format!("; did you mean {n}?"));
                        format!("{} {}", nearest.unwrap_or_else(|| ".".into()), self.how_to_declare(name))
                    }
                };
                return Err(self.error(key, format!("must be {wanted}, but {} was given{advice}", shown(item))));
            }
            if names.iter().any(|known| known == name) {
                return Err(self.error(key, format!("names {name} twice; a channel can be an input once")));
            }
            names.push(name.to_owned());
        }
        Ok(names)
    }
}

/// `range` in words.
fn whole(range: &RangeInclusive<u64>) -> String {
    format!("a whole number from {} to {}", range.start(), range.end())
}

/// A value as its text or number, without quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value as it may stand in a message: compact, and cut where it is long.
pub(crate) fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 80 { text } else { text.chars().take(77).chain("...".chars()).collect() }
}
