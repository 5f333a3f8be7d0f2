//! Answers of the references of group normalisation, of attention, and of what attention in windows needs.

use crate::{Answers, Fixture, answer};
use meltcore::reference::gather_tokens::*;
use meltcore::reference::group_norm::*;
use meltcore::reference::normalize::*;
use meltcore::reference::relative_position_bias::*;
use meltcore::reference::scaled_dot_product_attention::*;
use meltcore::reference::scatter_tokens::*;
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

/// Tokens that a list picks, or replaces.
pub fn picked(f: &Fixture) -> Answers {
    let (x, grad, index) = (f.get("in.x"), f.get("grad_out.y"), f.get("in.index").iter().map(|token| *token as usize).collect::<Vec<_>>());
    let shape: [usize; 3] = f.tensors["in.x"].0.as_slice().try_into().unwrap();
    if f.op == "gather_tokens" {
        let grad_x = gather_tokens_grad_input(grad, shape, &index);
        return vec![answer("out.y", gather_tokens(x, shape, &index)), answer("grad.in.x", grad_x)];
    }
    vec![
        answer("out.y", scatter_tokens(x, shape, &index, f.get("in.row"))),
        answer("grad.in.x", scatter_tokens(grad, shape, &index, &vec![0.0; shape[2]])),
        answer("grad.in.row", scatter_tokens_grad_row(grad, shape, &index)),
    ]
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

pub fn attention(f: &Fixture) -> Answers {
    let [n, heads, tokens, dim] = f.shape("in.q");
    let dims = AttentionDims { n, heads, tokens, dim, scale: f.number("scale"), windows: rolled(f) };
    let ([q, k, v], bias) = (["in.q", "in.k", "in.v"].map(|name| f.operand(name)), f.find("in.bias"));
    let mut answers = vec![answer("out.y", scaled_dot_product_attention(&q, &k, &v, bias, &dims))];
    if f.find("grad_out.y").is_some() {
        let grad = f.operand("grad_out.y");
        let AttentionGrads { q, k, v, bias } = scaled_dot_product_attention_grad(&grad, &q, &k, &v, bias, &dims);
        answers.extend([("q", q), ("k", k), ("v", v), ("bias", bias)].map(|(name, values)| answer(&format!("grad.in.{name}"), values)));
    }
    answers
}
