//! Launchers of `group_norm` and its gradients. An image's groups are the channels of `batch_norm_stats`, and its planes those of
//! `batch_norm` and `batch_norm_grad_stats`, of which every plane has a weight and a bias. Shaders: `shaders/group_norm*.wgsl`,
//! `shaders/batch_norm*.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::group_norm_grad_input::GroupNormGradInputParams;
use crate::host::group_norm_grad_stats::GroupNormGradStatsParams;
use crate::host::group_norm_stats::GroupNormStatsParams;
use crate::kernels::activation::Activation;
use crate::kernels::batch_norm;
use crate::kernels::image_groups::{for_images, of_images};
use crate::kernels::planes::Geometry;
use crate::kernels::sum_partials::sum_partials;
use crate::tensor::Tensor;

const OP: &str = "group_norm";

/// What the gradient kernels need of the forward pass.
#[derive(Clone)]
pub struct Saved {
    /// The input.
    pub input: Tensor,
    /// Groups of an image.
    pub groups: usize,
    /// Fused activation.
    pub activation: Activation,
    /// `[n, c, 4]`, what normalises a plane: shift, mean − shift, 1/√(biased variance + eps), unused.
    pub stats: Tensor,
    /// The weight of a plane, `[n, c]`.
    pub weights: Tensor,
    /// The bias of a plane, `[n, c]`.
    pub biases: Tensor,
}

/// The images' planes as channels of one image.
fn as_planes(tensor: &Tensor) -> Result<Tensor> {
    let [n, c, h, w] = tensor.nchw(OP)?;
    tensor.reshaped([1, n * c, h, w])
}

fn check(input: &Tensor, weight: &Tensor, bias: &Tensor, groups: usize) -> Result<[usize; 4]> {
    let dims @ [_, c, h, w] = input.nchw(OP)?;
    for (name, tensor) in [("weight", weight), ("bias", bias)] {
        if tensor.shape().dims() != [c] {
            return Err(Error::shape(OP, format!("{name} has shape {}, expected [{c}] for {}", tensor.shape(), input.shape())));
        }
    }
    if groups == 0 || !c.is_multiple_of(groups) || input.is_empty() {
        return Err(Error::shape(OP, format!("{groups} equal groups of the channels of {}", input.shape())));
    }
    if c / groups * h * w == 1 {
        return Err(Error::shape(OP, format!("{groups} groups of {} have one value each; a spread needs more", input.shape())));
    }
    Ok(dims)
}

/// y = f((x − mean)/√(variance + eps)·weight + bias), mean and variance of an image's group, and what its gradients need.
///
/// # Shapes
/// input `[n, c, h, w]`, weight and bias `[c]`; output as input.
///
/// # Errors
/// Shapes that do not fit, groups of unequal or single values; out of memory.
pub fn group_norm(
    input: &Tensor,
    groups: usize,
    weight: &Tensor,
    bias: &Tensor,
    eps: f32,
    activation: Activation,
) -> Result<(Tensor, Saved)> {
    let [n, c, h, w] = check(input, weight, bias, groups)?;
    let gpu = input.gpu();
    let (stats, weights, biases) = (Tensor::empty(gpu, [n, c, 4])?, Tensor::empty(gpu, [n, c])?, Tensor::empty(gpu, [n, c])?);
    for_images("group_norm_stats", [input, &stats, &weights, &biases], |[input, stats, weights, biases]| {
        let planes = input.len() / (h * w);
        let of_groups = input.reshaped([1, planes / c * groups, c / groups * h, w])?;
        let of_groups = batch_norm::batch_norm_stats(&of_groups, eps)?.stats;
        gpu.launch(&Launch {
            plan: Plan::each("group_norm_stats", planes),
            params: &GroupNormStatsParams { planes: planes as u32, c: c as u32, groups: groups as u32 },
            buffers: &[&of_groups, weight, bias, stats, weights, biases].map(Tensor::buffer),
            cost: Cost::new(0.0, 12 * planes),
        })
    })?;
    let output = of_images(OP, [input, &stats, &weights, &biases], input.shape(), |[input, stats, weights, biases]| {
        let planes = weights.len();
        let of_planes = [stats.reshaped([planes, 4])?, weights.reshaped([planes])?, biases.reshaped([planes])?];
        batch_norm::batch_norm(&as_planes(input)?, &of_planes[0], &of_planes[1], &of_planes[2], activation)
    })?;
    Ok((output, Saved { input: input.clone(), groups, activation, stats, weights, biases }))
}

