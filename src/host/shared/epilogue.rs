//! What follows a convolution in the same pass: scale, bias and activation, on sums that are still in the cache.

use fearless_simd::Simd;
use fearless_simd_macros::simd;

use super::functions::{activate, for_kind};

/// Scale and bias a channel and the code of an activation, applied to finished sums.
pub(crate) struct Epilogue<'a> {
    pub(crate) scale: Option<&'a [f32]>,
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) activation: u32,
}

impl Epilogue<'_> {
    pub(crate) const NONE: Epilogue<'static> = Epilogue { scale: None, bias: None, activation: 0 };

    /// row = act(row · scale of the channel + bias of the channel).
    #[inline(always)]
    pub(crate) fn apply<S: Simd>(&self, simd: S, channel: usize, row: &mut [f32]) {
        // A factor of 1 leaves the bits alone.
        let scale = self.scale.map_or(1.0, |scale| scale[channel]);
        let bias = self.bias.map_or(0.0, |bias| bias[channel]);
        if self.scale.is_some() || self.bias.is_some() || self.activation != 0 {
            for_kind!(self.activation, KIND => scale_add_activate::<S, KIND>(simd, row, [scale, bias], self.activation));
        }
    }
}

#[simd]
fn scale_add_activate<S: Simd, const KIND: u32>(_: S, row: &mut [f32], [scale, bias]: [f32; 2], code: u32) {
    row.iter_mut().for_each(|value| *value = activate::<KIND>(*value * scale + bias, code));
}
