//! What happens to the values of radar images, as SSL4SAR's program does it (Gourmelon et al. 2025, arXiv 2507.01747): another window
//! shines through the ocean, speckle, brightness and gamma.
//!
//! All act on v, a value by which a network sees 255·v/255, so that 0 and 255 are the ends of an input's scale: of greys of 8 bits
//! themselves, which are whole numbers again after each change, as stored ones are. With ⌊ ⌋ for greys alone:
//!
//! | change | v becomes |
//! | --- | --- |
//! | another window w, of weight m | ⌊(v + m·w) / (1 + m)⌋ where the class is ocean |
//! | speckle | ⌊255·clip(v/255 + e, 0, 1)⌋, e = u·(Poisson(λ) − λ) by pixel, divided by its maximum; λ = 1, 2 or 3 |
//! | brightness | ⌊clip(f·v, 0, 255)⌋ |
//! | gamma | ⌊255.999·(v/255)^g⌋; 255 for others than greys |

use crate::preprocess::Unit;
use crate::random::Draw;

/// The brightest grey.
const WHITE: f64 = 255.0;
/// Least and largest weight of a window that shines through.
const SHINES: [f64; 2] = [0.15, 0.3];

/// How often values of a crop are changed, and how far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Radar {
    /// Number of the class of ocean, and the share of crops through whose ocean another window shines.
    pub(super) mixup: Option<(f32, f64)>,
    /// Share of crops with speckle.
    pub(super) speckle: f64,
    /// Bounds of the factor, and its share of crops.
    pub(super) brightness: ([f64; 2], f64),
    /// Bounds of the power, and its share of crops.
    pub(super) gamma: ([f64; 2], f64),
}

/// Bounds between which nothing changes.
const NEUTRAL: [f64; 2] = [1.0, 1.0];

impl Radar {
    /// Whether values are changed at all.
    pub(super) fn acts(&self) -> bool {
        self.mixup.is_some() || self.speckle > 0.0 || self.brightness.0 != NEUTRAL || self.gamma.0 != NEUTRAL
    }

    /// Draws whether another window shines through a crop's ocean, and with what weight.
    pub(super) fn shines(&self, draw: &mut Draw) -> Option<f64> {
        let (_, share) = self.mixup?;
        let is_mixed = draw.unit() < share;
        let weight = SHINES[0] + (SHINES[1] - SHINES[0]) * draw.unit();
        is_mixed.then_some(weight)
    }

    /// Changes raw values of an input, after the ocean.
    pub(super) fn change(&self, [speckle, light]: [&mut Draw; 2], unit: Unit, values: &mut [f32]) {
        let scale = Scale::of(unit);
        if self.speckle > 0.0 && speckle.unit() < self.speckle {
            let mean = [1.0, 2.0, 3.0][speckle.below(3)];
            let noise: Vec<f64> = values.iter().map(|_| speckle.unit() * (poisson(speckle.unit(), mean) - mean)).collect();
            scale.speckle(values, &noise);
        }
        let mut drawn = |([low, high], share): ([f64; 2], f64)| {
            let acts = light.unit() < share;
            let by = low + (high - low) * light.unit();
            (acts && [low, high] != NEUTRAL).then_some(by)
        };
        let (factor, power) = (drawn(self.brightness), drawn(self.gamma));
        factor.into_iter().for_each(|factor| scale.brighten(values, factor));
        power.into_iter().for_each(|power| scale.raise(values, power));
    }

    /// In words.
    pub(super) fn describe(&self) -> impl Iterator<Item = String> {
        let bounds = |what: &str, ([low, high], share): ([f64; 2], f64)| {
            ([low, high] != NEUTRAL).then(|| format!("{what} {low} to {high} with probability {share}"))
        };
        let mixup = self.mixup.map(|(_, share)| format!("another window through their ocean with probability {share}"));
        let speckle = (self.speckle > 0.0).then(|| format!("speckle with probability {}", self.speckle));
        [mixup, speckle, bounds("brightened by", self.brightness), bounds("gamma", self.gamma)].into_iter().flatten()
    }
}

