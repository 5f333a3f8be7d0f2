//! Where water runs: hollows filled from the edges inwards, the steepest way down of every pixel, and what lies above it.
//!
//! Source: Barnes, Lehman, Mulla, "Priority-flood" (2014) for the filling; the eight directions of O'Callaghan and Mark (1984).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::super::field::Field;

/// What a filled pixel is higher than the one that it was filled from, m.
const STEP: f32 = 0.01;

/// The drainage of a terrain.
#[derive(Debug, Clone)]
pub struct Drainage {
    /// All pixels, from the edges upwards: each behind the one that it runs into.
    pub order: Vec<usize>,
    /// The pixel that each runs into; itself at the edges.
    pub into: Vec<usize>,
    /// Distance to that in pixels, 1 or √2; 1 at the edges.
    pub distance: Vec<f32>,
}

impl Drainage {
    /// Fills the hollows of a terrain and finds its drainage.
    pub fn of(terrain: &mut Field) -> Drainage {
        let count = terrain.values.len();
        // Heights above 0 order as their bits do; a large constant makes all of them so.
        let key = |z: f32| (z + 30_000.0).to_bits();
        let mut heap = BinaryHeap::new();
        let mut is_reached = vec![false; count];
        for (index, reached) in is_reached.iter_mut().enumerate() {
            let (row, col) = (index / terrain.cols, index % terrain.cols);
            if row == 0 || col == 0 || row + 1 == terrain.rows || col + 1 == terrain.cols {
                *reached = true;
                heap.push(Reverse((key(terrain.values[index]), index as u32)));
            }
        }
        let (mut order, mut into, mut distance) = (Vec::with_capacity(count), (0..count).collect::<Vec<_>>(), vec![1.0; count]);
        let mut done = vec![false; count];
        while let Some(Reverse((_, index))) = heap.pop() {
            let index = index as usize;
            order.push(index);
            done[index] = true;
            for (next, _) in terrain.neighbours(index) {
                if !is_reached[next] {
                    is_reached[next] = true;
                    terrain.values[next] = terrain.values[next].max(terrain.values[index] + STEP);
                    into[next] = index;
                    heap.push(Reverse((key(terrain.values[next]), next as u32)));
                }
            }
            if into[index] == index {
                continue;
            }
            // The steepest way to what came before; that it was filled from is one of them.
            let drop = |(to, far): (usize, f32)| (terrain.values[index] - terrain.values[to]) / far;
            let ways = terrain.neighbours(index).filter(|(to, _)| done[*to]);
            let steepest = ways.fold(None, |best: Option<(usize, f32)>, way| match best {
                Some(best) if drop(best) >= drop(way) => Some(best),
                _ => Some(way),
            });
            if let Some((to, far)) = steepest {
                (into[index], distance[index]) = (to, far);
            }
        }
        Drainage { order, into, distance }
    }

    /// The sum of a weight over each pixel and all that run into it.
    pub fn gathered(&self, weight: impl Fn(usize) -> f32) -> Vec<f32> {
        let mut sums: Vec<f32> = (0..self.into.len()).map(weight).collect();
        for &index in self.order.iter().rev() {
            if self.into[index] != index {
                sums[self.into[index]] += sums[index];
            }
        }
        sums
    }
}
