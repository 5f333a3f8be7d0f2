//! What follows a convolution in the same pass: bias and activation, on sums that are still in the cache.

use fearless_simd::Simd;
use fearless_simd_macros::simd;

use super::functions::{activate, for_kind};

/// Bias a channel and the code of an activation, applied to finished sums.
pub(crate) struct Epilogue<'a> {
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) activation: u32,
}

impl Epilogue<'_> {
    pub(crate) const NONE: Epilogue<'static> = Epilogue { bias: None, activation: 0 };

    /// row = act(row + bias of the channel).
    #[inline(always)]
    pub(crate) fn apply<S: Simd>(&self, simd: S, channel: usize, row: &mut [f32]) {
        let bias = self.bias.map_or(0.0, |bias| bias[channel]);
        if self.bias.is_some() || self.activation != 0 {
            for_kind!(self.activation, KIND => add_and_activate::<S, KIND>(simd, row, bias));
        }
    }
}

#[simd]
fn add_and_activate<S: Simd, const KIND: u32>(_: S, row: &mut [f32], bias: f32) {
    row.iter_mut().for_each(|value| *value = activate::<KIND>(*value + bias));
}
