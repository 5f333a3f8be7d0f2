//! GDAL's multidimensional arrays, for reading: handles that release themselves, attributes as values, errors as messages.
//!
//! Source: GDAL's multidimensional raster API (<https://gdal.org/api/raster_c_api.html>). The `gdal` crate wraps it with lifetimes that a
//! source which stays open cannot hold, and reads an attribute without values through a null pointer.

use std::ffi::{CStr, CString, c_char};
use std::path::Path;
use std::rc::Rc;

use gdal::Dataset;
use gdal::spatial_ref::SpatialRef;
use gdal_sys as sys;

use super::arrays::{Array, Attribute, Dimension, Group};
use super::encoding::Stored;
use crate::data::gdal_library::open_arrays;
use crate::error::Result;

/// Groups inside each other further than this are not looked at.
const DEEPEST: usize = 32;

/// The outermost group of a file or folder of variables with named axes (NetCDF, Zarr); none where GDAL knows no such axes in it.
///
/// # Errors
/// [`Error::Input`](crate::error::Error::Input) where the path is no UTF-8.
pub(super) fn open(path: &Path) -> Result<Option<Group>> {
    let Some(dataset) = open_arrays(path)? else { return Ok(None) };
    let dataset = Rc::new(dataset);
    // SAFETY: the dataset is open.
    let root = unsafe { sys::GDALDatasetGetRootGroup(dataset.c_dataset()) };
    Ok((!root.is_null()).then(|| GroupHandle(root).read(&dataset, 0)))
}

/// A group of variables; the dataset that it is of must outlive it.
struct GroupHandle(sys::GDALGroupH);

/// A variable with the dataset that it is of: fields are dropped in order, after the handle is released.
struct ArrayHandle {
    handle: sys::GDALMDArrayH,
    _dataset: Rc<Dataset>,
}

impl Drop for GroupHandle {
    fn drop(&mut self) {
        // SAFETY: the handle came from GDAL and is released once.
        unsafe { sys::GDALGroupRelease(self.0) }
    }
}

impl Drop for ArrayHandle {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { sys::GDALMDArrayRelease(self.handle) }
    }
}

impl GroupHandle {
    fn read(&self, dataset: &Rc<Dataset>, depth: usize) -> Group {
        let mut all = Group::default();
        for name in self.array_names() {
            all.arrays.extend(self.array(&name, dataset).map(|array| (name, array.read_all())));
        }
        for name in self.group_names().into_iter().filter(|_| depth < DEEPEST) {
            all.groups.extend(self.group(&name).map(|group| (name, group.read(dataset, depth + 1))));
        }
        all
    }

    fn group(&self, name: &str) -> Option<GroupHandle> {
        let name = CString::new(name).ok()?;
        // SAFETY: the group is open, the name outlives the call, and null means no options.
        let handle = unsafe { sys::GDALGroupOpenGroup(self.0, name.as_ptr(), std::ptr::null_mut()) };
        (!handle.is_null()).then_some(GroupHandle(handle))
    }

    fn group_names(&self) -> Vec<String> {
        // SAFETY: as above; the list is ours.
        unsafe { taken_list(sys::GDALGroupGetGroupNames(self.0, std::ptr::null_mut())) }
    }

    fn array(&self, name: &str, dataset: &Rc<Dataset>) -> Option<ArrayHandle> {
        let name = CString::new(name).ok()?;
        // SAFETY: as above.
        let handle = unsafe { sys::GDALGroupOpenMDArray(self.0, name.as_ptr(), std::ptr::null_mut()) };
        (!handle.is_null()).then(|| ArrayHandle { handle, _dataset: dataset.clone() })
    }

    fn array_names(&self) -> Vec<String> {
        // SAFETY: as above.
        unsafe { taken_list(sys::GDALGroupGetMDArrayNames(self.0, std::ptr::null_mut())) }
    }
}

impl ArrayHandle {
    /// All that is known of it but its samples.
    fn read_all(self) -> Array {
        let mut attributes = self.attributes();
        // Of some formats GDAL takes the unit out of the attributes.
        let unit = self.unit();
        if !unit.is_empty() && !attributes.iter().any(|(name, _)| name == "units") {
            attributes.push(("units".into(), Attribute::Text(unit)));
        }
        let (dimensions, stored, no_data, crs) = (self.read_dimensions(), self.stored(), self.no_data(), self.crs());
        let read_block = Rc::new(move |start: &[usize], count: &[usize]| self.read(start, count));
        Array { dimensions, stored, attributes, no_data, crs, read_block }
    }

    fn read_dimensions(&self) -> Vec<Dimension> {
        let mut count = 0;
        // SAFETY: the array is open; the list and the handles in it are ours, and each is released once.
        unsafe {
            let list = sys::GDALMDArrayGetDimensions(self.handle, &mut count);
            let dimensions = (0..if list.is_null() { 0 } else { count }).map(|index| {
                let dimension = *list.add(index);
                Dimension {
                    name: text(sys::GDALDimensionGetName(dimension)),
                    size: usize::try_from(sys::GDALDimensionGetSize(dimension)).unwrap_or(usize::MAX),
                }
            });
            let dimensions = dimensions.collect();
            if !list.is_null() {
                sys::GDALReleaseDimensions(list, count);
            }
            dimensions
        }
    }

