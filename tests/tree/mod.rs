//! The binary tree in which gradients are summed, as it is defined.

/// The sum of equally long rows as it is defined: neighbours in pairs, an odd one moves up, level by level.
pub fn by_levels(mut level: Vec<Vec<f32>>) -> Vec<f32> {
    while level.len() > 1 {
        let pair = |pair: &[Vec<f32>]| match pair {
            [a, b] => a.iter().zip(b).map(|(a, b)| a + b).collect(),
            odd => odd.concat(),
        };
        level = level.chunks(2).map(pair).collect();
    }
    level.concat()
}
