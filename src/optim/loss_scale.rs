//! The factor of the loss in mixed precision, which keeps small gradients above f16's smallest number, as `torch.amp.GradScaler`.
//!
//! It begins large. A step whose gradients are not finite is skipped and halves it; so many steps in a row that are not double it.
//! Source: Micikevicius et al. 2018, arXiv 1710.03740; the numbers are PyTorch's.

use crate::error::{Error, Result};

/// The factor of the first step.
const FIRST: f32 = 65_536.0;
/// What it grows by after [`INTERVAL`] steps in a row, and 1 / what it shrinks by at once.
const GROWTH: f32 = 2.0;
/// Steps in a row after which it grows.
const INTERVAL: u32 = 2000;
/// Below this, gradients are not finite for another reason than the factor.
const LEAST: f32 = 1.0 / 65_536.0;

/// The factor, how many steps in a row it has served, and how many were skipped since the beginning.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LossScale {
    factor: f32,
    steps: u32,
    skipped: u64,
}

impl Default for LossScale {
    fn default() -> Self {
        LossScale { factor: FIRST, steps: 0, skipped: 0 }
    }
}

impl LossScale {
    /// The factor of the next step, a power of two, so that multiplying by it and dividing by it again loses nothing.
    pub fn factor(&self) -> f32 {
        self.factor
    }

    /// Steps that were skipped so far.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Takes note of a step, which was skipped unless its gradients were `finite`.
    ///
    /// # Errors
    /// [`Error::NotFinite`] where smaller factors have not helped.
    pub fn count(&mut self, finite: bool) -> Result<()> {
        if !finite {
            *self = LossScale { factor: self.factor / GROWTH, steps: 0, skipped: self.skipped + 1 };
            if self.factor < LEAST {
                let message = "gradients are not finite however small the loss scale is; use `precision: f32`, or lower learning_rate";
                return Err(Error::NotFinite(message.into()));
            }
            return Ok(());
        }
        self.steps += 1;
        if self.steps == INTERVAL {
            let grown = self.factor * GROWTH;
            *self = LossScale { factor: if grown.is_finite() { grown } else { self.factor }, steps: 0, ..*self };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_halves_at_once_and_doubles_after_many_steps() {
        let mut scale = LossScale::default();
        (0..INTERVAL - 1).for_each(|_| scale.count(true).unwrap());
        assert_eq!(scale.factor(), FIRST);
        scale.count(false).unwrap();
        assert_eq!(scale, LossScale { factor: FIRST / 2.0, steps: 0, skipped: 1 });
        (0..INTERVAL).for_each(|_| scale.count(true).unwrap());
        assert_eq!(scale, LossScale { factor: FIRST, steps: 0, skipped: 1 });
        // A largest float more would be none.
        let mut largest = LossScale { factor: 2f32.powi(127), steps: INTERVAL - 1, skipped: 0 };
        largest.count(true).unwrap();
        assert_eq!(largest.factor(), 2f32.powi(127));
    }

    #[test]
    fn gradients_that_stay_not_finite_end_it() {
        let mut scale = LossScale::default();
        let skipped = (0..100).take_while(|_| scale.count(false).is_ok()).count();
        assert_eq!(skipped, 32);
    }
}
