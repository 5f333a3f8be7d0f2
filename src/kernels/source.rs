//! What convolutions read: a tensor as it is stored, or what a batch norm and a rectifier make of it, computed as it is read, so that
//! nobody writes it. Shader: `shaders/shared/source.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Buffer, Capabilities};
use crate::kernels::activation::Activation;
use crate::kernels::batch_norm::Saved;
use crate::kernels::epilogue::Epilogue;
use crate::tensor::Tensor;

/// A convolution's input.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// As it is stored.
    Stored(&'a Tensor),
    /// What [`batch_norm`](crate::kernels::batch_norm::batch_norm) makes of it, without an activation or with a rectifier.
    Normed(&'a Tensor, &'a Saved),
    /// max(x, 0).
    Rectified(&'a Tensor),
}

impl<'a> Source<'a> {
    /// What is stored.
    pub fn input(&self) -> &'a Tensor {
        match self {
            Source::Stored(input) | Source::Normed(input, _) | Source::Rectified(input) => input,
        }
    }

    /// Refuses what is not stored but for convolutions that read through it, activations that no kernel reads through, and norms of other
    /// channels than the `c` of the input.
    pub(in crate::kernels) fn check(&self, op: &'static str, c: usize, reads_through: impl FnOnce(&Capabilities) -> bool) -> Result<()> {
        if !self.is_stored() && !reads_through(self.input().gpu().capabilities()) {
            return Err(Error::shape(op, "this convolution does not read through a norm or a rectifier: compute it first"));
        }
        let Source::Normed(_, Saved { stats, weight, bias, activation, .. }) = self else { return Ok(()) };
        if !matches!(activation, Activation::None | Activation::Relu) {
            return Err(Error::shape(op, format!("{activation:?} behind a norm cannot be computed while it is read")));
        }
        let of_c = stats.shape().dims() == [c, 4] && [weight, bias].iter().all(|tensor| tensor.shape().dims() == [c]);
        of_c.then_some(()).ok_or_else(|| Error::shape(op, format!("the norm's weight {} does not fit {c} channels", weight.shape())))
    }

    /// True for a tensor as it is stored.
    fn is_stored(&self) -> bool {
        matches!(self, Source::Stored(_))
    }

    /// The constant of kernels that says which.
    pub(in crate::kernels) fn constant(&self) -> (&'static str, u32) {
        let value = match self {
            Source::Stored(_) => 0,
            Source::Normed(_, Saved { activation: Activation::None, .. }) => 1,
            Source::Normed(..) => 2,
            Source::Rectified(_) => 3,
        };
        ("SOURCE", value)
    }

    /// Summands and factors of what follows the sums, or of the norm before them (never are both there), and the norm's statistics; `none`
    /// for what is not there.
    pub(in crate::kernels) fn behind<'b>(&self, epilogue: &Epilogue<'b>, none: &'b Tensor) -> [&'b Buffer; 3]
    where
        'a: 'b,
    {
        let [bias, scale, stats] = self.norm(none);
        [epilogue.bias.map_or(bias, Tensor::buffer), epilogue.scale.map_or(scale, Tensor::buffer), stats]
    }

    /// Summands, factors and statistics of the norm, in the kernels' order; without one `none`.
    pub(in crate::kernels) fn norm<'b>(&self, none: &'b Tensor) -> [&'b Buffer; 3]
    where
        'a: 'b,
    {
        match self {
            Source::Normed(_, saved) => [&saved.bias, &saved.weight, &saved.stats].map(Tensor::buffer),
            Source::Stored(_) | Source::Rectified(_) => [none.buffer(); 3],
        }
    }
}