/// The number of events of which on average there are `mean`, by a uniform number.
fn poisson(uniform: f64, mean: f64) -> f64 {
    let (mut count, mut probability) = (0.0, (-mean).exp());
    let mut until = probability;
    // The sum stops short of 1 by rounding; what lies behind has no probability.
    while uniform >= until && probability > 0.0 {
        count += 1.0;
        probability *= mean / count;
        until += probability;
    }
    count
}

/// How an input's raw values are brought to 0…255.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    unit: Unit,
    is_grey: bool,
}

impl Scale {
    pub(super) fn of(unit: Unit) -> Scale {
        Scale { unit, is_grey: unit.is_grey() }
    }

    fn grey_of(self, raw: f32) -> f64 {
        if self.is_grey { f64::from(raw) } else { WHITE * self.unit.seen(raw) }
    }

    fn raw_of(self, value: f64) -> f32 {
        if self.is_grey { value.trunc() as f32 } else { self.unit.raw(value / WHITE) }
    }

    fn each(self, values: &mut [f32], change: impl Fn(f64) -> f64) {
        values.iter_mut().for_each(|value| *value = self.raw_of(change(self.grey_of(*value))));
    }

    /// Another window through the ocean.
    pub(super) fn mix(self, values: &mut [f32], other: &[f32], is_ocean: &[bool], weight: f64) {
        for ((value, other), _) in values.iter_mut().zip(other).zip(is_ocean).filter(|(_, is_ocean)| **is_ocean) {
            *value = self.raw_of((self.grey_of(*value) + weight * self.grey_of(*other)) / (1.0 + weight));
        }
    }

    /// Noise, divided by its maximum; nothing where it is nowhere above 0.
    fn speckle(self, values: &mut [f32], noise: &[f64]) {
        let largest = noise.iter().copied().fold(0.0, f64::max);
        if largest == 0.0 {
            return;
        }
        for (value, noise) in values.iter_mut().zip(noise) {
            *value = self.raw_of(WHITE * (self.grey_of(*value) / WHITE + noise / largest).clamp(0.0, 1.0));
        }
    }

    fn brighten(self, values: &mut [f32], factor: f64) {
        self.each(values, |value| (value * factor).clamp(0.0, WHITE));
    }

