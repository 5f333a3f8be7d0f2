//! Host twin of `relative_position_bias_grad_table`: the sum over all queries and keys of a row.

use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::relative_position_bias::RelativePositionBiasParams;

pub(super) fn relative_position_bias_grad_table(job: &Job<RelativePositionBiasParams>, [grad_bias]: Inputs<1>, [grad_table]: Outputs<1>) {
    let (heads, side) = (job.params.heads as usize, job.params.side as usize);
    let (tokens, wide) = (side * side, 2 * side - 1);
    grad_table[..wide * wide * heads].par_iter_mut().enumerate().for_each(|(at, grad)| {
        let (head, down, right) = (at % heads, at / heads / wide, at / heads % wide);
        // Queries whose key lies within the window.
        let within = |offset: usize| (offset + 1).saturating_sub(side)..side.min(offset + 1);
        let of_line = |y: usize| {
            let key = |x: usize| (y + side - 1 - down) * side + x + side - 1 - right;
            within(right).map(|x| grad_bias[(head * tokens + y * side + x) * tokens + key(x)]).sum::<f32>()
        };
        *grad = within(down).map(of_line).sum();
    });
}
