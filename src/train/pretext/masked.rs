//! Inputs that are to be said where they are hidden: of a crop's patches a share is hidden from the network, which gives back every input
//! as it sees it elsewhere, normalised.
//!
//! What is hidden holds the value that a network sees as 0, the mean, in all inputs that are rasters; numbers made from the date and
//! `constant_inputs` stay, and nobody asks for them. So many patches are hidden as the share of all of them, rounded, at least one.
//! Source: SimMIM (Xie et al. 2022, arXiv 2111.09886), for rasters of any kind.

use crate::config::Config;
use crate::data::framed::Framed;
use crate::data::loader::Batch;
use crate::error::{Error, Result};
use crate::models::{self, Inputs};
use crate::preprocess::{Preprocessor, zeros};
use crate::random::{Draw, Purpose};
use crate::tasks::Targets;
use crate::tensor::Tensor;

/// Share of patches that is hidden where nobody says.
const SHARE: f64 = 0.5;

/// What is hidden and asked for.
pub(in crate::train) struct Masked {
    seed: u64,
    share: f64,
    patch: usize,
    /// Of each input the raw value that a network sees as 0, where it is one that is hidden.
    hidden_as: Vec<Option<f32>>,
}

impl Masked {
    /// As a configuration asks for it.
    ///
    /// # Errors
    /// [`Error::Config`] for a network of several inputs, patches that are larger than crops, a share that hides nothing or everything, and
    /// where no input is one that could be hidden.
    pub(super) fn of(config: &Config, train: &Framed, [height, width]: [usize; 2]) -> Result<Masked> {
        let (patch, share) = (config.hidden_patch, config.hidden_share.unwrap_or(SHARE));
        if models::inputs(config)?.len() != 1 {
            let message = "names a network of several inputs, and `objective: masked` needs one of one input; take another network";
            return Err(config.key_error("model_key", message));
        }
        if patch > height.min(width) {
            let message = format!("is {patch}, but crops have {height} x {width} pixels; give fewer");
            return Err(config.key_error("hidden_patch", message));
        }
        if share <= 0.0 || share >= 1.0 {
            return Err(config.key_error("hidden_share", format!("is {share}, and must be between 0 and 1, as {SHARE}")));
        }
        let inputs = train.dataset().inputs();
        let is_hidden = |name: &str, is_scalar: bool| !is_scalar && !config.constant_inputs.contains_key(name);
        let hidden_as: Vec<Option<f32>> = inputs
            .iter()
            .zip(zeros(config, inputs)?)
            .map(|(input, zero)| is_hidden(input.name, input.is_scalar()).then_some(zero))
            .collect();
        if hidden_as.iter().all(Option::is_none) {
            let message = "names no raster that could be hidden and said again; name one whose values vary";
            return Err(config.key_error("in_keys", message));
        }
        Ok(Masked { seed: config.seed, share, patch, hidden_as })
    }

    /// Inputs of the network, of which it is to say each.
    pub(super) fn channels(&self) -> usize {
        self.hidden_as.len()
    }

    pub(super) fn describe(&self) -> String {
        let (patch, hidden) = (self.patch, self.hidden_as.iter().flatten().count());
        format!("{} of patches of {patch} x {patch} pixels are hidden; the network says {hidden} inputs there", self.share)
    }

    /// Writes into a batch of an epoch what is hidden of each sample.
    pub(super) fn hide(&self, epoch: usize, batch: &mut Batch) {
        let (height, width, patch) = (batch.height, batch.width, self.patch);
        let (down, across) = (height.div_ceil(patch), width.div_ceil(patch));
        batch.hidden.clear();
        for crop in &batch.crops {
            let mut draw = Draw::new(self.seed, Purpose::Hide, (epoch as i64) << 32 | crop.number as i64);
            let is_hidden = hidden_patches(down * across, self.share, &mut draw);
            let pixel = |place: usize| f32::from(u8::from(is_hidden[place / width / patch * across + place % width / patch]));
            batch.hidden.extend((0..height * width).map(pixel));
        }
    }

    pub(super) fn inputs_and_targets(&self, preprocessor: &Preprocessor, batch: &Batch) -> Result<(Inputs, Targets)> {
        let Batch { n, height, width, .. } = *batch;
        let plane = height * width;
        if batch.hidden.len() != n * plane {
            return Err(Error::shape("masked", format!("{} pixels where {} may be hidden", batch.hidden.len(), n * plane)));
        }
        let channel = |(values, hidden_as): (&Vec<f32>, &Option<f32>)| match hidden_as {
            Some(zero) => values.iter().zip(&batch.hidden).map(|(value, hidden)| if *hidden == 0.0 { *value } else { *zero }).collect(),
            None => values.clone(),
        };
        let channels = batch.channels.iter().zip(&self.hidden_as).map(channel).collect();
        let seen = Batch { channels, crops: Vec::new(), target: Vec::new(), ocean: Vec::new(), ..batch.clone() };
        let values = preprocessor.inputs(batch)?.only()?.clone();
        // 1 where nothing is asked for.
        let mut mask = Vec::with_capacity(n * self.channels() * plane);
        for hidden in batch.hidden.chunks_exact(plane.max(1)) {
            for hidden_as in &self.hidden_as {
                mask.extend(hidden.iter().map(|hidden| if hidden_as.is_some() { 1.0 - hidden } else { 1.0 }));
            }
        }
        let mask = Tensor::from_slice(preprocessor.gpu(), [n, self.channels(), height, width], &mask)?;
        Ok((preprocessor.inputs(&seen)?, Targets { values, mask, one_hot: None, any_valid: true }))
    }
}

/// Which of so many patches are hidden: a share of them, drawn without replacement, at least one and not all.
fn hidden_patches(count: usize, share: f64, draw: &mut Draw) -> Vec<bool> {
    let hidden = ((share * count as f64).round_ties_even() as usize).clamp(1, count.saturating_sub(1).max(1));
    let mut order: Vec<usize> = (0..count).collect();
    let mut is_hidden = vec![false; count];
    for place in 0..hidden.min(count) {
        order.swap(place, place + draw.below(count - place));
        is_hidden[order[place]] = true;
    }
    is_hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_patches_are_hidden_as_the_share_says() {
        let hidden = |count: usize, share: f64, epoch: i64| hidden_patches(count, share, &mut Draw::new(7, Purpose::Hide, epoch));
        for (count, share, wanted) in [(64, 0.5, 32), (36, 0.3, 11), (9, 0.01, 1), (9, 0.99, 8), (1, 0.5, 1)] {
            assert_eq!(hidden(count, share, 1).iter().filter(|hidden| **hidden).count(), wanted, "{count} by {share}");
        }
        assert_eq!(hidden(64, 0.5, 1), hidden(64, 0.5, 1));
        assert_ne!(hidden(64, 0.5, 1), hidden(64, 0.5, 2));
        // Each is hidden about as often as another.
        let mut often = [0; 16];
        for epoch in 0..1000 {
            hidden(16, 0.25, epoch).iter().zip(&mut often).for_each(|(hidden, often)| *often += usize::from(*hidden));
        }
        assert!(often.iter().all(|times| (200..300).contains(times)), "{often:?}");
    }
}