    /// How its samples are stored; none where they are no numbers.
    fn stored(&self) -> Option<Stored> {
        // SAFETY: the array is open; the type is ours and released once.
        unsafe {
            let kind = sys::GDALMDArrayGetDataType(self.handle);
            let is_numeric = sys::GDALExtendedDataTypeGetClass(kind) == sys::GDALExtendedDataTypeClass::GEDTC_NUMERIC;
            let stored = is_numeric.then(|| Stored::of_gdal(sys::GDALExtendedDataTypeGetNumericDataType(kind) as u32)).flatten();
            sys::GDALExtendedDataTypeRelease(kind);
            stored
        }
    }

    fn attributes(&self) -> Vec<(String, Attribute)> {
        let mut count = 0;
        let mut found = Vec::new();
        // SAFETY: the array is open and null means no options; the list and the attributes in it are ours, and each is released once.
        unsafe {
            let list = sys::GDALMDArrayGetAttributes(self.handle, &mut count, std::ptr::null_mut());
            for index in 0..if list.is_null() { 0 } else { count } {
                let attribute = *list.add(index);
                let name = text(sys::GDALAttributeGetName(attribute));
                found.extend(Self::value(attribute).map(|value| (name, value)));
            }
            if !list.is_null() {
                sys::GDALReleaseAttributes(list, count);
            }
        }
        found
    }

    /// An attribute's value; none where it has none.
    ///
    /// # Safety
    /// The attribute is open.
    unsafe fn value(attribute: sys::GDALAttributeH) -> Option<Attribute> {
        // SAFETY: type and numbers are ours and released once.
        unsafe {
            let kind = sys::GDALAttributeGetDataType(attribute);
            let class = sys::GDALExtendedDataTypeGetClass(kind);
            let number = sys::GDALExtendedDataTypeGetNumericDataType(kind);
            sys::GDALExtendedDataTypeRelease(kind);
            if class == sys::GDALExtendedDataTypeClass::GEDTC_NUMERIC {
                let mut count = 0;
                let numbers = sys::GDALAttributeReadAsDoubleArray(attribute, &mut count);
                let values: Vec<f64> = (0..if numbers.is_null() { 0 } else { count }).map(|index| *numbers.add(index)).collect();
                sys::VSIFree(numbers.cast());
                let is_float = matches!(Stored::of_gdal(number as u32), Some(Stored::Float32 | Stored::Float64));
                (!values.is_empty()).then_some(if is_float { Attribute::Floats(values) } else { Attribute::Integers(values) })
            } else {
                let words = sys::GDALAttributeReadAsString(attribute);
                (!words.is_null()).then(|| Attribute::Text(text(words)))
            }
        }
    }

    fn unit(&self) -> String {
        // SAFETY: the array is open and owns the text.
        text(unsafe { sys::GDALMDArrayGetUnit(self.handle) })
    }

    /// The value that stands for none, where the format has a place of its own for it.
    fn no_data(&self) -> Option<f64> {
        let mut has = 0;
        // SAFETY: the array is open.
        let value = unsafe { sys::GDALMDArrayGetNoDataValueAsDouble(self.handle, &mut has) };
        (has != 0).then_some(value)
    }

    /// The coordinate system as WKT.
    fn crs(&self) -> Option<String> {
        // SAFETY: the array is open; the handle is ours, copied, and released once.
        let crs = unsafe {
            let handle = sys::GDALMDArrayGetSpatialRef(self.handle);
            if handle.is_null() {
                return None;
            }
            let crs = SpatialRef::from_c_obj(handle).ok();
            sys::OSRRelease(handle);
            crs
        };
        crs?.to_wkt().ok()
    }

    /// The samples of a block, which lies within the axes.
    fn read(&self, start: &[usize], count: &[usize]) -> Result<Vec<f64>, String> {
        let samples = count.iter().product();
        let mut values: Vec<f64> = Vec::new();
        values.try_reserve_exact(samples).map_err(|_| format!("{samples} values do not fit into memory"))?;
        values.resize(samples, 0.0);
        let start: Vec<u64> = start.iter().map(|at| *at as u64).collect();
        // SAFETY: start and count have one entry an axis (GDAL checks them against its length); the buffer holds as many float64 as the
        // counts multiply to, and GDAL is told its size; null steps and strides mean adjacent values. The type is released once.
        let read = unsafe {
            sys::CPLErrorReset();
            let kind = sys::GDALExtendedDataTypeCreate(sys::GDALDataType::GDT_Float64);
            let buffer: *mut f64 = values.as_mut_ptr();
            let (steps, strides) = (std::ptr::null(), std::ptr::null());
            let bytes = size_of_val(&values[..]);
            let read = sys::GDALMDArrayRead(
                self.handle,
                start.as_ptr(),
                count.as_ptr(),
                steps,
                strides,
                kind,
                buffer.cast(),
                buffer.cast(),
                bytes,
            );
            sys::GDALExtendedDataTypeRelease(kind);
            read
        };
        if read == 0 { Err(crate::data::gdal_library::last_words()) } else { Ok(values) }
    }
}

/// Text that GDAL owns; empty for none.
fn text(words: *const c_char) -> String {
    // SAFETY: GDAL's texts end in a zero byte.
    if words.is_null() { String::new() } else { unsafe { CStr::from_ptr(words) }.to_string_lossy().into_owned() }
}

/// The texts of a list that GDAL hands over.
///
/// # Safety
/// `list` is null or a list of GDAL's that nobody else releases.
unsafe fn taken_list(list: *mut *mut c_char) -> Vec<String> {
    let mut words = Vec::new();
    if !list.is_null() {
        // SAFETY: the list ends in a null pointer, and is released once.
        unsafe {
            while !(*list.add(words.len())).is_null() {
                words.push(text(*list.add(words.len())));
            }
            sys::CSLDestroy(list);
        }
    }
    words
}
