//! Maps that are means of several: of several networks, and of the scene turned by quarters (Gourmelon et al. 2025, arXiv 2507.01747).
//!
//! Averages p_i of n maps, turned back, become Σ p_i / n, and beside it √(Σ p_i² / n − (Σ p_i / n)²) says how far they are apart, for tasks
//! that have bands for that; where views of tiles are compared, too, their mean variance is added under the root. Each network's own mean
//! is kept where a task gives members' maps. With `reference_windows` each p_i, and their mean, are rounded to half precision, as the
//! published program does.

use half::f16;

use super::Predictor;
use crate::calibrate::quantiles;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::models::Model;

/// Sums over maps.
#[derive(Default)]
struct Sums {
    count: f32,
    sums: Vec<f32>,
    /// What deviations follow from.
    wide: Vec<[f64; 2]>,
    /// Sums of the variances within each map.
    within: Vec<f64>,
}

impl Sums {
    fn add(&mut self, map: &[f32], variances: &[f32], halves: bool) {
        self.within.resize(variances.len(), 0.0);
        self.within.iter_mut().zip(variances).for_each(|(sum, variance)| *sum += f64::from(*variance));
        self.count += 1.0;
        self.sums.resize(map.len(), 0.0);
        self.wide.resize(map.len(), [0.0; 2]);
        for ((value, sum), [first, second]) in map.iter().zip(&mut self.sums).zip(&mut self.wide) {
            let value = rounded(*value, halves);
            *sum += value;
            *first += f64::from(value);
            *second += f64::from(value).powi(2);
        }
    }

    /// The mean, and the population standard deviation.
    fn finish(self, halves: bool) -> (Vec<f32>, Vec<f32>) {
        let count = self.count;
        let mean = self.sums.into_iter().map(|sum| rounded(sum / count, halves)).collect();
        let deviation = |([first, second], within): ([f64; 2], f64)| {
            let (mean, squares) = (first / f64::from(count), second / f64::from(count));
            ((squares - mean * mean).max(0.0) + within / f64::from(count)).sqrt() as f32
        };
        let within = self.within.into_iter().chain(std::iter::repeat(0.0));
        (mean, self.wide.into_iter().zip(within).map(deviation).collect())
    }
}

/// Adds a map's share of the mean over so many.
fn add_share(mean: &mut Vec<f32>, map: &[f32], count: usize) {
    mean.resize(map.len(), 0.0);
    mean.iter_mut().zip(map).for_each(|(mean, value)| *mean += value / count as f32);
}

fn rounded(value: f32, halves: bool) -> f32 {
    if halves { f16::from_f32(value).to_f32() } else { value }
}

impl<'a> Predictor<'a> {
    /// Has maps be means over further networks of the same configuration.
    ///
    /// # Errors
    /// [`Error::Usage`] where the location of scenes is looked for, which each network would find elsewhere.
    pub fn join(&mut self, others: impl IntoIterator<Item = &'a dyn Model>) -> Result<()> {
        self.others.extend(others);
        if !self.others.is_empty() && self.options.location.is_some() {
            let message =
                "--optimise-location looks for the location under which one network is surest; map with each of the weights alone";
            return Err(Error::Usage(message.into()));
        }
        self.options.prepare(self.task.as_mut(), 1 + self.others.len());
        Ok(())
    }

    /// Maps of which each is a mean of several.
    pub(super) fn mean_maps(
        &mut self,
        days: &[usize],
        observe: &mut dyn FnMut(Event),
        take: &mut dyn FnMut(usize, Vec<f32>) -> Result<()>,
    ) -> Result<()> {
        let turns = self.options.turns.unwrap_or(1);
        let mut tiles = 0;
        for quarters in 0..turns {
            self.turn(quarters);
            tiles += days.iter().map(|day| self.mosaic(*day).map(|mosaic| mosaic.tiles.len())).sum::<Result<usize>>()?;
        }
        observe(Event::Start { label: "predict", total: tiles * (1 + self.others.len()), unit: "tiles" });
        let (halves, uncertain) = (self.halves, self.options.uncertainty);
        for &day in days {
            let (mut sums, mut members) = (Sums::default(), Vec::new());
            for _ in 0..=self.others.len() {
                let mut own = Vec::new();
                for quarters in 0..turns {
                    self.turn(quarters);
                    self.averages(&[day], observe, &mut |predictor, _, mut averages| {
                        let variances = predictor.split_off_variances(&mut averages);
                        sums.add(&averages, &variances, halves);
                        if uncertain {
                            add_share(&mut own, &averages, turns);
                        }
                        Ok(())
                    })?;
                }
                members.append(&mut own);
                // Round the circle, so that the first one is the first again for the next day.
                let next = self.others.pop_front();
                next.into_iter().for_each(|next| self.others.push_back(std::mem::replace(&mut self.model, next)));
            }
            self.turn(0);
            let (mean, mut several) = sums.finish(halves);
            if uncertain && !self.others.is_empty() && self.task.heads() == 1 {
                quantiles::sort(&mut members, mean.len());
                self.task.as_mapped(&mut members);
                several.append(&mut members);
            }
            let map = self.finish(day, mean, several)?;
            take(day, map)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_deviations_are_those_of_numpy() {
        let maps = [[0.1f32, 0.5, 0.9], [0.2, 0.5, 0.3], [0.7, 0.5, 0.33]];
        let of = |halves| {
            let mut sums = Sums::default();
            maps.iter().for_each(|map| sums.add(map, &[], halves));
            sums.finish(halves)
        };
        let near = |got: &[f32], wanted: [f32; 3]| got.iter().zip(wanted).all(|(got, wanted)| (got - wanted).abs() < 1e-6);
        let (mean, deviation) = of(false);
        assert!(near(&mean, [0.333_333_34, 0.5, 0.51]) && near(&deviation, [0.262_466_9, 0.0, 0.276_043_5]), "{mean:?} {deviation:?}");
        // numpy: stack.astype(float16), mean with float32 sums as float16, std.
        let (mean, deviation) = of(true);
        assert_eq!(mean, [0.333_496_1, 0.5, 0.509_765_6]);
        assert!(near(&deviation, [0.262_573_4, 0.0, 0.275_968_1]), "{deviation:?}");
    }
}
