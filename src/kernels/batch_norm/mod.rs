//! Launchers of `batch_norm` with its statistics and gradients. Shaders: `shaders/batch_norm*.wgsl`.

mod affine;
pub(in crate::kernels) mod moments;
mod running;
mod training;

pub use affine::batch_norm_affine;
pub use moments::batch_norm_stats_of_moments;
pub use running::{RunningUpdate, batch_norm_running, batch_norm_stats_running};
pub use training::{Batching, NormGradients, RunningVariance, batch_norm_batch, batch_norm_gradients};

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::batch_norm::BatchNormParams;
use crate::host::batch_norm_grad_input::BatchNormGradInputParams;
use crate::host::batch_norm_grad_stats_merge::BatchNormGradStatsMergeParams;
use crate::host::batch_norm_stats::BatchNormStatsParams;
use crate::host::batch_norm_stats_merge::BatchNormStatsMergeParams;
use crate::kernels::activation::Activation;
use crate::kernels::add::add;
use crate::kernels::cat::cat;
use crate::kernels::image_groups::for_images;
use crate::kernels::pack_half::Stored;
use crate::kernels::planes::{GROUP, Geometry};
use crate::tensor::Tensor;

/// Parameters that follow from how planes are shared out.
impl Geometry {
    fn stats_params(&self) -> BatchNormStatsParams {
        let all = [self.n, self.c, self.plane, self.step, self.chunks, self.lanes, self.team];
        let [n, c, plane, step, chunks, lanes, team] = all.map(|v| v as u32);
        BatchNormStatsParams { n, c, plane, step, chunks, lanes, team }
    }
}

fn check_channels(input: &Tensor, tensors: &[(&str, &Tensor)]) -> Result<[usize; 4]> {
    let dims = input.nchw("batch_norm")?;
    match tensors.iter().find(|(_, tensor)| tensor.shape().dims() != [dims[1]]) {
        None => Ok(dims),
        Some((name, tensor)) => {
            let message = format!("{name} of shape {} does not fit input {}; [{}] was expected", tensor.shape(), input.shape(), dims[1]);
            Err(Error::shape("batch_norm", message))
        }
    }
}

/// Checks all shapes of one call before anything runs.
///
/// # Errors
/// A per-channel tensor that does not fit the input.
pub fn check(input: &Tensor, weight: &Tensor, bias: &Tensor, running_mean: &Tensor, running_var: &Tensor) -> Result<()> {
    let named = [("weight", weight), ("bias", bias), ("running_mean", running_mean), ("running_var", running_var)];
    check_channels(input, &named).map(|_| ())
}

fn check_stats(stats: &Tensor, c: usize) -> Result<()> {
    match *stats.shape().dims() {
        [channels, 4] if channels == c => Ok(()),
        _ => Err(Error::shape("batch_norm", format!("statistics have shape {}, expected [{c}, 4]", stats.shape()))),
    }
}

fn check_gradient(input: &Stored, grad_output: &Tensor) -> Result<()> {
    if input.shape() == grad_output.shape() {
        return Ok(());
    }
    let message = format!("a gradient of shape {} for an output of shape {}", grad_output.shape(), input.shape());
    Err(Error::shape("batch_norm", message))
}

/// Statistics of a batch.
pub struct BatchStats {
    /// `[c, 4]`, what normalises: shift, mean − shift, 1/√(biased variance + eps), unused.
    pub stats: Tensor,
    /// Means, `[c]`.
    pub mean: Tensor,
    /// Unbiased variances, `[c]`.
    pub var: Tensor,
}

/// Refuses a batch of a single value a channel, which has no variance.
fn check_batch(input: &Tensor) -> Result<()> {
    let [n, _, h, w] = input.nchw("batch_norm")?;
    if n * h * w != 1 {
        return Ok(());
    }
    let message = format!("training needs more than one value per channel, got input {}: use a larger batch or image", input.shape());
    Err(Error::shape("batch_norm", message))
}

