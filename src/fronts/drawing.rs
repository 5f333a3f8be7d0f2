//! A map's calving front: the ocean's pixels beside the glacier, after all but one piece of ocean and one of everything else are gone.
//!
//! 1. What is not ocean hangs together in pieces ([`Pieces`]); all but the largest become ocean: icebergs, and also a shore that the ocean
//!    cuts off.
//! 2. All pieces of ocean but the largest become glacier: lakes, holes.
//! 3. The front is every ocean pixel with a glacier pixel above, below, left or right of it. Stone and what nobody sees make none, nor does
//!    the edge of the scene.
//! 4. Pieces of the front that are shorter than wanted go.
//! 5. What lies outside the bounding box goes.

use super::bounding_box::BoundingBox;
use super::pieces::Pieces;
use super::zones::{GLACIER, OCEAN};
use crate::error::{Error, Result};

/// Metres of the shortest piece of a front that stays.
const SHORTEST_METRES: f64 = 750.0;

/// Which classes make a front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Labels {
    /// The glacier's.
    pub glacier: u8,
    /// The ocean's.
    pub ocean: u8,
}

impl Default for Labels {
    fn default() -> Labels {
        Labels { glacier: GLACIER, ocean: OCEAN }
    }
}

/// How fronts are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawing {
    /// Which classes make a front.
    pub labels: Labels,
    /// Pieces of fewer pixels are left out; 0 keeps all.
    pub shortest_piece: f64,
    /// Nothing is drawn outside.
    pub bounding_box: Option<BoundingBox>,
}

impl Drawing {
    /// Of scenes with pixels of so many metres: pieces of at least 750 m stay.
    pub fn at(resolution: f64) -> Drawing {
        Drawing { labels: Labels::default(), shortest_piece: SHORTEST_METRES / resolution, bounding_box: None }
    }

    /// Draws the front of a map.
    ///
    /// # Shapes
    /// `classes`: rows × columns, row after row; `size`: rows and columns.
    ///
    /// # Errors
    /// [`Error::Shape`] where the number of pixels is another.
    pub fn draw(&self, classes: &[u8], size: [usize; 2]) -> Result<Front> {
        let [rows, cols] = size;
        if rows.checked_mul(cols) != Some(classes.len()) {
            return Err(Error::shape("front", format!("{} pixels of {rows} rows × {cols} columns", classes.len())));
        }
        let Labels { glacier, ocean } = self.labels;
        let mut zones = classes.to_vec();
        keep_largest(&mut zones, size, |class| class != ocean, ocean);
        keep_largest(&mut zones, size, |class| class == ocean, glacier);
        let is_glacier = |pixel: usize| zones[pixel] == glacier;
        let is_edge = |pixel: usize| {
            let (row, col) = (pixel / cols, pixel % cols);
            zones[pixel] == ocean
                && (row > 0 && is_glacier(pixel - cols)
                    || row + 1 < rows && is_glacier(pixel + cols)
                    || col > 0 && is_glacier(pixel - 1)
                    || col + 1 < cols && is_glacier(pixel + 1))
        };
        let mut pixels: Vec<bool> = (0..zones.len()).map(is_edge).collect();
        let pieces = Pieces::of(&pixels, size);
        let is_kept = |piece: u32| pieces.sizes[piece as usize - 1] as f64 >= self.shortest_piece;
        pixels.iter_mut().zip(&pieces.numbers).for_each(|(pixel, piece)| *pixel = *piece > 0 && is_kept(*piece));
        if let Some([of_rows, of_cols]) = self.bounding_box.map(|bounding_box| bounding_box.kept(size)) {
            let is_inside = |at: usize| (of_rows.0..of_rows.1).contains(&(at / cols)) && (of_cols.0..of_cols.1).contains(&(at % cols));
            pixels.iter_mut().enumerate().for_each(|(at, pixel)| *pixel &= is_inside(at));
        }
        Ok(Front { size, pixels, zones, labels: self.labels })
    }
}

/// Gives every piece but the largest, of the classes that `is_one` says, another class.
fn keep_largest(zones: &mut [u8], size: [usize; 2], is_one: impl Fn(u8) -> bool, other: u8) {
    let pieces = Pieces::of(&zones.iter().map(|class| is_one(*class)).collect::<Vec<bool>>(), size);
    let largest = pieces.largest().unwrap_or(0);
    zones.iter_mut().zip(&pieces.numbers).filter(|(_, piece)| **piece != 0 && **piece != largest).for_each(|(class, _)| *class = other);
}

/// The front of a map; empty where the map has none.
#[derive(Debug, Clone)]
pub struct Front {
    /// Rows and columns.
    pub size: [usize; 2],
    /// Which pixels are on it, row after row: all of them ocean.
    pub pixels: Vec<bool>,
    /// The classes that it was drawn from, one piece of ocean and one of everything else.
    pub zones: Vec<u8>,
    /// Which of them are glacier and ocean.
    pub labels: Labels,
}

