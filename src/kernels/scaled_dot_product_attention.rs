//! Launchers of `scaled_dot_product_attention` and its gradients. Shaders: `shaders/scaled_dot_product_attention*.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Gpu, Launch, Plan};
use crate::host::scaled_dot_product_attention::AttentionParams;
use crate::kernels::image_groups::{for_images, sum_over_images};
use crate::kernels::operands::Operands;
use crate::tensor::{Shape, Tensor};

const OP: &str = "scaled_dot_product_attention";
/// Values of a row at most: an invocation holds rows in its registers.
const MOST_DIM: usize = 64;

/// Windows of rolled maps, images one after the other as `window_partition` gives them: −100 is added to the score of two tokens that come
/// from different sides of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// Tokens along a window.
    pub side: usize,
    /// By how many the maps were rolled, less than a window.
    pub shift: usize,
    /// Rows and columns of windows that a map has.
    pub windows: [usize; 2],
}

/// Settings of an attention.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttentionAttrs {
    /// Factor of the scores.
    pub scale: f32,
    /// Where images are windows of maps that were rolled.
    pub windows: Option<Windows>,
    /// How queries, keys, values and the output's gradient are held; scores, shares and their gradients are f32.
    pub operands: Operands,
}

impl AttentionAttrs {
    /// Scores times a factor, and nothing else.
    pub fn scaled(scale: f32) -> AttentionAttrs {
        AttentionAttrs { scale, windows: None, operands: Operands::F32 }
    }
}

/// What the gradient kernels need of the forward pass.
#[derive(Clone)]
pub struct Saved {
    /// Queries.
    pub q: Tensor,
    /// Keys.
    pub k: Tensor,
    /// Values.
    pub v: Tensor,
    /// What is added to the scores.
    pub bias: Option<Tensor>,
    /// Factor of the scores, and windows.
    pub attrs: AttentionAttrs,
    /// The output.
    pub output: Tensor,
    /// `[n, heads, tokens, 2]`: a query's largest score, and 1 / Σ exp(score − largest). Apart, as their joint logarithm would lose the sum
    /// beside scores of a mask.
    pub stats: Tensor,
}

/// Checks all shapes; gives the parameters for all images.
fn params(q: &Tensor, k: &Tensor, v: &Tensor, bias: Option<&Tensor>, attrs: AttentionAttrs) -> Result<AttentionParams> {
    let [n, heads, tokens, dim] = q.nchw(OP)?;
    if k.shape() != q.shape() || v.shape() != q.shape() {
        let message = format!("queries {}, keys {} and values {} must have one shape", q.shape(), k.shape(), v.shape());
        return Err(Error::shape(OP, message));
    }
    if dim > MOST_DIM {
        return Err(Error::shape(OP, format!("rows of {dim} values were given, but at most {MOST_DIM} are possible: use more heads")));
    }
    let has_bias = match bias.map(|bias| bias.shape().dims()) {
        None => 0,
        Some(dims) if dims == [heads, tokens, tokens] => 1,
        Some(dims) if dims == [n, heads, tokens, tokens] => 2,
        Some(dims) => {
            let (shared, each) = (Shape::from([heads, tokens, tokens]), Shape::from([n, heads, tokens, tokens]));
            return Err(Error::shape(OP, format!("bias has shape {}, expected {shared} or {each}", Shape::from(dims))));
        }
    };
    let windows = attrs.windows.unwrap_or(Windows { side: tokens, shift: 0, windows: [1, 1] });
    let Windows { side, shift, windows: [down, across] } = windows;
    if attrs.windows.is_some() && (side * side != tokens || shift >= side || down * across == 0 || n % (down * across) != 0) {
        let message = format!(
            "{n} images of {tokens} tokens are not the windows of maps, of {side}² tokens, {down} × {across} a map, rolled by {shift}"
        );
        return Err(Error::shape(OP, message));
    }
    let [images, heads, tokens, dim, side, shift, down, across] = [n, heads, tokens, dim, side, shift, down, across].map(|v| v as u32);
    Ok(AttentionParams { images, heads, tokens, dim, has_bias, scale: attrs.scale, first: 0, side, shift, down, across })
}

