//! Elementwise non-linearities: y = f(x); ∂L/∂x = ∂L/∂y · f'(x), with f' computed from the saved x.
//!
//! | name | f(x) | source |
//! | --- | --- | --- |
//! | relu | max(x, 0), gradient 0 at 0 | `torch.nn.functional.relu` |
//! | leaky_relu | x where x > 0, else slope·x; gradient slope at 0 | `torch.nn.functional.leaky_relu` |
//! | gelu | x·Φ(x), Φ the normal distribution | `torch.nn.functional.gelu`, erf form |
//! | sigmoid | 1 / (1 + exp(−x)) | `torch.sigmoid` |
//! | tanhshelf | ½(tanh(x + 4) + tanh(4 − x)) | MeltwaterBench, arXiv 2512.12142 |
//! | silu | x / (1 + exp(−x)) | `torch.nn.functional.silu` |
//! | clamped_exp | exp(min(x, ln 100)), gradient 0 above | the factor of cosine attention, arXiv 2111.09883 |
//! | sigmoidcutoff | sigmoid(10 − x⁶) | MeltwaterBench, arXiv 2512.12142 |
//!
//! Shaders: `shaders/activation.wgsl`, `shaders/activation_grad.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels;
pub use crate::kernels::activation::Activation;
use crate::tensor::Tensor;

/// y = f(x) for the given kind; [`Activation::None`] hands `input` through.
///
/// # Shapes
/// Any shape.
///
/// # Errors
/// Out of memory.
pub fn activation(tape: &Tape, kind: Activation, input: &Tensor) -> Result<Tensor> {
    if kind == Activation::None {
        return Ok(input.clone());
    }
    let output = kernels::activation::activation(kind, input)?;
    let saved = tape.keep(input)?;
    tape.record(&[input], &output, move |grad_output, gradients| {
        let grad_input = kernels::activation::activation_grad(kind, &saved.restored()?, grad_output)?;
        gradients.accumulate(&saved, grad_input)
    });
    Ok(output)
}

/// y = max(x, 0).
///
/// # Errors
/// Out of memory.
pub fn relu(tape: &Tape, input: &Tensor) -> Result<Tensor> {
    activation(tape, Activation::Relu, input)
}

/// y = x where x > 0, else slope·x.
///
/// # Errors
/// Out of memory.
pub fn leaky_relu(tape: &Tape, input: &Tensor, slope: f32) -> Result<Tensor> {
    activation(tape, Activation::LeakyRelu(slope), input)
}

/// y = x·Φ(x), the erf form.
///
/// # Errors
/// Out of memory.
pub fn gelu(tape: &Tape, input: &Tensor) -> Result<Tensor> {
    activation(tape, Activation::Gelu, input)
}

/// y = 1 / (1 + exp(−x)).
///
/// # Errors
/// Out of memory.
pub fn sigmoid(tape: &Tape, input: &Tensor) -> Result<Tensor> {
    activation(tape, Activation::Sigmoid, input)
}

/// y = x / (1 + exp(−x)).
///
/// # Errors
/// Out of memory.
pub fn silu(tape: &Tape, input: &Tensor) -> Result<Tensor> {
    activation(tape, Activation::Silu, input)
}

/// y = exp(min(x, ln 100)); the gradient is 0 above ln 100.
///
/// # Errors
/// Out of memory.
pub fn clamped_exp(tape: &Tape, input: &Tensor) -> Result<Tensor> {
    activation(tape, Activation::ClampedExp, input)
}

/// y = ½(tanh(x + 4) + tanh(4 − x)).
///
/// # Errors
/// Out of memory.
pub fn tanhshelf(tape: &Tape, input: &Tensor) -> Result<Tensor> {
    activation(tape, Activation::Tanhshelf, input)
}

/// y = sigmoid(10 − x⁶).
///
/// # Errors
/// Out of memory.
pub fn sigmoidcutoff(tape: &Tape, input: &Tensor) -> Result<Tensor> {
    activation(tape, Activation::Sigmoidcutoff, input)
}
