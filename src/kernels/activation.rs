//! Launchers of `activation` and `activation_grad`. Shaders: `shaders/activation.wgsl`, `shaders/activation_grad.wgsl`;
//! the device functions, which other kernels fuse, are in `shaders/shared/activate.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::shader::Variant;
use crate::gpu::{Cost, Kernel, Launch, groups_1d};
use crate::host::activation::ActivationParams;
use crate::kernels::image_groups::for_images;
use crate::tensor::Tensor;

/// An elementwise non-linearity; the discriminant is the `KIND` that shaders know it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u32)]
pub enum Activation {
    /// x; written `linear`
    #[default]
    #[serde(rename = "linear")]
    None = 0,
    /// max(x, 0)
    Relu = 1,
    /// x·Φ(x), the erf form
    Gelu = 2,
    /// 1 / (1 + exp(−x))
    Sigmoid = 3,
    /// ½(tanh(x + 4) + tanh(4 − x))
    Tanhshelf = 4,
    /// sigmoid(10 − x⁶)
    Sigmoidcutoff = 5,
}

impl Activation {
    /// Value of the constant `KIND` in shaders.
    pub fn code(self) -> u32 {
        self as u32
    }
}

/// y = f(x).
///
/// # Shapes
/// Any shape.
///
/// # Errors
/// Out of memory.
pub fn activation(kind: Activation, input: &Tensor) -> Result<Tensor> {
    let output = Tensor::empty(input.gpu(), input.shape())?;
    for_images("activation", [input, &output], |tensors| launch("activation", kind, &tensors))?;
    Ok(output)
}

/// ∂L/∂x = ∂L/∂y · f'(x) from the activation's input.
///
/// # Shapes
/// Any shape, the same for both.
///
/// # Errors
/// Shapes that differ; out of memory.
pub fn activation_grad(kind: Activation, input: &Tensor, grad_output: &Tensor) -> Result<Tensor> {
    if input.shape() != grad_output.shape() {
        let message = format!("a gradient of shape {} for an input of shape {}", grad_output.shape(), input.shape());
        return Err(Error::shape("activation_grad", message));
    }
    let grad_input = Tensor::empty(input.gpu(), input.shape())?;
    for_images("activation_grad", [input, grad_output, &grad_input], |tensors| launch("activation_grad", kind, &tensors))?;
    Ok(grad_input)
}

fn launch(stem: &'static str, kind: Activation, tensors: &[&Tensor]) -> Result<()> {
    let Some(input) = tensors.first() else { return Ok(()) };
    let packs = input.len().div_ceil(4);
    let buffers: Vec<_> = tensors.iter().map(|tensor| tensor.buffer()).collect();
    input.gpu().launch(&Launch {
        kernel: Kernel::named(stem, &ActivationParams { packs: packs as u32 }),
        variant: Variant { consts: vec![("KIND", kind.code())], scalar: false },
        buffers: &buffers,
        groups: groups_1d(packs.div_ceil(64)),
        cost: Cost::new(8.0 * input.len() as f64, tensors.len() * input.len()),
    })
}
