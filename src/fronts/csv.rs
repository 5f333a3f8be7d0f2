//! Scores of fronts as CSV.

use super::distances::Compared;
use super::scores::FrontScores;

/// The columns of a scene's line, behind its name.
pub const SCENE_COLUMNS: &str = "missing,predicted_px,observed_px,to_observed_sum_m,to_predicted_sum_m,mean_m,length_m";

/// The columns of a group's line, behind its name.
pub const GROUP_COLUMNS: &str = "scenes,missing,distances,mde_m,mde_std_m,mde_per_image_m,mde_by_length_m";

/// A scene's line, less its name; `length`: metres of the drawn front. Where a front is missing there are no distances.
pub fn scene_line(compared: &Compared, length: f64) -> String {
    let sum = |of: &[f64]| if compared.is_missing() { String::new() } else { of.iter().sum::<f64>().to_string() };
    let Compared { predicted, observed, to_observed, to_predicted } = compared;
    let mean = number(compared.mean());
    format!("{},{predicted},{observed},{},{},{mean},{length}", compared.is_missing(), sum(to_observed), sum(to_predicted))
}

/// A group's line, less its name.
pub fn group_line(scores: &FrontScores) -> String {
    let FrontScores { images, missing, pixels, mde, mde_std, mde_per_image, mde_by_length } = *scores;
    let numbers = [mde, mde_std, mde_per_image, mde_by_length].map(number).join(",");
    format!("{images},{missing},{pixels},{numbers}")
}

fn number(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_a_field_for_each_column() {
        let scene = Compared { predicted: 1, observed: 2, to_observed: vec![3.0], to_predicted: vec![4.0, 5.0] };
        assert_eq!(scene_line(&scene, 7.5), "false,1,2,3,9,4,7.5");
        let missing = Compared { observed: 2, ..Compared::default() };
        assert_eq!(scene_line(&missing, 0.0), "true,0,2,,,,0");
        assert_eq!(SCENE_COLUMNS.split(',').count(), scene_line(&missing, 0.0).split(',').count());
        let line = group_line(&FrontScores::of([scene, missing].iter()));
        assert_eq!(line, format!("2,1,3,4,{},4,4", (2.0f64 / 3.0).sqrt()));
        assert_eq!(GROUP_COLUMNS.split(',').count(), line.split(',').count());
    }
}
