//! The invented glacier scenes against what scenes of glaciers look like, and the written dataset against its own configurations.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use meltcore::config::Config;
use meltcore::data::crs::Crs;
use meltcore::data::dataset::Dataset;
use meltcore::data::day::Split;
use meltcore::data::raster::Raster;
use meltcore::synth::glacier::recipe::Network;
use meltcore::synth::glacier::region::REGIONS;
use meltcore::synth::glacier::{CELL, GlacierOptions, GlacierScene, UNLABELLED, write_dataset};
use rayon::prelude::*;

/// The scenes of the default dataset.
static SCENES: LazyLock<Vec<GlacierScene>> = LazyLock::new(|| {
    let options = GlacierOptions::default();
    (0..options.scenes).into_par_iter().map(|number| GlacierScene::new(&options, number).unwrap()).collect()
});

const SMALL: GlacierOptions = GlacierOptions { rows: 80, cols: 64, scenes: 4, seed: 5, mask_clouds: false };

fn bits(scene: &GlacierScene) -> Vec<u32> {
    let numbers = scene.optical.iter().chain(&scene.dem).flat_map(|field| field.values.iter().map(|value| value.to_bits()));
    numbers.chain(scene.classes.iter().map(|class| u32::from(*class))).collect()
}

fn is_glacier(scene: &GlacierScene) -> impl Iterator<Item = bool> {
    scene.classes.iter().map(|class| *class == 1)
}

fn glacier_share(scene: &GlacierScene) -> f64 {
    is_glacier(scene).filter(|is| *is).count() as f64 / scene.classes.len() as f64
}

/// The best intersection over union of "at least a threshold" with the glaciers.
fn best_threshold(scores: impl Iterator<Item = (f32, bool)>) -> f64 {
    let mut sorted: Vec<(f32, bool)> = scores.collect();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let glacier = sorted.iter().filter(|pixel| pixel.1).count();
    let (mut hit, mut best) = (0, 0.0f64);
    for (taken, (_, is_glacier)) in sorted.into_iter().enumerate() {
        hit += usize::from(is_glacier);
        best = best.max(hit as f64 / (taken + 1 + glacier - hit) as f64);
    }
    best
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let with_threads = |threads: usize, options: GlacierOptions| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| bits(&GlacierScene::new(&options, 2).unwrap()))
    };
    let one = with_threads(1, SMALL);
    assert_eq!(one, with_threads(3, GlacierOptions { scenes: 9, ..SMALL }));
    assert_ne!(one, with_threads(3, GlacierOptions { seed: 6, ..SMALL }));
}

#[test]
fn values_are_those_of_mountains_and_satellites() {
    for scene in SCENES.iter() {
        let name = &scene.name;
        let share = glacier_share(scene);
        assert!((0.1..0.6).contains(&share), "{name}: glacier share {share:.3}");
        assert!(scene.classes.iter().all(|class| *class <= 1), "{name}");
        let all = scene.optical.iter().flat_map(|band| &band.values);
        assert!(all.clone().all(|value| (0.0..2.0).contains(value)), "{name}: reflectance beyond 0…2");
        let mean = |band: usize, of: bool| {
            let pixels = scene.optical[band].values.iter().zip(is_glacier(scene)).filter(|(_, is)| *is == of);
            let (sum, count) = pixels.fold((0.0, 0), |(sum, count), (value, _)| (sum + f64::from(*value), count + 1));
            sum / f64::from(count)
        };
        // Ice and snow are bright where one sees and dark beyond; what lies around is neither.
        assert!(mean(0, true) > 1.3 * mean(0, false) && mean(0, true) > 2.0 * mean(4, true), "{name}");
        let heights = &scene.dem[0].values;
        let equilibrium = scene.region.equilibrium;
        let above = heights.iter().filter(|height| **height > equilibrium).count() as f64 / heights.len() as f64;
        assert!((0.1..0.9).contains(&above), "{name}: {above:.2} of the land above the equilibrium");
    }
    let codes: BTreeSet<&str> = SCENES.iter().map(|scene| scene.region.code).collect();
    assert_eq!(codes.len(), REGIONS.len());
}

#[test]
fn slope_is_that_of_the_elevation() {
    let scene = &SCENES[1];
    let [height, slope] = &scene.dem;
    for row in 1..height.rows - 1 {
        for col in 1..height.cols - 1 {
            let z = |down: usize, right: usize| f64::from(height.values[(row + down - 1) * height.cols + col + right - 1]);
            let east = z(0, 2) + 2.0 * z(1, 2) + z(2, 2) - z(0, 0) - 2.0 * z(1, 0) - z(2, 0);
            let south = z(2, 0) + 2.0 * z(2, 1) + z(2, 2) - z(0, 0) - 2.0 * z(0, 1) - z(0, 2);
            let want = (east.hypot(south) / (8.0 * f64::from(CELL))).atan().to_degrees();
            let got = f64::from(slope.values[row * height.cols + col]);
            assert!((got - want).abs() < 0.02, "{row}, {col}: {got}, not {want}");
        }
    }
}

#[test]
fn no_threshold_draws_the_outlines() {
    let ratio = SCENES.iter().flat_map(|scene| {
        let [_, _, red, _, infrared, _] = &scene.optical;
        red.values.iter().zip(&infrared.values).map(|(red, infrared)| red / infrared.max(1e-4)).zip(is_glacier(scene))
    });
    let ratio = best_threshold(ratio);
    assert!((0.5..0.85).contains(&ratio), "red over short-wave infrared: {ratio:.3}");
    // Tongues reach down, crests stand out: outlines are no contour lines.
    for scene in SCENES.iter() {
        let height = best_threshold(scene.dem[0].values.iter().copied().zip(is_glacier(scene)));
        assert!(height < 0.8, "{}: elevation alone {height:.3}", scene.name);
    }
}