/// Statistics of the batch `[n, c, h, w]`.
///
/// # Errors
/// Other shapes; a single value per channel; out of memory.
pub fn batch_norm_stats(input: &Tensor, eps: f32) -> Result<BatchStats> {
    check_batch(input)?;
    let [_, c, ..] = input.nchw("batch_norm")?;
    let gpu = input.gpu();
    // Chunks of every channel: of all images, or of each run of them.
    let mut partials = Vec::new();
    for_images("batch_norm_stats", [input], |[input]| {
        let geometry = Geometry::reduction(gpu.capabilities().kind, input.nchw("batch_norm")?);
        let partial = Tensor::empty(gpu, [c, geometry.chunks * 4, 1, 1])?;
        gpu.launch(&Launch {
            plan: Plan::new("batch_norm_stats", geometry.reduction_groups()).scalar(geometry.scalar),
            params: &geometry.stats_params(),
            buffers: &[input.buffer(), partial.buffer()],
            cost: Cost::new(4.0 * input.len() as f64, input.len()),
        })?;
        partials.push(partial);
        Ok(())
    })?;
    let partial = match partials.as_slice() {
        [only] => only.clone(),
        several => cat(&several.iter().collect::<Vec<_>>())?,
    };
    merge(&partial, c, eps)
}

/// Statistics from the parts of every channel, `[c, chunks, 4]` words.
fn merge(partial: &Tensor, c: usize, eps: f32) -> Result<BatchStats> {
    let (gpu, chunks) = (partial.gpu(), partial.len() / (4 * c));
    let (mean, var, stats) = (Tensor::empty(gpu, [c])?, Tensor::empty(gpu, [c])?, Tensor::empty(gpu, [c, 4])?);
    gpu.launch(&Launch {
        plan: Plan::new("batch_norm_stats_merge", c.div_ceil(GROUP)),
        params: &BatchNormStatsMergeParams { c: c as u32, chunks: chunks as u32, eps },
        buffers: &[partial, &mean, &var, &stats].map(Tensor::buffer),
        cost: Cost::new(10.0 * (c * chunks) as f64, c * (4 * chunks + 6)),
    })?;
    Ok(BatchStats { stats, mean, var })
}

/// y = f((x − mean)·invstd·weight + bias).
///
/// # Shapes
/// input `[n, c, h, w]`, stats `[c, 4]` of [`batch_norm_stats`], weight and bias `[c]`; output as input.
///
/// # Errors
/// Shapes that do not fit; out of memory.
pub fn batch_norm(input: &Tensor, stats: &Tensor, weight: &Tensor, bias: &Tensor, activation: Activation) -> Result<Tensor> {
    let dims = check_channels(input, &[("weight", weight), ("bias", bias)])?;
    check_stats(stats, dims[1])?;
    let output = Tensor::empty(input.gpu(), input.shape())?;
    for_images("batch_norm", [input, &output], |[input, output]| {
        let geometry = Geometry::elementwise(input.nchw("batch_norm")?);
        let BatchNormStatsParams { n, c, plane, step, chunks, lanes, .. } = geometry.stats_params();
        input.gpu().launch(&Launch {
            plan: Plan::new("batch_norm", geometry.elementwise_groups()).with([("KIND", activation.code())]).scalar(geometry.scalar),
            params: &BatchNormParams { planes: n * c, c, plane, step, chunks, lanes },
            buffers: &[input, stats, weight, bias, output].map(Tensor::buffer),
            cost: Cost::new(5.0 * input.len() as f64, 2 * input.len()),
        })
    })?;
    Ok(output)
}

/// What the gradient kernels need of the forward pass.
#[derive(Clone)]
pub struct Saved {
    /// The input.
    pub input: Stored,
    /// Statistics that normalised it.
    pub stats: Tensor,
    /// Scale.
    pub weight: Tensor,
    /// Offset.
    pub bias: Tensor,
    /// Fused activation.
    pub activation: Activation,
}

/// Gradients of weight and bias: (Σ dz·x̂, Σ dz) with dz = grad_output·f'(z).
///
/// # Shapes
/// grad_output `[n, c, h, w]`; gives `[c]` and `[c]`.
///
/// # Errors
/// Shapes that do not fit; out of memory.
pub fn batch_norm_grad_stats(saved: &Saved, grad_output: &Tensor) -> Result<(Tensor, Tensor)> {
    check_gradient(&saved.input, grad_output)?;
    let dims = check_channels(grad_output, &[("weight", &saved.weight), ("bias", &saved.bias)])?;
    check_stats(&saved.stats, dims[1])?;
    let mut sums: Option<(Tensor, Tensor)> = None;
    let (input, packed) = saved.input.readable()?;
    for_images("batch_norm_grad_stats", [&input, grad_output], |[input, grad_output]| {
        let (weight, bias) = grad_stats(saved, (input, packed), grad_output)?;
        sums = Some(match sums.take() {
            None => (weight, bias),
            Some((earlier_weight, earlier_bias)) => (add(&earlier_weight, &weight)?, add(&earlier_bias, &bias)?),
        });
        Ok(())
    })?;
    sums.ok_or_else(|| Error::shape("batch_norm", "a batch without images"))
}