/// Refuses sums that the device would end before their time; `rows` of a token are read or written.
fn check_trips(gpu: &Gpu, params: &AttentionParams, rows: usize) -> Result<()> {
    let (tokens, able) = (params.tokens as usize, gpu.capabilities());
    if able.loops(tokens * (rows * quads(params) as usize + 4)) {
        return Ok(());
    }
    Err(Error::shape(OP, format!("{} cannot sum over {tokens} tokens in one go", able.name)))
}

/// Quads of a row.
fn quads(params: &AttentionParams) -> u32 {
    params.dim.div_ceil(4)
}

/// Arithmetic and traffic of so many products of rows.
fn cost(params: &AttentionParams, products: usize, arrays: usize) -> Cost {
    let rows = (params.images * params.heads) as usize * params.tokens as usize;
    let score = 2 * products * params.dim as usize + 5;
    Cost::new(score as f64 * rows as f64 * f64::from(params.tokens), arrays * rows * params.dim as usize)
}

/// The parameters for the next of the images, as many as `q` has, and their bias; q stands in where there is none.
fn of_images<'a>(
    params: &AttentionParams,
    first: &mut u32,
    q: &'a Tensor,
    shared: Option<&'a Tensor>,
    own: &'a Tensor,
) -> (AttentionParams, &'a Tensor) {
    let images = q.shape().dims().first().map_or(params.images, |&n| n as u32);
    let bias = if params.has_bias == 2 { own } else { shared.unwrap_or(q) };
    let params = AttentionParams { images, first: *first, ..*params };
    *first += images;
    (params, bias)
}

/// y = softmax(scale · q kᵀ + bias + mask) v, for every image and head on its own, and what its gradients need.
///
/// # Shapes
/// q, k, v `[n, heads, tokens, dim]`, dim at most 64; bias `[heads, tokens, tokens]` or `[n, heads, tokens, tokens]`; output as q.
///
/// # Errors
/// Shapes that do not fit; more tokens than the device can sum; out of memory.
pub fn scaled_dot_product_attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    bias: Option<&Tensor>,
    attrs: AttentionAttrs,
) -> Result<(Tensor, Saved)> {
    let params = params(q, k, v, bias, attrs)?;
    let gpu = q.gpu();
    check_trips(gpu, &params, 2)?;
    let [n, heads, tokens, _] = q.nchw(OP)?;
    let (output, stats) = (Tensor::empty(gpu, q.shape())?, Tensor::empty(gpu, [n, heads, tokens, 2])?);
    let own = bias.filter(|_| params.has_bias == 2).unwrap_or(q);
    let mut first = 0;
    for_images(OP, [q, k, v, own, &output, &stats], |[q, k, v, own, output, stats]| {
        let (params, bias) = of_images(&params, &mut first, q, bias, own);
        gpu.launch(&Launch {
            plan: Plan::new(OP, (params.images * params.heads) as usize * tokens.div_ceil(64))
                .with([("QUADS", quads(&params)), attrs.operands.constant(gpu.capabilities())]),
            params: &params,
            buffers: &[q, k, v, bias, output, stats].map(Tensor::buffer),
            cost: cost(&params, 2, 4),
        })
    })?;
    let saved = Saved { q: q.clone(), k: k.clone(), v: v.clone(), bias: bias.cloned(), attrs, output: output.clone(), stats };
    Ok((output, saved))
}

fn check_gradient(saved: &Saved, grad_output: &Tensor) -> Result<AttentionParams> {
    if grad_output.shape() != saved.output.shape() {
        let message = format!("a gradient of shape {} for an output of shape {}", grad_output.shape(), saved.output.shape());
        return Err(Error::shape(OP, message));
    }
    params(&saved.q, &saved.k, &saved.v, saved.bias.as_ref(), saved.attrs)
}

