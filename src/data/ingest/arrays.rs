//! GDAL's multidimensional arrays, for reading: handles that release themselves, attributes as values, errors as messages.
//!
//! Source: GDAL's multidimensional raster API (<https://gdal.org/api/raster_c_api.html>). The `gdal` crate wraps it with lifetimes that a
//! source which stays open cannot hold, and reads an attribute without values through a null pointer.

use std::ffi::{CStr, CString, c_char};

use gdal::Dataset;
use gdal::spatial_ref::SpatialRef;
use gdal_sys as sys;

use super::encoding::Stored;

/// A group of variables; the dataset that it is of must outlive it.
pub(super) struct Group(sys::GDALGroupH);

/// A variable; the dataset that it is of must outlive it.
pub(super) struct Array {
    handle: sys::GDALMDArrayH,
    /// Axes in the order of the file, the last of them fastest.
    pub dimensions: Vec<Dimension>,
}

/// An axis of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dimension {
    pub name: String,
    pub size: usize,
}

/// An attribute of a variable.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Attribute {
    /// Whole numbers.
    Integers(Vec<f64>),
    /// Floating-point numbers.
    Floats(Vec<f64>),
    /// Text; of several the first.
    Text(String),
}

impl Drop for Group {
    fn drop(&mut self) {
        // SAFETY: the handle came from GDAL and is released once.
        unsafe { sys::GDALGroupRelease(self.0) }
    }
}

impl Drop for Array {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { sys::GDALMDArrayRelease(self.handle) }
    }
}

impl Group {
    /// The outermost group of a dataset that was opened for its arrays.
    pub fn root(dataset: &Dataset) -> Option<Group> {
        // SAFETY: the dataset is open.
        let handle = unsafe { sys::GDALDatasetGetRootGroup(dataset.c_dataset()) };
        (!handle.is_null()).then_some(Group(handle))
    }

    /// A group inside.
    pub fn group(&self, name: &str) -> Option<Group> {
        let name = CString::new(name).ok()?;
        // SAFETY: the group is open, the name outlives the call, and null means no options.
        let handle = unsafe { sys::GDALGroupOpenGroup(self.0, name.as_ptr(), std::ptr::null_mut()) };
        (!handle.is_null()).then_some(Group(handle))
    }

    /// Names of the groups inside.
    pub fn group_names(&self) -> Vec<String> {
        // SAFETY: as above; the list is ours.
        unsafe { taken_list(sys::GDALGroupGetGroupNames(self.0, std::ptr::null_mut())) }
    }

    /// A variable inside.
    pub fn array(&self, name: &str) -> Option<Array> {
        let name = CString::new(name).ok()?;
        // SAFETY: as above.
        let handle = unsafe { sys::GDALGroupOpenMDArray(self.0, name.as_ptr(), std::ptr::null_mut()) };
        if handle.is_null() {
            return None;
        }
        let mut array = Array { handle, dimensions: Vec::new() };
        array.dimensions = array.read_dimensions();
        Some(array)
    }

    /// Names of the variables inside.
    pub fn array_names(&self) -> Vec<String> {
        // SAFETY: as above.
        unsafe { taken_list(sys::GDALGroupGetMDArrayNames(self.0, std::ptr::null_mut())) }
    }
}

impl Array {
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
    pub fn stored(&self) -> Option<Stored> {
        // SAFETY: the array is open; the type is ours and released once.
        unsafe {
            let kind = sys::GDALMDArrayGetDataType(self.handle);
            let is_numeric = sys::GDALExtendedDataTypeGetClass(kind) == sys::GDALExtendedDataTypeClass::GEDTC_NUMERIC;
            let stored = is_numeric.then(|| Stored::of_gdal(sys::GDALExtendedDataTypeGetNumericDataType(kind) as u32)).flatten();
            sys::GDALExtendedDataTypeRelease(kind);
            stored
        }
    }

    /// An attribute; none where it is absent or has no value.
    pub fn attribute(&self, name: &str) -> Option<Attribute> {
        let name = CString::new(name).ok()?;
        // SAFETY: the array is open, the name outlives the call; attribute, type and numbers are ours and released once.
        unsafe {
            let attribute = sys::GDALMDArrayGetAttribute(self.handle, name.as_ptr());
            if attribute.is_null() {
                return None;
            }
            let kind = sys::GDALAttributeGetDataType(attribute);
            let class = sys::GDALExtendedDataTypeGetClass(kind);
            let number = sys::GDALExtendedDataTypeGetNumericDataType(kind);
            sys::GDALExtendedDataTypeRelease(kind);
            let value = if class == sys::GDALExtendedDataTypeClass::GEDTC_NUMERIC {
                let mut count = 0;
                let numbers = sys::GDALAttributeReadAsDoubleArray(attribute, &mut count);
                let values: Vec<f64> = (0..if numbers.is_null() { 0 } else { count }).map(|index| *numbers.add(index)).collect();
                sys::VSIFree(numbers.cast());
                let is_float = matches!(Stored::of_gdal(number as u32), Some(Stored::Float32 | Stored::Float64));
                (!values.is_empty()).then_some(if is_float { Attribute::Floats(values) } else { Attribute::Integers(values) })
            } else {
                let words = sys::GDALAttributeReadAsString(attribute);
                (!words.is_null()).then(|| Attribute::Text(text(words)))
            };
            sys::GDALAttributeRelease(attribute);
            value
        }
    }

    /// An attribute of text.
    pub fn text_of(&self, name: &str) -> Option<String> {
        match self.attribute(name)? {
            Attribute::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The unit, which GDAL takes from the attributes of some formats.
    pub fn unit(&self) -> Option<String> {
        // SAFETY: the array is open and owns the text.
        let unit = text(unsafe { sys::GDALMDArrayGetUnit(self.handle) });
        if unit.is_empty() { self.text_of("units") } else { Some(unit) }
    }

    /// The value that stands for none, where the format has a place of its own for it.
    pub fn no_data(&self) -> Option<f64> {
        let mut has = 0;
        // SAFETY: the array is open.
        let value = unsafe { sys::GDALMDArrayGetNoDataValueAsDouble(self.handle, &mut has) };
        (has != 0).then_some(value)
    }

    /// The coordinate system.
    pub fn crs(&self) -> Option<SpatialRef> {
        // SAFETY: the array is open; the handle is ours, copied, and released once.
        unsafe {
            let handle = sys::GDALMDArrayGetSpatialRef(self.handle);
            if handle.is_null() {
                return None;
            }
            let crs = SpatialRef::from_c_obj(handle).ok();
            sys::OSRRelease(handle);
            crs
        }
    }

    /// The samples of a block as float64, the last axis fastest; an error is a message.
    pub fn read(&self, start: &[usize], count: &[usize]) -> Result<Vec<f64>, String> {
        if start.len() != self.dimensions.len() || count.len() != self.dimensions.len() {
            return Err(format!("{} axes are read of {}", start.len(), self.dimensions.len()));
        }
        let samples = count.iter().try_fold(1usize, |product, count| product.checked_mul(*count)).ok_or("it is too large")?;
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

    /// All samples.
    pub fn read_all(&self) -> Result<Vec<f64>, String> {
        let count: Vec<usize> = self.dimensions.iter().map(|dimension| dimension.size).collect();
        self.read(&vec![0; count.len()], &count)
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
