//! A tensor: identity, shape and buffer. No arithmetic here.

mod shape;

use std::cell::Cell;
use std::ops::Range;

pub use shape::Shape;

use crate::error::{Error, Result};
use crate::gpu::{Buffer, Gpu};

/// Identity of a tensor on the tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(u64);

/// What has an identity and a shape.
pub trait Named {
    /// Identity on the tape.
    fn id(&self) -> TensorId;

    /// The shape.
    fn shape(&self) -> &Shape;
}

/// Identity and shape of a tensor without its values: what a gradient needs to find its way, where it needs no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    id: TensorId,
    shape: Shape,
}

impl Named for Name {
    fn id(&self) -> TensorId {
        self.id
    }

    fn shape(&self) -> &Shape {
        &self.shape
    }
}

impl Named for Tensor {
    fn id(&self) -> TensorId {
        self.id
    }

    fn shape(&self) -> &Shape {
        &self.shape
    }
}

impl<T: Named> Named for &T {
    fn id(&self) -> TensorId {
        (**self).id()
    }

    fn shape(&self) -> &Shape {
        (**self).shape()
    }
}

thread_local! {
    static NEXT_ID: Cell<u64> = const { Cell::new(0) };
}

fn next_id() -> TensorId {
    NEXT_ID.with(|next| {
        let id = next.get();
        next.set(id + 1);
        TensorId(id)
    })
}

/// A float32 array on the device, row-major (NCHW where it has four axes). Clones share the buffer and the identity.
#[derive(Clone)]
pub struct Tensor {
    id: TensorId,
    shape: Shape,
    buffer: Buffer,
    gpu: Gpu,
}