impl Front {
    /// Pixels on it.
    pub fn count(&self) -> usize {
        self.pixels.iter().filter(|pixel| **pixel).count()
    }

    /// A byte a pixel: 255 on the front, else 0, as in files.
    pub fn bytes(&self) -> Vec<u8> {
        self.pixels.iter().map(|pixel| if *pixel { 255 } else { 0 }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fronts::zones::{NA, STONE};

    fn drawing(shortest_piece: f64) -> Drawing {
        Drawing { labels: Labels::default(), shortest_piece, bounding_box: None }
    }

    /// The front of a map drawn with a digit a pixel, as `#` and `.`.
    fn drawn(lines: &[&str], drawing: Drawing) -> Vec<String> {
        let size = [lines.len(), lines[0].len()];
        let classes: Vec<u8> = lines.iter().flat_map(|line| line.bytes().map(|byte| byte - b'0')).collect();
        let front = drawing.draw(&classes, size).unwrap();
        front.pixels.chunks(size[1]).map(|row| row.iter().map(|pixel| if *pixel { '#' } else { '.' }).collect()).collect()
    }

    #[test]
    fn a_straight_front_is_the_oceans_last_column() {
        let classes: Vec<u8> = (0..200 * 40).map(|at| if at % 40 < 5 { OCEAN } else { GLACIER }).collect();
        let front = Drawing::at(7.0).draw(&classes, [200, 40]).unwrap();
        assert!(front.pixels.iter().enumerate().all(|(at, pixel)| *pixel == (at % 40 == 4)));
        assert_eq!((front.count(), front.bytes()[4], front.bytes()[5]), (200, 255, 0));
    }

    #[test]
    fn icebergs_and_lakes_are_filled_first() {
        let map = ["3333332", "3233332", "3333232", "3333332"];
        assert_eq!(drawn(&map, drawing(0.0)), [".....#."; 4]);
        let map = ["3222222", "3222332", "3222222"];
        assert_eq!(drawn(&map, drawing(0.0)), ["#......"; 3]);
    }

    #[test]
    fn a_shore_that_the_ocean_cuts_off_has_no_front() {
        // The smaller shore becomes ocean, whatever it is.
        assert_eq!(drawn(&["22332222"], drawing(0.0)), ["...#...."]);
        // Of equally large ones the first stays.
        assert_eq!(drawn(&["22332211"], drawing(0.0)), ["...#...."]);
        assert_eq!(drawn(&["223322"], drawing(0.0)), ["..#..."]);
    }

    #[test]
    fn stone_what_nobody_sees_and_corners_make_no_front() {
        assert_eq!(drawn(&["330", "331", "332"], drawing(0.0)), ["...", "...", ".#."]);
        // Glacier at the corner only.
        assert_eq!(drawn(&["331", "331", "112"], drawing(0.0)), ["...", "...", "..."]);
        for class in [NA, STONE, GLACIER, OCEAN] {
            let front = drawing(0.0).draw(&[class; 12], [3, 4]).unwrap();
            assert_eq!((front.count(), &front.zones[..]), (0, &[class; 12][..]));
        }
    }

    #[test]
    fn pieces_stay_that_are_as_long_as_wanted() {
        let map = ["33333333", "33333333", "22211122", "22222222"];
        assert_eq!(drawn(&map, drawing(2.0))[1], "###...##");
        assert_eq!(drawn(&map, drawing(2.5))[1], "###.....");
        assert_eq!(drawn(&map, drawing(3.0))[1], "###.....");
        assert_eq!(drawn(&map, drawing(3.01))[1], "........");
        assert_eq!((Drawing::at(6.0).shortest_piece, Drawing::at(7.0).shortest_piece), (125.0, 750.0 / 7.0));
    }

    #[test]
    fn the_box_cuts_last() {
        let map = ["33333333", "22222222"];
        let bounding_box = Some(BoundingBox { rows: (0, 2), cols: (2, 4) });
        // A piece is as long as it is before it is cut.
        assert_eq!(drawn(&map, Drawing { bounding_box, ..drawing(8.0) })[0], "..##....");
        assert!(Drawing::at(7.0).draw(&[3; 5], [2, 3]).is_err());
    }

    #[test]
    fn other_numbers_of_classes_serve() {
        let labels = Labels { glacier: 0, ocean: 1 };
        let front = Drawing { labels, ..drawing(0.0) }.draw(&[1, 1, 0, 0], [1, 4]).unwrap();
        assert_eq!(front.pixels, [false, true, false, false]);
    }
}
