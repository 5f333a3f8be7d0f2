//! Results that are checked part by part: a plane, a channel, or the whole, each computed by its definition once it is asked for.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::bench::case::noisy;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::operands::Operands;
use crate::reference::operands::nearest_f16s;
use crate::tensor::{Shape, Tensor};

/// Values in f64, as the definitions take them.
pub(super) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// A tensor of noise with its values in f64, as products take them.
pub(super) fn noisy_wide(gpu: &Gpu, seed: u64, shape: impl Into<Shape>, operands: Operands) -> Result<(Tensor, Vec<f64>)> {
    let (tensor, values) = noisy(gpu, seed, shape)?;
    Ok((tensor, if operands == Operands::F16 { nearest_f16s(&wide(&values)) } else { wide(&values) }))
}

/// An element's expected value by its flat index: `part_of` says in which part it lies and where there, `compute` gives a part.
pub(super) fn by_parts(part_of: impl Fn(usize) -> (usize, usize), compute: impl Fn(usize) -> Vec<f64>) -> impl Fn(usize) -> f64 {
    let known = RefCell::new(HashMap::<usize, Vec<f64>>::new());
    move |element| {
        let (part, at) = part_of(element);
        known.borrow_mut().entry(part).or_insert_with(|| compute(part))[at]
    }
}

/// Parts of `len` consecutive elements.
pub(super) fn by_planes(len: usize, compute: impl Fn(usize) -> Vec<f64>) -> impl Fn(usize) -> f64 {
    by_parts(move |element| (element / len, element % len), compute)
}

/// One part: all elements.
pub(super) fn whole(compute: impl Fn() -> Vec<f64>) -> impl Fn(usize) -> f64 {
    by_parts(|element| (0, element), move |_| compute())
}

/// Plane `plane` of `len` elements, in f64.
pub(super) fn plane(values: &[f32], len: usize, plane: usize) -> Vec<f64> {
    wide(&values[plane * len..(plane + 1) * len])
}

#[cfg(test)]
mod tests {
    use super::{by_parts, plane};
    use std::cell::Cell;
    use std::rc::Rc;

    #[test]
    fn each_part_is_computed_once_and_only_if_asked_for() {
        let computed = Rc::new(Cell::new(0));
        let seen = computed.clone();
        let expected = by_parts(
            |element| (element % 3, element / 3),
            move |part| {
                seen.set(seen.get() + 1);
                plane(&[0.0, 3.0, 1.0, 4.0, 2.0, 5.0], 2, part)
            },
        );
        assert_eq!([0, 3, 1, 4, 0].map(&expected), [0.0, 3.0, 1.0, 4.0, 0.0]);
        assert_eq!(computed.get(), 2);
    }
}
