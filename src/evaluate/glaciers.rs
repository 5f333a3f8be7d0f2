//! How well a map draws what hangs together: the area of each glacier, and how far its outlines are from the true ones.
//!
//! Of a class (each but the first) a **glacier** is what hangs together in the truth by the sides of pixels
//! ([`components`]). A mapped pixel is counted to the true glacier that is nearest to it, if what it hangs together with in the map
//! overlaps any true glacier; what overlaps none is a **false region**, counted apart. So the areas of all glaciers and false regions add
//! up to that of the map. The deviation of a glacier is (mapped − true) / true.
//!
//! A **boundary** is the pixels of the class that have a pixel beside them which is known and of no such class: neither the edge of the
//! scene nor a pixel without a class makes one. The distance of a boundary pixel is that from its centre to the nearest centre of the other
//! boundary, exactly ([`Nearest`]), in metres ([`Cells`]).
//!
//! Pixels that count nowhere in the scores count nowhere here.

use crate::data::cells::Cells;
use crate::data::class_map::NO_CLASS;
use crate::data::components::components;
use crate::data::dataset::HostSample;
use crate::data::geotags::{GeoTags, GeoTransform};
use crate::data::nearest::Nearest;
use crate::tasks::Task;

/// A true glacier beside its map.
#[derive(Debug, Clone, PartialEq)]
pub struct Glacier {
    /// Row and column of its first pixel.
    pub first: [usize; 2],
    /// The map coordinates of that pixel's centre, where the scene has a place.
    pub place: Option<(f64, f64)>,
    /// Its area, m².
    pub area: f64,
    /// The mapped area that is counted to it, m².
    pub mapped: f64,
}

impl Glacier {
    /// (mapped − true) / true.
    pub fn deviation(&self) -> f64 {
        (self.mapped - self.area) / self.area
    }
}

/// A class of one map beside the truth.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compared {
    /// In the order of their first pixels.
    pub glaciers: Vec<Glacier>,
    /// Regions of the map that overlap no glacier.
    pub false_regions: usize,
    /// Their area, m².
    pub false_area: f64,
    /// Of each pixel of the true boundary the distance to the map's, m; none where the map has no boundary.
    pub to_map: Vec<f32>,
    /// Of each pixel of the map's boundary the distance to the true one, m; none where the truth has no boundary.
    pub to_truth: Vec<f32>,
}

/// The truth of a scene, to compare any number of maps with.
pub struct Truth {
    size: [usize; 2],
    ground: Ground,
    /// Where pixels count nowhere.
    masked: Vec<bool>,
    /// Of each class but the first.
    classes: Vec<TrueClass>,
}

struct TrueClass {
    number: u8,
    /// The glacier of each pixel, 0 for none.
    parts: Vec<u32>,
    glaciers: Vec<Glacier>,
    to_glaciers: Nearest,
    boundary: Vec<bool>,
    to_boundary: Nearest,
}

/// The sizes of pixels; of a scene without a place they are 1 m.
struct Ground {
    cells: Option<Cells>,
    transform: Option<GeoTransform>,
}

impl Ground {
    fn size(&self, row: usize) -> (f64, f64) {
        self.cells.map_or((1.0, 1.0), |cells| cells.size(row))
    }

    fn area(&self, row: usize) -> f64 {
        self.cells.map_or(1.0, |cells| cells.area(row))
    }
}

impl Truth {
    /// The truth of a scene of so many rows and columns; none of a task without classes.
    pub fn of(task: &dyn Task, sample: &HostSample, size: [usize; 2], geo: &GeoTags) -> Option<Truth> {
        let count = task.classes()?.len();
        let (values, mask) = task.masked(&sample.target, &sample.ocean);
        let masked: Vec<bool> = mask.iter().map(|mask| *mask > 0.0).collect();
        let ground = Ground { cells: Cells::of(geo), transform: geo.transform() };
        let classes = (1..count).map(|class| TrueClass::of(class as u8, &values, &masked, size, &ground)).collect();
        Some(Truth { size, ground, masked, classes })
    }

    /// Whether areas and distances are those of a place, rather than of pixels.
    pub fn is_placed(&self) -> bool {
        self.ground.cells.is_some()
    }

    /// A map beside it: each class but the first. NaN counts as class 0, as in scores.
    ///
    /// # Shapes
    /// `map`: the class of each pixel, row after row; further bands may follow.
    pub fn compare(&mut self, map: &[f32]) -> Vec<Compared> {
        let Truth { size, ground, masked, classes } = self;
        classes.iter_mut().map(|class| class.compare(map, masked, *size, ground)).collect()
    }
}

