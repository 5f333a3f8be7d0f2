//! The land and ice of a scene on a day: what each pixel is, how high it lies, and where it lies in the fjord.

use super::super::field::Field;
use super::super::noise::{Noise, smoothstep};
use super::super::rows;
use super::fjord::{Along, Fjord};
use crate::data::day::Day;

/// What a pixel is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// Bare rock.
    #[default]
    Rock,
    /// Ice and snow on the land around; it belongs to the glacier.
    Upland,
    /// The glacier in the fjord.
    Tongue,
    /// Water, whatever swims on it.
    Sea,
}

/// A scene's ground.
pub struct Ground {
    /// What each pixel is, row after row.
    pub kind: Vec<Kind>,
    /// Height, m.
    pub height: Field,
    /// How far downstream of the front each pixel lies, m; negative on the tongue's side.
    pub ahead: Field,
    /// Where each pixel lies in the fjord.
    pub along: Vec<Along>,
}

/// Slope of ground on which no snow stays.
const BARE: f32 = 0.55;

impl Ground {
    /// The ground of a glacier on a day, on `rows × cols` pixels of `cell` metres; `noise` is the glacier's own.
    pub fn of(fjord: &Fjord, [rows, cols]: [usize; 2], cell: f32, day: Day, noise: &Noise) -> Ground {
        let place = |row: usize, col: usize| ((col as f32 + 0.5) * cell, (row as f32 + 0.5) * cell);
        let nowhere = Along { length: 0.0, across: 0.0, half: 0.0 };
        let mut along = vec![nowhere; rows * cols];
        rows::fill(&mut along, cols, |row, line| {
            line.iter_mut().enumerate().for_each(|(col, at)| {
                let (x, y) = place(row, col);
                *at = fjord.along(x, y);
            });
        });
        let side = fjord.side();
        let grid = Field { rows, cols, cell, values: vec![0.0; rows * cols] };
        let height = grid.like(|i| {
            let (x, y) = place(i / cols, i % cols);
            height(along[i].outside() / side, x / side, y / side, noise) * side
        });
        let ahead = grid.like(|i| along[i].length - fjord.front(along[i], day));
        // Single pixels of rock are none.
        let steep = grid.like(|i| {
            let (east, south) = height.gradient(i);
            let (x, y) = place(i / cols, i % cols);
            f32::from(u8::from(east.hypot(south) > BARE + 0.3 * noise.fractal(x / (0.2 * side) + 50.0, y / (0.2 * side), 3)))
        });
        let rock = steep.smoothed(1);
        let kind = (0..rows * cols).map(|i| {
            let (x, y) = place(i / cols, i % cols);
            if along[i].outside() < 0.0 {
                return if ahead.values[i] < 0.0 { Kind::Tongue } else { Kind::Sea };
            }
            // A rim of rock along the water, with gaps where ice hangs down to it.
            let rim = side * (0.035 + 0.075 * noise.fractal(x / (0.17 * side), y / (0.17 * side) + 30.0, 2));
            let is_rock = rock.values[i] > 0.5 || along[i].outside() < rim;
            if is_rock { Kind::Rock } else { Kind::Upland }
        });
        Ground { kind: kind.collect(), height, ahead, along }
    }
}

/// Height at a place, as everything here a share of the scene's side; `outside`: how far outside the fjord.
fn height(outside: f32, x: f32, y: f32, noise: &Noise) -> f32 {
    if outside <= 0.0 {
        return 0.006;
    }
    let wall = 0.036 * smoothstep(0.0, 0.08, outside) + 0.10 * smoothstep(0.03, 0.45, outside);
    let (warped_x, warped_y) =
        (x + 0.10 * noise.fractal(x / 0.25, y / 0.25 + 70.0, 3), y + 0.10 * noise.fractal(x / 0.25 + 70.0, y / 0.25, 3));
    let ridges = 0.10 * noise.ridged(warped_x / 0.45 + 3.0, warped_y / 0.45, 3) * smoothstep(0.0, 0.16, outside);
    0.006 + wall + ridges + 0.022 * noise.fractal(x / 0.15, y / 0.15 + 11.0, 3) * smoothstep(0.0, 0.08, outside)
}
