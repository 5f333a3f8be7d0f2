//! One fixture file: its tensors, attributes and tolerances.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::kernels::operands::Operands;
use crate::tensor::{Shape, Tensor};
use crate::verify::Outcome;

/// A float32 or int64 array as stored (int64 only for `num_batches_tracked`, exact in f32 below 2²⁴).
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

/// A parsed fixture.
#[derive(Debug)]
pub struct Case {
    path: PathBuf,
    /// Operation name.
    pub op: String,
    /// Attributes of the operation.
    pub attrs: Map<String, Value>,
    rtol: f64,
    atol: f64,
    rtol_for: BTreeMap<String, f64>,
    pub(super) tensors: BTreeMap<String, Stored>,
}

impl Case {
    /// Reads and checks a fixture.
    ///
    /// # Errors
    /// [`Error::Input`] naming what is malformed.
    pub fn open(path: &Path) -> Result<Case> {
        let bad = |message: String| Error::input(path, format!("not a usable fixture: {message}"));
        let bytes = std::fs::read(path).map_err(|e| Error::input(path, format!("cannot be read ({e}); check the path")).because(e))?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| bad(format!("not a safetensors file ({e})")).because(e))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        if metadata.get("format").map(String::as_str) != Some("meltcore-fixture/1") {
            return Err(bad("its metadata lacks `format` = `meltcore-fixture/1`".into()));
        }
        let text = metadata.get("case").ok_or_else(|| bad("its metadata lacks `case`".into()))?;
        let case: Value = serde_json::from_str(text).map_err(|e| bad(format!("`case` is not JSON ({e})")).because(e))?;
        let number = |key: &str| {
            let value = case.get(key).and_then(Value::as_f64).filter(|v| v.is_finite() && *v >= 0.0);
            value.ok_or_else(|| bad(format!("`case` lacks a number `{key}` of at least 0")))
        };
        let op = case.get("op").and_then(Value::as_str).ok_or_else(|| bad("`case` lacks `op`".into()))?.to_owned();
        let attrs = match case.get("attrs") {
            None => Map::new(),
            Some(Value::Object(attrs)) => attrs.clone(),
            Some(_) => return Err(bad("`attrs` is not an object".into())),
        };
        let mut rtol_for = BTreeMap::new();
        if let Some(Value::Object(overrides)) = case.get("rtol_for") {
            for (name, value) in overrides {
                let value = value.as_f64().ok_or_else(|| bad(format!("`rtol_for` of `{name}` is not a number")))?;
                rtol_for.insert(name.clone(), value);
            }
        }
        let file = SafeTensors::deserialize(&bytes).map_err(|e| bad(format!("not a safetensors file ({e})")).because(e))?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.tensors() {
            let values = match view.dtype() {
                Dtype::F32 => view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
                Dtype::I64 => {
                    let word = |b: &[u8]| i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f32;
                    view.data().chunks_exact(8).map(word).collect()
                }
                other => return Err(bad(format!("tensor `{name}` is {other:?}; float32 (or int64 for counters) was expected"))),
            };
            tensors.insert(name, Stored { shape: view.shape().to_vec(), values });
        }
        if !tensors.keys().any(|name| name.starts_with("out.")) {
            return Err(bad("it expects nothing (no tensor `out.*`)".into()));
        }
        Ok(Case { path: path.to_owned(), op, attrs, rtol: number("rtol")?, atol: number("atol")?, rtol_for, tensors })
    }

    /// An error about this file.
    pub fn malformed(&self, message: impl Into<String>) -> Error {
        Error::input(&self.path, format!("not a usable fixture: {}", message.into()))
    }

    fn load(&self, gpu: &Gpu, name: &str) -> Result<Option<Tensor>> {
        match self.tensors.get(name) {
            None => Ok(None),
            Some(stored) => Tensor::from_slice(gpu, stored.shape.as_slice(), &stored.values).map(Some),
        }
    }

    fn need(&self, gpu: &Gpu, name: String) -> Result<Tensor> {
        self.load(gpu, &name)?.ok_or_else(|| self.malformed(format!("tensor `{name}` is missing")))
    }

    /// `in.<name>`.
    pub fn input(&self, gpu: &Gpu, name: &str) -> Result<Tensor> {
        self.need(gpu, format!("in.{name}"))
    }

    /// `in.<name>` where the case has it.
    pub fn optional_input(&self, gpu: &Gpu, name: &str) -> Result<Option<Tensor>> {
        self.load(gpu, &format!("in.{name}"))
    }

    /// `param.<name>`.
    pub fn param(&self, gpu: &Gpu, name: &str) -> Result<Tensor> {
        self.need(gpu, format!("param.{name}"))
    }

    /// `param.<name>` where the case has it.
    pub fn optional_param(&self, gpu: &Gpu, name: &str) -> Result<Option<Tensor>> {
        self.load(gpu, &format!("param.{name}"))
    }

    /// `grad_out.<name>`; absent in a forward-only case.
    pub fn grad_output(&self, gpu: &Gpu, name: &str) -> Result<Option<Tensor>> {
        self.load(gpu, &format!("grad_out.{name}"))
    }

    /// Refuses attributes whose output would not have the shape of `out.<name>`, before anything of that size is made.
    ///
    /// # Errors
    /// [`Error::Input`] with both shapes.
    pub fn expect_output(&self, name: &str, shape: impl Into<Shape>) -> Result<()> {
        let (shape, name) = (shape.into(), format!("out.{name}"));
        match self.tensors.get(&name).map(|stored| Shape::from(stored.shape.as_slice())) {
            Some(expected) if expected != shape => {
                let attrs = Value::Object(self.attrs.clone());
                Err(self
                    .malformed(format!("op `{}` with attrs {attrs} makes `{name}` of shape {shape}, but it is {expected} here", self.op)))
            }
            _ => Ok(()),
        }
    }

    /// Values of any tensor on the host, by its full name (`in.grads`, `param.weight`).
    pub fn values(&self, name: &str) -> Result<(&[usize], &[f32])> {
        let stored = self.tensors.get(name).ok_or_else(|| self.malformed(format!("tensor `{name}` is missing")))?;
        Ok((&stored.shape, &stored.values))
    }

    /// Full names of all tensors that begin with `prefix`.
    pub fn names(&self, prefix: &str) -> Vec<&str> {
        self.tensors.keys().map(String::as_str).filter(|name| name.starts_with(prefix)).collect()
    }

    fn attr<T>(&self, name: &str, what: &str, convert: impl Fn(&Value) -> Option<T>) -> Result<T> {
        let found = self.attrs.get(name).and_then(convert);
        found.ok_or_else(|| self.malformed(format!("attribute `{name}` is missing or not {what}")))
    }

    /// A non-negative whole number.
    pub fn attr_usize(&self, name: &str) -> Result<usize> {
        let whole = |v: &Value| v.as_u64().or_else(|| v.as_f64().filter(|f| *f >= 0.0 && f.fract() == 0.0).map(|f| f as u64));
        self.attr(name, "a whole number", |v| whole(v).and_then(|n| usize::try_from(n).ok()))
    }

    /// A number.
    pub fn attr_f64(&self, name: &str) -> Result<f64> {
        self.attr(name, "a number", Value::as_f64)
    }

    /// A string.
    pub fn attr_str(&self, name: &str) -> Result<String> {
        self.attr(name, "a string", |v| v.as_str().map(str::to_owned))
    }

    /// A boolean.
    pub fn attr_bool(&self, name: &str) -> Result<bool> {
        self.attr(name, "true or false", Value::as_bool)
    }

    /// A list of numbers.
    pub fn attr_list(&self, name: &str) -> Result<Vec<f64>> {
        self.attr(name, "a list of numbers", |v| v.as_array()?.iter().map(Value::as_f64).collect())
    }

    /// What the case's products are made of: `autocast` is `float16`, or absent.
    ///
    /// # Errors
    /// [`Error::Input`] for another value.
    pub fn operands(&self) -> Result<Operands> {
        match self.attrs.get("autocast") {
            None => Ok(Operands::F32),
            Some(value) if value == "float16" => Ok(Operands::F16),
            Some(other) => Err(self.malformed(format!("attribute `autocast` is {other}; only \"float16\" can be replayed"))),
        }
    }

    /// True where the attribute is present.
    pub fn has_attr(&self, name: &str) -> bool {
        self.attrs.get(name).is_some_and(|v| !v.is_null())
    }

    /// The tensor with the largest error over its allowance atol + rtol·max|want|, and that ratio (infinite for NaN).
    ///
    /// # Errors
    /// [`Error::Input`] where the case expects something that the op does not produce, or of another size.
    pub(super) fn compare(&self, outcome: &Outcome, rtol_scale: f64) -> Result<(String, f64)> {
        let mut worst = (String::new(), -1.0);
        for (name, want) in self.tensors.iter().filter(|(name, _)| name.starts_with("out.") || name.starts_with("grad.")) {
            let found = outcome.found.iter().find(|(found, _)| found == name);
            let (_, got) = found.ok_or_else(|| self.malformed(format!("it expects `{name}`, which op `{}` does not give", self.op)))?;
            if got.len() != want.values.len() {
                let message = format!("`{name}` has {} values, the op gives {}", want.values.len(), got.len());
                return Err(self.malformed(message));
            }
            let rtol = self.rtol_for.get(name).copied().unwrap_or(self.rtol) * rtol_scale;
            let scale = want.values.iter().fold(0.0, |m: f64, v| m.max(f64::from(v.abs())));
            let allowance = self.atol + rtol * scale;
            let error = want.values.iter().zip(got).map(|(w, g)| distance(*w, *g)).fold(0.0, f64::max);
            let ratio = if error == 0.0 { 0.0 } else { error / allowance };
            if ratio > worst.1 {
                worst = (name.clone(), ratio);
            }
        }
        Ok(worst)
    }
}

/// |got − want|; NaN on either side, or unequal infinities, count as infinitely far.
fn distance(want: f32, got: f32) -> f64 {
    let error = (f64::from(got) - f64::from(want)).abs();
    if want == got {
        0.0
    } else if error.is_nan() {
        f64::INFINITY
    } else {
        error
    }
}
