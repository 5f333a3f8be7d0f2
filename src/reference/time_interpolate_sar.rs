//! Running mean of radar maps: equal weights over the neighbours by rank within the calendar year.

/// A date as year, month, day.
pub type Date = [u16; 3];

/// The map of `day` from train days with their melt (NaN where not seen); `ocean` is 1 on ocean.
pub fn time_interpolate_sar(day: Date, train: &[(Date, Vec<f64>)], ocean: &[f64], previous: usize, posterior: usize) -> Vec<f64> {
    let mut before: Vec<&(Date, Vec<f64>)> = train.iter().filter(|(date, _)| date[0] == day[0] && *date < day).collect();
    let mut after: Vec<&(Date, Vec<f64>)> = train.iter().filter(|(date, _)| date[0] == day[0] && *date > day).collect();
    // Nearest first.
    before.sort_by_key(|(date, _)| std::cmp::Reverse(*date));
    after.sort_by_key(|(date, _)| *date);
    if previous > 0 {
        before.truncate(previous);
    }
    after.truncate(posterior);
    let mut map = vec![0.0; ocean.len()];
    for i in 0..ocean.len() {
        let (mut sum, mut count) = (0.0, 0.0);
        for (_, melt) in before.iter().chain(&after) {
            if !melt[i].is_nan() && ocean[i] == 0.0 {
                sum += melt[i];
                count += 1.0;
            }
        }
        if count > 0.0 {
            map[i] = sum / count;
        }
    }
    map
}
