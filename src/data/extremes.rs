//! Whether a variable's extremes belong to it: a fill value that no tag declares lies far from all other values.

use std::path::{Path, PathBuf};

/// Values of a file that are looked at: enough to know where nearly all lie.
const SAMPLE: usize = 512;
/// What programs put where they have no value.
const FILLS: [f64; 22] = [
    -99.0,
    -999.0,
    -9999.0,
    -99999.0,
    999.0,
    9999.0,
    99999.0,
    255.0,
    32767.0,
    -32767.0,
    -32768.0,
    65535.0,
    2147483647.0,
    -2147483648.0,
    1e20,
    -1e20,
    1e30,
    -1e30,
    -1e34,
    9.969209968386869e36,
    f32::MAX as f64,
    f32::MIN as f64,
];

/// The smallest and the largest value of some files, and a sample of all.
#[derive(Debug, Clone, Default)]
pub(super) struct Extremes {
    ends: Option<[(f64, PathBuf); 2]>,
    sample: Vec<f64>,
}

impl Extremes {
    /// Looks at a value, the `index`-th of `of` in the file `path`.
    pub fn add(&mut self, value: f64, index: u64, of: usize, path: &Path) {
        if index.is_multiple_of((of / SAMPLE).max(1) as u64) {
            self.sample.push(value);
        }
        match &mut self.ends {
            Some([least, most]) => {
                if value < least.0 {
                    *least = (value, path.to_owned());
                }
                if value > most.0 {
                    *most = (value, path.to_owned());
                }
            }
            None => self.ends = Some([(value, path.to_owned()), (value, path.to_owned())]),
        }
    }

    /// Those of both, the first one's files before the other's.
    pub fn merged(mut self, other: Extremes) -> Extremes {
        self.sample.extend(other.sample);
        self.ends = match (self.ends, other.ends) {
            (Some([least, most]), Some([other_least, other_most])) => {
                let least = if other_least.0 < least.0 { other_least } else { least };
                Some([least, if other_most.0 > most.0 { other_most } else { most }])
            }
            (one, other) => one.or(other),
        };
        self
    }

    /// The smallest and the largest value.
    pub fn ends(&self) -> Option<[f64; 2]> {
        self.ends.as_ref().map(|[least, most]| [least.0, most.0])
    }

    /// What to say about extremes that hardly belong to the variable `name`.
    pub fn warnings(&self, name: &str) -> Vec<String> {
        let Some(ends) = &self.ends else { return Vec::new() };
        let found = ends.iter().zip(["smallest", "largest"]).filter_map(|((value, path), which)| {
            let [low, high] = self.most_lie_between(*value)?;
            is_absurd(*value, low, high).then(|| {
                format!(
                    "the {which} value of `{name}` is {value} (in {}), while 98 of 100 other values lie between {low} and {high}; if it \
                     stands for no value, declare that (gdal_edit.py -a_nodata {value} FILE), else these statistics are of no use",
                    path.display()
                )
            })
        });
        found.collect()
    }

    /// The first and the last of a hundred parts of the sample without `value`.
    fn most_lie_between(&self, value: f64) -> Option<[f64; 2]> {
        let mut others: Vec<f64> = self.sample.iter().copied().filter(|other| !close(*other, value)).collect();
        others.sort_unstable_by(f64::total_cmp);
        let last = others.len().checked_sub(1)?;
        Some([others[last / 100], others[last - last / 100]])
    }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * a.abs().max(b.abs())
}

/// Whether a value lies too far from where nearly all others lie to be one of them.
fn is_absurd(value: f64, low: f64, high: f64) -> bool {
    let (spread, apart) = (high - low, (low - value).max(value - high));
    let fill = FILLS.iter().any(|fill| close(*fill, value));
    let beyond_nature = value.abs() >= 1e15 && low.abs().max(high.abs()) < 1e12;
    apart > 0.0 && ((fill && apart > spread) || beyond_nature || (spread > 0.0 && apart > 1000.0 * spread && value.abs() >= 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Extremes {
        let mut extremes = Extremes::default();
        values.iter().zip(0..).for_each(|(value, index)| extremes.add(*value, index, values.len(), Path::new("x.tif")));
        extremes
    }

    fn with(leak: f64) -> Vec<String> {
        let kelvin: Vec<f64> = (0..400).map(|i| 140.0 + f64::from(i) * 0.3).chain([leak; 3]).collect();
        of(&kelvin).warnings("pmw")
    }

    #[test]
    fn fill_values_stand_out() {
        for leak in [-9999.0, 1e20, 9.96921e36, f64::from(f32::MIN), -32768.0, 65535.0, 5e7] {
            let said = with(leak);
            assert!(said.len() == 1 && said[0].contains(&format!("is {leak} (in x.tif)")), "{leak}: {said:?}");
        }
        // Half of all values.
        let half: Vec<f64> = (0..400).map(|i| if i % 2 == 0 { -9999.0 } else { f64::from(i) / 400.0 }).collect();
        assert!(of(&half).warnings("ice")[0].starts_with("the smallest value of `ice` is -9999"));
    }

    #[test]
    fn values_of_nature_do_not() {
        assert!(with(320.0).is_empty() && with(0.0).is_empty() && with(255.0).is_empty());
        // Nearly always dry, wet once; flat land; one value; none.
        assert!(of(&[&[0.0; 300][..], &[0.12]].concat()).warnings("mar_wa1").is_empty());
        assert!(of(&(0..3000).map(f64::from).collect::<Vec<_>>()).warnings("dem").is_empty());
        assert!(of(&[7.0; 50]).warnings("x").is_empty() && of(&[]).warnings("x").is_empty());
    }

    #[test]
    fn files_are_merged_in_their_order() {
        let (mut a, mut b) = (Extremes::default(), Extremes::default());
        a.add(3.0, 0, 1, Path::new("a"));
        [3.0, -1.0].into_iter().for_each(|value| b.add(value, 0, 1, Path::new("b")));
        let ends = a.merged(b).merged(Extremes::default()).ends.unwrap();
        assert_eq!(ends, [(-1.0, PathBuf::from("b")), (3.0, PathBuf::from("a"))]);
    }
}
