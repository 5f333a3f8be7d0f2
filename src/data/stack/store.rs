//! Multidimensional arrays written through GDAL: handles that release themselves, and errors with GDAL's words.
//!
//! Source: GDAL's multidimensional raster API (<https://gdal.org/api/raster_c_api.html>), which the `gdal` crate wraps for reading only.

use std::ffi::{CString, c_int};
use std::path::{Path, PathBuf};

use gdal::DriverManager;
use gdal::cpl::CslStringList;
use gdal::raster::GdalType;
use gdal::spatial_ref::SpatialRef;
use gdal_sys as sys;

use crate::data::gdal_library::{last_words, quiet, reason};
use crate::error::{Error, Result};

pub(super) const FLOAT32: sys::GDALDataType::Type = sys::GDALDataType::GDT_Float32;
pub(super) const FLOAT64: sys::GDALDataType::Type = sys::GDALDataType::GDT_Float64;

/// A file or folder under construction.
pub(super) struct Store {
    dataset: sys::GDALDatasetH,
    root: sys::GDALGroupH,
    /// What messages name.
    path: PathBuf,
}

/// An axis.
pub(super) struct Dimension {
    handle: sys::GDALDimensionH,
    name: String,
}

/// A variable.
pub(super) struct Array<'a> {
    handle: sys::GDALMDArrayH,
    axes: usize,
    store: &'a Store,
}

/// The type of samples or of an attribute's text.
struct DataType(sys::GDALExtendedDataTypeH);

impl Drop for DataType {
    fn drop(&mut self) {
        // SAFETY: the handle came from GDALExtendedDataTypeCreate* and is released once.
        unsafe { sys::GDALExtendedDataTypeRelease(self.0) }
    }
}

impl DataType {
    fn number(kind: sys::GDALDataType::Type) -> DataType {
        // SAFETY: any value of the enumeration is accepted.
        DataType(unsafe { sys::GDALExtendedDataTypeCreate(kind) })
    }

    fn text() -> DataType {
        // SAFETY: 0 means any length.
        DataType(unsafe { sys::GDALExtendedDataTypeCreateString(0) })
    }
}

impl Drop for Dimension {
    fn drop(&mut self) {
        // SAFETY: the handle came from GDALGroupCreateDimension and is released once.
        unsafe { sys::GDALDimensionRelease(self.handle) }
    }
}

impl Dimension {
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Array<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle came from GDALGroupCreateMDArray and is released once.
        unsafe { sys::GDALMDArrayRelease(self.handle) }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.release();
    }
}

impl Store {
    /// Creates a store of a driver's kind under the name `file`; `path` is for messages.
    pub fn create(driver: &str, file: &str, path: &Path) -> Result<Store> {
        quiet();
        let failed = |text: &str| Error::output(path, format!("GDAL cannot create it ({text}); check the permissions of its folder"));
        let driver = DriverManager::get_driver_by_name(driver).map_err(|e| failed(&reason(&e)))?;
        let name = c_text(file, path)?;
        // SAFETY: the driver lives as long as the process, the name until the end of the call; null lists mean no options.
        let dataset =
            unsafe { sys::GDALCreateMultiDimensional(driver.c_driver(), name.as_ptr(), std::ptr::null_mut(), std::ptr::null_mut()) };
        if dataset.is_null() {
            return Err(failed(&last_words()));
        }
        // SAFETY: the dataset is open.
        let root = unsafe { sys::GDALDatasetGetRootGroup(dataset) };
        let store = Store { dataset, root, path: path.to_owned() };
        if root.is_null() { Err(store.failed()) } else { Ok(store) }
    }

    /// Writes everything out.
    pub fn close(mut self) -> Result<()> {
        // SAFETY: resets and reads this thread's own error state.
        unsafe { sys::CPLErrorReset() };
        self.release();
        // SAFETY: as above; closing reports failures only there.
        match unsafe { sys::CPLGetLastErrorType() } {
            sys::CPLErr::CE_Failure | sys::CPLErr::CE_Fatal => Err(self.failed()),
            _ => Ok(()),
        }
    }

    fn release(&mut self) {
        // SAFETY: both handles are released once, the group before its dataset; afterwards they are null.
        unsafe {
            if !self.root.is_null() {
                sys::GDALGroupRelease(std::mem::replace(&mut self.root, std::ptr::null_mut()));
            }
            if !self.dataset.is_null() {
                sys::GDALClose(std::mem::replace(&mut self.dataset, std::ptr::null_mut()));
            }
        }
    }

    fn failed(&self) -> Error {
        Error::output(
            &self.path,
            format!("GDAL cannot write it ({}); check the free space and the permissions of its folder", last_words()),
        )
    }

    /// Whether a call succeeded, as an error with GDAL's words.
    fn check(&self, success: c_int) -> Result<()> {
        if success == 0 { Err(self.failed()) } else { Ok(()) }
    }

    /// A text about the whole store.
    pub fn attribute(&self, key: &str, value: &str) -> Result<()> {
        let (key, data_type) = (c_text(key, &self.path)?, DataType::text());
        // SAFETY: group, name and type outlive the call; no dimensions make a single value.
        let handle =
            unsafe { sys::GDALGroupCreateAttribute(self.root, key.as_ptr(), 0, std::ptr::null(), data_type.0, std::ptr::null_mut()) };
        self.write_text(handle, value)
    }

