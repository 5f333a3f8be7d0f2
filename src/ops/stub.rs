#![allow(missing_docs, unused)]
use crate::{autograd::Tape, error::Result, tensor::Tensor};
pub fn mul_scalar(tape: &Tape, p: &Tensor, dim: f32) -> Result<Tensor> {
    todo!()
}
