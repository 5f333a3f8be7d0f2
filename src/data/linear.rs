//! A change of unit: stored samples to values, values to the unit that is wanted.

/// `x · scale + offset`, in float64.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Linear {
    /// Factor.
    pub scale: f64,
    /// Added after the factor, in the new unit.
    pub offset: f64,
}

impl Default for Linear {
    fn default() -> Self {
        Linear { scale: 1.0, offset: 0.0 }
    }
}

impl Linear {
    /// Applies it; the identity leaves every value as it is, a negative zero too.
    pub fn apply(self, x: f64) -> f64 {
        if self.is_identity() { x } else { x * self.scale + self.offset }
    }

    /// Whether it changes nothing.
    pub fn is_identity(self) -> bool {
        self == Linear::default()
    }

    /// Whether values come out that differ as the samples do: finite numbers, and no factor of 0.
    pub fn is_usable(self) -> bool {
        self.scale.is_finite() && self.offset.is_finite() && self.scale != 0.0
    }

    /// This, and `next` after it.
    pub fn then(self, next: Linear) -> Linear {
        Linear { scale: self.scale * next.scale, offset: self.offset * next.scale + next.offset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_after_the_other() {
        let (a, b) = (Linear { scale: 0.5, offset: 3.0 }, Linear { scale: 4.0, offset: -1.0 });
        assert_eq!(a.then(b).apply(8.0), b.apply(a.apply(8.0)));
        assert!(a.is_usable() && !Linear { scale: 0.0, ..a }.is_usable() && !Linear { offset: f64::NAN, ..a }.is_usable());
        assert_eq!(Linear::default().apply(-0.0).to_bits(), (-0.0f64).to_bits());
    }
}
