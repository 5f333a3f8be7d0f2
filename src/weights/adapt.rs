//! The first convolution of a network for other input channels than it was trained with. Weights are `[c_out, channels, height, width]`.

/// Planes of a filter repeated until there is one for each of `channels`, scaled so that equal inputs give the sums that they gave before:
/// from m channels to n w'(c) = m/n · w(c mod m), to one channel their sum; what timm does with weights for three channels.
///
/// # Shapes
/// values: `[shape[0], shape[1], …]`; result `[shape[0], channels, …]`. Empty where `shape` has no channels.
pub fn repeated(shape: &[usize], values: &[f32], channels: usize) -> Vec<f32> {
    let (before, area) = (shape.get(1).copied().unwrap_or(0), shape.iter().skip(2).product::<usize>());
    if before * area == 0 {
        return Vec::new();
    }
    let scale = (before as f64 / channels as f64) as f32;
    let mut adapted = Vec::with_capacity(shape[0] * channels * area);
    for filter in values.chunks_exact(before * area) {
        if channels == 1 && before > 1 {
            adapted.extend((0..area).map(|tap| (1..before).fold(filter[tap], |sum, plane| sum + filter[plane * area + tap])));
            continue;
        }
        for channel in 0..channels {
            let plane = channel % before * area;
            adapted.extend(filter[plane..plane + area].iter().map(|weight| weight * scale));
        }
    }
    adapted
}

/// The planes of the channels of the same name, and zeros for a channel that was not there: what the network makes of the inputs that it
/// knows stays what it was. `None` where no name is in both lists.
///
/// # Shapes
/// values: `[shape[0], then.len(), …]`; result `[shape[0], now.len(), …]`.
pub fn by_name(shape: &[usize], values: &[f32], then: &[&str], now: &[&str]) -> Option<Vec<f32>> {
    let area: usize = shape.iter().skip(2).product();
    let places: Vec<Option<usize>> = now.iter().map(|name| then.iter().position(|other| other == name)).collect();
    if places.iter().all(Option::is_none) || shape.get(1) != Some(&then.len()) || area == 0 {
        return None;
    }
    let mut adapted = Vec::with_capacity(shape[0] * now.len() * area);
    for filter in values.chunks_exact(then.len() * area) {
        for place in &places {
            match place {
                Some(place) => adapted.extend_from_slice(&filter[place * area..(place + 1) * area]),
                None => adapted.resize(adapted.len() + area, 0.0),
            }
        }
    }
    Some(adapted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_repeated_and_rescaled() {
        // Printed by timm 1.0.31 for weights 1, 2, 3.
        let adapted = |channels| repeated(&[1, 3, 1, 1], &[1.0, 2.0, 3.0], channels);
        assert_eq!(adapted(1), [6.0]);
        assert_eq!(adapted(2), [1.5, 3.0]);
        assert_eq!(adapted(3), [1.0, 2.0, 3.0]);
        assert_eq!(adapted(4), [0.75, 1.5, 2.25, 0.75]);
        let seven = [0.42857143, 0.85714287, 1.2857143, 0.42857143, 0.85714287, 1.2857143, 0.42857143];
        assert_eq!(adapted(7), seven);
        // Equal inputs give the sums of before, whatever the numbers of channels.
        let values: Vec<f32> = (0..2 * 4 * 2).map(|value| value as f32).collect();
        for channels in [1, 2, 4, 8, 12] {
            let adapted = repeated(&[2, 4, 1, 2], &values, channels);
            for (filter, before) in adapted.chunks_exact(channels * 2).zip(values.chunks_exact(8)) {
                for tap in 0..2 {
                    let sum = |planes: &[f32]| planes.iter().skip(tap).step_by(2).map(|weight| f64::from(*weight)).sum::<f64>();
                    // Of two of four channels the sums of those are what is doubled.
                    let wanted = if channels == 2 { 2.0 * sum(&before[..4]) } else { sum(before) };
                    approx::assert_relative_eq!(sum(filter), wanted, max_relative = 1e-6);
                }
            }
        }
    }

    #[test]
    fn channels_go_by_their_names() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let adapted = |now: &[&str]| by_name(&[2, 2, 1, 2], &values, &["a", "b"], now);
        assert_eq!(adapted(&["b", "c", "a"]), Some(vec![3.0, 4.0, 0.0, 0.0, 1.0, 2.0, 7.0, 8.0, 0.0, 0.0, 5.0, 6.0]));
        assert_eq!(adapted(&["b"]), Some(vec![3.0, 4.0, 7.0, 8.0]));
        assert_eq!(adapted(&["c", "d"]), None);
    }
}
