//! State dicts as safetensors files, with exactly PyTorch's names and shapes, both ways.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors, View};

use crate::error::{Error, Result};
use crate::files::write_atomically;
use crate::nn::{ParameterSet, Value, notes};
use crate::tensor::Tensor;

/// A tensor on the host, on its way to or from a file.
#[derive(Debug, Clone, PartialEq)]
pub enum HostTensor {
    /// float32 values and their shape.
    F32(Vec<usize>, Vec<f32>),
    /// An int64 scalar.
    I64(i64),
    /// int64 values and their shape: places in a table, which follow from a network's settings.
    Indices(Vec<usize>, Vec<i64>),
}

impl View for &HostTensor {
    fn dtype(&self) -> Dtype {
        match self {
            HostTensor::F32(..) => Dtype::F32,
            HostTensor::I64(_) | HostTensor::Indices(..) => Dtype::I64,
        }
    }

    fn shape(&self) -> &[usize] {
        match self {
            HostTensor::F32(shape, _) | HostTensor::Indices(shape, _) => shape,
            HostTensor::I64(_) => &[],
        }
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match self {
            HostTensor::F32(_, values) => Cow::Borrowed(bytemuck::cast_slice(values)),
            HostTensor::I64(value) => Cow::Owned(value.to_le_bytes().to_vec()),
            HostTensor::Indices(_, values) => Cow::Borrowed(bytemuck::cast_slice(values)),
        }
    }

    fn data_len(&self) -> usize {
        match self {
            HostTensor::F32(_, values) => values.len() * 4,
            HostTensor::I64(_) => 8,
            HostTensor::Indices(_, values) => values.len() * 8,
        }
    }
}

/// Tensors by name.
pub type HostDict = BTreeMap<String, HostTensor>;

/// Reads a model's entries back from the device, repeated modules under every index.
///
/// # Errors
/// [`Error::Device`].
pub fn to_host(set: &ParameterSet) -> Result<HostDict> {
    let mut dict = HostDict::new();
    for (name, value) in set.entries() {
        let host = match value {
            Value::Parameter(tensor) | Value::Buffer(tensor) => tensor_to_host(tensor)?,
            Value::Counter(counter) => HostTensor::I64(counter.get()),
            Value::Derived(value) => value(),
        };
        for stored in set.stored_names(name) {
            dict.insert(stored, host.clone());
        }
    }
    Ok(dict)
}

/// Reads one tensor back from the device.
///
/// # Errors
/// [`Error::Device`].
pub fn tensor_to_host(tensor: &Tensor) -> Result<HostTensor> {
    Ok(HostTensor::F32(tensor.shape().dims().to_vec(), tensor.to_vec()?))
}

/// Writes tensors to a safetensors file, whole or not at all.
///
/// # Errors
/// [`Error::Output`].
pub fn write(path: &Path, dict: &HostDict, metadata: HashMap<String, String>) -> Result<()> {
    let bytes = encode(path, dict, metadata)?;
    write_atomically(path, |file| file.write_all(&bytes))
}

/// The bytes of a safetensors file with these notes, always the same ones; `path` is for messages.
///
/// # Errors
/// [`Error::Output`] where the tensors have no such form.
pub fn encode(path: &Path, dict: &HostDict, metadata: HashMap<String, String>) -> Result<Vec<u8>> {
    let tensors = dict.iter().map(|(name, tensor)| (name.clone(), tensor)).collect();
    notes::encode(tensors, metadata).map_err(|e| Error::output(path, format!("cannot be encoded ({e})")).because(e))
}

/// Writes a model's weights.
///
/// # Errors
/// [`Error::Output`], [`Error::Device`].
pub fn save(set: &ParameterSet, path: &Path) -> Result<()> {
    write(path, &to_host(set)?, HashMap::from([("format".to_owned(), "pt".to_owned())]))
}

