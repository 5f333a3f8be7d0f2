//! Attention: y = softmax(scale · q kᵀ + bias + mask) v, for every image and head on its own. As
//! `torch.nn.functional.scaled_dot_product_attention` with a float mask; that of shifted windows follows from where they lie. Here the
//! scores are written down; kernels do without.

use super::softmax::{softmax, softmax_grad_input};

/// Extents of an attention.
#[derive(Debug, Clone, Copy)]
pub struct AttentionDims {
    /// Images.
    pub n: usize,
    /// Heads.
    pub heads: usize,
    /// Rows of queries, of keys and of values.
    pub tokens: usize,
    /// Values of one row.
    pub dim: usize,
    /// Factor of the scores.
    pub scale: f64,
    /// Where images are windows of a map that was rolled.
    pub windows: Option<Windows>,
}

/// Windows of rolled maps, as `window_partition` gives them: −100 is added to the score of two tokens that come from different sides of
/// the map.
#[derive(Debug, Clone, Copy)]
pub struct Windows {
    /// Tokens along a window.
    pub side: usize,
    /// By how many the map was rolled.
    pub shift: usize,
    /// Rows and columns of windows that a map has.
    pub windows: [usize; 2],
}

impl Windows {
    /// What is added to a score of the image with this number. Rows of the rolled map are of three bands: those in front of the last
    /// windows, those up to `shift` rows from the end, and the rest; so are columns.
    pub fn mask(&self, image: usize, i: usize, j: usize) -> f64 {
        let [down, across] = self.windows;
        let band = |windows: usize, window: usize, at: usize| {
            let (place, extent) = (window * self.side + at, windows * self.side);
            usize::from(place + self.side >= extent) + usize::from(place + self.shift >= extent)
        };
        let region = |token: usize| {
            let rows = band(down, image / across % down, token / self.side);
            (rows, band(across, image % across, token % self.side))
        };
        if self.shift == 0 || region(i) == region(j) { 0.0 } else { -100.0 }
    }
}

/// Gradients of an attention.
pub struct AttentionGrads {
    /// Of the queries.
    pub q: Vec<f64>,
    /// Of the keys.
    pub k: Vec<f64>,
    /// Of the values.
    pub v: Vec<f64>,
    /// Of the bias, summed over the images where they share one.
    pub bias: Vec<f64>,
}

/// Queries, keys and values `[n, heads, tokens, dim]`; bias `[heads, tokens, tokens]` or `[n, heads, tokens, tokens]`.
pub fn scaled_dot_product_attention(q: &[f64], k: &[f64], v: &[f64], bias: Option<&[f64]>, dims: &AttentionDims) -> Vec<f64> {
    let AttentionDims { n, heads, tokens, dim, .. } = *dims;
    let mut output = vec![0.0; n * heads * tokens * dim];
    for head in 0..n * heads {
        let shares = softmax(&scores(q, k, bias, dims, head), [tokens, tokens, 1]);
        for i in 0..tokens {
            for d in 0..dim {
                let at = |row: usize| (head * tokens + row) * dim + d;
                output[at(i)] = (0..tokens).map(|j| shares[i * tokens + j] * v[at(j)]).sum();
            }
        }
    }
    output
}

/// Gradients of everything that goes in.
pub fn scaled_dot_product_attention_grad(
    grad_output: &[f64],
    q: &[f64],
    k: &[f64],
    v: &[f64],
    bias: Option<&[f64]>,
    dims: &AttentionDims,
) -> AttentionGrads {
    let AttentionDims { n, heads, tokens, dim, scale, .. } = *dims;
    let none = vec![0.0; n * heads * tokens * dim];
    let mut grads = AttentionGrads { q: none.clone(), k: none.clone(), v: none, bias: vec![0.0; bias.map_or(0, <[f64]>::len)] };
    for head in 0..n * heads {
        let scores = scores(q, k, bias, dims, head);
        let shares = softmax(&scores, [tokens, tokens, 1]);
        let at = |row: usize, d: usize| (head * tokens + row) * dim + d;
        let mut grad_shares = vec![0.0; tokens * tokens];
        for i in 0..tokens {
            for j in 0..tokens {
                for d in 0..dim {
                    grad_shares[i * tokens + j] += grad_output[at(i, d)] * v[at(j, d)];
                    grads.v[at(j, d)] += shares[i * tokens + j] * grad_output[at(i, d)];
                }
            }
        }
        let grad_scores = softmax_grad_input(&grad_shares, &scores, [tokens, tokens, 1]);
        for i in 0..tokens {
            for j in 0..tokens {
                let grad = grad_scores[i * tokens + j];
                for d in 0..dim {
                    grads.q[at(i, d)] += scale * grad * k[at(j, d)];
                    grads.k[at(j, d)] += scale * grad * q[at(i, d)];
                }
                if let Some(bias) = bias {
                    grads.bias[bias_at(bias, dims, head, i, j)] += grad;
                }
            }
        }
    }
    grads
}

/// Rows of scores of one of the n · heads heads: `[tokens, tokens]`.
fn scores(q: &[f64], k: &[f64], bias: Option<&[f64]>, dims: &AttentionDims, head: usize) -> Vec<f64> {
    let AttentionDims { heads, tokens, dim, scale, windows, .. } = *dims;
    let mut scores = Vec::new();
    for i in 0..tokens {
        for j in 0..tokens {
            let at = |row: usize, d: usize| (head * tokens + row) * dim + d;
            let product: f64 = (0..dim).map(|d| q[at(i, d)] * k[at(j, d)]).sum();
            let bias = bias.map_or(0.0, |bias| bias[bias_at(bias, dims, head, i, j)]);
            scores.push(scale * product + bias + windows.map_or(0.0, |windows| windows.mask(head / heads, i, j)));
        }
    }
    scores
}

/// Where the bias of a score lies: images share one where it has no more than the heads'.
fn bias_at(bias: &[f64], dims: &AttentionDims, head: usize, i: usize, j: usize) -> usize {
    let AttentionDims { heads, tokens, .. } = *dims;
    let head = if bias.len() == heads * tokens * tokens { head % heads } else { head };
    (head * tokens + i) * tokens + j
}