    fn raise(self, values: &mut [f32], power: f64) {
        let white = if self.is_grey { 255.999 } else { WHITE };
        self.each(values, |value| white * (value / WHITE).clamp(0.0, 1.0).powf(power));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::random::Purpose;

    /// The scale of an input of which a configuration says this.
    fn scale(says: &str) -> Scale {
        let yaml = format!("{{task: calving_front, model_key: unet, in_keys: [sar], path_sar: sar{says}}}");
        let config = Config::from_yaml(&yaml, "run.yaml", &[]).unwrap();
        Scale::of(Unit::of(&config, config.inputs().unwrap()[0]).unwrap())
    }

    const GREYS: [f32; 7] = [0.0, 1.0, 50.0, 127.0, 200.0, 254.0, 255.0];

    fn changed(scale: Scale, change: impl Fn(Scale, &mut [f32])) -> Vec<f32> {
        let mut values = GREYS.to_vec();
        change(scale, &mut values);
        values
    }

    #[test]
    fn greys_are_those_that_numpy_gives() {
        let grey = scale("");
        assert!(grey.is_grey && scale(", scale_sar: [0, 255]").is_grey && !scale(", scale_sar: [-30, 5]").is_grey);
        let other = [255.0, 7.0, 90.0, 3.0, 100.0, 0.0, 255.0];
        let mix = |is_ocean: &[bool]| changed(grey, |scale, values| scale.mix(values, &other, is_ocean, 0.23));
        assert_eq!(mix(&[true; 7]), [47.0, 2.0, 57.0, 103.0, 181.0, 206.0, 254.0]);
        assert_eq!(mix(&[false, true, false, false, true, false, false]), [0.0, 2.0, 50.0, 127.0, 181.0, 254.0, 255.0]);
        let noise = [-1.5, 0.3, 0.75, -0.2, 0.0, 1.5, -0.6];
        let speckle = |noise: &[f64]| changed(grey, |scale, values| scale.speckle(values, noise));
        assert_eq!(speckle(&noise), [0.0, 52.0, 177.0, 93.0, 200.0, 255.0, 153.0]);
        assert_eq!(speckle(&[-1.0; 7]), GREYS);
        for (factor, wanted) in [
            (0.6, [0.0, 0.0, 30.0, 76.0, 120.0, 152.0, 153.0]),
            (1.4, [0.0, 1.0, 70.0, 177.0, 255.0, 255.0, 255.0]),
            (1.07, [0.0, 1.0, 53.0, 135.0, 214.0, 255.0, 255.0]),
        ] {
            assert_eq!(changed(grey, |scale, values| scale.brighten(values, factor)), wanted, "{factor}");
        }
        for (power, wanted) in [(0.7, [0.0, 5.0, 81.0, 157.0, 215.0, 255.0, 255.0]), (1.3, [0.0, 0.0, 30.0, 103.0, 186.0, 254.0, 255.0])] {
            assert_eq!(changed(grey, |scale, values| scale.raise(values, power)), wanted, "{power}");
        }
        // scipy.stats.poisson.ppf
        for (mean, wanted) in
            [(1.0, [0.0, 0.0, 0.0, 1.0, 2.0, 5.0]), (2.0, [0.0, 0.0, 1.0, 2.0, 4.0, 8.0]), (3.0, [0.0, 1.0, 2.0, 3.0, 5.0, 10.0])]
        {
            assert_eq!([0.0001, 0.05, 0.3, 0.5, 0.9, 0.999].map(|uniform| poisson(uniform, mean)), wanted);
        }
        assert!(poisson(1.0 - f64::EPSILON, 3.0) < 200.0);
    }

    #[test]
    fn other_values_keep_their_fractions_and_their_unit() {
        let decibels = scale(", scale_sar: [-30, 20]");
        let mut values = [-30.0, -20.0, 0.0, 20.0, 25.0];
        decibels.brighten(&mut values, 1.25);
        assert_eq!(values, [-30.0, -17.5, 7.5, 20.0, 20.0]);
        let mut values = [-30.0, -5.0, 20.0];
        decibels.raise(&mut values, 2.0);
        assert_eq!(values, [-30.0, -17.5, 20.0]);
        let mut values = [-10.0, f32::NAN];
        decibels.mix(&mut values, &[5.0, 5.0], &[true, true], 0.25);
        assert!(values[0] == -7.0 && values[1].is_nan(), "{values:?}");
    }

    #[test]
    fn changes_come_as_often_as_is_asked_for() {
        let radar = Radar { mixup: Some((3.0, 0.3)), speckle: 0.2, brightness: ([0.6, 1.4], 0.2), gamma: ([0.7, 1.3], 0.2) };
        let none = Radar { mixup: None, speckle: 0.0, brightness: (NEUTRAL, 0.2), gamma: (NEUTRAL, 0.2) };
        assert!(radar.acts() && !none.acts());
        let unit = scale("").unit;
        let (mut shines, mut speckled, mut lit) = (0, 0, 0);
        for number in 0..2000 {
            let stream = |purpose| Draw::new(9, purpose, number);
            shines += i32::from(radar.shines(&mut stream(Purpose::MixUp)).is_some_and(|weight| (0.15..0.3).contains(&weight)));
            let change = |radar: Radar| {
                let before: Vec<f32> = (0..64).map(|at| (60 + 2 * at) as f32).collect();
                let mut values = before.clone();
                radar.change([&mut stream(Purpose::Speckle), &mut stream(Purpose::Light)], unit, &mut values);
                i32::from(values != before)
            };
            speckled += change(Radar { brightness: none.brightness, gamma: none.gamma, ..radar });
            lit += change(Radar { speckle: 0.0, ..radar });
            assert_eq!(change(none), 0);
        }
        // Four standard deviations of 0.3, 0.2 and 1 − 0.8² of 2000.
        assert!((shines - 600).abs() < 82 && (speckled - 400).abs() < 72 && (lit - 720).abs() < 86, "{shines} {speckled} {lit}");
    }
}