impl Tensor {
    /// A tensor with unspecified contents.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn empty(gpu: &Gpu, shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into();
        let buffer = gpu.allocate(shape.len())?;
        Ok(Tensor { id: next_id(), shape, buffer, gpu: gpu.clone() })
    }

    /// A tensor holding `values`.
    ///
    /// # Errors
    /// [`Error::Shape`] where the number of values does not fit, [`Error::OutOfMemory`].
    pub fn from_slice(gpu: &Gpu, shape: impl Into<Shape>, values: &[f32]) -> Result<Self> {
        let shape = shape.into();
        if shape.len() != values.len() {
            return Err(Error::shape("tensor", format!("shape {shape} needs {} values, got {}", shape.len(), values.len())));
        }
        let tensor = Tensor::empty(gpu, shape)?;
        gpu.write(&tensor.buffer, values);
        Ok(tensor)
    }

    /// A tensor filled with one value.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn full(gpu: &Gpu, shape: impl Into<Shape>, value: f32) -> Result<Self> {
        let tensor = Tensor::empty(gpu, shape)?;
        if !gpu.is_planner() {
            let mut values = Self::host_values(tensor.len())?;
            values.resize(tensor.len(), value);
            gpu.write(&tensor.buffer, &values);
        }
        Ok(tensor)
    }

    /// An empty vector with room for `len` values on their way to a tensor.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] where this process may not have as much.
    pub(crate) fn host_values(len: usize) -> Result<Vec<f32>> {
        let mut values = Vec::new();
        let refused = || Error::OutOfMemory(format!("this process may not have another {} MiB", len >> 18));
        values.try_reserve_exact(len).map_err(|_| refused())?;
        Ok(values)
    }

    /// The same buffer under another shape (a new identity: the tape does not connect them).
    ///
    /// # Errors
    /// [`Error::Shape`] where the number of elements differs.
    pub fn reshaped(&self, shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into();
        if shape.len() != self.shape.len() {
            return Err(Error::shape("reshape", format!("{} has {} elements, {shape} has {}", self.shape, self.shape.len(), shape.len())));
        }
        Ok(Tensor { id: next_id(), shape, buffer: self.buffer.clone(), gpu: self.gpu.clone() })
    }

    /// The images `range` of the first axis, in the same buffer (a new identity).
    ///
    /// # Errors
    /// [`Error::Shape`] where there are no such images, or they do not begin where a kernel may ([`Buffer::part`]).
    pub fn images(&self, range: Range<usize>) -> Result<Self> {
        let bad = || Error::shape("images", format!("{range:?} of {} cannot be taken on their own", self.shape));
        let (&n, rest) = self.shape.dims().split_first().ok_or_else(bad)?;
        if range.start >= range.end || range.end > n {
            return Err(bad());
        }
        let (count, each) = (range.end - range.start, self.len() / n);
        let buffer = self.buffer.part(range.start * each, count * each).ok_or_else(bad)?;
        let dims: Vec<usize> = [&[count], rest].concat();
        Ok(Tensor { id: next_id(), shape: Shape::from(dims.as_slice()), buffer, gpu: self.gpu.clone() })
    }

    /// The values from the value `first` on under a shape, in the same buffer (a new identity), up to the next beginning of a part.
    ///
    /// # Errors
    /// [`Error::Shape`] where they are not all there, or do not begin where a kernel may ([`Buffer::part`]).
    pub fn part(&self, first: usize, shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into();
        let rest = self.len().saturating_sub(first);
        let words = shape.len().next_multiple_of(Buffer::PART_ALIGNMENT).min(rest);
        let buffer = (shape.len() <= rest).then(|| self.buffer.part(first, words)).flatten();
        let bad = || Error::shape("part", format!("{shape} from the value {first} of {} cannot be taken on its own", self.shape));
        Ok(Tensor { id: next_id(), buffer: buffer.ok_or_else(bad)?, shape, gpu: self.gpu.clone() })
    }

    /// The array that this one is a part of, as one axis, and the value in it with which it begins; `None` of a whole one.
    pub(crate) fn within(&self) -> Option<(Tensor, usize)> {
        let (buffer, first) = self.buffer.within()?;
        let shape = Shape::from([(buffer.bytes() / 4) as usize]);
        Some((Tensor { id: next_id(), shape, buffer, gpu: self.gpu.clone() }, first))
    }

    /// Overwrites the contents.
    ///
    /// # Errors
    /// [`Error::Shape`] where the number of values does not fit.
    pub fn write(&self, values: &[f32]) -> Result<()> {
        if values.len() != self.shape.len() {
            return Err(Error::shape("tensor", format!("shape {} takes {} values, got {}", self.shape, self.shape.len(), values.len())));
        }
        self.gpu.write(&self.buffer, values);
        Ok(())
    }

    /// Reads the contents back; waits for the device.
    ///
    /// # Errors
    /// [`Error::Device`] where the device failed.
    pub fn to_vec(&self) -> Result<Vec<f32>> {
        self.gpu.read(&self.buffer, self.shape.len())
    }

    /// Identity on the tape.
    pub fn id(&self) -> TensorId {
        self.id
    }

    /// Identity and shape.
    pub fn name(&self) -> Name {
        Name { id: self.id, shape: self.shape.clone() }
    }

    /// The same values as those of the tensor of this name.
    ///
    /// # Errors
    /// [`Error::Shape`] where the number of elements differs.
    pub(crate) fn named(&self, name: &Name) -> Result<Self> {
        Ok(Tensor { id: name.id, ..self.reshaped(&name.shape)? })
    }

    /// The shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.len()
    }

    /// True for a tensor without elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The storage buffer; its length is rounded up, contents past `len` are unspecified.
    pub fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// The device.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// `[n, c, h, w]` of a four-dimensional tensor.
    ///
    /// # Errors
    /// [`Error::Shape`], in the name of `op`, where it has another number of axes or no elements.
    pub fn nchw(&self, op: &'static str) -> Result<[usize; 4]> {
        match *self.shape.dims() {
            [n, c, h, w] if !self.is_empty() => Ok([n, c, h, w]),
            _ => Err(Error::shape(op, format!("expected a non-empty tensor [n, c, h, w], got {}", self.shape))),
        }
    }
}
