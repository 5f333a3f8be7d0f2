//! A class map taken apart: pixels of one class that hang together by their sides, and the lines around them along the edges of pixels.
//!
//! Lines are followed with the component on their right hand (rows downwards). Where two of its pixels touch by a corner only, the line
//! goes on to the other one: so every line stays beside the same neighbour, no line touches itself, and a hole that touches the outer line
//! by a corner is a hole. That makes valid polygons.

use super::class_map::NO_CLASS;

/// A corner of pixels: (row, column), 0 being the outer edge of the first.
pub type Corner = (usize, usize);

/// Pixels of one class that hang together by their sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Their class.
    pub class: u8,
    /// The lines around them, by the corners where they turn, the first not repeated: the outer one, then those around holes.
    pub rings: Vec<Vec<Corner>>,
}

/// Numbers of components, 0 for pixels of class 0 and of none, the others from 1 in the order of their first pixels; and how many there
/// are.
///
/// # Shapes
/// `classes`: rows × columns, row after row; so is the result.
pub fn components(classes: &[u8], [rows, cols]: [usize; 2]) -> (Vec<u32>, usize) {
    let mut numbers = vec![0u32; classes.len()];
    let (mut count, mut open) = (0u32, Vec::new());
    for first in 0..classes.len() {
        let class = classes[first];
        if class == 0 || class == NO_CLASS || numbers[first] != 0 {
            continue;
        }
        count += 1;
        numbers[first] = count;
        open.push(first);
        while let Some(pixel) = open.pop() {
            let (row, col) = (pixel / cols, pixel % cols);
            let beside = [(col > 0, 1), (row > 0, cols)].map(|(is_there, back)| is_there.then(|| pixel - back));
            let behind = [(col + 1 < cols, 1), (row + 1 < rows, cols)].map(|(is_there, on)| is_there.then(|| pixel + on));
            for other in beside.into_iter().chain(behind).flatten() {
                if classes[other] == class && numbers[other] == 0 {
                    numbers[other] = count;
                    open.push(other);
                }
            }
        }
    }
    (numbers, count as usize)
}

/// The lines around each component that is wanted, by its number from 1.
///
/// # Shapes
/// `classes` and `numbers` (of [`components`]): rows × columns; one result a component, without rings where it is not wanted.
pub fn outlines(classes: &[u8], numbers: &[u32], size: [usize; 2], count: usize, wanted: impl Fn(usize) -> bool) -> Vec<Component> {
    let mut found = vec![Component { class: 0, rings: Vec::new() }; count];
    // The sides of each pixel that a line has passed: a bit for each of top, right, bottom and left.
    let mut passed = vec![0u8; classes.len()];
    for first in 0..classes.len() {
        let number = numbers[first];
        if number == 0 || !wanted(number as usize) {
            continue;
        }
        found[number as usize - 1].class = classes[first];
        for side in 0..4 {
            let start = Edge { row: first / size[1], col: first % size[1], side };
            if passed[first] & (1 << side) == 0 && start.neighbour(numbers, size, side) != number {
                found[number as usize - 1].rings.push(start.ring(numbers, size, &mut passed));
            }
        }
    }
    found
}

/// A side of a pixel: 0 top, followed to the right; 1 right, down; 2 bottom, to the left; 3 left, up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edge {
    pub row: usize,
    pub col: usize,
    pub side: usize,
}

/// Steps (rows, columns) over the top, right, bottom and left side of a pixel.
const OVER: [(isize, isize); 4] = [(-1, 0), (0, 1), (1, 0), (0, -1)];

impl Edge {
    /// The pixel over one of the sides, and its component; 0 outside.
    fn step(&self, numbers: &[u32], [rows, cols]: [usize; 2], side: usize) -> (Edge, u32) {
        let (down, right) = OVER[side % 4];
        let (row, col) = (self.row.wrapping_add_signed(down), self.col.wrapping_add_signed(right));
        let number = if row < rows && col < cols { numbers[row * cols + col] } else { 0 };
        (Edge { row, col, side: self.side }, number)
    }

    fn neighbour(&self, numbers: &[u32], size: [usize; 2], side: usize) -> u32 {
        self.step(numbers, size, side).1
    }

    /// The pixel beyond this side, by its place in the map; none outside.
    pub fn beyond(&self, [rows, cols]: [usize; 2]) -> Option<usize> {
        let (down, right) = OVER[self.side % 4];
        let (row, col) = (self.row.wrapping_add_signed(down), self.col.wrapping_add_signed(right));
        (row < rows && col < cols).then(|| row * cols + col)
    }

