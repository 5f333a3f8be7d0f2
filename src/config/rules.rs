//! Rules of single keys that no general reader has, and those that concern two keys at once.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::reader::{COUNT, Numbers, Reader, SIDE, WIDTH};
use super::{Freeze, ModelKey, Precision, keys};
use crate::domains::{DomainKey, Source};
use crate::error::Result;
use crate::kernels::activation::Activation;
use crate::optim::schedule::CUT;

/// What `precision` and `decoder_use_batchnorm` take beside their own words.
const AMP: &str = "amp";
const BATCH_NORM: &str = "batchnorm";

/// Which factors crops are enlarged by.
const FACTORS: RangeInclusive<f64> = 0.1..=10.0;
/// Least share of a crop's sides that a part of it has.
const LEAST_CROP: f64 = 0.1;

impl Reader {
    /// The values of a family's keys, by what stands for the placeholder in `pattern`.
    pub(super) fn each<'a, T>(
        &self,
        pattern: &str,
        names: impl Iterator<Item = &'a str>,
        read: impl Fn(&str) -> Result<Option<T>>,
    ) -> Result<BTreeMap<String, T>> {
        let (before, after) = (pattern.split('<').next().unwrap_or_default(), pattern.split('>').nth(1).unwrap_or_default());
        let mut values = BTreeMap::new();
        for name in names {
            values.extend(read(&format!("{before}{name}{after}"))?.map(|value| (name.to_owned(), value)));
        }
        Ok(values)
    }

    /// Variables with a raster of their own, and those that the keys declare.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        keys::variables(self.domain.domain()).map(|name| -> &str { name }).chain(self.own())
    }

    /// The names of variables that the keys declare.
    fn own(&self) -> impl Iterator<Item = &str> {
        self.declared.iter().map(String::as_str)
    }

    /// A number for each variable.
    pub(super) fn numbers(&self, pattern: &str, allowed: Numbers) -> Result<BTreeMap<String, f64>> {
        self.each(pattern, self.variables(), |key| self.optional_number(key, allowed))
    }

    /// An odd size for each variable.
    pub(super) fn odd_sizes(&self, pattern: &str) -> Result<BTreeMap<String, usize>> {
        self.each(pattern, self.variables(), |key| self.keys.contains_key(key).then(|| self.odd(key, 1)).transpose())
    }

    /// A path for each split.
    pub(super) fn paths(&self, pattern: &str) -> Result<BTreeMap<String, PathBuf>> {
        self.each(pattern, keys::SPLITS.into_iter(), |key| self.path(key))
    }

    /// A path for each variable, joined to `data_root`.
    pub(super) fn variable_paths(&self, pattern: &str) -> Result<BTreeMap<String, PathBuf>> {
        let root = self.folder("data_root", ".")?;
        let beside = [keys::BOUNDING_BOXES, keys::FRONTS, keys::IGNORE, keys::TWIN];
        let names = self.variables().chain([self.domain.domain().map_reference]).chain(beside);
        self.each(pattern, names, |key| Ok(self.path(key)?.map(|path| root.join(path))))
    }

    /// A number for each variable of its own.
    pub(super) fn own_numbers(&self, pattern: &str, allowed: Numbers) -> Result<BTreeMap<String, f64>> {
        self.each(pattern, self.own(), |key| self.optional_number(key, allowed))
    }

    /// A truth value for each variable of its own.
    pub(super) fn own_flags(&self, pattern: &str) -> Result<BTreeMap<String, bool>> {
        self.each(pattern, self.own(), |key| self.keys.contains_key(key).then(|| self.boolean(key, false)).transpose())
    }

    /// The bands of the files of each variable of its own, counted from 1, each once and in ascending order.
    pub(super) fn bands(&self, pattern: &str) -> Result<BTreeMap<String, Vec<usize>>> {
        self.each(pattern, self.own(), |key| {
            let Some(mut bands) = self.integers(key, WIDTH)? else { return Ok(None) };
            let given = bands.len();
            bands.sort_unstable();
            bands.dedup();
            match bands.len() == given && given > 0 {
                true => Ok(Some(bands)),
                false => Err(self.error(key, "must name at least one band, counted from 1, and each once, for example [1, 3, 4]")),
            }
        })
    }

    /// A text for each variable.
    pub(super) fn texts(&self, pattern: &str) -> Result<BTreeMap<String, String>> {
        self.each(pattern, self.variables(), |key| self.text(key))
    }

    /// One of a few words for each variable.
    pub(super) fn words(&self, pattern: &str, words: &'static [&str]) -> Result<BTreeMap<String, String>> {
        let word = |key: &str| self.keys.contains_key(key).then(|| self.choice(key, String::new(), words)).transpose();
        self.each(pattern, self.variables(), word)
    }

    /// Two numbers, the lower one first, for each variable.
    pub(super) fn ranges(&self, pattern: &str) -> Result<BTreeMap<String, [f64; 2]>> {
        self.each(pattern, self.variables(), |key| {
            let Some(value) = self.optional(key) else { return Ok(None) };
            let numbers: Option<Vec<f64>> = value.as_array().map(|items| items.iter().filter_map(|item| item.as_f64()).collect());
            match numbers.as_deref() {
                Some([low, high]) if low < high && low.is_finite() && high.is_finite() => Ok(Some([*low, *high])),
                _ => Err(self.wrong(key, value, "two numbers, the lower one first, for example [0, 40]")),
            }
        })
    }

    /// The target's name, where it is another than the domain's.
    pub(super) fn target(&self, key: &str) -> Result<Option<String>> {
        let Some(name) = self.text(key)? else { return Ok(None) };
        let domains = self.domain.domain().target.name;
        if name == domains || self.listable().any(|own| own == name) {
            return Ok(Some(name));
        }
        Err(self.error(key, format!("is {name}, and the domain's target is {domains}. {}", self.how_to_declare(&name))))
    }

    /// Inputs of some sources, and, where files may be declared, of its own.
    pub(super) fn channels(&self, key: &str, from: fn(Source) -> bool) -> Result<Vec<String>> {
        let own = self.listable().filter(|_| from(Source::Daily) || from(Source::Constant));
        self.names(key, &keys::inputs(self.domain.domain(), from).into_iter().chain(own).collect::<Vec<_>>())
    }

    /// What a cut of the learning rate multiplies by.
    pub(super) fn lr_factor(&self, key: &str) -> Result<f64> {
        let factor = self.number(key, CUT, Numbers::Positive)?;
        if factor < 1.0 {
            Ok(factor)
        } else {
            Err(self.error(key, format!("is {factor}, which cuts nothing; give less than 1, 0.5 for example")))
        }
    }

    /// An odd window size, at least 1.
    pub(super) fn odd(&self, key: &str, default: u64) -> Result<usize> {
        let size = self.integer(key, default, 1..=99_999)?;
        if size % 2 == 1 {
            return Ok(size);
        }
        Err(self.error(key, format!("must be an odd whole number (a window has a middle), but {size} was given; {} is the next", size + 1)))
    }

    /// A number of epochs, a name, or a list of names; absence and null are `None`.
    pub(super) fn freeze(&self, key: &str) -> Result<Option<Freeze>> {
        let Some(value) = self.optional(key) else { return Ok(None) };
        let wrong = || self.wrong(key, value, "`encoder`, a list of modules such as [inc, down1], or a whole number of epochs from 1");
        let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let names: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
        match (value.as_u64(), names) {
            (Some(epochs), _) if COUNT.contains(&epochs) => Ok(Some(Freeze::Epochs(epochs as usize))),
            (None, Some(names)) if !names.is_empty() && names.iter().all(|name| !name.is_empty()) => Ok(Some(Freeze::Names(names))),
            _ => Err(wrong()),
        }
    }

    /// Whole numbers, each above the one before; absence is `None`.
    pub(super) fn ascending(&self, key: &str, range: RangeInclusive<u64>) -> Result<Option<Vec<usize>>> {
        let Some(value) = self.optional(key) else { return Ok(None) };
        match self.integers(key, range)? {
            Some(numbers) if !numbers.is_empty() && numbers.is_sorted_by(|a, b| a < b) => Ok(Some(numbers)),
            _ => Err(self.wrong(key, value, "whole numbers, each above the one before, for example [10, 30, 70, 150]")),
        }
    }

    /// Rows and columns.
    pub(super) fn size(&self, key: &str, default: [usize; 2]) -> Result<[usize; 2]> {
        match self.integers(key, SIDE)?.as_deref() {
            None => Ok(default),
            Some([rows, cols]) => Ok([*rows, *cols]),
            Some(other) => Err(self.error(key, format!("must be [rows, columns], for example [512, 512], but {other:?} was given"))),
        }
    }

    /// Bounds of a factor.
    pub(super) fn factors(&self, key: &str, default: [f64; 2]) -> Result<[f64; 2]> {
        let Some(value) = self.optional(key) else { return Ok(default) };
        let numbers: Option<Vec<f64>> = value.as_array().and_then(|items| items.iter().map(|item| item.as_f64()).collect());
        match numbers.as_deref() {
            Some([low, high]) if low <= high && FACTORS.contains(low) && FACTORS.contains(high) => Ok([*low, *high]),
            _ => {
                let (least, most) = (FACTORS.start(), FACTORS.end());
                Err(self.wrong(key, value, &format!("two factors from {least} to {most}, the lower one first, for example [0.8, 1.25]")))
            }
        }
    }

    /// The share of a crop's sides that a part of it has at least.
    pub(super) fn crop_share(&self, key: &str) -> Result<f64> {
        let share = self.number(key, 1.0, Numbers::Share)?;
        match share >= LEAST_CROP {
            true => Ok(share),
            false => Err(self.error(key, format!("must be a number from {LEAST_CROP} to 1, for example 0.8, but {share} was given"))),
        }
    }

    /// A share that is dropped, below 1.
    pub(super) fn dropout(&self, key: &str) -> Result<Option<f64>> {
        match self.optional_number(key, Numbers::Share)? {
            Some(1.0) => Err(self.error(key, "is 1, so that nothing is left; give less, 0.1 for example")),
            share => Ok(share),
        }
    }

    /// Whose table of variables; the task decides where nothing is said.
    pub(super) fn domain(&self, key: &str) -> Result<DomainKey> {
        self.choice(key, self.domain, DomainKey::WORDS)
    }

    /// The model, on which other defaults depend.
    fn model(&self) -> Option<ModelKey> {
        self.keys.get("model_key").and_then(|value| serde_json::from_value(value.clone()).ok())
    }

    /// `amp: true` means mixed where `precision` itself is absent.
    pub(super) fn precision(&self, key: &str) -> Result<Precision> {
        let default = if self.boolean(AMP, false)? { Precision::Mixed } else { Precision::F32 };
        self.choice(key, default, &["f32", "mixed"])
    }

    pub(super) fn activation(&self, key: &str) -> Result<Activation> {
        let default = if self.model() == Some(ModelKey::LinearDem) { Activation::None } else { Activation::Relu };
        let activation = self.choice(key, default, &["relu", "gelu", "linear"])?;
        if activation == Activation::None && matches!(self.model(), Some(ModelKey::Unet | ModelKey::DeepLabV3)) {
            return Err(self.error(key, "must be relu or gelu for this `model_key`; linear belongs to linear_dem"));
        }
        Ok(activation)
    }

    pub(super) fn encoder_name(&self, key: &str) -> Result<String> {
        let name = self.text(key)?.unwrap_or_else(|| "tu-xception71".to_owned());
        if name != "tu-xception71" && matches!(self.model(), Some(ModelKey::UnetSmp | ModelKey::DeepLabV3)) {
            return Err(self.error(key, format!("must be tu-xception71, the only encoder there is, but {name} was given")));
        }
        Ok(name)
    }

    pub(super) fn encoder_output_stride(&self, key: &str) -> Result<usize> {
        match self.integer(key, 8, 8..=16)? {
            stride @ (8 | 16) => Ok(stride),
            other => Err(self.error(key, format!("must be 8 or 16, but {other} was given"))),
        }
    }

    /// A truth value, or the word that newer versions of the reference's library take.
    pub(super) fn decoder_use_batchnorm(&self, key: &str) -> Result<bool> {
        if self.optional(key).and_then(|value| value.as_str()) == Some(BATCH_NORM) { Ok(true) } else { self.boolean(key, true) }
    }

    pub(super) fn decoder_channels(&self, key: &str) -> Result<Vec<usize>> {
        let one = self.model() == Some(ModelKey::DeepLabV3);
        let channels = self.integers(key, WIDTH)?.unwrap_or(if one { vec![256] } else { vec![256, 128, 64, 32, 16] });
        if one && channels.len() != 1 {
            return Err(self.error(key, format!("must be one number for deeplabv3, but {channels:?} was given")));
        }
        Ok(channels)
    }

    /// A whole number for each stage of a network.
    pub(super) fn stages(&self, key: &str, default: &[usize]) -> Result<Vec<usize>> {
        let stages = self.integers(key, 1..=1024)?.unwrap_or_else(|| default.to_vec());
        if (1..=8).contains(&stages.len()) {
            return Ok(stages);
        }
        Err(self.error(key, format!("must be one to eight whole numbers, one a stage, but {stages:?} was given")))
    }

    // (4096 is the largest dilation of the kernels.)
    pub(super) fn decoder_atrous_rates(&self, key: &str) -> Result<Vec<usize>> {
        let rates = self.integers(key, 1..=4096)?.unwrap_or_else(|| vec![6, 12, 18]);
        if rates.len() == 3 {
            return Ok(rates);
        }
        Err(self.error(key, format!("must be three whole numbers, for example [6, 12, 18], but {rates:?} was given")))
    }

    /// A day as `YYYY_MM_DD`; YAML reads it without quotes as the number YYYYMMDD, which is taken back apart.
    pub(super) fn day(&self, key: &str) -> Result<Option<String>> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let digits: String = text.chars().filter(|&c| c != '_').collect();
        let shape_fits = digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit());
        let number: u32 = if shape_fits { digits.parse().unwrap_or(0) } else { 0 };
        let (year, month, date) = (number / 10_000, number / 100 % 100, number % 100);
        let exists = jiff::civil::Date::new(year as i16, month as i8, date as i8).is_ok();
        let name = format!("{year:04}_{month:02}_{date:02}");
        if exists && (text == name || text == digits) {
            return Ok(Some(name));
        }
        Err(self.error(key, format!("must be a day such as '2017_04_01', but {text} was given")))
    }
}
