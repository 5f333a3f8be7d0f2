//! Sharpness-aware minimisation: the gradient that an optimizer sees is taken where the loss is worst nearby (Foret et al. 2021,
//! arXiv 2010.01412).
//!
//! From weights w with the gradient g of all of them together the way uphill is e = ρ · g / (‖g‖ + 1e-6); the gradient at w + e is the one
//! of the step, which begins at w again. Kernels: `clip_grad_norm` for the norm, `sgd` for the way up.

use super::{Coefficients, OptimizerKind, OptimizerSettings};
use crate::autograd::Gradients;
use crate::error::Result;
use crate::kernels::{clip_grad_norm::clip_grad_norm, optimizer::sgd};
use crate::tensor::Tensor;

/// A bound that no norm reaches from below: clipping to it multiplies by it / (norm + 1e-6), never by 1.
const BOUND: f64 = 1e-6;

/// Weights on their way uphill, and what they were.
pub struct Ascent {
    /// Each parameter that moved, and a copy from before.
    moved: Vec<(Tensor, Tensor)>,
}

impl Ascent {
    /// Moves every parameter that has a gradient by its part of e, in place; nothing is read back.
    ///
    /// # Errors
    /// A gradient of another shape than its parameter; out of memory.
    pub fn climb(parameters: &[(String, Tensor)], gradients: &Gradients, rho: f64) -> Result<Ascent> {
        let found: Vec<_> = parameters.iter().filter_map(|(_, p)| gradients.get(p).map(|g| (p, g))).collect();
        let Some((first, _)) = found.first() else { return Ok(Ascent { moved: Vec::new() }) };
        let (scale, _) = clip_grad_norm(&found.iter().map(|(_, g)| *g).collect::<Vec<_>>(), BOUND)?;
        let unused = Tensor::empty(first.gpu(), [1])?;
        let up = Coefficients { momentum: 0.0, ..OptimizerSettings::new(OptimizerKind::Sgd, -rho / BOUND).coefficients };
        let mut moved = Vec::with_capacity(found.len());
        for (parameter, gradient) in found {
            let kept = Tensor::empty(parameter.gpu(), parameter.shape())?;
            copy(parameter, &kept)?;
            sgd(parameter, gradient, &scale, &unused, &up)?;
            moved.push((parameter.clone(), kept));
        }
        Ok(Ascent { moved })
    }

    /// Makes every parameter what it was, to the bit.
    ///
    /// # Errors
    /// None on a device that works.
    pub fn back(self) -> Result<()> {
        self.moved.iter().try_for_each(|(parameter, kept)| copy(kept, parameter))
    }
}

fn copy(from: &Tensor, to: &Tensor) -> Result<()> {
    from.gpu().copy_words((from.buffer(), 0), (to.buffer(), 0), from.len())
}
