//! NetCDF files of all kinds through the crate `netcdf-reader`: classic, CDF-5 and NetCDF-4.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;

use netcdf_reader::{NcAttrValue, NcFile, NcGroup, NcMetadataMode, NcOpenOptions, NcSliceInfo, NcSliceInfoElem, NcType, NcVariable};

use super::arrays::{Array, Attribute, Dimension, Group};
use super::classic_netcdf::refuse_truncated;
use super::encoding::Stored;
use crate::data::file_head::fault_of;
use crate::data::mapped::{FileBytes, map_file};
use crate::error::{Error, Result};

/// More than this is not unpacked at once for a chunk of a file: no writer makes larger ones for maps.
const LARGEST_CHUNK: usize = 256 << 20;

/// More than this is not read at once: the part of a variable that lies under a map is far smaller.
const LARGEST_READ: usize = 4_000_000_000;

/// A file's content in the form that the crate asks for.
struct Content(FileBytes);

impl AsRef<[u8]> for Content {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Whether a file is NetCDF or HDF5 by its first bytes.
pub(super) fn is_netcdf(path: &Path) -> bool {
    let mut magic = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && (matches!(&magic, b"CDF\x01" | b"CDF\x02" | b"CDF\x05" | b"\x89HDF"))
}

/// The outermost group of a NetCDF file.
///
/// # Errors
/// [`Error::Input`] for a file that is damaged, or of a kind of HDF5 that has no axes.
pub(super) fn open(path: &Path) -> Result<Group> {
    refuse_truncated(path)?;
    if let Some(fault) = fault_of(path) {
        return Err(Error::input(path, format!("cannot be read: {fault}")));
    }
    let options = NcOpenOptions {
        metadata_mode: NcMetadataMode::Lossy,
        max_chunk_bytes: LARGEST_CHUNK,
        max_read_bytes: LARGEST_READ,
        ..NcOpenOptions::default()
    };
    let damaged = |e: netcdf_reader::Error| {
        Error::input(path, format!("cannot be read as NetCDF ({e}); it is damaged, or no NetCDF file: copy or download it again"))
    };
    let file = Rc::new(NcFile::from_owner(Content(map_file(path)?), options).map_err(damaged)?);
    let root = file.root_group().map_err(damaged)?;
    Ok(group_of(root, "", &file))
}

fn group_of(group: &NcGroup, place: &str, file: &Rc<NcFile>) -> Group {
    let full = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}/{name}") };
    let groups = group.groups.iter().map(|inner| (inner.name.clone(), group_of(inner, &full(&inner.name), file))).collect();
    let arrays = group.variables.iter().map(|variable| (variable.name.clone(), array_of(variable, full(&variable.name), file)));
    Group { groups, arrays: arrays.collect() }
}

fn array_of(variable: &NcVariable, name: String, file: &Rc<NcFile>) -> Array {
    let size = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    let dimensions = variable.dimensions.iter().map(|axis| Dimension { name: axis.name.clone(), size: size(axis.size) });
    let attributes = variable.attributes.iter().filter_map(|attribute| Some((attribute.name.clone(), value_of(&attribute.value)?)));
    let file = file.clone();
    let read_block = move |start: &[usize], count: &[usize]| {
        let axis =
            |(start, count): (&usize, &usize)| NcSliceInfoElem::Slice { start: *start as u64, end: (*start + *count) as u64, step: 1 };
        let selection = NcSliceInfo { selections: start.iter().zip(count).map(axis).collect() };
        let values = file.read_variable_slice_as_f64(&name, &selection).map_err(|e| e.to_string())?;
        Ok(values.into_iter().collect())
    };
    Array {
        dimensions: dimensions.collect(),
        stored: stored_of(&variable.dtype),
        attributes: attributes.collect(),
        no_data: None,
        crs: None,
        read_block: Rc::new(read_block),
    }
}

fn stored_of(kind: &NcType) -> Option<Stored> {
    Some(match kind {
        NcType::Byte => Stored::Signed(8),
        NcType::Short => Stored::Signed(16),
        NcType::Int => Stored::Signed(32),
        NcType::Int64 => Stored::Signed(64),
        NcType::UByte => Stored::Unsigned(8),
        NcType::UShort => Stored::Unsigned(16),
        NcType::UInt => Stored::Unsigned(32),
        NcType::UInt64 => Stored::Unsigned(64),
        NcType::Float => Stored::Float32,
        NcType::Double => Stored::Float64,
        NcType::Enum { base, .. } => stored_of(base)?,
        _ => return None,
    })
}

/// An attribute's value; `None` where it has none, or is of a type of the file's own.
fn value_of(value: &NcAttrValue) -> Option<Attribute> {
    fn all<T: Copy + Into<f64>>(values: &[T]) -> Vec<f64> {
        values.iter().map(|value| (*value).into()).collect()
    }
    let value = match value {
        NcAttrValue::Bytes(values) => Attribute::Integers(all(values)),
        NcAttrValue::UBytes(values) => Attribute::Integers(all(values)),
        NcAttrValue::Shorts(values) => Attribute::Integers(all(values)),
        NcAttrValue::UShorts(values) => Attribute::Integers(all(values)),
        NcAttrValue::Ints(values) => Attribute::Integers(all(values)),
        NcAttrValue::UInts(values) => Attribute::Integers(all(values)),
        NcAttrValue::Int64s(values) => Attribute::Integers(values.iter().map(|value| *value as f64).collect()),
        NcAttrValue::UInt64s(values) => Attribute::Integers(values.iter().map(|value| *value as f64).collect()),
        NcAttrValue::Floats(values) => Attribute::Floats(all(values)),
        NcAttrValue::Doubles(values) => Attribute::Floats(all(values)),
        NcAttrValue::Chars(text) => Attribute::Text(text.trim_end_matches('\0').to_owned()),
        NcAttrValue::Strings(texts) => Attribute::Text(texts.first()?.clone()),
        _ => return None,
    };
    let is_empty = matches!(&value, Attribute::Integers(numbers) | Attribute::Floats(numbers) if numbers.is_empty());
    (!is_empty).then_some(value)
}
