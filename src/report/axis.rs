//! Axes of charts: their range, and ticks at round numbers.

use crate::image::ticks::{decimals, round_step};

/// An axis with its range and labelled places.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What it shows, with its unit.
    pub label: String,
    /// Least and greatest value.
    pub range: [f64; 2],
    /// Where labels are, and what they say.
    pub ticks: Vec<(f64, String)>,
    /// Whether equal ratios take equal lengths.
    pub logarithmic: bool,
}

impl Axis {
    /// An axis over the values, from 0 where `from_zero` says so, with ticks at round numbers.
    pub fn linear(label: &str, values: impl Iterator<Item = f64>, from_zero: bool) -> Axis {
        let (mut low, mut high) = bounds(values);
        if from_zero {
            low = low.min(0.0);
        }
        if high <= low {
            high = low + 1.0;
        }
        Axis::stepped(label, [low, high], round_step((high - low) / 4.0))
    }

    /// An axis over values that count something, with ticks at whole numbers.
    pub fn whole(label: &str, values: impl Iterator<Item = f64>) -> Axis {
        let (low, high) = bounds(values);
        let step = round_step((high - low) / 4.0).max(1.0);
        Axis::stepped(label, [low, high.max(low + 1.0)], if step.fract() == 0.0 { step } else { step.floor() })
    }

    /// An axis that begins and ends at multiples of `step`, with ticks at all of them.
    fn stepped(label: &str, [low, high]: [f64; 2], step: f64) -> Axis {
        let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
        let ticks: Vec<f64> = (0..=(last - first) as usize).map(|i| (first + i as f64) * step).collect();
        let decimals = decimals(step);
        let label_of = |value: &f64| (*value, grouped(&format!("{:.*}", decimals, if value.abs() < step / 2.0 { 0.0 } else { *value })));
        let range = [first * step, last * step];
        Axis { label: label.into(), range, ticks: ticks.iter().map(label_of).collect(), logarithmic: false }
    }

    /// A logarithmic axis over the positive values among these, with ticks at 1, 2 and 5 times powers of ten; a linear one from 0 where
    /// they lie within a factor of 5, which would leave it one tick or none.
    pub fn logarithmic(label: &str, values: impl Iterator<Item = f64>) -> Axis {
        let (low, high) = bounds(values.filter(|value| *value > 0.0));
        if low > 0.0 && high < 5.0 * low {
            return Axis::linear(label, [low, high].into_iter(), true);
        }
        let (low, high) = if low > 0.0 && high > low { (low / 1.05, high * 1.05) } else { (high.max(1.0) / 10.0, high.max(1.0) * 10.0) };
        let decades = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
        let all = |steps: &'static [f64]| {
            let ticks = decades.clone().flat_map(move |decade| steps.iter().map(move |step| step * 10f64.powi(decade)));
            ticks.filter(|tick| (low..=high).contains(tick)).collect::<Vec<_>>()
        };
        let ticks = [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]].map(all).into_iter().find(|ticks| ticks.len() <= 6).unwrap_or_default();
        let label_of =
            |tick: f64| (tick, if (1e-3..1e4).contains(&tick) { format!("{}", (tick * 1e6).round() / 1e6) } else { format!("{tick:.0e}") });
        Axis { label: label.into(), range: [low, high], ticks: ticks.into_iter().map(label_of).collect(), logarithmic: true }
    }

    /// An axis with given ticks that ends where it is told.
    pub fn fixed(label: &str, range: [f64; 2], ticks: Vec<(f64, String)>) -> Axis {
        Axis { label: label.into(), range, ticks, logarithmic: false }
    }

    /// Place of a value along the axis, 0…1 within the range.
    pub fn place(&self, value: f64) -> f64 {
        let scale = |x: f64| if self.logarithmic { x.max(f64::MIN_POSITIVE).ln() } else { x };
        let [low, high] = self.range.map(scale);
        (scale(value) - low) / (high - low)
    }
}

/// Least and greatest finite value, 0 and 1 of nothing.
fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.filter(|value| value.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    if low <= high { (low, high) } else { (0.0, 1.0) }
}

/// A number with a thin space between thousands and a true minus.
pub fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |rest| ("−", rest));
    let whole = digits.split('.').next().unwrap_or(digits);
    let mut out = String::from(sign);
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && whole.len() > 4 && (whole.len() - i) % 3 == 0 {
            out.push('\u{2009}');
        }
        out.push(c);
    }
    out + &digits[whole.len()..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        let axis = Axis::linear("", [0.013, 0.71].into_iter(), true);
        assert_eq!((axis.range, axis.ticks.len()), ([0.0, 0.8], 5));
        assert_eq!(axis.ticks[1].1, "0.2");
        let axis = Axis::linear("", [0.0, 48_213.0].into_iter(), true);
        assert_eq!(axis.ticks.last().unwrap().1, "60\u{2009}000");
        let axis = Axis::linear("", [0.0, 0.09].into_iter(), true);
        assert_eq!(axis.ticks.iter().map(|tick| tick.1.as_str()).collect::<Vec<_>>(), ["0.000", "0.025", "0.050", "0.075", "0.100"]);
        for nothing in [vec![], vec![3.0], vec![f64::NAN]] {
            let axis = Axis::linear("", nothing.into_iter(), false);
            assert!(axis.range[0] < axis.range[1] && axis.ticks.len() > 1);
        }
    }

    #[test]
    fn logarithmic_axes_have_ticks_within() {
        for values in [vec![0.004, 0.26], vec![1e-6, 1e-2], vec![], vec![0.0]] {
            let axis = Axis::logarithmic("", values.into_iter());
            assert!((2..=6).contains(&axis.ticks.len()) && axis.range[0] > 0.0, "{axis:?}");
            assert!(axis.ticks.iter().all(|(tick, _)| (0.0..=1.0).contains(&axis.place(*tick))));
        }
        for values in [vec![0.17, 0.34], vec![5.0], vec![0.11, 0.5]] {
            let axis = Axis::logarithmic("", values.into_iter());
            assert!(!axis.logarithmic && axis.range[0] == 0.0 && axis.ticks.len() > 2, "{axis:?}");
        }
    }

    #[test]
    fn counts_have_whole_ticks() {
        let ticks = |last: f64| {
            let axis = Axis::whole("epoch", [1.0, last].into_iter());
            axis.ticks.into_iter().map(|tick| tick.1).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            (ticks(1.0), ticks(3.0), ticks(10.0), ticks(60.0)),
            ("1 2".into(), "1 2 3".into(), "0 2 4 6 8 10".into(), "0 20 40 60".into())
        );
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(grouped("-1234567.5"), "−1\u{2009}234\u{2009}567.5");
    }
}
