//! Coordinates of an axis as a first centre and a step, where they are evenly spaced; gaps are refused.

/// Coordinates may lie beside their even places by so much of a step: what rounding in files leaves, far from a missing row.
const TOLERANCE: f64 = 0.05;

/// First centre and step of evenly spaced centres; an error is a clause about the axis.
///
/// `turn` is 360 for longitudes, which may begin anew within the axis.
pub(super) fn even(values: &[f64], bounds: Option<(f64, f64)>, turn: Option<f64>) -> Result<(f64, f64), String> {
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        return Err(format!("has no number at index {at}"));
    }
    let mut values = values.to_vec();
    if let Some(turn) = turn {
        for index in 1..values.len() {
            let turns = ((values[index] - values[index - 1]) / turn).round();
            values[index] -= turns * turn;
        }
    }
    let (first, last) = match values[..] {
        [] => return Err("has no value".into()),
        [only] => {
            let Some((low, high)) = bounds.filter(|(low, high)| low != high && (low + high).is_finite()) else {
                return Err(
                    "has a single value and no bounds, so the size of its pixels is unknown; add them (CF: attribute bounds)".into()
                );
            };
            return Ok((only, high - low));
        }
        [first, .., last] => (first, last),
    };
    let step = (last - first) / (values.len() - 1) as f64;
    let away = |index: usize| (values[index] - (first + step * index as f64)).abs();
    if step == 0.0 || (0..values.len()).any(|index| away(index) > TOLERANCE * step.abs()) {
        // The gap that differs most from the usual one.
        let gaps: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mut sorted = gaps.clone();
        sorted.sort_by(f64::total_cmp);
        let usual = sorted[sorted.len() / 2];
        let worst = (0..gaps.len()).max_by(|a, b| (gaps[*a] - usual).abs().total_cmp(&(gaps[*b] - usual).abs())).unwrap_or(0);
        return Err(format!(
            "is not evenly spaced: {} follows {} at index {}, where the usual step is {usual}; \
             fill the gap or bring it to an even grid first (xarray: reindex or interp)",
            values[worst + 1],
            values[worst],
            worst + 1
        ));
    }
    Ok((first, step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_axes_are_found_and_gaps_named() {
        assert_eq!(even(&[10.0, 8.0, 6.0], None, None), Ok((10.0, -2.0)));
        let rounded: Vec<f64> = (0..400).map(|i| f64::from((60.0 + f64::from(i) / 120.0) as f32)).collect();
        assert!(even(&rounded, None, None).is_ok());
        assert_eq!(even(&[170.0, 180.0, -170.0], None, Some(360.0)), Ok((170.0, 10.0)));
        assert_eq!(even(&[5.0], Some((4.0, 6.0)), None), Ok((5.0, 2.0)));
        for (values, wanted) in [
            (&[0.0, 1.0, 2.0, 4.0, 5.0][..], "4 follows 2 at index 3, where the usual step is 1;"),
            (&[0.0, 1.0, 3.0], "not evenly"),
            (&[1.0, 1.0], "not evenly"),
            (&[0.0, f64::NAN], "no number at index 1"),
            (&[5.0], "single value"),
            (&[170.0, 180.0, -170.0], "-170 follows 180"),
        ] {
            let message = even(values, None, None).unwrap_err();
            assert!(message.contains(wanted), "{message}");
        }
    }
}