/// Reads a safetensors file of float32 tensors (float16 and bfloat16, which float32 holds exactly, too) and integer counters (int64 or
/// int32, of shape \[\] or \[1\]).
///
/// # Errors
/// [`Error::Weights`] where the file is missing, malformed or holds other types.
pub fn read(path: &Path) -> Result<HostDict> {
    let bad = |message: String| Error::Weights { path: path.to_owned(), message };
    let bytes = std::fs::read(path).map_err(|e| bad(format!("the weights cannot be read ({e}); check the path")).because(e))?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|e| bad(format!("not a safetensors file ({e}); write it with safetensors.torch.save_file")).because(e))?;
    let mut dict = HostDict::new();
    for (name, view) in file.tensors() {
        let host = match (view.dtype(), view.shape()) {
            (Dtype::F32, shape) => HostTensor::F32(shape.to_vec(), bytemuck::pod_collect_to_vec(view.data())),
            (Dtype::F16, shape) => HostTensor::F32(shape.to_vec(), widened(view.data(), |half| f16::from_bits(half).to_f32())),
            (Dtype::BF16, shape) => HostTensor::F32(shape.to_vec(), widened(view.data(), |half| bf16::from_bits(half).to_f32())),
            // PyTorch writes int64 of shape []; converters from other frameworks write int32, or a list of one.
            (Dtype::I64, [] | [1]) => HostTensor::I64(bytemuck::pod_read_unaligned(view.data())),
            (Dtype::I64, shape) if is_index(&name) => HostTensor::Indices(shape.to_vec(), bytemuck::pod_collect_to_vec(view.data())),
            (Dtype::I32, [] | [1]) => HostTensor::I64(i64::from(bytemuck::pod_read_unaligned::<i32>(view.data()))),
            (integers @ (Dtype::I64 | Dtype::I32 | Dtype::I16 | Dtype::I8 | Dtype::U8), shape) => {
                let message = format!(
                    "tensor `{name}` is {integers:?} of shape {shape:?}; weights are float32, and the only integers are counters \
                     of one value (num_batches_tracked, int64 or int32): check which model the file is of"
                );
                return Err(bad(message));
            }
            (other, shape) => {
                let message = format!(
                    "tensor `{name}` is {other:?} of shape {shape:?}; save the weights as float32 (model.float().state_dict(), or \
                     `meltcore weights convert`)"
                );
                return Err(bad(message));
            }
        };
        dict.insert(name, host);
    }
    Ok(dict)
}

/// Whether a tensor holds places in a table of position biases.
pub fn is_index(name: &str) -> bool {
    name.ends_with(".relative_position_index")
}

/// The values of numbers of sixteen bits.
fn widened(bytes: &[u8], value: impl Fn(u16) -> f32) -> Vec<f32> {
    bytes.as_chunks::<2>().0.iter().map(|pair| value(u16::from_le_bytes(*pair))).collect()
}

/// Loads a weight file into a model.
///
/// # Errors
/// [`Error::Weights`] naming the first missing, extra or mis-shaped tensors; the model is unchanged then.
pub fn load(set: &ParameterSet, path: &Path) -> Result<()> {
    apply(set, read(path)?, path)
}

/// Puts tensors into a model; `path` is for messages.
///
/// # Errors
/// As [`load`].
pub fn apply(set: &ParameterSet, mut dict: HostDict, path: &Path) -> Result<()> {
    let bad = |message: String| Error::Weights { path: path.to_owned(), message };
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for (name, value) in set.entries() {
        if matches!(value, Value::Derived(_)) {
            dict.remove(name);
            continue;
        }
        let mut copies = set.stored_names(name).into_iter().map(|stored| dict.remove(&stored));
        let Some(first) = copies.next().flatten() else {
            missing.push(name.as_str());
            continue;
        };
        if copies.flatten().any(|copy| copy != first) {
            let message = format!("the copies of `{name}` differ, but this model repeats one module; store equal copies or index 0 alone");
            return Err(bad(message));
        }
        let expected = expected_shape(value);
        if !fits(value, &first) {
            let message = format!(
                "tensor `{name}` has shape {:?}, the configured model needs {expected:?}; compare in_keys, base_channels, bilinear and \
                 num_extra_convs with those of the training",
                (&first).shape()
            );
            return Err(bad(message));
        }
        found.push((value, first));
    }
    if !missing.is_empty() || !dict.is_empty() {
        let extra: Vec<_> = dict.keys().map(String::as_str).collect();
        let faults: Vec<_> =
            [("missing", missing), ("unexpected", extra)].iter().filter_map(|(what, names)| listing(what, names)).collect();
        return Err(bad(format!(
            "this is not a state dict of the configured model: {}; compare model_key and the model's other keys with those of the training \
             (`meltcore weights info` says what the file holds)",
            faults.join("; ")
        )));
    }
    found.into_iter().try_for_each(|(value, host)| put(value, host))
}

/// Puts tensors into some of a model's entries; the others keep their values. `path` is for messages.
///
/// # Errors
/// [`Error::Weights`] where a tensor is none of the model's or has another shape; the model is unchanged then.
pub fn apply_part(set: &ParameterSet, mut dict: HostDict, path: &Path) -> Result<()> {
    let mut found = Vec::new();
    for (name, value) in set.entries() {
        let Some(tensor) = dict.remove(name).filter(|_| !matches!(value, Value::Derived(_))) else { continue };
        let expected = expected_shape(value);
        if !fits(value, &tensor) {
            let message = format!("tensor `{name}` has shape {:?}, the model needs {expected:?}", (&tensor).shape());
            return Err(Error::Weights { path: path.to_owned(), message });
        }
        found.push((value, tensor));
    }
    if let Some(name) = dict.keys().next() {
        let message = format!("tensor `{name}` is none of the model's");
        return Err(Error::Weights { path: path.to_owned(), message });
    }
    found.into_iter().try_for_each(|(value, host)| put(value, host))
}

