//! Zones of a radar scene at a calving front as the benchmark CaFFe stores them: four classes, each a grey of its own.

use crate::image::{self, Colormap};

/// The zones' names by class number: no information (radar shadow, layover, outside the swath), bare rock, glacier, and ocean with the ice
/// that floats in it.
pub const ZONES: [&str; 4] = ["na", "stone", "glacier", "ocean"];

/// How classes of these names are shown: zones in their usual order as rock, ice and water, others by their numbers.
pub fn class_colours(names: &[&str]) -> (Colormap, (f32, f32)) {
    if names == ZONES { (Colormap::Zones, Colormap::ZONE_RANGE) } else { (Colormap::Classes, Colormap::CLASS_RANGE) }
}

/// The colour of a class by its number, as [`class_colours`] has them.
pub fn class_colour(class: usize, names: &[&str]) -> [u8; 3] {
    match class_colours(names) {
        (Colormap::Zones, range) => Colormap::Zones.colour_in(class as f32, range),
        _ => image::class_colour(class),
    }
}

/// The grey of each class.
pub const ZONE_GREYS: [u8; 4] = [0, 64, 127, 254];

/// A second grey of stone, which some files hold.
const STONE_TOO: u8 = 63;

/// What stands for no class in maps of class numbers.
const NO_CLASS: u8 = 255;

/// Turns a map's bytes into class numbers, whichever of both they are: greys, or class numbers already, with 255 for no class, which
/// becomes class 0. A map of zeros alone is class 0 both ways.
///
/// # Errors
/// A message for a value that is of no zone, with its place; the map is left as it was.
///
/// # Shapes
/// `values`: rows × `cols`, row after row.
pub fn zones_from_bytes(values: &mut [u8], cols: usize) -> Result<(), String> {
    let of_grey = |value: u8| ZONE_GREYS.iter().position(|grey| *grey == value).or((value == STONE_TOO).then_some(1));
    let is_greys = values.iter().any(|value| *value != 0 && of_grey(*value).is_some());
    let is_numbers = !is_greys && values.iter().any(|value| (1..4).contains(value));
    let is_one = |value: u8| match is_numbers {
        true => value < 4 || value == NO_CLASS,
        false => of_grey(value).is_some(),
    };
    if let Some(at) = values.iter().position(|value| !is_one(*value)) {
        let (value, row, col) = (values[at], at / cols.max(1), at % cols.max(1));
        let known = match is_numbers {
            true => "the other zones of this map are the numbers 0 to 3, and 255 for none".to_owned(),
            false => format!("zones are the greys {} (or, alone, the numbers 0 to 3)", listed()),
        };
        return Err(format!("holds {value} at row {row}, column {col}, and {known}; is it a map of zones?"));
    }
    for value in values.iter_mut() {
        *value = match is_numbers {
            true if *value == NO_CLASS => 0,
            true => *value,
            false => of_grey(*value).unwrap_or(0) as u8,
        };
    }
    Ok(())
}

fn listed() -> String {
    let [na, stone, glacier, ocean] = ZONE_GREYS;
    format!("{na}, {stone}, {glacier} and {ocean}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[u8]) -> Result<Vec<u8>, String> {
        let mut values = values.to_vec();
        zones_from_bytes(&mut values, 3).map(|()| values)
    }

    #[test]
    fn zones_have_colours_of_their_own_and_other_classes_those_of_their_numbers() {
        let [na, stone, glacier, ocean] = [0, 1, 2, 3].map(|class| class_colour(class, &ZONES));
        assert_eq!([na, stone, glacier, ocean], [[0x2b; 3], [0x8f, 0x7a, 0x63], [0xd9, 0xee, 0xf7], [0x23, 0x58, 0x8f]]);
        assert_eq!(class_colour(1, &["ocean", "glacier"]), image::class_colour(1));
    }

    #[test]
    fn greys_and_numbers_are_told_apart() {
        assert_eq!(read(&[0, 63, 64, 127, 254, 0]).unwrap(), [0, 1, 1, 2, 3, 0]);
        assert_eq!(read(&[0, 1, 2, 3, 255, 0]).unwrap(), [0, 1, 2, 3, 0, 0]);
        assert_eq!(read(&[0, 0, 0]).unwrap(), [0, 0, 0]);
        assert_eq!(read(&[254, 254, 0]).unwrap(), [3, 3, 0]);
        assert_eq!(read(&ZONE_GREYS).unwrap(), [0, 1, 2, 3]);
    }

    #[test]
    fn other_values_are_named_with_their_place() {
        let refused = |values: &[u8]| read(values).unwrap_err();
        assert!(
            refused(&[0, 64, 127, 254, 255, 0]).starts_with("holds 255 at row 1, column 1, and zones are the greys 0, 64, 127 and 254")
        );
        // A map of a front is none of zones.
        assert!(refused(&[0, 255, 0]).starts_with("holds 255 at row 0, column 1"));
        assert!(refused(&[0, 1, 64]).starts_with("holds 1 at row 0, column 1, and zones are the greys"));
        assert!(refused(&[0, 1, 2, 4]).starts_with("holds 4 at row 1, column 0, and the other zones of this map are the numbers 0 to 3"));
    }
}