/// Gradients of a group normalisation.
pub struct Grads {
    /// Of the input.
    pub input: Tensor,
    /// Of the weight, `[c]`.
    pub weight: Tensor,
    /// Of the bias, `[c]`.
    pub bias: Tensor,
}

/// ∂L/∂x = invstd·(g − mean(g) − x̂·mean(g·x̂)) with g = weight·dz and means over a group, ∂L/∂weight = Σ dz·x̂ and ∂L/∂bias = Σ dz over
/// images and pixels, dz = ∂L/∂y·f'(z).
///
/// # Shapes
/// grad_output `[n, c, h, w]`.
///
/// # Errors
/// Shapes that do not fit; out of memory.
pub fn group_norm_grad_input(saved: &Saved, grad_output: &Tensor) -> Result<Grads> {
    let Saved { input, groups, activation, stats, weights, biases } = saved;
    if input.shape() != grad_output.shape() {
        let message = format!("a gradient of shape {} for an output of shape {}", grad_output.shape(), input.shape());
        return Err(Error::shape(OP, message));
    }
    let [n, c, h, w] = input.nchw(OP)?;
    let (gpu, per_group) = (input.gpu(), c / groups);
    let [products, sums] = [Tensor::empty(gpu, [n, c])?, Tensor::empty(gpu, [n, c])?];
    let tensors = [input, grad_output, stats, weights, biases, &products, &sums];
    let grad_input = of_images("group_norm_grad_input", tensors, input.shape(), |tensors| {
        let [input, grad_output, stats, weights, biases, products, sums] = tensors;
        let (planes, input, grad_output) = (weights.len(), as_planes(input)?, as_planes(grad_output)?);
        let channel = |tensor: &Tensor| tensor.reshaped([planes]);
        let of_planes = batch_norm::Saved {
            input: input.clone().into(),
            stats: stats.reshaped([planes, 4])?,
            weight: channel(weights)?,
            bias: channel(biases)?,
            activation: *activation,
        };
        let (own_products, own_sums) = batch_norm::batch_norm_grad_stats(&of_planes, &grad_output)?;
        gpu.copy_words((own_products.buffer(), 0), (products.buffer(), 0), planes)?;
        gpu.copy_words((own_sums.buffer(), 0), (sums.buffer(), 0), planes)?;
        let all = planes / per_group;
        let means = Tensor::empty(gpu, [all, 2])?;
        let inverse_count = 1.0 / (per_group * h * w) as f32;
        gpu.launch(&Launch {
            plan: Plan::each("group_norm_grad_stats", all),
            params: &GroupNormGradStatsParams { all: all as u32, planes: per_group as u32, inverse_count },
            buffers: &[&own_products, &own_sums, weights, &means].map(Tensor::buffer),
            cost: Cost::new(4.0 * planes as f64, 3 * planes + 2 * all),
        })?;
        let grad_input = Tensor::empty(gpu, input.shape())?;
        let geometry @ Geometry { plane, step, chunks, lanes, .. } = Geometry::elementwise(input.nchw(OP)?);
        let [planes, per_group, plane, step, chunks, lanes] = [planes, per_group, plane, step, chunks, lanes].map(|v| v as u32);
        gpu.launch(&Launch {
            plan: Plan::new("group_norm_grad_input", geometry.elementwise_groups())
                .with([("KIND", activation.code())])
                .scalar(geometry.scalar),
            params: &GroupNormGradInputParams { planes, per_group, plane, step, chunks, lanes },
            buffers: &[&input, &grad_output, stats, weights, biases, &means, &grad_input].map(Tensor::buffer),
            cost: Cost::new(12.0 * input.len() as f64, 3 * input.len()),
        })?;
        Ok(grad_input)
    })?;
    let shape = [c].into();
    Ok(Grads { input: grad_input, weight: sum_partials(&products, n, &shape)?, bias: sum_partials(&sums, n, &shape)? })
}
