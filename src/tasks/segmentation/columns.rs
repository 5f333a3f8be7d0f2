//! The scores of a segmentation by name, for the classes that there are.

use std::sync::{Mutex, PoisonError};

use super::Manner;
use crate::domains::interned;
use crate::tasks::{ClassScores, Column, Confusion};

/// Scores of the foremost class, then of every class, for tables and files.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) classes: &'static [&'static str],
    pub(super) all: &'static [Column],
    pub(super) table: &'static [&'static str],
    manner: &'static Manner,
}

/// What each class has, with its title.
const OF_CLASS: [(&str, &str); 4] = [("iou", "IoU"), ("precision", "Precision"), ("recall", "Recall"), ("f1", "F1")];

impl Columns {
    /// Those of classes of these names in a task, which live as long as the process: equal ones are made once.
    pub(super) fn of(names: &[&str], manner: &'static Manner) -> &'static Columns {
        static MADE: Mutex<Vec<&'static Columns>> = Mutex::new(Vec::new());
        // A thread that panicked while it held the lock left nothing half-done.
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = made.iter().find(|columns| columns.classes == names && columns.manner.key == manner.key) {
            return same;
        }
        let classes: Vec<&'static str> = names.iter().map(|name| interned(name)).collect();
        let mut all: Vec<Column> = OF_CLASS.iter().map(|(name, title)| Column::merit(name, title)).collect();
        all.push(Column::merit("accuracy", "Accuracy"));
        for class in &classes {
            let named = |(name, title): &(&str, &str)| {
                Column::merit(interned(&format!("{name}_{class}")), interned(&format!("{title} of {class}")))
            };
            all.extend(OF_CLASS.iter().map(named));
        }
        all.push(Column::count("valid_px", "Valid pixels"));
        let of_classes = classes.iter().map(|class| interned(&format!("iou_{class}")));
        let table = ["iou", "f1", "precision", "recall", "accuracy"].into_iter().chain(of_classes).chain(["valid_px"]).collect();
        let columns = Columns { classes: Vec::leak(classes), all: Vec::leak(all), table: Vec::leak(table), manner };
        let columns: &'static Columns = Box::leak(Box::new(columns));
        made.push(columns);
        columns
    }

    /// IoU, precision, recall and F1 of the second of two classes, where that is the one looked for, or means over all.
    pub(super) fn foremost(&self, confusion: &Confusion) -> [f64; 4] {
        if let ([_, _], true) = (self.classes, self.manner.second_of_two) {
            return self.of_class(confusion, 1);
        }
        let classes = self.classes.len();
        std::array::from_fn(|score| (0..classes).map(|class| self.of_class(confusion, class)[score]).sum::<f64>() / classes as f64)
    }

    fn of_class(&self, confusion: &Confusion, class: usize) -> [f64; 4] {
        ClassScores::of(confusion, class).or(self.manner.absent)
    }

    /// All scores of a scene.
    pub(super) fn values(&self, confusion: &Confusion) -> Vec<f64> {
        let mut values = self.foremost(confusion).to_vec();
        values.push(confusion.accuracy());
        values.extend((0..self.classes.len()).flat_map(|class| self.of_class(confusion, class)));
        values.push(confusion.pixels() as f64);
        values
    }

    /// Scores over all pixels at once, by name.
    pub(super) fn pooled(&self, confusion: &Confusion) -> Vec<(&'static str, f64)> {
        let mut pooled: Vec<(&'static str, f64)> = OF_CLASS.iter().map(|(name, _)| *name).zip(self.foremost(confusion)).collect();
        pooled.push(("accuracy", confusion.accuracy()));
        pooled
    }
}
