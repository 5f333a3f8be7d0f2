//! Crops to train on whose region is not told, so that a network learns what to make of scenes of unknown regions, too.

use crate::config::{Config, LocationKey};
use crate::data::loader::Batch;
use crate::data::location::one_region;
use crate::random::{Draw, Purpose};

/// How often that happens, and to which crops.
#[derive(Debug, Clone, Copy)]
pub struct UnknownRegion {
    seed: u64,
    share: f64,
    numbers: usize,
}

impl UnknownRegion {
    /// What a configuration asks for; none where the network sees no region.
    pub fn of(config: &Config) -> Option<UnknownRegion> {
        let numbers = config.regions.len() + 1;
        (config.location == LocationKey::Region).then_some(UnknownRegion {
            seed: config.seed,
            share: config.augment_unknown_region,
            numbers,
        })
    }

    /// In words.
    pub fn describe(&self) -> String {
        match self.share > 0.0 {
            true => format!("train crops are of an unknown region with probability {}", self.share),
            false => "no train crop is of an unknown region, so that maps of scenes of other regions will be guesses; \
                      augment_unknown_region: 0.1 teaches what to make of them"
                .into(),
        }
    }

    /// Forgets the regions of some crops of an epoch, drawn by the seed, the epoch and a crop's number alone.
    pub fn forget(&self, epoch: usize, batch: &mut Batch) {
        for (crop, region) in batch.crops.iter().zip(batch.location.chunks_exact_mut(self.numbers)) {
            if Draw::new(self.seed, Purpose::Region, (epoch as i64) << 32 | crop.number as i64).unit() < self.share {
                region.copy_from_slice(&one_region(None, self.numbers));
            }
        }
    }

    /// Forgets all regions of a batch.
    pub fn forget_all(&self, batch: &mut Batch) {
        let unknown = one_region(None, self.numbers);
        batch.location.chunks_exact_mut(self.numbers).for_each(|region| region.copy_from_slice(&unknown));
    }
}
