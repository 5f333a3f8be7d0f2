//! A safetensors file on the host, with tensors of any type that weights come in.
//!
//! Format: an 8-byte header length, a JSON header, then the tensors' bytes, little-endian (the safetensors format description).

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};

use super::guard::{BEST_FILE, MODEL_FILE, require_intact};
use crate::error::{Error, Result};
use crate::nn::notes;
use crate::nn::state_dict::{self, HostDict, HostTensor};

/// Types of values that weight files may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// IEEE double precision.
    Float64,
    /// IEEE single precision, in which models compute.
    Float32,
    /// IEEE half precision.
    Float16,
    /// The upper half of a float32.
    BFloat16,
    /// Counters.
    Int64,
    /// Counters of some exporters.
    Int32,
}

impl Kind {
    fn of(dtype: Dtype) -> Option<Kind> {
        match dtype {
            Dtype::F64 => Some(Kind::Float64),
            Dtype::F32 => Some(Kind::Float32),
            Dtype::F16 => Some(Kind::Float16),
            Dtype::BF16 => Some(Kind::BFloat16),
            Dtype::I64 => Some(Kind::Int64),
            Dtype::I32 => Some(Kind::Int32),
            _ => None,
        }
    }

    /// PyTorch's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Float64 => "float64",
            Kind::Float32 => "float32",
            Kind::Float16 => "float16",
            Kind::BFloat16 => "bfloat16",
            Kind::Int64 => "int64",
            Kind::Int32 => "int32",
        }
    }

    /// Whether it holds fractions.
    pub fn is_float(self) -> bool {
        !matches!(self, Kind::Int64 | Kind::Int32)
    }
}

/// One tensor as it lies in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTensor {
    /// Type of its values.
    pub kind: Kind,
    /// Its shape; [] for a scalar.
    pub shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl StoredTensor {
    /// Its values, row after row; every type but large integers is exact in float64.
    pub fn values(&self) -> Vec<f64> {
        fn each<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f64) -> Vec<f64> {
            bytes.as_chunks::<N>().0.iter().map(|bytes| value(*bytes)).collect()
        }
        match self.kind {
            Kind::Float64 => each(&self.bytes, f64::from_le_bytes),
            Kind::Float32 => each(&self.bytes, |b| f64::from(f32::from_le_bytes(b))),
            Kind::Float16 => each(&self.bytes, |b| f16::from_le_bytes(b).to_f64()),
            Kind::BFloat16 => each(&self.bytes, |b| bf16::from_le_bytes(b).to_f64()),
            Kind::Int64 => each(&self.bytes, |b| i64::from_le_bytes(b) as f64),
            Kind::Int32 => each(&self.bytes, |b| f64::from(i32::from_le_bytes(b))),
        }
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        // As many as there are bytes for, which the file's reader has checked; the shape's product could overflow beside a size of 0.
        self.shape.iter().fold(1, |len: usize, size| len.saturating_mul(*size))
    }

    /// True for a tensor without values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A weight file in memory.
#[derive(Debug, Clone)]
pub struct WeightFile {
    /// Where it was read.
    pub path: PathBuf,
    /// Size of the file, bytes.
    pub bytes: u64,
    /// Its tensors by name.
    pub tensors: BTreeMap<String, StoredTensor>,
    /// What else its header says, text by name.
    pub notes: BTreeMap<String, String>,
}

