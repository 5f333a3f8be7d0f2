//! A map from overlapping tiles: offsets, erosion, clipping, land mask and equal weights, one pixel after the other.

/// Where tiles start on an axis: multiples of the stride, and one tile flush with the end where those do not reach it.
pub fn offsets(size: usize, tile: usize, stride: usize) -> Vec<usize> {
    let mut offsets = vec![];
    let mut next = 0;
    while next + tile <= size {
        offsets.push(next);
        next += stride;
    }
    if offsets[offsets.len() - 1] + tile < size {
        offsets.push(size - tile);
    }
    offsets
}

/// Whether the tile at `offset` is used at `position`: inside, and not in the eroded side of any but the outermost tiles.
fn used(position: usize, offset: usize, offsets: &[usize], tile: usize, erode: usize) -> bool {
    let inside = position >= offset && position < offset + tile;
    let first = offset == offsets[0] || position >= offset + erode;
    let last = offset == offsets[offsets.len() - 1] || position + erode < offset + tile;
    inside && first && last
}

/// The map of a scene of `size` from square-or-not tiles; `predict` gives the values of the tile at a row and column, `ocean` (1 on
/// ocean) zeroes them. None where a pixel has no tile. The tiles are asked for down the rows first.
pub fn mosaic(
    size: [usize; 2],
    tile: [usize; 2],
    stride: usize,
    erode: usize,
    [low, high]: [f64; 2],
    ocean: Option<&[f64]>,
    predict: &mut dyn FnMut(usize, usize) -> Vec<f64>,
) -> Option<Vec<f64>> {
    let [rows, cols] = size;
    let down = offsets(rows, tile[0], stride);
    let across = offsets(cols, tile[1], stride);
    let mut sums = vec![0.0; rows * cols];
    let mut weights = vec![0.0; rows * cols];
    for &x in &across {
        for &y in &down {
            let values = predict(y, x);
            for row in 0..rows {
                for col in 0..cols {
                    if used(row, y, &down, tile[0], erode) && used(col, x, &across, tile[1], erode) {
                        let value = values[(row - y) * tile[1] + col - x].clamp(low, high);
                        let land = 1.0 - ocean.map_or(0.0, |ocean| ocean[row * cols + col]);
                        sums[row * cols + col] += value * land;
                        weights[row * cols + col] += 1.0;
                    }
                }
            }
        }
    }
    if weights.contains(&0.0) {
        return None;
    }
    Some(sums.iter().zip(&weights).map(|(sum, weight)| sum / weight).collect())
}
