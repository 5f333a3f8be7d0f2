//! Real geography instead of an invented one: a land mask, a coarse elevation model and, where given, an ice mask, on the scene's grid.
//!
//! Folder: `landMask_100m.tif` (−1 ocean, 1 land), `dem_coarse_etopo_1km.tif` (m) and optionally `iceMask_100m.tif` (1 = ice-free land),
//! all with the same upper left corner and extent. The coarse elevation is interpolated and gets fine terrain of its own relief's size. A
//! record of runoff beside them makes the seasons real ([`runoff`](super::runoff)).

use std::path::Path;

use super::georeference::cut;
use super::noise::{Noise, mix, smoothstep};
use super::rows;
use super::terrain::{SCENE_KM, Terrain};
use crate::data::geotags::GeoTags;
use crate::data::raster::Raster;
use crate::error::{Error, Result};
use crate::random::Purpose;

/// A raster in memory.
struct Grid {
    rows: usize,
    cols: usize,
    values: Vec<f32>,
}

impl Grid {
    fn read(path: &Path) -> Result<Self> {
        let raster = Raster::open(path)?;
        let grid = Grid { rows: raster.rows(), cols: raster.cols(), values: raster.read_all()? };
        if grid.rows == 0 || grid.cols == 0 || grid.values.len() != grid.rows * grid.cols {
            return Err(Error::input(path, "holds no pixels; give a raster of the scene"));
        }
        Ok(grid)
    }

    /// Share of the pixels in a box (fractions of the height from the top left) that hold exactly `wanted`.
    fn share(&self, top: f64, left: f64, side: f64, wanted: f32) -> f32 {
        let scale = self.rows as f64;
        let span = |from: f64, most: usize| {
            let first = ((from * scale) as usize).min(most - 1);
            first..(((from + side) * scale).round() as usize).clamp(first + 1, most)
        };
        let (mut hits, mut seen) = (0u32, 0u32);
        for row in span(top, self.rows) {
            for col in span(left, self.cols) {
                seen += 1;
                hits += u32::from(self.values[row * self.cols + col] == wanted);
            }
        }
        hits as f32 / seen.max(1) as f32
    }

    /// A coarser grid of `rows` rows with the shares of the pixels that hold exactly `wanted`.
    fn shares(&self, wanted: f32, rows: usize) -> Grid {
        let side = 1.0 / rows as f64;
        let cols = (self.cols as f64 / self.rows as f64 * rows as f64).ceil() as usize;
        let values = rows::map(rows, cols, |row, col| self.share(row as f64 * side, col as f64 * side, side, wanted));
        Grid { rows, cols, values }
    }

    /// Bilinear value at a point in fractions of the height; missing values count as 0.
    fn at(&self, down: f64, right: f64) -> f32 {
        let place = |v: f64, most: usize| (v * self.rows as f64 - 0.5).clamp(0.0, most as f64 - 1.0);
        let (y, x) = (place(down, self.rows), place(right, self.cols));
        let (row, col) = (y as usize, x as usize);
        let pick = |r: usize, c: usize| {
            Some(self.values[r.min(self.rows - 1) * self.cols + c.min(self.cols - 1)]).filter(|v| v.is_finite()).unwrap_or(0.0)
        };
        let t = (x - col as f64) as f32;
        let (top, bottom) = (mix(pick(row, col), pick(row, col + 1), t), mix(pick(row + 1, col), pick(row + 1, col + 1), t));
        mix(top, bottom, (y - row as f64) as f32)
    }
}

/// Pixels of the grid that tells how rocky the surroundings are, km.
const ROCK_KM: f32 = 0.9;
const LAND_MASK: &str = "landMask_100m.tif";

/// Rows and columns of the geography in a folder, those of its land mask.
///
/// # Errors
/// [`Error::Input`] where the land mask is missing or unreadable.
pub fn full_size(folder: &Path) -> Result<(usize, usize)> {
    let mask = Raster::open(folder.join(LAND_MASK))?;
    Ok((mask.rows(), mask.cols()))
}

/// Tags of the cut of a folder's scene that [`Terrain::read`] makes; none where its land mask has no north-up georeference.
///
/// # Errors
/// [`Error::Input`] where the land mask is missing or unreadable.
pub fn cut_tags(folder: &Path, rows: usize, cols: usize) -> Result<Option<GeoTags>> {
    let mask = Raster::open(folder.join(LAND_MASK))?;
    let side = mask.rows() as f64 / rows.max(1) as f64;
    Ok(cut(mask.geo(), side, (mask.cols() as f64 - cols as f64 * side) / 2.0))
}

/// Columns of `rows` rows with the proportions of a mask.
fn columns(mask_rows: usize, mask_cols: usize, rows: usize) -> usize {
    (mask_cols as f64 / mask_rows.max(1) as f64 * rows as f64).floor() as usize
}