impl WeightFile {
    /// Reads a safetensors file, or that of a checkpoint folder (see [`weight_file`]).
    ///
    /// # Errors
    /// [`Error::Weights`] where it is missing, damaged, no safetensors file, or holds other types than [`Kind`].
    pub fn open(path: &Path) -> Result<WeightFile> {
        let path = weight_file(path)?;
        let bad = |message: String| Error::Weights { path: path.clone(), message };
        let bytes = std::fs::read(&path).map_err(|e| bad(format!("the weights cannot be read ({e}); check the path")).because(e))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| {
            bad(format!(
                "not a whole safetensors file ({e}); write it with safetensors.torch.save_file, or convert a .pth with tools/export_weights.py \
                 from-pth"
            )).because(e)
        })?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.tensors() {
            let Some(kind) = Kind::of(view.dtype()) else {
                let message =
                    format!("tensor `{name}` is {:?}; weights are float32 (or float16, bfloat16, float64), counters int64", view.dtype());
                return Err(bad(message));
            };
            tensors.insert(name, StoredTensor { kind, shape: view.shape().to_vec(), bytes: view.data().to_vec() });
        }
        let notes =
            notes::of(&bytes[..]).map_err(|e| bad(format!("its header has notes that are no texts ({e}); write it again")).because(e))?;
        Ok(WeightFile { bytes: bytes.len() as u64, path, tensors, notes })
    }

    /// An error about this file.
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::Weights { path: self.path.clone(), message: message.into() }
    }

    /// Sixty-four hexadecimal digits that agree where names, types, shapes and values agree to the bit, whatever the file's order, metadata
    /// and padding: SHA-256 (FIPS 180-4) over `name \0 type \0 size,size,… \0 bytes` of every tensor, in the order of the names' bytes.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (name, tensor) in &self.tensors {
            let sizes: Vec<String> = tensor.shape.iter().map(usize::to_string).collect();
            hash.update(format!("{name}\0{}\0{}\0", tensor.kind.name(), sizes.join(",")));
            hash.update(&tensor.bytes);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The tensors as models load them: floats rounded to float32, integer scalars as int64.
    ///
    /// # Errors
    /// [`Error::Weights`] naming a finite value that float32 cannot hold, or an integer tensor that is no scalar.
    pub fn to_float32(&self) -> Result<HostDict> {
        let mut dict = HostDict::new();
        for (name, tensor) in &self.tensors {
            let values = tensor.values();
            let host = if tensor.kind.is_float() {
                let rounded: Vec<f32> = values.iter().map(|&value| value as f32).collect();
                if let Some((value, _)) = values.iter().zip(&rounded).find(|(value, rounded)| value.is_finite() && !rounded.is_finite()) {
                    return Err(self.error(format!("tensor `{name}` holds {value:e}, which float32 cannot; check the model that it is of")));
                }
                HostTensor::F32(tensor.shape.clone(), rounded)
            } else if let ([] | [1], [value]) = (tensor.shape.as_slice(), values.as_slice()) {
                HostTensor::I64(*value as i64)
            } else if state_dict::is_index(name) {
                HostTensor::Indices(tensor.shape.clone(), values.iter().map(|value| *value as i64).collect())
            } else {
                let (kind, shape) = (tensor.kind.name(), &tensor.shape);
                return Err(self.error(format!("tensor `{name}` is {kind} of shape {shape:?}; only counters of one value may be integers")));
            };
            dict.insert(name.clone(), host);
        }
        Ok(dict)
    }

    /// Its notes with that of PyTorch's kind of file.
    pub fn metadata(&self) -> HashMap<String, String> {
        let format = ("format".to_owned(), "pt".to_owned());
        self.notes.clone().into_iter().chain([format]).collect()
    }

    /// The bytes of a file with the same notes and tensors in float16, which models load, too: half the size, eleven bits of each value.
    ///
    /// # Errors
    /// [`Error::Weights`] naming a finite value that float16 cannot hold; those of [`Self::to_float32`].
    pub fn to_float16(&self) -> Result<Vec<u8>> {
        let mut halves: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
        for (name, tensor) in self.to_float32()? {
            halves.push(match tensor {
                HostTensor::I64(value) => (name, Dtype::I64, vec![], value.to_le_bytes().to_vec()),
                HostTensor::Indices(shape, values) => {
                    (name, Dtype::I64, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect())
                }
                HostTensor::F32(shape, values) => {
                    let rounded: Vec<f16> = values.iter().map(|&value| f16::from_f32(value)).collect();
                    if let Some((value, _)) = values.iter().zip(&rounded).find(|(value, half)| value.is_finite() && !half.is_finite()) {
                        return Err(self.error(format!("tensor `{name}` holds {value:e}, which float16 cannot; keep this file as float32")));
                    }
                    (name, Dtype::F16, shape, rounded.iter().flat_map(|half| half.to_le_bytes()).collect())
                }
            });
        }
        let views: std::result::Result<Vec<_>, _> = halves
            .iter()
            .map(|(name, dtype, shape, bytes)| TensorView::new(*dtype, shape.clone(), bytes).map(|view| (name.clone(), view)))
            .collect();
        let encoded = views.and_then(|views| notes::encode(views, self.metadata()));
        encoded.map_err(|e| self.error(format!("cannot be encoded as float16 ({e})")).because(e))
    }
}

/// The weight file that a path means: itself, or `model.safetensors` of a checkpoint, or `best.safetensors` beside checkpoints.
///
/// # Errors
/// [`Error::Weights`] for a folder with neither.
pub fn weight_file(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let candidates = [MODEL_FILE, BEST_FILE].map(|name| path.join(name));
    candidates.into_iter().find(|file| file.is_file()).ok_or_else(|| Error::Weights {
        path: path.to_owned(),
        message: "this folder holds neither model.safetensors (a checkpoint) nor best.safetensors; name a safetensors file".into(),
    })
}

/// The weight files that a path means: that of [`intact_weight_file`], or of a folder that is no checkpoint all its safetensors files in
/// the order of their names, the members of an ensemble.
///
/// # Errors
/// [`Error::Weights`] for a folder without a safetensors file; those of [`intact_weight_file`].
pub fn intact_weight_files(path: &Path) -> Result<Vec<PathBuf>> {
    let is_one = !path.is_dir() || weight_file(path).is_ok();
    if is_one {
        return Ok(vec![intact_weight_file(path)?]);
    }
    let failed = |e: std::io::Error| {
        let message = format!("this folder cannot be read ({e})");
        Error::Weights { path: path.to_owned(), message }.because(e)
    };
    let entries = std::fs::read_dir(path).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>());
    let mut members: Vec<PathBuf> = entries.map_err(failed)?;
    members.retain(|file| file.extension().is_some_and(|extension| extension == "safetensors") && file.is_file());
    members.sort_unstable();
    if members.is_empty() {
        return weight_file(path).map(|file| vec![file]);
    }
    members.iter().map(|member| intact_weight_file(member)).collect()
}

/// The weight file that a path means, as [`weight_file`], unless digests beside it say that it is damaged.
///
/// # Errors
/// [`Error::Weights`] for a damaged file, naming an intact one where there is one; those of [`weight_file`].
pub fn intact_weight_file(path: &Path) -> Result<PathBuf> {
    let file = weight_file(path)?;
    require_intact(&file)?;
    Ok(file)
}
