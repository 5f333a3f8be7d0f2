//! Attention in windows by the cosine of queries and keys (Liu et al. 2022, "Swin Transformer V2", arXiv 2111.09883).

use super::settings::{BIAS_HIDDEN, Settings};
use crate::autograd::Tape;
use crate::error::Result;
use crate::nn::Builder;
use crate::nn::state_dict::HostTensor;
use crate::ops::{self, Activation, AttentionAttrs, Windows};
use crate::tensor::Tensor;

/// Least length that a query or key is divided by.
const LEAST_LENGTH: f32 = 1e-12;
/// Largest position bias.
const LARGEST_BIAS: f32 = 16.0;
/// Offsets of the position bias are scaled so that the farthest in a window is this many.
const FARTHEST: f64 = 8.0;
/// Standard deviation of the weights of dense layers, cut at 2, which none of them reaches.
pub(super) const STD: f32 = 0.02;

/// Attention within the windows of a map.
pub(super) struct Attention {
    qkv: Tensor,
    q_bias: Tensor,
    v_bias: Tensor,
    logit_scale: Tensor,
    bias_mlp: [Tensor; 3],
    proj: [Tensor; 2],
    /// Where the rows of the position bias lie, `[(2·window − 1)², 2]`.
    coords: Tensor,
    heads: usize,
    window: usize,
    shift: usize,
}

impl Attention {
    pub(super) fn new(b: &mut Builder, name: &str, settings: &Settings, stage: usize, block: usize) -> Result<Attention> {
        let (width, heads) = (settings.width(stage), settings.num_heads[stage]);
        let (window, shift) = settings.window(stage, block);
        let of = |part: &str| format!("{name}.{part}");
        let logit_scale = b.filled(&of("logit_scale"), [heads, 1, 1], 10f32.ln())?;
        let (q_bias, v_bias) = (b.filled(&of("q_bias"), [width], 0.0)?, b.filled(&of("v_bias"), [width], 0.0)?);
        let table = coords(window);
        let coords = b.constant_of([table.len() / 2, 2], &table)?;
        let side = 2 * window - 1;
        b.derived(&of("relative_coords_table"), move || HostTensor::F32(vec![1, side, side, 2], table.clone()));
        b.derived(&of("relative_position_index"), move || HostTensor::Indices(vec![window * window; 2], index(window)));
        let bias_mlp = [
            b.normal(&of("cpb_mlp.0.weight"), [BIAS_HIDDEN, 2], STD)?,
            b.filled(&of("cpb_mlp.0.bias"), [BIAS_HIDDEN], 0.0)?,
            b.normal(&of("cpb_mlp.2.weight"), [heads, BIAS_HIDDEN], STD)?,
        ];
        let qkv = b.normal(&of("qkv.weight"), [3 * width, width], STD)?;
        let proj = [b.normal(&of("proj.weight"), [width, width], STD)?, b.filled(&of("proj.bias"), [width], 0.0)?];
        Ok(Attention { qkv, q_bias, v_bias, logit_scale, bias_mlp, proj, coords, heads, window, shift })
    }

    /// What is added to the scores, the same for all windows: `[heads, window², window²]`.
    fn position_bias(&self, tape: &Tape) -> Result<Tensor> {
        let [first, bias, last] = &self.bias_mlp;
        let hidden = ops::linear(tape, &self.coords, first, Some(bias), Activation::Relu)?;
        let table = ops::linear(tape, &hidden, last, None, Activation::Sigmoid)?;
        ops::relative_position_bias(tape, &ops::mul_scalar(tape, &table, LARGEST_BIAS)?, self.window)
    }