impl TrueClass {
    fn of(number: u8, values: &[f32], masked: &[bool], size: [usize; 2], ground: &Ground) -> TrueClass {
        let [_, cols] = size;
        let binary = binary(values, masked, number);
        let (parts, count) = components(&binary, size);
        let mut glaciers = vec![Glacier { first: [0, 0], place: None, area: 0.0, mapped: 0.0 }; count];
        for (pixel, part) in parts.iter().enumerate().filter(|(_, part)| **part > 0) {
            let (glacier, [row, col]) = (&mut glaciers[*part as usize - 1], [pixel / cols, pixel % cols]);
            if glacier.area == 0.0 {
                glacier.first = [row, col];
                glacier.place = ground.transform.map(|transform| transform.at(row as f64 + 0.5, col as f64 + 0.5));
            }
            glacier.area += ground.area(row);
        }
        let boundary = boundary(&binary, size);
        let to_glaciers = Nearest::of(parts.len(), cols, |pixel| parts[pixel] > 0);
        let to_boundary = Nearest::of(parts.len(), cols, |pixel| boundary[pixel]);
        TrueClass { number, parts, glaciers, to_glaciers, boundary, to_boundary }
    }

    fn compare(&mut self, map: &[f32], masked: &[bool], size: [usize; 2], ground: &Ground) -> Compared {
        let [rows, cols] = size;
        let binary = binary(map, masked, self.number);
        let (regions, count) = components(&binary, size);
        let mut overlaps = vec![false; count];
        regions.iter().zip(&self.parts).filter(|(region, part)| **region > 0 && **part > 0).for_each(|(region, _)| {
            overlaps[*region as usize - 1] = true;
        });
        let mut compared = Compared { glaciers: self.glaciers.clone(), ..Compared::default() };
        compared.false_regions = overlaps.iter().filter(|overlaps| !**overlaps).count();
        let overlaps = |pixel: usize| regions[pixel] > 0 && overlaps[regions[pixel] as usize - 1];
        for row in (0..rows).filter(|row| regions[row * cols..][..cols].iter().any(|region| *region > 0)) {
            let area = ground.area(row);
            let alone = (row * cols..(row + 1) * cols).filter(|pixel| regions[*pixel] > 0 && !overlaps(*pixel)).count();
            compared.false_area += alone as f64 * area;
            self.to_glaciers.along(row, ground.size(row), |pixel, nearest| {
                if overlaps(pixel) {
                    compared.glaciers[self.parts[nearest] as usize - 1].mapped += area;
                }
            });
        }
        let mapped = boundary(&binary, size);
        let mut to_mapped = Nearest::of(mapped.len(), cols, |pixel| mapped[pixel]);
        compared.to_map = distances(&self.boundary, &mut to_mapped, size, ground);
        compared.to_truth = distances(&mapped, &mut self.to_boundary, size, ground);
        compared
    }
}

/// 1 where values are of a class, 0 where they are of another, [`NO_CLASS`] where they count nowhere.
fn binary(values: &[f32], masked: &[bool], class: u8) -> Vec<u8> {
    let of = |(value, masked): (&f32, &bool)| if *masked { NO_CLASS } else { u8::from(*value == f32::from(class)) };
    values.iter().zip(masked).map(of).collect()
}

/// Which pixels have one beside them that is known and of another class.
fn boundary(binary: &[u8], [rows, cols]: [usize; 2]) -> Vec<bool> {
    let is_at = |pixel: usize| {
        let (row, col) = (pixel / cols, pixel % cols);
        binary[pixel] == 1
            && (row > 0 && binary[pixel - cols] == 0
                || row + 1 < rows && binary[pixel + cols] == 0
                || col > 0 && binary[pixel - 1] == 0
                || col + 1 < cols && binary[pixel + 1] == 0)
    };
    (0..binary.len()).map(is_at).collect()
}

/// How far each of some pixels is from the nearest of others, metres of its own row.
fn distances(of: &[bool], nearest: &mut Nearest, [rows, cols]: [usize; 2], ground: &Ground) -> Vec<f32> {
    let mut found = Vec::new();
    for row in (0..rows).filter(|row| of[row * cols..][..cols].contains(&true)) {
        let (across, down) = ground.size(row);
        nearest.along(row, (across, down), |pixel, other| {
            if of[pixel] {
                let [rows, cols] = [(row.abs_diff(other / cols)) as f64, ((pixel % cols).abs_diff(other % cols)) as f64];
                found.push((cols * across).hypot(rows * down) as f32);
            }
        });
    }
    found
}
