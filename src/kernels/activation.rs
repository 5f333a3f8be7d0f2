//! Launchers of `activation` and `activation_grad`. Shaders: `shaders/activation.wgsl`, `shaders/activation_grad.wgsl`;
//! the device functions, which other kernels fuse, are in `shaders/shared/activate.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::activation::ActivationParams;
use crate::kernels::image_groups::for_images;
use crate::tensor::Tensor;

/// An elementwise non-linearity.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// x; written `linear`
    #[default]
    #[serde(rename = "linear")]
    None,
    /// max(x, 0)
    Relu,
    /// x·Φ(x), the erf form
    Gelu,
    /// 1 / (1 + exp(−x))
    Sigmoid,
    /// ½(tanh(x + 4) + tanh(4 − x))
    Tanhshelf,
    /// sigmoid(10 − x⁶)
    Sigmoidcutoff,
    /// x / (1 + exp(−x))
    Silu,
    /// exp(min(x, ln 100)), the factor of cosine attention; no configuration names it.
    #[serde(skip)]
    ClampedExp,
    /// x where x > 0, else slope·x; the gradient at 0 is the slope. No configuration names it: networks bring their slopes.
    #[serde(skip)]
    LeakyRelu(f32),
}

impl Activation {
    /// Value of the constant `KIND` in shaders. A slope is its own code, as its bits; with a slope of 0 a leaky ReLU is a ReLU.
    pub fn code(self) -> u32 {
        match self {
            Activation::None => 0,
            Activation::Relu => 1,
            Activation::Gelu => 2,
            Activation::Sigmoid => 3,
            Activation::Tanhshelf => 4,
            Activation::Sigmoidcutoff => 5,
            Activation::Silu => 6,
            Activation::ClampedExp => 7,
            Activation::LeakyRelu(slope) if slope.abs() < f32::MIN_POSITIVE => 1,
            Activation::LeakyRelu(slope) => slope.to_bits(),
        }
    }

    /// True where f'(x) can be told from f(x) as well as from x: where nothing but the sign decides, and f keeps it.
    pub fn keeps_sign(self) -> bool {
        match self {
            Activation::None | Activation::Relu => true,
            Activation::LeakyRelu(slope) => slope >= 0.0,
            _ => false,
        }
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
        plan: Plan::each(stem, packs).with([("KIND", kind.code())]),
        params: &ActivationParams { packs: packs as u32 },
        buffers: &buffers,
        cost: Cost::new(8.0 * input.len() as f64, tensors.len() * input.len()),
    })
}
