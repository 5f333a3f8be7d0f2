//! Shapes and positions in flat slices.

/// Batch, channels, rows, columns.
pub type Shape = [usize; 4];

/// The number of elements of `shape`.
pub fn count(shape: Shape) -> usize {
    shape.iter().product()
}

/// The position of one element in the flat slice of a tensor of `shape`.
pub fn at(shape: Shape, n: usize, c: usize, row: usize, col: usize) -> usize {
    ((n * shape[1] + c) * shape[2] + row) * shape[3] + col
}

/// Batch, channel, row and column of an element by its position in the flat slice: the inverse of [`at`].
pub fn place(shape: Shape, position: usize) -> [usize; 4] {
    let [_, c, h, w] = shape;
    [position / (c * h * w), position / (h * w) % c, position / w % h, position % w]
}