    /// softmax(cosine · scale + bias + mask) v in every window.
    ///
    /// # Shapes
    /// `[n, h, w, c]` to the same.
    pub(super) fn forward(&self, tape: &Tape, x: &Tensor) -> Result<Tensor> {
        let [_, h, w, width] = x.nchw("tyrion")?;
        let windows = ops::window_partition(tape, x, self.window, self.shift)?;
        let (all, tokens) = (windows.shape().dims()[0], self.window * self.window);
        let of_heads = |index: usize, bias: Option<&Tensor>| -> Result<Tensor> {
            let weight = ops::narrow(tape, &self.qkv, index * width, width)?;
            let rows = ops::linear(tape, &windows, &weight, bias, Activation::None)?;
            ops::transpose(tape, &ops::reshape(tape, &rows, [all, tokens, self.heads, width / self.heads])?)
        };
        let q = ops::normalize(tape, &of_heads(0, Some(&self.q_bias))?, LEAST_LENGTH)?;
        let k = ops::normalize(tape, &of_heads(1, None)?, LEAST_LENGTH)?;
        let v = of_heads(2, Some(&self.v_bias))?;
        // The same factor for every window: ones times the factors, so that the product's gradient is the sum over the windows.
        let factor = ops::reshape(tape, &ops::clamped_exp(tape, &self.logit_scale)?, [self.heads, 1])?;
        let factors = ops::linear(tape, &Tensor::full(x.gpu(), [all, 1], 1.0)?, &factor, None, Activation::None)?;
        let q = ops::mul_row(tape, &q, &factors)?;
        let bias = self.position_bias(tape)?;
        let rolled = Windows { side: self.window, shift: self.shift, windows: [h / self.window, w / self.window] };
        let attrs = AttentionAttrs { windows: (self.shift > 0).then_some(rolled), ..AttentionAttrs::scaled(1.0) };
        let seen = ops::scaled_dot_product_attention(tape, &q, &k, &v, Some(&bias), attrs)?;
        let rows = ops::reshape(tape, &ops::transpose(tape, &seen)?, [all, tokens, width])?;
        let [weight, bias] = &self.proj;
        let rows = ops::linear(tape, &rows, weight, Some(bias), Activation::None)?;
        ops::window_reverse(tape, &rows, self.window, self.shift, [h, w])
    }
}

/// (f(Δrow), f(Δcol)) of every offset in a window, Δrow slowest, with f(v) = sign(v)·log₂(1 + |v|)/3 of offsets scaled to ±8.
fn coords(window: usize) -> Vec<f32> {
    let reach = window as i64 - 1;
    let f = |offset: i64| {
        let scaled = offset as f64 * FARTHEST / reach.max(1) as f64;
        (scaled.signum() * (1.0 + scaled.abs()).log2() / FARTHEST.log2()) as f32
    };
    let f = |offset: i64| if offset == 0 { 0.0 } else { f(offset) };
    (-reach..=reach).flat_map(|down| (-reach..=reach).flat_map(move |right| [f(down), f(right)])).collect()
}

/// The row of the position bias for every query and key.
fn index(window: usize) -> Vec<i64> {
    let (tokens, reach) = (window * window, window - 1);
    let row = |at: usize| {
        let (i, j) = (at / tokens, at % tokens);
        let (down, right) = (i / window + reach - j / window, i % window + reach - j % window);
        (down * (2 * window - 1) + right) as i64
    };
    (0..tokens * tokens).map(row).collect()
}

/// The mask of a map's windows, of `tokens` by `tokens`: 0 for tokens from one side of the map, else −100, `[windows, window², window²]`.
pub(super) fn mask(tokens: usize, window: usize, shift: usize) -> HostTensor {
    let (across, area) = (tokens / window, window * window);
    let band = |at: usize| usize::from(at + window >= tokens) + usize::from(at + shift >= tokens);
    let region =
        |number: usize, token: usize| (band(number / across * window + token / window), band(number % across * window + token % window));
    let mut values = Vec::with_capacity(across * across * area * area);
    for number in 0..across * across {
        let regions: Vec<_> = (0..area).map(|token| region(number, token)).collect();
        values.extend(regions.iter().flat_map(|own| regions.iter().map(move |other| if own == other { 0.0 } else { -100.0 })));
    }
    HostTensor::F32(vec![across * across, area, area], values)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of Swin V2's own table for windows of 16.
    #[test]
    fn places_in_a_window_are_those_of_swin() {
        let table = coords(16);
        let of_offset = |offset: i64| table[2 * (15 * 31 + 15 + offset) as usize + 1];
        for (offset, want) in [(0, 0.0), (1, 0.2056), (2, 0.3491), (15, 1.0566), (-2, -0.3491)] {
            assert!((of_offset(offset) - want).abs() < 5e-5, "{offset}: {}", of_offset(offset));
        }
        let index = index(16);
        for (i, j, want) in [(0, 0, 480), (0, 1, 479), (0, 16, 449), (255, 0, 960), (0, 255, 0)] {
            assert_eq!(index[i * 256 + j], want, "{i}, {j}");
        }
    }

    #[test]
    fn masks_have_as_many_zeros_as_tokens_of_one_side_see_each_other() {
        let HostTensor::F32(shape, values) = mask(32, 16, 8) else { panic!("no floats") };
        assert_eq!(shape, [4, 256, 256]);
        let zeros: Vec<usize> = values.chunks(256 * 256).map(|window| window.iter().filter(|value| **value == 0.0).count()).collect();
        assert_eq!(zeros, [65536, 32768, 32768, 16384]);
        assert!(values.iter().all(|value| *value == 0.0 || *value == -100.0));
    }
}
