//! Where the classes of the train scenes are, so that crops may be drawn about a pixel of a class that is drawn first, each class alike:
//! one of few pixels is seen as often as the others.
//!
//! A crop is drawn in four steps: a class evenly among those that the scenes have, one of its pixels evenly over all scenes, and the place
//! of that pixel in the crop, row and column, evenly; at a scene's edge the crop is moved into it. How many pixels of each class a row has
//! is counted once; of a row that is drawn the classes are read again, so that memory grows with rows, not with pixels.

use super::Window;
use super::dataset::HostSample;
use super::framed::Framed;
use super::tiles::Crop;
use crate::error::Result;
use crate::random::{Draw, Purpose};

/// Rows that are read at once.
const STRIP: usize = 256;

/// The number of each pixel's class by target and mask; none of a pixel without a class.
pub type ClassesOf<'a> = dyn Fn(&[f32], &[f32]) -> Vec<Option<usize>> + 'a;

/// A row of a scene that has pixels of a class.
#[derive(Debug, Clone, Copy)]
struct Row {
    day: usize,
    row: usize,
    /// Pixels of the class in all rows up to this one.
    until: u64,
}

/// The places of one class.
#[derive(Debug, Clone, Default)]
struct Places {
    class: usize,
    rows: Vec<Row>,
}

impl Places {
    fn pixels(&self) -> u64 {
        self.rows.last().map_or(0, |row| row.until)
    }
}

/// The places of all classes that the scenes have.
#[derive(Debug, Clone)]
pub struct ClassPlaces(Vec<Places>);

impl ClassPlaces {
    /// Counts the pixels of so many classes in every scene.
    ///
    /// # Errors
    /// Those of [`Framed::read_target`].
    pub fn of(framed: &Framed, classes: usize, classes_of: &ClassesOf) -> Result<ClassPlaces> {
        let mut places: Vec<Places> = (0..classes).map(|class| Places { class, rows: Vec::new() }).collect();
        let mut sample = HostSample::default();
        for (day, frame) in framed.frames().iter().enumerate() {
            let [rows, width] = frame.size;
            for first in (0..rows).step_by(STRIP) {
                let window = Window { row: first, col: 0, height: STRIP.min(rows - first), width };
                framed.read_target(&Crop { day, window, number: 0 }, &mut sample)?;
                for (row, classes_of_row) in classes_of(&sample.target, &sample.ocean).chunks(width.max(1)).enumerate() {
                    for places in &mut places {
                        let count = classes_of_row.iter().filter(|class| **class == Some(places.class)).count() as u64;
                        if count > 0 {
                            let until = places.pixels() + count;
                            places.rows.push(Row { day, row: first + row, until });
                        }
                    }
                }
            }
            framed.dataset().release(day);
        }
        places.retain(|places| !places.rows.is_empty());
        Ok(ClassPlaces(places))
    }

    /// The classes that there are, by number, each with its share of the pixels that have one.
    pub fn shares(&self) -> Vec<(usize, f64)> {
        let all: u64 = self.0.iter().map(Places::pixels).sum();
        self.0.iter().map(|places| (places.class, places.pixels() as f64 / all as f64)).collect()
    }

    /// So many crops of an epoch of training, of `size` = [rows, columns]; they depend on the seed, the epoch and the scenes alone.
    ///
    /// Every frame must hold a crop, and a pixel of some class must be there.
    ///
    /// # Errors
    /// Those of [`Framed::read_target`].
    pub fn crops(
        &self,
        (seed, epoch): (u64, u64),
        framed: &Framed,
        [height, width]: [usize; 2],
        count: usize,
        classes_of: &ClassesOf,
    ) -> Result<Vec<Crop>> {
        let mut draw = Draw::new(seed, Purpose::Train, epoch as i64);
        let mut sample = HostSample::default();
        let mut crops = Vec::with_capacity(count);
        for number in 0..count {
            let places = &self.0[draw.below(self.0.len())];
            let pixel = draw.below(places.pixels() as usize) as u64;
            let at = places.rows.partition_point(|row| row.until <= pixel);
            let Row { day, row, .. } = places.rows[at];
            let before = if at == 0 { 0 } else { places.rows[at - 1].until };
            let [rows, cols] = framed.frame(day).size;
            framed.read_target(&Crop { day, window: Window { row, col: 0, height: 1, width: cols }, number }, &mut sample)?;
            let classes = classes_of(&sample.target, &sample.ocean);
            let mut of_class = (0..cols).filter(|col| classes[*col] == Some(places.class));
            let col = of_class.nth((pixel - before) as usize).unwrap_or_default();
            let row = row.saturating_sub(draw.below(height)).min(rows - height);
            let col = col.saturating_sub(draw.below(width)).min(cols - width);
            crops.push(Crop { day, window: Window { row, col, height, width }, number });
        }
        Ok(crops)
    }
}