    /// The edge that follows on the line around a component.
    pub fn next(&self, numbers: &[u32], size: [usize; 2]) -> Edge {
        let own = numbers[self.row * size[1] + self.col];
        let (ahead, number) = self.step(numbers, size, self.side + 1);
        // A pixel outside the map has no neighbours of its own that matter: those over its sides are outside or were looked at.
        let (across, beyond) = ahead.step(numbers, size, self.side);
        match (beyond == own, number == own) {
            (true, _) => Edge { side: (self.side + 3) % 4, ..across },
            (false, true) => ahead,
            (false, false) => Edge { side: (self.side + 1) % 4, ..*self },
        }
    }

    /// The corner that it ends at.
    pub fn end(&self) -> Corner {
        let (down, right) = [(0, 1), (1, 1), (1, 0), (0, 0)][self.side];
        (self.row + down, self.col + right)
    }

    /// The line from here back to here, by the corners where it turns.
    fn ring(self, numbers: &[u32], size: [usize; 2], passed: &mut [u8]) -> Vec<Corner> {
        let (mut corners, mut edge) = (Vec::new(), self);
        loop {
            passed[edge.row * size[1] + edge.col] |= 1 << edge.side;
            let next = edge.next(numbers, size);
            if next.side != edge.side {
                corners.push(edge.end());
            }
            edge = next;
            if edge == self {
                return corners;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rings of components, on a map drawn with a character a pixel.
    fn drawn(lines: &[&str]) -> Vec<Component> {
        let size = [lines.len(), lines[0].len()];
        let classes: Vec<u8> = lines.iter().flat_map(|line| line.bytes().map(|byte| byte - b'0')).collect();
        let (numbers, count) = components(&classes, size);
        outlines(&classes, &numbers, size, count, |_| true)
    }

    #[test]
    fn pixels_that_touch_by_corners_are_apart() {
        let found = drawn(&["10", "01"]);
        let square = |row, col| vec![(row, col + 1), (row + 1, col + 1), (row + 1, col), (row, col)];
        assert_eq!(found, [square(0, 0), square(1, 1)].map(|ring| Component { class: 1, rings: vec![ring] }));
        // Of different classes they are apart anyhow.
        assert_eq!(drawn(&["123"]).iter().map(|component| component.class).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn holes_are_rings_of_their_own() {
        let [ring] = &drawn(&["111", "101", "111"])[..] else { panic!() };
        assert_eq!(ring.rings, [vec![(0, 3), (3, 3), (3, 0), (0, 0)], vec![(1, 1), (2, 1), (2, 2), (1, 2)]]);
    }

    #[test]
    fn a_hole_that_touches_the_outer_line_or_another_hole_is_a_hole() {
        // The corner of the hole at (2, 2) lies on the outer line.
        let [touching] = &drawn(&["1110", "1011", "1111"])[..] else { panic!() };
        assert_eq!(touching.rings.len(), 2);
        let [open] = &drawn(&["1100", "1011", "1111"])[..] else { panic!() };
        assert_eq!(open.rings.len(), 2);
        let [two] = &drawn(&["1111", "1011", "1101", "1111"])[..] else { panic!() };
        assert_eq!(two.rings.len(), 3);
        assert!(two.rings[1..].iter().all(|ring| ring.len() == 4));
    }

    #[test]
    fn lines_enclose_as_many_pixels_as_there_are() {
        let size = [23, 31];
        let classes: Vec<u8> = (0..size[0] * size[1]).map(|index| [0, 1, 1, 2, 1, NO_CLASS, 1][(index * 7919 + index / 5) % 7]).collect();
        let (numbers, count) = components(&classes, size);
        let found = outlines(&classes, &numbers, size, count, |number| number % 3 != 0);
        assert!(count > 20);
        for (number, component) in (1..).zip(&found) {
            // Twice the area by the corners, which is positive around holes.
            let twice = |ring: &Vec<Corner>| -> i64 {
                let ends = ring.iter().cycle().skip(1);
                ring.iter().zip(ends).map(|(a, b)| a.0 as i64 * b.1 as i64 - b.0 as i64 * a.1 as i64).sum()
            };
            let pixels = numbers.iter().filter(|of| **of == number).count() as i64;
            let wanted = if number % 3 == 0 { 0 } else { pixels };
            assert_eq!(component.rings.iter().map(twice).sum::<i64>(), -2 * wanted, "{number}");
        }
    }
}