impl Terrain {
    /// The geography of a folder on a grid of `rows × cols`; the rows span the folder's scene, the columns a part of its width, centred.
    ///
    /// # Errors
    /// [`Error::Input`] where a file is missing or unreadable; [`Error::Usage`] where the grid is wider than the scene, or shows
    /// almost no land.
    pub fn read(folder: &Path, rows: usize, cols: usize, seed: u64) -> Result<Self> {
        let mask = Grid::read(&folder.join(LAND_MASK))?;
        let coarse = Grid::read(&folder.join("dem_coarse_etopo_1km.tif"))?;
        let ice_path = folder.join("iceMask_100m.tif");
        let ice = if ice_path.exists() { Some(Grid::read(&ice_path)?) } else { None };
        let width = mask.cols as f64 / mask.rows as f64;
        let side = 1.0 / rows as f64;
        let most = columns(mask.rows, mask.cols, rows);
        if cols > most {
            let message =
                format!("--size {rows}x{cols}: {} is {most} columns wide at {rows} rows; use --size {rows}x{most}", folder.display());
            return Err(Error::Usage(message));
        }
        let margin = (width - cols as f64 * side) / 2.0;

        let (noise, fine) = (Noise::new(seed, Purpose::Terrain, 0), Noise::new(seed, Purpose::Terrain, 1));
        let km = SCENE_KM / rows.max(1) as f32;
        let land = rows::map(rows, cols, |row, col| mask.share(row as f64 * side, margin + col as f64 * side, side, 1.0) >= 0.5);
        // Rock in a kilometre or so around.
        let soft_rock = ice.as_ref().map(|ice| ice.shares(1.0, rows.min((SCENE_KM / ROCK_KM) as usize)));
        // Height, rock and valley.
        let ground = rows::map(rows, cols, |row, col| {
            let (top, left) = (row as f64 * side, margin + col as f64 * side);
            let (down, right) = (top + 0.5 * side, left + 0.5 * side);
            let (x, y) = ((col as f32 + 0.5) * km, (row as f32 + 0.5) * km);
            if !land[row * cols + col] {
                return [52.0 + 16.0 * noise.fractal(x / 90.0, y / 90.0, 2), 0.0, 0.0];
            }
            let height = coarse.at(down, right).max(0.0);
            // Relief within some four kilometres tells mountains and troughs from the plateau.
            let reach = 0.014;
            let around = [(0.0, reach), (0.0, -reach), (reach, 0.0), (-reach, 0.0)].map(|(d, r)| coarse.at(down + d, right + r).max(0.0));
            let mean = around.iter().sum::<f32>() / 4.0;
            let relief = around.iter().map(|h| (h - mean).abs()).fold(0.0, f32::max);
            let rugged = smoothstep(120.0, 420.0, relief) * smoothstep(2300.0, 1600.0, height);
            let bare = ice.as_ref().map_or(rugged, |grid| grid.share(top, left, side, 1.0));
            // Valleys follow the zero lines of warped noise; another noise ends them, or they would run in closed loops.
            let bend = |shift: f32| 2.4 * fine.fractal(x / 5.0 + shift, y / 5.0, 4);
            let line = noise.at((x + bend(30.0)) / 11.0 + 50.0, (y + bend(60.0)) / 15.0 + 50.0).abs();
            let open = smoothstep(-0.35, 0.15, noise.fractal(x / 7.0, y / 7.0 + 80.0, 2));
            let channel = smoothstep(0.74, 0.94, 1.0 - 2.0 * line) * open;
            // The height of the ridges ends softly at the margin of the ice, lest there be a cliff.
            let mountains = soft_rock.as_ref().map_or(rugged, |grid| grid.at(down, right)).max(0.5 * rugged);
            let valley = (mountains * channel).max(smoothstep(60.0, 260.0, mean - height) * smoothstep(1500.0, 900.0, height));
            let crests = 620.0 * mountains * (noise.ridged(x / 14.0, y / 20.0, 5) - 0.33 - 0.5 * channel);
            let detail = 25.0 * fine.fractal(x / 8.0, y / 8.0, 5);
            [(height + crests + detail + 48.0).clamp(50.0, 3439.0), bare * (1.0 - 0.75 * valley), valley]
        });
        let [dem, rock, valley] = [0, 1, 2].map(|field| ground.iter().map(|pixel| pixel[field]).collect());
        let terrain = Terrain { rows, cols, dem, land, rock, valley };
        let land = terrain.land.iter().filter(|l| **l).count();
        if land < rows * cols / 20 {
            return Err(Error::Usage(format!(
                "{}: less than a twentieth of this cut is land; choose another folder or size",
                folder.display()
            )));
        }
        Ok(terrain)
    }
}
