//! Mean and standard deviation, merged over parts as T. F. Chan, G. H. Golub and R. J. LeVeque do, "Updating formulae and a pairwise
//! algorithm for computing sample variances" (1979).

/// Count, mean and sum of squared deviations of some values.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Those of a set of values, read twice.
    pub fn of(values: impl Iterator<Item = f32> + Clone) -> Moments {
        let values = values.map(f64::from);
        let (count, sum) = values.clone().fold((0u64, 0.0), |(count, sum), value| (count + 1, sum + value));
        let mean = if count == 0 { 0.0 } else { sum / count as f64 };
        Moments { count, mean, squares: values.map(|value| (value - mean).powi(2)).sum() }
    }

    /// Those of `count` values with this mean, whose squared deviations from it sum up to `squares`.
    pub fn from_sums(count: u64, mean: f64, squares: f64) -> Moments {
        Moments { count, mean, squares }
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean, 0 of nothing.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The population's standard deviation, 0 of nothing.
    pub fn std(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.squares / self.count as f64).sqrt() }
    }

    /// Those of both sets of values.
    pub fn merged(self, other: Moments) -> Moments {
        let count = self.count + other.count;
        if other.count == 0 || self.count == 0 {
            return if other.count == 0 { self } else { other };
        }
        let (apart, share) = (other.mean - self.mean, other.count as f64 / count as f64);
        let squares = self.squares + other.squares + apart * apart * self.count as f64 * share;
        Moments { count, mean: self.mean + apart * share, squares }
    }

    /// Those of the values divided by `divisor`.
    pub fn divided_by(self, divisor: f64) -> Moments {
        Moments { count: self.count, mean: self.mean / divisor, squares: self.squares / (divisor * divisor) }
    }
}
