//! What follows the sums of a convolution in the same pass: y = act(sum · scale + bias), a channel each.

use crate::error::{Error, Result};
use crate::kernels::activation::Activation;
use crate::tensor::{Shape, Tensor};

/// Scale and bias a channel, `[c_out]` each, and an activation; the default changes nothing.
#[derive(Clone, Copy, Default)]
pub struct Epilogue<'a> {
    /// Factors; 1 where there are none. Batch norm in evaluation has some.
    pub scale: Option<&'a Tensor>,
    /// Summands; 0 where there are none.
    pub bias: Option<&'a Tensor>,
    /// What follows.
    pub activation: Activation,
}

impl<'a> Epilogue<'a> {
    /// A bias alone.
    pub fn bias(bias: Option<&'a Tensor>) -> Self {
        Epilogue { bias, ..Epilogue::default() }
    }

    /// Whether there are a bias and a scale, as parameter structs hold it.
    pub(in crate::kernels) fn flags(&self) -> [u32; 2] {
        [self.bias, self.scale].map(|tensor| tensor.is_some().into())
    }

    /// Refuses a scale or bias that has not one value for each of `channels`.
    pub(in crate::kernels) fn check(&self, op: &'static str, channels: usize) -> Result<()> {
        for (name, tensor) in [("scale", self.scale), ("bias", self.bias)] {
            if let Some(tensor) = tensor.filter(|tensor| *tensor.shape() != Shape::from([channels])) {
                return Err(Error::shape(op, format!("{name} has shape {}, expected [{channels}]", tensor.shape())));
            }
        }
        Ok(())
    }
}