/// [`batch_norm_grad_stats`] of some of the images.
fn grad_stats(saved: &Saved, (input, packed): (&Tensor, (&'static str, u32)), grad_output: &Tensor) -> Result<(Tensor, Tensor)> {
    let Saved { stats, weight, bias, activation, .. } = saved;
    let dims = grad_output.nchw("batch_norm")?;
    let (gpu, geometry, c) = (input.gpu(), Geometry::reduction(input.gpu().capabilities().kind, dims), dims[1]);
    let parts = if geometry.chunks == 1 { vec![c] } else { vec![c, geometry.chunks] };
    let (partial_weight, partial_bias) = (Tensor::empty(gpu, parts.as_slice())?, Tensor::empty(gpu, parts.as_slice())?);
    gpu.launch(&Launch {
        plan: Plan::new("batch_norm_grad_stats", geometry.reduction_groups())
            .with([("KIND", activation.code()), packed])
            .scalar(geometry.scalar),
        params: &geometry.stats_params(),
        buffers: &[input, grad_output, stats, weight, bias, &partial_weight, &partial_bias].map(Tensor::buffer),
        cost: Cost::new(8.0 * grad_output.len() as f64, input.len() + grad_output.len()),
    })?;
    if geometry.chunks == 1 {
        return Ok((partial_weight, partial_bias));
    }
    let (grad_weight, grad_bias) = (Tensor::empty(gpu, [c])?, Tensor::empty(gpu, [c])?);
    gpu.launch(&Launch {
        plan: Plan::new("batch_norm_grad_stats_merge", c.div_ceil(GROUP)),
        params: &BatchNormGradStatsMergeParams { c: c as u32, chunks: geometry.chunks as u32 },
        buffers: &[&partial_weight, &partial_bias, &grad_weight, &grad_bias].map(Tensor::buffer),
        cost: Cost::new(2.0 * (c * geometry.chunks) as f64, 2 * c * (geometry.chunks + 1)),
    })?;
    Ok((grad_weight, grad_bias))
}

/// Gradient of the input: weight·invstd·(dz − (grad_bias + x̂·grad_weight)/count) for batch statistics, weight·invstd·dz for running
/// ones, which are constants: there `sums` is `None`.
///
/// # Shapes
/// grad_output `[n, c, h, w]`, sums of [`batch_norm_grad_stats`]; gives `[n, c, h, w]`.
///
/// # Errors
/// Shapes that do not fit; out of memory.
pub fn batch_norm_grad_input(saved: &Saved, grad_output: &Tensor, sums: Option<(&Tensor, &Tensor)>) -> Result<Tensor> {
    let Saved { input, stats, weight, bias, activation } = saved;
    check_gradient(input, grad_output)?;
    // Without sums any finite values do, since they are multiplied by zero.
    let (grad_weight, grad_bias) = sums.unwrap_or((weight, bias));
    let channels = [("weight", weight), ("bias", bias), ("grad_weight", grad_weight), ("grad_bias", grad_bias)];
    let dims = check_channels(grad_output, &channels)?;
    check_stats(stats, dims[1])?;
    let (input, packed) = input.readable()?;
    let inverse_count = if sums.is_some() { 1.0 / (dims[0] * dims[2] * dims[3]) as f32 } else { 0.0 };
    let grad_input = Tensor::empty(input.gpu(), grad_output.shape())?;
    for_images("batch_norm_grad_input", [&input, grad_output, &grad_input], |[input, grad_output, grad_input]| {
        let geometry = Geometry::elementwise(grad_output.nchw("batch_norm")?);
        let BatchNormStatsParams { n, c, plane, step, chunks, lanes, .. } = geometry.stats_params();
        input.gpu().launch(&Launch {
            plan: Plan::new("batch_norm_grad_input", geometry.elementwise_groups())
                .with([("KIND", activation.code()), packed])
                .scalar(geometry.scalar),
            params: &BatchNormGradInputParams { planes: n * c, c, plane, step, chunks, lanes, inverse_count },
            buffers: &[input, grad_output, stats, weight, bias, grad_weight, grad_bias, grad_input].map(Tensor::buffer),
            cost: Cost::new(12.0 * grad_output.len() as f64, input.len() + 2 * grad_output.len()),
        })
    })?;
    Ok(grad_input)
}
