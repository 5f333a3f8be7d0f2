//! Colour maps: viridis (CC0, by Stéfan van der Walt and Nathaniel Smith), a diverging map for errors, greys, and elevations.
//!
//! Each map is a row of equally spaced control points with linear interpolation between them. Viridis' 32 points are samples of its
//! 256 entries; interpolated, they differ from those by at most 3 of 255 in any channel. The others are this project's own.

use super::canvas::{NO_DATA, Rgb};

/// How values of 0…1 become colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colormap {
    /// Perceptually uniform, dark violet to yellow: fractions, water, brightness temperature.
    Viridis,
    /// Blue, white, red: errors, with white in the middle of the range.
    Diverging,
    /// Black to white.
    Grey,
    /// Shore green, brown rock, white ice: elevations.
    Elevation,
    /// A colour for each of eight classes, 0…7: the ground, ice, and what else there is.
    Classes,
    /// A colour for each of four zones of a radar scene, 0…3: nothing known, rock, ice, and water.
    Zones,
}

const VIRIDIS: [u32; 32] = [
    0x440154, 0x470d60, 0x48196b, 0x482474, 0x472e7c, 0x453882, 0x414286, 0x3e4b89, 0x3a548c, 0x365d8d, 0x32658e, 0x2e6d8e, 0x2b758e,
    0x287d8e, 0x25858e, 0x228c8d, 0x20948c, 0x1e9c89, 0x20a386, 0x25ab82, 0x2db27d, 0x39ba76, 0x48c16e, 0x58c765, 0x6acd5b, 0x7ed34f,
    0x92d742, 0xa8db34, 0xbedf26, 0xd4e21b, 0xe9e41a, 0xfde725,
];
const DIVERGING: [u32; 9] = [0x123a6b, 0x2563a6, 0x5b95c9, 0xa9cbe4, 0xf6f6f4, 0xf3bfa3, 0xdb7a5c, 0xb23a3c, 0x6d1228];
const GREY: [u32; 2] = [0x000000, 0xffffff];
const ELEVATION: [u32; 9] = [0x2f5d50, 0x55795a, 0x87936a, 0xb3a585, 0xc9baa4, 0xd5d0c8, 0xdfe3e6, 0xedf1f4, 0xffffff];

/// Class 0 is what surrounds the others.
const CLASSES: [u32; 8] = [0x5b5348, 0x7fd0f2, 0xe0b04a, 0x3b6fb0, 0xb45a9c, 0x79b356, 0xd6604d, 0xf0efe6];

/// Nothing known, rock, ice, and water.
const ZONES: [u32; 4] = [0x2b2b2b, 0x8f7a63, 0xd9eef7, 0x23588f];

impl Colormap {
    /// The values at the ends of the colours of zones.
    pub const ZONE_RANGE: (f32, f32) = (0.0, (ZONES.len() - 1) as f32);
    /// The values at the ends of the colours of classes, each of which has its number's.
    pub const CLASS_RANGE: (f32, f32) = (0.0, (CLASSES.len() - 1) as f32);

    /// Colour of `t`, clamped to 0…1; NaN gives the no-data grey.
    pub fn colour(self, t: f32) -> Rgb {
        if t.is_nan() {
            return NO_DATA;
        }
        let points: &[u32] = match self {
            Colormap::Viridis => &VIRIDIS,
            Colormap::Diverging => &DIVERGING,
            Colormap::Grey => &GREY,
            Colormap::Elevation => &ELEVATION,
            Colormap::Classes => &CLASSES,
            Colormap::Zones => &ZONES,
        };
        let position = t.clamp(0.0, 1.0) * (points.len() - 1) as f32;
        let index = (position as usize).min(points.len() - 2);
        let (low, high) = (channels(points[index]), channels(points[index + 1]));
        std::array::from_fn(|i| (low[i] + (high[i] - low[i]) * (position - index as f32)).round() as u8)
    }

    /// Colour of `value` in the range (low, high); NaN gives the no-data grey.
    pub fn colour_in(self, value: f32, range: (f32, f32)) -> Rgb {
        let span = range.1 - range.0;
        self.colour(if span != 0.0 { (value - range.0) / span } else { value * 0.0 + 0.5 })
    }
}

/// Red, green and blue of 0xRRGGBB.
fn channels(rgb: u32) -> [f32; 3] {
    [(rgb >> 16 & 0xff) as f32, (rgb >> 8 & 0xff) as f32, (rgb & 0xff) as f32]
}

/// The colour of a class, by its number; after the last of the table they begin again, but for that of class 0.
pub fn class_colour(class: usize) -> Rgb {
    let last = CLASSES.len() - 1;
    let index = if class == 0 { 0 } else { (class - 1) % last + 1 };
    Colormap::Classes.colour_in(index as f32, Colormap::CLASS_RANGE)
}
