//! Windows of memory-mapped rasters beside memcpy of the same bytes: `cargo bench --bench read_windows`.
//!
//! Eight scenes of 2863 × 1633 float32 pixels are written uncompressed, read once so that the system has them cached, and then random
//! windows of 512 × 512 pixels are copied out of them (`mapped`) or out of matrices in memory (`memcpy`). The ratio of the two rates is
//! the answer: below 0.8 reading has become the slower part of a loader.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use meltcore::data::Window;
use meltcore::data::geotags::GeoTags;
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use meltcore::error::Result;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const SCENE: [usize; 2] = [2863, 1633];
const SIDE: usize = 512;
const SCENES: usize = 8;
const WINDOWS: usize = 64;

fn scenes(folder: &Path) -> Result<Vec<Raster>> {
    let [rows, cols] = SCENE;
    let pixels: Vec<f32> = (0..rows * cols).map(|i| (i % 8191) as f32).collect();
    let scene = |scene: usize| {
        let path = folder.join(format!("{scene}.tif"));
        write_geotiff(&path, rows, cols, &pixels, &GeoTags::default())?;
        Raster::open(&path)
    };
    (0..SCENES).map(scene).collect()
}

fn read_windows(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rasters = scenes(folder.path()).expect("scenes written and opened");
    assert!(rasters.iter().all(Raster::is_mapped), "the scenes are not memory-mapped on this machine");
    // This also brings every page into the cache.
    let matrices: Vec<Vec<f32>> = rasters.iter().map(|raster| raster.read_all().expect("a readable scene")).collect();

    let [rows, cols] = SCENE;
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut below = |bound: usize| (rng.next_u64() % bound as u64) as usize;
    let windows: Vec<(usize, Window)> = (0..WINDOWS)
        .map(|_| (below(SCENES), Window { row: below(rows - SIDE), col: below(cols - SIDE), height: SIDE, width: SIDE }))
        .collect();
    let mut out = vec![0.0; SIDE * SIDE];

    let mut group = criterion.benchmark_group("read_windows");
    group.throughput(Throughput::Bytes((WINDOWS * SIDE * SIDE * size_of::<f32>()) as u64));
    group.bench_function("mapped", |bencher| {
        bencher.iter(|| {
            for (scene, window) in &windows {
                rasters[*scene].read_window(*window, &mut out).expect("a window inside the scene");
                black_box(&mut out);
            }
        })
    });
    meltcore::data::mapped::set_mapping(false);
    let unmapped: Vec<Raster> = rasters.iter().map(|raster| Raster::open(raster.path()).expect("a scene opened again")).collect();
    meltcore::data::mapped::set_mapping(true);
    group.bench_function("unmapped", |bencher| {
        bencher.iter(|| {
            for (scene, window) in &windows {
                unmapped[*scene].read_window(*window, &mut out).expect("a window inside the scene");
                black_box(&mut out);
            }
        })
    });
    group.bench_function("memcpy", |bencher| {
        bencher.iter(|| {
            for (scene, window) in &windows {
                for (row, target) in out.chunks_exact_mut(SIDE).enumerate() {
                    target.copy_from_slice(&matrices[*scene][(window.row + row) * cols + window.col..][..SIDE]);
                }
                black_box(&mut out);
            }
        })
    });
    group.finish();
}

criterion_group!(benches, read_windows);
criterion_main!(benches);
