//! Some tokens of every sample replaced by one row, as `torch.Tensor.scatter` of its copies: what masks the tokens of an image (Xie et al.
//! 2022, SimMIM, arXiv 2111.09886). ∂L/∂x is that of the output, 0 where tokens were replaced; ∂L/∂row is the sum over those. Shaders:
//! `shaders/scatter_tokens.wgsl`, `shaders/gather_tokens.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::gather_tokens::{self as kernels, Picked};
use crate::kernels::linear::linear_grad_weight;
use crate::kernels::operands::Operands;
use crate::tensor::Tensor;

/// The tokens with `row` in place of the picked ones.
///
/// # Shapes
/// input `[n, tokens, c]`, row `[c]`; output as input.
///
/// # Errors
/// Other samples or tokens than those that were picked from, a row of another length; out of memory.
pub fn scatter_tokens(tape: &Tape, input: &Tensor, picked: &Picked, row: &Tensor) -> Result<Tensor> {
    let replaced = |tensor: &Tensor, row: &Tensor| -> Result<Tensor> {
        let output = Tensor::empty(tensor.gpu(), tensor.shape())?;
        tensor.gpu().copy_words((tensor.buffer(), 0), (output.buffer(), 0), tensor.len())?;
        kernels::scatter_tokens(row, picked, &output)?;
        Ok(output)
    };
    let output = replaced(input, row)?;
    let (input, row, picked) = (input.clone(), row.clone(), picked.clone());
    tape.record(&[&input.clone(), &row.clone()], &output, move |grad_output, gradients| {
        if gradients.wants(&row) {
            let of_row = kernels::gather_tokens(grad_output, &picked)?;
            // The sum over all rows: what the bias of a dense layer gets.
            let (rows, gpu) = (of_row.len() / row.len(), row.gpu());
            let (ones, weight) = (Tensor::full(gpu, [rows, 1], 1.0)?, Tensor::full(gpu, [row.len(), 1], 0.0)?);
            let of_row = of_row.reshaped([rows, row.len()])?;
            gradients.accumulate(&row, linear_grad_weight(&ones, &of_row, &weight, Operands::F32)?.1)?;
        }
        if gradients.wants(&input) {
            let grad_input = Tensor::empty(input.gpu(), input.shape())?;
            input.gpu().copy_words((grad_output.buffer(), 0), (grad_input.buffer(), 0), input.len())?;
            kernels::scatter_tokens(&Tensor::full(row.gpu(), row.shape(), 0.0)?, &picked, &grad_input)?;
            gradients.accumulate(&input, grad_input)?;
        }
        Ok(())
    });
    Ok(output)
}