#[test]
fn clouds_take_classes_only_where_asked() {
    let masked = GlacierOptions { rows: 96, cols: 96, mask_clouds: true, ..GlacierOptions::default() };
    let found = (0..8).into_par_iter().map(|number| {
        let with = GlacierScene::new(&masked, number).unwrap();
        let without = GlacierScene::new(&GlacierOptions { mask_clouds: false, ..masked.clone() }, number).unwrap();
        assert!(without.classes.iter().all(|class| *class != UNLABELLED));
        assert!(with.classes.iter().zip(&without.classes).all(|(with, without)| with == without || *with == UNLABELLED));
        with.classes.iter().filter(|class| **class == UNLABELLED).count()
    });
    let found: Vec<usize> = found.collect();
    assert!(found.iter().any(|count| *count > 100) && found.contains(&0), "{found:?}");
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn written_datasets_load_with_their_configurations() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("it's # a set");
    let heard = Mutex::new(0);
    let options = GlacierOptions { scenes: 13, ..SMALL };
    let summary = write_dataset(&out, &options, || *heard.lock().unwrap() += 1).unwrap();
    assert_eq!((*heard.lock().unwrap(), summary.lists), (13, [8, 2, 2, 1]));

    let list = |name: &str| lines(&out.join(format!("splits/{name}.csv")));
    let apart = ["train", "val", "test", "deploy"].map(list).concat();
    let names: BTreeSet<&String> = apart.iter().collect();
    assert_eq!((apart.len(), names.len()), (13, 13), "a scene is in two lists");
    assert_eq!(list("all").len(), 12);
    let numbers = [list("train"), list("val"), list("test")].concat();
    assert!(list("all").iter().all(|name| numbers.contains(name)));

    let mut corners = Vec::new();
    let wanted = [
        ("ALP-01-01", "EPSG:32632"),
        ("HMA-01-01", "EPSG:32644"),
        ("SC-01-01", "EPSG:32633"),
        ("NZ-01-01", "EPSG:32759"),
        ("ALP-01-03", "EPSG:32632"),
    ];
    for (number, (name, system)) in wanted.into_iter().enumerate() {
        let scene = GlacierScene::new(&options, number).unwrap();
        assert_eq!(scene.name, name);
        for (kind, bands, fields) in [("optical", 6, &scene.optical[..]), ("dem", 2, &scene.dem)] {
            let file = out.join(kind).join(format!("{name}.tif"));
            for (band, field) in fields.iter().enumerate() {
                assert_eq!(Raster::open_band(&file, band).unwrap().read_all().unwrap(), field.values);
            }
            assert!(fields.len() == bands && Raster::open_band(&file, bands).is_err());
            let raster = Raster::open_band(&file, 0).unwrap();
            assert_eq!((raster.rows(), raster.cols()), (80, 64));
            let transform = raster.geo().transform().unwrap();
            assert_eq!((transform.col_x, transform.row_y), (30.0, -30.0));
            assert_eq!(Crs::of_tags(raster.geo()).unwrap(), Crs::of_definition(system));
            assert_eq!([transform.origin_x, transform.origin_y], scene.corner());
        }
        let classes = Raster::open(out.join("classes").join(format!("{name}.tif"))).unwrap();
        let want: Vec<f32> = scene.classes.iter().map(|class| f32::from(*class)).collect();
        assert_eq!(classes.read_all().unwrap(), want);
        corners.push((scene.region.code, scene.corner()));
    }
    let (first, second) = (corners[0], corners[4]);
    assert!(first.0 == second.0 && second.1[0] >= first.1[0] + 64.0 * 30.0, "tiles lie on each other: {first:?}, {second:?}");

    for network in Network::ALL {
        let config = Config::load(&out.join(network.file()), &[]).unwrap();
        assert_eq!(config.classes, ["background", "glacier"]);
        // The least values and ranges of the training data that GlaViTU's program scales by.
        assert!((config.mean["optical_b3"] + config.std["optical_b3"] - 2.2303).abs() < 1e-9 && config.mean["dem_b2"] == 0.0);
        for split in [Split::Train, Split::Val, Split::Test, Split::Eval, Split::All, Split::Deploy] {
            let dataset = Dataset::open(&config, split).unwrap();
            assert!(!dataset.days().is_empty(), "{split} is empty");
            assert_eq!(dataset.scene(0), [80, 64]);
        }
    }
}

#[test]
fn impossible_options_are_errors() {
    let default = GlacierOptions::default;
    for (options, wanted) in [
        (GlacierOptions { rows: 63, ..default() }, "63x256"),
        (GlacierOptions { cols: 1 << 40, ..default() }, "64 to 2048"),
        (GlacierOptions { scenes: 3, ..default() }, "--scenes 3"),
        (GlacierOptions { scenes: 1_000_000, ..default() }, "4 to 1000"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("set");
        let refused = write_dataset(&out, &options, || {}).unwrap_err().to_string();
        assert!(refused.contains(wanted) && refused.lines().count() == 1, "{refused}");
        assert!(GlacierScene::new(&options, 0).is_err() && !out.exists());
    }
}
