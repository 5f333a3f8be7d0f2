//! Launchers of `relative_position_bias` and its gradient. Shaders: `shaders/relative_position_bias.wgsl`,
//! `shaders/relative_position_bias_grad_table.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::relative_position_bias::RelativePositionBiasParams;
use crate::tensor::Tensor;

const OP: &str = "relative_position_bias";

/// What attention in windows of `side` × `side` tokens adds to its scores, by the key's place as seen from the query.
///
/// # Shapes
/// table `[(2·side − 1)², heads]`; output `[heads, side², side²]`.
///
/// # Errors
/// A table of another number of rows; out of memory.
pub fn relative_position_bias(table: &Tensor, side: usize) -> Result<Tensor> {
    let heads = match *table.shape().dims() {
        [rows, heads] if side > 0 && rows == (2 * side - 1).pow(2) && heads > 0 => heads,
        _ => {
            let message = format!("a table {} for windows of {side}; (2·{side} − 1)² rows of a number a head were expected", table.shape());
            return Err(Error::shape(OP, message));
        }
    };
    let bias = Tensor::empty(table.gpu(), [heads, side * side, side * side])?;
    launch(OP, [table, &bias], [heads, side], bias.len())?;
    Ok(bias)
}

/// Gradient of the table of [`relative_position_bias`].
///
/// # Shapes
/// grad_bias `[heads, side², side²]`; gives `[(2·side − 1)², heads]`.
///
/// # Errors
/// Another shape; out of memory.
pub fn relative_position_bias_grad_table(grad_bias: &Tensor, side: usize) -> Result<Tensor> {
    let stem = "relative_position_bias_grad_table";
    let heads = match *grad_bias.shape().dims() {
        [heads, queries, keys] if side > 0 && queries == side * side && keys == queries => heads,
        _ => return Err(Error::shape(stem, format!("a gradient {} of the scores of windows of {side}", grad_bias.shape()))),
    };
    let grad_table = Tensor::empty(grad_bias.gpu(), [(2 * side - 1).pow(2), heads])?;
    launch(stem, [grad_bias, &grad_table], [heads, side], grad_table.len())?;
    Ok(grad_table)
}

fn launch(stem: &'static str, tensors: [&Tensor; 2], [heads, side]: [usize; 2], elements: usize) -> Result<()> {
    tensors[0].gpu().launch(&Launch {
        plan: Plan::each(stem, elements),
        params: &RelativePositionBiasParams { heads: heads as u32, side: side as u32 },
        buffers: &tensors.map(Tensor::buffer),
        cost: Cost::new(0.0, tensors[0].len() + tensors[1].len()),
    })
}
