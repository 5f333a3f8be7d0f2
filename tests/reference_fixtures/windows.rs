//! Answers of the references of group normalisation, and of what attention in windows needs.

use crate::{Answers, Fixture, answer};
use meltcore::reference::group_norm::*;
use meltcore::reference::normalize::*;
use meltcore::reference::relative_position_bias::*;
use meltcore::reference::scaled_dot_product_attention::Windows;
use meltcore::reference::space_to_depth::*;
use meltcore::reference::window_partition::window_partition;
use meltcore::reference::window_reverse::window_reverse;

pub fn group_norms(f: &Fixture) -> Answers {
    let (x, shape, weight) = (f.get("in.x"), f.shape("in.x"), f.get("param.weight"));
    let (groups, eps) = (f.size("num_groups"), f.number("eps"));
    let mut answers = vec![answer("out.y", group_norm(x, shape, groups, weight, f.get("param.bias"), eps))];
    if let Some(grad) = f.find("grad_out.y") {
        answers.push(answer("grad.in.x", group_norm_grad_input(grad, x, shape, groups, weight, eps)));
        answers.push(answer("grad.param.weight", group_norm_grad_weight(grad, x, shape, groups, eps)));
        answers.push(answer("grad.param.bias", group_norm_grad_bias(grad, shape)));
    }
    answers
}

/// Rows and columns of tokens of a map.
fn size(f: &Fixture) -> [usize; 2] {
    let size = f.numbers("size");
    [size[0] as usize, size[1] as usize]
}

/// The windows that an attention's images are.
pub fn rolled(f: &Fixture) -> Option<Windows> {
    f.attrs.get("window")?;
    let side = f.size("window");
    Some(Windows { side, shift: f.size("shift"), windows: size(f).map(|extent| extent / side) })
}

pub fn windows(f: &Fixture) -> Answers {
    let (x, grad, dims) = (f.get("in.x"), f.get("grad_out.y"), &f.tensors["in.x"].0);
    let last = dims[dims.len() - 1];
    let rolled = || (f.size("window"), f.size("shift"));
    let (y, grad_x) = match f.op.as_str() {
        "normalize" => (normalize(x, last, f.number("eps")), normalize_grad_input(grad, x, last, f.number("eps"))),
        "relative_position_bias" => {
            (relative_position_bias(x, last, f.size("window")), relative_position_bias_grad_table(grad, last, f.size("window")))
        }
        "space_to_depth" => (space_to_depth(x, f.shape("in.x")), space_to_depth_grad_input(grad, f.shape("in.x"))),
        "window_partition" => {
            let ((window, shift), shape) = (rolled(), f.shape("in.x"));
            (window_partition(x, shape, window, shift), window_reverse(grad, shape, window, shift))
        }
        _ => {
            let ((window, shift), shape) = (rolled(), f.shape("out.y"));
            (window_reverse(x, shape, window, shift), window_partition(grad, shape, window, shift))
        }
    };
    vec![answer("out.y", y), answer("grad.in.x", grad_x)]
}
