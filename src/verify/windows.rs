//! Replays of what attention in windows needs: `normalize`, `relative_position_bias`, `space_to_depth`, `window_partition` and
//! `window_reverse`; and of `gather_tokens` and `scatter_tokens`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::ops::{self, Picked, Windows};
use crate::verify::elementwise::unary;
use crate::verify::{Case, Outcome, Runner};

pub(super) const RUNNERS: &[(&str, Runner)] = &[
    ("gather_tokens", gather_tokens),
    ("normalize", normalize),
    ("relative_position_bias", relative_position_bias),
    ("scatter_tokens", scatter_tokens),
    ("space_to_depth", space_to_depth),
    ("window_partition", window_partition),
    ("window_reverse", window_reverse),
];

/// The tokens that `in.index` lists, `[n, picked]`, of samples of so many.
fn picked(gpu: &Gpu, case: &Case, tokens: usize) -> Result<Picked> {
    let (shape, values) = case.values("in.index")?;
    let &[_, picked] = shape else { return Err(case.malformed("`in.index` is not [n, picked]")) };
    let lists = values.chunks(picked.max(1)).map(|list| list.iter().map(|token| *token as usize).collect());
    Picked::new(gpu, &lists.collect::<Vec<_>>(), tokens)
}

/// Tokens of a sample of `in.x`.
fn tokens(case: &Case) -> Result<usize> {
    case.values("in.x")?.0.get(1).copied().ok_or_else(|| case.malformed("`in.x` is not [n, tokens, c]"))
}

fn gather_tokens(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let picked = picked(gpu, case, tokens(case)?)?;
    unary(gpu, case, |tape, x| ops::gather_tokens(tape, x, &picked))
}

fn scatter_tokens(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let picked = picked(gpu, case, tokens(case)?)?;
    let (x, row) = (case.input(gpu, "x")?, case.input(gpu, "row")?);
    let tape = Tape::recording();
    tape.watch(&x);
    tape.watch(&row);
    let y = ops::scatter_tokens(&tape, &x, &picked, &row)?;
    let mut outcome = Outcome::default();
    outcome.output("y", &y)?;
    if let Some(grad) = case.grad_output(gpu, "y")? {
        let gradients = tape.backward(&[(&y, grad)])?;
        outcome.grad_input("x", gradients.get(&x))?;
        outcome.grad_input("row", gradients.get(&row))?;
    }
    Ok(outcome)
}

fn normalize(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let eps = case.attr_f64("eps")? as f32;
    unary(gpu, case, |tape, x| ops::normalize(tape, x, eps))
}

fn relative_position_bias(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let window = case.attr_usize("window")?;
    unary(gpu, case, |tape, x| ops::relative_position_bias(tape, x, window))
}

fn space_to_depth(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    if case.attr_usize("block")? != 2 {
        return Err(case.malformed("attribute `block` must be 2: two by two tokens become one"));
    }
    unary(gpu, case, ops::space_to_depth)
}

fn window_partition(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let (window, shift) = (case.attr_usize("window")?, case.attr_usize("shift")?);
    unary(gpu, case, |tape, x| ops::window_partition(tape, x, window, shift))
}

fn window_reverse(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let (window, shift, size) = (case.attr_usize("window")?, case.attr_usize("shift")?, size(case)?);
    unary(gpu, case, |tape, x| ops::window_reverse(tape, x, window, shift, size))
}

/// Rows and columns of tokens of a map.
fn size(case: &Case) -> Result<[usize; 2]> {
    let sides = case.attr_list("size")?;
    match *sides.as_slice() {
        [h, w] if sides.iter().all(|side| *side >= 1.0 && side.fract() == 0.0) => Ok([h as usize, w as usize]),
        _ => Err(case.malformed("attribute `size` must be two whole numbers, rows and columns")),
    }
}

/// The windows that an attention's images are, where the case says so.
pub(super) fn windows(case: &Case) -> Result<Option<Windows>> {
    if !case.has_attr("window") {
        return Ok(None);
    }
    let (side, shift, size) = (case.attr_usize("window")?, case.attr_usize("shift")?, size(case)?);
    Ok(Some(Windows { side, shift, windows: size.map(|extent| extent / side.max(1)) }))
}
