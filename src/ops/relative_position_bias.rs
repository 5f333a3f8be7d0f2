//! What attention in a window adds to the score of a query and a key, by the key's place as seen from the query: a table's rows, one for
//! every (Δrow, Δcol) (Liu et al. 2021, arXiv 2103.14030); the gradient of a row is the sum over its queries and keys. Shaders:
//! `shaders/relative_position_bias.wgsl`, `shaders/relative_position_bias_grad_table.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::relative_position_bias as kernels;
use crate::tensor::Tensor;

/// bias[head, i, j] = table[row(i, j), head], tokens of a window of `side` × `side` in raster order.
///
/// # Shapes
/// table `[(2·side − 1)², heads]`, Δrow slowest; output `[heads, side², side²]`.
///
/// # Errors
/// A table of another number of rows; out of memory.
pub fn relative_position_bias(tape: &Tape, table: &Tensor, side: usize) -> Result<Tensor> {
    let bias = kernels::relative_position_bias(table, side)?;
    let table = table.clone();
    tape.record(&[&table.clone()], &bias, move |grad_bias, gradients| {
        gradients.accumulate(&table, kernels::relative_position_bias_grad_table(grad_bias, side)?)
    });
    Ok(bias)
}
