//! Which micro-batches of a step, and which batches of a validation, a rank works on.
//!
//! Of the `accumulate_steps` micro-batches of a step every rank has a run of equally many, a power of two, so that its sum is a whole
//! subtree of [`super::tree`], and what ranks add to each other are its upper levels. Of a step with fewer some ranks have fewer, or none.

use std::ops::Range;

use crate::config::Config;
use crate::data::tiles::Crop;
use crate::error::Result;
use crate::ranks::Position;

/// Refuses an `accumulate_steps` that ranks cannot share: it must be their number times a power of two.
///
/// # Errors
/// [`crate::error::Error::Config`] with the nearest values that fit.
pub(super) fn check(config: &Config, ranks: usize) -> Result<()> {
    let steps = config.accumulate_steps;
    if ranks == 1 || steps.is_multiple_of(ranks) && (steps / ranks).is_power_of_two() {
        return Ok(());
    }
    let fitting = |factor: usize| (factor * ranks).to_string();
    let above = (steps / ranks).next_power_of_two().max(1);
    let above = if above * ranks < steps { 2 * above } else { above };
    let nearest = if above > 1 { format!("{} or {}", fitting(above / 2), fitting(above)) } else { fitting(above) };
    let message = format!(
        "is {steps}, which {ranks} ranks cannot share: it must be {ranks} times a power of two, for example {nearest}. (batch_size crops make a \
         micro-batch, accumulate_steps micro-batches a step; ranks share those of a step, and no result depends on their number.)"
    );
    Err(config.key_error("accumulate_steps", message))
}

/// A rank's share of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    rank: usize,
    ranks: usize,
    /// Micro-batches of a whole step.
    steps: usize,
}

impl Share {
    pub(super) fn new(config: &Config, position: Position) -> Share {
        Share { rank: position.rank, ranks: position.ranks, steps: config.accumulate_steps }
    }

    /// Micro-batches of a whole step that a rank has.
    fn each(self) -> usize {
        self.steps.div_ceil(self.ranks)
    }

    /// This rank's micro-batches of a step of `all`, by number.
    pub(super) fn of_step(self, all: usize) -> Range<usize> {
        let at = |rank: usize| (rank * self.each()).min(all);
        at(self.rank)..at(self.rank + 1)
    }

    /// Ranks that have a micro-batch of a step of `all`: the first ones.
    pub(super) fn at_work(self, all: usize) -> usize {
        all.div_ceil(self.each()).min(self.ranks)
    }

    /// This rank's batches of a validation of `all`, by number.
    pub(super) fn of_validation(self, all: usize) -> Range<usize> {
        all * self.rank / self.ranks..all * (self.rank + 1) / self.ranks
    }

    /// This rank's crops of an epoch of training, whose batches have `size` crops, the last one maybe fewer.
    pub(super) fn train_crops(self, crops: &[Crop], size: usize) -> Vec<Crop> {
        let is_own = |batch: usize| self.of_step(self.steps).contains(&(batch % self.steps));
        let own = crops.chunks(size).enumerate().filter(|(batch, _)| is_own(*batch));
        own.flat_map(|(_, crops)| crops.iter().copied()).collect()
    }

    /// This rank's crops of a validation.
    pub(super) fn val_crops(self, crops: &[Crop], size: usize) -> Vec<Crop> {
        let own = self.of_validation(crops.len().div_ceil(size));
        crops[(own.start * size).min(crops.len())..(own.end * size).min(crops.len())].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(steps: usize) -> Config {
        let keys = serde_json::json!({"model_key": "unet", "accumulate_steps": steps});
        Config::from_json(keys.as_object().unwrap()).unwrap()
    }

    #[test]
    fn ranks_share_every_step_and_every_validation() {
        for (steps, ranks) in [(1, 1), (5, 1), (2, 2), (4, 2), (8, 2), (3, 3), (6, 3), (4, 4), (20, 5)] {
            check(&config(steps), ranks).unwrap();
            let of = |rank| Share { rank, ranks, steps };
            for all in 1..=steps {
                let shares: Vec<Range<usize>> = (0..ranks).map(|rank| of(rank).of_step(all)).collect();
                assert_eq!(shares.iter().cloned().flatten().collect::<Vec<_>>(), (0..all).collect::<Vec<_>>());
                assert_eq!(shares.iter().filter(|share| !share.is_empty()).count(), of(0).at_work(all));
                // Whole subtrees, but for the last one.
                let block = steps / ranks;
                assert!(ranks == 1 || block.is_power_of_two() && shares.iter().all(|share| share.is_empty() || share.start % block == 0));
            }
            for all in 0..20 {
                let shares = (0..ranks).flat_map(|rank| of(rank).of_validation(all));
                assert_eq!(shares.collect::<Vec<_>>(), (0..all).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn crops_of_all_ranks_are_those_of_the_epoch() {
        let crop = |number| Crop { day: 0, window: crate::data::Window::whole(1, 1), number };
        let crops: Vec<Crop> = (0..23).map(crop).collect();
        let numbers = |crops: Vec<Crop>| crops.into_iter().map(|crop| crop.number).collect::<Vec<_>>();
        let share = |rank| Share { rank, ranks: 2, steps: 4 };
        // Batches of two, four a step: the first rank has the first two of each four.
        assert_eq!(numbers(share(0).train_crops(&crops, 2)), [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19]);
        assert_eq!(numbers(share(1).train_crops(&crops, 2)), [4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22]);
        let both = [0, 1].map(|rank| numbers(share(rank).val_crops(&crops, 2))).concat();
        assert_eq!(both, (0..23).collect::<Vec<_>>());
    }

    #[test]
    fn misfits_are_refused_with_the_nearest_that_fit() {
        for (steps, ranks, nearest) in
            [(1, 2, "2."), (3, 2, "2 or 4."), (6, 2, "4 or 8."), (9, 3, "6 or 12."), (1, 4, "4."), (7, 4, "4 or 8.")]
        {
            let error = check(&config(steps), ranks).unwrap_err();
            assert_eq!(error.exit_status(), 2);
            assert!(error.to_string().contains(&format!("for example {nearest}")), "{error}");
        }
    }
}
