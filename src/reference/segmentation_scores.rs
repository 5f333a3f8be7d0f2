//! The confusion of a class map with its target over counted pixels, and the scores that follow; 0 / 0 is 0.

/// Counts and scores.
#[derive(Clone, Debug, Default)]
pub struct SegmentationScores {
    /// `[classes, classes]`: pixels by true class (rows) and predicted class (columns).
    pub confusion: Vec<f64>,
    /// Of each class: pixels of both over pixels of either.
    pub iou: Vec<f64>,
    /// Of each class: twice the pixels of both over the pixels of one and of the other.
    pub f1: Vec<f64>,
    /// Share of pixels whose class is right.
    pub accuracy: f64,
}

/// Scores class maps; mask is 1 where a pixel does not count.
pub fn segmentation_scores(pred: &[f64], target: &[f64], mask: &[f64], classes: usize) -> SegmentationScores {
    let pixels: Vec<(f64, f64)> = (0..mask.len()).filter(|&at| mask[at] == 0.0).map(|at| (target[at], pred[at])).collect();
    let count = |holds: &dyn Fn(f64, f64) -> bool| pixels.iter().filter(|(truth, found)| holds(*truth, *found)).count() as f64;
    let share = |part: f64, whole: f64| if whole == 0.0 { 0.0 } else { part / whole };
    let mut scores = SegmentationScores::default();
    for row in 0..classes {
        for column in 0..classes {
            scores.confusion.push(count(&|truth, found| truth == row as f64 && found == column as f64));
        }
        let class = row as f64;
        let both = count(&|truth, found| truth == class && found == class);
        scores.iou.push(share(both, count(&|truth, found| truth == class || found == class)));
        scores.f1.push(share(2.0 * both, count(&|truth, _| truth == class) + count(&|_, found| found == class)));
    }
    scores.accuracy = share(count(&|truth, found| truth == found), pixels.len() as f64);
    scores
}
