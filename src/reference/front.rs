//! A calving front and its distance from another, the slow way: pieces by spreading the least number until nothing changes, distances by
//! looking at all pairs.

/// The piece of each pixel that is one, hanging together by sides and corners: 1 + the place of its first pixel; 0 elsewhere.
pub fn pieces(is_one: &[bool], [rows, cols]: [usize; 2]) -> Vec<usize> {
    let mut found: Vec<usize> = is_one.iter().enumerate().map(|(at, is_one)| if *is_one { at + 1 } else { 0 }).collect();
    loop {
        let mut changed = false;
        for at in (0..found.len()).filter(|at| is_one[*at]) {
            for other in (0..found.len()).filter(|other| is_one[*other]) {
                let near = (at / cols).abs_diff(other / cols) <= 1 && (at % cols).abs_diff(other % cols) <= 1;
                if near && found[other] < found[at] {
                    found[at] = found[other];
                    changed = true;
                }
            }
        }
        if !changed {
            assert_eq!(found.len(), rows * cols);
            return found;
        }
    }
}

fn size_of(pieces: &[usize], piece: usize) -> usize {
    pieces.iter().filter(|other| **other == piece).count()
}

/// Gives another class to all pixels of `is_one` that are not of the largest piece, the first of equals.
fn keep_largest(zones: &mut [u8], size: [usize; 2], is_one: impl Fn(u8) -> bool, other: u8) {
    let pieces = pieces(&zones.iter().map(|class| is_one(*class)).collect::<Vec<_>>(), size);
    let mut largest = 0;
    for piece in pieces.iter().copied().filter(|piece| *piece > 0) {
        if largest == 0
            || size_of(&pieces, piece) > size_of(&pieces, largest)
            || (size_of(&pieces, piece) == size_of(&pieces, largest) && piece < largest)
        {
            largest = piece;
        }
    }
    for at in 0..zones.len() {
        if pieces[at] != 0 && pieces[at] != largest {
            zones[at] = other;
        }
    }
}

/// The front of a map of zones (2 glacier, 3 ocean): ocean pixels with a glacier pixel above, below, left or right, after all but the
/// largest piece of what is no ocean became ocean, and all but the largest piece of ocean became glacier; pieces of fewer pixels than
/// `shortest` are left out.
pub fn front(classes: &[u8], size: [usize; 2], shortest: f64) -> Vec<bool> {
    let [rows, cols] = size;
    let mut zones = classes.to_vec();
    keep_largest(&mut zones, size, |class| class != 3, 3);
    keep_largest(&mut zones, size, |class| class == 3, 2);
    let mut front = vec![false; zones.len()];
    for row in 0..rows {
        for col in 0..cols {
            for (other_row, other_col) in
                [(row as i64 - 1, col as i64), (row as i64 + 1, col as i64), (row as i64, col as i64 - 1), (row as i64, col as i64 + 1)]
            {
                let inside = (0..rows as i64).contains(&other_row) && (0..cols as i64).contains(&other_col);
                if inside && zones[row * cols + col] == 3 && zones[other_row as usize * cols + other_col as usize] == 2 {
                    front[row * cols + col] = true;
                }
            }
        }
    }
    let pieces = pieces(&front, size);
    (0..front.len()).map(|at| front[at] && size_of(&pieces, pieces[at]) as f64 >= shortest).collect()
}

/// Of each pixel of one front the distance to the nearest pixel of the other, in pixels, and the other way round.
pub fn distances(one: &[bool], other: &[bool], cols: usize) -> [Vec<f64>; 2] {
    let to = |from: &[bool], to: &[bool]| -> Vec<f64> {
        let far =
            |a: usize, b: usize| (((a / cols) as f64 - (b / cols) as f64).powi(2) + ((a % cols) as f64 - (b % cols) as f64).powi(2)).sqrt();
        let nearest = |a: usize| (0..to.len()).filter(|b| to[*b]).map(|b| far(a, b)).fold(f64::INFINITY, f64::min);
        (0..from.len()).filter(|a| from[*a]).map(nearest).filter(|distance| distance.is_finite()).collect()
    };
    [to(one, other), to(other, one)]
}
