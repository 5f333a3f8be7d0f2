//! Windows of memory-mapped rasters against memcpy of the same bytes, in one run: `cargo bench --bench read_windows`.
//!
//! Eight scenes of 2863 × 1633 float32 pixels are written uncompressed, read once so that the system has them cached, and then random
//! windows of 512 × 512 pixels are copied out of them and, in turn, windows of the same shape out of matrices in memory. The ratio of the
//! two rates is the answer; exit status 1 where it is below 0.8.

use meltcore::data::Window;
use meltcore::data::geotags::GeoTags;
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::process::ExitCode;
use std::time::Instant;

const SCENE: [usize; 2] = [2863, 1633];
const SIDE: usize = 512;
const SCENES: usize = 8;
const WINDOWS: usize = 400;
const ROUNDS: usize = 9;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<ExitCode, Failure> {
    let folder = tempfile::tempdir()?;
    let [rows, cols] = SCENE;
    let pixels: Vec<f32> = (0..rows * cols).map(|i| (i % 8191) as f32).collect();
    let mut rasters = Vec::new();
    for scene in 0..SCENES {
        let path = folder.path().join(format!("{scene}.tif"));
        write_geotiff(&path, rows, cols, &pixels, &GeoTags::default())?;
        rasters.push(Raster::open(&path)?);
    }
    if !rasters.iter().all(Raster::is_mapped) {
        return Err("the scenes are not memory-mapped on this machine".into());
    }
    let matrices: Vec<Vec<f32>> = rasters.iter().map(Raster::read_all).collect();

    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut below = |bound: usize| (rng.next_u64() % bound as u64) as usize;
    let windows: Vec<(usize, Window)> = (0..WINDOWS)
        .map(|_| (below(SCENES), Window { row: below(rows - SIDE), col: below(cols - SIDE), height: SIDE, width: SIDE }))
        .collect();
    let mut out = vec![0.0; SIDE * SIDE];
    let (mut mapped, mut copied) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        for (scene, window) in &windows {
            rasters[*scene].read_window(*window, &mut out)?;
        }
        mapped.push(started.elapsed().as_secs_f64());
        let started = Instant::now();
        for (scene, window) in &windows {
            for (row, target) in out.chunks_exact_mut(SIDE).enumerate() {
                target.copy_from_slice(&matrices[*scene][(window.row + row) * cols + window.col..][..SIDE]);
            }
            std::hint::black_box(&mut out);
        }
        copied.push(started.elapsed().as_secs_f64());
    }
    let gib = (WINDOWS * SIDE * SIDE * size_of::<f32>()) as f64 / f64::from(1 << 30);
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        gib / times[times.len() / 2]
    };
    let (mapped, copied) = (median(&mut mapped), median(&mut copied));
    println!("windows of {SIDE} × {SIDE} from mapped files: {mapped:.2} GiB/s; memcpy: {copied:.2} GiB/s; ratio {:.2}", mapped / copied);
    Ok(if mapped >= 0.8 * copied { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
