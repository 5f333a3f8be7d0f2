//! Shapes, and the only place where output sizes are computed.

use std::fmt;

use crate::error::{Error, Result};

/// Extents of a tensor, slowest axis first; empty for a scalar.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// Number of elements; 1 for a scalar.
    pub fn len(&self) -> usize {
        // Saturating: a shape too large to count is too large to allocate, and is refused there.
        self.0.iter().fold(1, |len: usize, &extent| len.saturating_mul(extent))
    }

    /// True where an extent is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The extents.
    pub fn dims(&self) -> &[usize] {
        &self.0
    }

    /// Output extent of a convolution or pooling along one axis: ⌊(size + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1.
    ///
    /// # Errors
    /// [`Error::Shape`] in the name of `op` where the window does not fit, or is 0 or larger than [`Shape::MAX_WINDOW`] in some respect.
    pub fn conv_output(op: &'static str, size: usize, kernel: usize, stride: usize, padding: usize, dilation: usize) -> Result<usize> {
        let possible = 1..=Self::MAX_WINDOW;
        if padding > Self::MAX_WINDOW || [kernel, stride, dilation].iter().any(|value| !possible.contains(value)) {
            let message = format!(
                "kernel {kernel}, stride {stride} and dilation {dilation} must be from 1 to {most}, padding {padding} at most {most}",
                most = Self::MAX_WINDOW
            );
            return Err(Error::shape(op, message));
        }
        let reach = dilation * (kernel - 1) + 1;
        if size + 2 * padding < reach {
            let message = format!(
                "a window of {reach} (kernel {kernel}, dilation {dilation}) at stride {stride} does not fit into {size} + 2·{padding} pixels"
            );
            return Err(Error::shape(op, message));
        }
        Ok((size + 2 * padding - reach) / stride + 1)
    }

    /// Output extent of a transposed convolution along one axis: (size − 1)·stride − 2·padding + kernel.
    ///
    /// # Errors
    /// [`Error::Shape`] where nothing is left or the stride is 0.
    pub fn conv_transpose_output(size: usize, kernel: usize, stride: usize, padding: usize) -> Result<usize> {
        let possible = 1..=Self::MAX_WINDOW;
        if padding > Self::MAX_WINDOW || [kernel, stride].iter().any(|value| !possible.contains(value)) {
            let most = Self::MAX_WINDOW;
            let message = format!("kernel {kernel} and stride {stride} must be from 1 to {most}, padding {padding} at most {most}");
            return Err(Error::shape("conv_transpose2d", message));
        }
        let full = size.saturating_sub(1).saturating_mul(stride).saturating_add(kernel);
        full.checked_sub(2 * padding).filter(|&size| size > 0).ok_or_else(|| {
            let message = format!("{size} pixels, kernel {kernel}, stride {stride}, padding {padding} leave no output");
            Error::shape("conv_transpose2d", message)
        })
    }

    /// Output extent of a resampling by a factor along one axis: ⌊size·factor⌋.
    ///
    /// # Errors
    /// [`Error::Shape`] where the factor is not a positive number, nothing is left, or the result exceeds [`Shape::MAX_SIDE`].
    pub fn scaled_output(size: usize, factor: f64) -> Result<usize> {
        let scaled = (size as f64 * factor).floor();
        if !(1.0..=Self::MAX_SIDE as f64).contains(&scaled) {
            return Err(Error::shape(
                "interpolate",
                format!("a scale factor of {factor} makes {scaled} pixels of {size}; 1 to {} are possible", Self::MAX_SIDE),
            ));
        }
        Ok(scaled as usize)
    }

    /// Output extent of zero padding along one axis: size + before + after.
    ///
    /// # Errors
    /// [`Error::Shape`] where the sum exceeds [`Shape::MAX_SIDE`].
    pub fn padded_output(size: usize, before: usize, after: usize) -> Result<usize> {
        let padded = size.checked_add(before).and_then(|sum| sum.checked_add(after)).filter(|&sum| sum <= Self::MAX_SIDE);
        padded.ok_or_else(|| Error::shape("pad", format!("{size} pixels padded by {before} and {after} are too many")))
    }

    /// Largest kernel, stride, padding and dilation: 2¹² pixels, so that products of them fit the kernels' 32-bit arithmetic.
    pub const MAX_WINDOW: usize = 1 << 12;

    /// Largest side of a map that ops make on request: 2²⁴ pixels, far beyond any scene, so that products of extents cannot overflow.
    pub const MAX_SIDE: usize = 1 << 24;
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        Shape(dims.to_vec())
    }
}

impl From<&[usize]> for Shape {
    fn from(dims: &[usize]) -> Self {
        Shape(dims.to_vec())
    }
}

impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Self {
        shape.clone()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<_> = self.0.iter().map(usize::to_string).collect();
        write!(f, "[{}]", dims.join(", "))
    }
}