    fn write_text(&self, attribute: sys::GDALAttributeH, value: &str) -> Result<()> {
        let value = c_text(value, &self.path)?;
        if attribute.is_null() {
            return Err(self.failed());
        }
        // SAFETY: the attribute was just created and is released once; GDAL copies the text.
        let written = unsafe {
            let written = sys::GDALAttributeWriteString(attribute, value.as_ptr());
            sys::GDALAttributeRelease(attribute);
            written
        };
        self.check(written)
    }

    /// An axis; `kind` is one of GDAL's (TEMPORAL, HORIZONTAL_X, HORIZONTAL_Y).
    pub fn dimension(&self, name: &str, kind: &str, size: usize) -> Result<Dimension> {
        let (c_name, kind) = (c_text(name, &self.path)?, c_text(kind, &self.path)?);
        // SAFETY: group and texts outlive the call; a null direction means none.
        let handle = unsafe {
            sys::GDALGroupCreateDimension(self.root, c_name.as_ptr(), kind.as_ptr(), std::ptr::null(), size as u64, std::ptr::null_mut())
        };
        if handle.is_null() { Err(self.failed()) } else { Ok(Dimension { handle, name: name.to_owned() }) }
    }

    /// A variable along some axes.
    pub fn array(&self, name: &str, axes: &[&Dimension], kind: sys::GDALDataType::Type, options: &[(&str, &str)]) -> Result<Array<'_>> {
        let (name, data_type) = (c_text(name, &self.path)?, DataType::number(kind));
        let options: CslStringList = options.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let mut axes: Vec<sys::GDALDimensionH> = axes.iter().map(|axis| axis.handle).collect();
        // SAFETY: all handles and the lists outlive the call; the count is that of the handles.
        let handle =
            unsafe { sys::GDALGroupCreateMDArray(self.root, name.as_ptr(), axes.len(), axes.as_mut_ptr(), data_type.0, options.as_ptr()) };
        if handle.is_null() { Err(self.failed()) } else { Ok(Array { handle, axes: axes.len(), store: self }) }
    }
}

impl Array<'_> {
    /// A text about the variable.
    pub fn attribute(&self, key: &str, value: &str) -> Result<()> {
        let (key, data_type) = (c_text(key, &self.store.path)?, DataType::text());
        // SAFETY: array, name and type outlive the call; no dimensions make a single value.
        let handle =
            unsafe { sys::GDALMDArrayCreateAttribute(self.handle, key.as_ptr(), 0, std::ptr::null(), data_type.0, std::ptr::null_mut()) };
        self.store.write_text(handle, value)
    }

    /// The unit of its values.
    pub fn unit(&self, unit: &str) -> Result<()> {
        let unit = c_text(unit, &self.store.path)?;
        // SAFETY: array and text outlive the call.
        self.store.check(unsafe { sys::GDALMDArraySetUnit(self.handle, unit.as_ptr()) })
    }

    /// The value that stands for none.
    pub fn no_data(&self, value: f64) -> Result<()> {
        // SAFETY: the array is open.
        self.store.check(unsafe { sys::GDALMDArraySetNoDataValueAsDouble(self.handle, value) })
    }

    /// Its coordinate system.
    pub fn crs(&self, crs: &SpatialRef) -> Result<()> {
        // SAFETY: array and system outlive the call; GDAL copies the system.
        self.store.check(unsafe { sys::GDALMDArraySetSpatialRef(self.handle, crs.to_c_hsrs()) })
    }

    /// Makes it the coordinates of an axis, where the format notes that apart from equal names.
    pub fn index(&self, axis: &Dimension) {
        // SAFETY: both handles are open. NetCDF knows coordinate variables by their names and declines; that changes nothing.
        unsafe { sys::GDALDimensionSetIndexingVariable(axis.handle, self.handle) };
    }

    /// Writes a block of values.
    pub fn write<T: GdalType>(&self, start: &[usize], count: &[usize], values: &[T]) -> Result<()> {
        if start.len() != self.axes || count.len() != self.axes || count.iter().product::<usize>() != values.len() {
            return Err(Error::shape("time stack", format!("{} values for a block of {count:?} at {start:?}", values.len())));
        }
        let (data_type, start) = (DataType::number(T::gdal_ordinal()), start.iter().map(|at| *at as u64).collect::<Vec<u64>>());
        // SAFETY: start and count have one entry an axis (GDAL checks them against its length), and the buffer holds as many values of this
        // type as the counts multiply to; null steps and strides mean adjacent values.
        let written = unsafe {
            sys::GDALMDArrayWrite(
                self.handle,
                start.as_ptr(),
                count.as_ptr(),
                std::ptr::null(),
                std::ptr::null(),
                data_type.0,
                values.as_ptr().cast(),
                values.as_ptr().cast(),
                size_of_val(values),
            )
        };
        self.store.check(written)
    }
}

fn c_text(text: &str, path: &Path) -> Result<CString> {
    CString::new(text).map_err(|_| Error::output(path, format!("a name or text holds a zero byte ({text:?})")))
}