/// Gradients of queries, keys and values.
///
/// # Shapes
/// grad_output `[n, heads, tokens, dim]`; gives three of the same.
///
/// # Errors
/// Shapes that do not fit; more tokens than the device can sum; out of memory.
pub fn scaled_dot_product_attention_grad(saved: &Saved, grad_output: &Tensor) -> Result<[Tensor; 3]> {
    let params = check_gradient(saved, grad_output)?;
    let Saved { q, k, v, bias, output, stats, .. } = saved;
    let gpu = q.gpu();
    check_trips(gpu, &params, 9)?;
    let empty = || Tensor::empty(gpu, q.shape());
    let [grad_q, grad_k, grad_v] = [empty()?, empty()?, empty()?];
    let own = bias.as_ref().filter(|_| params.has_bias == 2).unwrap_or(q);
    // One array of the three of each run of images, as eight arrays are what every device lets a kernel see.
    let all = Tensor::empty(gpu, [q.shape().dims()[0], 3, q.len() / q.shape().dims()[0]])?;
    let tensors = [q, k, v, own, output, stats, grad_output, &all, &grad_q, &grad_k, &grad_v];
    let mut first = 0;
    for_images("scaled_dot_product_attention_grad", tensors, |[q, k, v, own, output, stats, grad_output, all, grads @ ..]| {
        let (params, bias) = of_images(&params, &mut first, q, bias.as_ref(), own);
        gpu.launch(&Launch {
            plan: Plan::new(
                "scaled_dot_product_attention_grad",
                2 * (params.images * params.heads) as usize * (params.tokens as usize).div_ceil(64),
            )
            .with([("QUADS", quads(&params)), saved.attrs.operands.constant(gpu.capabilities())]),
            params: &params,
            buffers: &[q, k, v, bias, output, stats, grad_output, all].map(Tensor::buffer),
            cost: cost(&params, 5, 8),
        })?;
        let mut parts = grads.iter().enumerate();
        parts.try_for_each(|(i, grad)| gpu.copy_words((all.buffer(), i * q.len()), (grad.buffer(), 0), q.len()))
    })?;
    Ok([grad_q, grad_k, grad_v])
}

/// Gradient of the bias, summed over the images where they share it.
///
/// # Shapes
/// grad_output `[n, heads, tokens, dim]`; gives the bias's shape.
///
/// # Errors
/// An attention without a bias; shapes that do not fit; more images than the device can sum; out of memory.
pub fn scaled_dot_product_attention_grad_bias(saved: &Saved, grad_output: &Tensor) -> Result<Tensor> {
    let stem = "scaled_dot_product_attention_grad_bias";
    let params = check_gradient(saved, grad_output)?;
    let Saved { q, k, v, bias, output, stats, .. } = saved;
    let bias = bias.as_ref().ok_or_else(|| Error::shape(stem, "there is no bias"))?;
    let (gpu, images) = (q.gpu(), if params.has_bias == 1 { params.images as usize } else { 1 });
    if !gpu.capabilities().loops(images * (params.dim as usize + 2)) {
        return Err(Error::shape(stem, format!("{} cannot sum over {images} images in one go", gpu.capabilities().name)));
    }
    let mut first = 0;
    let mut launch = |[q, k, v, output, stats, grad_output]: [&Tensor; 6], bias: &Tensor, grad_bias: &Tensor| {
        let (params, bias) = of_images(&params, &mut first, q, Some(bias), bias);
        gpu.launch(&Launch {
            plan: Plan::each(stem, grad_bias.len()).with([saved.attrs.operands.constant(gpu.capabilities())]),
            params: &params,
            buffers: &[q, k, v, bias, output, stats, grad_output, grad_bias].map(Tensor::buffer),
            cost: cost(&params, 2, 5),
        })
    };
    if params.has_bias == 1 {
        return sum_over_images(stem, [q, k, v, output, stats, grad_output], |tensors| {
            let grad_bias = Tensor::empty(gpu, bias.shape())?;
            launch(tensors, bias, &grad_bias)?;
            Ok(grad_bias)
        });
    }
    let grad_bias = Tensor::empty(gpu, bias.shape())?;
    for_images(stem, [q, k, v, output, stats, grad_output, bias, &grad_bias], |[q, k, v, output, stats, grad_output, bias, grad_bias]| {
        launch([q, k, v, output, stats, grad_output], bias, grad_bias)
    })?;
    Ok(grad_bias)
}
