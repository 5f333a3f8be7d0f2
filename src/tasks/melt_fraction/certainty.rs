//! The bands beside a map of melt that say how sure it is, where somebody asks for them: quantiles, how likely the pixel melts, how far
//! several maps are apart.
//!
//! Quantiles are in the map's own values; the others are of what is averaged, before `map_power`.

use super::MELT_THRESHOLD;
use crate::calibrate::{Curve, quantiles};
use crate::domains::interned;
use crate::image::Colormap;
use crate::tasks::{Band, Sure};

/// Titles of what says how likely a pixel melts: as the network says it, and calibrated.
pub(super) const CERTAINTY: [&str; 2] = Sure::FRACTION.said;

/// What maps say of how sure they are.
#[derive(Debug, Default)]
pub(super) struct Certainty {
    /// Levels that the network learns; none of one that gives a single value.
    levels: Vec<f64>,
    is_asked: bool,
    curve: Option<Curve>,
    /// Whether maps are means of several.
    spreads: bool,
    /// Networks whose maps are quantiles, too.
    members: usize,
    bands: Vec<Band>,
}

fn band(name: &'static str, title: &'static str) -> Band {
    let (range, colormap) = ((0.0, 1.0), Colormap::Viridis);
    Band { name, long_name: title, unit: "1", quantity: title, range, colormap, classes: &[] }
}

impl Certainty {
    pub(super) fn new(levels: &[f64]) -> Certainty {
        Certainty { levels: levels.to_vec(), ..Certainty::default() }
    }

    pub(super) fn ask(&mut self) {
        self.is_asked = true;
        self.renew();
    }

    pub(super) fn calibrate(&mut self, curve: &Curve) {
        self.curve = Some(curve.clone());
        self.renew();
    }

    pub(super) fn spread(&mut self) {
        self.spreads = true;
        self.renew();
    }

    pub(super) fn give_members(&mut self, networks: usize) {
        self.members = networks;
        self.renew();
    }

    /// Those that were asked for, in their order.
    pub(super) fn bands(&self) -> &[Band] {
        &self.bands
    }

    /// Planes of [`Certainty::planes`], the first ones, that hold quantiles.
    pub(super) fn quantile_planes(&self) -> usize {
        if self.is_asked { self.levels.len() } else { 0 }
    }

    /// Channels that the network has.
    pub(super) fn heads(&self) -> usize {
        self.levels.len().max(1)
    }

    fn renew(&mut self) {
        self.bands.clear();
        if !self.is_asked {
            return;
        }
        let quantile = |level: &f64| band(interned(&format!("quantile_{level}")), interned(&quantiles::title(*level)));
        self.bands.extend(self.levels.iter().map(quantile));
        self.bands.push(band("said", CERTAINTY[0]));
        self.bands.extend(self.curve.is_some().then(|| band("probability", CERTAINTY[1])));
        if self.levels.is_empty() {
            // What a network says of its quantiles takes the place of how far maps are apart.
            self.bands.extend(self.spreads.then(|| band("deviation", "standard deviation over several maps")));
            let members = if self.members > 1 { quantiles::of_members(self.members) } else { Vec::new() };
            self.bands.extend(members.iter().map(quantile));
        }
    }

    /// Sorts the quantiles of a scene, and gives the map's values.
    ///
    /// # Shapes
    /// `averages`: heads × pixels; pixels are returned.
    pub(super) fn middle(&self, averages: &mut [f32], pixels: usize) -> Vec<f32> {
        if self.levels.len() > 1 {
            quantiles::sort(averages, pixels);
        }
        let median = self.levels.iter().position(|level| *level == 0.5).unwrap_or_default();
        averages[median * pixels..(median + 1) * pixels].to_vec()
    }

    /// The bands that follow from averages alone.
    ///
    /// # Shapes
    /// `averages`: heads × pixels, sorted; some planes of pixels are returned.
    pub(super) fn planes(&self, averages: &[f32], pixels: usize) -> Vec<f32> {
        if !self.is_asked {
            return Vec::new();
        }
        let said: Vec<f32> = match self.levels.len() {
            0 => averages.to_vec(),
            count => (0..pixels)
                .map(|pixel| {
                    let values: Vec<f32> = (0..count).map(|k| averages[k * pixels + pixel]).collect();
                    quantiles::above(&self.levels, &values, MELT_THRESHOLD as f32) as f32
                })
                .collect(),
        };
        let mut planes = if self.levels.is_empty() { Vec::new() } else { averages.to_vec() };
        planes.extend_from_slice(&said);
        planes.extend(self.curve.iter().flat_map(|curve| said.iter().map(|said| curve.at(f64::from(*said)) as f32)));
        planes
    }
}
