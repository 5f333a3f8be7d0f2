//! Scores of fronts over scenes: the mean distance error (MDE) as the benchmark CaFFe counts it.
//!
//! MDE pools all distances of all scenes, from drawn to true pixels and back: Σ of all / how many they are, so that long and finely
//! resolved fronts weigh more. Beside it stand the mean over scenes of each one's own mean, and that mean weighted by the true front's
//! pixels. Scenes of which either front is missing take no part, and are counted.

use serde::{Deserialize, Serialize};

use super::distances::Compared;

/// What fronts of several scenes make together; metres, none where no scene has both fronts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct FrontScores {
    /// Scenes.
    pub images: usize,
    /// Those without a drawn or without a true front.
    pub missing: usize,
    /// Distances that are pooled.
    pub pixels: usize,
    /// Mean of all distances.
    pub mde: Option<f64>,
    /// Their standard deviation, that of a population.
    pub mde_std: Option<f64>,
    /// Mean over scenes of each one's mean.
    pub mde_per_image: Option<f64>,
    /// That mean weighted by the pixels of the true fronts.
    pub mde_by_length: Option<f64>,
}

impl FrontScores {
    /// Of these scenes.
    pub fn of<'a>(scenes: impl Iterator<Item = &'a Compared> + Clone) -> FrontScores {
        let all = || scenes.clone().flat_map(Compared::all);
        let pixels = all().count();
        let mde = (pixels > 0).then(|| all().sum::<f64>() / pixels as f64);
        let variance = mde.map(|mean| all().map(|distance| (distance - mean).powi(2)).sum::<f64>() / pixels as f64);
        let means: Vec<(f64, f64)> = scenes.clone().filter_map(|scene| Some((scene.mean()?, scene.observed as f64))).collect();
        let mean = |weight: fn(f64) -> f64| {
            let weights: f64 = means.iter().map(|(_, length)| weight(*length)).sum();
            (weights > 0.0).then(|| means.iter().map(|(mean, length)| mean * weight(*length)).sum::<f64>() / weights)
        };
        FrontScores {
            images: scenes.clone().count(),
            missing: scenes.clone().filter(|scene| scene.is_missing()).count(),
            pixels,
            mde,
            mde_std: variance.map(f64::sqrt),
            mde_per_image: mean(|_| 1.0),
            mde_by_length: mean(|length| length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(to_observed: &[f64], to_predicted: &[f64]) -> Compared {
        Compared {
            predicted: to_observed.len(),
            observed: to_predicted.len(),
            to_observed: to_observed.to_vec(),
            to_predicted: to_predicted.to_vec(),
        }
    }

    #[test]
    fn pixels_are_pooled_and_scenes_averaged() {
        let missing = Compared { predicted: 0, observed: 7, ..Compared::default() };
        let scenes = [scene(&[1.0, 2.0], &[3.0, 4.0, 5.0]), missing, scene(&[10.0], &[20.0])];
        let scores = FrontScores::of(scenes.iter());
        assert_eq!((scores.images, scores.missing, scores.pixels), (3, 1, 7));
        let mean: f64 = 45.0 / 7.0;
        assert_eq!(scores.mde, Some(mean));
        let squares: f64 = [1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 20.0].iter().map(|d: &f64| (d - mean).powi(2)).sum();
        assert_eq!(scores.mde_std, Some((squares / 7.0).sqrt()));
        assert_eq!(scores.mde_per_image, Some((3.0 + 15.0) / 2.0));
        assert_eq!(scores.mde_by_length, Some((3.0 * 3.0 + 15.0) / 4.0));
    }

    #[test]
    fn without_any_front_there_is_no_score() {
        let missing = [Compared::default()];
        assert_eq!(FrontScores::of(missing.iter()), FrontScores { images: 1, missing: 1, ..FrontScores::default() });
        assert_eq!(FrontScores::of([].iter()), FrontScores::default());
    }
}
