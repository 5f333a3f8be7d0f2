//! The scores of a class that a confusion matrix gives.

use crate::kernels::segmentation_scores::Confusion;

/// Scores of one class; `None` where a quotient has nothing below.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ClassScores {
    /// Intersection over union.
    pub iou: Option<f64>,
    /// Share of the map's pixels of the class that the target has, too.
    pub precision: Option<f64>,
    /// Share of the target's pixels of the class that the map has, too.
    pub recall: Option<f64>,
    /// 2·hits / (pixels of the map + pixels of the target).
    pub f1: Option<f64>,
}

impl ClassScores {
    /// Those of a class.
    pub fn of(confusion: &Confusion, class: usize) -> ClassScores {
        let [hits, target, map] = confusion.of(class);
        let quotient = |above: u64, below: u64| (below > 0).then(|| above as f64 / below as f64);
        ClassScores {
            iou: quotient(hits, target + map - hits),
            precision: quotient(hits, map),
            recall: quotient(hits, target),
            f1: quotient(2 * hits, target + map),
        }
    }

    /// IoU, precision, recall and F1, and what a single scene is given where there was nothing to find.
    pub fn or(self, nothing: f64) -> [f64; 4] {
        [self.iou, self.precision, self.recall, self.f1].map(|score| score.unwrap_or(nothing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_follow_from_counts() {
        let confusion = Confusion { counts: vec![vec![5, 1, 0], vec![2, 4, 0], vec![0, 0, 0]] };
        let of = ClassScores::of(&confusion, 1);
        assert_eq!((of.iou, of.precision, of.recall, of.f1), (Some(4.0 / 7.0), Some(0.8), Some(4.0 / 6.0), Some(8.0 / 11.0)));
        let absent = ClassScores::of(&confusion, 2);
        assert_eq!((absent.iou, absent.precision, absent.recall, absent.f1), (None, None, None, None));
        assert_eq!(absent.or(1.0), [1.0; 4]);
    }
}
