//! Pieces of a map: pixels that hang together by their sides or corners.

/// The pieces that some pixels make.
#[derive(Debug, Clone)]
pub struct Pieces {
    /// The piece of each pixel, from 1 in the order of their first pixels; 0 where there is none.
    pub numbers: Vec<u32>,
    /// Pixels of each piece, the first one's at 0.
    pub sizes: Vec<usize>,
}

impl Pieces {
    /// Of the pixels that are one.
    ///
    /// # Shapes
    /// `is_one`: rows × columns, row after row; `size`: rows and columns.
    pub fn of(is_one: &[bool], [rows, cols]: [usize; 2]) -> Pieces {
        let mut numbers = vec![0u32; is_one.len()];
        let (mut sizes, mut open) = (Vec::new(), Vec::new());
        for first in 0..is_one.len() {
            if !is_one[first] || numbers[first] != 0 {
                continue;
            }
            let number = sizes.len() as u32 + 1;
            let mut size = 0;
            numbers[first] = number;
            open.push(first);
            while let Some(pixel) = open.pop() {
                size += 1;
                let (row, col) = (pixel / cols, pixel % cols);
                for near_row in row.saturating_sub(1)..(row + 2).min(rows) {
                    for near_col in col.saturating_sub(1)..(col + 2).min(cols) {
                        let near = near_row * cols + near_col;
                        if is_one[near] && numbers[near] == 0 {
                            numbers[near] = number;
                            open.push(near);
                        }
                    }
                }
            }
            sizes.push(size);
        }
        Pieces { numbers, sizes }
    }

    /// The number of the largest one, of equally large ones the first; none where there is none.
    pub fn largest(&self) -> Option<u32> {
        let largest = self.sizes.iter().max()?;
        self.sizes.iter().position(|size| size == largest).map(|at| at as u32 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_hold_pieces_together_and_the_first_of_equals_is_the_largest() {
        let drawn = ["#..#.", ".#..#", "....#", "###.."];
        let is_one: Vec<bool> = drawn.iter().flat_map(|line| line.bytes().map(|byte| byte == b'#')).collect();
        let pieces = Pieces::of(&is_one, [4, 5]);
        assert_eq!((&pieces.sizes[..], pieces.largest()), (&[2, 3, 3][..], Some(2)));
        assert_eq!((pieces.numbers[0], pieces.numbers[6], pieces.numbers[3], pieces.numbers[17]), (1, 1, 2, 3));
        assert_eq!(Pieces::of(&[false; 6], [2, 3]).largest(), None);
    }
}
