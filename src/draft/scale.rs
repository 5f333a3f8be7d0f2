//! What a target is, and what its values are divided by, so that a network learns numbers of about 1.

use super::Found;
use crate::domains::DomainKey;
use crate::error::{Error, Result};

/// How values of a target become what is learnt.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    /// What they are divided by.
    pub divisor: f64,
    /// Whether it is a share: 0 to 1, or percent.
    pub is_fraction: bool,
    /// What the values are.
    pub ends: [f64; 2],
}

impl Scale {
    /// For values between two.
    ///
    /// # Errors
    /// [`Error::Usage`] where the target is the domain's, which is a fraction.
    pub fn of(ends: [f64; 2], target: &Found) -> Result<Scale> {
        let [low, high] = ends;
        let unit = target.bands.first().map_or("", |band| &*band.unit);
        let is_percent = ["%", "percent", "per cent"].iter().any(|word| unit.eq_ignore_ascii_case(word));
        let largest = high.abs().max(low.abs());
        // Without a unit, numbers up to 100 that come near it are most often percent.
        let looks_percent = is_percent || (unit.is_empty() && largest > 50.0 && largest <= 100.0);
        let (divisor, is_fraction) = match low >= 0.0 {
            true if largest <= 1.0 => (1.0, unit.is_empty() || is_percent),
            true if looks_percent => (100.0, true),
            _ => (if largest <= 1.0 { 1.0 } else { round_above(largest) }, false),
        };
        let fraction = DomainKey::default().domain().target.name;
        if target.name == fraction && (divisor != 1.0 || low < 0.0) {
            let path = target.path.display();
            return Err(Error::Usage(format!(
                "the target `{fraction}` is a fraction of 0 to 1, and its files hold {low} to {high}; give it another name: \
                 --target NAME={path}"
            )));
        }
        Ok(Scale { divisor, is_fraction: is_fraction || target.name == fraction, ends })
    }
}

/// The next number of one digit and zeros.
fn round_above(value: f64) -> f64 {
    let decade = 10f64.powi(value.log10().floor() as i32);
    (value / decade).ceil() * decade
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_what_is_easily_read() {
        for (value, wanted) in [(40.0, 40.0), (255.0, 300.0), (9999.0, 10_000.0), (1.2, 2.0), (1000.0, 1000.0)] {
            assert_eq!(round_above(value), wanted);
        }
    }
}