fn expected_shape(value: &Value) -> &[usize] {
    match value {
        Value::Parameter(tensor) | Value::Buffer(tensor) => tensor.shape().dims(),
        Value::Counter(_) | Value::Derived(_) => &[],
    }
}

/// Whether a tensor has an entry's shape; a counter may also be a list of one, and what follows from the settings may have any.
pub fn fits(value: &Value, host: &HostTensor) -> bool {
    match value {
        Value::Counter(_) => matches!(host.shape(), [] | [1]),
        Value::Derived(_) => true,
        _ => host.shape() == expected_shape(value),
    }
}

/// Overwrites an entry by values of its shape.
fn put(value: &Value, host: HostTensor) -> Result<()> {
    match (value, host) {
        (Value::Parameter(tensor) | Value::Buffer(tensor), HostTensor::F32(_, values)) => tensor.write(&values),
        (Value::Parameter(tensor) | Value::Buffer(tensor), HostTensor::I64(count)) => tensor.write(&[count as f32]),
        (Value::Parameter(tensor) | Value::Buffer(tensor), HostTensor::Indices(_, values)) => {
            tensor.write(&values.iter().map(|value| *value as f32).collect::<Vec<_>>())
        }
        (Value::Derived(_), _) => Ok(()),
        (Value::Counter(counter), host) => {
            counter.set(match host {
                HostTensor::I64(count) => count,
                HostTensor::Indices(_, values) => values.first().copied().unwrap_or(0),
                // A counter stored as a float32 scalar.
                HostTensor::F32(_, values) => values.first().copied().unwrap_or(0.0) as i64,
            });
            Ok(())
        }
    }
}

fn listing(what: &str, names: &[&str]) -> Option<String> {
    match names {
        [] => None,
        _ if names.len() > 3 => Some(format!("{what} {} tensors (`{}`, …)", names.len(), names[..3].join("`, `"))),
        _ => Some(format!("{what} `{}`", names.join("`, `"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with the tensor `n` of this type, shape and bytes.
    fn stored(dtype: Dtype, shape: &[usize], bytes: &[u8]) -> Result<HostDict> {
        let view = safetensors::tensor::TensorView::new(dtype, shape.to_vec(), bytes).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), safetensors::serialize([("n", view)], None).unwrap()).unwrap();
        read(file.path())
    }

    #[test]
    fn counters_of_other_writers_are_read() {
        for shape in [&[][..], &[1]] {
            for dict in [stored(Dtype::I64, shape, &(-7i64).to_le_bytes()), stored(Dtype::I32, shape, &(-7i32).to_le_bytes())] {
                assert_eq!(dict.unwrap()["n"], HostTensor::I64(-7));
            }
        }
        let message = stored(Dtype::I32, &[2], &[0; 8]).unwrap_err().to_string();
        assert!(message.contains("`n` is I32 of shape [2]") && message.contains("num_batches_tracked"), "{message}");
        let message = stored(Dtype::F64, &[2], &[0; 16]).unwrap_err().to_string();
        assert!(message.contains("weights convert"), "{message}");
        let counter = Value::Counter(std::rc::Rc::new(std::cell::Cell::new(0)));
        assert!(fits(&counter, &HostTensor::F32(vec![1], vec![3.0])) && !fits(&counter, &HostTensor::F32(vec![2], vec![3.0; 2])));
    }

    #[test]
    fn halves_are_widened_exactly() {
        // 1.5, the smallest number above 0, and -infinity in float16; the same patterns in bfloat16.
        let bytes = [0x3e00_u16, 0x0001, 0xfc00].map(u16::to_le_bytes).concat();
        let wanted = HostTensor::F32(vec![3], vec![1.5, 2.0_f32.powi(-24), f32::NEG_INFINITY]);
        assert_eq!(stored(Dtype::F16, &[3], &bytes).unwrap()["n"], wanted);
        let upper = [0x3e00_u16, 0x0001, 0xfc00].map(|bits| f32::from_bits(u32::from(bits) << 16));
        assert_eq!(stored(Dtype::BF16, &[3], &bytes).unwrap()["n"], HostTensor::F32(vec![3], upper.to_vec()));
    }

    #[test]
    fn a_file_without_tensors_is_read_again() {
        let path = std::env::temp_dir().join(format!("meltcore-no-tensors-{}.safetensors", std::process::id()));
        for metadata in [HashMap::new(), HashMap::from([("format".to_owned(), "pt".to_owned())])] {
            write(&path, &HostDict::new(), metadata).unwrap();
            assert!(read(&path).unwrap().is_empty());
        }
        std::fs::remove_file(&path).unwrap();
    }
}
