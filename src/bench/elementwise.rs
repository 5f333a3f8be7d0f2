//! Elementwise kernels: the sum, activations with their gradients, and numbers packed as f16.

use crate::bench::case::{Case, Job, noisy};
use crate::kernels::activation::{Activation, activation, activation_grad};
use crate::kernels::add::add;
use crate::kernels::pack_half::{pack_half, unpack_half};
use crate::reference::activation::{gelu, gelu_grad_input, relu, sigmoid};
use crate::reference::add::add as sum;
use crate::reference::operands::nearest_f16;

/// An activation by its definition.
type Definition = fn(&[f64]) -> Vec<f64>;

const KINDS: [(&str, Activation, Definition); 3] =
    [("relu", Activation::Relu, relu), ("gelu", Activation::Gelu, gelu), ("sigmoid", Activation::Sigmoid, sigmoid)];

pub(super) fn cases(large: bool) -> Vec<Case> {
    let shape = if large { [8, 64, 256, 256] } else { [8, 8, 128, 128] };
    let [n, c, h, w] = shape;
    let size = format!("{c} {n}x{h}x{w}");
    let mut cases = vec![Case::new(format!("add {size}"), move |gpu| {
        let (a, b) = (noisy(gpu, 1, shape)?, noisy(gpu, 2, shape)?);
        let expected = move |i: usize| sum(&[a.1[i].into()], &[b.1[i].into()])[0];
        Ok(Job::new(move || add(&a.0, &b.0), expected, 1e-6))
    })];
    for (name, kind, definition) in KINDS {
        cases.push(Case::new(format!("activation {name} {size}"), move |gpu| {
            let x = noisy(gpu, 1, shape)?;
            Ok(Job::new(move || activation(kind, &x.0), move |i| definition(&[x.1[i].into()])[0], 5e-6))
        }));
    }
    cases.push(Case::new(format!("activation_grad gelu {size}"), move |gpu| {
        let (x, g) = (noisy(gpu, 1, shape)?, noisy(gpu, 2, shape)?);
        let expected = move |i: usize| gelu_grad_input(&[g.1[i].into()], &[x.1[i].into()])[0];
        Ok(Job::new(move || activation_grad(Activation::Gelu, &x.0, &g.0), expected, 5e-6))
    }));
    cases.push(Case::new(format!("pack_half, unpack_half {size}"), move |gpu| {
        let (x, values) = noisy(gpu, 1, shape)?;
        Ok(Job::new(move || unpack_half(&pack_half(&x)?, x.shape()), move |i| nearest_f16(values[i].into()), 0.0))
    }));
    cases
}
