//! Logarithms of values that span orders of magnitude, taken after a division and before the normalisation.

/// Which one; values below 0 have that of 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Logarithm {
    /// ln(1 + x).
    OfOnePlus,
    /// log10(x + a) of a small a, as of radar backscatter in GlaViTU's program (Maslov et al. 2025, doi 10.1038/s41467-024-54956-x), with
    /// a = 1e-6.
    Decimal(f64),
}

impl Logarithm {
    /// Of a value.
    pub fn of(self, x: f64) -> f64 {
        match self {
            Logarithm::OfOnePlus => x.max(0.0).ln_1p(),
            Logarithm::Decimal(added) => (x.max(0.0) + added).log10(),
        }
    }

    /// The value that has it.
    pub fn inverse(self, y: f64) -> f64 {
        match self {
            Logarithm::OfOnePlus => y.exp_m1(),
            Logarithm::Decimal(added) => 10f64.powf(y) - added,
        }
    }

    /// As [`Logarithm::inverse`], of what may lie below the logarithm of 0: never below 0.
    pub fn inverse_from(self, y: f64) -> f64 {
        self.inverse(y.max(self.of(0.0))).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Logarithm;

    #[test]
    fn values_come_back_and_none_is_below_zero() {
        for logarithm in [Logarithm::OfOnePlus, Logarithm::Decimal(1e-6)] {
            for x in [0.0, 1e-4, 0.03, 57.0] {
                assert!((logarithm.inverse(logarithm.of(x)) - x).abs() < 1e-12 * (1.0 + x), "{logarithm:?} {x}");
            }
            assert_eq!((logarithm.of(-3.0), logarithm.inverse_from(-40.0)), (logarithm.of(0.0), 0.0));
        }
        // The published bounds: log10(0 + 1e-6) = −6 is the least, and 1.7576 that of 57.23.
        assert!((Logarithm::Decimal(1e-6).of(0.0) + 6.0).abs() < 1e-12);
        assert!((Logarithm::Decimal(1e-6).of(57.228_97) - 1.757_612).abs() < 1e-5);
    }
}
